"""Routes as arrays, where there are none, and where they change."""

from __future__ import annotations

from dataclasses import replace

from routed import at, endpoint, routed

from compiler.compile import compile_policy
from compiler.policy.ir import Policy
from sim.blocks.blocks import build_blocks, reroute
from sim.proof.pairs.reachability import reachability
from sim.worlds.world import World


def test_who_has_no_routes_reaches_nobody() -> None:
    """One table in the whole network, and an endpoint where there is none."""
    ends = [at(n, endpoint(n, f"acme/web/{n}", 0, f"10.0.0.{n + 1}/32")) for n in range(2)]
    rows = [("10.0.0.1/32", [(0, 0)]), ("10.0.0.2/32", [(1, 0)])]
    network = routed(["dpu1", "dpu2"], ["acme/main"], ends, {(0, 0): rows})
    reach = reachability(World(network, Policy()))
    assert not reach.sets[reach.pairs.some].any()


def test_routes_that_cut_addresses_elsewhere_are_looked_up_by_their_own_cuts() -> None:
    """After a failure half of a prefix leads nowhere."""
    ends = [
        at(0, endpoint(0, "acme/web/a", 0, "10.0.0.1/32")),
        at(1, endpoint(1, "zone2/office", 1, "198.51.100.0/24", host=None)),
    ]
    own, there = ("10.0.0.1/32", [(0, 0)]), "198.51.100.0/24"
    programs = [
        compile_policy(
            routed(
                ["dpu1", "border1"], ["acme/main", "zone2/main"], ends,
                {(0, 0): [own, (prefix, [(1, 1)])], (1, 1): [own, (there, [(1, 1)])]},
            ),
            Policy(),
        )
        for prefix in (there, "198.51.100.0/25")
    ]  # fmt: skip
    before, after = programs
    rerouted = reroute(build_blocks(before), replace(before, domain=after.network))
    fresh = build_blocks(after)
    for column in ("inst_of", "fib_off", "fib", "set_off", "set_vtep", "set_vrf"):
        assert getattr(rerouted, column).tolist() == getattr(fresh, column).tolist()
    assert rerouted.addresses.starts == fresh.addresses.starts
