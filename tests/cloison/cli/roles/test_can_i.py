"""`cloison can-i` and `who-can`: permission and path, each with its line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from role_clusters import FABRIC, ROLES, role_fabric

from cloison.cli import main


@pytest.fixture(scope="module")
def fabric(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return role_fabric(tmp_path_factory.mktemp("roles"))


def ran(*words: str | Path, stdin: str = "") -> tuple[int, str]:
    """Exit code and what stands on stdout; what is wrong behind it."""
    done = CliRunner().invoke(main, [*map(str, words)], input=stdin)
    return done.exit_code, done.stdout if done.exit_code in (0, 1, 4) else done.output


def said(*words: str | Path) -> dict[str, Any]:
    """The answer as JSON, with the exit code."""
    code, text = ran(*words, "-o", "json")
    found: dict[str, Any] = json.loads(text)
    return {**found, "code": code}


def parts(found: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Verdict and file of the first line of each part."""
    return {
        row["part"]: (row["verdict"], Path(row["at"][0]).name if row["at"] else "")
        for row in found["rows"]
    }


READ = ("get", "pods", "-n", "shop")
HOST1, HOST2 = ("--from", "acme/@node/host1"), ("--from", "acme/@node/host2")


def test_permission_and_path(fabric: Path) -> None:
    found = said("can-i", "jane", *READ, *HOST1, fabric)
    assert (found["code"], found["verdict"], found["cluster"]) == (0, "allowed", "acme")
    assert parts(found) == {
        "permission": ("allowed", "roles.yaml:8:1"),
        "path": ("allowed", "fabric.yaml:23:9"),
    }


def test_permission_yes_and_network_no(fabric: Path) -> None:
    found = said("can-i", "jane", *READ, *HOST2, fabric)
    assert (found["code"], found["verdict"], found["reason"]) == (1, "denied", "no_path")
    assert parts(found)["permission"] == ("allowed", "roles.yaml:8:1")
    assert parts(found)["path"][0] == "denied"
    assert "zone0_drop" in found["because"]


def test_network_yes_and_permission_no(fabric: Path) -> None:
    found = said("can-i", "joe", *READ, *HOST1, fabric)
    assert (found["code"], found["verdict"], found["reason"]) == (1, "denied", "no_binding")
    assert parts(found)["path"] == ("allowed", "fabric.yaml:23:9")


def test_another_tenants_end_gets_nowhere(fabric: Path) -> None:
    from_beta = ("--from", "beta/@node/host3")
    found = said("can-i", "jane", *READ, *from_beta, "--tenant", "acme", fabric)
    assert (found["code"], found["cluster"]) == (1, "acme")
    assert parts(found)["path"][0] == "denied"
    own = said("can-i", "jane", *READ, *from_beta, fabric)
    assert (own["cluster"], parts(own)["path"][0], own["reason"]) == (
        "beta",
        "allowed",
        "no_binding",
    )


def test_who_can_from_somewhere(fabric: Path) -> None:
    found = said("who-can", *READ, *HOST1, fabric)
    assert (found["code"], found["verdict"]) == (0, "allowed")
    assert {row["subject"] for row in found["rows"]} == {"user jane", "service account shop/agent"}
    nobody = said("who-can", *READ, *HOST2, fabric)
    assert (nobody["code"], nobody["path"]["verdict"]) == (1, "denied")
    assert said("who-can", "delete", "pods", "-n", "shop", *HOST1, fabric)["code"] == 1


def test_the_ways_from_the_pods_of_a_service_account(fabric: Path) -> None:
    """They are told, and decide nothing: a token may be used elsewhere."""
    found = said("can-i", "sa:shop/agent", *READ, "--tenant", "acme", fabric)
    assert (found["code"], found["verdict"]) == (0, "allowed")
    assert parts(found)["path of acme/shop/agent"][0] == "denied"
    assert "path of acme/shop/web" not in parts(found)


