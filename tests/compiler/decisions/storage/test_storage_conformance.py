"""Cases of others: the RADOS gateway's own, s3-tests, documents that AWS takes and refuses, and the
order of the current dialect."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from oracles import conformance

from compiler.decisions.storage import actions
from compiler.decisions.storage.bucket_policy import StoragePolicy
from compiler.decisions.storage.condition_operators import asked, holds
from compiler.decisions.storage.patterns import fits_action, fits_name, fits_text, network
from compiler.decisions.storage.read_policy import read_policy
from compiler.decisions.storage.requests_for_buckets import BucketRequest, Caller, resource_of
from compiler.decisions.storage.storage_semantics import (
    HeldBucket,
    decide,
    decide_current,
    found,
)
from fabric.diagnostics import Diagnostics

FOLDER = conformance() / "access"


@cache
def document(name: str) -> dict[str, Any]:
    return dict(json.loads((FOLDER / f"{name}.json").read_text()))


def cases(name: str) -> list[dict[str, Any]]:
    return list(document(name)["cases"])


def loaded(value: object, of_bucket: bool = True) -> tuple[StoragePolicy | None, Diagnostics]:
    noted = Diagnostics()
    text = value if isinstance(value, str) else json.dumps(value)
    return read_policy(text, "policy.json", noted, of_bucket=of_bucket), noted


def policy(value: object, of_bucket: bool = True) -> StoragePolicy:
    made, noted = loaded(value, of_bucket)
    assert made is not None, noted.errors
    return made


def context(given: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    return {k: tuple(v) if isinstance(v, list) else (str(v),) for k, v in given.items()}


@pytest.mark.parametrize("case", cases("rgw_matchers"), ids=lambda c: c["id"])
def test_matchers(case: dict[str, Any]) -> None:
    pattern, text = case["pattern"], case["input"]
    match case["function"]:
        case "match_wildcards" if case["case_insensitive"]:
            found = fits_text(pattern.lower(), text.lower())
        case "match_wildcards":
            found = fits_text(pattern, text)
        case "match_action":
            found = fits_action(pattern, text)
        case "match_arn":
            found = fits_name(pattern, text)
        case "condition_ArnLike":
            given = () if text is None else (text,)
            assert holds(asked("ArnLike"), (pattern,), given) is case["expect"]
            return
        case "as_network_valid":
            try:
                network(text)
                found = True
            except ValueError:
                found = False
        case "condition_StringEquals_multi_env":
            assert holds(asked("StringEquals"), (pattern,), tuple(text)) is case["expect"]
            return
        case _:
            pytest.skip("which header of a proxy has the address is the gateway's configuration")
    assert found is case["expect"]


def rgw(name: str) -> StoragePolicy:
    """A policy of the gateway's tests: some name no principal, some actions of other services."""
    value = document("rgw_policy_evaluation")["meta"]["policies"][name]
    listed = value["Statement"] if isinstance(value["Statement"], list) else [value["Statement"]]
    return policy(value, of_bucket="Principal" in listed[0])


OTHER_SERVICES = ("example4", "example5", "example6")
"""Policies about actions of IAM: no policy of a bucket, and refused as such."""


@pytest.mark.parametrize("name", document("rgw_policy_evaluation")["meta"]["policies"])
def test_evaluation(name: str) -> None:
    mine = [case for case in cases("rgw_policy_evaluation") if case["policy"] == name]
    assert mine
    if name in OTHER_SERVICES[:2]:
        value = document("rgw_policy_evaluation")["meta"]["policies"][name]
        assert loaded(value, of_bucket=False)[1].errors
        return
    for case in mine:
        who = case["principal"]
        caller = None
        if who and who["type"] == "account":
            caller = Caller(who["id"], "anyone")
        elif who:
            org, _, key = who["id"].partition(":")
            caller = Caller(org, key or None)
        request = BucketRequest(caller, case["action"], case["resource"], context(case["context"]))
        denies = found([rgw(name)], "Deny", request)
        allows = found([rgw(name)], "Allow", request)
        assert not denies.unsure and not allows.unsure, case["id"]
        said = "deny" if denies.sure else "allow" if allows.sure else "pass"
        assert said == case["expect"], case["id"]


ACTORS = {
    "owner": Caller("main"),
    "alt": Caller("alt", "key"),
    "tenant": Caller("tenant", "key"),
    "anonymous": Caller(),
    "iam_user": Caller("main", "user"),
}
MISSING = "s3:GetObject (HEAD of a missing key)"


