"""A rewrite of a header is one row of a network: a door (an address that is nobody's) becomes a
pod's. It passes through the forwarding step, and so through traces, explanations, replay and the
proof, which say the same; who does not follow rewritten headers says so in place of a verdict."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from any_flows import own
from hairpin_fabric import hairpin
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from random_worlds import worlds
from routed_demo import DEMO, DEMO_POLICY
from wired import wired

from cloison.views.world import World as ApiWorld
from compiler.policy.ir import Policy
from compiler.targets.catalogue import dumper
from fabric.building.network import Network
from fabric.control.rewrites import Rewrite, rewritten
from fabric.diagnostics import UndecidedError
from fabric.values.interval_sets import subtract, union
from sim.checker.expected import expected
from sim.diff.diff import diff
from sim.forwarding.one_step import Place, onward, receivers
from sim.packets.headers import Flow, Packets
from sim.packets.reasons import Reason
from sim.pipeline.datapath import Datapath
from sim.pipeline.replay import replay
from sim.pipeline.trace import trace
from sim.pipeline.ways import entered
from sim.proof.certificates.certificate import certificate
from sim.proof.pairs.reachability import reachability
from sim.proof.prove import prove
from sim.reach.access import asked
from sim.why.blame import blame
from sim.why.happenings import steps
from sim.worlds.world import World

DEMO_FILE = Path(__file__).parents[2] / "topologies" / "demo.yaml"
DOOR, POD, OTHER = 0x0A0000FE, 0x0A000002, 0x0A000001
THROUGH = Rewrite(4, DOOR, DOOR, POD)
TO_DOOR = Flow(0, 4, OTHER, DOOR, 6, 40000, 80, src_endpoint=0)
TO_POD = replace(TO_DOOR, dst=POD)
NETWORK = wired(DEMO)
PLAIN = World(NETWORK, DEMO_POLICY)
FEW = settings(max_examples=25, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))


def through(*rewrites: Rewrite) -> World:
    """The demo with some rewrites."""
    return World(replace(NETWORK, rewrites=rewrites), DEMO_POLICY)


WORLD = through(THROUGH)


def test_a_rewritten_header_fares_as_the_one_that_it_becomes() -> None:
    asked_, meant = trace(WORLD, TO_DOOR), trace(PLAIN, TO_POD)
    assert meant.reason is Reason.DELIVERED
    for name in ("reason", "target", "next_hop", "outer_sport", "underlay", "out", "into"):
        assert getattr(asked_, name) == getattr(meant, name)
    assert trace(PLAIN, TO_DOOR).target != meant.target


def test_it_is_explained_and_blamed() -> None:
    world, plain = World(replace(DEMO, rewrites=(THROUGH,)), DEMO_POLICY), World(DEMO, DEMO_POLICY)
    found = trace(world, TO_DOOR, 0)
    told = list(steps(world, found))
    assert any("acme/web/b" in str(step.row().values()) for step in told)
    assert blame(world, found).culprit == blame(plain, trace(plain, TO_POD, 0)).culprit


def test_a_step_leads_to_a_set_of_places_with_the_new_header() -> None:
    (way,) = onward(WORLD.network, Place(0, 0, TO_DOOR))
    assert way.to.header == TO_POD
    assert [e.name for e in receivers(DEMO, way.to)] == ["acme/web/b"]
    assert receivers(DEMO, Place(0, 0, TO_POD)) == (), "it lives elsewhere"
    assert onward(PLAIN.network, Place(0, 1, TO_POD)) == (), "no route"


def test_rewrites_see_each_other_s_headers() -> None:
    first = Rewrite(4, 1, 1, DOOR)
    (way, *_) = onward(through(first, THROUGH).network, Place(0, 0, replace(TO_DOOR, dst=1)))
    assert way.to.header.dst == POD
    with pytest.raises(UndecidedError, match="once more"):
        onward(through(THROUGH, first).network, Place(0, 0, TO_DOOR))


def test_replay_follows() -> None:
    for world, flow in ((WORLD, TO_DOOR), (PLAIN, TO_POD)):
        found = Datapath.of(world, threads=1).decide(Packets.of([flow]))
        assert (found.reason[0], found.dst_endpoint[0]) == (Reason.DELIVERED, 1)
        assert replay(world, Packets.of([flow])).delivered == 1
    assert replay(PLAIN, Packets.of([TO_DOOR])).delivered == 0


def test_links_carry_what_is_passed_on_after_a_rewrite(tmp_path: Path) -> None:
    """From red by way of the border to blue: two tunnels, through a door of the outside."""
    plain = ApiWorld.of(hairpin(tmp_path, hairpin="permit"))
    vrf = {v.name: v.index for v in plain.network.vrfs}["red/main"]
    ends = {e.name: e for e in plain.network.endpoints}
    probe, web = (int(ends[name].prefixes[0][0]) for name in ("red/lab/probe", "blue/shop/web"))
    door = Rewrite(4, 0xCB007150, 0xCB007150, web)
    doors = World(replace(plain.network, rewrites=(door,)), plain.policy_read)
    asked_, meant = (Flow(vrf, 4, probe, dst, 6, 40000, 443) for dst in (door.first, web))
    one, other = replay(doors, Packets.of([asked_])), replay(plain, Packets.of([meant]))
    assert one.delivered == other.delivered == 1
    assert np.array_equal(one.links, other.links)
    assert not np.array_equal(one.links, replay(plain, Packets.of([asked_])).links)


def test_whose_address_is_rewritten_is_not_reached() -> None:
    """10.0.0.2 becomes a door that is nobody's: nobody reaches its owner any more."""
    away = through(Rewrite(4, POD, POD, DOOR))
    assert reachability(PLAIN).between(0, 1).version.tolist() == [4, 6]
    assert reachability(away).between(0, 1).version.tolist() == [6]
    assert reachability(away).between(1, 0).version.tolist() == [4, 6], "it still sends"


