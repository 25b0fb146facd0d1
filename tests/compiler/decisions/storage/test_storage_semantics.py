"""The order in which a request is decided, and what stays unknown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from compiler.decisions.storage.read_policy import read_policy
from compiler.decisions.storage.requests_for_buckets import BucketRequest, Caller, resource_of
from compiler.decisions.storage.storage_semantics import HeldBucket, decide
from fabric.diagnostics import Diagnostics

READER = Caller("acme", "reader", "read")
WRITER = Caller("acme", "writer", "write")
OWNER = Caller("acme", "admin", "full")
STRANGER = Caller("globex", "k", "full")
ROOT = Caller("acme")


def allow(**changes: Any) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
        **changes,
    }


def deny(**changes: Any) -> dict[str, Any]:
    return allow(Effect="Deny", **changes)


def bucket(*stated: dict[str, Any], gave_up: bool = False) -> HeldBucket:
    if not stated:
        return HeldBucket("acme")
    found = Diagnostics()
    text = json.dumps({"Version": "2012-10-17", "Statement": list(stated)}, indent=1)
    policy = read_policy(text, "p.json", found)
    assert policy is not None, found.errors
    return HeldBucket("acme", policy, gave_up=gave_up)


def ask(
    held: HeldBucket, caller: Caller, action: str = "s3:GetObject", **context: str
) -> tuple[str, str]:
    given = {key.replace("_", ":"): (value,) for key, value in context.items()}
    on = resource_of("b", None if "Bucket" in action else "key")
    said = decide(held, BucketRequest(caller, action, on, given, complete=bool(context)))
    return said.verdict, said.reason


def test_without_a_policy_levels_of_the_owners_keys_decide() -> None:
    held = bucket()
    assert ask(held, READER) == ("allowed", "owner_level")
    assert ask(held, WRITER) == ("denied", "level")
    assert ask(held, WRITER, "s3:PutObject") == ("allowed", "owner_level")
    assert ask(held, READER, "s3:PutObject") == ("denied", "level")
    assert ask(held, OWNER, "s3:PutBucketPolicy") == ("allowed", "owner_level")
    assert ask(held, Caller("acme", "rw", "readwrite"), "s3:PutBucketPolicy")[0] == "denied"
    assert ask(held, STRANGER) == ("denied", "nothing_allows")
    assert ask(held, Caller()) == ("denied", "nothing_allows")
    assert ask(held, ROOT, "s3:DeleteBucket") == ("allowed", "owner_level")


def test_acls_take_the_level_that_policies_take() -> None:
    assert ask(bucket(), READER, "s3:GetBucketAcl") == ("denied", "level")
    assert ask(bucket(), READER, "s3:GetBucketLocation") == ("allowed", "owner_level")


def test_a_deny_binds_the_owner_and_every_allow() -> None:
    held = bucket(allow(), deny(Action="s3:GetObject"))
    for caller in (READER, OWNER, ROOT, STRANGER, Caller()):
        assert ask(held, caller) == ("denied", "statement_denies")
    assert ask(held, STRANGER, "s3:PutObject") == ("allowed", "statement_allows")


def test_the_owner_keeps_the_policy_unless_it_gave_that_up() -> None:
    locked = deny(Action="s3:*BucketPolicy")
    assert ask(bucket(locked), ROOT, "s3:PutBucketPolicy") == ("allowed", "owner_keeps_policy")
    assert ask(bucket(locked), OWNER, "s3:PutBucketPolicy") == ("denied", "statement_denies")
    assert ask(bucket(locked, gave_up=True), ROOT, "s3:PutBucketPolicy")[0] == "denied"
    assert ask(bucket(deny()), ROOT, "s3:GetBucketAcl") == ("denied", "statement_denies")


def test_a_policy_goes_beyond_the_level_of_a_key() -> None:
    held = bucket(allow(Principal={"AWS": "arn:aws:iam:::user/acme:reader"}))
    assert ask(held, READER, "s3:PutObject") == ("allowed", "statement_allows")
    assert ask(held, Caller("acme", "other", "read"), "s3:PutObject") == ("denied", "level")


@pytest.mark.parametrize(
    ("principal", "one", "other"),
    [
        ("arn:aws:iam:::user/globex:k", True, False),
        ("arn:aws:iam:::user/globex", True, True),
        ("arn:aws:iam:::user/globex:*", True, True),
        ("arn:aws:iam::globex:root", True, True),
        ("arn:aws:iam::globex:user/k", True, False),
        ("globex", True, True),
        ("acme", False, False),
        ("*", True, True),
    ],
)
def test_whom_a_principal_means(principal: str, one: bool, other: bool) -> None:
    held = bucket(allow(Principal={"AWS": principal}))
    assert (ask(held, STRANGER)[0] == "allowed") is one
    assert (ask(held, Caller("globex", "other"))[0] == "allowed") is other
    assert (ask(held, Caller())[0] == "allowed") is (principal == "*")


def test_everybody_but_some_are_denied() -> None:
    but = {"Principal": ..., "NotPrincipal": {"AWS": "globex"}}
    stated = {key: value for key, value in deny(**but).items() if value is not ...}
    held = bucket(allow(), stated)
    assert ask(held, STRANGER)[0] == "allowed" and ask(held, Caller("x", "y"))[0] == "denied"


def test_all_actions_and_resources_but_some() -> None:
    stated = {k: v for k, v in allow().items() if k not in ("Action", "Resource")}
    held = bucket({**stated, "NotAction": "s3:Put*", "NotResource": "arn:aws:s3:::b/secret*"})
    assert (
        ask(held, STRANGER)[0] == "allowed" and ask(held, STRANGER, "s3:PutObject")[0] == "denied"
    )
    secret = BucketRequest(STRANGER, "s3:GetObject", resource_of("b", "secrets"))
    assert decide(held, secret).verdict == "denied"


NEAR = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}


def test_what_was_not_said_is_unknown_where_it_decides() -> None:
    held = bucket(allow(Condition=NEAR))
    found = decide(held, BucketRequest(STRANGER, "s3:GetObject", resource_of("b", "k"), {}, False))
    assert (found.verdict, found.reason) == ("unknown", "depends")
    assert str(found.lines[0]) == "p.json:4:3" and "aws:SourceIp" in found.conditions[0]
    assert ask(held, READER) == ("allowed", "owner_level")
    assert ask(held, STRANGER, aws_SourceIp="10.1.1.1") == ("allowed", "statement_allows")
    assert ask(held, STRANGER, aws_SourceIp="11.1.1.1") == ("denied", "nothing_allows")


def test_a_deny_that_may_apply_leaves_unknown_only_what_would_be_allowed() -> None:
    held = bucket(deny(Condition=NEAR))
    assert ask(held, READER) == ("unknown", "depends")
    assert ask(held, STRANGER) == ("denied", "nothing_allows")
    assert ask(bucket(allow(Condition=NEAR), deny(Condition=NEAR)), STRANGER)[0] == "unknown"
    assert ask(bucket(allow(Condition=NEAR), deny()), STRANGER)[0] == "denied"


def test_principals_and_resources_that_are_not_evaluated_are_unknown() -> None:
    role = {"AWS": "arn:aws:iam::globex:role/x"}
    assert ask(bucket(allow(Principal=role)), STRANGER)[0] == "unknown"
    assert ask(bucket(deny(Principal=role)), READER)[0] == "unknown"
    far = "arn:aws:s3:eu-1::b/*"
    assert ask(bucket(allow(Resource=far)), STRANGER)[0] == "unknown"
    assert ask(bucket(allow(Resource="arn:aws:s3:eu-1::c/*")), STRANGER)[0] == "denied"


def test_conditions_and_lines_are_told() -> None:
    held = bucket(allow(Sid="near", Condition=NEAR))
    given = {"aws:SourceIp": ("10.1.1.1",)}
    said = decide(held, BucketRequest(STRANGER, "s3:GetObject", resource_of("b", "k"), given))
    assert said.because == 'the statement "near" allows it'
    assert said.conditions == ("IpAddress aws:SourceIp: 10.0.0.0/8",)
    assert [str(line) for line in said.lines] == ["p.json:4:3", "p.json:15:6"]
