"""Classes of what no rule tells apart, by the addresses that rules name."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_network
from pathlib import Path

import pytest
import yaml
from cilium_cases import pod, space
from worlds import endpoint, network

import cloison
from compiler.policy.ir import Action, Cidr, Direction, Named, Origin, Policy, Rule, Stage
from fabric.building.network import Network
from sim.diff.peers import Class, peers


@pytest.mark.parametrize(
    ("block", "classes"),
    [
        ("10.0.0.2/31", [{1, 4}, {2, 3}]),
        ("10.0.0.2/32", [{1, 3, 4}, {2}]),
        ("10.0.0.0/30", [{1, 2, 3}, {4}]),
        ("0.0.0.0/0", [{1, 2, 3, 4}]),
    ],
)
def test_addresses_of_a_workload_are_told_apart_at_both_ends_of_a_block(
    block: str, classes: list[set[int]]
) -> None:
    ends = [
        endpoint(n, f"acme/web/p{n}", 0, f"10.0.0.{n + 1}/32", workload="front") for n in range(4)
    ]
    world = network(["acme/main"], ends)
    remote, origin = (Cidr(ip_network(block)),), Origin("zone rule", "r")
    rule = Rule(Stage.WORKLOAD, Direction.OUT, 0, (Named(("*",)),), remote, (), Action.DENY, origin)
    found = peers(world, world, (Policy(), Policy((rule,))), frozenset())
    for side in (found.old, found.new):
        numbers = [{int(IPv4Address(u.address)) & 255 for u in one.units} for one in side]
        assert sorted(numbers, key=min) == classes


def test_what_is_the_same_in_both_worlds_is_classed_once() -> None:
    def world(*names: str) -> Network:
        ends = [
            endpoint(n, f"acme/web/{name}", 0, f"10.0.0.{ord(name)}/32", workload="front")
            for n, name in enumerate(names)
        ]
        return network(["acme/main"], ends)

    def numbers(classes: tuple[Class, ...]) -> list[list[tuple[str, int]]]:
        return [[(unit.name, unit.endpoint) for unit in one.units] for one in classes]

    policies = Policy(), Policy()
    alike, turned, fewer = (
        peers(world("a", "b"), other, policies, frozenset())
        for other in (world("a", "b"), world("b", "a"), world("a"))
    )
    first = [[("acme/web/a", 0), ("acme/web/b", 1)]]
    assert numbers(alike.old) == numbers(alike.new) == first
    assert numbers(turned.new) == [[("acme/web/a", 1), ("acme/web/b", 0)]]
    assert (numbers(fewer.old), numbers(fewer.new)) == (first, [[("acme/web/a", 0)]])


SITE = """\
cloison: 1
name: agents
sites: { s: { spines: 1, leaves: 2, hosts_per_pair: 3, borders: 0 } }
pools: { blocks: { v4: 28 } }
pins:
  addresses: { "a/@node/host1": [100.68.0.2], "a/@node/host2": [100.68.0.18] }
tenants:
  a:
    hosts: ["host[1-3]"]
    manifests: [all.yaml]
    vrfs: { main: { prefixes: [10.0.0.0/24, { cidr: 100.68.0.0/24, use: nodes }] } }
"""


def agents(folder: Path, *nodes: str, name: str = "agent") -> Path:
    """Pods on the network of their nodes, and a database that takes what host1 sends."""
    folder.mkdir()
    db = pod("db", "x")
    db["spec"]["nodeName"] = "host3"
    objects = [space("x"), db]
    for number, node in enumerate(nodes):
        agent = pod(f"{name}-{number}", "x")
        agent["spec"] |= {"hostNetwork": True, "nodeName": node}
        owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "agent"}
        agent["metadata"]["ownerReferences"] = [{**owner, "controller": True}]
        objects.append(agent)
    ingress = [{"from": [{"ipBlock": {"cidr": "100.68.0.2/32"}}]}]
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "db", "namespace": "x"},
        "spec": {"podSelector": {"matchLabels": {"app": "db"}}, "ingress": ingress},
    }
    (folder / "all.yaml").write_text(yaml.safe_dump_all([*objects, policy]))
    (folder / "f.yaml").write_text(SITE)
    return folder / "f.yaml"


def test_a_workload_that_moves_to_another_node_gains_what_that_node_may(tmp_path: Path) -> None:
    far, near, both, turned, again = (
        agents(tmp_path / str(n), *nodes, name=name)
        for n, (name, *nodes) in enumerate(
            [
                ("agent", "host2"),
                ("fresh", "host1"),
                ("agent", "host1", "host2"),
                ("agent", "host2", "host1"),
                ("fresh", "host2"),
            ]
        )
    )
    for old, new in ((far, near), (far, both), (both, turned)):
        rows = [row for row in cloison.diff(old, new) if row["destination"] == "a/x/db"]
        assert [(row["source"], row["change"]) for row in rows][:1] == [("a/x/agent", "gained")]
        assert {row["source"] for row in rows} == {"a/x/agent"}
    assert not [*cloison.diff(far, again)]
