"""Packets that are shown take the next hop on which what is said of them happens."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from routed import at, endpoint, routed

from compiler.policy.ir import Action, Direction, InVrf, Named, Origin, Policy, Rule, Stage
from sim.packets.reasons import Reason
from sim.proof.pairs.reachability import Reach, reachability
from sim.proof.pairs.witness import on_path
from sim.worlds.world import World

ENDS = [
    at(0, endpoint(0, "acme/web/a", 0, "10.0.0.1/32")),
    at(1, endpoint(1, "acme/web/b", 0, "10.0.0.2/32")),
    at(1, endpoint(2, "globex/web/b", 1, "10.0.0.2/32")),
]
"""Two of one address at one VTEP."""


def split(hops: Sequence[tuple[int, int]]) -> Reach:
    """The first of them has these next hops to the address; nobody of VRF 1 lets it in."""
    back = [("10.0.0.1/32", [(0, 0)])]
    there = [("10.0.0.2/32", [(1, 1)])]
    tables = {(0, 0): [*back, ("10.0.0.2/32", hops)], (1, 0): back, (1, 1): [*back, *there]}
    network = routed(["dpu1", "dpu2"], ["acme/main", "globex/main"], ENDS, tables)
    local, remote = (Named(("globex/*",)),), (InVrf(frozenset(("acme/main",))),)
    origin = Origin("zone rule", "closed")
    closed = Rule(Stage.OVERRIDE, Direction.IN, 0, local, remote, (), Action.DENY, origin)
    return reachability(World(network, Policy((closed,))))


@pytest.mark.parametrize("hops", [[(1, 0), (1, 1)], [(0, 0), (1, 0)], [(1, 1)]])
def test_every_path_is_shown_on_its_next_hop(hops: list[tuple[int, int]]) -> None:
    reach = split(hops)
    paths = [n for n in range(len(reach.paths.src)) if reach.paths.src[n] == 0]
    assert paths
    for path in paths:
        witness = on_path(reach, path, (6, 40000, 80, ()))
        passes = bool(reach.sets[reach.path_set[path]].any())
        found = witness.trace(reach)
        assert (found.target, found.reason is Reason.DELIVERED) == (reach.paths.dst[path], passes)