@pytest.mark.parametrize("case", cases("s3tests_bucket_policy"), ids=lambda c: c["id"])
def test_answers_of_a_gateway(case: dict[str, Any]) -> None:
    held = HeldBucket(
        "main",
        policy(unlisted(case["bucket_policy"])) if case["bucket_policy"] else None,
        gave_up=case.get("confirm_remove_self_bucket_access", False),
    )
    caller, given = ACTORS[case["actor"]], context(case["context"])
    if case["action"] == MISSING:
        bucket, _, key = case["resource"].rpartition(":")[2].partition("/")
        lists = BucketRequest(caller, "s3:ListBucket", resource_of(bucket), {"s3:prefix": (key,)})
        said = "not_found" if decide(held, lists).verdict == "allowed" else "deny"
        assert said == case["expect"]
        return
    action = actions.canonical(case["action"]) or case["action"]
    said = decide(held, BucketRequest(caller, action, case["resource"], given)).verdict
    assert said == {"allow": "allowed", "deny": "denied"}[case["expect"]]


def unlisted(value: Any) -> Any:
    """The one action that the provider does not list, by a pattern that means it."""
    return json.loads(json.dumps(value).replace("s3:GetBucketPublicAccessBlock", "s3:GetBucket*"))


@pytest.mark.parametrize("case", cases("s3tests_bucket_policy_documents"), ids=lambda c: c["id"])
def test_documents_of_a_gateway(case: dict[str, Any]) -> None:
    made, _ = loaded(case["policy"])
    wanted = case["expect"]
    if case.get("block_public_policy"):
        assert made is not None, "whether public policies are blocked is no part of a policy"
    elif "put_status" in wanted:
        assert (made is not None) is (wanted["put_status"] == 200)
    else:
        assert made is not None


def structural(case: dict[str, Any]) -> bool:
    """Documents that a bucket could have, but for their missing principal: of S3, in the present
    version of everything that is judged by shape."""
    text = json.dumps(case["document"])
    if not case["valid"]:
        return not any(f'{{"a": "{date}"' in text for date in ("9223372036854775808",)) and (
            "region information" not in case["error"] and "IAM resource" not in case["error"]
        )
    return "iam:" not in text and "${" not in text and all(
        word not in text
        for word in ("ec2", "kms:", "rds:", "dynamodb", "null", "fsx", "s33", "cloudwatch",
                     "invalid-service", "s3s:", "s3-s", "s3.s", "aaaaaads", "service-prefix",
                     "fdsasf", '"01T"', "t2:00:00", "-292275054", "s3:us-west-2",
                     "GetAccountPublicAccessBlock", "+00:00")
    )  # fmt: skip


@pytest.mark.parametrize(
    "case",
    [case for case in cases("moto_policy_document_validity") if structural(case)],
    ids=lambda c: c["id"],
)
def test_shapes_of_documents(case: dict[str, Any]) -> None:
    made, noted = loaded(case["document"], of_bucket=False)
    assert (made is not None) is case["valid"], noted.errors


def test_enough_shapes_are_asked() -> None:
    asked_for = [c for c in cases("moto_policy_document_validity") if structural(c)]
    assert len(asked_for) > 90 and sum(case["valid"] for case in asked_for) > 15


WORDS = {"allow": "allowed", "deny": "denied", "unspecified": "unknown"}
ANY = {"Action": "s3:*", "Resource": "*"}


@pytest.mark.parametrize("case", cases("coreweave_policy_order"), ids=lambda c: c["id"])
def test_order_of_the_current_dialect(case: dict[str, Any]) -> None:
    def matching(match: str, of_bucket: bool) -> StoragePolicy:
        who = {"Principal": "*"} if of_bucket else {}
        effects = ["Allow", "Deny"] if match == "allow+deny" else [match.capitalize()]
        rest = {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*", **who}
        stated = [] if match == "none" else [{"Effect": e, **ANY, **who} for e in effects]
        return policy({"Version": "2012-10-17", "Statement": [*stated, rest]}, of_bucket)

    bucket, org = case["bucket_policies_match"], case["organization_policies_match"]
    held = HeldBucket("acme", None if bucket == "no_policy" else matching(bucket, True))
    request = BucketRequest(Caller("acme", "k"), "s3:GetObject", resource_of("b", "x"))
    said = decide_current([matching(org, False)], held, request).verdict
    assert said == WORDS[case["expect"]]


def test_tables_of_the_provider() -> None:
    tables = document("seed004_tables")["meta"]["tables"]
    assert [*actions.SUPPORTED] == tables["actions_canonical"]
    assert {*actions.TAGGING} == {*tables["actions_in_condition_tables_but_not_in_action_list"]}
    assert all(actions.canonical(name) for name in tables["actions_raw"])
    assert [*actions.USERS] == tables["global_condition_keys"]
    keys = (*tables["bucket_condition_keys"].values(), *tables["object_condition_keys"].values())
    for name in {key for listed in keys for key in listed}:
        for perm in tables["grant_perms"]:
            spelled = name.replace("<perm>", perm).replace("<tag-key>", "team")
            assert actions.known_key(spelled), spelled
    for level, text in tables["access_levels"].items():
        for kind, action in (("read", "s3:GetObject"), ("write", "s3:PutObject")):
            assert actions.covers(level, action) is (kind in text), (level, action)
        assert actions.covers(level, "s3:PutBucketPolicy") is (level == "full")
