"""The hybrid engine: a coarse dense table for short prefixes, pruned tuple-space search for others.

Memory grows with the number of rules, whatever their ranges. The two products in it are bounded:
the coarse table by taking fewer rules, the table of pairs by telling fewer tuples apart. See
`sim.kernels.tuples` for the look-up.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compiler.ruleset import I64, Prefixes, RuleSet, single
from sim.engines.arena import pack
from sim.engines.axis import ROOT_16, ROOT_16_CHUNKS, Axis, axis, chunks, stride_trie
from sim.engines.grid import Grid, paint
from sim.engines.intervals import Intervals, intervals
from sim.engines.l4 import L4Classes, Meta, Narrow, l4_classes, meta_classes
from sim.engines.lists import numbered
from sim.engines.probes import (
    HEAVY_BYTES,
    MANY,
    heavy_rows,
    kind_sets,
    prefix_pairs,
    probes,
    records,
)
from sim.engines.rows import Rows, rows
from sim.engines.steps import best_steps, sharing, step_of

NONE = 0xFFFFFFFF
THRESHOLDS = (16, 12, 8, 4, 0)
COARSE_CELLS = 1 << 20
MAX_ROWS = 1 << 16
COARSE_PLACES = 1 << 18
STRIDE_BYTES = 1 << 22
STEPS = 8
MAX_PAIRS = 1 << 20
PAIRS_PER_RULE = 32
PAIR_BYTES = 16
MAX_SETS = 1 << 15
LARGE = 1 << 19
FAR = 1 << 17

U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]
Bools = NDArray[np.bool_]


class TupleTables(NamedTuple):
    """What `sim.kernels.tuples` reads; see there."""

    src_intervals: bool
    src: U32
    src_low: NDArray[np.uint16]
    src_value: U32
    dst_intervals: bool
    dst: U32
    dst_low: NDArray[np.uint16]
    dst_value: U32
    n_dst: np.uint32
    pairs: U32
    items: U32
    n_columns: np.uint32
    x: U32
    f: U32
    sport: Narrow
    dport: Narrow
    meta: Narrow
    n_meta: np.uint32
    uses_sport: bool
    uses_meta: bool
    y: NDArray[np.uint16]
    n_y: np.uint32
    disp: NDArray[np.uint16]
    shift: np.uint32
    slots: np.uint32
    entries: U32
    heavy: U32
    kind_words: np.uint32
    kinds: U32
    ids: NDArray[np.int32]
    renumbers: bool
    large: bool
    far: bool


class Coarse(NamedTuple):
    """Rows of short prefixes as a grid over their own axes; `l4` covers heavy rules as well, and
    `of_rule[r]` is rule r's place in it."""

    rows: Bools
    axes: tuple[Axis, Axis]
    grid: Grid
    l4: L4Classes
    of_rule: I64


class Tuples(NamedTuple):
    """Tuples, best rule first: how items name them, best rules, and the tuple of each fine row."""

    name: U32
    least: I64
    of_row: I64


class Nest(NamedTuple):
    """Distinct prefixes of an axis in preorder, the prefix of each row, and what contains each."""

    first: U32
    length: NDArray[np.uint8]
    item: I64
    parent: I64


class Side(NamedTuple):
    """One axis: the longest-prefix match, and the distinct sets of tuples it yields."""

    lookup: Intervals
    is_intervals: bool
    sets: U64


