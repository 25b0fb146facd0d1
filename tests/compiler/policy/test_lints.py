"""What policies and zone 1 say that nobody in the input can be meant by is a warning, and nothing
else is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from cloison.cli import main
from compiler.compile import read_policy
from compiler.lints.asked import AskedPolicies
from compiler.lints.unmatched import lint
from fabric.building.cluster import cluster_network


def pod(name: str, namespace: str, port: str | None = None, **spec: Any) -> dict[str, Any]:
    ports = [{"name": port, "containerPort": 8080}] if port else []
    about = {"name": name, "namespace": namespace, "labels": {"app": name}}
    spec = {"containers": [{"name": "c", "ports": ports}], **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": spec}


PODS = [
    pod("web", "shop", "http"),
    pod("till", "desk", "sql"),
    pod("agent", "hosts", hostNetwork=True),
]
SPACES = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    for name in ("shop", "desk", "hosts")
]


def policy(app: str = "web", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "p", "namespace": "shop"},
        "spec": {"podSelector": {"matchLabels": {"app": app}}, **spec},
    }


def told(folder: Path, *objects: Any) -> list[tuple[str, str, str | None]]:
    (folder / "all.yaml").write_text(yaml.safe_dump_all([*SPACES, *PODS, *objects]))
    network = cluster_network([folder])
    return [(d.code, d.message, d.hint) for d in lint(AskedPolicies(network, read_policy(network)))]


def named(port: str, protocol: str = "TCP") -> list[dict[str, str]]:
    return [{"port": port, "protocol": protocol}]


SHOP = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "shop"}}}
DESK = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "desk"}}}
HOSTS = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "hosts"}}}
NOWHERE = {"namespaceSelector": {"matchLabels": {"team": "x"}}}
BLOCK = {"ipBlock": {"cidr": "192.0.2.0/24"}}


@pytest.mark.parametrize(
    ("spec", "codes"),
    [
        ({"ingress": [{"from": [DESK], "ports": named("http")}]}, []),
        ({"ingress": [{}]}, []),
        ({"ingress": []}, []),
        ({"ingress": [{"from": [{"podSelector": {}}, BLOCK]}]}, []),
        ({"ingress": [{"ports": named("http")}]}, []),
        ({"ingress": [{"ports": named("htpp")}]}, ["C672"]),
        ({"ingress": [{"ports": named("http", "UDP")}]}, ["C672"]),
        ({"ingress": [{"from": [DESK], "ports": named("sql")}]}, ["C672"]),
        ({"ingress": [{"from": [NOWHERE]}]}, ["C671"]),
        ({"ingress": [{"from": [HOSTS]}]}, ["C671"]),
        ({"ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "x"}}}]}]}, ["C671"]),
        ({"ingress": [{"from": [NOWHERE, DESK]}, {"from": [HOSTS]}]}, ["C671", "C671"]),
        ({"egress": [{"to": [DESK], "ports": named("sql")}]}, []),
        ({"egress": [{"to": [DESK, SHOP], "ports": named("http")}]}, []),
        ({"egress": [{"ports": named("sql")}]}, []),
        ({"egress": [{"to": [BLOCK], "ports": named("sql")}]}, []),
        ({"egress": [{"to": [DESK], "ports": named("http")}]}, ["C672"]),
        ({"egress": [{"to": [NOWHERE], "ports": named("http")}]}, ["C671"]),
    ],
)
def test_peers_and_port_names(tmp_path: Path, spec: dict[str, Any], codes: list[str]) -> None:
    assert [code for code, _, _ in told(tmp_path, policy(**spec))] == codes


def test_hints_name_what_nobody_has(tmp_path: Path) -> None:
    wrong = {"podSelector": {"matchLabels": {"app": "x"}}}
    spec = {"ingress": [{"from": [NOWHERE, HOSTS, wrong]}, {"ports": named("htpp")}]}
    hints = [hint or "" for _, _, hint in told(tmp_path, policy(**spec))]
    assert hints[0] == "no namespace has team=x"
    assert hints[1].startswith("there is no pod in hosts")
    assert hints[2].startswith("no pod there has app=x")
    assert hints[3] == 'did you mean "http"?'


def test_a_policy_that_selects_no_pod_is_told_and_nothing_more_of_it(tmp_path: Path) -> None:
    found = told(tmp_path, policy("x", ingress=[{"from": [NOWHERE], "ports": named("htpp")}]))
    assert [found_[:2] for found_ in found] == [("C673", "NetworkPolicy shop/p selects no pod")]


def test_reach_tells_them_and_its_answer_stays_the_same(tmp_path: Path) -> None:
    objects = [*SPACES, *PODS, policy(ingress=[{"from": [NOWHERE]}])]
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(objects))
    done = CliRunner().invoke(main, ["reach", str(tmp_path)])
    assert done.exit_code == 0
    assert "warning[C671]" in done.stderr and "no namespace has team=x" in done.stderr


FABRIC = """\
cloison: 1
name: lab
sites: {{lab: {{spines: 2, leaves: 2, hosts_per_pair: 4, borders: 0}}}}
tenants:
  acme: {{hosts: [host1], manifests: [m], vrfs: {{main: {{prefixes: [10.1.0.0/24]}}}}}}
zones: {{zone1: {{rules: [{rules}]}}}}
"""


@pytest.mark.parametrize(
    ("actions", "idle"),
    [
        (["permit"], [0]),
        (["permit", "permit"], [0, 1]),
        (["deny", "permit"], [1]),
        (["permit", "deny"], []),
        (["permit", "deny", "permit"], [2]),
    ],
)
def test_permits_of_zone_1_matter_before_denies_only(
    tmp_path: Path, actions: list[str], idle: list[int]
) -> None:
    rules = ", ".join(
        f'{{name: r{n}, action: {action}, from: "acme/*", to: "acme/*", ports: [2{n}/tcp]}}'
        for n, action in enumerate(actions)
    )
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "all.yaml").write_text(yaml.safe_dump_all([*PODS, policy("x")]))
    path = tmp_path / "lab.yaml"
    path.write_text(FABRIC.format(rules=rules))
    done = CliRunner().invoke(main, ["check", str(path), "-o", "json"])
    rows = json.loads(done.stdout)["rows"]
    found = {row["message"].split('"')[1] for row in rows if row["code"] == "C674"}
    assert found == {f"r{n}" for n in idle}
    assert [row["line"] for row in rows if row["code"] == "C673"] != []
    assert done.exit_code == 0


def test_nobody_is_told_of_whom_nobody_knows_the_labels(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(
        yaml.safe_dump_all([*PODS, policy(ingress=[{"from": [NOWHERE]}])])
    )
    done = CliRunner().invoke(main, ["reach", str(tmp_path)])
    assert "C671" not in done.stderr
