"""Questions to policies that come along with them, as JSON.

    {"id": 1, "policy": {"Version": …}, "owner": "acme", "caller": {"org": "b", "key": "k",
     "level": "read"}, "action": "s3:GetObject", "bucket": "models", "key": "a", "context": {}}
    {"id": 1, "verdict": "denied", "reason": "nothing_allows", …}

`policy` is an object, a text or null (the bucket has none); lines of an object are those that it
has when it is written with an indent of 2. `caller` is an object, "anonymous", or without `key` the
root of an organisation. With a `context` the request has those condition keys and no other; without
one nothing was said of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args

from cloison.render.formats import FORMATS, written
from cloison.views.asked_lines import Question, decision_row, text_of
from compiler.decisions.storage.actions import ON_OBJECTS, Level, canonical
from compiler.decisions.storage.bucket_policy import StoragePolicy
from compiler.decisions.storage.patterns import PARTS
from compiler.decisions.storage.read_policy import read_policy
from compiler.decisions.storage.requests_for_buckets import BucketRequest, Caller, resource_of
from compiler.decisions.storage.storage_semantics import HeldBucket, decide, decide_current
from fabric.diagnostics import Diagnostics

KNOWN = (
    *("policy", "owner", "gave_up", "organisation_policies", "dialect", "caller", "action"),
    *("bucket", "key", "resource", "context", "missing"),
)
SCHEMA = "cloison/storage-answers/1"
LEVELS: tuple[Level, ...] = get_args(Level)
DIALECTS = ("legacy", "current")


def bucket_answer(asked: Question) -> dict[str, Any]:
    """What a request gets; raises ValueError or `InputError`."""
    dialect = asked.get("dialect", "legacy")
    if dialect not in DIALECTS:
        raise ValueError(f"dialect is one of {', '.join(DIALECTS)}")
    noted = Diagnostics()
    bucket = HeldBucket(
        text_of(asked, "owner"),
        _policy(asked.get("policy"), "policy", noted),
        gave_up=_flag(asked, "gave_up"),
    )
    listed = asked.get("organisation_policies", [])
    if not isinstance(listed, list):
        raise ValueError("organisation_policies is no list")
    given = [_policy(one, "organisation policy", noted, of_bucket=False) for one in listed]
    noted.check()
    request = _request(asked, bucket)
    if dialect == "current":
        organisation = [one for one in given if one is not None]
        found = decide_current(organisation, bucket, request)
    elif listed:
        raise ValueError("the legacy dialect has no organisation_policies")
    else:
        found = decide(bucket, request)
        if _flag(asked, "missing") and request.action == "s3:GetObject":
            found = _of_missing(bucket, request)
    warnings = [str(one) for one in noted.warnings]
    return {**decision_row(found), **({"warnings": warnings} if warnings else {})}


def _of_missing(bucket: HeldBucket, request: BucketRequest) -> Any:
    """What a request for an object that is not there gets: that it is not there is told to who may
    list it."""
    name, _, key = request.resource.split(":", PARTS - 1)[-1].partition("/")
    listing = BucketRequest(
        request.caller,
        "s3:ListBucket",
        resource_of(name),
        {**request.context, "s3:prefix": (key,)},
        request.complete,
    )
    return decide(bucket, listing)


def _flag(asked: Question, key: str) -> bool:
    value = asked.get(key, False)
    if not isinstance(value, bool):
        raise ValueError(f"{key} is true or false")
    return value


def _policy(
    value: Any, name: str, noted: Diagnostics, *, of_bucket: bool = True
) -> StoragePolicy | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, indent=2)
    return read_policy(text, name, noted, of_bucket=of_bucket)


def _request(asked: Question, bucket: HeldBucket) -> BucketRequest:
    name = text_of(asked, "action")
    if ":" not in name or "*" in name:
        raise ValueError("action is one action, such as s3:GetObject")
    action = canonical(name) or name
    if ("resource" in asked) is ("bucket" in asked):
        raise ValueError("say either resource or bucket")
    if "resource" in asked:
        resource = text_of(asked, "resource")
    else:
        key = text_of(asked, "key") if "key" in asked or action in ON_OBJECTS else None
        resource = resource_of(text_of(asked, "bucket"), key)
    if len(resource.split(":", PARTS - 1)) < PARTS:
        raise ValueError("resource is a name such as arn:aws:s3:::BUCKET/KEY")
    context = asked.get("context")
    if context is not None and not isinstance(context, dict):
        raise ValueError("context is no object")
    values = {key: _values(key, value) for key, value in (context or {}).items()}
    caller = _caller(asked.get("caller"), bucket)
    return BucketRequest(caller, action, resource, values, context is not None)


def _values(key: str, value: Any) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value]
    out = []
    for one in listed:
        if isinstance(one, bool):
            out.append(str(one).lower())
        elif isinstance(one, str | int | float):
            out.append(str(one))
        else:
            raise ValueError(f'context: "{key}" is no text, number or boolean, or a list of them')
    return tuple(out)


def _caller(value: Any, bucket: HeldBucket) -> Caller:
    if value == "anonymous":
        return Caller()
    if not isinstance(value, Mapping):
        raise ValueError('caller is "anonymous", or an object with org, key and level')
    if strange := sorted(value.keys() - {"org", "key", "level"}):
        raise ValueError(f"caller has no {', '.join(strange)}")
    org = text_of(dict(value), "org")
    if "key" not in value:
        if "level" in value:
            raise ValueError("the root of an organisation has no level")
        return Caller(org)
    level = value.get("level")
    if level is None and org != bucket.owner:
        return Caller(org, text_of(dict(value), "key"))  # of others' keys no level is asked
    if level not in LEVELS:
        raise ValueError(f"level of a key is one of {', '.join(LEVELS)}")
    return Caller(org, text_of(dict(value), "key"), level)


def written_answers(rows: list[dict[str, Any]], output: str) -> str:
    """Answers in a format; who reads them as text sees why there is none."""
    columns = None
    if FORMATS[output].cells == "text":
        columns = {key: key for key in ("id", "verdict", "reason", "because", "at", "conditions")}
        none = {"verdict": "no answer"}
        rows = [{**none, "because": one["error"], **one} if "error" in one else one for one in rows]
    title = "Requests to object storage"
    return written(rows, schema=SCHEMA, output=output, title=title, columns=columns)
