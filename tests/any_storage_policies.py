"""Random policies of a bucket, callers and requests, small enough to meet each other often."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from compiler.decisions.storage.read_policy import read_policy
from compiler.decisions.storage.requests_for_buckets import Caller
from compiler.decisions.storage.storage_semantics import HeldBucket
from fabric.diagnostics import Diagnostics

ORGS, KEYS = ("acme", "globex"), ("one", "two")
CALLERS = [
    Caller(),
    *(Caller(org) for org in ORGS),
    *(Caller(org, key, level) for org in ORGS
      for key, level in zip(KEYS, ("read", "full"), strict=True)),
    Caller("acme", "write", "write"),
    Caller("initech", "one", "readwrite"),
]  # fmt: skip
PRINCIPALS = (
    "*", "acme", "arn:aws:iam::globex:root", "arn:aws:iam:::user/acme:one", "initech",
    "arn:aws:iam::globex:user/two", "arn:aws:iam::acme:role/x", "arn:aws:iam:::user/globex:*",
)  # fmt: skip
ASKED = ("s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:PutBucketPolicy", "s3:GetBucketAcl")
ACTIONS = (*ASKED, "s3:*", "s3:Get*", "*", "S3:put*", "s3:DeleteObject")
RESOURCES = ("arn:aws:s3:::bkt", "arn:aws:s3:::bkt/*", "arn:aws:s3:::bkt/a*", "*", "arn:aws:s3:::*",
             "arn:aws:s3:::other/*", "arn:aws:s3:eu::bkt/*", "arn:aws:s3:::bkt/?:b")  # fmt: skip
KEYS_OF_REQUESTS = {
    "aws:SourceIp": ("10.1.0.1", "11.0.0.1", "::1", "nobody"),
    "aws:SecureTransport": ("true", "false"),
    "s3:prefix": ("a", "b"),
    "s3:max-keys": ("1", "10", "many"),
}
CLAUSES = (
    ("IpAddress", "aws:SourceIp", ("10.0.0.0/8", "::/0")),
    ("NotIpAddress", "aws:SourceIp", ("10.0.0.0/8", "::1")),
    ("Bool", "aws:SecureTransport", ("true", "false")),
    ("StringEquals", "s3:prefix", ("a", "b")),
    ("StringNotLike", "s3:prefix", ("a*", "?")),
    ("ForAllValues:StringEquals", "s3:prefix", ("a", "b")),
    ("ForAnyValue:StringLike", "s3:prefix", ("a", "*")),
    ("StringEqualsIfExists", "s3:prefix", ("a",)),
    ("Null", "s3:prefix", ("true", "false")),
    ("NumericLessThan", "s3:max-keys", ("5", "10")),
    ("NumericNotEquals", "s3:max-keys", ("10",)),
)


def some(among: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(among), min_size=1, max_size=3, unique=True)


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    effect = draw(st.sampled_from(["Allow", "Deny"]))
    who = draw(some(PRINCIPALS))
    but = effect == "Deny" and draw(st.integers(0, 3)) == 0
    made: dict[str, Any] = {
        "Effect": effect,
        "NotPrincipal" if but else "Principal": {"AWS": who},
        draw(st.sampled_from(["Action", "Action", "Action", "NotAction"])): draw(some(ACTIONS)),
        draw(st.sampled_from(["Resource", "Resource", "NotResource"])): draw(some(RESOURCES)),
    }
    conditions: dict[str, Any] = {}
    for op, key, values in draw(st.lists(st.sampled_from(CLAUSES), max_size=2)):
        conditions.setdefault(op, {})[key] = draw(some(values))
    return {**made, "Condition": conditions} if conditions else made


@st.composite
def buckets(draw: st.DrawFn) -> HeldBucket:
    owner, gave_up = draw(st.sampled_from(ORGS)), draw(st.booleans())
    listed = draw(st.lists(statements(), max_size=4))
    if not listed:
        return HeldBucket(owner, gave_up=gave_up)
    found = Diagnostics()
    policy = read_policy(json.dumps({"Version": "2012-10-17", "Statement": listed}), "p", found)
    assert policy is not None, found.errors
    return HeldBucket(owner, policy, gave_up=gave_up)


@st.composite
def contexts(draw: st.DrawFn) -> tuple[dict[str, tuple[str, ...]], bool]:
    """Condition keys that somebody said, and whether these are all."""
    said = {}
    for key, values in KEYS_OF_REQUESTS.items():
        if draw(st.booleans()):
            most = 2 if key == "s3:prefix" else 1
            said[key] = tuple(draw(st.lists(st.sampled_from(values), max_size=most)))
    return said, draw(st.booleans())