def test_what_is_rewritten_is_no_longer_the_internet_s() -> None:
    """A door inside 0.0.0.0/0: whoever reaches the internet reaches all of it but the door."""
    world = ApiWorld.of(DEMO_FILE)
    number = {e.name: e.index for e in world.network.endpoints}
    door, sender_ = 0xCB007150, number["training/@node/host5"]
    pod = next(p for p in world.network.endpoints[sender_].prefixes if p.version == 4)
    through_ = Rewrite(4, door, door, int(pod[0]))
    doors = World(replace(world.network, rewrites=(through_,)), world.policy_read)
    found = []
    for reach in (reachability(world), reachability(doors)):
        pairs = reach.between(sender_, number["zone2/inet"])
        rows = range(int(pairs.first[0]), int(pairs.last[0]))
        ranges = union(*(reach.refinements.ranges(int(reach.paths.dst_class[row])) for row in rows))
        found.append((reach.sets[pairs.sure[0]].tolist(), ranges))
    assert found[0][0] == found[1][0] and any(found[0][0]), "the door is not the internet's"
    assert found[1][1] == subtract(found[0][1], ((door, door),)) != found[0][1]


def test_no_expectation_holds_at_an_address_that_is_rewritten() -> None:
    world = ApiWorld.of(DEMO_FILE)
    network = world.network
    kept = [o for o in prove(world).outcomes if o.holds and o.claim.kind == "allow"]
    ends = {e.name: e for e in network.endpoints}
    named = [o.claim for o in kept if o.claim.target in ends]
    assert named
    for claim in named:
        doors = [Rewrite(p.version, int(p[0]), int(p[-1]), 1) for p in ends[claim.target].prefixes]
        away = World(replace(network, rewrites=tuple(doors)), world.policy_read)
        outcomes = {o.claim.number: o.holds for o in prove(away).outcomes}
        assert not outcomes[claim.number], claim


