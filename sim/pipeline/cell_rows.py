"""The classes of cells as the datapath reads them: rows that are alike are one.

A block has a class for each cell, an atom of the far address seen behind a VRF
(`sim.blocks.blocks`): a matrix, nearly all of whose rows are equal, since an atom is mostly the
same behind all VRFs, and many atoms are alike. So a block's atoms name rows, and rows are shared by
all blocks of as many VRFs: on the large fabric 3 MB that fit the caches, not 45 MB that do not.

Theory: `class = pool[pool_off[b] + row[row_off[b] + atom] * VRFs + VRF]`. Rows are told apart by a
hash of 64 bits and then compared, cell by cell. Cost: a few passes over all cells.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.blocks.numbering import distinct, same_rows
from sim.pipeline.tables import Tables

I64 = NDArray[np.int64]
FACTOR = np.uint64(0x9E3779B97F4A7C15)
NARROW = 1 << 16
"""Rows that two bytes can tell apart."""


class CellRows(NamedTuple):
    """See above; offsets are per block, `row` is uint16 where that is enough, else uint32."""

    row_off: I64
    row: NDArray[Any]
    pool_off: I64
    pool: NDArray[np.uint16]


def cell_rows(tables: Tables) -> CellRows:
    """Those of a world."""
    t = tables
    if len(t.atom_base) < 2 or not len(t.remote_count):
        none = np.zeros(len(t.cell_off), np.int64)
        return CellRows(none, np.zeros(1, np.uint16), none, np.zeros(1, np.uint16))
    vrf, bound = np.zeros(len(t.cell_off), np.int64), np.zeros(len(t.cell_off), np.int64)
    for blocks in t.ep_block:
        vrf[blocks], bound[blocks] = t.ep_vrf, 1
    # an update leaves blocks that nobody is bound to any more: of which VRF they were is not known
    atoms = np.diff(t.atom_base)[vrf] * bound
    shapes = np.stack([t.remote_count[vrf], atoms, t.cell_off], 1)
    of, sample = same_rows([*shapes.T])
    kinds = shapes[sample]
    begin = np.cumsum(np.append(0, kinds[:-1, 1]))
    row, pools = np.zeros(int(kinds[:, 1].sum()), np.uint32), [np.zeros(0, np.uint16)]
    pool_off = np.zeros(len(kinds), np.int64)
    for count in np.unique(kinds[:, 0]).tolist():
        mine = np.flatnonzero(kinds[:, 0] == count)
        cells = np.concatenate(
            [t.cell_class[at : at + n * count] for _, n, at in kinds[mine].tolist()]
        ).reshape(-1, max(count, 1))
        number, shown = alike(cells)
        where = np.concatenate([np.arange(begin[k], begin[k] + kinds[k, 1]) for k in mine])
        row[where] = number
        pool_off[mine] = sum(map(len, pools))
        pools.append(cells[shown].reshape(-1))
    narrow = row if row.max(initial=0) >= NARROW else row.astype(np.uint16)
    return CellRows(begin[of], _some(narrow), pool_off[of], _some(np.concatenate(pools)))


def alike(rows: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The number of each row, and a row of each number; rows that are equal have one number."""
    hashed = np.zeros(len(rows), np.uint64)
    for column in rows.T:
        hashed = (hashed ^ column) * FACTOR
        hashed ^= hashed >> np.uint64(32)
    if len(rows):
        of, shown = distinct(hashed)
        if (rows == rows[shown[of]]).all():
            return of, shown
    of, shown = same_rows(list(rows.T))
    return of, shown


def _some(array: NDArray[Any]) -> NDArray[Any]:
    return array if len(array) else np.zeros(1, array.dtype)
