"""What the steps of the datapath read of `Tables` in 32 bits, eight packets at a time.

Derived of the tables alone. Theory: the plain case of each step is one line or one word per packet;
whoever is not plain has a mark there, and the step reads the tables themselves.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fabric.diagnostics import MachineError
from sim.blocks.end_words import WIDTH_BITS
from sim.pipeline.cell_rows import CellRows, cell_rows
from sim.pipeline.tables import Tables

U32 = NDArray[np.uint32]
NOBODY = 2**32 - 1


class LaneTables(NamedTuple):
    """`ends` has a line of words per direction and endpoint (`sim.blocks.end_words`); `cell_row`,
    `pool` are those of `sim.pipeline.cell_rows`; `exact` are the tables' slots in words; `base`
    where the atoms of each VRF begin, `v4_off`, `v6_off` where its starts do; `set_vtep`, `set_vrf`
    the one member of each next-hop set, after a first one that is nobody's (`NOBODY`: of several,
    or none); `cut` is 1 where the underlay has no way between some VTEPs."""

    ends: U32
    cell_row: NDArray[Any]
    pool: NDArray[np.uint16]
    exact: U32
    exact_shift: U32
    base: U32
    v4_off: U32
    v6_off: U32
    set_vtep: U32
    set_vrf: U32
    cut: U32


def lane_tables(tables: Tables) -> LaneTables:
    """The same world in 32 bits; `MachineError` where it has more cells than that."""
    for name in ("cell_class", "l4_class", "f", "fib", "exact", "atom_endpoint"):
        if 2 * getattr(tables, name).size >= NOBODY:
            raise MachineError(
                f"the datapath holds at most 2**31 words of a table; {name} has more"
            )
    vtep, vrf = members(tables)
    cells = cell_rows(tables)
    return LaneTables(
        lines(tables, cells),
        cells.row,
        cells.pool,
        tables.exact.view(np.uint32),
        tables.exact_shift.astype(np.uint32),
        tables.atom_base.astype(np.uint32),
        tables.v4_off.astype(np.uint32),
        tables.v6_off.astype(np.uint32),
        vtep,
        vrf,
        np.array([is_cut(tables)], np.uint32),
    )


def lines(tables: Tables, cells: CellRows) -> U32:
    """A line of words per direction and endpoint (`sim.blocks.end_words`)."""
    t = tables
    vrf, vtep = t.ep_vrf, np.where(t.ep_several < 0, t.ep_vtep, -1)
    remotes = t.remote_count[vrf].astype(np.int64) << WIDTH_BITS
    words = [
        np.stack(
            [
                *(t.ep_fib, vtep, vrf, cells.pool_off[b]),
                *(cells.row_off[b], t.l4_off[b], t.f_off[b], t.n_l4[b] | remotes),
            ],
            1,
        )
        for b in t.ep_block
    ]
    return np.concatenate(words).astype(np.uint32).reshape(-1)


def members(tables: Tables) -> tuple[U32, U32]:
    """VTEP and VRF of the only member of each next-hop set."""
    width = np.diff(tables.set_off)
    one = np.append(False, width == 1)
    first = np.append(0, np.minimum(tables.set_off[:-1], len(tables.set_vtep) - 1))
    vtep, vrf = (np.where(one, of[first], -1) for of in (tables.set_vtep, tables.set_vrf))
    return vtep.astype(np.uint32), vrf.astype(np.uint32)


def is_cut(tables: Tables) -> bool:
    """Whether the underlay lacks a way from one VTEP of endpoints or routes to another."""
    t, n = tables, len(tables.node_seed)
    if len(t.hop_off) <= n * n:
        return True
    several = t.entry if (t.ep_several >= 0).any() else t.entry[:0]
    vtep = np.unique(np.concatenate([t.ep_vtep, t.set_vtep, several]))
    tunnel = vtep[:, None].astype(np.int64) * n + vtep
    none = t.hop_off[tunnel] == t.hop_off[tunnel + 1]
    return bool((none & (vtep[:, None] != vtep)).any())
