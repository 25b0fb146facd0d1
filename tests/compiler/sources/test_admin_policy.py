"""Cluster-wide policies: each rule of the source by the smallest manifests."""
# ruff: noqa: E501 (one case, one line)

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from admin_policy_cases import (
    ALL,
    CART,
    DENY_B,
    SPY,
    A,
    B,
    Object,
    admin,
    baseline,
    item,
    node,
    plain,
    pod,
    run,
    verdict,
    wide,
    written,
)


@pytest.mark.parametrize(
    ("objects", "said"),
    [
        ((), ("allow", "delivered")),
        ([admin("x", 5, ALL, ingress=DENY_B)], ("deny", "admin_drop")),
        ([baseline(ALL, ingress=DENY_B)], ("deny", "baseline_drop")),
        ([wide("x", "Admin", 5, ALL, ingress=DENY_B)], ("deny", "admin_drop")),
        ([wide("x", "Baseline", 5, ALL, ingress=DENY_B)], ("deny", "baseline_drop")),
        # rule 1: the lower number first, whatever the order of files; then the first in a list
        ([admin("x", 5, ALL, ingress=DENY_B), admin("y", 4, ALL, ingress=[item("Allow", "from", ALL)])],
         ("allow", "delivered")),
        ([admin("x", 5, ALL, ingress=[item("Allow", "from", ALL), *DENY_B])], ("allow", "delivered")),
        ([admin("x", 5, ALL, ingress=[item("Allow", "from", {"namespaces": A}), *DENY_B])],
         ("deny", "admin_drop")),
        ([wide("x", "Baseline", 5, ALL, ingress=DENY_B),
          wide("y", "Baseline", 4, ALL, ingress=[item("Accept", "from", ALL)])], ("allow", "delivered")),
        # rule 2: what is let through asks nobody behind; what is passed on asks all behind
        ([admin("x", 5, ALL, ingress=[item("Allow", "from", ALL)]), plain("shut", podSelector={}),
          baseline(ALL, ingress=DENY_B)], ("allow", "delivered")),
        ([admin("x", 5, ALL, ingress=[item("Pass", "from", ALL), *DENY_B]), plain("shut", podSelector={})],
         ("deny", "policy_drop")),
        ([admin("x", 5, ALL, ingress=[item("Pass", "from", ALL), *DENY_B]), baseline(ALL, ingress=DENY_B)],
         ("deny", "baseline_drop")),
        ([admin("x", 5, ALL, ingress=[item("Pass", "from", ALL), *DENY_B])], ("allow", "delivered")),
        ([wide("x", "Baseline", 1, ALL, ingress=[item("Pass", "from", ALL)]),
          wide("y", "Baseline", 2, ALL, ingress=DENY_B)], ("allow", "delivered")),
        # rule 3: a policy of the namespace has the last word, in its directions alone
        ([plain("open", podSelector={}, ingress=[{}]), baseline(ALL, ingress=DENY_B)], ("allow", "delivered")),
        ([plain("out", podSelector={}, policyTypes=["Egress"], egress=[{}]), baseline(ALL, ingress=DENY_B)],
         ("deny", "baseline_drop")),
        ([plain("other", podSelector={"matchLabels": {"app": "db"}}, ingress=[{}]),
          baseline(ALL, ingress=DENY_B)], ("deny", "baseline_drop")),
        # subjects and peers
        ([admin("x", 5, {"namespaces": B}, ingress=DENY_B)], ("allow", "delivered")),
        ([admin("x", 5, {"pods": {"namespaceSelector": A, "podSelector": {"matchLabels": {"app": "cart"}}}},
                ingress=DENY_B)], ("deny", "admin_drop")),
        ([admin("x", 5, {"pods": {"namespaceSelector": A, "podSelector": {"matchLabels": {"app": "db"}}}},
                ingress=DENY_B)], ("allow", "delivered")),
        ([admin("x", 5, ALL, ingress=[item("Deny", "from", {"pods": {"namespaceSelector": B,
          "podSelector": {"matchLabels": {"app": "bug"}}}})])], ("allow", "delivered")),
        ([admin("x", 5, ALL, egress=[item("Deny", "to", {"namespaces": A})])], ("deny", "admin_drop")),
        ([admin("x", 5, ALL, egress=[item("Deny", "to", {"namespaces": B})])], ("allow", "delivered")),
        # rule 4: blocks hold pods as well
        ([admin("x", 5, ALL, egress=[item("Deny", "to", {"networks": ["10.244.0.0/16"]})])],
         ("deny", "admin_drop")),
        ([admin("x", 5, ALL, egress=[item("Deny", "to", {"networks": ["192.0.2.0/24"]})])],
         ("allow", "delivered")),
        # ports
        ([admin("x", 5, ALL, ingress=[item("Deny", "from", ALL, ports=[{"portNumber": {"port": 80}}])])],
         ("deny", "admin_drop")),
        ([admin("x", 5, ALL, ingress=[item("Deny", "from", ALL,
          ports=[{"portNumber": {"protocol": "UDP", "port": 80}}])])], ("allow", "delivered")),
        ([admin("x", 5, ALL, ingress=[item("Deny", "from", ALL,
          ports=[{"portRange": {"protocol": "TCP", "start": 70, "end": 80}}])])], ("deny", "admin_drop")),
        ([admin("x", 5, ALL, ingress=[item("Deny", "from", ALL, ports=[{"namedPort": "web"}])])],
         ("allow", "delivered")),
        ([wide("x", "Admin", 5, ALL, ingress=[item("Deny", "from", ALL,
          protocols=[{"tcp": {"destinationPort": {"range": {"start": 79, "end": 80}}}}])])],
         ("deny", "admin_drop")),
        ([wide("x", "Admin", 5, ALL, ingress=[item("Deny", "from", ALL,
          protocols=[{"sctp": {"destinationPort": {"number": 80}}}])])], ("allow", "delivered")),
        # rule 5: a peer of an unknown kind is closed, by action
        ([admin("x", 5, ALL, ingress=[item("Allow", "from", {"services": {}})]),
          plain("shut", podSelector={})], ("deny", "policy_drop")),
        ([admin("x", 5, ALL, ingress=[item("Allow", "from", {"services": {}}, ALL), *DENY_B])],
         ("deny", "admin_drop")),
        ([admin("x", 5, ALL, ingress=[item("Deny", "from", {}, ports=[{"portNumber": {"port": 1}}])])],
         ("deny", "admin_drop")),
        ([wide("x", "Admin", 5, ALL, ingress=[item("Pass", "from", {"services": {}}, ALL)])],
         ("deny", "admin_drop")),
    ],
)  # fmt: skip
def test_one_flow(tmp_path: Path, objects: Sequence[Object], said: tuple[str, str]) -> None:
    assert verdict(written(tmp_path / "m", *objects), SPY, CART) == said


