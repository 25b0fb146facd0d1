"""Masks of ranges over layer-4 atoms hold the packets that the ranges hold, and no others."""

from __future__ import annotations

from itertools import product

import pytest
from worlds import endpoint, network

from compiler.compile import compile_policy
from compiler.policy.ir import L4, Action, Direction, Everyone, Named, Origin, Policy, Rule, Stage
from compiler.program.program import L4Range
from sim.blocks.atoms import l4_atoms

LIMITS = (0, 999, 1000, 1999, 2000, 65535)
EVERY = (0, 65535)


@pytest.mark.parametrize("sport", [EVERY, (1000, 1999), (1000, 65535), (0, 1999)])
@pytest.mark.parametrize("dport", [EVERY, (0, 999)])
@pytest.mark.parametrize("protocol", [6, 17, -1])
def test_a_mask_holds_what_its_range_holds(
    protocol: int, sport: tuple[int, int], dport: tuple[int, int]
) -> None:
    local, make = (Named(("acme/web/a",)),), Origin("zone rule", "r")
    ports = L4(6, 1000, 1999, None, 1000, 1999), L4(17, 0, 999, None, 0, 999)
    rule = Rule(Stage.OVERRIDE, Direction.OUT, 0, local, (Everyone(),), ports, Action.DENY, make)
    ends = [endpoint(n, f"acme/web/{name}", 0, f"10.0.0.{n}/32") for n, name in enumerate("ab")]
    program = compile_policy(network(["acme/main"], ends), Policy((rule,)))
    atoms = l4_atoms(program, range(len(program.groups)))
    mask = atoms.mask((L4Range(protocol, sport, dport),))
    for asked, source, target in product((6, 17), LIMITS, LIMITS):
        held = protocol in (-1, asked) and sport[0] <= source <= sport[1]
        held = held and dport[0] <= target <= dport[1]
        assert mask[atoms.atom(asked, source, target)] == held, (asked, source, target)
