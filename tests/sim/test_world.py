"""Worlds share what is equal; a network needs no file, tables need no network, nodes may differ."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fabric_files import network_of, vrf, write_fabric
from routed_demo import DEMO, DEMO_POLICY

import sim.world
from compiler.policy.ir import Action, Direction, Origin, Packet, Stage
from compiler.program.program import Entry, Group, L4Range, Program, Region
from compiler.program.walk import walk
from fabric.build import rebuild
from fabric.network import Network
from sim.axes import moved
from sim.packets.headers import Flow
from sim.pipeline.forwarding import Place, onward
from sim.pipeline.trace import trace
from sim.proof.prove import prove
from sim.world import World


def fabric(folder: Path) -> Network:
    site = {"spines": 2, "leaves": 2, "hosts_per_pair": 2, "borders": 1}
    work = {"a": ["n/p@host1", "n/q@host2"]}
    lines = [{"allow": "a/* -> a/*", "hold_under": ["any-1-link", "any-1-node"]}]
    a = vrf("10.0.0.0/16")
    return network_of(write_fabric(folder, {"a": a}, work, sites={"s": site}, expect=lines))


def test_what_is_equal_is_shared(tmp_path: Path) -> None:
    here = World(fabric(tmp_path))
    there = moved(here, {"down": ["spine1", "dpu2--leaf1"]})
    assert there.program.groups is here.program.groups
    assert there.program.bindings is here.program.bindings
    assert there.blocks.F is here.blocks.F and there.blocks.addresses is here.blocks.addresses
    assert there.program.network is there.network is not here.network
    assert moved(here, {"down": []}) is here


def test_failures_build_no_blocks_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[Program] = []
    real = sim.world.build_blocks
    monkeypatch.setattr(sim.world, "build_blocks", lambda p: (built.append(p), real(p))[1])
    assert prove(World(fabric(tmp_path))).failures > 10
    assert len(built) == 1


def test_nodes_may_have_routes_of_two_versions(tmp_path: Path) -> None:
    """While a change is rolled out: arrays of nodes that were not reached are the same objects."""
    old = fabric(tmp_path)
    here, new = World(old), rebuild(old, down=["dpu2"])
    (first, second) = (e for e in old.endpoints if e.kind == "pod")
    for nodes in ({first.vtep}, {second.vtep}, {first.vtep, second.vtep}, set[int]()):
        mixed = here.over(replace(old, fib=old.fib.mixed(new.fib, nodes)))
        for number, (vtep, _) in enumerate(old.fib.instances):
            assert vtep in nodes or mixed.network.fib.chosen[number] is old.fib.chosen[number]
        for end, other in ((first, second), (second, first)):
            version = end.prefixes[0].version
            ips = (int(e.prefixes[0].network_address) for e in (end, other))
            flow = Flow(end.vrf, version, *ips, 6, 40000, 80, end.index)
            at = Place(end.vtep, end.vrf, flow)
            its_own = World(new if end.vtep in nodes else old)
            ways = [[way.hop for way in onward(world, at)] for world in (mixed, its_own)]
            assert ways[0] == ways[1]
        assert mixed.blocks.F is here.blocks.F


def test_a_network_needs_no_file() -> None:
    """An importer knows nodes, VRFs, endpoints and routes: policies and proofs ask no more."""
    read = Network.bare(
        "from devices",
        fabric=DEMO.fabric,
        vrfs=DEMO.vrfs,
        endpoints=DEMO.endpoints,
        underlay=DEMO.underlay,
        fib=DEMO.fib,
    )
    flow = Flow(0, 4, 0x0A000001, 0x0A000002, 6, 40000, 80, src_endpoint=0)
    whole, bare = World(DEMO, DEMO_POLICY), World(read, DEMO_POLICY)
    assert trace(bare, flow) == trace(whole, flow)
    assert len(prove(bare).reach.pairs) == len(prove(whole).reach.pairs) > 0
    nothing = World(Network.bare("nothing"))
    assert nothing.policy_read.rules == nothing.program.groups == ()
    assert nothing.network.spec.name == "nothing"


def test_tables_need_no_network() -> None:
    """A decision table: two points, one asks the group that permits HTTPS alone."""
    permit = Entry(1, 0, (Region(),), (L4Range(6, dport=(443, 443)),), Action.PERMIT, 0)
    deny = Entry(0, 0, (), (), Action.DENY, 1)
    group = Group(0, Stage.WORKLOAD, Direction.OUT, (permit,), deny)
    origins = Origin("NetworkPolicy", "https"), Origin("default", "deny")
    program = Program.of_tables((group,), origins, [[0], []])
    assert program.n_entries == 2 and program.network.endpoints == ()
    for port, wanted in ((443, permit), (80, deny)):
        packet = Packet(Direction.OUT, 0, 4, 1, 0, 6, 40000, port)
        assert [entry for _, entry in walk(program, packet)] == [wanted]
        assert [*walk(program, replace(packet, local=1))] == []
