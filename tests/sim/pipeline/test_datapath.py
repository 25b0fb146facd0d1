"""The datapath kernels against a trace built from routes and entries, and against arithmetic."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from any_flows import flows, own
from hypothesis import given, settings
from hypothesis import strategies as st
from part_alone import alone
from random_worlds import policies, worlds
from routed_demo import ACME, rerouted
from wired import wired

from compiler.compile import compile_policy
from compiler.policy.ir import Policy
from fabric.building.network import Network
from sim.blocks.blocks import Blocks, build_blocks
from sim.kernels.pipeline import ecmp as kernels
from sim.packets import ecmp
from sim.packets.headers import Flow, Packets
from sim.packets.reasons import LIMIT, Reason
from sim.pipeline import warm
from sim.pipeline.datapath import Counters, Datapath, Verdicts
from sim.pipeline.tables import Tables, tables
from sim.pipeline.trace import Trace, trace
from sim.pipeline.underlay_routes import routes
from sim.worlds.world import World


@cache
def shape() -> Tables:
    """Tables of some world, for arrays to be put into."""
    return tables(warm.world().blocks)


VXLAN = 14 + 20 + 8 + 8
"""Ethernet, IPv4, UDP and VXLAN around a packet on a link, in bytes."""


@st.composite
def cases(draw: Any) -> tuple[Network, Policy, list[Flow]]:
    network = wired(draw(worlds()))
    return network, draw(policies()), draw(st.lists(flows(network), min_size=1, max_size=30))


@settings(max_examples=25)
@given(cases())
def test_kernel_agrees_with_trace(case: tuple[Network, Policy, list[Flow]]) -> None:
    network, policy, some = case
    world = World(network, policy)
    blocks = world.blocks
    packets = Packets.of(some + [replace(flow, count=2) for flow in own(network)])
    paths = [trace(world, packets.flow(i)) for i in range(len(packets))]
    datapath = Datapath(tables(blocks), threads=1)
    for complete in (True, False):
        verdicts = datapath.decide(packets, complete=complete)
        for i, path in enumerate(paths):
            assert_same(blocks, verdicts, i, path, complete)
    assert_counted(blocks, datapath.count(packets, verdicts), paths)
    assert_counted(blocks, datapath.decide_and_count(packets)[1], paths)


@pytest.mark.parametrize("hop", [(0, 0), (1, 2), (0, 2), (1, 1)])
def test_a_destination_is_whose_it_is_where_its_route_leads(hop: tuple[int, int]) -> None:
    """A route to a VTEP where the owner does not live, or into another VRF in which the address is
    somebody else's: nobody gets the packet whom the far end would not bind it to."""
    rows = [(p, [hop] if p == "10.0.0.2/32" else hops) for p, hops in ACME]
    network = wired(rerouted({(0, 0): rows}))
    world = World(network, Policy())
    packets = Packets.of([*own(network)])
    verdicts = Datapath(tables(world.blocks), threads=1).decide(packets, complete=True)
    paths = [trace(world, packets.flow(i)) for i in range(len(packets))]
    assert any(path.flow.src == 0x0A000001 and path.flow.dst == 0x0A000002 for path in paths)
    for i, path in enumerate(paths):
        assert_same(world.blocks, verdicts, i, path, complete=True)


def assert_same(blocks: Blocks, v: Verdicts, i: int, path: Trace, complete: bool) -> None:
    assert Reason(int(v.reason[i])) is path.reason, path.flow
    assert v.src_endpoint[i] == (-1 if path.source is None else path.source)
    assert v.next_hop[i] == (-1 if path.next_hop is None else path.next_hop.vtep)
    if path.outer_sport is not None:
        assert v.outer_sport[i] == path.outer_sport
    if path.out is not None:
        entries = blocks.dec_entries[v.out_decision[i]]
        assert [e for e in entries.tolist() if e >= 0] == [e.id for _, e in path.out.steps]
    if path.into is not None and (complete or path.out.reason is Reason.DELIVERED):  # type: ignore[union-attr]
        assert v.dst_endpoint[i] == path.target
        entries = blocks.dec_entries[v.in_decision[i]]
        assert [e for e in entries.tolist() if e >= 0] == [e.id for _, e in path.into.steps]


def assert_counted(blocks: Blocks, counters: Counters, paths: list[Trace]) -> None:
    """Naive twins of the counters, packets and bytes: entries, reasons, links; not of links where
    something goes in circles, which a trace shows once (`test_ways`)."""
    entries = np.zeros((blocks.program.n_entries, 2), np.int64)
    reasons = np.zeros((LIMIT, 2), np.int64)
    links = np.zeros((len(counters.links), 2), np.int64)
    for path in paths:
        seen = np.array([1, path.flow.length]) * path.flow.count
        reasons[path.reason] += seen
        sides = [path.out]
        if path.out is not None and path.out.reason is Reason.DELIVERED:
            sides.append(path.into)
            for hop in (hop for hops in (path.underlay, *path.further) for hop in hops):
                up = hop.to > hop.node
                at = 2 * hop.link + (0 if up else 1)
                links[at] += seen
                links[at, 1] += VXLAN * path.flow.count
        for side in sides:
            for _, entry in side.steps if side is not None else ():
                entries[entry.id] += seen
    assert np.array_equal(counters.entries(blocks.dec_entries, len(entries)), entries)
    assert np.array_equal(counters.reasons, reasons)
    if Reason.TTL_DROP not in {path.reason for path in paths}:
        assert np.array_equal(counters.links, links)


