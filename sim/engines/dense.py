"""The dense engine: one grid of source × destination × L4 classes for a table without a key."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from compiler.ruleset import I64, RuleSet
from sim.engines.arena import pack
from sim.engines.axis import ROOT_16, Axis, axis, chunks, merge, stride_trie
from sim.engines.grid import Grid, paint
from sim.engines.l4 import L4Classes, Narrow
from sim.engines.lists import distinct_lists, members

LARGE = 1 << 20


class DenseTables(NamedTuple):
    """What `sim.kernels.dense` reads; see there and `sim.engines.l4`."""

    src: NDArray[np.uint32]
    dst: NDArray[np.uint32]
    sport: Narrow
    dport: Narrow
    meta: Narrow
    n_meta: np.uint32
    uses_sport: bool
    uses_meta: bool
    y: NDArray[np.uint16]
    x: NDArray[np.uint32]
    f: NDArray[np.int32]
    large: bool


def merged_axis(prefixes: Any) -> Axis:
    """An axis whose classes are merged where no list tells them apart."""
    cut = axis(prefixes)
    keys = prefixes.first.astype(np.uint64) << np.uint64(6) | prefixes.length
    distinct, items = members(keys)
    return merge(cut, distinct_lists(prefixes.off, items, len(distinct)))


def dense_tables(rules: RuleSet, ids: I64, l4: L4Classes, budget: int) -> DenseTables | None:
    """Tables of IPv4 rules; None if they would need more than `budget` bytes."""
    src, dst = merged_axis(rules.src4), merged_axis(rules.dst4)
    room = budget - 4 * (65536 + 256) * 2 - 1024 * (chunks(src, ROOT_16) + chunks(dst, ROOT_16))
    if room <= 4 * src.n * dst.n:
        return None
    grid = paint(src, dst, l4.set_of, l4.y_off, l4.y_list, l4.n_y, ids, room // 4)
    return None if grid is None else pack(_tables(src, dst, l4, grid))


def _tables(src: Axis, dst: Axis, l4: L4Classes, grid: Grid) -> DenseTables:
    return DenseTables(
        stride_trie(src, grid.row * grid.n_columns),
        stride_trie(dst, grid.column),
        l4.sport,
        l4.dport,
        l4.meta,
        np.uint32(l4.n_meta),
        l4.uses_sport,
        l4.uses_meta,
        l4.y,
        (grid.x * grid.n_y).astype(np.uint32),
        grid.f,
        bool(grid.f.nbytes + 4 * len(grid.x) > LARGE),
    )
