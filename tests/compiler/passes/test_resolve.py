"""resolve alone: its terms match what its rules match, packet by packet; its defaults are those of
the selections; and what it writes has one form."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from any_policies import WEB, WORLD, packets, policies, seeds
from hypothesis import given, settings

from compiler.passes.draft import Draft, Term, verify
from compiler.passes.resolve import Resolver, resolve, side_by_side
from compiler.policy.ir import (
    L4,
    Action,
    Direction,
    InVrf,
    Named,
    Origin,
    Packet,
    Policy,
    Rule,
    Stage,
)
from compiler.policy.selectors import selects
from compiler.policy.semantics import l4_matches, owner, remote_matches
from compiler.program.walk import entry_matches
from fabric.diagnostics import Span


def concerns(rule: Rule, packet: Packet) -> bool:
    """Whether a rule speaks of a packet, by the definition."""
    local = WORLD.endpoints[packet.local]
    remote = owner(WORLD, packet.remote_vrf, packet.version, packet.remote_ip)
    return (
        rule.direction is packet.direction
        and any(selects(matcher, local, WORLD) for matcher in rule.local)
        and any(remote_matches(m, packet, local, remote, WORLD) for m in rule.remote)
        and (not rule.l4 or any(l4_matches(l4, packet, local, remote) for l4 in rule.l4))
    )


def term_concerns(term: Term, packet: Packet) -> bool:
    """The same of a term."""
    here = term.direction is packet.direction and packet.local in term.locals
    return here and entry_matches(term, packet)  # type: ignore[arg-type]


@settings(max_examples=100)
@given(policies(), seeds)
def test_terms_match_what_their_rule_matches(policy: Policy, seed: int) -> None:
    draft = resolve(Draft(WORLD, policy))
    verify(draft)
    for packet in packets(seed, 60):
        for rule in policy.rules:
            mine = [term for term in draft.terms if term.origin == rule.origin]
            assert all(
                (t.stage, t.direction, t.order, t.action)
                == (policy.stages.index(rule.stage), rule.direction, rule.order, rule.action)
                for t in mine
            )
            found = any(term_concerns(term, packet) for term in mine)
            assert found == concerns(rule, packet), (rule, packet)


@settings(max_examples=100)
@given(policies())
def test_a_default_is_the_first_that_denies_else_the_first(policy: Policy) -> None:
    expected = {}
    for direction in Direction:
        for stage, row in enumerate(policy.stages):
            for endpoint in WORLD.endpoints:
                mine = [
                    (s.default, s.origin)
                    for s in policy.selections
                    if (s.direction, s.stage) == (direction, row)
                    and any(selects(matcher, endpoint, WORLD) for matcher in s.local)
                ]
                denying = [said for said in mine if said[0] is Action.DENY]
                if mine:
                    expected[direction, stage, endpoint.index] = (denying or mine)[0]
    assert resolve(Draft(WORLD, policy)).defaults == expected


@settings(max_examples=100)
@given(policies())
def test_regions_have_one_form(policy: Policy) -> None:
    """One per VRF, sorted, none empty; their intervals neither touch nor overlap."""
    for term in resolve(Draft(WORLD, policy)).terms:
        vrfs = [region.vrf for region in term.regions]
        assert vrfs == sorted(set(vrfs))
        for region in term.regions:
            assert region.v4 or region.v6
            for intervals in (region.v4, region.v6):
                assert all(low <= high for low, high in intervals)
                assert all(a[1] + 1 < b[0] for a, b in pairwise(intervals))


@settings(max_examples=50)
@given(policies(), policies())
def test_who_knows_terms_says_what_resolving_anew_says(policy: Policy, other: Policy) -> None:
    """Of the same rules, of some of them, and of others."""
    knowing = Resolver(WORLD, policy.stages)
    some = replace(policy, rules=policy.rules[::2], selections=policy.selections[1:])
    for asked in (policy, some, other, policy):
        draft = Draft(WORLD, asked)
        known, anew = (resolve(draft, r) for r in (knowing, Resolver(WORLD, asked.stages)))
        assert (known.terms, known.defaults) == (anew.terms, anew.defaults)
    before = resolve(Draft(WORLD, policy), knowing).terms
    after = resolve(Draft(WORLD, some), knowing).terms
    assert {id(term) for term in after} <= {id(term) for term in before}


@settings(max_examples=50)
@given(policies(), policies())
def test_of_two_versions_each_becomes_what_it_becomes_alone(policy: Policy, other: Policy) -> None:
    """The same on other lines, some of it, another one; and where an endpoint has moved."""
    moved = tuple(replace(r, origin=replace(r.origin, span=Span("x", 1))) for r in policy.rules)
    ends = (replace(WORLD.endpoints[0], prefixes=()), *WORLD.endpoints[1:])
    versions = [
        (replace(WORLD), policy),
        (replace(WORLD), replace(policy, rules=moved)),
        (replace(WORLD), replace(policy, rules=moved[1:])),
        (replace(WORLD), replace(policy, rules=tuple(replace(r, remote=()) for r in moved))),
        (replace(WORLD), other),
        (replace(WORLD, endpoints=ends), policy),
    ]
    alone = [resolve(Draft(*version)) for version in versions]
    for n, version in enumerate(versions[1:], 1):
        with side_by_side():
            resolve(Draft(replace(versions[0][0]), policy))
            found = resolve(Draft(replace(version[0]), version[1]))
        assert (found.terms, found.defaults) == (alone[n].terms, alone[n].defaults)


def test_a_named_port_is_open_where_the_rule_and_its_owner_agree() -> None:
    """Two tenants have a pod of one address and one port's name; a rule is about one's VRF."""
    local, remote = (Named(("acme/*",)),), (InVrf(frozenset(("globex/main",))),)
    ports, make = (L4(6, 0, 0, "http"),), Origin("zone rule", "r")
    rule = Rule(Stage.WORKLOAD, Direction.OUT, 0, local, remote, ports, Action.PERMIT, make)
    ends = [replace(e, ports=(WEB,)) if e.tenant == "globex" else e for e in WORLD.endpoints]
    draft = resolve(Draft(replace(WORLD, endpoints=tuple(ends)), Policy((rule,))))
    regions = [region for term in draft.terms for region in term.regions]
    assert {region.vrf for region in regions} == {1}
