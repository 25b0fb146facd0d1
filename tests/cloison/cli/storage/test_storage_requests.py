"""`cloison storage can-i --requests` and `lint --policy`: answers, lines and exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cloison.cli import main
from cloison.render.formats import FORMATS

STATED = {
    "Effect": "Allow",
    "Principal": {"AWS": "globex"},
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::b/*",
    "Condition": {"Bool": {"aws:SecureTransport": "true"}},
}
POLICY = {"Version": "2012-10-17", "Statement": [STATED]}
ASKED = {
    "policy": POLICY,
    "owner": "acme",
    "caller": {"org": "globex", "key": "k"},
    "action": "s3:GetObject",
    "bucket": "b",
    "key": "x",
    "context": {"aws:SecureTransport": True},
}


def run(*words: str, text: str = "") -> Result:
    return CliRunner().invoke(main, ["storage", *words], input=text)


def ask(*questions: dict[str, Any], output: str = "jsonl") -> Result:
    text = "".join(json.dumps(one) + "\n" for one in questions)
    return run("can-i", "--requests", "-", "-o", output, text=text)


def one(**changes: Any) -> tuple[int, dict[str, Any]]:
    asked = {key: value for key, value in {**ASKED, **changes}.items() if value is not ...}
    done = ask(asked)
    return done.exit_code, json.loads(done.stdout)


def test_a_request_is_decided_to_the_line() -> None:
    code, said = one(id=7)
    assert code == 0 and said == {
        "id": 7,
        "verdict": "allowed",
        "reason": "statement_allows",
        "because": "the statement of line 4 allows it",
        "at": ["policy:4:5", "policy:13:11"],
        "conditions": ["Bool aws:SecureTransport: true"],
    }


@pytest.mark.parametrize(
    ("changes", "code", "verdict"),
    [
        ({"context": {}}, 0, "denied"),
        ({"context": ...}, 4, "unknown"),
        ({"caller": "anonymous"}, 0, "denied"),
        ({"caller": {"org": "acme", "key": "k", "level": "read"}}, 0, "allowed"),
        ({"caller": {"org": "acme", "key": "k", "level": "write"}}, 0, "denied"),
        ({"caller": {"org": "acme"}}, 0, "allowed"),
        ({"policy": None}, 0, "denied"),
        ({"policy": json.dumps(POLICY)}, 0, "allowed"),
        ({"action": "S3:getobject"}, 0, "allowed"),
        ({"bucket": ..., "key": ..., "resource": "arn:aws:s3:::b/y"}, 0, "allowed"),
        ({"bucket": ..., "key": ..., "resource": "arn:aws:s3:::c/y"}, 0, "denied"),
        ({"missing": True}, 0, "denied"),
        ({"missing": True, "caller": {"org": "acme", "key": "k", "level": "read"}}, 0, "allowed"),
    ],
)
def test_answers(changes: dict[str, Any], code: int, verdict: str) -> None:
    found, said = one(**changes)
    assert (found, said.get("verdict")) == (code, verdict), said


@pytest.mark.parametrize(
    "changes",
    [
        {"owner": ...},
        {"owner": 1},
        {"caller": ...},
        {"caller": "nobody"},
        {"caller": {"org": "acme", "key": "k"}},
        {"caller": {"org": "acme", "key": "k", "level": "most"}},
        {"caller": {"org": "acme", "level": "read"}},
        {"caller": {"org": "acme", "name": "read"}},
        {"action": "s3:*"},
        {"action": "GetObject"},
        {"bucket": ...},
        {"key": ...},
        {"resource": "arn:aws:s3:::b/x"},
        {"bucket": ..., "key": ..., "resource": "b/x"},
        {"context": []},
        {"context": {"aws:Referer": {}}},
        {"policy": {"Version": "2012-10-17"}},
        {"policy": 5},
        {"policy": "{"},
        {"dialect": "aws"},
        {"organisation_policies": [POLICY]},
        {"missing": "yes"},
        {"more": 1},
    ],
)
def test_what_is_no_question(changes: dict[str, Any]) -> None:
    code, said = one(id="q", **changes)
    assert code == 2 and said["id"] == "q" and said["line"] == 1 and said["error"], said


def test_the_current_dialect_asks_the_organisation_first() -> None:
    stated = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    of_org = {"Version": "2012-10-17", "Statement": [stated]}
    current = {"dialect": "current", "policy": None}
    assert one(**current)[1]["reason"] == "organisation_silent"
    assert one(**current, organisation_policies=[of_org])[1]["verdict"] == "allowed"
    denies = {**of_org, "Statement": [stated, {**stated, "Effect": "Deny"}]}
    assert one(**current, organisation_policies=[of_org, denies])[1]["verdict"] == "denied"
    silent = {**ASKED, "dialect": "current", "organisation_policies": [of_org], "context": {}}
    done = ask(silent)
    assert done.exit_code == 4 and json.loads(done.stdout)["reason"] == "not_documented"


def test_who_may_read_and_not_list_is_not_told_what_is_missing() -> None:
    anything = {**POLICY, "Statement": {**STATED, "Resource": "*"}}
    assert one(policy=anything)[1]["verdict"] == "allowed"
    assert one(policy=anything, missing=True)[1]["verdict"] == "denied"


def test_warnings_of_a_policy_are_told() -> None:
    more = {**STATED, "Action": ["s3:GetObject", "s3:GetObjectTagging"]}
    _, said = one(policy={**POLICY, "Statement": [more]})
    assert "C963" in said["warnings"][0]


@pytest.mark.parametrize("output", FORMATS)
def test_every_format_answers(output: str) -> None:
    done = ask(ASKED, {**ASKED, "action": "x"}, output=output)
    assert done.exit_code == 2 and "allowed" in done.stdout and "one action" in done.stdout


def test_lint(tmp_path: Path) -> None:
    good, public, bad = (tmp_path / name for name in ("good.json", "public.json", "bad.json"))
    good.write_text(json.dumps(POLICY))
    public.write_text(json.dumps({**POLICY, "Statement": {**STATED, "Principal": "*"}}))
    bad.write_text("{}\nx")
    assert run("lint", "--policy", str(good)).exit_code == 0
    done = run("lint", "--policy", str(public), "-o", "json")
    assert done.exit_code == 1 and json.loads(done.stdout)["rows"][0]["code"] == "C970"
    done = run("lint", "--policy", str(public), "--policy", str(bad), "-o", "csv")
    assert done.exit_code == 2 and "bad.json,2,1" in done.stdout
    done = run("lint", "--policy", str(good), "--bucket", "c")
    assert done.exit_code == 0 and "C971" in done.stdout and "good.json:1:" in done.stdout
