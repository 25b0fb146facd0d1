"""diff == set difference by brute force; every change has a packet that shows it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import Phase, given, settings
from naive import Header, numbered, outcomes, points
from random_worlds import policies, worlds
from routed import at, endpoint
from routed_demo import DEMO, DEMO_POLICY, WEB

from compiler.compile import compile_policy
from compiler.ir import L4, Policy
from compiler.semantics import owner
from fabric.network import Network
from sim.diff import Diff, diff
from sim.legs import owns_prefix
from sim.reasons import Reason

QUICK = (Phase.explicit, Phase.reuse, Phase.generate)
Access = set[tuple[str, str, int, int, int, int]]


def access(network: Network, policy: Policy, axis: dict[int, list[int]]) -> tuple[Access, Access]:
    """(source, destination, family, L4 number, addresses) that may be and surely are delivered;
    between hosts the addresses are 0."""
    some: Access = set()
    never: Access = set()
    for e in network.endpoints:
        for version in (4, 6):
            mine = [x for x in axis[version] if owner(network, e.vrf, version, x) is e]
            for number, l4 in numbered(version):
                for src in mine:
                    for dst in axis[version]:
                        found = outcomes(policy, network, e.index, Header(version, src, dst, *l4))
                        for d in network.endpoints:
                            good = [(o.reason, o.dst) == (Reason.DELIVERED, d.index) for o in found]
                            wide = owns_prefix(e) or owns_prefix(d)
                            ips = (src, dst) if wide else (0, 0)
                            key = (e.name, d.name, version, number, *ips)
                            if d is not e and any(good):
                                some.add(key)
                                if not all(good):
                                    never.add(key)
    return some, some - never


def said(found: Diff, kind: str) -> set[tuple[str, str, int, int]]:
    return {
        (*pair, number)
        for change in found.changes
        if change.kind == kind
        for pair in change.pairs
        for number, l4 in numbered(pair[2])
        if change.ports[found.sides.space.atom(*l4)]
    }


@settings(max_examples=12, deadline=None, phases=QUICK)
@given(worlds(), worlds(), policies(), policies())
def test_changes_are_the_set_difference(
    a: Network, b: Network, policy_a: Policy, policy_b: Policy
) -> None:
    axis = {v: sorted({*points(a, policy_a, v), *points(b, policy_b, v)}) for v in (4, 6)}
    found = diff((a, compile_policy(a, policy_a)), (b, compile_policy(b, policy_b)))
    old, _ = access(a, policy_a, axis)
    new, _ = access(b, policy_b, axis)
    assert said(found, "gained") == {key[:4] for key in new - old}
    assert said(found, "lost") == {key[:4] for key in old - new}
    for change in found.changes:
        flow = change.witness
        world, policy = (b, policy_b) if change.kind in ("gained", "steady") else (a, policy_a)
        header = Header(flow.version, flow.src, flow.dst, flow.protocol, flow.sport, flow.dport)
        done = outcomes(policy, world, flow.src_endpoint, header)
        assert any(o.reason is Reason.DELIVERED for o in done)


@settings(max_examples=10, deadline=None, phases=QUICK)
@given(worlds(), policies())
def test_a_world_does_not_differ_from_itself(network: Network, policy: Policy) -> None:
    program = compile_policy(network, policy)
    assert diff((network, program), (network, program)).same


PROGRAM = compile_policy(DEMO, DEMO_POLICY)


def test_a_wider_port_is_one_change_with_both_lines() -> None:
    wider = tuple(
        replace(r, l4=(*r.l4, L4(6, 443, 443))) if r.origin == WEB else r for r in DEMO_POLICY.rules
    )
    found = diff((DEMO, PROGRAM), (DEMO, compile_policy(DEMO, replace(DEMO_POLICY, rules=wider))))
    (change,) = found.changes
    assert (change.kind, change.source, change.target) == ("gained", "acme/web/front", "acme/web/b")
    assert found.ports(change) == "443/tcp"
    assert {version for *_, version in change.pairs} == {4, 6}
    assert change.new.culprit.title == "NetworkPolicy web/b rule 0"
    assert "fails on port" in change.old.culprit.part
    assert change.packet() == "10.0.0.1:40000 -> 10.0.0.2:443/tcp"


def test_endpoints_of_one_world_are_listed_apart() -> None:
    more = at(0, endpoint(4, "acme/web/c", 0, "10.0.0.3/32"))
    grown = replace(DEMO, endpoints=(*DEMO.endpoints, more))
    found = diff((DEMO, PROGRAM), (grown, compile_policy(grown, DEMO_POLICY)))
    assert (found.changes, found.only_old, found.only_new) == ((), (), ("acme/web/c",))


def test_a_lost_address_is_lost_access_of_its_family() -> None:
    first = replace(DEMO.endpoints[0], prefixes=DEMO.endpoints[0].prefixes[:1])
    shrunk = replace(DEMO, endpoints=(first, *DEMO.endpoints[1:]))
    found = diff((DEMO, PROGRAM), (shrunk, PROGRAM))
    assert {c.kind for c in found.changes} == {"lost"}
    assert {version for c in found.changes for *_, version in c.pairs} == {6}
