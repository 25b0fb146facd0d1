"""A rewrite that applies to a part of what is sent: to one direction of a connection, to some
addresses of a route, and to a destination that several next hops share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from routed_demo import ACME, DENY, ENDS, TENANT, both, rerouted
from wired import wired

from compiler.policy.ir import L4, Action, Direction, Named, Policy, Selection, Stage
from fabric.building.network import Network
from fabric.control.rewrites import Rewrite
from sim.packets.headers import Flow, Packets
from sim.packets.reasons import Reason
from sim.pipeline.conntrack import FlowTable
from sim.pipeline.datapath import Datapath
from sim.pipeline.replay import replay
from sim.pipeline.trace import trace
from sim.proof.pairs.reachability import reachability
from sim.worlds.world import World

A, B, DOOR = 0x0A000001, 0x0A000002, 0x0A0000F0
CHOICES = [(0, 0), (1, 0)]
"""Next hops of B where A is: only the second is where it lives."""
ASK = Policy(
    both(0, "acme/web/a", "acme/web/b", (L4(6, 80, 80),), TENANT),
    tuple(
        Selection(Stage.ISOLATION, way, (Named(("*",)),), Action.DENY, DENY) for way in Direction
    ),
)
"""A may open connections to B; B to nobody, but it may answer."""
OPENED = Flow(0, 4, A, DOOR, 6, 40000, 80, src_endpoint=0)
ANSWER = replace(OPENED, dst=B).reply(0, 1)


def network(*rewrites: Rewrite, hops: list[tuple[int, int]] | None = None) -> Network:
    """The routed demo; B may have other next hops where A is."""
    rows = [(p, hops if hops and p == "10.0.0.2/32" else known) for p, known in ACME]
    return replace(wired(rerouted({(0, 0): rows})), rewrites=rewrites)


def kept(world: World, *flows: Flow) -> list[Reason]:
    """What becomes of packets one after the other, where connections are known."""
    packets = Packets.of(flows)
    times, ports = np.arange(len(flows)), np.zeros(len(flows), np.bool_)
    said = FlowTable(16, 1000).decide(Datapath.of(world, threads=1), packets, times, ports)
    return [Reason(int(reason)) for reason in said.reason]


def test_an_answer_of_whom_a_door_leads_to_is_known_and_is_not_the_door_s() -> None:
    """Answers are not turned back: they are the pod's, and of the connection that it got."""
    world = World(network(Rewrite(4, DOOR, DOOR, B)), ASK)
    asked, answered = kept(world, OPENED, ANSWER)
    assert (asked, answered) == (Reason.DELIVERED, Reason.DELIVERED)
    (alone,) = kept(world, ANSWER)
    assert alone not in (Reason.DELIVERED, Reason.UNKNOWN_SOURCE), "no connection: policy decides"
    turned = OPENED.reply(0)
    assert kept(world, OPENED, turned) == [Reason.DELIVERED, Reason.UNKNOWN_SOURCE]


def test_where_answers_alone_are_rewritten_they_are_lost() -> None:
    """What is sent to A becomes a door that is nobody's: B still gets what A sends."""
    world = World(network(Rewrite(4, A, A, DOOR)), ASK)
    asked, answered = kept(world, replace(OPENED, dst=B), ANSWER)
    assert asked is Reason.DELIVERED and answered is not Reason.DELIVERED
    reach = reachability(World(world.network, Policy()))
    assert 4 in reach.between(0, 1).version and 4 not in reach.between(1, 0).version
    free = World(world.network, Policy())
    there, back = (trace(free, flow) for flow in (replace(OPENED, dst=B), ANSWER))
    assert (there.reason, there.target) == (Reason.DELIVERED, 1)
    assert back.target == 3, "the outside has that address, and A gets nothing"


@pytest.mark.parametrize("policy", [Policy(), ASK])
def test_a_door_shares_the_next_hops_of_whom_it_leads_to(policy: Policy) -> None:
    """Each choice, and the one that the hash of the new header makes."""
    plain = World(network(hops=CHOICES), policy)
    doors = World(network(Rewrite(4, DOOR, DOOR, B), hops=CHOICES), policy)
    sent = [replace(OPENED, sport=port) for port in range(40000, 40064)]
    meant = [replace(flow, dst=B) for flow in sent]
    ends = set()
    for flow, other in zip(sent, meant, strict=True):
        for choice in (None, 0, 1):
            found, wanted = trace(doors, flow, choice), trace(plain, other, choice)
            for name in ("reason", "target", "next_hop", "outer_sport", "underlay"):
                assert getattr(found, name) == getattr(wanted, name)
        ends.add(trace(doors, flow).reason)
    assert ends == {Reason.DELIVERED, Reason.ENI_MISS_DROP}
    one, other_ = (replay(w, Packets.of(f)) for w, f in ((doors, sent), (plain, meant)))
    assert np.array_equal(one.links, other_.links) and one.verdicts == other_.verdicts
    ways = reachability(doors).between(0, 1), reachability(plain).between(0, 1)
    assert [w.version.tolist() for w in ways] == [[4, 6]] * 2
    for reach in (reachability(doors), reachability(plain)):
        pairs = reach.between(0, 1)
        (four,) = np.flatnonzero(pairs.version == 4)
        assert reach.sets[pairs.some[four]].any() and not reach.sets[pairs.sure[four]].any()


def test_each_address_of_a_range_fares_as_what_it_becomes() -> None:
    """Four addresses become one with a single next hop, one with two, and two of the outside."""
    doors = World(network(Rewrite(4, DOOR, DOOR + 3, A), hops=CHOICES), Policy())
    plain = World(network(hops=CHOICES), Policy())
    routes = set()
    for n in range(4):
        flow, meant = replace(OPENED, dst=DOOR + n), replace(OPENED, dst=A + n)
        for choice in (0, 1) if n == 1 else (0,):
            found, wanted = trace(doors, flow, choice), trace(plain, meant, choice)
            assert (found.reason, found.target) == (wanted.reason, wanted.target)
            routes.add((n, found.reason, found.target))
    assert len(routes) == 5
    for end in ENDS:
        beyond = replace(OPENED, dst=DOOR + 4, src_endpoint=-1)
        assert trace(doors, beyond).target == trace(plain, beyond).target, end
