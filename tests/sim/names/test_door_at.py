"""Asking for an address or a node with a port that leads to pods, in a cluster and in a fabric."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import cloison
from cloison.cli import main

CLUSTER = """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  nodeName: m1
  containers: [{name: c, ports: [{name: http, containerPort: 8080, hostPort: 81}]}]
---
apiVersion: v1
kind: Service
metadata: {name: front, namespace: shop}
spec:
  type: LoadBalancer
  clusterIP: 10.96.0.9
  externalIPs: [198.51.100.7]
  selector: {app: web}
  ports: [{port: 80, targetPort: http, nodePort: 30080}]
---
apiVersion: v1
kind: Node
metadata: {name: m1}
status: {addresses: [{type: InternalIP, address: 192.0.2.11}]}
---
apiVersion: v1
kind: Pod
metadata: {name: till, namespace: desk}
spec: {nodeName: m2, containers: [{name: c}]}
---
apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: desk}
spec: {nodeName: m1, hostNetwork: true, containers: [{name: c}]}
---
apiVersion: v1
kind: Pod
metadata: {name: other-agent, namespace: desk}
spec: {nodeName: m2, hostNetwork: true, containers: [{name: c}]}
"""
POLICY = """
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: %s, namespace: %s}
spec: %s
"""
SHUT = POLICY % ("shut", "shop", "{podSelector: {}, policyTypes: [Ingress]}")
DOORS = {
    "10.96.0.9:80": "80/tcp is a port of Service shop/front",
    "198.51.100.7:80": "80/tcp is a port of Service shop/front",
    "192.0.2.11:30080": "30080/tcp is the node port of Service shop/front",
    "@node/m1:30080": "30080/tcp is the node port of Service shop/front",
    "@node/m2:30080": "30080/tcp is the node port of Service shop/front",
    "desk/agent:30080": "30080/tcp is the node port of Service shop/front",
    "192.0.2.11:81": "81/tcp is a hostPort of shop/web",
}


def ask(folder: Path, text: str, target: str, *more: str) -> tuple[int, dict[str, Any]]:
    """Exit code and explanation of what a pod of another namespace gets at a target."""
    (folder / "all.yaml").write_text(text)
    command = ["explain", str(folder), "desk/till", target, "-o", "json", *more]
    done = CliRunner().invoke(main, command)
    return done.exit_code, json.loads(done.stdout) if done.stdout else {"error": done.stderr}


@pytest.mark.parametrize("door", DOORS)
def test_a_door_leads_to_its_pods(tmp_path: Path, door: str) -> None:
    status, found = ask(tmp_path, CLUSTER, door)
    assert (status, found["verdict"]) == (0, "allow")
    assert found["target"] == "cluster/shop/web"
    assert found["packet"].endswith(":8080/tcp")
    assert found["through"] == f"{DOORS[door]}, and leads to cluster/shop/web at 8080/tcp"
    shown = CliRunner().invoke(main, ["explain", str(tmp_path), "desk/till", door]).stdout
    assert f"Door: {DOORS[door]}, and leads to shop/web at 8080/tcp." in shown


@pytest.mark.parametrize("door", DOORS)
def test_what_policies_say_of_the_pods_holds_at_the_door(tmp_path: Path, door: str) -> None:
    status, found = ask(tmp_path, CLUSTER + SHUT, door)
    assert (status, found["verdict"], found["computed"]) == (4, "unknown", "deny")
    accepted = ("--accept-unevaluated", "Service", "--accept-unevaluated", "Pod")
    status, found = ask(tmp_path, CLUSTER + SHUT, door, *accepted)
    assert (status, found["verdict"]) == (0, "deny")


@pytest.mark.parametrize(
    "other", ["198.51.100.7:81", "192.0.2.11:22", "@node/m2:81", "192.0.2.11:30080/udp"]
)
def test_other_ports_are_no_doors(tmp_path: Path, other: str) -> None:
    _, found = ask(tmp_path, CLUSTER, other)
    assert found["through"] is None and found["target"] != "cluster/shop/web"


def test_a_node_hands_on_to_its_own_pods_alone_where_the_policy_is_local(tmp_path: Path) -> None:
    local = CLUSTER.replace("  clusterIP", "  externalTrafficPolicy: Local\n  clusterIP")
    assert ask(tmp_path, local, "@node/m1:30080")[1]["target"] == "cluster/shop/web"
    assert ask(tmp_path, local, "@node/m2:30080")[1]["target"] == "cluster/@node/m2"


TO_NODES = POLICY % (
    "out", "desk",
    "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 192.0.2.0/24}}]}]}",
)  # fmt: skip
TO_PODS = POLICY % (
    "out", "desk",
    "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {}}]}]}",
)  # fmt: skip
QUESTION = {"src": "desk/till", "protocol": "TCP"}


@pytest.mark.parametrize("policy", [TO_NODES, TO_PODS])
def test_what_policies_of_the_source_see_must_not_matter(tmp_path: Path, policy: str) -> None:
    status, found = ask(tmp_path, CLUSTER + policy, "192.0.2.11:30080")
    assert status == 4 and "unknown[C670]" in found["error"]
    asked = json.dumps({**QUESTION, "dst": "ip:192.0.2.11", "port": 30080})
    command = ["reach", str(tmp_path), "--flows", "-"]
    answer = json.loads(CliRunner().invoke(main, command, input=asked).stdout)
    assert "network plugin" in answer["error"]


def test_behind_a_cluster_ip_all_see_the_pods_that_policies_select(tmp_path: Path) -> None:
    status, found = ask(tmp_path, CLUSTER + TO_PODS, "10.96.0.9:80")
    assert (status, found["verdict"]) == (0, "allow")


def test_questions_in_bulk_know_doors(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(CLUSTER + SHUT)
    doors = {"192.0.2.11": 30080, "198.51.100.7": 80}
    asked = [json.dumps({**QUESTION, "dst": f"ip:{a}", "port": p}) for a, p in doors.items()]
    command = ["reach", str(tmp_path), "--flows", "-"]
    done = CliRunner().invoke(main, command, input="\n".join(asked))
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(a["verdict"], a["computed"]) for a in answers] == [("unknown", "deny")] * 2


FABRIC = """
cloison: 1
name: lab
sites: {lab: {spines: 2, leaves: 2, hosts_per_pair: 4, borders: 0}}
tenants:
  acme:
    hosts: [host1]
    manifests: [acme]
    vrfs: {main: {prefixes: [10.1.0.0/24]}}
  globex:
    hosts: [host3]
    manifests: [globex]
    vrfs: {main: {prefixes: [10.2.0.0/24]}}
