"""diff == a comparison packet by packet; every change has a packet that shows it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import Phase, given, settings
from naive import L4S, Header, outcomes, points
from naive_diff import Twin
from naive_worlds import World as TwinWorld
from random_worlds import policies, worlds
from routed import at, endpoint, routed
from routed_demo import DEMO, DEMO_POLICY, WEB
from said_diff import said

from compiler.policy.ir import L4, Policy
from fabric.building.network import Network
from sim.diff.diff import diff
from sim.packets.reasons import Reason
from sim.worlds.world import World

QUICK = (Phase.explicit, Phase.reuse, Phase.generate)


@pytest.mark.slices(8)
@settings(max_examples=40, deadline=None, phases=QUICK)
@given(worlds(), worlds(), policies(), policies())
def test_changes_are_what_differs_packet_by_packet(
    a: Network, b: Network, policy_a: Policy, policy_b: Policy
) -> None:
    axis = {v: sorted({*points(a, policy_a, v), *points(b, policy_b, v)}) for v in (4, 6)}
    twin = Twin(TwinWorld(a, policy_a), TwinWorld(b, policy_b), axis, L4S)
    found = diff(World(a, policy_a), World(b, policy_b))
    assert said(found, twin) == twin.facts()
    for change in found.changes:
        flow = change.witness
        world, policy = (b, policy_b) if change.kind in ("gained", "steady") else (a, policy_a)
        header = Header(flow.version, flow.src, flow.dst, flow.protocol, flow.sport, flow.dport)
        done = outcomes(policy, world, flow.src_endpoint, header)
        assert any(o.reason is Reason.DELIVERED for o in done)


@settings(max_examples=10, deadline=None, phases=QUICK)
@given(worlds(), policies())
def test_a_world_does_not_differ_from_itself(network: Network, policy: Policy) -> None:
    world = World(network, policy)
    assert diff(world, world).same


HERE = World(DEMO, DEMO_POLICY)


def test_a_wider_port_is_one_change_with_both_lines() -> None:
    wider = tuple(
        replace(r, l4=(*r.l4, L4(6, 443, 443))) if r.origin == WEB else r for r in DEMO_POLICY.rules
    )
    found = diff(HERE, World(DEMO, replace(DEMO_POLICY, rules=wider)))
    (change,) = found.changes
    row = change.row
    assert (row.kind, row.source.name, row.target.name) == (
        "gained",
        "acme/web/front",
        "acme/web/b",
    )
    assert found.ports(change) == "443/tcp"
    assert (row.versions, row.partly) == ((4, 6), False)
    assert change.new.culprit.title == "NetworkPolicy web/b rule 0"
    assert "fails on port" in change.old.culprit.part
    assert change.packet() == "10.0.0.1:40000 -> 10.0.0.2:443/tcp"
    assert str(change.edit) == "NetworkPolicy web/b: edited"


def test_a_workload_that_no_route_leads_to_is_new_and_gains_nothing() -> None:
    more = at(0, endpoint(4, "acme/web/c", 0, "10.0.0.3/32"))
    grown = replace(DEMO, endpoints=(*DEMO.endpoints, more))
    found = diff(HERE, World(grown, DEMO_POLICY))
    assert not found.same
    assert [(p.kind, p.name) for p in found.presences] == [("new", "acme/web/c")]
    assert found.changes == ()


def test_a_lost_address_is_lost_access_of_its_family() -> None:
    first = replace(DEMO.endpoints[0], prefixes=DEMO.endpoints[0].prefixes[:1])
    shrunk = replace(DEMO, endpoints=(first, *DEMO.endpoints[1:]))
    found = diff(HERE, World.compiled(replace(HERE.program, domain=shrunk)))
    assert {c.kind for c in found.changes} == {"lost"}
    assert {c.row.versions for c in found.changes} == {(6,)}


def test_a_workload_of_which_one_has_no_route_any_more_is_reached_at_times() -> None:
    ends = [
        at(0, endpoint(0, "acme/web/a", 0, "10.0.0.1/32")),
        at(1, endpoint(1, "acme/web/b-0", 0, "10.0.0.2/32", workload="b")),
        at(1, endpoint(2, "acme/web/b-1", 0, "10.0.0.3/32", workload="b")),
    ]
    rows = [("10.0.0.1/32", [(0, 0)]), ("10.0.0.2/32", [(1, 0)]), ("10.0.0.3/32", [(1, 0)])]
    old, new = (
        World(routed(["dpu1", "dpu2"], ["acme/main"], ends, {(0, 0): mine, (1, 0): rows}), Policy())
        for mine in (rows, rows[:2])
    )
    found = {(c.kind, c.row.source.name, c.row.target.name) for c in diff(old, new).changes}
    assert found == {
        ("unsteady", "acme/web/a", "acme/web/b"),
        ("unsteady", "acme/web/b", "acme/web/a"),
    }
