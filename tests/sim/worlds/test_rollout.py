"""A rollout: each node by its own version, at each step of a packet's way, and what is equal is one
object. The twin looks up the version of the node that a step is at; it knows no mixed worlds."""

from __future__ import annotations

from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from any_flows import own
from fabric_files import network_of, vrf, write_fabric
from hypothesis import Phase, given, settings
from matcher_laws import keeps_its_laws
from naive import Header, points
from reach_laws import isolation_is_what_paths_say, says_what_brute_force_finds
from routed_demo import DEMO, DEMO_POLICY
from two_versions import Two, two

from compiler.policy.ir import Direction, Named, Packet, Policy
from compiler.policy.semantics import decide
from compiler.program.versions import LivesAt
from compiler.program.walk import verdict
from compiler.targets.hosts import frr
from fabric.building.build import rebuild
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, InputError, UndecidedError
from sim.checker.validity import validity
from sim.packets.headers import Packets
from sim.packets.reasons import reasons
from sim.pipeline.datapath import Datapath
from sim.pipeline.tables import tables
from sim.pipeline.trace import trace
from sim.proof.certificates.certificate import certificate
from sim.proof.pairs.reachability import reachability
from sim.proof.prove import prove
from sim.worlds.axes import moved
from sim.worlds.world import World

FEW = settings(max_examples=15, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))


@pytest.mark.slices(2)
@FEW
@given(two())
def test_replay_and_traces_ask_each_node_s_own_version(versions: Two) -> None:
    world = versions.wired.mixed
    packets = Packets.of(own(world.network))
    found = Datapath(tables(world.blocks), threads=1).decide(packets)
    known = reasons(world.program.stages)
    for i in range(len(packets)):
        flow = packets.flow(i)
        traced = trace(world, flow)
        assert known.numbered[int(found.reason[i])] is traced.reason, flow
        if traced.source is not None:
            said = versions.outcomes(traced.source, Header(*astuple(flow)[1:7]))
            assert traced.reason in [o.reason for o in said], flow
            for choice, wanted in enumerate(said):
                assert trace(world, flow, choice if len(said) > 1 else None).reason is wanted.reason


@pytest.mark.slices(4)
@FEW
@given(two())
def test_the_proof_is_what_brute_force_finds(versions: Two) -> None:
    both = (versions.old, versions.before), (versions.new, versions.after)
    axes = {
        version: sorted({x for network, policy in both for x in points(network, policy, version)})
        for version in (4, 6)
    }
    says_what_brute_force_finds(
        reachability(versions.mixed),
        versions.each_its_own,
        versions.before,
        versions.outcomes,
        axes,
    )


@pytest.mark.slices(3)
@FEW
@given(two())
def test_isolation_of_vrfs_is_what_paths_say(versions: Two) -> None:
    isolation_is_what_paths_say(versions.mixed)


@pytest.mark.slices(3)
@FEW
@given(two())
def test_the_mixed_policy_says_what_the_mixed_program_says(versions: Two) -> None:
    """So that definition, explanations and the checker of certificates know what is mixed."""
    world = versions.mixed
    for flow in own(versions.old):
        for end in world.network.endpoints:
            l4 = flow.protocol, flow.sport, flow.dport
            for way in Direction:
                packet = Packet(way, end.index, flow.version, flow.dst, flow.vrf, *l4)
                wanted = versions.judge(versions.before, versions.old, packet)
                for found in (
                    verdict(world.program, packet),
                    decide(world.policy_read, world.network, packet),
                ):
                    assert (found.permit, found.stage) == (wanted.permit, wanted.stage), packet
    written: Any = certificate(prove(world))
    assert validity(written, world.network, (), world.policy_read).problems == []


def fabric(folder: Path, *, peered: bool = False, line: str = "allow: a/* -> a/*") -> Network:
    site = {"spines": 2, "leaves": 2, "hosts_per_pair": 2, "borders": 1}
    work = {"a": ["n/p@host1", "n/q@host2"], "b": ["n/r@host1", "n/s@host2"]}
    tenants = {"a": vrf("10.0.0.0/16"), "b": vrf("10.1.0.0/16")}
    kind, text = line.split(": ")
    more: Any = {"peerings": [{"name": "ab", "between": ["a/main", "b/main"]}]} if peered else {}
    folder.mkdir()
    return network_of(
        write_fabric(folder, tenants, work, sites={"s": site}, expect=[{kind: text}], **more)
    )


@pytest.fixture
def peering(tmp_path: Path) -> tuple[World, World]:
    """Before and after two tenants peer."""
    return World(fabric(tmp_path / "a")), World(fabric(tmp_path / "b", peered=True))


Pair = tuple[World, World]
ALL_DPUS = "dpu1", "dpu2"


def reaching(world: World) -> set[tuple[str, str]]:
    reach, names = reachability(world), [e.name for e in world.network.endpoints]
    some = reach.pairs.some != 0
    ends = zip(reach.pairs.src[some].tolist(), reach.pairs.dst[some].tolist(), strict=True)
    return {(names[a], names[b]) for a, b in ends if names[a][0] != names[b][0]}


def test_a_peering_is_rolled_out_node_by_node(peering: Pair) -> None:
    """Between the first node and the last, those peer whose two ends have it."""
    old, new = peering
    assert reaching(old) == reaching(old.mixed(new, [])) == set()
    assert reaching(new) == reaching(old.mixed(new, ALL_DPUS)) != set()
    first = reaching(old.mixed(new, ["dpu1"]))
    assert first == {(a, b) for a, b in reaching(new) if {a[-1], b[-1]} <= {"p", "r", "1"}} != set()


