"""What is a policy, and the line of everything that is wrong with one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.decisions.storage.read_policy import read_policy
from fabric.diagnostics import Diagnostics
from fabric.io.placed_json import DEEPEST, MOST

GOOD: dict[str, Any] = {
    "Effect": "Allow",
    "Principal": "*",
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::b/*",
}


def text_of(**changes: Any) -> str:
    stated = {key: value for key, value in {**GOOD, **changes}.items() if value is not ...}
    return json.dumps({"Version": "2012-10-17", "Statement": [stated]}, indent=1)


def said(text: str) -> list[str]:
    found = Diagnostics()
    made = read_policy(text, "p.json", found)
    assert (made is None) is bool(found.errors)
    return [f"{one.code} {one.span}" for one in found.items]


def test_a_policy_has_lines() -> None:
    found = Diagnostics()
    condition = {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8"]}}
    made = read_policy(text_of(Sid="one", Condition=condition), "p.json", found, line=11)
    assert made is not None and not found.items
    stated = made.statements[0]
    assert str(stated.span) == "p.json:14:3" and stated.sid == "one"
    assert str(stated.actions.patterns[0][1]) == "p.json:17:14"
    assert str(stated.resources.patterns[0][1]) == "p.json:18:16"
    assert str(stated.clauses[0].span) == "p.json:22:6"
    assert stated.clauses[0].text == "IpAddress aws:SourceIp: 10.0.0.0/8"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Effect": "allow"}, "C960"),
        ({"Effect": ...}, "C960"),
        ({"Principal": ...}, "C960"),
        ({"NotPrincipal": "*"}, "C960"),
        ({"Principal": {}}, "C960"),
        ({"Principal": {"AWS": []}}, "C960"),
        ({"Principal": {"Aws": "*"}}, "C960"),
        ({"Principal": {"AWS": "a b"}}, "C960"),
        ({"Principal": ..., "NotPrincipal": {"AWS": "acme"}}, "C966"),
        ({"Action": ...}, "C960"),
        ({"NotAction": "s3:GetObject"}, "C960"),
        ({"Action": []}, "C960"),
        ({"Action": "GetObject"}, "C960"),
        ({"Action": "s3:Get:Object"}, "C960"),
        ({"Action": "s3:GetObjct"}, "C962"),
        ({"Action": "iam:CreateRole"}, "C962"),
        ({"Resource": "b/*"}, "C960"),
        ({"Resource": "arn:aws:s3::b"}, "C960"),
        ({"Resource": {"a": "b"}}, "C960"),
        ({"Resource": "arn:aws:s3:::b/${aws:username}/*"}, "C965"),
        ({"Condition": []}, "C960"),
        ({"Condition": {"StringEquals": "x"}}, "C960"),
        ({"Condition": {"StringLikes": {"aws:Referer": "x"}}}, "C960"),
        ({"Condition": {"StringLike": {"aws:Referer": {}}}}, "C960"),
        ({"Condition": {"StringLike": {"aws:Referer": None}}}, "C960"),
        ({"Condition": {"StringEquals": {"aws:username": "${aws:username}"}}}, "C965"),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/33"}}}, "C964"),
        ({"Condition": {"DateLessThan": {"aws:CurrentTime": "2027-01-01T00:00:00+01:00"}}}, "C964"),
        ({"Condition": {"Bool": {"aws:SecureTransport": "yes"}}}, "C964"),
        ({"Condition": {"Null": {"aws:Referer": "x"}}}, "C964"),
        ({"Condition": {"NumericLessThan": {"s3:max-keys": "many"}}}, "C964"),
        ({"Sid": 1}, "C960"),
        ({"Extra": 1}, "C960"),
    ],
)
def test_mistakes(changes: dict[str, Any], code: str) -> None:
    found = said(text_of(**changes))
    assert any(one.startswith(f"{code} p.json:") for one in found), found


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Action": "s3:GetObjectTagging"}, "C963"),
        ({"Principal": {"AWS": "arn:aws:iam::acme:role/x"}}, "C967"),
        ({"Principal": {"AWS": "arn:aws:iam:::user/*"}}, "C967"),
        ({"Principal": {"CanonicalUser": "x"}}, "C967"),
        ({"Resource": "arn:aws:s3:us-east-1::b/*"}, "C968"),
        ({"Resource": "arn:aws:iam:::user/A"}, "C968"),
        ({"Condition": {"StringEquals": {"aws:useragent": "x"}}}, "C969"),
        ({"Condition": {"StringEquals": {"s3:ExistingObjectTag/": "x"}}}, "C969"),
    ],
)
def test_doubts(changes: dict[str, Any], code: str) -> None:
    assert [one[:4] for one in said(text_of(**changes))] == [code]


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "[]", "{}", "null", '{"Version": "2012-10-17"}', "{'a': 1}", "{} {}", "﻿{}"),
        *('{"a": 1, "a": 2}', '{"a": 01}', '{"a": NaN}', '{"a": "\\ud800"}', '{"a": 1,}', "[1 2]"),
        *('{"a": tru}', '{"a": "\n"}', "[" * 50_000, '{"a":' * 50_000, "1" * 5000, "{\x00}"),
        text_of().replace('"Effect"', '"Effect": "Deny", "Effect"'),
        text_of().replace("2012-10-17", "2012-10-18"),
        text_of().replace("2012-10-17", "2008-10-17"),
        text_of().replace('"Version": "2012-10-17",', ""),
        json.dumps({"Version": "2012-10-17", "Statement": []}),
        json.dumps({"Version": "2012-10-17", "Statement": [GOOD] * 1001}),
        json.dumps({"Version": "2012-10-17", "Statement": [{**GOOD, "Sid": "a"}] * 2}),
        text_of(Action=["s3:GetObject"] * 1001),
        " " * (MOST + 1),
        "[" * (DEEPEST + 2) + "]" * (DEEPEST + 2),
    ],
)
def test_what_is_no_policy(text: str) -> None:
    found = said(text)
    assert found and all(one.startswith("C960 p.json:") for one in found)


@given(st.data())
def test_hostile_texts_end_in_mistakes_with_a_place(data: st.DataObject) -> None:
    text = text_of(Condition={"StringLike": {"aws:Referer": ["a", "b"]}})
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        more = data.draw(
            st.sampled_from(["", "{", "}", "[", '"', ",", ":", "*", "\\", "\x1b", "0"])
        )
        text = text[:at] + more + text[at + data.draw(st.integers(0, 9)) :]
    said(text)
