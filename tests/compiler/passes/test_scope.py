"""scope alone: every endpoint has the lines of the terms that name it, in their order."""

from __future__ import annotations

from any_policies import WORLD, policies
from hypothesis import given, settings

from compiler.passes.draft import Draft
from compiler.passes.resolve import resolve
from compiler.passes.scope import scope
from compiler.policy.ir import Action, Policy
from compiler.policy.semantics import NO_POLICY


@settings(max_examples=100)
@given(policies())
def test_lines_are_those_of_the_terms_in_order(policy: Policy) -> None:
    before = resolve(Draft(WORLD, policy))
    scopes = scope(before).scopes or {}
    defaults = before.defaults or {}
    named = {(t.direction, t.stage, e) for t in before.terms for e in t.locals}
    assert scopes.keys() == named | defaults.keys()
    for (direction, stage, endpoint), found in scopes.items():
        mine = [
            (term.order, term.regions, term.l4, term.action, term.origin, term.conditions)
            for term in before.terms
            if (term.direction, term.stage) == (direction, stage) and endpoint in term.locals
        ]
        mine.sort(key=lambda line: line[0])
        assert found.lines == tuple(tuple(line[1:]) for line in mine)
        default = defaults.get((direction, stage, endpoint), (Action.PERMIT, NO_POLICY))
        assert (found.default, found.default_origin) == default
