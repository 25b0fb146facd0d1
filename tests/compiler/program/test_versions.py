"""Aligned with another version a program says what it said, in that version's numbers where both
say the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

from any_policies import WORLD, policies
from hypothesis import given, settings

from compiler.compile import compile_policy
from compiler.policy.ir import Direction, Policy
from compiler.program.program import Program
from compiler.program.versions import aligned
from fabric.diagnostics import Span


def elsewhere(policy: Policy, line: int) -> Policy:
    """The same on another line of another file."""
    span = Span("other.yaml", line)
    rules = (replace(r, origin=replace(r.origin, span=span)) for r in policy.rules)
    return replace(policy, rules=tuple(rules))


def said(program: Program) -> Iterator[Any]:
    """What every endpoint asks, with every cause."""
    for direction, end, stage in product(*map(range, program.bindings.shape)):
        number = int(program.bindings[direction, end, stage])
        if number >= 0:
            group = program.groups[number]
            assert (group.id, group.direction) == (number, Direction(direction))
            for entry in (*group.entries, group.default_entry):
                yield direction, end, stage, entry[1:5], program.origins[entry.origin]


@settings(max_examples=60)
@given(policies(), policies())
def test_an_aligned_program_says_what_it_said(one: Policy, other: Policy) -> None:
    old = compile_policy(WORLD, one)
    fewer = replace(one, rules=one.rules[1:], selections=one.selections[:-1])
    for policy in (one, elsewhere(one, 7), elsewhere(fewer, 8), other):
        new = compile_policy(WORLD, policy)
        found = aligned(old, new)
        assert [*said(found)] == [*said(new)]
        assert (found.policy, found.network) == (policy, WORLD)
        assert found.groups[: len(old.groups)] == old.groups
        lines = [e for g in found.groups for e in (*g.entries, g.default_entry)]
        assert sorted(e.id for e in lines) == [*range(found.n_entries)]


@settings(max_examples=20)
@given(policies())
def test_what_stands_elsewhere_has_the_same_numbers(policy: Policy) -> None:
    old = compile_policy(WORLD, policy)
    found = aligned(old, compile_policy(WORLD, elsewhere(policy, 7)))
    assert found.groups == old.groups
    assert (found.bindings == old.bindings).all()
