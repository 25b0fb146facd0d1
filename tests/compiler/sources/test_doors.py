"""A Service that leads past policies which let nobody in is told; one that adds nothing is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

import cloison
from cloison.loading.how import How
from cloison.views.world import World
from compiler.policy.ir import L4, Within
from compiler.sources.doors import doors

POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "db", "namespace": "ns", "labels": {"app": "db"}},
    "spec": {
        "containers": [
            {"name": "c", "image": "i", "ports": [{"name": "sql", "containerPort": 5432}]}
        ]
    },
}
SHUT: dict[str, Any] = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "p", "namespace": "ns"},
    "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
}
EVERYBODY: list[Any] = [{}]
ALL = [{"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]
SOME = [{"from": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]}]


def service(kind: str, target: Any = "sql", **more: Any) -> dict[str, Any]:
    spec = {"type": kind, "selector": {"app": "db"}, "ports": [{"port": 1, "targetPort": target}]}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s", "namespace": "ns"},
        "spec": spec | more,
    }


def policy(rules: list[Any], ports: Any = None) -> dict[str, Any]:
    given = [{**rule, **({"ports": ports} if ports else {})} for rule in rules]
    return SHUT | {"spec": SHUT["spec"] | {"ingress": given}}


def told(tmp_path: Path, *objects: Any) -> list[str]:
    """What is not evaluated of the pod and these objects."""
    path = tmp_path / "m.yaml"
    path.write_text(yaml.safe_dump_all([POD, *objects]))
    return [row["kind"] for row in cloison.build(path).not_evaluated]


@pytest.mark.parametrize(
    "door",
    [
        service("NodePort"),
        service("LoadBalancer"),
        service("ClusterIP", externalIPs=["192.0.2.7"]),
        service("NodePort", 5432),
    ],
)
def test_a_door_past_a_policy_that_lets_nobody_in(tmp_path: Path, door: Any) -> None:
    assert told(tmp_path, SHUT, door) == ["Service"]
    assert told(tmp_path, policy(SOME), door) == ["Service"]
    assert told(tmp_path, policy(EVERYBODY, [{"port": 80}]), door) == ["Service"]
    assert told(tmp_path, policy(EVERYBODY, [{"protocol": "UDP", "port": 5432}]), door) == [
        "Service"
    ]
    assert told(tmp_path, door) == []
    assert told(tmp_path, policy(EVERYBODY), door) == []
    assert told(tmp_path, policy(ALL, [{"port": "sql"}]), door) == []
    assert told(tmp_path, policy(ALL, [{"port": 5000, "endPort": 6000}]), door) == []


def test_a_door_is_told_unless_all_of_its_ports_are_open(tmp_path: Path) -> None:
    ports = [{"name": f"p{number}", "port": number} for number in (5432, 9000)]
    door = service("NodePort", ports=ports)
    for opened, codes in (([5432], ["Service"]), ([9000], ["Service"]), ([5432, 9000], [])):
        rule = policy(EVERYBODY, [{"port": number} for number in opened])
        assert told(tmp_path, rule, door) == codes


def test_blocks_of_the_outside_do_not_let_pods_in(tmp_path: Path) -> None:
    """Where blocks mean no pods, a node port leads these past a policy of blocks."""
    path = tmp_path / "m.yaml"
    for rules, ipblock, codes in (
        (ALL, "external", ["Service"]),
        (ALL, "pods", []),
        (EVERYBODY, "external", []),
    ):
        path.write_text(yaml.safe_dump_all([POD, policy(rules), service("NodePort")]))
        how = How(ipblock=ipblock)
        assert [r.kind for r in World.read([path], how).network.not_evaluated] == codes


@pytest.mark.parametrize(
    "limited",
    [
        {"l4": (L4(6, 5432, 5432, fields=(Within("dscp", 46, 46),)),)},
        {"l4": (L4(6, 5432, 5432, source_first=1024),)},
        {"l4": (L4(6, 5432, 5432, source_last=1023),)},
        {"conditions": ("with a certificate",)},
    ],
    ids=str,
)
def test_a_rule_that_asks_for_more_does_not_let_everybody_in(
    tmp_path: Path, limited: dict[str, Any]
) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(yaml.safe_dump_all([POD, policy(EVERYBODY), service("NodePort")]))
    world = World.read([path], How())
    plain = world.policy_read
    assert list(doors(world.network, plain)) == []
    same = replace(plain, rules=tuple(replace(r, l4=(L4(6, 5432, 5432),)) for r in plain.rules))
    assert list(doors(world.network, same)) == []
    asking = replace(plain, rules=tuple(replace(r, **limited) for r in plain.rules))
    assert [record.kind for record in doors(world.network, asking)] == ["Service"]


def test_other_services_are_no_doors(tmp_path: Path) -> None:
    for harmless in (
        service("ClusterIP"),
        service("ExternalName", externalName="example.org"),
        service("NodePort", selector={"app": "other"}),
        service("NodePort", selector=None),
        service("NodePort", externalTrafficPolicy="Local"),
        service("LoadBalancer", externalTrafficPolicy="Local"),
    ):
        assert told(tmp_path, SHUT, harmless) == []


def test_a_knative_service_is_a_door_where_policies_shut_somebody_out(tmp_path: Path) -> None:
    template = {"metadata": {"labels": {"app": "kn"}}, "spec": POD["spec"]}
    served = {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": "kn", "namespace": "ns"},
        "spec": {"template": template},
    }
    gateway = [{"from": [{"namespaceSelector": {}}]}]
    for policies, doors_told in (([], []), ([SHUT], ["Service"]), ([policy(EVERYBODY)], [])):
        assert told(tmp_path, served, *policies) == doors_told
    assert told(tmp_path, served, policy(gateway)) == ["Service"]


def test_it_touches_the_pods_behind_it(tmp_path: Path) -> None:
    other = POD | {"metadata": {"name": "web", "namespace": "ns"}}
    path = tmp_path / "m.yaml"
    path.write_text(yaml.safe_dump_all([POD, other, SHUT, service("NodePort")]))
    assert cloison.explain(path, "ns/web", "ns/db:5432").verdict == "unknown"
    accepted = cloison.explain(path, "ns/web", "ns/db:5432", accept_unevaluated=["Service"])
    assert accepted.verdict == "deny"
    far = POD | {"metadata": {"name": "far", "namespace": "other"}}
    path.write_text(yaml.safe_dump_all([POD, other, far, SHUT, service("NodePort")]))
    assert cloison.explain(path, "ns/web", "other/far:80").verdict == "allow"


def blocks(*written: str) -> list[Any]:
    """One rule that lets blocks in, each `cidr` or `cidr-except`."""
    found = []
    for text in written:
        cidr, _, hole = text.partition("-")
        found.append({"ipBlock": {"cidr": cidr, **({"except": [hole]} if hole else {})}})
    return [{"from": found}]


@pytest.mark.parametrize(
    ("let_in", "whole"),
    [
        (blocks("0.0.0.0/0"), True),
        (blocks("0.0.0.0/1", "128.0.0.0/1"), True),
        (blocks("0.0.0.0/0-10.0.0.0/8", "10.0.0.0/7"), True),
        (blocks("0.0.0.0/0-10.0.0.0/8") + blocks("10.0.0.0/8"), True),
        (blocks("0.0.0.0/0-10.0.0.0/8"), False),
        (blocks("0.0.0.0/0-10.0.0.0/8", "10.0.0.0/9"), False),
        (blocks("0.0.0.0/0-255.255.255.255/32"), False),
        (blocks("0.0.0.0/0-0.0.0.0/32"), False),
        (blocks("0.0.0.0/1"), False),
        (blocks("::/0"), False),
    ],
)
def test_everybody_must_be_let_in(tmp_path: Path, let_in: list[Any], whole: bool) -> None:
    assert told(tmp_path, policy(let_in), service("NodePort")) == ([] if whole else ["Service"])
    other = [{**rule, "ports": [{"port": 1}]} for rule in blocks("0.0.0.0/0")]
    mixed = SHUT | {"spec": SHUT["spec"] | {"ingress": [*other, *let_in]}}
    assert told(tmp_path, mixed, service("NodePort")) == ([] if whole else ["Service"])


def test_a_pod_of_two_ip_versions_must_let_both_in(tmp_path: Path) -> None:
    both = [{"ip": "10.0.0.5"}, {"ip": "fd00::5"}]
    pod = POD | {"status": {"podIP": "10.0.0.5", "podIPs": both}}
    path = tmp_path / "m.yaml"
    for let_in, kinds in (
        (blocks("0.0.0.0/0"), ["Service"]),
        (blocks("::/0"), ["Service"]),
        (blocks("::/0", "0.0.0.0/0"), []),
    ):
        path.write_text(yaml.safe_dump_all([pod, policy(let_in), service("NodePort")]))
        assert [row["kind"] for row in cloison.build(path).not_evaluated] == kinds
