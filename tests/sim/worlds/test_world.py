"""Worlds share what is equal; a network needs no file, tables need no network, nodes may differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fabric_files import network_of, vrf, write_fabric
from routed_demo import DEMO, DEMO_POLICY

import cloison
import sim.worlds.world
from cloison.views.world import World as View
from compiler.policy.fields import Within
from compiler.policy.ir import L4, Action, Direction, Everyone, Origin, Packet, Policy, Rule, Stage
from compiler.policy.semantics import decide
from compiler.policy.stages import STAGES, Stages, checked
from compiler.program.program import Program
from compiler.targets import canonical, text
from compiler.targets.hosts import frr, linux, nftables
from fabric.building.build import rebuild
from fabric.building.network import Network
from fabric.diagnostics import UndecidedError
from sim.checker.validity import validity
from sim.diff.diff import diff
from sim.forwarding.one_step import Place, onward
from sim.packets.headers import Flow
from sim.packets.reasons import Reason
from sim.pipeline.replay import replay
from sim.pipeline.trace import trace
from sim.pipeline.traffic import all_pairs
from sim.proof.certificates.certificate import certificate
from sim.proof.prove import prove
from sim.worlds.axes import moved
from sim.worlds.world import World


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


def test_another_policy_shares_what_it_has_in_common(tmp_path: Path) -> None:
    """Along an axis on which policies differ, and after an edit: the large arrays stay where they
    are, and answers are those of a world that was made from nothing."""
    here = View(fabric(tmp_path))
    policy = here.policy_read
    fewer = Policy(policy.rules[:-1], policy.selections)
    assert reaching(here.saying(fewer)) == reaching(View(here.network, fewer))
    there, back = here.saying(fewer), here.saying(fewer).saying(policy)
    assert reaching(back) == reaching(here) != reaching(there)
    fresh = View(here.network, policy)
    near = fresh.saying(fewer)
    again = near.saying(policy)
    for one, other in ((fresh, near), (near, again)):
        assert {*one.program.groups} <= {*other.program.groups}
        for name in ("F", "cell_class", "l4_class", "dec_entries"):
            before, after = (getattr(world.blocks, name) for world in (one, other))
            assert np.shares_memory(before, after), name
        assert other.blocks.addresses is one.blocks.addresses
        assert other.blocks.fib is one.blocks.fib and other.network is one.network
    edited = here.edit(View(here.network, fewer))
    first = here.live.now
    once_more = here.edit(View(here.network, policy))
    assert np.shares_memory(first.blocks.F, once_more.blocks.F)
    assert reaching(edited) == reaching(there) and reaching(once_more) == reaching(here)


def with_one_more(new: Stage, after: Stage) -> Stages:
    """The table of stages with another row."""
    place = STAGES.index(after) + 1
    return checked((*STAGES[:place], new, *STAGES[place:]))


def test_a_policy_of_other_stages_is_compiled_anew(tmp_path: Path) -> None:
    here = World(fabric(tmp_path))
    more = replace(Stage.ZONE2, name="MORE", label="more", drop="more_drop")
    policy = replace(here.policy_read, stages=with_one_more(more, Stage.ZONE2))
    there = here.saying(policy)
    assert there.program.stages == policy.stages and reaching(there) == reaching(here)


def test_rules_on_further_fields_are_cut_anew(tmp_path: Path) -> None:
    """Blocks that know no further field cannot be added to; nothing is told by one that was."""
    here = World(fabric(tmp_path))
    rule = Rule(Stage.WORKLOAD, Direction.IN, 0, (Everyone(),), (Everyone(),),
                (L4(fields=(Within("dscp", 46, 46),)),), Action.DENY,
                Origin("NetworkPolicy", "marked"))  # fmt: skip
    policy = Policy((rule, *here.policy_read.rules), here.policy_read.selections)
    fresh = World(here.network, policy)
    names = [node.name for node in here.network.fabric.nodes]
    for there in (here.saying(policy), here.mixed(World(here.network, policy), names)):
        assert there.blocks.l4.fields == fresh.blocks.l4.fields != here.blocks.l4.fields


def reaching(world: World) -> set[tuple[int, int, int]]:
    pairs = prove(world).reach.pairs
    return {*zip(pairs.src.tolist(), pairs.dst.tolist(), (pairs.some > 0).tolist(), strict=True)}


def test_failures_build_no_blocks_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[Program] = []
    real = sim.worlds.world.build_blocks
    monkeypatch.setattr(sim.worlds.world, "build_blocks", lambda p: (built.append(p), real(p))[1])
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
            ways = [[way.hop for way in onward(world.network, at)] for world in (mixed, its_own)]
            assert ways[0] == ways[1]
        assert mixed.blocks.F is here.blocks.F


def bare(network: Network, **more: Any) -> Network:
    """What an importer knows of it: nodes, VRFs, endpoints and routes."""
    return Network.bare(
        "from devices",
        fabric=network.fabric,
        vrfs=network.vrfs,
        endpoints=network.endpoints,
        underlay=network.underlay,
        fib=network.fib,
        **more,
    )


def test_a_network_needs_no_file() -> None:
    """Policies and proofs ask no more than an importer knows."""
    flow = Flow(0, 4, 0x0A000001, 0x0A000002, 6, 40000, 80, src_endpoint=0)
    whole, read = World(DEMO, DEMO_POLICY), World(bare(DEMO), DEMO_POLICY)
    assert trace(read, flow) == trace(whole, flow)
    assert len(prove(read).reach.pairs) == len(prove(whole).reach.pairs) > 0


def test_every_verb_answers_about_a_network_without_file(tmp_path: Path) -> None:
    """The same as about the one that was built, policies given."""
    built = View(fabric(tmp_path))
    read = View(bare(built.network), built.policy_read)
    first, second = (e.name for e in built.network.endpoints if e.kind == "pod")
    flow = first, f"{second}:80"
    assert str(cloison.explain(read, *flow)) == str(cloison.explain(built, *flow))
    said = [replay(world, all_pairs(built.blocks)).verdicts for world in (read, built)]
    assert said[0] == said[1] and said[0][Reason.DELIVERED] > 0
    assert [*cloison.reach(read)] == [*cloison.reach(built)]
    assert diff(built, read).changes == ()
    written: Any = certificate(prove(read))
    assert validity(written, read.network, (), read.policy_read).problems == []
    assert read.isolation.rows == built.isolation.rows
    assert read.routes.rows == built.routes.rows
    assert {*read.mixed(built, ["dpu1"]).program.groups} == {*read.program.groups}


def test_what_a_network_does_not_say_is_no_answer(tmp_path: Path) -> None:
    """Dumps need numbers of a plan; failures need to know where routes come from."""
    built = fabric(tmp_path)
    read, vtep = View(bare(built), World(built).policy_read), built.endpoints[0].vtep
    asks: list[Callable[[], object]] = [
        *(
            partial(t.render, read.program, vtep)
            for t in (text, canonical, nftables, frr.for_frr_8(), linux.with_devices_per_vni())
        ),
        lambda: read.sessions,
        lambda: read.vrfs,
        lambda: [*read.network.plan.loopback],
        lambda: read.network.plan.rd.get((vtep, 0)),
        lambda: moved(read, {"down": ["spine1"]}),
    ]
    for ask in asks:
        with pytest.raises(UndecidedError, match="C859"):
            ask()
    known = World(bare(built, plan=built.plan), read.policy_read)
    for target in (text, canonical, nftables):
        wanted = target.render(World(built).program, vtep)
        assert target.render(known.program, vtep).splitlines()[5:] == wanted.splitlines()[5:]
    silent = replace(built.fib, routes_in=Network.bare("x").routes)
    imported = replace(known.network, fib=silent)
    with pytest.raises(UndecidedError, match="where the routes of this network come from"):
        moved(World(imported, read.policy_read), {"down": ["spine1"]})


def test_nothing_is_a_network_too() -> None:
    nothing = View(Network.bare("nothing"))
    assert nothing.policy_read.rules == nothing.program.groups == ()
    assert nothing.network.spec.name == "nothing"
    assert replay(nothing, all_pairs(nothing.blocks)).packets == 0
    assert prove(nothing).verdict == "unknown" and nothing.isolation.rows == ()


def test_endpoints_need_no_routes() -> None:
    """Who knows endpoints alone can ask what policies say of them; packets have no route."""
    network = Network.bare("cluster", vrfs=DEMO.vrfs, endpoints=DEMO.endpoints)
    world = World(network, DEMO_POLICY)
    flow = Flow(0, 4, 0x0A000001, 0x0A000002, 6, 40000, 80, src_endpoint=0)
    assert trace(world, flow).reason.label == "no_route_drop"
    packet = Packet(Direction.IN, 1, 4, 0x0A000001, 0, 6, 40000, 80)
    cell = world.blocks.cell(0, 4, 0x0A000001, 0)
    decision = world.blocks.decision(Direction.IN, 1, cell, world.blocks.l4.atom(6, 40000, 80))
    assert bool(world.blocks.dec_permit[decision]) is decide(DEMO_POLICY, network, packet).permit
