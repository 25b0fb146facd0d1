"""A function of addresses as few prefixes, of which the longest that holds an address decides.

The method is that of ORTC (Draves, King, Venkatachary and Zill, INFOCOM 1999): from the leaves of
the tree of prefixes up, the values that serve a subtree best (those that both halves share, else
those of either); from the root down, a prefix wherever what is inherited is none of them. Long
stretches of the tree with one value beside them are one node.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(slots=True)
class PrefixPart:
    """A prefix (`low`, and how many of the last `bits` are free), the values that serve it best,
    and its halves; with `beside` it stands for a long way to one subtree, `halves[0]`, and all that
    is left aside on it has that value."""

    low: int
    bits: int
    best: frozenset[int]
    halves: tuple[PrefixPart, ...] = ()
    beside: int | None = None


Cover = list[tuple[int, int, int, int | None]]
"""First address, free bits and value of each prefix, the longest ones first, and the value of the
next shorter one around it."""


def cover(pieces: Sequence[tuple[int, int]], bits: int) -> Cover:
    """The prefixes of a function: where its pieces begin, and their values.

    >>> cover([(0, 0), (4, 1), (6, 0)], 3)
    [(4, 1, 1, 0), (0, 3, 0, None)]
    """
    out = [*chosen(part_of(pieces, 0, len(pieces) - 1, 0, bits), None)]
    return sorted(out, key=lambda prefix: (prefix[1], prefix[0]))


def part_of(pieces: Sequence[tuple[int, int]], i: int, j: int, low: int, bits: int) -> PrefixPart:
    """The part at `low`, which the pieces from `i` to `j` cover."""
    if i == j:
        return PrefixPart(low, bits, frozenset((pieces[i][1],)))
    first, last = pieces[i + 1][0] - 1, pieces[j][0]
    inner = (first ^ last).bit_length()
    if bits - inner > 1 and pieces[i][1] == pieces[j][1]:
        start = first >> inner << inner
        deep = forked(pieces, i, j, start, inner)
        return PrefixPart(low, bits, frozenset((pieces[i][1],)), (deep,), pieces[i][1])
    return forked(pieces, i, j, low, bits)


def forked(pieces: Sequence[tuple[int, int]], i: int, j: int, low: int, bits: int) -> PrefixPart:
    """A part in two halves."""
    middle = low + (1 << bits - 1)
    k = i
    while k < j and pieces[k + 1][0] < middle:
        k += 1
    right = k + 1 if k < j and pieces[k + 1][0] == middle else k
    a, b = part_of(pieces, i, k, low, bits - 1), part_of(pieces, right, j, middle, bits - 1)
    return PrefixPart(low, bits, a.best & b.best or a.best | b.best, (a, b))


def chosen(part: PrefixPart, inherited: int | None) -> Iterator[tuple[int, int, int, int | None]]:
    """The prefixes of a part, below a value."""
    if inherited not in part.best:
        value = min(part.best)
        yield part.low, part.bits, value, inherited
        inherited = value
    for half in part.halves:
        yield from chosen(half, inherited)
