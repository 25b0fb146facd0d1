"""Routes as arrays, where there are none."""

from __future__ import annotations

from routed import at, endpoint, routed

from compiler.policy.ir import Policy
from sim.proof.reachability import reachability
from sim.world import World


def test_who_has_no_routes_reaches_nobody() -> None:
    """One table in the whole network, and an endpoint where there is none."""
    ends = [at(n, endpoint(n, f"acme/web/{n}", 0, f"10.0.0.{n + 1}/32")) for n in range(2)]
    rows = [("10.0.0.1/32", [(0, 0)]), ("10.0.0.2/32", [(1, 0)])]
    network = routed(["dpu1", "dpu2"], ["acme/main"], ends, {(0, 0): rows})
    reach = reachability(World(network, Policy()))
    assert not reach.sets[reach.pairs.some].any()
