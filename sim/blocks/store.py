"""Where blocks are laid out: arenas, and what the next update of them has to know.

A `Store` belongs to one line of updates. Only the newest `Blocks` of the line may be updated
(`serial`); older ones stay valid, because nothing that they look at is ever written again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compiler.policy.stages import Stages, leads
from compiler.program.program import Group
from sim.blocks.arena import Arena, Lanes
from sim.blocks.grid import Grid, VrfSpace, groups_of
from sim.blocks.numbering import distinct
from sim.blocks.tabulate import Patterns, Tabulator

I64 = NDArray[np.int64]
Key = tuple[int, ...]
"""What a block of a VRF answers for: direction, then the group of each stage (-1: none)."""
SPARE = 1 << 22


class BlockRow(NamedTuple):
    """One block in the arenas; `lane` is its row of L4 classes."""

    vrf: int
    cell_off: int
    lane: int
    n_l4: int
    f_off: int


class Store:
    """See the module. `lane` has the row of L4 classes of every block of the newest version."""

    def __init__(self, l4_size: int, stages: Stages) -> None:
        self._stages = stages
        self.serial = 0
        self.grids: dict[int, Grid] = {}
        self.known: dict[int, dict[Key, int]] = {}
        self.n_blocks = 0
        self.lane: I64 = np.zeros(0, np.int64)
        self.cells = Arena(np.uint16)
        self.lanes = Lanes(l4_size)
        self.values = Arena(np.int32)
        self.fib = Arena(np.int32)
        self.leads = Arena(np.int8)
        self.entries = Arena(np.int32, len(stages))
        self.permit = Arena(np.bool_)
        self.stage = Arena(np.int8)
        self._patterns = Patterns()
        self._built = 0

    def finish(self) -> None:
        """Remember how much there is: `fragmented` is about what comes after. Forget what was only
        good for tenants that are alike."""
        self._built = self._size
        self._patterns = Patterns()

    @property
    def fragmented(self) -> bool:
        """Whether more than half of what is stored is left over from earlier versions."""
        return self._size > 2 * self._built + SPARE

    @property
    def _size(self) -> int:
        return self.cells.used + self.values.used + self.fib.used + 64 * self.n_blocks

    def learn(self, groups: Sequence[Group]) -> None:
        """Where entries of new groups lead, which are numbered one after the other."""
        table = dict(zip(self._stages, leads(self._stages), strict=True))
        rows = ((table[g.stage], (*g.entries, g.default_entry)) for g in groups)
        found = [row[entry.action] for row, entries in rows for entry in entries]
        self.leads.append(np.array(found, np.int8))

    def add(self, space: VrfSpace, keys: Sequence[Key]) -> list[BlockRow]:
        """Add blocks to a VRF."""
        vrf = space.program.domain.vrfs[space.vrf].name
        groups = {g.id: g for key in keys for g in groups_of(space.program, key[1:])}
        before = self.grids.get(space.vrf) or Grid.empty(space)
        grid = self.grids[space.vrf] = before.knowing(space, [*groups.values()])
        tabulator = Tabulator(self._patterns, grid, vrf, self._stages, self.leads.view)
        known = self.known.setdefault(space.vrf, {})
        rows: dict[bytes, int] = {}
        out = []
        for key in keys:
            table, entries = tabulator.chain([groups[n] for n in key[1:] if n >= 0])
            row = table.rows.tobytes()
            if row not in rows:
                rows[row] = self.cells.append(table.rows[grid.cells.of])
            lane = self.lanes.intern(table.columns[grid.l4.of])
            self.permit.append(table.stage < 0)
            self.stage.append(table.stage)
            decisions = table.values.reshape(-1) + self.entries.append(entries)
            first = self.values.append(decisions)
            out.append(BlockRow(space.vrf, rows[row], lane, table.values.shape[1], first))
            known[key] = self.n_blocks
            self.n_blocks += 1
        return out

    def refine(self, offsets: I64, size: int, parent: I64) -> I64:
        """Copy rows of `size` cells over to cells that were cut further; the new offsets."""
        which, sample = distinct(offsets)
        out = np.zeros(len(sample), np.int64)
        for number, first in enumerate(offsets[sample].tolist()):
            out[number] = self.cells.append(self.cells.view[first : first + size][parent])
        moved: I64 = out[which]
        return moved
