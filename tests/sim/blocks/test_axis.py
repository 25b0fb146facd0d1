"""Laws of merged axes: positions share a class exactly when no key tells them apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from flag_tables import is_partition, tables
from hypothesis import given
from hypothesis import strategies as st

from sim.blocks.axis import Axis

FEW = (1, 2, 3, 6)


@given(tables(FEW), tables(FEW))
def test_keys_hold_what_they_were_given(first: Any, second: Any) -> None:
    """Also those of before, after others have come; and classes are as few as keys allow."""
    width = min(first.shape[1], second.shape[1])
    masks = [(("first", i), row[:width]) for i, row in enumerate(first)]
    more = [(("second", i), row[:width]) for i, row in enumerate(second)]
    axis = Axis.plain(width).add(masks).add(more)
    for key, mask in (*masks, *more):
        assert axis.rows[axis.keys[key]][axis.of].tolist() == mask.tolist()
    rows = np.stack([mask for _, mask in (*masks, *more)])
    is_partition(axis.of, axis.sample, lambda i, j: bool((rows[:, i] == rows[:, j]).all()))


@given(tables(FEW), st.data())
def test_positions_that_were_cut_keep_their_class(rows: Any, data: st.DataObject) -> None:
    width = rows.shape[1]
    axis = Axis.plain(width).add([(i, row) for i, row in enumerate(rows)])
    times = data.draw(st.lists(st.integers(1, 3), min_size=width, max_size=width))
    parent = np.repeat(np.arange(width), times)
    moved = axis.moved(parent)
    assert moved.of.tolist() == axis.of[parent].tolist()
    assert moved.of[moved.sample].tolist() == list(range(len(axis.sample)))
