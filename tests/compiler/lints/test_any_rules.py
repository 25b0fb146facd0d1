"""What is told of any rules, of any stage, with any matcher: they can go together."""

from __future__ import annotations

from dataclasses import replace

from any_policies import WORLD, packets, policies, seeds
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.lints.asked import AskedPolicies, written_of
from compiler.lints.redundant import RemovableRules
from compiler.policy.ir import (
    Action,
    Direction,
    Everyone,
    InVrf,
    Matcher,
    Origin,
    Policy,
    Rule,
    Stage,
)
from compiler.policy.semantics import decide
from compiler.policy.stages import TIERED

told = {"rules": 0}
TIERS = {Stage.OVERRIDE: Stage.ADMIN, Stage.ZONE2: Stage.BASELINE}


def in_tiers(policy: Policy) -> Policy:
    """The same in stages of a cluster, one of which may hide another."""
    rules = tuple(replace(r, stage=TIERS.get(r.stage, r.stage)) for r in policy.rules)
    chosen = tuple(replace(s, stage=TIERS.get(s.stage, s.stage)) for s in policy.selections)
    return Policy(rules, chosen, TIERED)


@settings(max_examples=250, deadline=None)
@given(policies(), seeds, st.booleans())
def test_they_can_go_together(policy: Policy, seed: int, tiered: bool) -> None:
    if tiered:
        policy = in_tiers(policy)
    numbered = tuple(
        replace(rule, origin=replace(rule.origin, rule=number))
        for number, rule in enumerate(policy.rules)
    )
    policy = replace(policy, rules=numbered)
    gone = RemovableRules(AskedPolicies(WORLD, policy))
    left = tuple(r for r in numbered if written_of(r.origin, r.direction) not in gone.rules)
    told["rules"] += len(gone.rules)
    less = replace(policy, rules=left)
    for packet in packets(seed, 60):
        verdict, without = (decide(p, WORLD, packet) for p in (policy, less))
        assert verdict.permit == without.permit, packet


def test_some_were_told() -> None:
    test_they_can_go_together()
    assert told["rules"] > 20


def test_who_lives_behind_other_networks_counts() -> None:
    here: tuple[Matcher, ...] = (Everyone(),)
    two: tuple[Matcher, ...] = (InVrf(frozenset(("acme/main", "globex/main"))),)
    place = Stage.ZONE2, Direction.IN
    some, everybody = (
        Rule(*place, n, here, to, (), Action.DENY, Origin("zone rule", f"zone2 r{n}", n))
        for n, to in enumerate((two, here))
    )
    gone = RemovableRules(AskedPolicies(WORLD, Policy((some, everybody))))
    assert gone.rules == {written_of(some.origin, Direction.IN)}
