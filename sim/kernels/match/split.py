"""Packets that another table must answer: sorted out by table, and their headers side by side.

Theory: a counting sort by table, and its inverse.
Cost: one pass each. Invariant: `off` and `at` are the two halves of a counting sort, so packets of
one table stay in their order. Answers below -1 stand for tables: `-2 - b`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import kernel

U = np.uint64


@kernel
def count_left(out: Any, begin: int, end: int, off: Any) -> None:
    """Packets `begin..end` whose answer is `-2 - b`, added to `off[b + 1]`.

    `out` i32[n], `off` i64[tables + 1].
    """
    for i in range(begin, end):
        if out[i] < -1:
            off[-1 - out[i]] += 1


@kernel
def place_left(out: Any, begin: int, end: int, at: Any, rows: Any) -> None:
    """Write each such packet of `begin..end` to `rows[at[b]]`, which moves on.

    `out` i32[n], `at` i64[tables], `rows` i64[packets left].
    """
    for i in range(begin, end):
        if out[i] < -1:
            b = -2 - out[i]
            rows[at[b]] = i
            at[b] += 1


@kernel
def take(column: Any, rows: Any, out: Any) -> None:
    """`out[k] = column[rows[k]]`.

    `column`, `out` of one dtype, [n] and [m], `rows` i64[m].
    """
    for k in range(len(rows)):
        out[U(k)] = column[U(rows[U(k)])]


@kernel
def put(values: Any, rows: Any, out: Any) -> None:
    """`out[rows[k]] = values[k]`.

    `values` i32[m], `rows` i64[m], `out` i32[n].
    """
    for k in range(len(rows)):
        out[U(rows[U(k)])] = values[U(k)]
