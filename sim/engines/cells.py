"""The cell engine: a grid of address classes, and per cell the few rules that hold its addresses.

For tables whose address classes fit a grid but whose ports are told apart in too many ways for a
table of both. The lists hold numbers of records, so the ports of a rule are stored once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compiler.ruleset import I64, RuleSet
from sim.engines.arena import pack
from sim.engines.axis import Axis
from sim.engines.dense import merged_axis, stride_trie
from sim.engines.grid import merged_cells
from sim.engines.l4 import Narrow, l4_classes, meta_classes
from sim.engines.plan import cell_cost, tuple_cost
from sim.engines.probes import MAX_KINDS, kinds_of, packed

NONE = 0xFFFFFFFF
MAX_LISTED = 1 << 21
MAX_WORK = 1 << 29

U32 = NDArray[np.uint32]


class CellTables(NamedTuple):
    """What `sim.kernels.cells` reads; see there."""

    src: U32
    dst: U32
    x: U32
    lists: U32
    records: U32
    has_any: bool
    any: U32
    sport: Narrow
    dport: Narrow
    meta: Narrow
    n_meta: np.uint32
    uses_sport: bool
    uses_meta: bool
    y: NDArray[np.uint16]
    ids: NDArray[np.int32]
    renumbers: bool


def cell_tables(rules: RuleSet, ids: I64, budget: int) -> CellTables | None:
    """Tables of IPv4 rules without keys; None if lists or grid would be too large, or
    dearer than hashing."""
    meta = meta_classes(rules)
    everywhere = _everywhere(rules)
    l4 = l4_classes(rules.take(everywhere), meta.take(everywhere))
    n_records = np.diff(rules.sport.off) * np.diff(rules.dport.off)
    if l4 is None or meta.held.shape[1] > MAX_KINDS or int(n_records.sum()) > MAX_LISTED:
        return None
    first = np.concatenate([[0], np.cumsum(n_records)])
    listed = np.ones(len(rules), bool)
    listed[everywhere] = False
    which = np.flatnonzero(listed)
    part = rules.take(which)
    src, dst = merged_axis(part.src4), merged_axis(part.dst4)
    merged = merged_cells(src, dst)
    if merged is None or 4 * merged[2].size > budget // 2:
        return None
    row, column, x, n_x = merged
    if cell_cost(4 * x.size, 8 * n_x) > tuple_cost(len(rules)):
        return None
    lists = _lists(src, dst, row, column, x, n_x, n_records[which], first[which])
    if lists is None:
        return None
    places, items = lists
    best = np.full(l4.n_y, NONE, np.uint32)
    for number in range(len(everywhere) - 1, -1, -1):
        own = l4.set_of[number]
        best[l4.y_list[l4.y_off[own] : l4.y_off[own + 1]]] = first[everywhere[number]]
    rule = np.repeat(np.arange(len(rules)), n_records)
    within = np.arange(len(rule)) - np.repeat(first[:-1], n_records)
    i, j = np.divmod(within, np.maximum(np.diff(rules.dport.off)[rule], 1))
    columns = [
        packed(rules.sport, rule, i),
        packed(rules.dport, rule, j),
        kinds_of(meta)[rule],
        rule,
    ]
    records = np.stack([c.astype(np.uint32) for c in columns], axis=1).reshape(-1)
    return pack(CellTables(
        stride_trie(src, row * x.shape[1]), stride_trie(dst, column), places[x.reshape(-1)], items,
        records if len(records) else np.zeros(4, np.uint32), bool(len(everywhere)), best,
        l4.sport, l4.dport, l4.meta, np.uint32(l4.n_meta), l4.uses_sport,
        meta.used, l4.y, ids.astype(np.int32), bool((ids != np.arange(len(ids))).any()),
    ))  # fmt: skip


def _everywhere(rules: RuleSet) -> I64:
    """Rules for any source and any destination, whatever else their lists hold."""
    out = np.ones(len(rules), bool)
    for lists in (rules.src4, rules.dst4):
        owner = np.repeat(np.arange(len(rules)), np.diff(lists.off))
        zero = np.zeros(len(rules), bool)
        zero[owner[lists.length == 0]] = True
        out &= zero
    return np.flatnonzero(out)


def _lists(
    src: Axis, dst: Axis, row: I64, column: I64, x: I64, n_x: int, count: I64, first: I64
) -> tuple[U32, U32] | None:
    """Where each cell's list begins, and the lists, each with an end mark."""
    from sim.kernels.cells import list_cells

    covered = [np.minimum(_covered(cut), n) for cut, n in ((src, x.shape[0]), (dst, x.shape[1]))]
    if int((covered[0] * covered[1]).sum()) > MAX_WORK:
        return None
    flat, n_rows, n_columns = x.reshape(-1), *x.shape
    shape = (src.off, src.a, src.b, dst.off, dst.a, dst.b, row, column, flat, n_columns)

    def scratch() -> tuple[I64, I64, I64]:
        return np.full((n_rows, 2), -1), np.full((n_columns, 2), -1), np.full(n_x, -1)

    numbers = np.arange(len(count) + 1) if (count == 1).all() else np.append(0, np.cumsum(count))
    size = np.zeros(n_x, np.int64)
    list_cells(*shape, numbers, *scratch(), size, np.zeros(0, np.uint32))
    if int(size.sum()) + n_x > MAX_LISTED:
        return None
    places = np.cumsum(size + 1) - size - 1
    items = np.full(int(size.sum()) + n_x, NONE, np.uint32)
    list_cells(*shape, numbers, *scratch(), places.copy(), items)
    real = (
        np.repeat(first, count)
        + np.arange(len(np.repeat(first, count)))
        - np.repeat(numbers[:-1], count)
    )
    named = items != NONE
    items[named] = real[items[named]]
    return places.astype(np.uint32), items


def _covered(cut: Axis) -> I64:
    sums = np.concatenate([[0], np.cumsum(cut.b - cut.a)])
    covered: I64 = sums[cut.off[1:]] - sums[cut.off[:-1]]
    return covered
