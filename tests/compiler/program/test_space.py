"""Laws of sets of integers: what they hold is what sets hold, and equal sets are written alike."""

from __future__ import annotations

from ipaddress import ip_network

from hypothesis import given
from hypothesis import strategies as st

from compiler.program.program import Intervals
from compiler.program.space import everything, intersect, interval, of_prefixes, subtract, union

SIZE = 24
ALL: Intervals = ((0, SIZE - 1),)
some = st.lists(st.tuples(st.integers(0, SIZE - 1), st.integers(0, 9))).map(
    lambda found: [(low, min(low + more, SIZE - 1)) for low, more in found]
)
intervals = some.map(union)


def held(found: Intervals) -> frozenset[int]:
    """The values, one by one."""
    return frozenset(x for low, high in found for x in range(low, high + 1))


def written(values: frozenset[int]) -> Intervals:
    """The one form of a set: runs, which neither touch nor overlap."""
    firsts = sorted(x for x in values if x - 1 not in values)
    lasts = sorted(x for x in values if x + 1 not in values)
    return tuple(zip(firsts, lasts, strict=True))


@given(some, some)
def test_a_union_holds_what_any_holds_in_the_one_form(a: Intervals, b: Intervals) -> None:
    assert union(a, b) == written(held(a) | held(b))


@given(intervals, intervals)
def test_an_intersection_holds_what_both_hold(a: Intervals, b: Intervals) -> None:
    assert intersect(a, b) == written(held(a) & held(b))


@given(intervals, intervals)
def test_a_difference_holds_what_only_the_first_holds(a: Intervals, b: Intervals) -> None:
    assert subtract(a, b) == written(held(a) - held(b))


@given(intervals, intervals)
def test_de_morgan(a: Intervals, b: Intervals) -> None:
    assert subtract(ALL, union(a, b)) == intersect(subtract(ALL, a), subtract(ALL, b))
    assert subtract(ALL, intersect(a, b)) == union(subtract(ALL, a), subtract(ALL, b))
    assert subtract(ALL, subtract(ALL, a)) == a


@given(intervals, intervals, intervals)
def test_they_are_a_lattice(a: Intervals, b: Intervals, c: Intervals) -> None:
    assert union(a, intersect(a, b)) == a == intersect(a, union(a, b))
    assert intersect(a, union(b, c)) == union(intersect(a, b), intersect(a, c))
    assert union(subtract(a, b), intersect(a, b)) == a


def test_prefixes_hold_all_of_their_addresses_and_families_do_not_mix() -> None:
    both = [*map(ip_network, ("10.0.0.0/25", "10.0.0.128/25", "fd00::/127", "::ffff:a00:0/128"))]
    assert interval(both[0]) == (0x0A000000, 0x0A00007F)
    assert of_prefixes(both, 4) == ((0x0A000000, 0x0A0000FF),)
    assert of_prefixes(both, 6) == (interval(both[3]), interval(both[2]))
    assert everything(4) == (interval(ip_network("0.0.0.0/0")),)
    assert everything(6) == (interval(ip_network("::/0")),)
