"""L4 classes that also tell a changed block's rules apart, without looking at any other rule.

The classes of the whole table and those of the block alone are intersected: axis by axis, then cell
by cell. Every new class lies in one old class (`parent`), so the tables of other blocks follow by
one look-up. Classes never merge here; laying out a table anew does that.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.classify.l4_classes import MAX_CELLS, MAX_CLASSES, L4Classes, as_lists, held_by, narrow
from sim.classify.ruleset import I64


def refine(old: L4Classes, new: L4Classes) -> tuple[L4Classes, I64] | None:
    """The common refinement, with the sets of `new`, and the old class of each class; None if a
    table would be too large."""
    sport, a_old, a_new = _joint(old.sport, new.sport)
    dport, b_old, b_new = _joint(old.dport, new.dport)
    meta, c_old, c_new = _joint(old.meta, new.meta)
    if len(a_old) * len(b_old) > min(MAX_CLASSES, MAX_CELLS // len(c_old)):
        return None
    z_old = _cells(a_old * old.n_dport, b_old, c_old, old.n_meta)
    z_new = _cells(a_new * new.n_dport, b_new, c_new, new.n_meta)
    key = old.y[z_old].astype(np.int64) * new.n_y + new.y[z_new]
    classes, y = np.unique(key, return_inverse=True)
    if len(classes) > MAX_CLASSES:
        return None
    parent, child = np.divmod(classes, new.n_y)
    off, members = as_lists(held_by(new, np.arange(len(new.y_off) - 1))[:, child])
    uses_meta = old.uses_meta or new.uses_meta
    return L4Classes(
        *narrow(sport, dport, meta, len(a_old) > 1, uses_meta),
        len(b_old),
        len(c_old),
        y.astype(np.uint16),
        len(classes),
        new.set_of,
        off,
        members,
        len(a_old) > 1,
        uses_meta,
    ), parent


def _joint(old: NDArray[Any], new: NDArray[Any]) -> tuple[I64, I64, I64]:
    """Classes of pairs of classes: table, and the old and new class of each."""
    size = max(len(old), len(new))
    old, new = (np.repeat(table, size // len(table)) for table in (old, new))
    n = int(new.max()) + 1
    key = old.astype(np.int64) * n + new
    present = np.bincount(key) > 0
    number = np.cumsum(present) - 1
    kept = np.flatnonzero(present)
    return number[key], kept // n, kept % n


def _cells(a: I64, b: I64, c: I64, n_meta: int) -> I64:
    cells: I64 = ((a[:, None, None] + b[None, :, None]) * n_meta + c[None, None, :]).reshape(-1)
    return cells
