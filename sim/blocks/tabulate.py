"""From groups to tables: which entry decides, by class of cells and class of L4 atoms.

`paint` finds the first entry of one group that matches, `chain` what groups decide one after the
other. Both only look at which classes an entry holds, never at what it is called: tenants that are
alike have equal patterns, which are worked out once.

Engines paint as well (`sim.kernels.match.paint`), and a law holds both together. They stay two:
what is tabulated here takes a millisecond on the demo and six on the large fabric, and loading
kernels takes 200, in verbs that need none. There, rules are many and hold few cells each; in NumPy
they would take fifty to eighty times as long (`acl-1k`: 15 ms, not 0.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.policy.stages import DROPPED, Stages
from compiler.program.program import Group
from fabric.diagnostics import CloisonError
from sim.blocks.axis import Axis
from sim.blocks.grid import Grid, bounded
from sim.blocks.numbering import combine, partition

I32 = NDArray[np.int32]
Bits = NDArray[np.bool_]
LIMIT = 1 << 13
MOST = 65535


@dataclass(frozen=True, slots=True)
class Merged:
    """Classes of an axis that some keys do not tell apart: the number of each class's set, and per
    key which sets it holds."""

    number: int
    of: I32
    bits: Bits


@dataclass(frozen=True, slots=True)
class Tabulated:
    """The place in its group of the first entry that matches, per set of cells and set of ports."""

    number: int
    cells: Merged
    l4: Merged
    order: I32


@dataclass(frozen=True, slots=True)
class Chained:
    """Several groups together: rows and columns of classes of cells and L4 atoms, and `values`,
    each a decision. `matched` has the place of the entry that decided each group, or -1; `stage`
    the place of the stage that denied, -1 for a permit."""

    rows: NDArray[np.uint16]
    columns: NDArray[np.uint16]
    values: I32
    matched: I32
    stage: NDArray[np.int8]


Link = tuple[Tabulated, int, NDArray[np.int8]]
"""One group of a chain: its table, the place of its stage, and with which stage its entries go on,
the default last."""


class Patterns:
    """What was worked out before, by content; forgotten when it gets too much."""

    def __init__(self) -> None:
        self._count = 0
        self._merged: dict[tuple[tuple[int, ...], bytes], Merged] = {}
        self._tables: dict[tuple[int, int], Tabulated] = {}
        self._chained: dict[tuple[object, ...], Chained] = {}

    def merged(self, axis: Axis, keys: Sequence[int]) -> Merged:
        """What these keys of an axis, by number, do not tell apart."""
        rows = axis.rows[list(keys)]
        key = rows.shape, rows.tobytes()
        if key not in self._merged:
            of, sample = partition(rows)
            self._merged[key] = Merged(self._next(), of, rows[:, sample])
        return self._merged[key]

    def tabulated(self, vrf: str, cells: Merged, l4: Merged) -> Tabulated:
        """Entries in the order of the keys, the default after them."""
        key = cells.number, l4.number
        if key not in self._tables:
            shape = cells.bits.shape[1], l4.bits.shape[1]
            bounded(vrf, *shape)
            order = np.full(shape, len(cells.bits), np.int32)
            for place in range(len(cells.bits) - 1, -1, -1):
                order[cells.bits[place][:, None] & l4.bits[place]] = place
            self._tables[key] = Tabulated(self._next(), cells, l4, order)
        return self._tables[key]

    def chained(self, vrf: str, links: Sequence[Link]) -> Chained:
        """The first deny ends it; a permit may skip stages."""
        key = tuple((table.number, stage, goes.tobytes()) for table, stage, goes in links)
        if key not in self._chained:
            if len(self._chained) >= LIMIT:
                self._forget()
            self._chained[key] = _chain(vrf, links)
        return self._chained[key]

    def _next(self) -> int:
        self._count += 1
        return self._count

    def _forget(self) -> None:
        for known in (self._merged, self._tables, self._chained):
            known.clear()


def _chain(vrf: str, links: Sequence[Link]) -> Chained:
    cells, cell_at = combine([table.cells.of for table, _, _ in links])
    l4, l4_at = combine([table.l4.of for table, _, _ in links])
    bounded(vrf, len(cell_at), len(l4_at))
    at = np.zeros((len(cell_at), len(l4_at)), np.int8)
    denied = np.full(at.shape, -1, np.int8)
    matched = []
    for table, stage, goes in links:
        order = table.order[table.cells.of[cell_at][:, None], table.l4.of[l4_at]]
        here, then = at <= stage, goes[order]
        matched.append(np.where(here, order, -1).reshape(-1))
        denied[here & (then == DROPPED)] = stage
        at = np.where(here, then, at)
    of, sample = combine([column + 1 for column in matched])
    rows = np.stack([column[sample] for column in matched], axis=1)
    stage_of = denied.reshape(-1)[sample]
    return Chained(narrow(cells), narrow(l4), of.reshape(at.shape), rows, stage_of)


def narrow(classes: I32) -> NDArray[np.uint16]:
    """Class numbers as tables hold them."""
    if len(classes) and int(classes.max()) > MOST:
        raise CloisonError(
            f"a policy tells {int(classes.max()) + 1:,} classes apart, 65,536 at most"
        )
    return classes.astype(np.uint16)


class Tabulator:
    """Makes the tables of one VRF. `leads` says of every entry, by id, with
    which stage of `stages` the evaluation goes on."""

    def __init__(
        self, patterns: Patterns, grid: Grid, vrf: str, stages: Stages, leads: NDArray[np.int8]
    ) -> None:
        self._patterns = patterns
        self._stages = stages
        self._grid = grid
        self._vrf = vrf
        self._leads = leads
        self._tables: dict[int, Tabulated] = {}
        self._numbers: dict[int, int] = {}

    def chain(self, groups: Sequence[Group]) -> tuple[Chained, I32]:
        """What groups decide, and per decision the id of the entry of each stage, -1 for none."""
        if not groups:
            return self._open(), np.full((1, len(self._stages)), -1, np.int32)
        first = [group.default_entry.id - len(group.entries) for group in groups]
        links = [
            (
                self._tabulate(group),
                self._stages.index(group.stage),
                self._leads[begin : group.default_entry.id + 1],
            )
            for group, begin in zip(groups, first, strict=True)
        ]
        found = self._patterns.chained(self._vrf, links)
        ids = np.full((len(found.matched), len(self._stages)), -1, np.int32)
        absolute = np.where(found.matched >= 0, found.matched + np.array(first, np.int32), -1)
        ids[:, [stage for _, stage, _ in links]] = absolute
        return found, ids

    def _open(self) -> Chained:
        """Where no group is bound everything passes."""
        axes = self._grid.cells, self._grid.l4
        rows, columns = (np.zeros(len(axis.sample), np.uint16) for axis in axes)
        nothing = np.zeros((1, 1), np.int32)
        return Chained(rows, columns, nothing, nothing, np.full(1, -1, np.int8))

    def _tabulate(self, group: Group) -> Tabulated:
        """The table of one group."""
        if group.id not in self._tables:
            cells = [self._number(self._grid.cells, e.regions) for e in group.entries]
            l4 = [self._number(self._grid.l4, e.l4) for e in group.entries]
            self._tables[group.id] = self._patterns.tabulated(
                self._vrf,
                self._patterns.merged(self._grid.cells, cells),
                self._patterns.merged(self._grid.l4, l4),
            )
        return self._tables[group.id]

    def _number(self, axis: Axis, key: tuple[object, ...]) -> int:
        """The number of a key; by object first, because hashing one takes its time."""
        number = self._numbers.get(id(key))
        if number is None:
            number = self._numbers[id(key)] = axis.keys[key]
        return number
