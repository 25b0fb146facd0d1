"""One address axis of a table: the distinct prefixes, the classes they cut, the rules' boxes.

Class 0 holds the addresses in no prefix, or in none but 0.0.0.0/0; every other prefix has the class
of the addresses whose longest match it is. Prefixes are in preorder, so a prefix covers an interval
of classes, and a rule's list of prefixes is a list of intervals. No two classes lie in the same
lists.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.blocks.numbering import Numbering, weights
from sim.classify.axes.lists import distinct_lists, distinct_rows, members
from sim.classify.ruleset import I64, Prefixes

ROOT_16 = np.array([16, 8, 8])
ROOT_16_CHUNKS = 256
ROOT_8 = np.array([8, 8, 8, 8])
DEPTH = 40
"""More prefixes than can lie in each other."""


class Nest(NamedTuple):
    """Distinct prefixes in preorder, which of them each member of the lists is, the closest prefix
    that contains each (-1: none), and the end of those inside it."""

    first: NDArray[np.uint32]
    length: NDArray[np.uint8]
    item: I64
    parent: I64
    end: I64


@dataclass(frozen=True, slots=True)
class Axis:
    """Distinct prefixes `first`, `length`; the class `merged[c]` of the addresses in none (c is 0)
    and of those whose longest match is prefix `c - 1`; rule r covers the intervals `a..b` at
    `off[r]..off[r + 1]`, of `n` classes."""

    first: NDArray[np.uint32]
    length: NDArray[np.uint8]
    off: I64
    a: I64
    b: I64
    n: int
    merged: I64

    @property
    def boxes(self) -> I64:
        """Intervals per rule."""
        return np.diff(self.off)

    @property
    def covered(self) -> I64:
        """Classes per rule."""
        sums = np.concatenate([[0], np.cumsum(self.b - self.a)])
        covered: I64 = sums[self.off[1:]] - sums[self.off[:-1]]
        return covered


def nested(first: NDArray[np.uint32], length: NDArray[np.uint8]) -> Nest:
    """Prefixes and how they contain each other."""
    from sim.kernels.match.tries import nest

    distinct, item = members(first.astype(np.uint64) << np.uint64(6) | length)
    starts = (distinct >> np.uint64(6)).astype(np.uint32)
    lengths = (distinct & np.uint64(63)).astype(np.uint8)
    parent, end = np.empty((2, len(distinct)), np.int64)
    nest(starts, lengths, np.empty(DEPTH, np.int64), parent, end)
    return Nest(starts, lengths, item, parent, end)


def axis(prefixes: Prefixes) -> Axis:
    """Cut one axis at every prefix of every rule."""
    return axis_of(nested(prefixes.first, prefixes.length), prefixes.off)


def axis_of(nest: Nest, off: I64) -> Axis:
    """The same, of prefixes that are nested already."""
    n = len(nest.first)
    root = int(n > 0 and nest.length[0] == 0)
    number = np.arange(1 - root, n + 1 - root)
    a, b = number[nest.item], nest.end[nest.item] + 1 - root
    merged = np.concatenate([[0], number])
    cut = Axis(nest.first, nest.length, off, a, b, n + 1 - root, merged)
    if (np.diff(off) == 1).all():
        return cut
    return _merge(cut, distinct_lists(off, nest.item, n))


def _merge(cut: Axis, lists: Numbering) -> Axis:
    """Merge classes that lie in the same lists. The intervals become those of representatives."""
    owner = np.repeat(lists.of, np.diff(cut.off))
    source = weights(int(lists.of.max(initial=0)) + 1)
    same = distinct_rows([_signature(cut, next(source)[owner]) for _ in range(2)])
    a, b = np.searchsorted(same.sample, cut.a), np.searchsorted(same.sample, cut.b)
    merged = same.of[cut.merged]
    return _without_empty(replace(cut, a=a, b=b, n=len(same.sample), merged=merged))


def _signature(cut: Axis, weight: NDArray[np.uint64]) -> NDArray[np.uint64]:
    delta = np.zeros(cut.n + 1, np.uint64)
    np.add.at(delta, cut.a, weight)
    np.subtract.at(delta, cut.b, weight)
    total: NDArray[np.uint64] = np.cumsum(delta[:-1], dtype=np.uint64)
    return total


def _without_empty(cut: Axis) -> Axis:
    """Drop empty intervals and those that continue the one before in the same rule."""
    rule = np.repeat(np.arange(len(cut.off) - 1), np.diff(cut.off))
    order = np.lexsort((-cut.b, cut.a, rule))
    rule, a, b = rule[order], cut.a[order], cut.b[order]
    keep = a < b
    rule, a, b = rule[keep], a[keep], b[keep]
    reach = np.maximum.accumulate(b + rule * (cut.n + 1)) - rule * (cut.n + 1)
    inside = np.zeros(len(a), bool)
    inside[1:] = (rule[1:] == rule[:-1]) & (b[1:] <= reach[:-1])
    rule, a, b = rule[~inside], a[~inside], b[~inside]
    joins = np.zeros(len(a), bool)
    joins[1:] = (rule[1:] == rule[:-1]) & (a[1:] == b[:-1])
    starts = np.flatnonzero(~joins)
    last = np.append(starts[1:], len(a)) - 1 if len(a) else starts
    count = np.bincount(rule[starts], minlength=len(cut.off) - 1)
    off = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    return replace(cut, off=off, a=a[starts], b=b[last])


def chunks(cut: Axis, levels: NDArray[np.int64]) -> int:
    """How many chunks a trie of these strides needs below its root."""
    total, depth = 0, 0
    for width in levels[:-1].tolist():
        depth += width
        deeper = cut.first[cut.length > depth] >> np.uint32(32 - depth)
        total += int(np.count_nonzero(deeper[1:] != deeper[:-1])) + (len(deeper) > 0)
    return total


def write_trie(
    cut: Axis,
    values: I64,
    table: NDArray[np.uint32],
    levels: NDArray[np.int64],
    node: int,
    free: int,
) -> int:
    """Write the trie of an axis: `values[c]` is the leaf of class c; returns the next chunk."""
    from sim.kernels.match.tries import insert_strides

    leaves = values[cut.merged].astype(np.uint32)
    table[node << 8 : (node << 8) + (1 << int(levels[0]))] = leaves[0]
    order = np.argsort(cut.length, kind="stable")
    return int(insert_strides(cut.first, cut.length, leaves[1:], order, levels, table, node, free))


def stride_trie(cut: Axis, values: I64) -> NDArray[np.uint32]:
    """A 16-8-8 trie with these leaves per (merged) class."""
    table = np.zeros((ROOT_16_CHUNKS + chunks(cut, ROOT_16)) << 8, np.uint32)
    write_trie(cut, values, table, ROOT_16, 0, ROOT_16_CHUNKS)
    return table
