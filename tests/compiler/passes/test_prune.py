"""prune alone: a scope goes exactly when it permits whatever is asked; others stay as they are."""

from __future__ import annotations

from any_policies import WORLD, policies
from hypothesis import given, settings

from compiler.passes.draft import Draft
from compiler.passes.prune import prune
from compiler.passes.resolve import resolve
from compiler.passes.scope import scope
from compiler.policy.ir import Action, Policy


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