@settings(max_examples=3)
@given(worlds(), policies())
def test_slices_blocks_and_threads_change_nothing(world: Network, policy: Policy) -> None:
    network = wired(world)
    program = compile_policy(network, policy)
    base = tables(build_blocks(program))
    few = Packets.of(own(network))
    packets = Packets.concat([few] * 700)
    one, two = (Datapath(base, threads=n) for n in (1, 2))
    a, b, once = one.decide(packets), two.decide(packets), one.decide(few)
    assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
    assert all(np.array_equal(x, np.tile(y, 700)) for x, y in zip(a, once, strict=True))
    ca, cb = one.count(packets, a), two.count(packets, b)
    assert all(np.array_equal(x, y) for x, y in zip(ca, cb, strict=True))
    assert np.array_equal(a.path, b.path)
    for datapath in (one, two):
        for kept in (True, False):
            told, counted = datapath.decide_and_count(packets, kept=kept)
            assert all(np.array_equal(x, y) for x, y in zip(counted, ca, strict=True))
            assert all(np.array_equal(x, y[: len(x)]) for x, y in zip(told, a, strict=True))
            assert len(told.reason) == kept * len(packets)


@settings(max_examples=3)
@given(worlds(), policies(), st.integers(1, 40))
def test_no_packet_is_told_by_its_neighbours(world: Network, policy: Policy, many: int) -> None:
    """Packets go eight at a time: any number of them, from any row on, says the same of each."""
    network = wired(world)
    datapath = Datapath(tables(build_blocks(compile_policy(network, policy))), threads=1)
    packets = Packets.of(own(network) * 3)
    whole = datapath.decide(packets)
    for first in range(0, len(packets), many):
        some = datapath.decide(packets[first : first + many])
        for name in Verdicts._fields:
            assert np.array_equal(getattr(some, name), getattr(whole, name)[first : first + many])


@settings(max_examples=3)
@given(worlds(), policies())
def test_far_numbers_of_vrfs_are_nobodys(world: Network, policy: Policy) -> None:
    """A VRF's number beside a version fills 32 bits: those above it are unknown, not cut short."""
    network = wired(world)
    datapath = Datapath(tables(build_blocks(compile_policy(network, policy))), threads=1)
    some = own(network)
    for vrf in (-1, len(network.vrfs), 1 << 24, (1 << 24) + some[0].vrf, (1 << 31) - 1):
        far = Packets.of([replace(flow, vrf=vrf) for flow in some])
        assert (datapath.decide(far).reason == Reason.UNKNOWN_SOURCE).all()


mix, flow_hash, choose = (alone(part) for part in (kernels.mix, kernels.flow_hash, kernels.choose))


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.integers(1, 64))
def test_hash_kernels_equal_their_twins(a: int, b: int, width: int) -> None:
    u = np.uint64
    assert int(mix(u(a))) == ecmp.mix(a)
    l4 = ecmp.combine(a, b, b, a, 5)
    assert int(flow_hash(u(b), u(a), u(a), u(b), u(5))) == l4
    assert int(choose(u(a), u(b), u(width))) == ecmp.choose(a, b, width) < width
    assert 49152 <= ecmp.outer_port(a) <= 65535


@given(st.integers(1, 6), st.integers(0, 2**32), st.integers(1, 3))
def test_sets_of_routes_are_the_routes(n: int, seed: int, links: int) -> None:
    """Whatever routes there are to VTEPs, alike, in another order or none: each keeps its own."""
    rng = np.random.default_rng(seed)
    asked = sorted(set(rng.integers(0, n, n).tolist()))
    width = rng.integers(0, 4, n * n)
    off, total = np.cumsum(np.append(0, width)), int(width.sum())
    link = rng.integers(0, links, max(total, 1)).astype(np.int32)
    node = rng.integers(0, 2, max(total, 1)).astype(np.int32)
    ends = np.array([0] * links, np.int32)
    t = shape()._replace(
        hop_off=off.astype(np.int32),
        hop_node=node,
        hop_link=link,
        node_seed=np.zeros(n, np.uint64),
        set_vtep=np.array(asked, np.int32),
        link_a=ends,
    )
    made = routes(t)
    lines = made.nodes.reshape(n, 8).tolist()
    for at in range(n):
        for target in (other for other in asked if other != at):
            first, mask = lines[at][:2]
            row, pair = first + (lines[target][4] & mask), at * n + target
            begin = int(made.route[row])
            rows = range(int(off[pair]), int(off[pair + 1]))
            wanted = [int(node[i]) << 32 | int(link[i]) << 1 | (at != 0) for i in rows]
            assert made.hops[begin : begin + int(made.width[begin])].tolist() == wanted


def test_choice_is_even() -> None:
    for width in (2, 3, 4, 16):
        picks = [ecmp.choose(ecmp.mix(i), ecmp.seed(3), width) for i in range(width * 1000)]
        assert np.abs(np.bincount(picks, minlength=width) - 1000).max() < 150
