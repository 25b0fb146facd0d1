"""`cloison roles diff`: who gains, who loses, and by which line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from role_clusters import ROLES, role_fabric

from cloison.cli import main
from cloison.views.roles.role_changes import merged, shown


def said(folder: Path, old: str, new: str, *options: str) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and rows of two versions of a file."""
    for name, text in (("old", old), ("new", new)):
        (folder / name).mkdir()
        (folder / name / "roles.yaml").write_text(text)
    words = ["roles", "diff", str(folder / "old"), str(folder / "new"), "-o", "json", *options]
    done = CliRunner().invoke(main, words)
    return done.exit_code, json.loads(done.stdout)["rows"]


def test_nothing_changes(tmp_path: Path) -> None:
    moved = ROLES.replace("kind: Role\n", "kind: Role\n# a comment\n", 1)
    assert said(tmp_path, ROLES, moved) == (0, [])


def test_who_gains_and_who_loses_and_by_which_line(tmp_path: Path) -> None:
    new = ROLES.replace("name: jane", "name: joe").replace("[get, list, watch]", "[get, list]")
    code, rows = said(tmp_path, ROLES, new)
    assert code == 1
    found = {(row["subject"], row["change"]): row for row in rows if "pods" in row["what"]}
    assert set(found) == {
        ("user jane", "loses"),
        ("user joe", "gains"),
        ("service account shop/agent", "loses"),
    }
    agent = found["service account shop/agent", "loses"]
    assert (agent["verbs"], agent["what"]) == (["watch"], ["pods", "pods/log"])
    assert (agent["namespaces"], agent["before"], agent["after"]) == (["shop"], "allowed", "denied")
    assert [Path(place).name for place in agent["at"]] == [
        "roles.yaml:8:1",
        "roles.yaml:5:5",
        "roles.yaml:14:5",
    ]
    assert "/old/" in agent["at"][0] and "/new/" in found["user joe", "gains"]["at"][0]
    assert found["user joe", "gains"]["verbs"] == ["get", "list"]


def test_what_a_wider_rule_adds(tmp_path: Path) -> None:
    code, rows = said(tmp_path, ROLES, ROLES.replace("[pods, pods/log]", '["*"]'))
    assert code == 1
    assert {row["change"] for row in rows} == {"gains"}
    mine = [row for row in rows if row["subject"] == "user jane"]
    assert any(row["verbs"] == ["get", "list", "watch"] for row in mine)
    assert not any("pods" in row["what"] for row in mine)
    secrets = [row for row in mine if "secrets" in row["what"] and "get" in row["verbs"]]
    assert secrets and all("web" not in row["names"] for row in secrets)


def test_a_path_and_a_cluster_role(tmp_path: Path) -> None:
    role = """---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: health }
rules: [{ verbs: [get], nonResourceURLs: [/metrics, "/debug/*"] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: health }
roleRef: { kind: ClusterRole, name: health }
subjects: [{ kind: Group, name: ops }]
"""
    code, (row,) = said(tmp_path, ROLES, ROLES + role)
    assert (code, row["subject"], row["change"]) == (1, "group ops", "gains")
    assert (row["verbs"], row["what"]) == (["get"], ["/metrics", "/debug/others"])


@pytest.mark.parametrize(
    ("options", "code", "change"), [((), 4, "may gain"), (("--complete",), 0, "")]
)
def test_a_role_that_is_not_there(
    tmp_path: Path, options: tuple[str, ...], code: int, change: str
) -> None:
    bound = """---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: gone }
roleRef: { kind: ClusterRole, name: gone }
subjects: [{ kind: User, name: joe }]
"""
    found, rows = said(tmp_path, ROLES, ROLES + bound, *options)
    assert (found, {row["change"] for row in rows}) == (code, {change} - {""})
    if rows:
        assert rows[0]["verbs"] == ["any"] and rows[0]["namespaces"] == ["any"]


def test_of_fabrics_and_as_text(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    old = role_fabric(tmp_path / "a")
    new = role_fabric(tmp_path / "b", roles=ROLES.replace("name: jane", "name: joe"))
    words = ["roles", "diff", str(old), str(new), "--tenant", "acme"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 1, done.output
    assert done.stdout.startswith("Roles: 2 gain or lose something")
    assert "named web" in done.stdout
    done = CliRunner().invoke(main, [*words[:-1], "beta"])
    assert (done.exit_code, "nobody gains or loses" in done.stdout) == (0, True)


def test_rows_are_products_and_lose_nothing() -> None:
    cells = [
        tuple(frozenset({word}) for word in words)
        for words in (("get", "a", "", "s"), ("get", "b", "", "s"), ("list", "b", "", "s"))
    ]
    found = merged(cells)
    assert len(found) == 2
    told = [
        (verb, what)
        for verbs, whats, *_ in found
        for verb in sorted(verbs)
        for what in sorted(whats)
    ]
    assert sorted(told) == [("get", "a"), ("get", "b"), ("list", "b")]
    assert shown(list("abcdefg")) == "a, b, c, d, e and 2 more"
