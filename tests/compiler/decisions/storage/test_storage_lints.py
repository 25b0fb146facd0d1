"""What is doubtful in policies that are legal."""

from __future__ import annotations

import json
from typing import Any

import pytest

from compiler.decisions.storage.actions import Level
from compiler.decisions.storage.read_policy import read_policy
from compiler.decisions.storage.storage_lints import lint_policy, of_bucket
from fabric.diagnostics import Diagnostics

ORGS: dict[str, dict[str, Level]] = {"acme": {"reader": "read", "admin": "full"}, "globex": {}}


def codes(**changes: Any) -> list[str]:
    stated = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam:::user/acme:admin"},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::b/*",
        **changes,
    }
    found = Diagnostics()
    text = json.dumps({"Version": "2012-10-17", "Statement": [stated]})
    policy = read_policy(text, "p.json", found)
    assert policy is not None
    lint_policy(policy, found, bucket="b", orgs=ORGS, owner="acme")
    return [one.code for one in found.items]


ADDRESS = "aws:SourceIp"


@pytest.mark.parametrize(
    ("condition", "public"),
    [
        ({}, True),
        ({"IpAddress": {ADDRESS: "10.0.0.0/16"}}, False),
        ({"IpAddress": {ADDRESS: ["10.0.0.0/16", "0.0.0.0/1"]}}, True),
        ({"IpAddressIfExists": {ADDRESS: "10.0.0.0/16"}}, True),
        ({"NotIpAddress": {ADDRESS: "10.0.0.0/16"}}, True),
        ({"ForAllValues:IpAddress": {ADDRESS: "10.0.0.0/16"}}, True),
        ({"StringLike": {"aws:Referer": "https://example.com/*"}}, True),
        ({"StringEquals": {"aws:username": "bob"}}, False),
        ({"Null": {"aws:username": "false"}}, True),
    ],
)
def test_who_is_everybody(condition: dict[str, Any], public: bool) -> None:
    assert ("C970" in codes(Principal="*", Condition=condition)) is public


def test_doubts() -> None:
    assert codes() == []
    assert codes(Principal="*", Effect="Deny") == []
    assert codes(Resource="arn:aws:s3:::other/*") == ["C971"]
    assert codes(Principal={"AWS": "initech"}) == ["C972"]
    assert codes(Principal={"AWS": "arn:aws:iam::globex:user/x"}) == ["C972"]
    read_key = {"AWS": "arn:aws:iam:::user/acme:reader"}
    assert codes(Principal=read_key) == []
    assert codes(Principal=read_key, Action="s3:Put*") == ["C973"]


@pytest.mark.parametrize(
    ("pattern", "is_own"),
    [("b", True), ("b/k", True), ("b*", True), ("*", True), ("*/k", True), ("bc/*", False),
     ("?/x", True), ("c*", False)],
)  # fmt: skip
def test_patterns_of_a_bucket(pattern: str, is_own: bool) -> None:
    assert of_bucket(pattern, "b") is is_own
