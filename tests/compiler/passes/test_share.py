"""share alone: endpoints are bound to groups that say what their scopes say, each said once."""

from __future__ import annotations

import numpy as np
from any_policies import WORLD, policies
from hypothesis import given, settings

from compiler.passes.draft import Draft, verify
from compiler.passes.resolve import resolve
from compiler.passes.scope import scope
from compiler.passes.share import share
from compiler.policy.ir import Policy
from compiler.program.program import L4Range, Region


@settings(max_examples=100)
@given(policies())
def test_groups_say_what_scopes_say(policy: Policy) -> None:
    before = scope(resolve(Draft(WORLD, policy)))
    after = share(before)
    verify(after)
    assert after.bindings is not None
    scopes = before.scopes or {}
    assert int((after.bindings >= 0).sum()) == len(scopes)
    for (direction, stage, endpoint), found in scopes.items():
        group = after.groups[after.bindings[direction, endpoint, stage]]
        assert (group.direction, group.stage) == (direction, policy.stages[stage])
        lines = [
            (e.regions, e.l4, e.action, after.origins[e.origin], e.conditions)
            for e in group.entries
        ]
        assert tuple(lines) == found.lines
        last = group.default_entry
        assert (last.action, after.origins[last.origin]) == (found.default, found.default_origin)
        assert (last.regions, last.l4) == ((Region(),), (L4Range(),))


@settings(max_examples=100)
@given(policies())
def test_each_group_stands_once_and_entries_are_numbered_in_a_row(policy: Policy) -> None:
    before = scope(resolve(Draft(WORLD, policy)))
    after = share(before)
    assert len(after.groups) == len({(d, s, v) for (d, s, _), v in (before.scopes or {}).items()})
    entries = [e for g in after.groups for e in (*g.entries, g.default_entry)]
    assert [entry.id for entry in entries] == list(range(len(entries)))
    for group in after.groups:
        numbers = [e.order for e in (*group.entries, group.default_entry)]
        assert numbers == list(range(len(numbers)))
    assert len(set(after.origins)) == len(after.origins)
    assert after.bindings is not None
    assert set(np.unique(after.bindings)) <= {-1, *range(len(after.groups))}
