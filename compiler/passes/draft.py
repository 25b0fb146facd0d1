"""`Draft`: a program under construction, and what every pass must leave true.

A pass is a function `Draft → Draft`. `verify` runs between passes, so that a broken pass is caught
where it broke.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compiler.policy.domain import Domain
from compiler.policy.ir import Action, Condition, Direction, Origin, Policy
from compiler.program.program import Group, Intervals, L4Range, Region


class Term(NamedTuple):
    """A rule with names resolved: `stage` is the place of one in the policy's table, `locals` are
    endpoint indices, the rest are header ranges."""

    stage: int
    direction: Direction
    order: int
    locals: tuple[int, ...]
    regions: tuple[Region, ...]
    l4: tuple[L4Range, ...]
    action: Action
    origin: Origin
    conditions: tuple[Condition, ...] = ()


class Line(NamedTuple):
    """What an entry will say; two endpoints share a group when all their lines are equal."""

    regions: tuple[Region, ...]
    l4: tuple[L4Range, ...]
    action: Action
    origin: Origin
    conditions: tuple[Condition, ...] = ()


Key = tuple[Direction, int, int]
"""Direction, place of a stage, endpoint."""


class Scope(NamedTuple):
    """What one endpoint's stage evaluates in one direction."""

    lines: tuple[Line, ...]
    default: Action
    default_origin: Origin


@dataclass(frozen=True, slots=True)
class Draft:
    """Filled from left to right by the passes. `apart`: nobody is near, all nodes are as those
    of other hosts are."""

    network: Domain
    policy: Policy
    terms: tuple[Term, ...] = ()
    defaults: Mapping[Key, tuple[Action, Origin]] | None = None
    scopes: Mapping[Key, Scope] | None = None
    groups: tuple[Group, ...] = ()
    bindings: NDArray[np.int32] | None = None
    origins: tuple[Origin, ...] = ()
    apart: bool = False


def verify(draft: Draft, before: Draft | None = None) -> None:
    """Raise AssertionError when a pass left something that no pass may leave; terms that are as
    they were `before` are not looked at again."""
    if before is None or draft.terms is not before.terms:
        verify_terms(draft)
    for number, group in enumerate(draft.groups):
        assert group.id == number
        orders = [entry.order for entry in group.entries]
        assert orders == sorted(set(orders)), f"orders of group {number} are not unique"


def verify_terms(draft: Draft) -> None:
    """The same for terms."""
    n = len(draft.network.endpoints)
    for term in draft.terms:
        assert term.regions and term.l4 and term.locals, f"empty term from {term.origin}"
        assert 0 <= min(term.locals) <= max(term.locals) < n, f"unknown endpoint in {term.origin}"
        draft.policy.stages[term.stage].doing(term.action)
        assert not (term.conditions and term.action is Action.DENY), f"{term.origin} denies perhaps"
        for region in term.regions:
            assert ordered(region.v4) and ordered(region.v6), f"overlap in {term.origin}"


def ordered(intervals: Intervals) -> bool:
    """Whether intervals are sorted, disjoint and not empty inside."""
    last = -1
    for low, high in intervals:
        if not last < low <= high:
            return False
        last = high
    return True