def test_a_port_has_the_number_that_the_destination_calls_so(tmp_path: Path) -> None:
    for side in ("ingress", "egress"):
        way = "from" if side == "ingress" else "to"
        shut = [item("Deny", way, ALL, ports=[{"namedPort": "web"}])]
        folder = written(tmp_path / side, admin("x", 5, ALL, **{side: shut}))
        assert verdict(folder, SPY, "shop/cart:8080/tcp") == ("deny", "admin_drop")
        assert verdict(folder, SPY, "shop/cart:8080/udp") == ("allow", "delivered")
        assert verdict(folder, SPY, "shop/db:8080/tcp") == ("allow", "delivered")


def test_nodes_are_meant_by_the_addresses_of_their_objects(tmp_path: Path) -> None:
    nodes = node("n1", "192.0.2.1", gpu="yes"), node("n2", "192.0.2.2")
    peer = {"nodes": {"matchLabels": {"gpu": "yes"}}}
    shut = admin("x", 5, ALL, egress=[item("Deny", "to", peer)])
    folder = written(tmp_path / "m", *nodes, shut)
    assert verdict(folder, SPY, "192.0.2.1:80/tcp") == ("deny", "admin_drop")
    assert verdict(folder, SPY, "192.0.2.2:80/tcp") == ("allow", "delivered")
    every = admin("x", 5, ALL, egress=[item("Deny", "to", {"nodes": {}})])
    folder = written(tmp_path / "all", *nodes, every)
    assert verdict(folder, SPY, "192.0.2.2:80/tcp") == ("deny", "admin_drop")


