"""`cloison identity user`, and `can-i` of whom a token names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from minted import NOON, entry, signer, token
from role_clusters import ROLES

from cloison.cli import main

KEY, ISSUER = signer(), "https://login.example.org"
CONFIG = """apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
  - issuer: { url: https://login.example.org, audiences: [kubernetes] }
    claimMappings:
      username: { claim: name, prefix: "" }
      groups: { claim: groups, prefix: "" }
"""


def minted(**claims: Any) -> str:
    known = {"iss": ISSUER, "aud": "kubernetes", "exp": int(NOON.timestamp()) + 60, "sub": "1"}
    return token(KEY, {**known, **claims})


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "roles").mkdir()
    (tmp_path / "roles" / "roles.yaml").write_text(ROLES)
    (tmp_path / "auth.yaml").write_text(CONFIG)
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [entry(KEY, kid="k1", use="sig")]}))
    for name in ("jane", "joe", "root"):
        groups = ["system:masters"] if name == "root" else ["devs"]
        (tmp_path / name).write_text(minted(name=name, groups=groups))
    return tmp_path


def ran(*words: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(main, [*map(str, words)])
    return done.exit_code, done.stdout if done.exit_code in (0, 1, 4) else done.output


def options(files: Path, at: str = "2027-01-31T12:00:00Z") -> list[str]:
    trust = f"{ISSUER}={files / 'keys.json'}"
    return ["--authentication", str(files / "auth.yaml"), "--trust", trust, "--at", at]


def test_users_of_tokens(files: Path) -> None:
    code, text = ran("identity", "user", files / "jane", *options(files), "-o", "json")
    (row,) = json.loads(text)["rows"]
    assert (code, row["verdict"], row["user"], row["groups"]) == (0, "accepted", "jane", ["devs"])
    late = options(files, "2027-02-01T12:00:00Z")
    assert ran("identity", "user", files / "jane", *late)[0] == 1
    assert ran("identity", "user", files / "jane", "--at", "2027-01-31T12:00:00Z")[0] == 1
    no_keys = [*options(files)[:2], *options(files)[4:]]
    assert ran("identity", "user", files / "jane", *no_keys)[0] == 4
    assert ran("identity", "user", *options(files))[0] == 2
    assert ran("identity", "user", files / "jane", "--trust", "x")[0] == 2


def test_questions_as_lines(files: Path) -> None:
    keys = {ISSUER: json.loads((files / "keys.json").read_text())}
    base = {"token": minted(name="jane"), "at": "2027-01-31T12:00:00Z"}
    asked = [
        {"id": 1, **base, "authentication": CONFIG, "keys": keys},
        {"id": 2, **base, "authentication": CONFIG},
        {"id": 3, **base, "authentication": "kind: X"},
        {"id": 4, **base, "keys": []},
        {"id": 5},
    ]
    text = "".join(f"{json.dumps(one)}\n" for one in asked)
    done = CliRunner().invoke(main, ["identity", "user", "--requests", "-"], input=text)
    assert done.exit_code == 2
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row.get("verdict", "error") for row in rows] == [
        *("accepted", "unknown", "error", "error", "error"),
    ]


def asked(files: Path, who: str, *more: str, at: str = "2027-01-31T12:00:00Z") -> dict[str, Any]:
    words = ["can-i", f"token:{files / who}", "get", "pods", "-n", "shop", *options(files, at)]
    code, text = ran(*words, *more, files / "roles", "-o", "json")
    return {**json.loads(text), "code": code}


def test_what_the_bearer_of_a_token_may_do(files: Path) -> None:
    assert (asked(files, "jane")["code"], asked(files, "joe")["code"]) == (0, 1)
    assert asked(files, "root")["code"] == 0
    late = asked(files, "jane", at="2027-02-01T12:00:00Z")
    assert (late["code"], late["reason"]) == (1, "not_authenticated")
    assert {row["part"]: row["verdict"] for row in late["rows"]} == {
        "identity": "denied",
        "permission": "allowed",
    }


def test_who_is_not_known_in_full_is_not_denied_for_sure(files: Path) -> None:
    (files / "auth.yaml").write_text(CONFIG.replace('claim: groups, prefix: ""', "expression: x"))
    assert (asked(files, "jane")["code"], asked(files, "joe")["code"]) == (4, 4)
    assert asked(files, "joe", at="2027-02-01T12:00:00Z")["code"] == 1


def test_tokens_among_questions(files: Path) -> None:
    line = {"id": 1, "token": (files / "jane").read_text(), "verb": "get", "resource": "pods"}
    text = json.dumps({**line, "namespace": "shop"}) + "\n" + json.dumps({**line, "user": "x"})
    words = ["can-i", "--requests", "-", *options(files), str(files / "roles")]
    done = CliRunner().invoke(main, words, input=text)
    rows = [json.loads(row) for row in done.stdout.splitlines()]
    assert (rows[0]["verdict"], rows[0]["identity"]["verdict"]) == ("allowed", "allowed")
    assert (done.exit_code, "error" in rows[1]) == (2, True)
