"""The hybrid engine: a coarse dense table for short prefixes, pruned tuple-space search for others.

Memory grows with the number of rules, whatever their ranges: only the table of pairs (which tuples
can hold a rule for a source class and a destination class) is a product, and it is bounded by
telling groups of tuples apart instead of single ones. See `sim.kernels.tuples` for the look-up.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compiler.ruleset import I64, Prefixes, RuleSet, single
from sim.engines.arena import pack
from sim.engines.axis import ROOT_16, Axis, axis, chunks, write_trie
from sim.engines.grid import Grid, paint
from sim.engines.intervals import Intervals, intervals
from sim.engines.l4 import L4Classes, Meta
from sim.engines.lists import distinct_rows
from sim.engines.probes import Probes, probes
from sim.engines.rows import Rows, rows

NONE = 0xFFFFFFFF
THRESHOLDS = (16, 12, 8, 4, 0)
COARSE_PLACES = 1 << 22
STRIDE_BYTES = 1 << 20
LARGE = 1 << 20
BYTES_PER_PAIR = 16
MAX_PAIRS = 1 << 24


class TupleTables(NamedTuple):
    """What `sim.kernels.tuples` reads; see there."""

    src_intervals: bool
    src: NDArray[np.uint32]
    src_low: NDArray[np.uint16]
    src_value: NDArray[np.uint32]
    dst_intervals: bool
    dst: NDArray[np.uint32]
    dst_low: NDArray[np.uint16]
    dst_value: NDArray[np.uint32]
    n_dst: np.uint32
    pairs: NDArray[np.uint32]
    start: NDArray[np.uint32]
    items: NDArray[np.uint32]
    src_mask: NDArray[np.uint32]
    dst_mask: NDArray[np.uint32]
    sport: NDArray[np.uint16]
    dport: NDArray[np.uint16]
    meta: NDArray[np.uint16]
    n_meta: np.uint32
    uses_sport: bool
    uses_meta: bool
    has_y: bool
    y: NDArray[np.uint16]
    n_y: np.uint32
    f: NDArray[np.uint32]
    disp: NDArray[np.uint16]
    shift: np.uint32
    slots: np.uint32
    entries: NDArray[np.uint32]
    more: NDArray[np.uint32]
    heavy: NDArray[np.uint32]
    ids: NDArray[np.int32]
    large: bool


class Tuples(NamedTuple):
    """The tuples of the fine rows, best rule first: their lengths, their best rule; each row's."""

    src_length: I64
    dst_length: I64
    least: I64
    of_row: I64


class Side(NamedTuple):
    """One address axis: the match table, and bits and coarse row per class that it yields."""

    lookup: Intervals
    is_intervals: bool
    bits: NDArray[np.uint64]
    coarse: I64


