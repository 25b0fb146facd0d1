"""The cell engine: a grid of address classes, and per cell the few rules that hold its addresses.

For tables whose address classes fit a grid but whose ports are told apart in too many ways for a
table of both. The lists hold numbers of records, so the ports of a rule are stored once. Where no
rule looks at source ports, a cell has intervals of destination ports instead of a list.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.classify.axes.address_axis import stride_trie
from sim.classify.axes.cell_grid import MAX_CELLS, Cells, boxes
from sim.classify.axes.classes import Classes
from sim.classify.axes.l4_classes import Meta, Narrow, l4_classes, narrow
from sim.classify.engines.pages import pack
from sim.classify.engines.plan import cell_cost, lists_for, port_cost, tuple_cost
from sim.classify.ruleset import I64, RuleSet
from sim.classify.tuple_space.records import MAX_KINDS, kinds_of, packed

NONE = 0xFFFFFFFF
LAST_PORT = 0xFFFF
MAX_CUTS = 513
MAX_INTERVALS = 1 << 23
NOTHING = np.zeros(1, np.int64)
MAX_LISTED = 1 << 21
MAX_WORK = 1 << 29

U32 = NDArray[np.uint32]


class CellTables(NamedTuple):
    """What `sim.kernels.match.cells` reads; see there.

    `src`, `dst` u32[256 x chunks], tries of 16, 8 and 8 bits (`sim.kernels.match.tries`);
    `x` u32[rows x columns], `lists` u32[entries of all, one more for the end of each],
    `records` u32[4 x records], `any` u32[L4 classes];
    `sport` u8|u16[65,536, or 1 where no rule looks at it], `dport` u8|u16[65,536], `meta`
    u8|u16[256, or 65,536 with further fields], `y` u16[raw combinations of the three]
    (`sim.classify.axes.l4_classes`).
    """

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
    n_dport: np.uint32
    n_meta: np.uint32
    uses_sport: bool
    uses_meta: bool
    y: NDArray[np.uint16]


class PortTables(NamedTuple):
    """What `sim.kernels.match.port_intervals` reads; see there.

    `src`, `dst` u32[256 x chunks], tries of 16, 8 and 8 bits (`sim.kernels.match.tries`);
    `x` u32[rows x columns], `entry` u32[different cells x meta classes], `low` u16[intervals],
    `value` i32[intervals], `meta` u8|u16[256, or 65,536 with further fields].
    """

    src: U32
    dst: U32
    x: U32
    entry: U32
    low: NDArray[np.uint16]
    value: NDArray[np.int32]
    meta: Narrow
    uses_meta: bool


def records_of(rules: RuleSet) -> I64:
    """How many records of each rule are in the lists of its cells: one per pair of ranges; none of
    rules for any source and destination if some rule looks at source ports."""
    count = np.diff(rules.sport.off) * np.diff(rules.dport.off)
    if _looks_at_source_ports(rules):
        count[_everywhere(rules)] = 0
    return count


def cell_room(classes: Classes, budget: int) -> int:
    """How many different cells a table may have that takes `budget` bytes at most and is not dearer
    than hashing."""
    cells, rules = 4 * classes.n_cells, classes.rules
    n_records = int((np.diff(rules.sport.off) * np.diff(rules.dport.off)).sum())
    if max(classes.trie_bytes, cells) > budget // 2 or classes.n_cells > MAX_CELLS:
        return 0
    if classes.meta.held.shape[1] > MAX_KINDS or n_records > MAX_LISTED:
        return 0
    room = lists_for(tuple_cost(len(rules)), cells) // 8
    return min(room, MAX_LISTED)


def cell_tables(
    classes: Classes, cells: Cells, ids: I64, budget: int, most: float
) -> CellTables | PortTables | None:
    """Tables of rules whose merged cells are known, with counts of `records_of`; None if their
    lists would be too large or cost more than `most` nanoseconds per packet."""
    rules, meta = classes.rules, classes.meta
    n_records = np.diff(rules.sport.off) * np.diff(rules.dport.off)
    if int(cells.count.sum()) + cells.n_x > MAX_LISTED:
        return None
    first = np.concatenate([[0], np.cumsum(n_records)])
    if not _looks_at_source_ports(rules):
        listed = _lists(cells, n_records, first)
        if listed is None:
            return None
        records = _records(rules, ids, meta, n_records, first)
        return _port_tables(cells, *listed, records, meta, budget, most)
    if cell_cost(cells.x.nbytes, 4 * (int(cells.count.sum()) + cells.n_x)) > most:
        return None
    everywhere = _everywhere(rules)
    l4 = l4_classes(rules.take(everywhere), meta.take(everywhere))
    listed = None if l4 is None else _lists(cells, records_of(rules), first)
    if l4 is None or listed is None:
        return None
    best = np.full(l4.n_y, NONE, np.uint32)
    for number in range(len(everywhere) - 1, -1, -1):
        own = l4.set_of[number]
        best[l4.y_list[l4.y_off[own] : l4.y_off[own + 1]]] = first[everywhere[number]]
    off, items = listed
    n = cells.n_x
    lists = np.full(len(items) + n, NONE, np.uint32)
    lists[np.arange(len(items)) + np.repeat(np.arange(n), np.diff(off))] = items
    places = (off[:-1] + np.arange(n)).astype(np.uint32)
    records = _records(rules, ids, meta, n_records, first)
    return pack(CellTables(
        *_tries(cells), places[cells.x.reshape(-1)], lists,
        records if len(records) else np.zeros(4, np.uint32), bool(len(everywhere)), best,
        l4.sport, l4.dport, l4.meta, np.uint32(l4.n_dport), np.uint32(l4.n_meta),
        l4.uses_sport, meta.used, l4.y,
    ))  # fmt: skip


def _tries(cells: Cells) -> tuple[U32, U32]:
    """Row and column of a cell, which are added."""
    rows = np.arange(cells.src.n) * cells.dst.n
    return stride_trie(cells.src, rows), stride_trie(cells.dst, np.arange(cells.dst.n))


def listed_cost(tables: CellTables | PortTables, rules: RuleSet) -> float:
    """Nanoseconds per packet (`sim.classify.engines.plan`)."""
    x, listed = tables.x.nbytes, listed_bytes(tables)
    if isinstance(tables, PortTables):
        return port_cost(x, listed)
    from sim.classify.engines.walked import walked

    return cell_cost(x, listed, walked(rules, records_of(rules)))


def listed_bytes(tables: CellTables | PortTables) -> int:
    """Bytes of the rules of all cells."""
    if isinstance(tables, CellTables):
        return tables.lists.nbytes
    return tables.entry.nbytes + tables.low.nbytes + tables.value.nbytes


def _port_tables(
    cells: Cells, off: I64, lists: U32, records: U32, meta: Meta, budget: int, most: float
) -> PortTables | None:
    """Intervals of destination ports per cell and meta class."""
    from sim.kernels.match.port_intervals import cut_ports

    n_meta = meta.held.shape[1]
    entry, scratch = np.zeros((len(off) - 1) * n_meta, np.uint32), np.zeros((3, MAX_CUTS), np.int64)
    room = min(MAX_INTERVALS - 1, budget // 6, (2 * len(lists) + len(off)) * n_meta)
    low, value = np.empty(room, np.uint16), np.empty(room, np.uint32)
    n = int(cut_ports(off, lists, records, n_meta, scratch, entry, low, value))
    if n < 0 or port_cost(cells.x.nbytes, entry.nbytes + 6 * n) > most:
        return None
    _, _, table = narrow(NOTHING, NOTHING, meta.table, False, meta.used)
    return pack(PortTables(
        *_tries(cells), cells.x.reshape(-1).view(np.uint32) * np.uint32(n_meta),
        entry, low[:n], value[:n].view(np.int32), table, meta.used,
    ))  # fmt: skip


def _looks_at_source_ports(rules: RuleSet) -> bool:
    return bool((rules.sport.first != 0).any() or (rules.sport.last != LAST_PORT).any())


def _records(rules: RuleSet, ids: I64, meta: Meta, n_records: I64, first: I64) -> U32:
    """Four words per record; see `sim.kernels.match.cells`."""
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


def _everywhere(rules: RuleSet) -> I64:
    """Rules for any source and any destination, whatever else their lists hold."""
    out = np.ones(len(rules), bool)
    for lists in (rules.src4, rules.dst4):
        owner = np.repeat(np.arange(len(rules)), np.diff(lists.off))
        zero = np.zeros(len(rules), bool)
        zero[owner[lists.length == 0]] = True
        out &= zero
    return np.flatnonzero(out)


def _lists(cells: Cells, count: I64, first: I64) -> tuple[I64, U32] | None:
    """Where each cell's list begins, and the lists; None if that takes too long."""
    from sim.kernels.match.paint import list_cells

    src, dst = cells.src, cells.dst
    if float((src.covered.astype(float) * dst.covered).sum()) > MAX_WORK:
        return None
    off = np.concatenate([[0], np.cumsum(cells.count)])
    items = np.zeros(int(off[-1]), np.uint32)
    seen = np.full(cells.n_x, -1)
    list_cells(boxes(src), boxes(dst), cells.x, count, first[:-1], seen, off[:-1].copy(), items)
    return off, items
