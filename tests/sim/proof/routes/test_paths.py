"""Paths of a few pods: behind which VRF a receiver sees who sends, where it has a choice."""

from __future__ import annotations

import pytest
from routed import at, endpoint, routed

from compiler.policy.ir import Action, Direction, InVrf, Named, Origin, Policy, Rule, Stage
from sim.packets.headers import Flow
from sim.packets.reasons import Reason
from sim.pipeline.trace import trace
from sim.proof.pairs.reachability import reachability
from sim.worlds.world import World

VRFS = ["acme/main", "globex/main", "initech/main"]


@pytest.mark.parametrize("sender", ["acme", "initech"])
@pytest.mark.parametrize("closed", ["acme", "initech"])
def test_of_two_vrfs_of_the_sender_s_vtep_its_own_is_seen(sender: str, closed: str) -> None:
    mine = VRFS.index(f"{sender}/main")
    ends = [
        at(0, endpoint(0, f"{sender}/web/a", mine, "10.0.0.1/32")),
        at(1, endpoint(1, "globex/web/b", 1, "10.0.1.1/32")),
    ]
    tables = {
        (0, mine): [("10.0.0.1/32", [(0, mine)]), ("10.0.1.1/32", [(1, 1)])],
        (1, 1): [("10.0.0.1/32", [(0, 0), (0, 2)]), ("10.0.1.1/32", [(1, 1)])],
    }
    local, remote = (Named(("globex/*",)),), (InVrf(frozenset((f"{closed}/main",))),)
    make = Origin("zone rule", "closed")
    rule = Rule(Stage.OVERRIDE, Direction.IN, 0, local, remote, (), Action.DENY, make)
    world = World(routed(["dpu1", "dpu2"], VRFS, ends, tables), Policy((rule,)))
    flow = Flow(mine, 4, 0x0A000001, 0x0A000101, 6, 40000, 80, 0)
    passes = trace(world, flow).reason is Reason.DELIVERED
    reach = reachability(world)
    there = (reach.paths.src == 0) & (reach.paths.dst == 1)
    assert bool(reach.sets[reach.path_set[there]].any()) == passes == (sender != closed)


def test_addresses_of_both_versions_that_one_owns_are_asked_about() -> None:
    """Nothing tells the addresses of the outside apart but their version."""
    ends = [
        at(0, endpoint(0, "acme/web/a", 0, "10.0.0.1/32", "fd00::1/128")),
        at(1, endpoint(1, "zone2/inet", 0, "198.51.100.0/24", "2001:db8::/32")),
    ]
    rows = [(str(p), [(e.vtep, 0)]) for e in ends for p in e.prefixes]
    network = routed(["dpu1", "border1"], ["acme/main"], ends, {(0, 0): rows, (1, 0): rows})
    pairs = reachability(World(network, Policy((), ()))).pairs
    found = {*zip(pairs.src.tolist(), pairs.dst.tolist(), pairs.version.tolist(), strict=True)}
    assert found == {(0, 1, 4), (0, 1, 6), (1, 0, 4), (1, 0, 6)}