def test_a_name_of_a_node_that_is_an_address_is_one(tmp_path: Path) -> None:
    named = node("n1", "192.0.2.1")
    more = {"type": "Hostname", "address": "192.0.2.9"}, {"type": "InternalDNS", "address": "n1"}
    named["status"]["addresses"] += more
    shut = admin("x", 5, ALL, egress=[item("Deny", "to", {"nodes": {}})])
    folder = written(tmp_path / "m", named, shut)
    assert verdict(folder, SPY, "192.0.2.9:80/tcp") == ("deny", "admin_drop")
    assert verdict(folder, SPY, "192.0.2.8:80/tcp") == ("allow", "delivered")


def test_what_nobody_knows_leaves_the_answer_open(tmp_path: Path) -> None:
    """Rules 6 and 7: labels of a node that only a pod names, addresses of a domain, a list of ports
    without any."""
    on_n1 = pod("guest", "wild", nodeName="n1", hostNetwork=True) | {
        "status": {"hostIP": "192.0.2.1"}
    }
    labelled = admin(
        "x", 5, ALL, egress=[item("Deny", "to", {"nodes": {"matchLabels": {"gpu": "yes"}}})]
    )
    names = wide(
        "x", "Admin", 5, ALL, egress=[item("Accept", "to", {"domainNames": ["*.example.org"]})]
    )
    emptied = admin("x", 5, ALL, egress=[item("Deny", "to", ALL, ports=[])])
    for number, (objects, what) in enumerate(
        [
            ((on_n1, labelled), "labels of nodes"),
            ((names,), "domain names"),
            ((emptied,), "an empty list of ports"),
        ]
    ):
        folder = written(tmp_path / str(number), *objects)
        done = run("explain", folder, SPY, CART, "-o", "json")
        told = json.loads(done.stdout)
        assert told["verdict"] == "unknown", what
        (record,) = told["not_evaluated"]
        assert what in record["what"] and "all.yaml:" in record["line"]
    known = written(tmp_path / "known", on_n1, node("n1", "192.0.2.1"), labelled)
    assert verdict(known, SPY, CART) == ("allow", "delivered")


def test_pods_on_their_host_s_network_are_neither_subject_nor_peer(tmp_path: Path) -> None:
    guest = pod("guest", "wild", nodeName="n1", hostNetwork=True) | {
        "status": {"hostIP": "192.0.2.1"}
    }
    folder = written(
        tmp_path / "m", guest, admin("x", 5, ALL, ingress=DENY_B, egress=[item("Deny", "to", ALL)])
    )
    assert verdict(folder, "wild/guest", CART) == ("allow", "delivered")
    assert verdict(folder, SPY, CART) == ("deny", "admin_drop")


def test_doors_past_denials_of_administrators_are_told(tmp_path: Path) -> None:
    """A node hands packets on with its own address: who is denied by labels gets in by the door."""
    service = {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "door", "namespace": "shop"},
        "spec": {"type": "NodePort", "selector": {"app": "cart"}, "ports": [{"port": 80, "nodePort": 30080}]},
    }  # fmt: skip
    for shut in (
        admin("x", 5, ALL, ingress=DENY_B),
        admin("x", 5, {"namespaces": B}, egress=[item("Deny", "to", {"namespaces": A})]),
        baseline(ALL, ingress=DENY_B),
    ):
        assert verdict(written(tmp_path / "m", service, shut), SPY, CART)[0] == "unknown"
    assert verdict(written(tmp_path / "m", service), SPY, CART)[0] == "allow"


