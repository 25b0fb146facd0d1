"""The RADOS gateway lets in whom we say, and refuses whom we say: random policies, every level.

What docs/limits.md says that release 16 does otherwise is not asked: keys that a request lacks,
opposites with several values, `Null` with false, whether TLS is missing, the root's hold on its
own policy.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from typing import Any

import pytest
from oracles import require
from rgw_gateway import LEVELS, PROGRAMS, Gateway, document, gateway

from compiler.decisions.storage.actions import Level
from compiler.decisions.storage.read_policy import read_policy
from compiler.decisions.storage.requests_for_buckets import BucketRequest, Caller, resource_of
from compiler.decisions.storage.storage_semantics import HeldBucket, decide
from fabric.diagnostics import Diagnostics

pytestmark = pytest.mark.oracle("rgw")
require(*PROGRAMS)
POLICIES, REQUESTS = 170, 13
ORGS = ("acme", "globex")
PRINCIPALS = (
    "*", "arn:aws:iam:::user/acme", "arn:aws:iam:::user/globex", "arn:aws:iam:::user/acme:read",
    "arn:aws:iam:::user/acme:write", "arn:aws:iam:::user/globex:full",
    "arn:aws:iam:::user/globex:*", "arn:aws:iam:::user/initech",
)  # fmt: skip
ACTIONS = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket", "s3:GetObjectAcl",
           "s3:Get*", "s3:Put*", "s3:*Object", "s3:*", "S3:getobject", "*")  # fmt: skip
RESOURCES = ("{b}", "{b}/*", "{b}/a*", "{b}*", "*", "{b}/x?b", "other/*")
AGENTS, REFERERS = ("cli/1", "browser"), ("https://x.example/a", "https://y.example/")
SENDERS = ("10.1.2.3", "11.0.0.1", "2001:db8::7")
CONDITIONS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("IpAddress", "aws:SourceIp", ("10.0.0.0/8", "2001:db8::/32")),
    ("NotIpAddress", "aws:SourceIp", ("10.0.0.0/8", "11.0.0.1")),
    ("StringEquals", "aws:UserAgent", AGENTS),
    ("StringNotEquals", "aws:UserAgent", AGENTS),
    ("StringLike", "aws:Referer", ("https://x.example/*", "*")),
    ("StringNotLike", "aws:Referer", ("https://x*", "?")),
    ("StringEqualsIgnoreCase", "aws:UserAgent", ("CLI/1", "Browser")),
    ("StringEqualsIfExists", "s3:prefix", ("a", "b")),
    ("StringEquals", "s3:prefix", ("a", "b")),
    ("NumericLessThanEquals", "s3:max-keys", ("5", "50")),
    ("NumericGreaterThan", "s3:max-keys", ("5", "50")),
    ("Bool", "aws:SecureTransport", ("true", "false")),
    ("DateGreaterThan", "aws:CurrentTime", ("2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z")),
    ("DateLessThan", "aws:CurrentTime", ("2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z")),
    ("Null", "aws:Referer", ("true",)),
)
KEYS = ("a", "x:b")
DONE = {"allowed": (200, 204), "denied": (403,)}


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with gateway(tmp_path_factory.mktemp("rgw")) as found:
        for org in ORGS:
            found.organisation(org)
        yield found


def some(draw: random.Random, among: tuple[str, ...]) -> list[str]:
    return draw.sample(among, draw.randint(1, min(2, len(among))))


def statement(draw: random.Random, bucket: str) -> dict[str, Any]:
    resources = [one.format(b=bucket) for one in some(draw, RESOURCES)]
    made: dict[str, Any] = {
        "Effect": draw.choice(("Allow", "Allow", "Deny")),
        "Principal": {"AWS": some(draw, PRINCIPALS)},
        "Action": some(draw, ACTIONS),
        "Resource": [one if one == "*" else f"arn:aws:s3:::{one}" for one in resources],
    }
    if draw.random() < 0.6:
        op, key, values = draw.choice(CONDITIONS)
        one = "Not" in op
        made["Condition"] = {op: {key: draw.choice(values) if one else some(draw, values)}}
    return made


def callers() -> list[tuple[str | None, Caller]]:
    """Keys of requests, and who they are."""
    found: list[tuple[str | None, Caller]] = [(None, Caller())]
    for org in ORGS:
        found.append((org, Caller(org)))
        levels: tuple[Level, ...] = ("read", "write", "readwrite", "full")
        assert levels == LEVELS
        found += [(f"{org}-{level}", Caller(org, level, level)) for level in levels]
    return found


def requested(
    draw: random.Random, bucket: str
) -> tuple[str, tuple[str, str, dict[str, str]], str, dict[str, str]]:
    """An action, how it is asked for, its resource, and the condition keys of its own."""
    action = draw.choice(("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"))
    if action == "s3:ListBucket":
        query = {"prefix": draw.choice(("a", "c")), "max-keys": draw.choice(("3", "30", "300"))}
        keys = {"s3:prefix": query["prefix"], "s3:max-keys": query["max-keys"]}
        return action, ("GET", f"/{bucket}", query), resource_of(bucket), keys
    key = draw.choice(KEYS) if action == "s3:GetObject" else f"{draw.choice('anx')}{draw.random()}"
    method = {"s3:GetObject": "GET", "s3:PutObject": "PUT", "s3:DeleteObject": "DELETE"}[action]
    return action, (method, f"/{bucket}/{key}", {}), resource_of(bucket, key), {}


def test_the_gateway_says_the_same(there: Gateway) -> None:
    draw = random.Random(os.environ.get("CLOISON_SEED", "storage"))
    everybody, said, differ = callers(), Counter[tuple[str, str]](), []
    asked: Counter[tuple[str, str, str, str]] = Counter()
    for number in range(POLICIES):
        bucket = f"bucket{number}"
        assert there.ask("acme", "PUT", f"/{bucket}")[0] == 200
        for key in KEYS:
            assert there.ask("acme", "PUT", f"/{bucket}/{key}", body=b"x")[0] == 200
        stated = [statement(draw, bucket) for _ in range(draw.randint(1, 3))]
        text = document(stated)
        status, answer = there.ask("acme", "PUT", f"/{bucket}", {"policy": ""}, body=text)
        assert status in (200, 204), (stated, answer)
        noted = Diagnostics()
        policy = read_policy(text.decode(), "p", noted)
        assert policy is not None, noted.errors
        for _ in range(REQUESTS):
            key, caller = draw.choice(everybody)
            action, how, resource, own = requested(draw, bucket)
            headers = {
                "X-Forwarded-For": draw.choice(SENDERS),
                "X-Forwarded-Proto": "https",
                "User-Agent": draw.choice(AGENTS),
                "Referer": draw.choice(REFERERS),
            }
            context = {
                "aws:SourceIp": (headers["X-Forwarded-For"],),
                "aws:SecureTransport": ("true",),
                "aws:UserAgent": (headers["User-Agent"],),
                "aws:Referer": (headers["Referer"],),
                "aws:CurrentTime": ("2027-01-01T00:00:00Z",),
                **{name: (value,) for name, value in own.items()},
            }
            ruling = decide(
                HeldBucket("acme", policy), BucketRequest(caller, action, resource, context)
            )
            found, _ = there.ask(key, *how, headers=headers, body=b"y" if how[0] == "PUT" else b"")
            said[action, ruling.verdict] += 1
            for one in stated:
                for op, inner in one.get("Condition", {}).items():
                    for name in inner:
                        asked[name, op, one["Effect"], ruling.verdict] += 1
            if found not in DONE[ruling.verdict]:
                differ.append(
                    (found, ruling.verdict, caller.text, action, resource, own, headers, stated)
                )
    assert sum(said.values()) >= 2000 and min(said.values()) >= 20, said
    assert differ == [], f"{len(differ)} differ: {json.dumps(differ[:3], indent=1)}"
    told = [(key, op, effect) for op, key, _ in CONDITIONS for effect in ("Allow", "Deny")]
    few = [one for one in told for verdict in DONE if asked[(*one, verdict)] < 5]
    assert few == [], "every condition decides both ways"
