"""Cluster-wide policies: each rule of the source by the smallest manifests."""
# ruff: noqa: E501 (one case, one line)

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from cloison.cli import main
from compiler.sources.admin_policy import read
from fabric.diagnostics import Diagnostics, InputError
from fabric.kubernetes.manifests import load_manifests

A, B = {"matchLabels": {"team": "a"}}, {"matchLabels": {"team": "b"}}
ALPHA1, ALPHA2 = (f"policy.networking.k8s.io/v1alpha{n}" for n in (1, 2))
Object = dict[str, Any]


def pod(name: str, space: str, **spec: Any) -> Object:
    meta = {"name": name, "namespace": space, "labels": {"app": name}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": [], **spec}}


def space(name: str, team: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {"team": team}},
    }


WEB = {
    "containers": [{"name": "c", "image": "c", "ports": [{"name": "web", "containerPort": 8080}]}]
}
PODS = (space("shop", "a"), space("wild", "b"), pod("cart", "shop", **WEB), pod("db", "shop"), pod("spy", "wild"))  # fmt: skip


def admin(name: str, priority: int, subject: Object, **lists: Any) -> Object:
    spec = {"priority": priority, "subject": subject, **lists}
    return {
        "apiVersion": ALPHA1,
        "kind": "AdminNetworkPolicy",
        "metadata": {"name": name},
        "spec": spec,
    }


def baseline(subject: Object, **lists: Any) -> Object:
    kind = "BaselineAdminNetworkPolicy"
    return {
        "apiVersion": ALPHA1,
        "kind": kind,
        "metadata": {"name": "default"},
        "spec": {"subject": subject, **lists},
    }


def wide(name: str, tier: str, priority: int, subject: Object, **lists: Any) -> Object:
    spec = {"tier": tier, "priority": priority, "subject": subject, **lists}
    return {
        "apiVersion": ALPHA2,
        "kind": "ClusterNetworkPolicy",
        "metadata": {"name": name},
        "spec": spec,
    }


def plain(name: str, **spec: Any) -> Object:
    meta = {"name": name, "namespace": "shop"}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": meta,
        "spec": spec,
    }


def item(action: str, side: str, *peers: Object, **more: Any) -> Object:
    return {"action": action, side: list(peers), **more}


ALL: Object = {"namespaces": {}}
DENY_B = [item("Deny", "from", {"namespaces": B})]


def written(folder: Path, *objects: Object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "all.yaml").write_text(yaml.safe_dump_all([*PODS, *objects], sort_keys=False))
    return folder


def run(*arguments: object) -> Any:
    return CliRunner().invoke(main, [*map(str, arguments)])


def verdict(folder: Path, source: str, target: str) -> tuple[str, str]:
    done = run("explain", folder, source, target, "-o", "json")
    told = json.loads(done.stdout)
    return told["verdict"], told["reason"]


SPY, CART = "wild/spy", "shop/cart:80/tcp"


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