NODE_PORT: Object = {
    "apiVersion": "v1", "kind": "Service", "metadata": {"name": "door", "namespace": "shop"},
    "spec": {"type": "NodePort", "selector": {"app": "cart"}, "ports": [{"port": 80, "nodePort": 30080}]},
}  # fmt: skip
SHUT_IN = {**plain("in", podSelector={}, policyTypes=["Egress"]), "metadata": {"name": "in", "namespace": "wild"}}  # fmt: skip
N1: Object = {"networks": ["192.0.2.0/24"]}


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        # the door is at the node, which an administrator lets everybody send to
        ([item("Allow", "to", N1)], "unknown"),
        ([item("Allow", "to", {"nodes": {}})], "unknown"),
        ([item("Pass", "to", N1)], "deny"),
        ([item("Allow", "to", {"networks": ["192.0.2.9/32"]})], "deny"),
        # who may send to the pod itself needs no door
        ([item("Allow", "to", {"networks": ["0.0.0.0/0"]})], "allow"),
        ([item("Allow", "to", N1), item("Allow", "to", ALL)], "allow"),
        ([item("Pass", "to", {"namespaces": B}), item("Allow", "to", ALL), item("Allow", "to", N1)], "allow"),
    ],
)  # fmt: skip
def test_who_is_let_through_to_a_node_gets_in_by_the_door(
    tmp_path: Path, rules: Sequence[Object], said: str
) -> None:
    policies = SHUT_IN, admin("x", 5, ALL, egress=rules)
    folder = written(tmp_path / "m", NODE_PORT, node("n1", "192.0.2.1"), *policies)
    assert verdict(folder, SPY, CART)[0] == said


def test_nodes_of_which_nobody_knows_the_addresses(tmp_path: Path) -> None:
    """Rules 6 and 7."""
    outside = "192.0.2.1:80/tcp"
    bare = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n2"}}
    for number, (known, peer) in enumerate([
        ((), {"nodes": {}}),
        ((), {"nodes": {"matchLabels": {"gpu": "yes"}}}),
        ((node("n1", "192.0.2.1"), bare), {"nodes": {}}),
        ((node("n1", "192.0.2.1"), pod("guest", "wild", nodeName="n2")), {"nodes": {}}),
    ]):  # fmt: skip
        policies = SHUT_IN, admin("x", 5, ALL, egress=[item("Allow", "to", peer)])
        folder = written(tmp_path / str(number), *known, *policies)
        assert verdict(folder, SPY, outside)[0] == "unknown"
        assert verdict(folder, SPY, CART) == ("deny", "policy_drop")
        door = written(tmp_path / f"{number}d", *known, *policies, NODE_PORT)
        assert verdict(door, SPY, CART)[0] == "unknown"
        port = {"name": "c", "image": "c", "ports": [{"containerPort": 80, "hostPort": 8000}]}
        host = pod("open", "shop", containers=[port])
        assert verdict(written(tmp_path / f"{number}p", *known, *policies, host), SPY, CART)[0] == "unknown"  # fmt: skip
    folder = written(tmp_path / "all", node("n1", "192.0.2.1"), *policies)
    assert verdict(folder, SPY, outside) == ("allow", "delivered")


def test_networks_speak_of_ipv6(tmp_path: Path) -> None:
    shut = item("Deny", "to", {"networks": ["::/0"]})
    done = run("explain", written(tmp_path / "m", admin("x", 5, ALL, egress=[shut])), SPY, CART)
    assert "IPv6: deny" in done.stdout