def tuple_tables(
    rules: RuleSet, ids: I64, l4: L4Classes | None, meta: Meta, budget: int
) -> TupleTables | None:
    """Tables of IPv4 rules; None if they do not fit `budget` bytes or the L4 conditions are neither
    tabulated (`l4`) nor simple."""
    every = rows(rules)
    coarse, grid, axes = _coarse(rules, every, l4)
    fine = every.take(~coarse)
    tuples = _tuples(fine)
    found = probes(rules, fine, tuples.of_row, l4, meta, budget // 2)
    if found is None:
        return None
    step = 1
    while True:
        sides = _sides(every, coarse, fine, tuples, grid, axes, step)
        if sides is None:
            return None
        src, dst = sides
        if len(src.bits) * len(dst.bits) <= min(MAX_PAIRS, budget // 2 // BYTES_PER_PAIR):
            break
        step *= 2
    return _assemble(ids, l4, meta, tuples, step, src, dst, grid, found)


def _coarse(
    rules: RuleSet, every: Rows, l4: L4Classes | None
) -> tuple[NDArray[np.bool_], Grid | None, tuple[Axis, Axis] | None]:
    """Which rows go to the dense table, the table, and its axes."""
    for threshold in THRESHOLDS if l4 is not None else ():
        coarse = (every.src_length <= threshold) & (every.dst_length <= threshold)
        part = every.take(coarse)
        n = len(part.rule)
        if n == 0:
            break
        src = axis(Prefixes(single(n), part.src, part.src_length))
        dst = axis(Prefixes(single(n), part.dst, part.dst_length))
        if src.n * dst.n > 1 << 20:
            continue
        sets = l4.set_of[part.rule]
        grid = paint(src, dst, sets, l4.y_off, l4.y_list, l4.n_y, part.rule, COARSE_PLACES)
        if grid is not None:
            return coarse, grid, (src, dst)
    return np.zeros(len(every.rule), bool), None, None


def _tuples(fine: Rows) -> Tuples:
    pair = fine.src_length.astype(np.int64) << 6 | fine.dst_length
    distinct, of_row = np.unique(pair, return_inverse=True)
    least = np.full(len(distinct), NONE, np.int64)
    np.minimum.at(least, of_row, fine.rule)
    order = np.argsort(least)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    distinct = distinct[order]
    return Tuples(distinct >> 6, distinct & 63, least[order], rank[of_row])


def _groups(tuples: Tuples, step: int) -> I64:
    """The bit of each tuple: `step` tuples of neighbouring lengths share one."""
    if step == 1:
        return np.arange(len(tuples.least))
    order = np.lexsort((tuples.dst_length, tuples.src_length))
    group = np.empty(len(order), np.int64)
    group[order] = np.arange(len(order)) // step
    return group


def _sides(
    every: Rows, coarse: NDArray[np.bool_], fine: Rows, tuples: Tuples, grid: Grid | None,
    axes: tuple[Axis, Axis] | None, step: int,
) -> tuple[Side, Side] | None:  # fmt: skip
    group = _groups(tuples, step)
    bit = group[tuples.of_row]
    n_bits = int(group.max(initial=0)) + 1
    out = []
    for number, (first, length) in enumerate(
        ((every.src, every.src_length), (every.dst, every.dst_length))
    ):
        classes = None
        if grid is not None and axes is not None:
            classes = (grid.row, grid.column)[number][axes[number].merged]
        side = _side(first, length, coarse, bit, n_bits, axes and axes[number], classes)
        if side is None:
            return None
        out.append(side)
    return out[0], out[1]


def _side(
    first: NDArray[np.uint32], length: NDArray[np.uint8], coarse: NDArray[np.bool_], bit: I64,
    n_bits: int, cut: Axis | None, classes: I64 | None,
) -> Side | None:  # fmt: skip
    from sim.kernels.paint import inherit
    from sim.kernels.tries import nest

    key = first.astype(np.uint64) << np.uint64(6) | length
    distinct, item = np.unique(key, return_inverse=True)
    n = len(distinct)
    starts = (distinct >> np.uint64(6)).astype(np.uint32)
    lengths = (distinct & np.uint64(63)).astype(np.uint8)
    bits = np.zeros((n + 1, (n_bits + 63) // 64), np.uint64)
    word, within = np.divmod(bit, 64)
    np.bitwise_or.at(bits, (item[~coarse] + 1, word), np.uint64(1) << within.astype(np.uint64))
    rows_of = np.full(n + 1, -1, np.int64)
    outside = 0
    if cut is not None and classes is not None:
        outside = int(classes[0])
        mine = cut.first.astype(np.uint64) << np.uint64(6) | cut.length
        rows_of[np.searchsorted(distinct, mine) + 1] = classes[1:]
    rows_of[0] = outside
    parent = np.empty(n, np.int64)
    nest(starts, lengths, np.empty(40, np.int64), parent)
    inherit(parent, bits[1:], rows_of[1:], outside)
    combined = distinct_rows([*np.ascontiguousarray(bits.T), rows_of])
    value = combined.ids
    changes = np.ones(n, bool)
    inner = parent >= 0
    changes[inner] = value[1:][inner] != value[1:][parent[inner]]
    changes[~inner] = value[1:][~inner] != value[0]
    table = _lookup(starts[changes], lengths[changes], value[1:][changes], int(value[0]))
    if table is None:
        return None
    return Side(*table, bits[combined.rep], rows_of[combined.rep])


def _lookup(
    first: NDArray[np.uint32], length: NDArray[np.uint8], value: I64, outside: int
) -> tuple[Intervals, bool] | None:
    """A stride trie where it is small, else intervals."""
    n = len(first)
    nothing = np.zeros(0, np.int64)
    cut = Axis(first, length, nothing, nothing, nothing, n + 1, np.arange(n + 1))
    size = (ROOT_16_CHUNKS + chunks(cut, ROOT_16)) << 10
    if size <= STRIDE_BYTES:
        table = np.zeros(size >> 2, np.uint32)
        leaves = np.concatenate([[outside], value])
        write_trie(cut, leaves, table, ROOT_16, 0, ROOT_16_CHUNKS)
        return Intervals(table, np.zeros(1, np.uint16), np.zeros(1, np.uint32)), False
    made = intervals(first, length, value.astype(np.uint32), outside)
    return None if made is None else (made, True)


ROOT_16_CHUNKS = 256


def _assemble(
    ids: I64, l4: L4Classes | None, meta: Meta, tuples: Tuples, step: int, src: Side, dst: Side,
    grid: Grid | None, found: Probes,
) -> TupleTables:  # fmt: skip
    lists, n_lists, words = _intersections(src.bits, dst.bits)
    offset, items = _items(words[:n_lists], tuples, _groups(tuples, step))
    pairs, start = _pairs(lists, offset, src, dst, grid)
    n_y = 0 if l4 is None else l4.n_y
    masks = [
        (NONE << (32 - lengths) & NONE).astype(np.uint32)
        for lengths in (np.append(tuples.src_length, 0), np.append(tuples.dst_length, 0))
    ]
    f = np.full(max(n_y, 1), NONE, np.uint32) if grid is None else grid.f.view(np.uint32)
    nothing = np.zeros(1, np.uint16)
    return pack(TupleTables(
        src.is_intervals, *src.lookup, dst.is_intervals, *dst.lookup, np.uint32(len(dst.bits)),
        pairs, start, items, *masks,
        nothing if l4 is None else l4.sport, nothing if l4 is None else l4.dport,
        meta.table.astype(np.uint16), np.uint32(meta.held.shape[1]),
        l4 is not None and l4.uses_sport, meta.used, l4 is not None,
        nothing if l4 is None else l4.y, np.uint32(n_y), f,
        found.disp, np.uint32(found.shift), np.uint32(found.slots - 1),
        found.entries, found.more, found.heavy, ids.astype(np.int32),
        pairs.nbytes + f.nbytes > LARGE,
    ))  # fmt: skip


def _intersections(
    src: NDArray[np.uint64], dst: NDArray[np.uint64]
) -> tuple[NDArray[np.int32], int, NDArray[np.uint64]]:
    """Which bits two classes have in common, numbered."""
    from sim.kernels.paint import pair_lists

    out = np.empty(len(src) * len(dst), np.int32)
    room = 1 << 10
    while True:
        words = np.empty((room, src.shape[1]), np.uint64)
        n = int(pair_lists(src, dst, np.full(4 * room, -1, np.int32), words, out))
        if n >= 0:
            return out, n, words
        room *= 8


def _items(words: NDArray[np.uint64], tuples: Tuples, group: I64) -> tuple[I64, NDArray[np.uint32]]:
    """Per list its tuples, best first, and an end mark; pairs of (tuple, its best rule)."""
    from sim.kernels.paint import list_bits

    count = np.bitwise_count(words).sum(axis=1).astype(np.int64)
    off = np.concatenate([[0], np.cumsum(count)])
    bits = np.empty(int(off[-1]), np.int64)
    list_bits(words, off, bits)
    by_group = np.argsort(group, kind="stable")
    size = np.bincount(group, minlength=int(group.max(initial=0)) + 1)
    first = np.cumsum(size) - size
    owner = np.repeat(np.repeat(np.arange(len(words)), count), size[bits])
    total = int(size[bits].sum())
    within = np.arange(total) - np.repeat(np.cumsum(size[bits]) - size[bits], size[bits])
    member = by_group[np.repeat(first[bits], size[bits]) + within]
    order = np.lexsort((member, owner))
    owner, member = owner[order], member[order]
    length = np.bincount(owner, minlength=len(words))
    start = np.cumsum(length + 1) - length - 1
    out = np.full((total + len(words), 2), NONE, np.uint32)
    out[:, 0] = len(tuples.least)
    at = np.arange(total) + owner
    out[at, 0], out[at, 1] = member, tuples.least[member]
    return start, out.reshape(-1)


def _pairs(
    lists: NDArray[np.int32], offset: I64, src: Side, dst: Side, grid: Grid | None
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Number the distinct (list, coarse cell): per pair of classes its number, and per number
    where its list starts and where its cell is."""
    from sim.kernels.paint import identify

    if grid is None:
        return lists.view(np.uint32), np.stack(
            [offset, np.zeros_like(offset)], axis=1
        ).astype(np.uint32).reshape(-1)  # fmt: skip
    cell = grid.x[(src.coarse * grid.n_columns)[:, None] + dst.coarse[None, :]].reshape(-1)
    keys = lists.astype(np.uint64) << np.uint64(32) | cell.astype(np.uint64)
    ids, rep = np.empty(len(keys), np.int32), np.empty(len(keys), np.int32)
    slots, n = 1 << 12, -1
    while n < 0:
        n = int(identify(keys, np.full(slots, -1, np.int32), ids, rep))
        slots <<= 3
    rep = rep[:n]
    start = np.stack([offset[lists[rep]], cell[rep] * grid.n_y], axis=1)
    return ids.view(np.uint32), start.astype(np.uint32).reshape(-1)