def node(name: str, address: str, **labels: str) -> Object:
    meta = {"name": name, "labels": labels}
    status = {"addresses": [{"type": "InternalIP", "address": address}]}
    return {"apiVersion": "v1", "kind": "Node", "metadata": meta, "status": status}


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
    """Rule 6: labels of a node that only a pod names, and addresses of a domain."""
    on_n1 = pod("guest", "wild", nodeName="n1", hostNetwork=True) | {
        "status": {"hostIP": "192.0.2.1"}
    }
    labelled = admin(
        "x", 5, ALL, egress=[item("Deny", "to", {"nodes": {"matchLabels": {"gpu": "yes"}}})]
    )
    names = wide(
        "x", "Admin", 5, ALL, egress=[item("Accept", "to", {"domainNames": ["*.example.org"]})]
    )
    for number, (objects, what) in enumerate(
        [((on_n1, labelled), "labels of nodes"), ((names,), "domain names")]
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


def test_one_priority_is_a_finding_where_it_decides(tmp_path: Path) -> None:
    allow, ask = [item("Allow", "from", ALL)], [item("Pass", "from", ALL)]
    one = admin("first", 5, ALL, ingress=allow)
    two = admin("second", 5, {"namespaces": A}, ingress=DENY_B)
    done = run("reach", written(tmp_path / "m", one, two))
    assert "finding[C676]" in done.stderr, done.stderr
    assert (
        "AdminNetworkPolicy first and AdminNetworkPolicy second have one priority, 5" in done.stderr
    )
    assert "cluster/shop/cart from 10.244.0.3" in done.stderr
    for quiet in (
        (one, admin("second", 6, {"namespaces": A}, ingress=DENY_B)),
        (one, admin("second", 5, {"namespaces": A}, ingress=allow)),
        (admin("first", 5, {"namespaces": B}, ingress=allow), two),
        (one, wide("second", "Baseline", 5, ALL, ingress=DENY_B)),
        # who passes on says nothing that another one could contradict, here
        (admin("first", 5, ALL, ingress=ask), admin("second", 5, ALL, ingress=allow)),
    ):
        assert "C676" not in run("reach", written(tmp_path / "m", *quiet)).stderr
    # one version of the API has no place in the order of the other, whatever the priorities
    for newer, older in (
        (wide("new", "Admin", 4, ALL, ingress=[item("Accept", "from", ALL)]), two),
        (wide("new", "Baseline", 0, ALL, ingress=[item("Accept", "from", ALL)]),
         baseline(ALL, ingress=DENY_B)),
    ):  # fmt: skip
        done = run("reach", written(tmp_path / "m", newer, older))
        assert done.stderr.count("C676") == 1
        assert f"and {older['kind']} {older['metadata']['name']} are of two" in done.stderr
    apart = (
        admin("a", 1, ALL, ingress=allow),
        wide("b", "Admin", 2, ALL, egress=[item("Deny", "to", ALL)]),
        admin("c", 3, ALL, ingress=DENY_B),
    )
    agreed = (
        admin("a", 1, {"namespaces": B}, ingress=allow),
        wide("b", "Admin", 2, {"namespaces": B}, ingress=[item("Accept", "from", ALL)]),
        baseline(ALL, ingress=DENY_B),
    )
    for quiet in (apart, agreed):
        assert "C676" not in run("reach", written(tmp_path / "m", *quiet)).stderr
    between = (
        admin("a", 5, ALL, ingress=allow),
        admin("b", 5, ALL, ingress=DENY_B),
        admin("c", 5, ALL, ingress=allow),
    )
    done = run("reach", written(tmp_path / "m", *between))
    assert done.stderr.count("C676") == 1, "whichever comes first, b alone decides otherwise"


def test_a_peer_of_an_unknown_kind_is_told(tmp_path: Path) -> None:
    policies = admin(
        "x", 5, ALL, ingress=[item("Deny", "from", {"nodes": {}}), item("Allow", "from", {"a": {}})]
    )
    found = list(_lints(written(tmp_path / "m", policies)))
    assert [d.code for d in found] == ["C675", "C675"]
    assert "ingress rule 0" in found[0].message and found[0].message.endswith("denies everything")
    assert "ingress rule 1" in found[1].message and found[1].message.endswith(
        "lets nothing through"
    )


def _lints(folder: Path) -> Any:
    from compiler.sources import admin_policy
    from fabric.cluster import cluster_network

    return admin_policy.lints(cluster_network([folder]), None)


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


MISTAKES = {
    "1001 is not one: 0 (first) to 1000": admin("x", 1001, ALL),
    'unknown field "egres"': admin("x", 1, ALL, egres=[]),
    "names namespaces or pods": admin("x", 1, {}),
    "is not one of Allow, Deny, Pass": admin("x", 1, ALL, ingress=[item("Accept", "from", ALL)]),
    "is not one of Allow, Deny": baseline(ALL, ingress=[item("Pass", "from", ALL)]),
    "is not Admin or Baseline": wide("x", "Normal", 1, ALL),
    "a rule needs from, with an item in it": admin("x", 1, ALL, ingress=[item("Deny", "from")]),
    "is of one kind, not 2": admin("x", 1, ALL, ingress=[item("Deny", "from", {"namespaces": {}, "pods": {}})]),
    "needs podSelector": admin("x", 1, {"pods": {"namespaceSelector": {}}}),
    "only pods call ports by names": admin(
        "x", 1, ALL, egress=[item("Deny", "to", {"networks": ["10.0.0.0/8"]}, ports=[{"namedPort": "web"}])]
    ),
    "domainNames can only be let through": wide(
        "x", "Admin", 1, ALL, egress=[item("Deny", "to", {"domainNames": ["example.org"]})]
    ),
    "is not a CIDR": admin("x", 1, ALL, egress=[item("Deny", "to", {"networks": ["ten"]})]),
    "is not below": wide(
        "x", "Admin", 1, ALL,
        ingress=[item("Deny", "from", ALL, protocols=[{"udp": {"destinationPort": {"range": {"start": 9, "end": 9}}}}])],
    ),
    "26 items, 25 at most": wide("x", "Admin", 1, ALL, ingress=[item("Deny", "from", *[ALL] * 26)]),
    "needs destinationPort": wide("x", "Admin", 1, ALL, ingress=[item("Deny", "from", ALL, protocols=[{"tcp": {}}])]),
    "is one of tcp, udp, sctp, destinationNamedPort": wide(
        "x", "Admin", 1, ALL, ingress=[item("Deny", "from", ALL, protocols=[{}])]
    ),
    'is called "default"': {**baseline(ALL), "metadata": {"name": "other"}},
    "a policy needs subject": {**admin("x", 1, ALL), "spec": {"priority": 1}},
}  # fmt: skip


@pytest.mark.parametrize("said", MISTAKES)
def test_mistakes_have_a_place(tmp_path: Path, said: str) -> None:
    found = Diagnostics()
    read(load_manifests([written(tmp_path / "m", MISTAKES[said])]), found)
    with pytest.raises(InputError) as raised:
        found.check()
    (wrong,) = raised.value.diagnostics
    assert said in wrong.message
    assert wrong.code.startswith(("C63", "C62")) and wrong.span is not None
    done = run("reach", tmp_path / "m")
    assert done.exit_code == 2 and wrong.code in done.stderr


def test_two_of_one_name_are_one_object_twice(tmp_path: Path) -> None:
    shut, wider = admin("x", 5, ALL, ingress=DENY_B), admin("x", 6, ALL, ingress=[])
    done = run("reach", written(tmp_path / "m", shut, wider))
    assert done.exit_code == 2 and "C608" in done.stderr
    assert "AdminNetworkPolicy x stands already" in done.stderr
    newer = {**wide("x", "Admin", 5, ALL), "apiVersion": "policy.networking.k8s.io/v1beta1"}
    done = run("reach", written(tmp_path / "n", wide("x", "Admin", 5, ALL), newer))
    assert done.exit_code == 2 and "ClusterNetworkPolicy x stands already" in done.stderr
    assert run("reach", written(tmp_path / "s", shut, shut)).exit_code == 0


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    each = [
        {**wrong, "metadata": {"name": f"{wrong['metadata']['name']}{number}"}}
        for number, wrong in enumerate(MISTAKES.values())
    ]
    done = run("reach", written(tmp_path / "m", *each))
    assert done.stderr.count("error[") >= len(MISTAKES)
