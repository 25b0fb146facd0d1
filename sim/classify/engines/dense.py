"""The dense engine: one grid of source × destination × L4 classes for a table without a key."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.classify.axes.address_axis import stride_trie
from sim.classify.axes.cell_grid import MAX_CELLS, MAX_PLACES, MAX_WORK, Cells, painted, work
from sim.classify.axes.classes import Classes
from sim.classify.axes.l4_classes import L4Classes, Narrow
from sim.classify.engines.pages import pack
from sim.classify.engines.plan import values_for
from sim.classify.ruleset import I64


class DenseTables(NamedTuple):
    """What `sim.kernels.match.dense` reads; see there.

    `src`, `dst` u32[256 x chunks], tries of 16, 8 and 8 bits (`sim.kernels.match.tries`);
    `sport` u8|u16[65,536, or 1 where no rule looks at it], `dport` u8|u16[65,536], `meta`
    u8|u16[256, or 65,536 with further fields], `y` u16[raw combinations of the three]
    (`sim.classify.axes.l4_classes`);
    `x` u32[rows x columns], `f` i32[different cells x L4 classes].
    """

    src: NDArray[np.uint32]
    dst: NDArray[np.uint32]
    sport: Narrow
    dport: Narrow
    meta: Narrow
    n_dport: np.uint32
    n_meta: np.uint32
    uses_sport: bool
    uses_meta: bool
    y: NDArray[np.uint16]
    x: NDArray[np.uint32]
    f: NDArray[np.int32]


def dense_room(classes: Classes, budget: int, most: float) -> int:
    """How many different cells a table may have that takes `budget` bytes at most and costs `most`
    nanoseconds per packet."""
    cells, room = 4 * classes.n_cells, budget - classes.trie_bytes - classes.l4_bytes
    if room <= cells or classes.n_cells > MAX_CELLS or classes.l4 is None:
        return 0
    room = min(room - cells, values_for(most, cells), 4 * MAX_PLACES)
    return room // 4 // classes.l4.n_y


def dense_tables(cells: Cells, l4: L4Classes, ids: I64) -> DenseTables | None:
    """Tables of rules whose merged cells are known; None if painting them takes too long."""
    if work(cells, l4.set_of, l4.y_off) > MAX_WORK:
        return None
    grid = painted(cells, l4.set_of, l4.y_off, l4.y_list, l4.n_y, ids)
    return pack(DenseTables(
        stride_trie(cells.src, np.arange(grid.n_rows) * grid.n_columns),
        stride_trie(cells.dst, np.arange(grid.n_columns)),
        l4.sport,
        l4.dport,
        l4.meta,
        np.uint32(l4.n_dport),
        np.uint32(l4.n_meta),
        l4.uses_sport,
        l4.uses_meta,
        l4.y,
        grid.x.view(np.uint32) * np.uint32(grid.n_y),
        grid.f,
    ))  # fmt: skip
