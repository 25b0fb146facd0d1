"""What no pass may leave is noticed: each rule is broken alone in a draft that keeps the others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from any_policies import WORLD

from compiler.passes.draft import Draft, Term, ordered, verify
from compiler.policy.ir import Action, Direction, Origin, Policy, Stage
from compiler.policy.stages import STAGES
from compiler.program.program import Entry, Group, L4Range, Region

WHY = Origin("zone rule", "r")
PLACE = STAGES.index(Stage.ISOLATION)
TERM = Term(PLACE, Direction.IN, 1, (0, 1), (Region(),), (L4Range(),), Action.PERMIT, WHY)
ASKED = "http"


def entry(order: int) -> Entry:
    """An entry at a place of its group."""
    return Entry(order, order, (Region(),), (L4Range(),), Action.DENY, 0)


def group(number: int, *orders: int) -> Group:
    """A group of such entries."""
    made = tuple(map(entry, orders))
    return Group(number, Stage.ISOLATION, Direction.IN, made, entry(9))


def draft(*terms: Term, groups: tuple[Group, ...] = ()) -> Draft:
    """A draft with some terms or groups."""
    return Draft(WORLD, Policy(), terms, groups=groups)


def test_what_passes_may_leave_is_left() -> None:
    apart = Region(0, ((0, 1), (3, 3)), ((0, 1), (3, 3)))
    verify(
        draft(
            TERM,
            TERM._replace(regions=(apart,), action=Action.DENY),
            TERM._replace(conditions=(ASKED,)),
            groups=(group(0, 1, 2, 5), group(1)),
        )
    )


BROKEN: dict[str, dict[str, Any]] = {
    "no region": {"regions": ()},
    "no ports": {"l4": ()},
    "nobody": {"locals": ()},
    "before the first endpoint": {"locals": (-1, 0)},
    "behind the last endpoint": {"locals": (0, len(WORLD.endpoints))},
    "a deny on a condition": {"action": Action.DENY, "conditions": (ASKED,)},
    "IPv4 ranges that overlap": {"regions": (Region(), Region(0, ((0, 4), (4, 9)), ()))},
    "IPv6 ranges that overlap": {"regions": (Region(), Region(0, (), ((0, 4), (4, 9))))},
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_term_that_no_pass_may_leave(what: str) -> None:
    broken = TERM._replace(**BROKEN[what])
    with pytest.raises(AssertionError):
        verify(draft(TERM, broken))
    before = draft(TERM, broken)
    verify(replace(before, groups=(group(0, 1),)), before)


def test_an_action_that_a_stage_does_not_have() -> None:
    with pytest.raises(KeyError, match="PERMIT_FINAL"):
        verify(draft(TERM._replace(action=Action.PERMIT_FINAL)))


@pytest.mark.parametrize(
    "groups",
    [(group(1),), (group(0), group(0)), (group(0, 1, 1),), (group(0, 2, 1),)],
    ids=["a wrong number", "one number twice", "one place twice", "out of order"],
)
def test_groups_that_no_pass_may_leave(groups: tuple[Group, ...]) -> None:
    with pytest.raises(AssertionError):
        verify(draft(groups=groups))


@pytest.mark.parametrize(
    ("ranges", "kept"),
    [
        ((), True), (((0, 0),), True), (((0, 1), (2, 3)), True), (((1, 0),), False),
        (((0, 2), (2, 3)), False), (((5, 6), (1, 2)), False), (((-1, 0),), False),
    ],
)  # fmt: skip
def test_intervals_in_order(ranges: tuple[tuple[int, int], ...], kept: bool) -> None:
    assert ordered(ranges) is kept