peerings: [{name: p, between: [acme/main, globex/main]}]
"""
PODS = {
    "acme": """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: c, ports: [{containerPort: 8080, hostPort: 81}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: front, namespace: shop}
spec:
  type: NodePort
  externalIPs: [198.51.100.7]
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080, nodePort: 30080}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: site, namespace: shop}
spec: {defaultBackend: {service: {name: front, port: {number: 80}}}}
""",
    "globex": """
apiVersion: v1
kind: Pod
metadata: {name: till, namespace: desk}
spec: {containers: [{name: c}]}
""",
}


@pytest.fixture
def fabric(tmp_path: Path) -> str:
    """Two tenants that may talk, one of them with doors."""
    for tenant, pods in PODS.items():
        (tmp_path / tenant).mkdir()
        (tmp_path / tenant / "all.yaml").write_text(pods)
    (tmp_path / "lab.yaml").write_text(FABRIC)
    return str(tmp_path / "lab.yaml")


def test_a_fabric_decides_at_the_node_and_says_what_is_behind(fabric: str) -> None:
    found = cloison.explain(fabric, "globex/desk/till", "acme/@node/host1:30080")
    assert found.explanation.target == "acme/@node/host1"
    assert "what gets there goes on to acme/shop/web at 8080/tcp" in str(found)


def test_reach_lists_the_doors_of_tenants(fabric: str) -> None:
    reach = CliRunner().invoke(main, ["reach", fabric, "-o", "json"])
    doors = {(d["kind"], d["at"]): d for d in json.loads(reach.stdout)["doors"]}
    assert {(d["tenant"], d["leads_to"], d["port"]) for d in doors.values()} == {
        ("acme", "acme/shop/web", "8080/tcp")
    }
    who = {key: door["open_to"] for key, door in doors.items()}
    clients = ["globex/@node/host3", "globex/desk/till"]
    assert who == {
        ("Service", "every node, 30080/tcp"): clients,
        ("Service", "198.51.100.7:80/tcp"): None,
        ("Ingress", "any host, any path"): None,
        ("hostPort", "the pod's node, 81/tcp"): clients,
    }
    shown = CliRunner().invoke(main, ["reach", fabric]).stdout
    assert "whoever reaches its controller: unknown" in shown
    assert "globex/@node/host3, globex/desk/till" in shown
    only = CliRunner().invoke(main, ["reach", fabric, "--to", "globex/*", "-o", "json"])
    assert "doors" not in json.loads(only.stdout)
