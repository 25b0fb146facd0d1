"""What lints do not say: where something is not evaluated, where it would not be so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from compiler.compile import read_policy
from compiler.lints import lints
from compiler.policy.source import with_unclaimed
from compiler.sources import SOURCES
from fabric.building.cluster import cluster_network
from fabric.diagnostics import Diagnostic, UndecidedError

Object = dict[str, Any]


def space(name: str, **labels: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def pod(place: str, ports: Any = (), **spec: Any) -> Object:
    namespace, name = place.split("/")
    about = {"name": name, "namespace": namespace, "labels": {"app": name}}
    containers = [{"name": "c", "ports": list(ports)}]
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": about,
        "spec": {"containers": containers, **spec},
    }  # fmt: skip


def policy(name: str, **spec: Any) -> Object:
    return {
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": "shop"}, "spec": {"podSelector": {}, **spec},
    }  # fmt: skip


PODS = [space("shop", team="a"), space("ops", team="b"), pod("shop/web"), pod("ops/web")]
PODS += [pod("ops/agent")]
WEB, TEAM = {"matchLabels": {"app": "web"}}, {"matchLabels": {"team": "b"}}
ALL = policy("all", ingress=[{}])
TWICE = policy("twice", ingress=[{"from": [{"namespaceSelector": {}}]}])
CALICO = {
    "apiVersion": "crd.projectcalico.org/v1", "kind": "NetworkPolicy",
    "metadata": {"name": "other", "namespace": "shop"}, "spec": {"selector": "all()"},
}  # fmt: skip


def told(folder: Path, *objects: Object) -> list[Diagnostic]:
    (folder / "all.yaml").write_text(yaml.safe_dump_all([*PODS, *objects]))
    network = with_unclaimed(cluster_network([folder]), SOURCES)
    return list(lints(network, read_policy(network)))


def codes(folder: Path, *objects: Object) -> list[str]:
    return sorted(d.code for d in told(folder, *objects))


def test_nothing_changes_nothing_beside_what_is_not_evaluated(tmp_path: Path) -> None:
    assert codes(tmp_path, ALL, TWICE) == ["C684"]
    assert codes(tmp_path, ALL, TWICE, CALICO) == []


def test_everything_is_more_than_three_protocols(tmp_path: Path) -> None:
    three = [{"protocol": name} for name in ("TCP", "UDP", "SCTP")]
    (found,) = told(tmp_path, policy("three", ingress=[{"ports": three}]), ALL)
    assert found.message.startswith("NetworkPolicy shop/three")
    (found,) = told(tmp_path, policy("several", ingress=[{"ports": three}, {"ports": three[:1]}]))
    assert "rule 1" in found.message and "whatever pods there are" in found.message


def test_what_an_administrator_decides_is_not_asked_again(tmp_path: Path) -> None:
    three = policy("three", ingress=[{"ports": [{"protocol": p} for p in ("TCP", "UDP", "SCTP")]}])
    port = {"portNumber": {"protocol": "TCP", "port": 1}}
    team = {"namespaces": TEAM}
    deny = tier({"action": "Deny", "from": [team], "ports": [port]})
    (found,) = told(tmp_path, deny, three, ALL)
    assert found.message.startswith("NetworkPolicy shop/three")
    accept = tier({"action": "Allow", "from": [team]})
    (found,) = told(
        tmp_path, accept, policy("np", ingress=[{"from": [{"namespaceSelector": TEAM}]}])
    )
    assert found.code == "C685" and "accepts it before" in found.message


def tier(*rules: Object, side: str = "ingress") -> Object:
    return {
        "apiVersion": "policy.networking.k8s.io/v1alpha1", "kind": "AdminNetworkPolicy",
        "metadata": {"name": "a"},
        "spec": {"priority": 1, "subject": {"namespaces": {}}, side: list(rules)},
    }  # fmt: skip


def test_an_exception_that_counts_at_one_pod_is_not_told(tmp_path: Path) -> None:
    block = {"cidr": "192.0.2.0/24", "except": ["192.0.2.0/28"]}
    both = policy("both", ingress=[{"from": [{"ipBlock": block}]}])
    hole = [{"from": [{"ipBlock": {"cidr": "192.0.2.0/28"}}]}]
    one = policy("one", podSelector=WEB, ingress=hole)
    assert codes(tmp_path, both, one) == ["C681"]
    assert codes(tmp_path, pod("shop/till"), both, one) == []


def test_one_peer_that_is_covered_in_words_is_not_all(tmp_path: Path) -> None:
    wide = policy("wide", ingress=[{"from": [{"namespaceSelector": TEAM}, {"podSelector": {}}]}])
    agent = {"podSelector": {"matchLabels": {"app": "agent"}}, "namespaceSelector": {}}
    narrow = policy("narrow", ingress=[{"from": [agent, {"podSelector": WEB}]}])
    (found,) = [d for d in told(tmp_path, wide, narrow) if "narrow" in d.message]
    assert "for the pods that are here" in found.message


def test_the_only_egress_rule_isolates(tmp_path: Path) -> None:
    everything = policy("all", policyTypes=["Egress"], egress=[{}])
    one = [{"to": [{"podSelector": {}}]}]
    assert codes(tmp_path, everything, policy("one", egress=one)) == []
    assert codes(tmp_path, everything, policy("one", egress=one * 2)) == ["C684"]
    typed = policy("one", egress=one, policyTypes=["Egress"])
    assert codes(tmp_path, everything, typed) == ["C684"]


def test_two_items_are_not_told_where_others_let_the_same_in(tmp_path: Path) -> None:
    two = policy("two", ingress=[{"from": [{"namespaceSelector": TEAM}, {"podSelector": WEB}]}])
    wide = policy("wide", ingress=[{"from": [{"namespaceSelector": TEAM}]}])
    assert codes(tmp_path, two) == ["C686"]
    assert "C686" not in codes(tmp_path, two, wide)
    assert "C686" not in codes(tmp_path, two, CALICO)


def test_names_may_come_from_the_node(tmp_path: Path) -> None:
    out = policy("out", egress=[{"to": [{"podSelector": {}}], "ports": [{"port": 80}]}])
    assert codes(tmp_path, out) == ["C682"]
    cache = pod("ops/cache", [{"containerPort": 53, "protocol": "UDP"}], hostNetwork=True)
    assert codes(tmp_path, out, cache) == []
    assert codes(tmp_path, out, CALICO) == []
    everything = [{"namespaces": {}}, {"networks": ["0.0.0.0/0"]}]
    shut = tier({"action": "Deny", "to": everything}, side="egress")
    assert "C682" not in codes(tmp_path, out, shut)
    tcp = policy("tcp", egress=[{"ports": [{"port": 53}]}])
    assert codes(tmp_path, out, tcp) == []


def test_gpus_beside_what_is_not_evaluated(tmp_path: Path) -> None:
    card = {"name": "c", "resources": {"limits": {"amd.com/gpu": 1}}}
    model = pod("ops/model", containers=[card])
    assert codes(tmp_path, model) == ["C683"]
    assert codes(tmp_path, model, CALICO) == []


def test_a_port_of_any_protocol(tmp_path: Path) -> None:
    named = [{"name": "http", "containerPort": 80}]
    rule = {"action": "Deny", "from": [{"namespaces": {}}], "ports": [{"namedPort": "http"}]}
    assert codes(tmp_path, pod("shop/api", named), tier(rule)) == []
    assert codes(tmp_path, tier(rule)) == ["C672"]


def test_where_nobody_enforces_a_policy_no_table_says_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus = pod("shop/trainer")
    gpus["spec"]["containers"][0]["resources"] = {"limits": {"nvidia.com/gpu": 1}}
    block = {"ipBlock": {"cidr": "192.0.2.0/24", "except": ["192.0.2.0/28"]}}
    some = policy("some", ingress=[{"from": [block]}], policyTypes=["Ingress"])
    nobody = policy("nobody", podSelector={"matchLabels": {"app": "wbe"}})
    assert codes(tmp_path, gpus, some, nobody) == ["C673"]

    def refused(draft: object) -> None:
        raise UndecidedError(Diagnostic("C852", "nobody enforces it", severity="unknown"))

    monkeypatch.setattr("compiler.lints.asked.enforce", refused)
    assert codes(tmp_path, gpus, some, nobody) == ["C673"]