def test_either_ip_version_is_a_way(tmp_path: Path) -> None:
    both = FABRIC.replace("[198.18.0.10]", '[198.18.0.10, "fd00:c0::10"]')
    both = both.replace("length: 26, use: nodes }] } }\n  beta", "length: 26, use: nodes }, "
                        '{ cidr: "fd00:1::/64", use: nodes }] } }\n  beta')  # fmt: skip
    deny = '    rules:\n      - { name: x, action: deny, from: "*", to: zone0/acme-api }\n'
    fabric = role_fabric(tmp_path, fabric=both)
    assert said("can-i", "jane", *READ, *HOST1, fabric)["code"] == 0
    only6 = both.replace("zone0/acme-api, ports", "zone0/acme6, ports") + deny
    only6 = only6.replace(', "fd00:c0::10"', "").replace(
        "      beta-api: { a", '      acme6: { addresses: ["fd00:c0::10"] }\n      beta-api: { a', 1
    )
    fabric.write_text(only6.replace("api_server: zone0/acme-api", "api_server: zone0/acme6"))
    assert said("can-i", "jane", *READ, *HOST1, fabric)["code"] == 0


def test_manifests_alone(fabric: Path) -> None:
    roles = fabric.parent / "acme"
    assert said("can-i", "jane", *READ, roles)["code"] == 0
    assert said("can-i", "jane", "get", "pods", roles)["code"] == 1
    code, text = ran("can-i", "jane", *READ, *HOST1, roles)
    assert (code, "C660" in text) == (2, True)
    code, text = ran("can-i", "jane", *READ, "--tenant", "acme", roles)
    assert (code, "C660" in text) == (2, True)


def test_a_denial_says_what_is_near(fabric: Path) -> None:
    roles = fabric.parent / "acme"
    near = [
        (("get", "pods"), "it may in namespace shop"),
        (("get", "secrets", "-n", "shop"), "it may of objects named web"),
        (("get", "pods.apps", "-n", "shop"), "it may in group core"),
        (("get", "pods/status", "-n", "shop"), "it may without /status"),
    ]
    for asked, what in near:
        found = said("can-i", "jane", *asked, roles)
        assert (found["code"], found["reason"], what in found["because"]) == (1, "no_rule", True)
        assert found["rows"][0]["at"]


def test_which_cluster_is_meant(fabric: Path) -> None:
    code, text = ran("can-i", "jane", *READ, fabric)
    assert (code, "which cluster" in text) == (2, True)
    code, text = ran("can-i", "jane", *READ, "--tenant", "acne", fabric)
    assert (code, 'did you mean "acme"' in text) == (2, True)


def test_a_file_that_does_not_say_where_the_server_is(tmp_path: Path) -> None:
    silent = FABRIC.replace("    api_server: zone0/acme-api:6443/tcp\n", "")
    code, text = ran("can-i", "jane", *READ, *HOST1, role_fabric(tmp_path, fabric=silent))
    assert (code, "fabric.yaml:7:" in text, "C660" in text) == (2, True, True)


def test_what_may_hold_bindings_and_was_not_read_leaves_it_unknown(tmp_path: Path) -> None:
    (tmp_path / "roles.yaml").write_text(ROLES)
    (tmp_path / "more.yaml").write_text("kind: RoleBinding\nmetadata: { name: {{ .x }} }\n")
    assert said("can-i", "joe", *READ, tmp_path)["code"] == 4
    assert said("can-i", "jane", *READ, tmp_path)["code"] == 0
    assert said("can-i", "joe", *READ, "--complete", tmp_path)["code"] == 1
    assert said("who-can", "delete", "pods", "-n", "shop", tmp_path)["code"] == 4


def test_a_subject_that_may_for_sure_and_perhaps_may_for_sure(tmp_path: Path) -> None:
    gone = """---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: gone }
roleRef: { kind: ClusterRole, name: gone }
subjects: [{ kind: User, name: jane }, { kind: User, name: joe }]
"""
    (tmp_path / "roles.yaml").write_text(ROLES + gone)
    found = said("who-can", *READ, tmp_path)
    verdicts = {row["subject"]: row["verdict"] for row in found["rows"]}
    assert (verdicts["user jane"], verdicts["user joe"]) == ("allowed", "unknown")
    assert said("can-i", "jane", *READ, tmp_path)["code"] == 0
    assert said("can-i", "joe", *READ, tmp_path)["code"] == 4