def test_routes_of_a_node_are_those_of_its_version_to_the_line(peering: Pair) -> None:
    old, new = peering
    mixed = old.mixed(new, ["dpu1"])
    names = [node.name for node in mixed.network.fabric.nodes]
    for vtep, vrf_ in mixed.network.fib.instances:
        its = new if names[vtep] == "dpu1" else old
        assert mixed.network.fib.routes(vtep, vrf_) == its.network.fib.routes(vtep, vrf_)
        assert mixed.network.fib.version(vtep) is its.network.fib


def test_a_failure_keeps_each_node_s_version(peering: Pair) -> None:
    old, new = peering
    mixed = old.mixed(new, ["dpu1"])
    failed = moved(mixed, {"down": ["dpu2--leaf1"]})
    assert reaching(failed) == reaching(mixed) != set()
    alone = moved(mixed, {"down": ["dpu2"]})
    versions = (rebuild(world.network, down=["dpu2"]) for world in peering)
    again = World(next(versions)).mixed(World(next(versions)), ["dpu1"])
    assert reaching(alone) == reaching(again)


def test_what_is_equal_is_shared(peering: Pair) -> None:
    """Arrays of all steps of a rollout are the same objects but for what binds and routes; of a
    rollout in which no prefix comes or goes they are those of the old world."""
    old, new = peering
    one, two_ = old.mixed(new, ["dpu1"]), old.mixed(new, ["dpu2"])
    large = ("F", "cell_class", "l4_class", "dec_entries", "addresses", "l4", "F_off", "cell_off")
    for name in large:
        assert getattr(one.blocks, name) is getattr(two_.blocks, name), name
    assert one.program.groups is two_.program.groups
    assert not np.array_equal(one.blocks.ep_block, two_.blocks.ep_block)
    for number, (vtep, _) in enumerate(one.network.fib.instances):
        same = vtep not in {n.index for n in one.network.fabric.nodes if n.name in ALL_DPUS}
        assert not same or one.network.fib.chosen[number] is two_.network.fib.chosen[number]
    before = World(old.network, Policy(old.policy_read.rules[1:], old.policy_read.selections))
    other = World(old.network, old.policy_read)
    step = before.mixed(other, ["dpu1"])
    assert step.blocks.addresses is before.blocks.addresses
    assert np.shares_memory(step.blocks.F, before.blocks.F)
    assert np.shares_memory(step.blocks.cell_class, before.blocks.cell_class)
    assert step.network.fib.vrf_routes is not None
    assert all(
        a is b for a, b in zip(step.network.fib.chosen, before.network.fib.chosen, strict=True)
    )
    shared = {*before.program.groups} & {*step.program.groups}
    assert shared == {*before.program.groups}
    common = {id(r) for r in before.policy_read.rules} & {id(r) for r in step.policy_read.rules}
    assert len(common) == len(before.policy_read.rules)


def test_other_rollouts_of_the_same_world_stand_beside(peering: Pair) -> None:
    old, new = peering
    empty = World(old.network, Policy())
    both = [old.mixed(new, ["dpu1"]), old.mixed(empty, ["dpu1"]), old.mixed(new, ["dpu1"])]
    assert reaching(both[0]) == reaching(both[2])
    fresh = World(old.network).mixed(World(old.network, Policy()), ["dpu1"])
    packets = Packets.of(own(old.network))
    found = [Datapath(tables(w.blocks), threads=1).decide(packets) for w in (both[1], fresh)]
    assert found[0].reason.tolist() == found[1].reason.tolist()


def test_findings_and_what_is_not_evaluated_are_those_of_both(peering: Pair) -> None:
    said = tuple(Diagnostic("C439", text, severity="finding") for text in "ab")
    pair = (
        World(replace(w.network, findings=(d,)), w.policy_read)
        for w, d in zip(peering, said, strict=True)
    )
    assert next(pair).mixed(next(pair), ["dpu1"]).network.findings == said


def test_what_are_no_versions_of_one_network_are_not_mixed(peering: Pair) -> None:
    old, new = peering
    with pytest.raises(InputError, match='no node is called "dpu9"'):
        old.mixed(new, ["dpu9"])
    fewer = World(replace(old.network, endpoints=old.network.endpoints[1:]), old.policy_read)
    with pytest.raises(InputError, match="two worlds of other endpoints"):
        old.mixed(fewer, ["dpu1"])
    failed = moved(new, {"down": ["dpu2--leaf1"]})
    slower = tuple(replace(link, speed=1) for link in new.network.fabric.links)
    other = replace(new.network, fabric=replace(new.network.fabric, links=slower))
    for what, world in (("failures", failed), ("cables", World(other, new.policy_read))):
        for pair in ((old, world), (world, old)):
            with pytest.raises(InputError, match=f"two worlds of other {what}"):
                pair[0].mixed(pair[1], ["dpu1"])
    later = replace(new, at={"hour": ("night",)})
    with pytest.raises(InputError, match="other places on their axes"):
        old.mixed(later, ["dpu1"])
    with pytest.raises(UndecidedError, match="FRR"):
        frr.for_frr_8().render(old.mixed(new, ["dpu1"]).program, 0)


def test_the_matcher_of_versions_keeps_the_laws_of_matchers() -> None:
    for there in (True, False):
        keeps_its_laws(LivesAt(Named(("acme/*",)), frozenset({"dpu1"}), there), DEMO)


def test_nothing_is_mixed_where_nothing_differs() -> None:
    a, b = World(DEMO, DEMO_POLICY), World(DEMO, DEMO_POLICY)
    mixed = a.mixed(b, ["dpu1"])
    assert mixed.policy_read == DEMO_POLICY
    assert mixed.program.groups == a.program.groups
