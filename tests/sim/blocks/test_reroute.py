"""Blocks of another underlay: the same as those that are built for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network
from itertools import pairwise
from pathlib import Path

import pytest
from fabric_files import network_of, vrf, write_fabric
from failing_fabrics import BOTH, ZONE2, A, failing, plain, stand_in

from compiler.policy.ir import Action, Cidr, Direction, Origin, Pods, Rule, Stage
from fabric.building.build import rebuild
from sim.blocks.blocks import build_blocks
from sim.worlds.world import World


@pytest.mark.parametrize("make", [plain, stand_in])
@pytest.mark.parametrize("before", [(), ("dpu1",), ("leaf1", "border1")])
def test_routes_are_those_of_a_whole_build(
    tmp_path: Path, make: Callable[[Path], Path], before: tuple[str, ...]
) -> None:
    """One failure after another, and back: what is taken over is what would be looked up."""
    network = network_of(make(tmp_path), down=before)
    here = World(network)
    singles = [down for kind in BOTH for down in failing(network, kind)]
    downs = [[*before, *more] for more in singles]
    downs += [[*before, *one, *other] for one, other in pairwise(singles[::3])]
    for down in [*downs, []]:
        there = here.over(rebuild(network, down=down))
        fresh = build_blocks(there.program)
        for column in ("inst_of", "fib_off", "fib", "set_off", "set_vtep", "set_vrf"):
            assert getattr(there.blocks, column).tolist() == getattr(fresh, column).tolist()


def test_routes_of_an_edited_policy_are_those_of_a_whole_build(tmp_path: Path) -> None:
    """What an edit cut anew lies behind everything else; a failure moves routes of another VRF."""
    site = {"spines": 2, "leaves": 2, "hosts_per_pair": 2, "borders": 2}
    work = {tenant: ["n/p@host1", "n/q@host2"] for tenant in "ab"}
    tenants = {"a": A, "b": vrf("10.0.0.0/16")}
    zones = {"zone2": ZONE2}
    file = write_fabric(tmp_path, tenants, work, sites={"s": site}, zones=zones)
    network = network_of(file)
    here = World(network)
    for tenant in "ab":
        outside = (Cidr(ip_network("192.0.2.6/31")),)
        rule = Rule(Stage.WORKLOAD, Direction.OUT, 0, (Pods(tenant),), outside, (), Action.DENY,
                    Origin("NetworkPolicy", "more"))  # fmt: skip
        policy = replace(here.policy_read, rules=(rule, *here.policy_read.rules))
        edited = World(network, here.policy_read).saying(policy)
        assert edited.blocks.serial == 1
        for down in ["border1", "border2", "dpu1", "leaf1"]:
            there = edited.over(rebuild(network, down=[down]))
            for number, (vtep, vrf_) in enumerate(network.fib.instances):
                first = int(there.blocks.fib_off[number])
                found = there.blocks.fib[first : first + there.blocks.addresses.count(vrf_)]
                starts = there.blocks.addresses.starts[vrf_]
                (wanted,) = there.network.fib.lookup_starts(vrf_, [vtep], *starts)
                assert found.tolist() == wanted.tolist()
