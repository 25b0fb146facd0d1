"""Ways over several tunnels, on arrays: what arrives is what a trace says arrives."""

from __future__ import annotations

import pytest
from routed import at, endpoint, routed

from compiler.policy.ir import Policy
from sim.packets.headers import Flow
from sim.packets.reasons import Reason
from sim.pipeline.trace import trace
from sim.proof.pairs.reachability import reachability
from sim.worlds.world import World

A, B = "10.0.0.1/32", "10.0.0.2/32"


@pytest.mark.parametrize("back", [1, 2, 3])
def test_the_receiver_validates_where_the_last_tunnel_comes_from(back: int) -> None:
    """From VTEP 0 by 1 and 2 to 3, whose route back leads to one of them, or stays."""
    ends = [at(0, endpoint(0, "acme/web/a", 0, A)), at(3, endpoint(1, "acme/web/b", 0, B))]
    tables = {
        (n, 0): [(A, [(back if n == 3 else 0, 0)]), (B, [(min(n + 1, 3), 0)])] for n in range(4)
    }
    names = [f"dpu{n}" for n in range(4)], ["acme/main"]
    world = World(routed(*names, ends, tables, hairpins=(0,)), Policy())
    flow = Flow(0, 4, 0x0A000001, 0x0A000002, 6, 40000, 80, 0)
    passes = trace(world, flow).reason is Reason.DELIVERED
    reach = reachability(world)
    there = (reach.paths.src == 0) & (reach.paths.dst == 1)
    found = reach.sets[reach.path_set[there]]
    assert bool(found.any()) == passes == (back == 2)


def test_what_goes_in_circles_does_not_arrive() -> None:
    """One next hop of two leads to VTEPs that pass it to each other for ever."""
    ends = [at(0, endpoint(0, "acme/web/a", 0, A)), at(3, endpoint(1, "acme/web/b", 0, B))]
    onward = {0: [(1, 0), (3, 0)], 1: [(2, 0)], 2: [(1, 0)], 3: [(3, 0)]}
    tables = {(n, 0): [(A, [(0, 0)]), (B, hops)] for n, hops in onward.items()}
    names = [f"dpu{n}" for n in range(4)], ["acme/main"]
    world = World(routed(*names, ends, tables, hairpins=(0,)), Policy())
    flow = Flow(0, 4, 0x0A000001, 0x0A000002, 6, 40000, 80, 0)
    said = {trace(world, flow, choice).reason for choice in range(2)}
    assert said == {Reason.TTL_DROP, Reason.DELIVERED}
    reach = reachability(world)
    pairs = reach.between(0, 1)
    assert reach.sets[pairs.some].any()
    assert not reach.sets[pairs.sure].any()
