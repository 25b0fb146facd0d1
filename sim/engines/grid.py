"""The product of two axes, merged: rows and columns that no rule tells apart, then cells.

    f[x[row * n_columns + column] * n_y + y] = rule id, or -1

All signatures are 64-bit sums of pseudo-random weights; a second, independent one must agree before
two cells are merged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.ruleset import I64
from sim.engines.axis import Axis
from sim.engines.lists import numbered, weights

MAX_CELLS = 1 << 24
MAX_PLACES = 1 << 26
MAX_WORK = 1 << 31


@dataclass(frozen=True, slots=True)
class Grid:
    """`row[c]`, `column[c]`: merged row or column of an axis' class; the rest is in the module."""

    row: I64
    column: I64
    n_rows: int
    n_columns: int
    x: I64
    n_x: int
    f: NDArray[np.int32]
    n_y: int


def merged_cells(src: Axis, dst: Axis) -> tuple[I64, I64, I64, int] | None:
    """`row`, `column`, `x` and how many cells are left; None if the grid is too large or two
    signatures disagree."""
    from sim.kernels.paint import paint_boxes

    if src.n * dst.n > MAX_CELLS or int((src.boxes * dst.boxes).sum()) > MAX_WORK >> 4:
        return None
    source = weights(len(src.off) - 1)
    grids = [np.zeros((src.n, dst.n), np.uint64) for _ in range(2)]
    for grid in grids:
        paint_boxes(src.off, src.a, src.b, dst.off, dst.a, dst.b, next(source), grid)
    keys, check = (grid.reshape(-1) for grid in grids)
    ids, rep = numbered(keys)
    if (check != check[rep[ids]]).any():
        return None
    cells = ids.reshape(src.n, dst.n)
    row, row_rep = _merge_rows(cells)
    column, column_rep = _merge_rows(cells[row_rep].T)
    x = np.ascontiguousarray(cells[np.ix_(row_rep, column_rep)]).astype(np.int64)
    return row, column, x, len(rep)


def _merge_rows(cells: NDArray[np.int32]) -> tuple[I64, I64]:
    weight = next(weights(cells.shape[1]))
    signature = (cells.astype(np.uint64) * weight).sum(axis=1, dtype=np.uint64)
    _, rep, ids = np.unique(signature, return_index=True, return_inverse=True)
    if (cells != cells[rep[ids]]).any():
        everyone = np.arange(len(cells))
        return everyone, everyone
    return ids.astype(np.int64), rep.astype(np.int64)


def paint(
    src: Axis, dst: Axis, sets: I64, y_off: I64, y_list: I64, n_y: int, ids: I64, max_places: int
) -> Grid | None:
    """The grid of rules `ids` (the order of the axes' rules); None if it would need more than
    `max_places` values."""
    from sim.kernels.paint import paint_rules

    merged = merged_cells(src, dst)
    if merged is None or merged[3] * n_y > min(max_places, MAX_PLACES):
        return None
    row, column, x, n_x = merged
    if _painted(src, dst, sets, y_off, n_x) > MAX_WORK:
        return None
    f = np.full(n_x * n_y, -1, np.int32)
    n_rows, n_columns = x.shape
    flat = x.reshape(-1)
    paint_rules(
        src.off, src.a, src.b, dst.off, dst.a, dst.b, row, column, flat, n_columns,
        sets, y_off, y_list, n_y, ids, np.full((n_rows, 2), -1), np.full((n_columns, 2), -1),
        np.full(n_x, -1), np.empty(n_x, np.int64), f,
    )  # fmt: skip
    return Grid(row, column, n_rows, n_columns, flat, n_x, f, n_y)


def _painted(src: Axis, dst: Axis, sets: I64, y_off: I64, n_x: int) -> int:
    """An upper bound of the places that painting writes or reads."""
    src_size, dst_size = src.covered, dst.covered
    cells = np.minimum(src_size.astype(float) * dst_size, float(n_x))
    places = cells * np.diff(y_off)[sets] + src_size.astype(float) * dst_size
    return int(places.sum())
