"""A forwarding step is taken in one place: who asks a FIB where a packet goes, and that columns of
packets are taken where one packet is."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest
from any_flows import own
from hypothesis import Phase, event, given, settings
from naive import Header, outcomes
from random_worlds import worlds
from routed import at, endpoint, routed
from routed_demo import DEMO, DEMO_POLICY
from wired import wired

from compiler.policy.ir import Policy
from fabric.building.network import Network
from fabric.control.rewrites import Rewrite
from fabric.diagnostics import UndecidedError
from sim.forwarding.one_step import (
    Place,
    onward,
    receivers,
    sender,
    sets_onward,
    way_back,
)
from sim.packets.headers import Flow, Packets
from sim.packets.reasons import Reason
from sim.pipeline.datapath import Datapath
from sim.pipeline.tables import tables
from sim.pipeline.ways import entered
from sim.proof.pairs.reachability import reachability
from sim.proof.routes.paths import PathSpace, paths
from sim.why.one_answer import explain
from sim.worlds.world import World

ROOT = Path(__file__).parents[3]
ASKS = re.compile(
    r"\bfib\.(lookup\w*|segments|sets_of_prefixes|ranges|routes)\(|\branges\(network\.fib"
)
FEW = settings(max_examples=20, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))


def test_nobody_else_asks_where_a_packet_goes() -> None:
    """Arrays are made of routes once, for all columns; a dump, a list and what devices should have
    say what a table holds; so does who looks for senders without a way back, or for whom a failure
    concerns; what reads files back and the checker share nothing."""
    asking = {
        str(path.relative_to(ROOT))
        for room in ("compiler", "sim", "cloison")
        for path in (ROOT / room).rglob("*.py")
        if ASKS.search(path.read_text())
    }
    assert asking == {
        "sim/forwarding/one_step.py",
        "sim/forwarding/step_rows.py",
        "compiler/imports/sites/one_way.py",
        "compiler/program/at_home.py",
        "compiler/targets/nvue/flat_policy.py",
        "compiler/targets/hosts/nft_maps.py",
        "compiler/program/dpu.py",
        "sim/checker/walking/address_space.py",
        "sim/checker/expectations/failures.py",
        "sim/proof/availability/touched.py",
        "sim/round_trip/same_lists.py",
        "sim/state/wanted.py",
        "cloison/views/network/routes.py",
    }


@FEW
@given(worlds())
def test_kernels_and_paths_take_the_steps_of_one_packet(network: Network) -> None:
    """Without policies, so that nothing hides a step."""
    world = World(wired(network), Policy())
    flows = own(network)
    found = Datapath(tables(world.blocks), threads=1).decide(Packets.of(flows))
    space = PathSpace.of(world.network, world.blocks)
    walked, ends_of, arrived = defaultdict(set), space.closure, 0
    for vrf in range(len(network.vrfs)):
        for part in paths(space, vrf):
            columns = part.src, part.dst, part.src_class, part.dst_class, part.hop, part.entry
            for src, _, here, there, hop, to in zip(*(c.tolist() for c in columns), strict=True):
                at = to, int(ends_of.first_vtep[hop]), int(ends_of.first_vrf[hop])
                walked[src, here, there].add(at)

    def holds(number: int, ip: int) -> bool:
        return any(low <= ip <= high for low, high in space.refinements.ranges(number))

    for i, flow in enumerate(flows):
        source = sender(network, flow)
        if source is None:
            assert found.next_hop[i] == -1
            continue
        every = entered(world, source, flow)
        hops = {(e.entry, e.way.steps[0].to.node if e.way else -1) for e in every}
        if all(e.away for e in every):
            assert found.next_hop[i] == -1
        elif not any(e.away for e in every):
            assert (int(found.entry[i]), int(found.next_hop[i])) in hops, flow
        ends = {end.index for e in every if e.way for end in receivers(network, e.way.end)}
        assert int(found.dst_endpoint[i]) in {*ends, -1}, flow
        for entry in {e.entry for e in every if not e.away}:
            at = entry, source.vrf, flow.version
            (number,) = sets_onward(network, *at, [flow.dst]).tolist()
            chosen = network.fib.nexthop_sets[number] if number >= 0 else ()
            mine = [e.way.steps[0].hop for e in every if e.entry == entry and e.way]
            assert [*dict.fromkeys(mine)] == [*chosen]
        said = {
            at
            for (src, here, there), places in walked.items()
            if src == source.index and holds(here, flow.src) and holds(there, flow.dst)
            if space.refinements.bounds(there)[0] == flow.version
            for at in places
        }
        known = {
            (entry, *step.to[:2])
            for entry in source.vteps
            for step in onward(world.network, Place(entry, source.vrf, flow))
        }
        assert said <= known, flow
        if found.reason[i] == Reason.DELIVERED and found.dst_endpoint[i] != source.index:
            with_receiver = {
                (e.entry, *e.way.steps[0].to[:2])
                for e in every
                if e.way and receivers(network, e.way.end)
            }
            assert with_receiver <= said, flow
            arrived += 1
    event("somebody gets a packet" if arrived else "nobody gets any")


def test_the_way_back_says_behind_what_a_source_lies() -> None:
    world = World(DEMO, DEMO_POLICY)
    for flow in own(DEMO):
        source = sender(DEMO, flow)
        assert source is not None
        for way in onward(world.network, Place(source.vtep, source.vrf, flow)):
            route, seen = way_back(world.network, way.to, (source.vtep, source.vrf))
            said = outcomes(Policy(), DEMO, source.index, Header(*astuple(flow)[1:7]))
            dropped = {o.reason.label for o in said if o.hop == way.to[:2]}
            assert (seen is None) == (dropped == {"pa_validation_drop"}) or dropped == {
                "eni_miss_drop"
            }
            assert seen is None or route is not None
    assert np.array_equal(sets_onward(DEMO, 0, 1, 4, [0]), [-1])


def test_of_several_vrfs_behind_a_vtep_the_packet_s_own_is_seen() -> None:
    ends = [
        at(0, endpoint(0, "acme/web/a", 1, "10.0.0.1/32")),
        at(1, endpoint(1, "acme/web/b", 1, "10.0.0.2/32")),
    ]
    there, back = [("10.0.0.2/32", [(1, 1)])], [("10.0.0.1/32", [(0, 0), (0, 1)])]
    names = ["dpu1", "dpu2"], ["globex/main", "acme/main"]
    world = World(routed(*names, ends, {(0, 1): there, (1, 1): back}), Policy())
    (way,) = onward(world.network, Place(0, 1, Flow(1, 4, 0x0A000001, 0x0A000002, 6, 40000, 80, 0)))
    assert way_back(world.network, way.to, (0, 1))[1] == 1
    assert way_back(world.network, way.to, (1, 1))[1] is None, "no way back leads through that VTEP"
    reach = reachability(world)
    assert len(reach.between(0, 1)) == 1


def test_packets_are_delivered_where_their_destination_lives_and_does_not_route_them_on() -> None:
    a, b, c = (f"10.0.0.{n}/32" for n in (1, 2, 3))
    ends = [at(n, endpoint(n, f"acme/web/{'abc'[n]}", 0, ip)) for n, ip in enumerate((a, b, c))]
    onward_at = {0: [(a, [(0, 0)]), (c, [(1, 0)])], 1: [(c, [(1, 0)])], 2: [(c, [(1, 0)])]}
    tables = {(n, 0): rows for n, rows in onward_at.items()}
    network = routed(["dpu1", "dpu2", "dpu3"], ["acme/main"], ends, tables)
    header = Flow(0, 4, 0x0A000001, 0x0A000002, 6, 40000, 80, 0)
    there = [receivers(network, Place(node, 0, header)) for node in range(3)]
    assert [[end.name for end in found] for found in there] == [[], ["acme/web/b"], []]
    away = replace(header, dst=0x0A000003)
    assert not any(receivers(network, Place(node, 0, away)) for node in range(3))


def test_parts_of_a_prefix_are_not_cut_by_what_a_rewrite_hides() -> None:
    world = World(replace(DEMO, rewrites=(Rewrite(4, 1, 1, 2),)), DEMO_POLICY)
    with pytest.raises(UndecidedError, match="rewritten"):
        explain(world, "acme/web/a", "zone2/inet:443")
