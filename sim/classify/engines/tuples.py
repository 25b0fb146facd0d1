"""The hybrid engine: a coarse dense table for short prefixes, pruned tuple-space search for others.

Memory grows with the number of rules, whatever their ranges. The two products in it are bounded:
the coarse table by taking fewer rules, the table of pairs by telling fewer tuples apart. See
`sim.kernels.match.tuples` for the look-up.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.classify.axes.address_axis import (
    ROOT_16,
    ROOT_16_CHUNKS,
    Axis,
    Nest,
    axis,
    chunks,
    stride_trie,
)
from sim.classify.axes.cell_grid import MAX_WORK, Cells, merged_cells, painted, work
from sim.classify.axes.classes import Classes
from sim.classify.axes.intervals import Intervals, intervals
from sim.classify.axes.l4_classes import L4Classes, Narrow, l4_classes
from sim.classify.engines.pages import nbytes, pack
from sim.classify.ruleset import I64, Prefixes, single
from sim.classify.tuple_space.prefix_rows import PrefixRows, rows
from sim.classify.tuple_space.records import (
    MANY,
    heavy_rows,
    kind_sets,
    prefix_pairs,
    probes,
    records,
)
from sim.classify.tuple_space.shapes import TUPLE, TupleSets, pair_lists, tuples_of

LONGEST_COARSE = 24
COARSE_CELLS = 1 << 20
MAX_ROWS = 1 << 16
COARSE_PLACES = 1 << 18, 1 << 22
PLACES_PER_ROW = 64
COARSE_SHARE = 32
"""Values of the coarse table: bounds, how many per row between them, and bytes of the budget that
each of them (four bytes) must leave to others."""
STRIDE_BYTES, STRIDE_SHARE = 1 << 22, 8
HEAVY_BYTES, HEAVY_SHARE = 1 << 26, 8
MAX_PAIRS = 1 << 20
PAIRS_PER_RULE = 32
PAIR_BYTES = 16
FAR = 1 << 20
ITEM_BITS, TUPLE_BITS = 20, 12

U32 = NDArray[np.uint32]
Bools = NDArray[np.bool_]


class TupleTables(NamedTuple):
    """What `sim.kernels.match.tuples` reads; see there.

    `src`, `dst` u32[256 x chunks], tries of 16, 8 and 8 bits (`sim.kernels.match.tries`), of values
    or of entries of intervals: `src_low`, `dst_low` u16[intervals], `src_value`, `dst_value`
    u32[intervals]; `pairs` u32[sets of sources x sets of destinations], `items` u32[entries of all
    lists]; `x` u32[rows x columns], `f` u32[different cells x L4 classes];
    `sport` u8|u16[65,536, or 1 where no rule looks at it], `dport` u8|u16[65,536], `meta`
    u8|u16[256, or 65,536 with further fields], `y` u16[raw combinations of the three]
    (`sim.classify.axes.l4_classes`);
    `buckets` u32[power of two], `entries` u32[8 x records], `heavy` u32[heavy pairs x L4 classes],
    `kinds` u32[sets x `kind_words`], `ids` i32[rules].
    """

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
    up: np.uint32
    fraction: np.uint32
    n_columns: np.uint32
    x: U32
    f: U32
    sport: Narrow
    dport: Narrow
    meta: Narrow
    n_dport: np.uint32
    n_meta: np.uint32
    uses_sport: bool
    uses_meta: bool
    y: NDArray[np.uint16]
    n_y: np.uint32
    seed: np.uint32
    buckets: U32
    shift: np.uint32
    slots: np.uint32
    entries: U32
    heavy: U32
    kind_words: np.uint32
    kinds: U32
    ids: NDArray[np.int32]
    renumbers: bool
    far: bool


class Coarse(NamedTuple):
    """Rows of short prefixes in merged cells of their own axes, their rules and L4 sets; `l4` is of
    heavy rules as well, of which `of_rule[r]` is rule r."""

    rows: Bools
    cells: Cells
    rule: I64
    sets: I64
    l4: L4Classes
    of_rule: I64


class TupleAxis(NamedTuple):
    """One axis: the longest-prefix match, and whether it is a table of intervals."""

    lookup: Intervals
    is_intervals: bool


def tuple_tables(classes: Classes, ids: I64, budget: int) -> TupleTables | None:
    """Tables of IPv4 rules without keys; None if they do not fit `budget` bytes."""
    rules, nests, meta = classes.rules, classes.nests, classes.meta
    every = rows(rules, nests[0].item, nests[1].item)
    order, first = prefix_pairs(every, len(nests[1].first))
    end = np.append(first[1:], len(order))
    crowded = end - first >= MANY
    in_heavy = np.zeros(len(order), bool)
    in_heavy[order] = np.repeat(crowded, end - first)
    least, most = COARSE_PLACES
    heavy = min(HEAVY_BYTES, budget // HEAVY_SHARE)
    places = min(max(least, PLACES_PER_ROW * len(every.rule)), most, budget // COARSE_SHARE)
    coarse = _coarse(classes, every, in_heavy, places, heavy)
    if coarse is None:
        crowded[:] = in_heavy[:] = False
        coarse = _coarse(classes, every, in_heavy, places, heavy)
    if coarse is None:
        return None
    pairs = np.flatnonzero(crowded & ~coarse.rows[order[first]])
    number = np.full(len(order), -1)
    number[order[first[pairs]]] = np.arange(len(pairs))
    fine_rows = ~coarse.rows & (~in_heavy | (number >= 0))
    fine = every.take(fine_rows)
    made = records(rules, fine, number[fine_rows], meta, budget // 2)
    if made is None:
        return None
    table = heavy_rows(
        first[pairs], end[pairs], every.rule[order], coarse.of_rule[every.rule[order]], coarse.l4
    )
    most = min(max(MAX_PAIRS, PAIRS_PER_RULE * len(fine.rule)), budget // (4 * PAIR_BYTES))
    tuples = tuples_of(fine, nests, most)
    axes = coarse.cells.src, coarse.cells.dst
    stride = min(STRIDE_BYTES, budget // STRIDE_SHARE)
    src, dst = (_side(*side, stride) for side in zip(nests, tuples.sets, axes, strict=True))
    if src is None or dst is None:
        return None
    found = probes(fine, nests, made, tuples.name[tuples.of_row])
    if found is None:
        return None
    up = TUPLE_BITS - max(0, len(rules).bit_length() - ITEM_BITS)
    pair_table, items = pair_lists(tuples, up)
    l4 = coarse.l4
    grid = painted(coarse.cells, coarse.sets, l4.y_off, l4.y_list, l4.n_y, coarse.rule)
    words, kinds = kind_sets(meta)
    f = grid.f.view(np.uint32)
    tables = TupleTables(
        src.is_intervals, *src.lookup, dst.is_intervals, *dst.lookup,
        np.uint32(len(tuples.sets[1].words)), pair_table, items, np.uint32(up),
        np.uint32(0) if up == TUPLE_BITS else TUPLE,
        np.uint32(grid.n_columns), grid.x.view(np.uint32) * np.uint32(grid.n_y), f,
        l4.sport, l4.dport, l4.meta, np.uint32(l4.n_dport), np.uint32(l4.n_meta),
        l4.uses_sport, meta.used, l4.y, np.uint32(l4.n_y),
        found.seed, found.buckets, np.uint32(found.shift), np.uint32(found.slots - 1),
        found.entries, table, np.uint32(words), kinds,
        ids.astype(np.int32), bool((ids != np.arange(len(ids))).any()), found.entries.nbytes > FAR,
    )  # fmt: skip
    return pack(tables) if nbytes(tables) <= budget else None


def _coarse(
    classes: Classes, every: PrefixRows, in_heavy: Bools, places: int, heavy: int
) -> Coarse | None:
    """As many rows of short prefixes as fit a small grid, L4 classes of those and of heavy pairs.
    Without any, one empty cell. None if heavy pairs take more than `heavy` bytes."""
    src, dst = classes.nests
    longest = np.maximum(src.length[every.src], dst.length[every.dst])
    best, low, high = None, 0, LONGEST_COARSE
    while low <= high:
        middle = (low + high + 1) // 2
        made = _coarse_of(classes, every, longest <= middle, in_heavy, places, heavy)
        best, low, high = (best, low, middle - 1) if made is None else (made, middle + 1, high)
    if best is not None:
        return best
    nothing = np.zeros(len(in_heavy), bool)
    return _coarse_of(classes, every, nothing, in_heavy, places, heavy)


def _coarse_of(
    classes: Classes, every: PrefixRows, rows_: Bools, in_heavy: Bools, places: int, heavy: int
) -> Coarse | None:
    part = every.take(rows_)
    n = len(part.rule)
    src, dst = (
        axis(Prefixes(single(n), nest.first[own], nest.length[own]))
        for nest, own in zip(classes.nests, part[1:], strict=True)
    )
    if src.n * dst.n > COARSE_CELLS or max(src.n, dst.n) > MAX_ROWS:
        return None
    which = every.rule[rows_ | in_heavy]
    which = which[np.append(True, which[1:] != which[:-1])] if len(which) else which
    of_rule = np.zeros(len(classes.rules), np.int64)
    of_rule[which] = np.arange(len(which))
    l4 = l4_classes(classes.rules.take(which), classes.meta.take(which))
    heavy_pairs = int(in_heavy.sum()) // MANY + 1
    if l4 is None or (in_heavy.any() and heavy_pairs * l4.n_y * 4 > heavy):
        return None
    sets = l4.set_of[of_rule[part.rule]] if n else of_rule[:0]
    cells = merged_cells(src, dst, places // l4.n_y)
    if cells is None or work(cells, sets, l4.y_off) > MAX_WORK:
        return None
    return Coarse(rows_, cells, part.rule, sets, l4, of_rule)


def _side(nest: Nest, sets: TupleSets, cut: Axis, stride: int) -> TupleAxis | None:
    """The match table of the prefixes that differ from their surroundings in their tuples or in
    their coarse class: a trie of at most `stride` bytes, else intervals."""
    from sim.kernels.match.paint import inherit_rows

    row = np.full(len(nest.first), -1, np.int64)
    mine = cut.first.astype(np.uint64) << np.uint64(6) | cut.length
    all_of = nest.first.astype(np.uint64) << np.uint64(6) | nest.length
    row[np.searchsorted(all_of, mine)] = cut.merged[1:]
    inherit_rows(nest.parent, row, 0)
    value = (sets.of_prefix << 16 | row).astype(np.uint32)
    outside = sets.outside << 16
    differs = value != np.where(nest.parent >= 0, value[nest.parent], outside)
    return _lookup(nest.first[differs], nest.length[differs], value[differs], outside, stride)


def _lookup(
    first: U32, length: NDArray[np.uint8], value: U32, outside: int, stride: int
) -> TupleAxis | None:
    n = len(first)
    nothing = np.zeros(0, np.int64)
    cut = Axis(first, length, nothing, nothing, nothing, n + 1, np.arange(n + 1))
    size = (ROOT_16_CHUNKS + chunks(cut, ROOT_16)) << 10
    if size <= stride:
        table = stride_trie(cut, np.append(np.int64(outside), value))
        return TupleAxis(Intervals(table, np.zeros(1, np.uint16), np.zeros(1, np.uint32)), False)
    made = intervals(first, length, value, outside)
    return None if made is None else TupleAxis(made, True)
