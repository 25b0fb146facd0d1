"""What kernels, proofs and the lab walk is the forwarding step: every row of the arrays, and every
table of prefixes, says of every destination what the step says of one packet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from random_worlds import worlds
from routed_demo import ACME, DEMO, DEMO_POLICY, rerouted
from wired import wired

from compiler.policy.ir import Policy
from fabric.building.build import build, rebuild
from fabric.building.load import load_fabric
from fabric.building.network import Network
from fabric.control.fib import Route
from fabric.control.fib_changes import moved
from fabric.control.rewrites import Rewrite
from fabric.diagnostics import UndecidedError
from fabric.values.inventory import Prefix
from sim.blocks.blocks import Blocks, build_blocks, reroute
from sim.blocks.onward import leads_on as columns_lead_on
from sim.forwarding.one_step import Place, as_rewritten, hops_at, leads_on, onward, steps_at
from sim.forwarding.step_rows import nowhere
from sim.lab.layout import Layout
from sim.packets.headers import Flow
from sim.pipeline.tables import Tables, tables
from sim.proof.routes.paths import PathSpace
from sim.worlds.world import World

DEMO_FILE = Path(__file__).parents[3] / "topologies" / "demo.yaml"
FEW = settings(max_examples=25, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))


def destinations(blocks: Blocks, vrf: int) -> Iterator[tuple[int, int]]:
    """Both ends of each atom: IP version and address."""
    for atom in range(blocks.addresses.count(vrf)):
        version, first, last = blocks.addresses.bounds(vrf, atom)
        yield from {(version, first), (version, last)}


def header(vrf: int, version: int, dst: int) -> Flow:
    return Flow(vrf, version, 0, dst, 6, 40000, 80)


def as_rows_say(found: Tables, at: tuple[int, int], atom: int) -> list[tuple[int, int]]:
    """The places behind a row of the arrays that kernels walk."""
    instance = int(found.inst_of[at])
    number = int(found.fib[int(found.fib_off[instance]) + atom]) if instance >= 0 else -1
    if number < 0:
        return []
    hops = range(int(found.set_off[number]), int(found.set_off[number + 1]))
    return [(int(found.set_vtep[k]), int(found.set_vrf[k])) for k in hops]


def as_lists_say(held: Mapping[Prefix, Route], version: int, dst: int) -> list[tuple[int, int]]:
    """The places behind the most specific prefix of a table as a lab is laid out from."""
    around = (p for p in held if p.version == version and int(p[0]) <= dst <= int(p[-1]))
    best = max(around, key=lambda p: p.prefixlen, default=None)
    return [(hop.vtep, hop.vrf) for hop in held[best].nexthops] if best is not None else []


def check(network: Network, blocks: Blocks) -> None:
    """Every place, both ends of every atom: rows, lists and the step agree; and proofs walk the
    rows that kernels walk."""
    found = tables(blocks)
    walked = PathSpace.of(network, blocks).closure
    if len(blocks.fib) and not any(vrf.hairpin for vrf in network.vrfs):
        assert np.array_equal(walked.fib, found.fib) and np.array_equal(walked.off, found.set_off)
        assert np.array_equal(walked.vtep, found.set_vtep)
        assert np.array_equal(walked.vrf, found.set_vrf)
    for node, vrf in product(range(len(network.nodes)), range(len(network.vrfs))):
        every = sorted(destinations(blocks, vrf))
        held, hops = steps_at(network, node, vrf), {*hops_at(network, node, vrf)}
        assert hops == {hop for route in held.values() for hop in route.nexthops}
        for version, dst in every:
            sent = header(vrf, version, dst)
            steps, becomes = onward(network, Place(node, vrf, sent)), as_rewritten(network, sent)
            assert all(step.to.header == becomes for step in steps)
            meant = [step.to[:2] for step in steps]
            atom = blocks.addresses.find(vrf, version, becomes.dst)
            assert as_rows_say(found, (node, vrf), atom) == meant, (sent, node)
            assert as_lists_say(held, version, becomes.dst) == meant, (sent, node)
        atoms = np.array([blocks.addresses.find(vrf, *d) for d in every], np.int64)
        away = columns_lead_on(blocks, np.full(len(atoms), node), vrf, atoms)
        alone = [leads_on(network, node, vrf, *d) is not None for d in every]
        assert away.tolist() == alone


@pytest.mark.slices(2)
@FEW
@given(worlds(), st.data())
def test_rows_and_lists_are_the_step(network: Network, data: st.DataObject) -> None:
    """With a toy rewrite, where one can be drawn that does not rewrite what it makes."""
    network = wired(network)
    ends = sorted({(p.version, int(p[0])) for e in network.endpoints for p in e.prefixes})
    doors = st.sampled_from(ends), st.integers(0, 3), st.sampled_from(ends)
    rewrites = tuple(
        Rewrite(version, ip ^ bit, ip ^ bit, to)
        for (version, ip), bit, (of, to) in data.draw(st.lists(st.tuples(*doors), max_size=2))
        if of == version
    )
    network = replace(network, rewrites=rewrites)
    try:
        _ = network.moves
    except UndecidedError:
        return
    check(network, build_blocks(World(network, Policy()).program))


def test_rows_that_were_known_are_those_of_the_new_routes() -> None:
    """After a failure only VRFs that route otherwise are looked up again."""
    network = wired(DEMO)
    before = World(network, DEMO_POLICY)
    after = wired(rerouted({(0, 0): ACME[1:]}))
    check(after, reroute(before.blocks, replace(before.program, domain=after)))


@pytest.mark.parametrize("down", ["dpu1"])
def test_rows_of_vrfs_that_a_failure_leaves_alone_are_kept(down: str) -> None:
    """Routes of before and after share what no failure moved."""
    before = World(build(load_fabric(DEMO_FILE), lock=False))
    after = rebuild(before.network, down=(down,))
    kept = set(range(len(after.vrfs))) - moved(before.network.fib, after.fib)
    assert kept
    check(after, reroute(before.blocks, replace(before.program, domain=after)))


def test_a_lab_s_routes_are_the_step_s() -> None:
    """What a lab puts into tables names the next hops of the step, tunnel by tunnel."""
    layout = Layout(wired(DEMO), "cln-none", False)
    blocks = World(wired(DEMO), DEMO_POLICY).blocks
    for node, vrf in DEMO.fib.instances:
        told = {(hop.vtep, hop.vrf) for hop in layout.tunnels(node, vrf)}
        meant = set()
        for at, source in DEMO.fib.instances:
            if at != node:
                continue
            for version, dst in destinations(blocks, source):
                for step in onward(DEMO, Place(node, source, header(source, version, dst))):
                    if step.to.vrf == vrf and step.to.node != node:
                        meant.add(step.to[:2])
        assert told == meant


def test_nowhere_has_no_steps() -> None:
    rows = nowhere(2, 3)
    assert rows.inst_of.shape == (2, 3) and (rows.inst_of == -1).all()
    assert not len(rows.fib) and rows.set_off.tolist() == [0]
