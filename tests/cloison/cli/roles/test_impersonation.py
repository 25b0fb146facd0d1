"""`can-i --as`: on another's behalf."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from role_clusters import ROLES

from cloison.cli import main

MORE = """---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: speaker }
rules:
  - { apiGroups: [""], resources: [users], resourceNames: [jane], verbs: [impersonate] }
  - { apiGroups: [""], resources: [groups], resourceNames: [devs], verbs: [impersonate] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: speaker }
roleRef: { kind: ClusterRole, name: speaker }
subjects: [{ kind: User, name: proxy }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: edit, namespace: shop }
roleRef: { kind: ClusterRole, name: edit }
subjects: [{ kind: User, name: editor }, { kind: Group, name: "system:serviceaccounts" }]
"""


@pytest.fixture(scope="module")
def roles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("r")
    (folder / "roles.yaml").write_text(ROLES + MORE)
    return folder


def asked(roles: Path, who: str, *more: str) -> dict[str, Any]:
    words = ["can-i", who, "get", "pods", "-n", "shop", *more, str(roles), "-o", "json"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code in (0, 1, 4), done.output
    found = json.loads(done.stdout)
    return {"code": done.exit_code, **{row["part"]: row["verdict"] for row in found["rows"]}}


def test_somebody_who_may_speak_for_another(roles: Path) -> None:
    assert asked(roles, "proxy")["code"] == 1
    found = asked(roles, "proxy", "--as", "jane")
    assert found == {"code": 0, "impersonation": "allowed", "permission": "allowed"}
    assert asked(roles, "proxy", "--as", "jane", "--as-group", "devs")["code"] == 0


def test_who_may_not(roles: Path) -> None:
    other = asked(roles, "joe", "--as", "jane")
    assert other == {"code": 1, "impersonation": "denied", "permission": "allowed"}
    assert asked(roles, "proxy", "--as", "root")["impersonation"] == "denied"
    assert asked(roles, "proxy", "--as", "jane", "--as-group", "ops")["code"] == 1
    assert asked(roles, "proxy", "--as", "jane", "--as-group", "system:masters")["code"] == 1
    assert asked(roles, "group:system:masters", "--as", "joe")["code"] == 1


def test_service_accounts_are_impersonated_in_their_namespace(roles: Path) -> None:
    name = "system:serviceaccount:shop:agent"
    assert asked(roles, "editor", "--as", name)["code"] == 0
    assert asked(roles, "editor", "--as", "system:serviceaccount:lab:agent")["code"] == 1
    assert asked(roles, "group:system:masters", "--as", "system:serviceaccount:lab:x")["code"] == 0
    in_devs = ("--as", "system:serviceaccount:lab:x", "--as-group", "devs")
    assert asked(roles, "group:system:masters", *in_devs)["code"] == 1


def test_groups_need_a_user_and_questions_have_both(roles: Path) -> None:
    words = ["can-i", "proxy", "get", "pods", "--as-group", "devs", str(roles)]
    done = CliRunner().invoke(main, words)
    assert (done.exit_code, "C659" in done.output) == (2, True)
    line = {"id": 1, "subject": "proxy", "verb": "get", "resource": "pods", "namespace": "shop"}
    lines = [{**line, "as": "jane"}, {**line, "as_groups": ["devs"]}, {**line, "as_groups": "x"}]
    text = "".join(f"{json.dumps(one)}\n" for one in lines)
    done = CliRunner().invoke(main, ["can-i", "--requests", "-", str(roles)], input=text)
    rows = [json.loads(row) for row in done.stdout.splitlines()]
    assert rows[0]["verdict"] == rows[0]["behalf"]["verdict"] == "allowed"
    assert all("error" in row for row in rows[1:])
