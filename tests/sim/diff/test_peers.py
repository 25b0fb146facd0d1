"""Classes of what no rule tells apart, by the addresses that rules name."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_network

import pytest
from worlds import endpoint, network

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
