"""Answers say of who may not that he gets it done all the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from cloison.cli import main

RBAC = "rbac.authorization.k8s.io/v1"


@pytest.fixture
def cluster(tmp_path: Path) -> Path:
    """Bob makes pods in a namespace of which an account reads secrets."""
    objects: list[dict[str, Any]] = []
    for name, rule, who in (
        ("maker", ["create", "pods"], {"kind": "User", "name": "bob"}),
        ("reader", ["get", "secrets"],
         {"kind": "ServiceAccount", "name": "builder", "namespace": "shop"}),
    ):  # fmt: skip
        verb, resource = rule
        meta = {"name": name, "namespace": "shop"}
        rules = [{"apiGroups": [""], "verbs": [verb], "resources": [resource]}]
        objects += [
            {"apiVersion": RBAC, "kind": "Role", "metadata": meta, "rules": rules},
            {
                "apiVersion": RBAC, "kind": "RoleBinding", "metadata": meta,
                "roleRef": {"kind": "Role", "name": name}, "subjects": [who],
            },
        ]  # fmt: skip
    (tmp_path / "roles.yaml").write_text(yaml.safe_dump_all(objects))
    return tmp_path


def run(*words: str | Path, code: int) -> str:
    done = CliRunner().invoke(main, [*map(str, words), "-n", "shop", "--complete"])
    assert done.exit_code == code, done.output
    return done.stdout


def test_can_i_tells_the_way_around(cluster: Path) -> None:
    text = run("can-i", "bob", "get", "secrets", cluster, code=1)
    assert text.startswith("no: user bob, to get secrets in namespace shop; but there is a way a")
    data = json.loads(run("can-i", "bob", "get", "secrets", cluster, "-o", "json", code=1))
    (step,) = data["around"]
    assert step["step"] == "user bob may make pods that run as service account shop/builder"
    assert step["at"] and data["verdict"] == "denied"
    nobody = run("can-i", "joe", "get", "secrets", cluster, "-o", "json", code=1)
    assert json.loads(nobody)["around"] == []


def test_who_can_lists_who_gets_it_done(cluster: Path) -> None:
    data = json.loads(run("who-can", "get", "secrets", cluster, "-o", "json", code=0))
    verdicts = {row["subject"]: row["verdict"] for row in data["rows"]}
    assert verdicts == {"service account shop/builder": "allowed", "user bob": "around"}


def test_nobody_is_not_said_where_somebody_gets_it_done(cluster: Path) -> None:
    (cluster / "more.yaml").write_text(
        yaml.safe_dump_all(
            [
                {"apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": "self"},
                 "rules": [{"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["*"],
                            "verbs": ["create", "bind"]}]},
                {"apiVersion": RBAC, "kind": "ClusterRoleBinding", "metadata": {"name": "self"},
                 "roleRef": {"kind": "ClusterRole", "name": "self"},
                 "subjects": [{"kind": "User", "name": "eve"}]},
            ]
        )
    )  # fmt: skip
    text = run("who-can", "delete", "pods", cluster, code=4)
    assert text.startswith(
        "Who can delete pods in namespace shop: perhaps somebody, and 1 by a way"
    )
    assert "user eve may bind cluster-admin to himself" in " ".join(text.split())
