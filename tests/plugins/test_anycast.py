"""Toy: two endpoints own one address, each at its own VTEP. What is sent there is delivered to
either; an answer says which, and what names one of them alone is not sure to reach it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest
import stage_laws
from any_flows import own
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from random_worlds import policies, worlds
from reach_laws import isolation_is_what_paths_say, says_what_brute_force_finds
from routed import at, endpoint, routed
from wired import wired

from compiler.compile import compile_policy
from compiler.policy.ir import (
    L4,
    Action,
    Cidr,
    Direction,
    Named,
    Origin,
    Packet,
    Policy,
    Rule,
    Stage,
)
from compiler.policy.semantics import decide, owner, owners
from compiler.program.ownership import owned_addresses
from compiler.program.walk import verdict
from fabric.building.network import Network
from fabric.diagnostics import UndecidedError
from fabric.values.inventory import NamedPort
from sim.checker.validity import validity
from sim.diff.diff import diff
from sim.forwarding.one_step import Place, onward, receivers
from sim.packets.headers import Flow, Packets
from sim.packets.reasons import Reason
from sim.pipeline.datapath import Datapath
from sim.pipeline.tables import tables
from sim.pipeline.trace import trace
from sim.proof.certificates.certificate import certificate
from sim.proof.pairs.reachability import reachability
from sim.proof.prove import prove
from sim.why.one_answer import explain
from sim.worlds.world import World

FEW = settings(max_examples=15, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
DOOR, ADDRESS = ip_network("10.0.0.9/32"), 0x0A000009


def sharing(network: Network, *who: int) -> Network:
    """The network where these endpoints own 10.0.0.9 together, each where it lives."""
    ends = tuple(
        replace(e, prefixes=tuple(dict.fromkeys((*e.prefixes, DOOR))), anycast=frozenset((DOOR,)))
        if e.index in who
        else e
        for e in network.endpoints
    )
    return replace(network, endpoints=ends)


@st.composite
def shared(draw: Any) -> Network:
    """A random world where 10.0.0.9 is acme's web/a as well as its web/b, if routes lead there or
    not; next hops may be both."""
    network = draw(worlds())
    fib = network.fib
    hops = draw(st.sampled_from([[(0, 0)], [(1, 0)], [(0, 0), (1, 0)]]))
    rows = {
        key: [(str(r.prefix), [tuple(h)[:2] for h in r.nexthops]) for r in fib.routes(*key)]
        for key in fib.instances
    }
    for key in rows:
        if key[1] == 0 and draw(st.booleans()):
            rows[key] = [row for row in rows[key] if row[0] != str(DOOR)] + [(str(DOOR), hops)]
    names = [node.name for node in network.fabric.nodes]
    vrfs = [v.name for v in network.vrfs]
    made = routed(names, vrfs, network.endpoints, rows, sorted(network.underlay.cut))  # type: ignore[attr-defined]
    return sharing(made, 0, 1)


@FEW
@given(shared(), policies())
def test_kernels_traces_and_definition_agree(network: Network, policy: Policy) -> None:
    stage_laws.replayed(network, policy)


@pytest.mark.slices(4)
@FEW
@given(shared(), policies())
def test_the_proof_is_what_brute_force_finds(network: Network, policy: Policy) -> None:
    says_what_brute_force_finds(reachability(World(network, policy)), network, policy)


@pytest.mark.slices(2)
@FEW
@given(shared(), policies())
def test_entries_say_what_the_definition_says(network: Network, policy: Policy) -> None:
    program = compile_policy(network, policy)
    for flow in own(network):
        for end in network.endpoints:
            for way in Direction:
                l4 = flow.protocol, flow.sport, flow.dport
                packet = Packet(way, end.index, flow.version, flow.dst, flow.vrf, *l4)
                found, wanted = verdict(program, packet), decide(policy, network, packet)
                assert (found.permit, found.stage) == (wanted.permit, wanted.stage), packet


BOTH = [("10.0.0.9/32", [(0, 0), (1, 0)]), ("10.0.0.3/32", [(2, 0)])]
PLAIN = routed(
    ["dpu1", "dpu2", "dpu3"],
    ["acme/main"],
    [
        at(0, endpoint(0, "acme/web/a", 0, "10.0.0.1/32", labels={"app": "a"})),
        at(1, endpoint(1, "acme/web/b", 0, "10.0.0.2/32", ports=(NamedPort("web", 6, 80),))),
        at(2, endpoint(2, "acme/web/c", 0, "10.0.0.3/32")),
    ],
    {(node, 0): BOTH for node in range(3)},
)
OPEN = World(sharing(PLAIN, 0, 1), Policy())
ASK = Flow(0, 4, 0x0A000003, ADDRESS, 6, 40000, 80, src_endpoint=2)


def test_a_step_leads_to_both() -> None:
    ways = onward(OPEN.network, Place(2, 0, ASK))
    ends = [[e.name for e in receivers(OPEN.network, way.to)] for way in ways]
    assert ends == [["acme/web/a"], ["acme/web/b"]]
    assert [trace(OPEN, ASK, n).target for n in (0, 1)] == [0, 1]


def test_replay_delivers_to_either() -> None:
    world = World(wired(OPEN.network), Policy())
    flows = [replace(ASK, sport=port) for port in range(40000, 40064)]
    found = Datapath(tables(world.blocks), threads=1).decide(Packets.of(flows))
    assert {*found.reason.tolist()} == {Reason.DELIVERED}
    assert {*found.dst_endpoint.tolist()} == {0, 1}
    assert [trace(world, f).target for f in flows] == found.dst_endpoint.tolist()


def test_the_proof_says_either_and_neither_for_sure() -> None:
    reach = prove(OPEN).reach
    pairs = zip(reach.pairs.src.tolist(), reach.pairs.dst.tolist(), strict=True)
    rows = {pair: n for n, pair in enumerate(pairs)}
    for target in (0, 1):
        row = rows[2, target]
        assert reach.sets[reach.pairs.some[row]].all()
        assert not reach.sets[reach.pairs.sure[row]].any()
        bounds = [
            reach.refinements.bounds(b)[1] for _, b in reach.classes(reach.cells_of(2, target, 4))
        ]
        assert ADDRESS in bounds, "it counts for either"


@pytest.mark.slices(3)
@FEW
@given(shared(), policies())
def test_isolation_of_vrfs_is_what_paths_say(network: Network, policy: Policy) -> None:
    isolation_is_what_paths_say(World(network, policy))


def test_both_may_send_from_it_and_nobody_else() -> None:
    for source, reason in ((0, "delivered"), (1, "delivered"), (2, "spoof_drop")):
        flow = Flow(0, 4, ADDRESS, 0x0A000003, 6, 40000, 80, src_endpoint=source)
        network = wired(OPEN.network)
        found = Datapath(tables(World(network, Policy()).blocks), threads=1)
        decided = found.decide(Packets.of([flow]))
        assert trace(OPEN, flow).reason.label == reason
        assert Reason(int(decided.reason[0])).label == reason
        assert int(decided.src_endpoint[0]) == (source if reason == "delivered" else -1)


def test_an_explanation_names_who_may_get_it() -> None:
    found = explain(OPEN, "acme/web/c", "10.0.0.9:80")
    assert {choice.trace.target for choice in found.choices} == {0, 1}
    assert explain(OPEN, "acme/web/c", "acme/web/a:80").verdict != "allow"


def rule(name: str, *l4: L4) -> Rule:
    place = Stage.WORKLOAD, Direction.OUT
    origin = Origin("NetworkPolicy", name)
    return Rule(*place, 0, (Named(("*",)),), (Named((name,)),), l4, Action.DENY, origin)


def beside(one: Rule, prefix: str) -> Rule:
    """The rule, which is about an address as well."""
    return replace(one, remote=(*one.remote, Cidr(ip_network(prefix))))


def test_a_rule_that_names_one_owner_is_about_the_address() -> None:
    """A DPU sees the address alone. A port's name is that of the owner who is named."""
    to = Packet(Direction.OUT, 2, 4, ADDRESS, 0, 6, 40000, 80)
    for found, denied in (
        (rule("acme/web/a"), True),
        (rule("acme/web/b"), True),
        (rule("acme/web/c"), False),
        (rule("acme/web/b", L4(6, name="web")), True),
        (rule("acme/web/a", L4(6, name="web")), False),
        (beside(rule("acme/web/a", L4(6, name="web")), "10.0.0.3/32"), False),
        (beside(rule("acme/web/a", L4(6, name="web")), "10.0.0.9/32"), True),
    ):
        policy = Policy((found,))
        assert decide(policy, OPEN.network, to).permit is not denied
        assert verdict(compile_policy(OPEN.network, policy), to).permit is not denied


def test_without_the_word_the_first_owner_has_it() -> None:
    """Two who have an address and do not say anycast: as a duplicate is treated."""
    twice = replace(
        OPEN.network,
        endpoints=tuple(replace(e, anycast=frozenset()) for e in OPEN.network.endpoints),
    )
    assert [e.index for e in owners(twice, 0, 4, ADDRESS)] == [0]
    assert owned_addresses(twice)[1][0] == ((0x0A000002, 0x0A000002),)
    assert owner(OPEN.network, 0, 4, ADDRESS) is OPEN.network.endpoints[0]
    half = tuple(
        replace(e, anycast=frozenset() if e.index else e.anycast) for e in OPEN.network.endpoints
    )
    assert [e.index for e in owners(replace(twice, endpoints=half), 0, 4, ADDRESS)] == [0]


def test_who_knows_one_owner_says_so() -> None:
    for ask in (
        lambda: diff(OPEN, OPEN),
        lambda: certificate(prove(OPEN)),
        lambda: validity({}, OPEN.network, (), Policy()),
    ):
        with pytest.raises(UndecidedError, match="several endpoints own"):
            ask()
