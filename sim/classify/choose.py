"""From rules to tables that can be asked: which engine holds which block, and why."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sim.classify.axes.cell_grid import merged_cells
from sim.classify.axes.classes import classes_of
from sim.classify.axes.l4_classes import NO_CLASSES, l4_classes
from sim.classify.columns import Columns
from sim.classify.engines import linear
from sim.classify.engines.block import Block, build_block, elsewhere
from sim.classify.engines.cells import (
    CellTables,
    PortTables,
    cell_room,
    cell_tables,
    listed_bytes,
    listed_cost,
    records_of,
)
from sim.classify.engines.dense import DenseTables, dense_room, dense_tables
from sim.classify.engines.keyed import BlockLayout, locals_bytes
from sim.classify.engines.keys import Keys, keys
from sim.classify.engines.lookup import Headers32, Lookup
from sim.classify.engines.pages import nbytes
from sim.classify.engines.plan import (
    BLOCK_PLACES,
    DENSE_BYTES,
    FEW_RULES,
    NEVER,
    RULE_BYTES,
    TablePlan,
    cell_cost,
    dense_cost,
    megabytes,
    port_cost,
    tuple_cost,
)
from sim.classify.engines.tuples import TupleTables, tuple_tables
from sim.classify.ruleset import ANY, I64, RuleSet
from sim.classify.tuple_space.prefix_rows import n_rows
from sim.packets.headers import Row

CACHED = 1 << 15
"""Packets whose headers and answers fit the caches while they are sorted by table."""
ROW_BYTES = 512
FIXED_BYTES = 4 << 20
"""What tuple-space search takes at most while it is built: per row, and for tables of any size."""


class RuleTable(Protocol):
    """Anything that answers for a range of packets."""

    def match(self, headers: Row, begin: int, end: int, out: NDArray[np.int32]) -> None:
        """Write rule ids, -1 for none, to `out[begin:end]`."""


@dataclass(frozen=True, slots=True)
class LinearTable:
    """The last resort: every rule is tried."""

    rules: RuleSet
    ids: I64

    def match(self, headers: Row, begin: int, end: int, out: NDArray[np.int32]) -> None:
        """See `RuleTable`."""
        names = [f for f in Headers32._fields if len(getattr(headers, f)) >= end]
        part = Columns(**{name: getattr(headers, name)[begin:end] for name in names})
        found = linear.scan(self.rules, part)
        hit = found >= 0
        found[hit] = self.ids[found[hit]]
        out[begin:end] = found


@dataclass(frozen=True, slots=True)
class KeyedTable:
    """Blocks by key; those that have no grid are asked in a second step."""

    layout: BlockLayout
    others: dict[int, RuleTable]

    def match(self, headers: Row, begin: int, end: int, out: NDArray[np.int32]) -> None:
        """See `RuleTable`."""
        from sim.kernels.match.keyed import match_blocks

        layout = self.layout
        matcher = keyed_matcher(layout)
        step = CACHED if self.others else end - begin
        for first in range(begin, end, max(step, 1)):
            last = min(first + step, end)
            if layout.answers is None:
                matcher.match(headers, first, last, out)
            else:
                match_blocks(layout.tables, headers, first, last, layout.answers, out)
            if self.others:
                self._match_others(headers, first, last, out)

    def _match_others(self, headers: Row, begin: int, end: int, out: NDArray[np.int32]) -> None:
        """Packets of blocks without a grid, block by block."""
        from sim.kernels.match.split import count_left, place_left, put

        off = np.zeros(max(self.others) + 2, np.int64)
        count_left(out, begin, end, off)
        off = np.cumsum(off)
        rows = np.empty(int(off[-1]), np.int64)
        place_left(out, begin, end, off[:-1].copy(), rows)
        for number in np.flatnonzero(np.diff(off)).tolist():
            mine = rows[off[number] : off[number + 1]]
            found = np.empty(len(mine), np.int32)
            self.others[number].match(_taken(headers, mine, end), 0, len(mine), found)
            put(found, mine, out)


def _taken(headers: Row, rows: I64, end: int) -> Row:
    """Some packets' columns; those that the rules do not look at stay as they are."""
    from sim.kernels.match.split import take

    out: list[Any] = []
    for column in headers:
        if len(column) < end:
            out.append(column)
            continue
        out.append(np.empty(len(rows), column.dtype))
        take(column, rows, out[-1])
    taken: Row = Headers32(*out)
    return taken


