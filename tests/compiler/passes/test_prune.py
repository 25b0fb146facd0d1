"""prune alone: a scope goes exactly when it permits whatever is asked; others stay as they are."""

from __future__ import annotations

from any_policies import WORLD, policies
from hypothesis import given, settings

from compiler.passes.draft import Draft, Line, Scope
from compiler.passes.prune import prune
from compiler.passes.resolve import resolve
from compiler.passes.scope import scope
from compiler.policy.ir import Action, Direction, Origin, Policy, Stage
from compiler.policy.stages import STAGES
from compiler.program.program import L4Range


@settings(max_examples=100)
@given(policies())
def test_what_only_permits_goes_and_nothing_else(policy: Policy) -> None:
    before = scope(resolve(Draft(WORLD, policy)))
    kept = prune(before).scopes or {}
    for key, found in (before.scopes or {}).items():
        does = {found.default, *(line.action for line in found.lines)}
        assert (key in kept) == (does != {Action.PERMIT})
        assert kept.get(key, found) == found
    assert kept.keys() <= (before.scopes or {}).keys()


def test_what_ends_the_evaluation_stays_though_it_denies_nothing() -> None:
    make = Origin("zone rule", "r")
    scopes = {
        (Direction.OUT, STAGES.index(Stage.OVERRIDE), number): Scope(
            (Line((), (L4Range(),), action, make),), Action.PERMIT, make
        )
        for number, action in enumerate((Action.PERMIT, Action.PERMIT_FINAL, Action.DENY))
    }
    kept = prune(Draft(WORLD, Policy(), scopes=scopes)).scopes or {}
    assert [number for _, _, number in kept] == [1, 2]
