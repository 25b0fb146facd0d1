"""Packets between VRFs need a declared intent at both ends: said by the proof of pairs of VRFs, by
the walk over all packets and by the checker, of every kind of cause."""

from __future__ import annotations

import numpy as np
import pytest
from routed import at, endpoint, routed

from compiler.policy.ir import Action, Direction, Named, Origin, Policy, Rule, Selection, Stage
from compiler.policy.origin_kinds import KINDS
from sim.blocks.blocks import build_blocks
from sim.checker.walking.paths import Paths
from sim.proof.isolation.undeclared import passing
from sim.proof.isolation.undeclared import undeclared as without_intent
from sim.proof.isolation.vrf_pairs import isolation
from sim.proof.pairs.reachability import reachability
from sim.worlds.world import World

INTENTS = ("zone rule", "boot service", "leak", "peering", "zone")
"""What people declare who mean several VRFs; all others mean one VRF, or nothing at all."""
ENDS = [
    at(0, endpoint(0, "acme/web/a", 0, "10.0.0.1/32")),
    at(1, endpoint(1, "globex/web/b", 1, "10.0.1.1/32")),
]
ROUTES = [("10.0.0.1/32", [(0, 0)]), ("10.0.1.1/32", [(1, 1)])]
NETWORK = routed(
    ["dpu1", "dpu2"], ["acme/main", "globex/main"], ENDS, {(0, 0): ROUTES, (1, 1): ROUTES}
)
ANY = (Named(("*",)),)


def undeclared(out: str, into: str) -> list[bool]:
    """Whether a packet from acme to globex is one that nobody declared, by each of the three: a
    cause of the kind `out` lets it leave, one of the kind `into` lets it in."""
    causes = {Direction.OUT: Origin(out, "x"), Direction.IN: Origin(into, "x")}
    a, b = (Named(("acme/*",)),), (Named(("globex/*",)),)
    policy = Policy(
        (
            Rule(Stage.ISOLATION, Direction.OUT, 0, a, b, (), Action.PERMIT, causes[Direction.OUT]),
            Rule(Stage.ISOLATION, Direction.IN, 0, b, a, (), Action.PERMIT, causes[Direction.IN]),
        ),
        tuple(
            Selection(Stage.ISOLATION, d, ANY, Action.DENY, Origin("default", "none"))
            for d in (Direction.OUT, Direction.IN)
        ),
    )
    world = World(NETWORK, policy)
    paths = Paths(NETWORK, policy)
    paths.regions()
    reach = reachability(world)
    assert np.any(reach.sets), "the packet gets there"
    return [
        not isolation(build_blocks(world.program)).holds,
        bool(len(without_intent(reach, passing(reach)))),
        paths.undeclared == {(0, 1)},
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_only_intents_are_declared(kind: str) -> None:
    assert undeclared(kind, kind) == [kind not in INTENTS] * 3


@pytest.mark.parametrize(("out", "into"), [("leak", "tenant"), ("NetworkPolicy", "peering")])
def test_an_intent_at_one_end_is_not_enough(out: str, into: str) -> None:
    assert undeclared(out, into) == [True] * 3