def tuple_tables(rules: RuleSet, ids: I64, budget: int) -> TupleTables | None:
    """Tables of IPv4 rules without keys; None if they do not fit `budget` bytes."""
    every = rows(rules)
    meta = meta_classes(rules)
    order, first = prefix_pairs(every)
    end = np.append(first[1:], len(order))
    crowded = end - first >= MANY
    in_heavy = np.zeros(len(order), bool)
    in_heavy[order] = np.repeat(crowded, end - first)
    coarse = _coarse(rules, meta, every, in_heavy)
    if coarse is None:
        crowded[:] = in_heavy[:] = False
        coarse = _coarse(rules, meta, every, in_heavy)
    if coarse is None:
        return None
    in_heavy &= ~coarse.rows
    leads = np.zeros(len(order), bool)
    leads[order[first]] = True
    fine_rows = ~coarse.rows & (~in_heavy | leads)
    fine = every.take(fine_rows)
    heavy = in_heavy[fine_rows]
    made = records(rules, fine, heavy, meta, budget // 2)
    if made is None:
        return None
    pairs = np.flatnonzero(crowded & ~coarse.rows[order[first]])
    number = np.zeros(len(order), np.int64)
    number[order[first[pairs]]] = np.arange(len(pairs))
    table = heavy_rows(
        first[pairs], end[pairs], every.rule[order], coarse.of_rule[every.rule[order]], coarse.l4
    )
    nests = _nest(every.src, every.src_length), _nest(every.dst, every.dst_length)
    counted = sharing(fine.src, fine.src_length), sharing(fine.dst, fine.dst_length)
    for steps in _shapes():
        src, dst = (best_steps(side, n) for side, n in zip(counted, steps, strict=True))
        tuples = _tuples(fine, src, dst)
        sets = [_sets(nest, fine_rows, tuples.of_row) for nest in nests]
        if _fit(sets, len(fine.rule), budget):
            break
    merged = coarse.grid.row[coarse.axes[0].merged], coarse.grid.column[coarse.axes[1].merged]
    sides = [
        _side(nest, own, cut, classes)
        for nest, own, cut, classes in zip(nests, sets, coarse.axes, merged, strict=True)
    ]
    if sides[0] is None or sides[1] is None:
        return None
    found = probes(fine, made, tuples.of_row, tuples.name, number[fine_rows])
    pair_table, items = _pairs(sides[0].sets, sides[1].sets, tuples)
    grid, l4 = coarse.grid, coarse.l4
    words, kinds = kind_sets(meta)
    f = grid.f.view(np.uint32)
    return pack(TupleTables(
        sides[0].is_intervals, *sides[0].lookup, sides[1].is_intervals, *sides[1].lookup,
        np.uint32(len(sides[1].sets)), pair_table, items,
        np.uint32(grid.n_columns), (grid.x * grid.n_y).astype(np.uint32), f,
        l4.sport, l4.dport, l4.meta, np.uint32(l4.n_meta), l4.uses_sport, meta.used, l4.y,
        np.uint32(l4.n_y),
        found.disp, np.uint32(found.shift), np.uint32(found.slots - 1), found.entries, table,
        np.uint32(words), kinds, ids.astype(np.int32), bool((ids != np.arange(len(ids))).any()),
        4 * len(pair_table) + f.nbytes > LARGE, found.entries.nbytes > FAR,
    ))  # fmt: skip


def _coarse(rules: RuleSet, meta: Meta, every: Rows, in_heavy: Bools) -> Coarse | None:
    """As many rows of short prefixes as fit a small grid, L4 classes of those and of heavy pairs.
    Without any, one empty cell. None if heavy pairs cannot be tabulated."""
    for threshold in THRESHOLDS:
        rows_ = (every.src_length <= threshold) & (every.dst_length <= threshold)
        made = _coarse_of(rules, meta, every, rows_, in_heavy)
        if made is not None:
            return made
    return _coarse_of(rules, meta, every, np.zeros(len(in_heavy), bool), in_heavy)


def _coarse_of(
    rules: RuleSet, meta: Meta, every: Rows, rows_: Bools, in_heavy: Bools
) -> Coarse | None:
    part = every.take(rows_)
    n = len(part.rule)
    src = axis(Prefixes(single(n), part.src, part.src_length))
    dst = axis(Prefixes(single(n), part.dst, part.dst_length))
    if src.n * dst.n > COARSE_CELLS or max(src.n, dst.n) > MAX_ROWS:
        return None
    which = np.unique(every.rule[rows_ | in_heavy])
    of_rule = np.zeros(len(rules), np.int64)
    of_rule[which] = np.arange(len(which))
    l4 = l4_classes(rules.take(which), meta.take(which))
    heavy_pairs = int(in_heavy.sum()) // MANY + 1
    if l4 is None or (in_heavy.any() and heavy_pairs * l4.n_y * 4 > HEAVY_BYTES * 8):
        return None
    sets = l4.set_of[of_rule[part.rule]] if n else of_rule[:0]
    grid = paint(src, dst, sets, l4.y_off, l4.y_list, l4.n_y, part.rule, COARSE_PLACES)
    return None if grid is None else Coarse(rows_, (src, dst), grid, l4, of_rule)


def _shapes() -> list[tuple[int, int]]:
    """How many steps to try for either side, most tuples first."""
    shapes = [(a, b) for a in range(1, STEPS + 1) for b in range(1, STEPS + 1)]
    return sorted(shapes, key=lambda shape: (-shape[0] * shape[1], abs(shape[0] - shape[1])))


def _fit(sets: list[U64], n: int, budget: int) -> bool:
    """Whether a table of pairs of these sets is worth its memory, and fits a quarter of the budget
    while it is made."""
    distinct = [len(np.unique(own)) + 1 for own in sets]
    pairs = min(max(MAX_PAIRS, PAIRS_PER_RULE * n), budget // (4 * PAIR_BYTES))
    return max(distinct) < MAX_SETS and distinct[0] * distinct[1] <= pairs


def _tuples(fine: Rows, src: I64, dst: I64) -> Tuples:
    """The tuples of these steps that have rules."""
    key = step_of(fine.src_length, src) * STEPS + step_of(fine.dst_length, dst)
    distinct, of_row = np.unique(key, return_inverse=True)
    least = np.full(len(distinct), NONE, np.int64)
    np.minimum.at(least, of_row, fine.rule)
    order = np.argsort(least)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    i, j = np.divmod(distinct[order], STEPS)
    name = np.arange(len(order)) << 16 | (32 - src[i]) << 8 | (32 - dst[j])
    return Tuples(name.astype(np.uint32), least[order], rank[of_row])


def _nest(first: U32, length: NDArray[np.uint8]) -> Nest:
    from sim.kernels.tries import nest

    key = first.astype(np.uint64) << np.uint64(6) | length
    distinct, item = np.unique(key, return_inverse=True)
    starts = (distinct >> np.uint64(6)).astype(np.uint32)
    lengths = (distinct & np.uint64(63)).astype(np.uint8)
    parent = np.empty(len(distinct), np.int64)
    nest(starts, lengths, np.empty(40, np.int64), parent)
    return Nest(starts, lengths, item, parent)


def _sets(nest: Nest, fine_rows: Bools, of_row: I64) -> U64:
    """The tuples, as bits, that can hold a rule for an address in each prefix."""
    from sim.kernels.paint import inherit_bits

    bits = np.zeros(len(nest.first), np.uint64)
    np.bitwise_or.at(bits, nest.item[fine_rows], np.uint64(1) << of_row.astype(np.uint64))
    inherit_bits(nest.parent, bits)
    return bits


def _side(nest: Nest, bits: U64, cut: Axis, classes: I64) -> Side | None:
    """The match table of the prefixes that differ from their surroundings in their tuples or in
    their coarse class."""
    from sim.kernels.paint import inherit_rows

    n = len(nest.first)
    row = np.full(n, -1, np.int64)
    mine = cut.first.astype(np.uint64) << np.uint64(6) | cut.length
    all_of = nest.first.astype(np.uint64) << np.uint64(6) | nest.length
    row[np.searchsorted(all_of, mine)] = classes[1:]
    inherit_rows(nest.parent, row, int(classes[0]))
    sets, number = np.unique(np.append(bits, np.uint64(0)), return_inverse=True)
    value = number[:-1] << 16 | row
    outside = int(number[-1]) << 16 | int(classes[0])
    differs = value != np.where(nest.parent >= 0, value[nest.parent], outside)
    table = _lookup(nest.first[differs], nest.length[differs], value[differs], outside)
    return None if table is None else Side(*table, sets)


def _lookup(
    first: U32, length: NDArray[np.uint8], value: I64, outside: int
) -> tuple[Intervals, bool] | None:
    """A stride trie where it is small, else intervals."""
    n = len(first)
    nothing = np.zeros(0, np.int64)
    cut = Axis(first, length, nothing, nothing, nothing, n + 1, np.arange(n + 1))
    size = (ROOT_16_CHUNKS + chunks(cut, ROOT_16)) << 10
    if size <= STRIDE_BYTES:
        table = stride_trie(cut, np.concatenate([[outside], value]))
        return Intervals(table, np.zeros(1, np.uint16), np.zeros(1, np.uint32)), False
    made = intervals(first, length, value.astype(np.uint32), outside)
    return None if made is None else (made, True)


def _pairs(src: U64, dst: U64, tuples: Tuples) -> tuple[U32, U32]:
    """For each pair of sets where the list of their common tuples begins; the lists, as pairs of
    tuple and its best rule, each with an end mark."""
    from sim.kernels.paint import list_bits

    keys = (src[:, None] & dst[None, :]).reshape(-1)
    ids, rep = numbered(keys)
    words, n = keys[rep], len(rep)
    count = np.bitwise_count(words).astype(np.int64)
    off = np.concatenate([[0], np.cumsum(count)])
    member = np.empty(int(off[-1]), np.int64)
    list_bits(words, off, member)
    start = off[:-1] + np.arange(n)
    items = np.full((int(off[-1]) + n, 2), NONE, np.uint32)
    items[:, 0] = len(tuples.least) << 16
    at = np.arange(len(member)) + np.repeat(np.arange(n), count)
    items[at, 0], items[at, 1] = tuples.name[member], tuples.least[member]
    return start[ids].astype(np.uint32), items.reshape(-1)
