"""Sets of integers as sorted, disjoint, inclusive intervals.

>>> subtract(((0, 9),), ((3, 4), (8, 20)))
((0, 2), (5, 7))
>>> union(((5, 7), (0, 2)), ((3, 4),))
((0, 7),)
>>> intersect(((0, 5), (8, 9)), ((4, 8),))
((4, 5), (8, 8))
>>> touch(((0, 5),), ((5, 8),)), touch(((0, 5),), ((6, 8),)), touch((), ((6, 8),))
(True, False, False)
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

Intervals = tuple[tuple[int, int], ...]


def union(*sets: Iterable[tuple[int, int]]) -> Intervals:
    """All values of all sets; adjacent intervals are joined."""
    out: list[tuple[int, int]] = []
    for low, high in sorted(chain(*sets)):
        if out and low <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], high))
        else:
            out.append((low, high))
    return tuple(out)


def intersect(a: Intervals, b: Intervals) -> Intervals:
    """Values in both."""
    out: list[tuple[int, int]] = []
    i = j = 0
    while i < len(a) and j < len(b):
        low, high = max(a[i][0], b[j][0]), min(a[i][1], b[j][1])
        if low <= high:
            out.append((low, high))
        if a[i][1] < b[j][1]:
            i += 1
        else:
            j += 1
    return tuple(out)


def subtract(a: Intervals, b: Intervals) -> Intervals:
    """Values of `a` that are not in `b`."""
    out: list[tuple[int, int]] = []
    for low, high in a:
        for low_b, high_b in b:
            if high_b < low or low_b > high:
                continue
            if low_b > low:
                out.append((low, low_b - 1))
            low = high_b + 1
            if low > high:
                break
        if low <= high:
            out.append((low, high))
    return tuple(out)


def cut(intervals: Iterable[tuple[int, int]], top: int) -> set[int]:
    """Where a part of an axis that ends at `top` begins, if it is cut at both ends of intervals.

    >>> sorted(cut(((5, 7), (7, 9)), 9))
    [5, 7, 8]
    """
    return {end for low, high in intervals for end in (low, high + 1) if end <= top}


def touch(a: Intervals, b: Intervals) -> bool:
    """Whether any value is in both."""
    return any(low <= last and first <= high for low, high in a for first, last in b)
