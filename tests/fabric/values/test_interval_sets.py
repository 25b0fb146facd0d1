"""Laws of sets of integers: Boolean algebra against Python's own sets, and one form of each set."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from fabric.values.interval_sets import Intervals, cut, intersect, subtract, touch, union

TOP = 24
ends = st.integers(0, TOP)
pieces = st.lists(st.tuples(ends, ends).map(lambda p: (min(p), max(p))), max_size=6)
sets = pieces.map(lambda found: union(found))
ALL: Intervals = ((0, TOP),)


def members(found: Intervals) -> set[int]:
    return {value for low, high in found for value in range(low, high + 1)}


def canonical(found: Intervals) -> bool:
    """Sorted, and a gap between any two."""
    flat = [end for pair in found for end in pair]
    gaps = (low - high > 1 for (_, high), (low, _) in pairwise(found))
    return flat == sorted(flat) and all(gaps)


@given(pieces, pieces)
def test_operations_are_those_of_sets_in_one_form(some: Intervals, more: Intervals) -> None:
    a, b = union(some), union(more)
    for found, wanted in (
        (union(some, more), members(a) | members(b)),
        (intersect(a, b), members(a) & members(b)),
        (subtract(a, b), members(a) - members(b)),
    ):
        assert members(found) == wanted
        assert canonical(found)
    assert touch(a, b) == bool(members(a) & members(b))


@given(sets, sets)
def test_de_morgan(a: Intervals, b: Intervals) -> None:
    assert subtract(ALL, union(a, b)) == intersect(subtract(ALL, a), subtract(ALL, b))
    assert subtract(ALL, intersect(a, b)) == union(subtract(ALL, a), subtract(ALL, b))
    assert subtract(ALL, subtract(ALL, a)) == a


@given(pieces)
def test_parts_between_cuts_are_in_an_interval_or_outside(some: Intervals) -> None:
    begins = sorted({0, *cut(some, TOP)})
    for begin, behind in zip(begins, [*begins[1:], TOP + 1], strict=True):
        for low, high in some:
            inside = {low <= value <= high for value in range(begin, behind)}
            assert len(inside) == 1