@FEW
@given(worlds(), st.data())
def test_replay_and_proof_say_what_the_step_says(network: Network, data: st.DataObject) -> None:
    network = wired(network)
    ends = sorted({(p.version, int(p[0])) for e in network.endpoints for p in e.prefixes})
    doors = [(v, int(ip) ^ bit) for v, ip in ends for bit in (0, 3)]
    rewrites: list[Rewrite] = []
    for version, door in data.draw(st.lists(st.sampled_from(doors), max_size=3)):
        last = door + data.draw(st.integers(0, 3))
        to = data.draw(st.sampled_from([ip for v, ip in ends if v == version]))
        rewrites.append(Rewrite(version, door, last, to))
    world = World(replace(network, rewrites=tuple(rewrites)), Policy())
    try:
        moves = world.network.moves
    except UndecidedError:
        return
    flows = own(network)
    flows += [replace(f, dst=m.first + k) for f, m in product(flows[:8], moves) for k in (0, 1)
              if f.version == m.version]  # fmt: skip
    found = Datapath.of(world, threads=1).decide(Packets.of(flows))
    plain = World(network, Policy())
    meant = [replace(f, dst=rewritten(moves, f.version, f.dst)) for f in flows]
    ways = replay(world, Packets.of(flows)), replay(plain, Packets.of(meant))
    assert np.array_equal(ways[0].links, ways[1].links) and ways[0].verdicts == ways[1].verdicts
    reach = reachability(world)
    said: defaultdict[tuple[int, int], list[tuple[int, int, int]]] = defaultdict(list)
    for row in range(len(reach.paths)):
        ranges = reach.refinements.ranges(int(reach.paths.dst_class[row]))
        version = int(reach.paths.version[row])
        said[int(reach.paths.src[row]), int(reach.paths.dst[row])] += [
            (version, *r) for r in ranges
        ]
    for i, flow in enumerate(flows):
        asked_ = trace(world, flow)
        assert found.reason[i] == asked_.reason, flow
        assert found.dst_endpoint[i] == (-1 if asked_.target is None else asked_.target) or (
            asked_.reason is not Reason.DELIVERED
        )
        dst = rewritten(moves, flow.version, flow.dst)
        if asked_.source is None:
            continue
        source = world.network.endpoints[asked_.source]
        for choice, one in enumerate(entered(world, source, flow)):
            along = trace(world, flow, choice)
            for end in receivers(world.network, one.way.end) if one.way else ():
                if along.reason is Reason.DELIVERED and along.target == end.index:
                    inside = [r for r in said[source.index, end.index] if r[0] == flow.version]
                    assert source is end or any(low <= dst <= high for _, low, high in inside), flow
    for ranges in said.values():
        for version, first, last in ranges:
            for ip in (first, last):
                assert rewritten(moves, version, ip) == ip, "nobody gets packets to that address"


def test_who_does_not_follow_says_so() -> None:
    ends = "acme/web/a", "10.0.0.254:80"
    for ask in (
        lambda: certificate(prove(WORLD)),
        lambda: expected(WORLD.network, ()),
        lambda: diff(PLAIN, WORLD),
        lambda: dumper("canonical", WORLD.program),
        lambda: asked(lambda: reachability(WORLD), WORLD.network, *ends),
    ):
        with pytest.raises(UndecidedError, match="rewritten"):
            ask()
    assert len(prove(WORLD).reach.pairs) == len(prove(PLAIN).reach.pairs)


def test_the_proof_s_columns_take_the_same_steps() -> None:
    """Every path of the proof is a step from here, to the places that it says."""
    reach = prove(PLAIN).reach
    b = reach.blocks
    said = set()
    for row in range(len(reach.paths)):
        src, dst, hop = (
            int(column[row]) for column in (reach.paths.src, reach.paths.dst, reach.paths.hop)
        )
        said.add((src, dst, int(b.set_vtep[hop]), int(b.set_vrf[hop])))
    stepped = set()
    for source in DEMO.endpoints:
        for target in DEMO.endpoints:
            for prefix in target.prefixes:
                if source is target or prefix.version not in {p.version for p in source.prefixes}:
                    continue
                header = Flow(source.vrf, prefix.version, 0, int(prefix.network_address), 6)
                for way in onward(PLAIN.network, Place(source.vtep, source.vrf, header)):
                    for end in receivers(DEMO, way.to):
                        stepped.add((source.index, end.index, way.to.node, way.to.vrf))
    assert said <= stepped and said
    assert np.array_equal(reach.paths.hop, prove(PLAIN).reach.paths.hop)
