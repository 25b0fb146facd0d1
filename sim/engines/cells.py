"""The cell engine: a grid of address classes, and per cell the few rules that hold its addresses.

For tables whose address classes fit a grid but whose ports are told apart in too many ways for a
table of both. The lists hold numbers of records, so the ports of a rule are stored once. Where no
rule looks at source ports, a cell has intervals of destination ports instead of a list.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compiler.ruleset import I64, RuleSet
from sim.engines.arena import pack
from sim.engines.axis import ROOT_16, ROOT_16_CHUNKS, Axis, chunks, stride_trie
from sim.engines.dense import merged_axis
from sim.engines.grid import merged_cells
from sim.engines.l4 import Meta, Narrow, l4_classes, meta_classes, narrow
from sim.engines.plan import cell_cost, tuple_cost
from sim.engines.probes import MAX_KINDS, kinds_of, packed

NONE = 0xFFFFFFFF
LAST_PORT = 0xFFFF
MAX_CUTS = 512
MAX_INTERVALS = 1 << 23
NOTHING = np.zeros(1, np.int64)
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


class PortTables(NamedTuple):
    """What `sim.kernels.ports` reads; see there."""

    src: U32
    dst: U32
    x: U32
    entry: U32
    low: NDArray[np.uint16]
    value: NDArray[np.int32]
    meta: Narrow
    uses_meta: bool


class Listed(NamedTuple):
    """The grid of address classes, and per cell the records of its rules, best first."""

    src: Axis
    dst: Axis
    row: I64
    column: I64
    x: I64
    off: I64
    lists: U32


def cell_tables(rules: RuleSet, ids: I64, budget: int) -> CellTables | PortTables | None:
    """Tables of IPv4 rules without keys; None if lists or grid would be too large, or dearer than
    hashing."""
    meta = meta_classes(rules)
    n_records = np.diff(rules.sport.off) * np.diff(rules.dport.off)
    if meta.held.shape[1] > MAX_KINDS or int(n_records.sum()) > MAX_LISTED:
        return None
    first = np.concatenate([[0], np.cumsum(n_records)])
    records = _records(rules, ids, meta, n_records, first)
    if not _looks_at_source_ports(rules):
        listed = _listed(rules, np.arange(len(rules)), n_records, first, budget)
        return None if listed is None else _port_tables(listed, records, meta, budget)
    everywhere = _everywhere(rules)
    l4 = l4_classes(rules.take(everywhere), meta.take(everywhere))
    if l4 is None:
        return None
    inside = np.ones(len(rules), bool)
    inside[everywhere] = False
    listed = _listed(rules, np.flatnonzero(inside), n_records, first, budget)
    if listed is None:
        return None
    best = np.full(l4.n_y, NONE, np.uint32)
    for number in range(len(everywhere) - 1, -1, -1):
        own = l4.set_of[number]
        best[l4.y_list[l4.y_off[own] : l4.y_off[own + 1]]] = first[everywhere[number]]
    n = len(listed.off) - 1
    lists = np.full(len(listed.lists) + n, NONE, np.uint32)
    lists[np.arange(len(listed.lists)) + np.repeat(np.arange(n), np.diff(listed.off))] = (
        listed.lists
    )
    places = (listed.off[:-1] + np.arange(n)).astype(np.uint32)
    return pack(CellTables(
        stride_trie(listed.src, listed.row * listed.x.shape[1]),
        stride_trie(listed.dst, listed.column),
        places[listed.x.reshape(-1)], lists,
        records if len(records) else np.zeros(4, np.uint32), bool(len(everywhere)), best,
        l4.sport, l4.dport, l4.meta, np.uint32(l4.n_meta), l4.uses_sport, meta.used, l4.y,
    ))  # fmt: skip


def listed_bytes(tables: CellTables | PortTables) -> int:
    """Bytes of the rules of all cells."""
    if isinstance(tables, CellTables):
        return tables.lists.nbytes
    return tables.entry.nbytes + tables.low.nbytes + tables.value.nbytes


def _port_tables(listed: Listed, records: U32, meta: Meta, budget: int) -> PortTables | None:
    """Intervals of destination ports per cell and meta class."""
    from sim.kernels.ports import cut_ports

    n_meta = meta.held.shape[1]
    cuts, entry = np.zeros(MAX_CUTS, np.int64), np.zeros((len(listed.off) - 1) * n_meta, np.uint32)
    low, value = np.zeros(0, np.uint16), np.zeros(0, np.uint32)
    shape = (listed.off, listed.lists, records, n_meta, cuts, entry)
    n = int(cut_ports(*shape, low, value))
    if n < 0 or n >= MAX_INTERVALS or 6 * n > budget:
        return None
    low, value = np.zeros(n, np.uint16), np.zeros(n, np.uint32)
    cut_ports(*shape, low, value)
    _, _, table = narrow(NOTHING, NOTHING, meta.table, False, meta.used)
    return pack(PortTables(
        stride_trie(listed.src, listed.row * listed.x.shape[1]),
        stride_trie(listed.dst, listed.column),
        (listed.x.reshape(-1) * n_meta).astype(np.uint32), entry, low, value.view(np.int32),
        table, meta.used,
    ))  # fmt: skip


def _looks_at_source_ports(rules: RuleSet) -> bool:
    return bool((rules.sport.first != 0).any() or (rules.sport.last != LAST_PORT).any())


def _records(rules: RuleSet, ids: I64, meta: Meta, n_records: I64, first: I64) -> U32:
    """Four words per record; see `sim.kernels.cells`."""
    rule = np.repeat(np.arange(len(rules)), n_records)
    within = np.arange(len(rule)) - np.repeat(first[:-1], n_records)
    i, j = np.divmod(within, np.maximum(np.diff(rules.dport.off)[rule], 1))
    columns = (
        packed(rules.sport, rule, i),
        packed(rules.dport, rule, j),
        kinds_of(meta)[rule],
        ids[rule],
    )
    return np.stack([c.astype(np.uint32) for c in columns], axis=1).reshape(-1)


def _listed(rules: RuleSet, which: I64, n_records: I64, first: I64, budget: int) -> Listed | None:
    """Cells of these rules."""
    part = rules.take(which)
    src, dst = merged_axis(part.src4), merged_axis(part.dst4)
    tries = (2 * ROOT_16_CHUNKS + chunks(src, ROOT_16) + chunks(dst, ROOT_16)) << 10
    if tries > budget // 2 or 4 * src.n * dst.n > budget // 2:
        return None
    merged = merged_cells(src, dst)
    if merged is None or 4 * merged[2].size > budget // 2:
        return None
    row, column, x, n_x = merged
    if cell_cost(4 * x.size, 8 * n_x) > tuple_cost(len(rules)):
        return None
    lists = _lists(src, dst, row, column, x, n_x, n_records[which], first[which])
    return None if lists is None else Listed(src, dst, row, column, x, *lists)


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
) -> tuple[I64, U32] | None:
    """Where each cell's list begins, and the lists."""
    from sim.kernels.cells import list_cells

    covered = [np.minimum(cut.covered, n) for cut, n in ((src, x.shape[0]), (dst, x.shape[1]))]
    if int((covered[0] * covered[1]).sum()) > MAX_WORK:
        return None
    flat, n_rows, n_columns = x.reshape(-1), *x.shape
    shape = (
        src.off,
        src.a,
        src.b,
        dst.off,
        dst.a,
        dst.b,
        row,
        column,
        flat,
        n_columns,
        count,
        first,
    )

    def scratch() -> tuple[I64, I64, I64]:
        return np.full((n_rows, 2), -1), np.full((n_columns, 2), -1), np.full(n_x, -1)

    size = np.zeros(n_x, np.int64)
    list_cells(*shape, *scratch(), size, np.zeros(0, np.uint32))
    if int(size.sum()) + n_x > MAX_LISTED:
        return None
    off = np.concatenate([[0], np.cumsum(size)])
    items = np.zeros(int(off[-1]), np.uint32)
    list_cells(*shape, *scratch(), off[:-1].copy(), items)
    return off, items