def test_resources_as_people_write_them(fabric: Path) -> None:
    roles = fabric.parent / "acme"
    for wrong, hint in (
        ("pod", 'did you mean "pods"'),
        ("pods/web-0", "--name web-0"),
        ("widgets", "widgets.example.org"),
        ("", "is no resource"),
    ):
        code, text = ran("can-i", "jane", "get", wrong, roles)
        assert (code, hint in text) == (2, True), text
    assert said("can-i", "jane", "get", "deployments", roles)["request"] == "get deployments.apps"
    assert said("can-i", "jane", "get", "nodes", "-n", "shop", roles)["request"] == "get nodes"
    space = said("can-i", "jane", "get", "namespaces", "--name", "shop", roles)
    assert space["request"] == 'get namespaces "shop" in namespace shop'
    for nobody in ("sa:shop", "user:", ""):
        assert ran("can-i", nobody, "get", "pods", roles)[0] == 2


QUESTIONS = """
{"id": 1, "subject": "jane", "verb": "get", "resource": "pods", "namespace": "shop"}
{"id": 2, "user": "jane", "groups": ["devs"], "verb": "get", "group": "", "resource": "pods", "subresource": "log", "namespace": "shop", "name": "x"}
{"id": 3, "subject": "jane", "verb": "get", "path": "/healthz"}
{"id": 4, "subject": "jane", "verb": "get", "resource": "pods", "namespace": "shop", "from": "acme/@node/host2"}
{"id": 5, "groups": ["devs"], "verb": "get", "resource": "pods"}
{"id": 6, "subject": "jane", "verb": "get", "resource": "pod"}
{"id": 7, "subject": "jane", "verb": "get"}
{"id": 8, "subject": "jane", "user": "x", "verb": "get", "path": "/x"}
{"id": 9, "verb": "get", "path": "/x"}
{"id": 10, "subject": "jane", "verb": "get", "path": "/x", "name": "y"}
{"id": 11, "subject": "jane", "verb": "get", "resource": "pods", "subresource": "log"}
{"id": 12, "user": "jane", "groups": "devs", "verb": "get", "path": "/x"}
"""  # noqa: E501


def test_questions_as_lines(fabric: Path) -> None:
    code, text = ran("can-i", "--requests", "-", "--tenant", "acme", fabric, stdin=QUESTIONS)
    assert code == 2
    text = (
        CliRunner()
        .invoke(
            main, ["can-i", "--requests", "-", "--tenant", "acme", str(fabric)], input=QUESTIONS
        )
        .stdout
    )
    rows = {row["id"]: row for row in map(json.loads, text.splitlines())}
    verdicts = {number: row.get("verdict", "error") for number, row in rows.items()}
    wanted = ["allowed", "allowed", "allowed", "denied", "denied", *["error"] * 7]
    assert verdicts == dict(enumerate(wanted, 1))
    assert rows[4]["permission"]["verdict"] == "allowed"
    assert rows[4]["path"]["verdict"] == "denied"
    assert rows[2]["request"] == 'get pods/log "x" in namespace shop'


def test_who_can_by_lines_and_in_other_formats(fabric: Path) -> None:
    roles = fabric.parent / "acme"
    asked = '{"id": 1, "verb": "get", "resource": "pods", "namespace": "shop"}\n'
    code, text = ran("who-can", "--requests", "-", roles, stdin=asked)
    found = json.loads(text)
    assert (code, found["id"], found["verdict"]) == (0, 1, "allowed")
    assert [row["subject"] for row in found["subjects"]] == [
        "user jane",
        "service account shop/agent",
    ]
    for verb in ("can-i", "who-can"):
        line = asked.replace("{", '{"subject": "jane", ') if verb == "can-i" else asked
        assert "allowed" in ran(verb, "--requests", "-", "-o", "md", roles, stdin=line)[1]


def test_as_text(fabric: Path) -> None:
    text = ran("can-i", "jane", *READ, *HOST2, fabric)[1]
    assert text.startswith("no: user jane, to get pods in namespace shop of acme from acme/@node/")
    assert "no webhook and no ABAC allows more" in text
    text = ran("who-can", *READ, *HOST2, fabric)[1]
    assert text.startswith(
        "Who can get pods in namespace shop of acme from acme/@node/host2: nobody"
    )
    assert ran("can-i", "jane", "get", fabric)[0] == 2
    assert ran("who-can", "get", fabric)[0] == 2
