"""One block of a keyed table: the rules for one key, as a grid of their own classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.blocks.numbering import distinct
from sim.classify.axes.address_axis import ROOT_8, Axis, axis, chunks
from sim.classify.axes.cell_grid import CellGrid, paint
from sim.classify.axes.l4_classes import L4Classes, as_lists, held_by
from sim.classify.axes.lists import merge_columns
from sim.classify.ruleset import I64, RuleSet

NOTHING = np.zeros(0, np.int64)
NO_AXIS = Axis(
    np.zeros(0, np.uint32),
    np.zeros(0, np.uint8),
    NOTHING,
    NOTHING,
    NOTHING,
    1,
    np.zeros(1, np.int64),
)


@dataclass(frozen=True, slots=True)
class Block:
    """The axes, grid and L4 classes of one key. A block that is `elsewhere` has one value, -2 minus
    its number, for everything."""

    src: Axis
    dst: Axis
    grid: CellGrid
    local: NDArray[np.uint16]
    elsewhere: bool

    @property
    def cells(self) -> int:
        """Source × destination combinations."""
        return self.grid.n_rows * self.grid.n_columns

    @property
    def places(self) -> int:
        """Values, with equal cells merged."""
        return self.grid.n_x * self.grid.n_y

    @property
    def direct_places(self) -> int:
        """Values if cells are not merged."""
        return self.cells * self.grid.n_y

    @property
    def chunks(self) -> int:
        """Chunks of its tries, without their roots."""
        return chunks(self.src, ROOT_8) + chunks(self.dst, ROOT_8)

    @property
    def nbytes(self) -> int:
        """Bytes in the tables, at most."""
        return 4 * self.direct_places + 1024 * (2 + self.chunks) + self.local.nbytes


def build_block(
    rules: RuleSet, which: I64, ids: I64, l4: L4Classes, number: int, max_places: int
) -> Block:
    """The block of these rules; `elsewhere` if it needs more than `max_places` values."""
    part = rules.take(which)
    own = l4.set_of[which]
    used, sample = distinct(own)
    held = held_by(l4, own[sample])
    local, rep = merge_columns(held)
    n_local = len(rep)
    y_off, y_list = as_lists(held[:, rep])
    src, dst = axis(part.src4), axis(part.dst4)
    grid = paint(src, dst, used.astype(np.int64), y_off, y_list, n_local, ids[which], max_places)
    if grid is None or grid.n_rows * grid.n_columns * n_local > max_places:
        return elsewhere(number, l4.n_y)
    return Block(src, dst, grid, local.astype(np.uint16), False)


def elsewhere(number: int, n_y: int) -> Block:
    """A block that sends every packet to the engine of block `number`."""
    grid = CellGrid(1, 1, np.zeros(1, np.int32), 1, np.array([-2 - number], np.int32), 1)
    return Block(NO_AXIS, NO_AXIS, grid, np.zeros(n_y, np.uint16), True)
