"""Proofs about outsiders, against every request of a small world."""

from __future__ import annotations

import json
from collections import Counter
from itertools import product
from typing import Any

import pytest
from any_storage_policies import CALLERS, KEYS_OF_REQUESTS, buckets
from hypothesis import given, settings

from compiler.decisions.storage.actions import ACTIONS, ON_OBJECTS
from compiler.decisions.storage.outsiders import outsiders, taken_away
from compiler.decisions.storage.read_policy import read_policy
from compiler.decisions.storage.requests_for_buckets import BucketRequest, resource_of
from compiler.decisions.storage.storage_semantics import HeldBucket, decide
from fabric.diagnostics import Diagnostics

SOME = ("s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:PutBucketPolicy", "s3:DeleteObject")
SEEN: Counter[str] = Counter()


def contexts() -> list[dict[str, tuple[str, ...]]]:
    """Every combination of what clauses tell apart."""
    each = [[(), *((value,) for value in values)] for values in KEYS_OF_REQUESTS.values()]
    return [dict(zip(KEYS_OF_REQUESTS, given, strict=True)) for given in product(*each)]


EVERY = contexts()


@settings(max_examples=120, deadline=None)
@given(buckets())
def test_a_proof_is_true_of_every_request(bucket: HeldBucket) -> None:
    found = outsiders(bucket, "bkt")
    SEEN[found.verdict] += 1
    if found.verdict == "fails":
        request = found.request
        assert request is not None and request.caller is not None
        assert request.caller.org != bucket.owner and request.resource.startswith(
            resource_of("bkt")
        )
        assert decide(bucket, request).verdict == "allowed"
        assert (request.action in ON_OBJECTS) is ("/" in request.resource)
    if found.verdict != "holds":
        return
    for action, context in product(SOME, EVERY[:: 7 if len(bucket.policies) else 40]):
        for key in ("a", "x:b", "~") if action in ON_OBJECTS else (None,):
            for caller in (one for one in CALLERS if one.org != bucket.owner):
                asked = BucketRequest(caller, action, resource_of("bkt", key), context)
                assert decide(bucket, asked).verdict != "allowed", asked


def test_most_are_decided() -> None:
    """Runs behind the law, which counts."""
    if sum(SEEN.values()) >= 50:
        assert SEEN["fails"] > SEEN["unknown"] and SEEN["holds"] > 5, SEEN


def of(*statements: dict[str, Any]) -> HeldBucket:
    found = Diagnostics()
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    policy = read_policy(text, "p", found)
    assert policy is not None, found.errors
    return HeldBucket("acme", policy)


ALLOW = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
         "Resource": "arn:aws:s3:::b/*"}  # fmt: skip
DENY = {**ALLOW, "Effect": "Deny"}
NEAR = {"IpAddress": {"aws:SourceIp": "10.7.0.0/16"}}


@pytest.mark.parametrize(
    ("statements", "verdict"),
    [
        ([], "holds"),
        ([ALLOW], "fails"),
        ([DENY], "holds"),
        ([ALLOW, DENY], "holds"),
        ([ALLOW, {**DENY, "Action": "s3:PutObject"}], "fails"),
        ([ALLOW, {**DENY, "Resource": "arn:aws:s3:::b/a*"}], "fails"),
        ([ALLOW, {**DENY, "Condition": NEAR}], "fails"),
        ([{**ALLOW, "Condition": NEAR}], "fails"),
        ([{**ALLOW, "Principal": {"AWS": "acme"}}], "holds"),
        ([{**ALLOW, "Principal": {"AWS": "globex"}}], "fails"),
        ([{**ALLOW, "Principal": {"AWS": "arn:aws:iam::globex:role/x"}}], "unknown"),
        ([{**ALLOW, "Resource": "arn:aws:s3:::other/*"}], "holds"),
        ([{**ALLOW, "Action": "s3:*"}, {**DENY, "Action": "s3:*", "Resource": "*"}], "holds"),
        ([ALLOW, {**DENY, "Principal": {"AWS": "globex"}}], "fails"),
        ([{**ALLOW, "Condition": {"DateLessThan": {"aws:CurrentTime": "2020-01-01"}}}], "fails"),
        ([{**ALLOW, "Condition": {"StringEquals": {"s3:prefix": []}}}], "unknown"),
        ([{**ALLOW, "Condition": {"StringEquals": {"aws:username": "bob"}}}], "unknown"),
    ],
)
def test_examples(statements: list[dict[str, Any]], verdict: str) -> None:
    held = of(*statements) if statements else HeldBucket("acme")
    assert outsiders(held, "b").verdict == verdict


def test_whom_a_deny_leaves_out_is_found() -> None:
    but = {key: value for key, value in DENY.items() if key != "Principal"}
    found = outsiders(of(ALLOW, {**but, "NotPrincipal": {"AWS": "globex"}}), "b")
    assert found.request is not None and found.request.caller is not None
    assert found.request.caller.org == "globex" and found.request.action in ACTIONS


BUT_ONE = {**{k: v for k, v in DENY.items() if k != "Principal"}, "NotPrincipal": "*"}


@pytest.mark.parametrize(
    ("deny", "whole"),
    [
        (DENY, True),
        ({**DENY, "Action": "*", "Resource": "*"}, True),
        ({**DENY, "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]}, True),
        ({**DENY, "Resource": "arn:aws:s3:::b*"}, True),
        ({**DENY, "Condition": NEAR}, False),
        ({**DENY, "Principal": {"AWS": "globex"}}, False),
        ({**DENY, "Action": "s3:PutObject"}, False),
        ({**DENY, "Resource": "arn:aws:s3:::b"}, False),
        ({**DENY, "Resource": "arn:aws:s3:::b/a*"}, False),
        (BUT_ONE, False),
    ],
)
def test_what_takes_an_allow_away_whole(deny: dict[str, Any], whole: bool) -> None:
    policy = of({**ALLOW, "Resource": ["arn:aws:s3:::b/*"]}, deny).policy
    assert policy is not None
    assert taken_away(policy.statements[0], [policy.statements[1]], "b") is whole
