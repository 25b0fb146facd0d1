"""Ports are cut wherever a rule, or the name of a port, begins or ends."""

from __future__ import annotations

from worlds import endpoint

from compiler.policy.ir import (
    L4,
    Action,
    Direction,
    Everyone,
    Origin,
    Policy,
    Rule,
    Stage,
)
from fabric.values.inventory import NamedPort
from sim.checker.walking.l4_space import Space

EVERY = ((0, 65535),)


def test_ports_are_cut_at_both_ends_of_what_rules_name() -> None:
    everyone, make = (Everyone(),), Origin("zone rule", "r")
    l4 = L4(6, 80, 89, source_first=1024, source_last=2047), L4(17, name="dns"), L4(132, 7, 65535)
    rule = Rule(Stage.WORKLOAD, Direction.IN, 0, everyone, everyone, l4, Action.PERMIT, make)
    pod = endpoint(0, "acme/web/a", 0, "10.0.0.1/32", ports=(NamedPort("dns", 17, 53),))
    space = Space.of(Policy((rule,)), [pod])
    cuts = {p.protocols[0]: (p.dports, p.sports) for p in space.planes if p.size > 1}
    assert cuts == {
        6: (((0, 79), (80, 89), (90, 65535)), ((0, 1023), (1024, 2047), (2048, 65535))),
        17: (((0, 52), (53, 53), (54, 65535)), EVERY),
        132: (((0, 6), (7, 65535)), EVERY),
    }
    assert len({*space.packets}) == space.size
