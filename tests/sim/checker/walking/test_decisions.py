"""What the reader of certificates takes policies to say is what they are defined to say."""

from __future__ import annotations

from itertools import permutations

import pytest
from routed import endpoint, routed

from compiler.policy.ir import (
    L4,
    Action,
    Direction,
    Everyone,
    Named,
    Origin,
    Packet,
    Policy,
    Rule,
    Stage,
)
from compiler.policy.semantics import decide
from sim.checker.walking.address_space import AddressSpace
from sim.checker.walking.decisions import Decisions
from sim.checker.walking.l4_space import Space

LOCAL, MAKE = (Named(("acme/web/a",)),), Origin("zone rule", "r")
RULES = [
    Rule(Stage.OVERRIDE, Direction.OUT, order, LOCAL, (Everyone(),), l4, action, MAKE)
    for order, (l4, action) in enumerate(
        [((L4(6, 80, 80),), Action.PERMIT), ((L4(6, 0, 99),), Action.DENY), ((), Action.PERMIT)]
    )
]


@pytest.mark.parametrize("rules", [*permutations(RULES)])
def test_rules_count_in_their_order_wherever_they_stand(rules: tuple[Rule, ...]) -> None:
    ends = [
        endpoint(0, "acme/web/a", 0, "10.0.0.1/32"),
        endpoint(1, "acme/web/b", 0, "10.0.0.2/32"),
    ]
    net, policy = routed(["dpu1"], ["acme/main"], ends, {}), Policy(rules)
    space = Space.of(policy, net.endpoints)
    remote = int(ends[1].prefixes[0].network_address)
    found = Decisions(net, policy, space, AddressSpace(net, policy)).decide(
        Direction.OUT, 0, 4, 0, remote
    )
    for packet, passes in zip(space.packets, found.passes, strict=True):
        asked = Packet(Direction.OUT, 0, 4, remote, 0, *packet)
        assert decide(policy, net, asked).permit == passes


@pytest.mark.parametrize("action", [Action.PERMIT, Action.PERMIT_FINAL])
def test_what_a_permit_ends_no_later_stage_denies(action: Action) -> None:
    """An override at the sender, who may send nothing else; another one's word is asked as well."""
    ends = [
        endpoint(0, "acme/web/a", 0, "10.0.0.1/32"),
        endpoint(1, "acme/web/b", 0, "10.0.0.2/32"),
    ]
    web = (L4(6, 80, 80),)
    rules = (
        Rule(Stage.OVERRIDE, Direction.OUT, 0, LOCAL, (Everyone(),), web, action, MAKE),
        Rule(Stage.WORKLOAD, Direction.OUT, 0, LOCAL, (Everyone(),), (), Action.DENY, MAKE),
    )
    net, policy = routed(["dpu1"], ["acme/main"], ends, {}), Policy(rules)
    space = Space.of(policy, net.endpoints)
    remote = int(ends[1].prefixes[0].network_address)
    found = Decisions(net, policy, space, AddressSpace(net, policy)).decide(
        Direction.OUT, 0, 4, 0, remote
    )
    passing = [packet for packet, ok in zip(space.packets, found.passes, strict=True) if ok]
    assert bool(passing) == (action is Action.PERMIT_FINAL)
    for packet, passes in zip(space.packets, found.passes, strict=True):
        asked = Packet(Direction.OUT, 0, 4, remote, 0, *packet)
        assert decide(policy, net, asked).permit == passes