def build_table(
    rules: RuleSet, ids: I64, budget: int, name: str
) -> tuple[RuleTable, list[TablePlan]]:
    """The table of IPv4 rules, within `budget` bytes if any engine but the last resort can."""
    if all((column == ANY).all() for column in (rules.vni, rules.direction, rules.endpoint)):
        table, plan = unkeyed(rules, ids, budget, name)
        return table, [plan]
    started = time.perf_counter()
    by_key = keys(rules)
    if by_key is None:
        reason = "too many combinations of VNI, direction and endpoint, or too many rules for any"
        table, plan = _linear(rules, ids, name, reason, started)
        return table, [plan]
    return keyed(rules, ids, by_key, budget, name)


def keyed(
    rules: RuleSet, ids: I64, by_key: Keys, budget: int, name: str
) -> tuple[RuleTable, list[TablePlan]]:
    """Blocks in one layout, and tables of their own for blocks too large for it."""
    started = time.perf_counter()
    l4 = l4_classes(rules)
    if l4 is not None and locals_bytes(len(by_key.rules), l4.n_y) > budget // 4:
        l4 = None
    blocks, left = list[Block](), budget // 2
    for number, which in enumerate(by_key.rules):
        if l4 is None or left < 0:
            blocks.append(elsewhere(number, 1 if l4 is None else l4.n_y))
            continue
        room = min(BLOCK_PLACES, left // 4)
        blocks.append(build_block(rules, which, ids, l4, number, room))
        left -= blocks[-1].nbytes
    if all(block.elsewhere for block in blocks):
        l4 = NO_CLASSES
        blocks = [elsewhere(number, l4.n_y) for number in range(len(blocks))]
    layout = BlockLayout(by_key, blocks, l4 or NO_CLASSES)
    seconds = time.perf_counter() - started
    n = sum(not block.elsewhere for block in blocks)
    reason = f"{n:,} of {len(blocks):,} blocks are grids of their own classes"
    plans = [TablePlan(name, "keyed", reason, nbytes(layout.tables), seconds)]
    left, others = budget - nbytes(layout.tables), {}
    for number, block in enumerate(blocks):
        if block.elsewhere:
            which = by_key.rules[number]
            part = without_keys(rules.take(which))
            table, plan = unkeyed(part, ids[which], max(left, 0), f"{name} block {number}")
            left -= plan.nbytes
            others[number] = table
            plans.append(plan)
    return KeyedTable(layout, others), plans


def unkeyed(rules: RuleSet, ids: I64, budget: int, name: str) -> tuple[RuleTable, TablePlan]:
    """The table of rules without keys: the cheapest engine that fits."""
    started = time.perf_counter()
    limit = min(budget, DENSE_BYTES, RULE_BYTES * max(len(rules), FEW_RULES))
    hashed = tuple_cost(len(rules)) if n_rows(rules) * ROW_BYTES + FIXED_BYTES <= budget else NEVER
    classes = classes_of(rules)
    if classes is None:
        reason = "too many sets of protocols, states and DSCP values: every rule is tried"
        return _linear(rules, ids, name, reason, started)
    rooms = dense_room(classes, limit, hashed), cell_room(classes, limit)
    merged = merged_cells(*classes.axes, max(rooms), records_of(rules)) if any(rooms) else None
    dense = cells = None
    if merged is not None and merged.n_x <= rooms[0] and classes.l4 is not None:
        dense = dense_tables(merged, classes.l4, ids)
    if merged is not None and merged.n_x <= rooms[1]:
        most = NEVER if dense is None else dense_cost(dense.x.nbytes, dense.f.nbytes)
        if most > min(port_cost(merged.x.nbytes, 0), cell_cost(merged.x.nbytes, 0)):
            cells = cell_tables(classes, merged, ids, limit, min(most, hashed))
    costs = {
        "dense": NEVER if dense is None else dense_cost(dense.x.nbytes, dense.f.nbytes),
        "cells": NEVER if cells is None else listed_cost(cells, classes.rules),
        "hybrid": hashed,
    }
    best = min(costs, key=lambda engine: costs[engine])
    made: DenseTables | CellTables | PortTables | TupleTables | None = (
        dense if best == "dense" else cells
    )
    if best == "hybrid":
        made = tuple_tables(classes, ids, budget)
    reason = _reason(best, costs, dense, cells, limit)
    if made is None:
        reason = f"no table fits {megabytes(budget)}: every rule is tried"
        return _linear(rules, ids, name, reason, started)
    seconds = time.perf_counter() - started
    return matcher_of(made), TablePlan(name, best, reason, nbytes(made), seconds)


def _reason(
    best: str,
    costs: dict[str, float],
    dense: DenseTables | None,
    cells: CellTables | PortTables | None,
    limit: int,
) -> str:
    """Why this engine, in a line."""
    if best == "dense" and dense is not None:
        size = megabytes(dense.f.nbytes)
        return f"{len(dense.x):,} address pairs × port classes take {size}"
    if best == "cells" and cells is not None:
        size = megabytes(listed_bytes(cells))
        return f"{len(cells.x):,} address pairs; their rules and ports take {size}"
    others = [f"{e} {c:.0f} ns" for e, c in costs.items() if e != best and c < NEVER]
    if others:
        return f"about {costs[best]:.0f} ns a packet; {', '.join(others)}"
    return f"no grid of classes within {megabytes(limit)} is cheaper"


def _linear(
    rules: RuleSet, ids: I64, name: str, reason: str, started: float
) -> tuple[RuleTable, TablePlan]:
    seconds = time.perf_counter() - started
    return LinearTable(rules, ids), TablePlan(name, "linear", reason, rules.nbytes, seconds)


def without_keys(rules: RuleSet) -> RuleSet:
    """The same rules for any key."""
    n = len(rules)
    return replace(
        rules,
        vni=np.full(n, ANY),
        direction=np.full(n, ANY, np.int8),
        endpoint=np.full(n, ANY),
    )


def matcher_of(tables: DenseTables | CellTables | PortTables | TupleTables) -> Lookup:
    """Tables with the kernels that read them."""
    from sim.kernels.match.cells import match_cells, match_cells8
    from sim.kernels.match.dense import match_dense, match_dense8
    from sim.kernels.match.lanes import AVX2
    from sim.kernels.match.port_intervals import match_ports, match_ports8
    from sim.kernels.match.tuple_lanes import match_tuples8
    from sim.kernels.match.tuples import match_tuples

    if isinstance(tables, DenseTables):
        return Lookup(tables, match_dense, match_dense8 if AVX2 else None)
    if isinstance(tables, PortTables):
        return Lookup(tables, match_ports, match_ports8 if AVX2 else None)
    if isinstance(tables, CellTables):
        return Lookup(tables, match_cells, match_cells8 if AVX2 else None)
    return Lookup(tables, match_tuples, match_tuples8 if AVX2 else None)


def keyed_matcher(layout: BlockLayout) -> Lookup:
    """Kernels of the keyed engine, on the tables as they are now."""
    from sim.kernels.match.keyed import match_keyed, match_keyed8
    from sim.kernels.match.lanes import AVX2

    return Lookup(layout.tables, match_keyed, match_keyed8 if AVX2 else None)
