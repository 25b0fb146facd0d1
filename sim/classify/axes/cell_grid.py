"""The product of two axes with equal cells merged: those that no rule tells apart.

    f[x[row, column] * n_y + y] = rule id, or -1

Cells are compared by two independent 64-bit sums of pseudo-random weights of the rules that cover
them. Rows and columns need no merging: classes of an axis lie in different lists, and so in
different rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.blocks.numbering import weights
from sim.classify.axes.address_axis import Axis
from sim.classify.ruleset import I64

MAX_CELLS = 1 << 24
MAX_PLACES = 1 << 26
MAX_WORK = 1 << 31
FEW = 1 << 12


@dataclass(frozen=True, slots=True)
class Cells:
    """`x[row, column]`: the merged cell; `count[cell]`: the sum of `times` of the rules there."""

    src: Axis
    dst: Axis
    x: NDArray[np.int32]
    n_x: int
    count: I64


@dataclass(frozen=True, slots=True)
class CellGrid:
    """See the module; `x` is flat."""

    n_rows: int
    n_columns: int
    x: NDArray[np.int32]
    n_x: int
    f: NDArray[np.int32]
    n_y: int


def merged_cells(src: Axis, dst: Axis, most: int, times: I64 | None = None) -> Cells | None:
    """The merged cells of rules, `times[r]` records each; None if there are more than `most`, or
    the grid is too large."""
    from sim.kernels.match.paint import merge_cells

    if src.n * dst.n > MAX_CELLS or int((src.boxes * dst.boxes).sum()) > MAX_WORK >> 4:
        return None
    n = len(src.boxes)
    weight = np.zeros((3, n), np.uint64)
    for number, own in zip(range(2), weights(n), strict=False):
        weight[number] = own
    weight[2] = 0 if times is None else times
    off, events = _events(src)
    x, most = np.empty((src.n, dst.n), np.int32), min(most, src.n * dst.n)
    keys = np.empty((3, max(most, 0)), np.uint64)
    slots, n_x = FEW, -1
    while n_x == -1:
        delta, above = np.zeros((2, 3, dst.n + 1), np.uint64)
        table = np.full(slots, -1, np.int32)
        shape = (off, events, boxes(dst), weight, delta, above, table, keys, x)
        n_x = int(merge_cells(*shape))
        slots <<= 3
    return None if n_x < 0 else Cells(src, dst, x, n_x, keys[2, :n_x].astype(np.int64))


def boxes(cut: Axis) -> Any:
    """The intervals of an axis as kernels take them."""
    from sim.kernels.match.paint import Boxes

    return Boxes(cut.off, cut.a, cut.b)


def _events(cut: Axis) -> tuple[I64, I64]:
    """By class of an axis the rules whose boxes begin and end there; see `merge_cells`."""
    rule = np.repeat(np.arange(len(cut.off) - 1), np.diff(cut.off))
    at = np.concatenate([cut.a, cut.b])
    order = np.argsort(at, kind="stable")
    off = np.searchsorted(at[order], np.arange(cut.n + 1))
    return off, np.concatenate([2 * rule, 2 * rule + 1])[order]


def paint(
    src: Axis, dst: Axis, sets: I64, y_off: I64, y_list: I64, n_y: int, ids: I64, max_places: int
) -> CellGrid | None:
    """The grid of rules `ids` (the order of the axes' rules), whose L4 sets are as in
    `sim.classify.axes.l4_classes`; None if it would need more than `max_places` values or take too
    long."""
    cells = merged_cells(src, dst, min(max_places, MAX_PLACES) // n_y)
    if cells is None or work(cells, sets, y_off) > MAX_WORK:
        return None
    return painted(cells, sets, y_off, y_list, n_y, ids)


def work(cells: Cells, sets: I64, y_off: I64) -> int:
    """An upper bound of the places that painting these rules writes or reads."""
    covered = cells.src.covered.astype(float) * cells.dst.covered
    places = np.minimum(covered, float(cells.n_x)) * np.diff(y_off)[sets] + covered
    return int(places.sum())


def painted(cells: Cells, sets: I64, y_off: I64, y_list: I64, n_y: int, ids: I64) -> CellGrid:
    """The grid of rules whose merged cells are known."""
    from sim.kernels.match.paint import paint_rules

    src, dst, n_x = cells.src, cells.dst, cells.n_x
    f = np.full(n_x * n_y, -1, np.int32)
    paint_rules(
        boxes(src), boxes(dst), cells.x, sets, y_off, y_list, n_y, ids, np.full(n_x, -1), f
    )  # fmt: skip
    return CellGrid(src.n, dst.n, cells.x.reshape(-1), n_x, f, n_y)
