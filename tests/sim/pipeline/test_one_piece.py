"""Arrays that move together stay what they are."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sim.pipeline.one_piece import FEW, LARGE, LINE, in_one_piece


class Some(NamedTuple):
    a: Any
    b: Any
    c: Any
    large: Any


def test_arrays_keep_values_types_and_shapes_and_do_not_overlap() -> None:
    rng = np.random.default_rng(0)
    large, few = np.zeros(LARGE, np.uint8), in_one_piece(Some(*[np.zeros(9, np.uint8)] * 4))
    assert few.a.nbytes == 9
    some = Some(
        rng.integers(0, 9, 7).astype(np.uint8),
        rng.integers(0, 9, (3, 5)).astype(np.uint64),
        rng.integers(0, 9, FEW // 2 + 1).astype(np.int16),
        large,
    )
    moved = in_one_piece(some)
    assert type(moved) is Some
    assert moved.large is large
    for before, after in zip(some[:3], moved[:3], strict=True):
        assert np.array_equal(before, after)
        assert (before.dtype, before.shape) == (after.dtype, after.shape)
        assert after.ctypes.data % LINE == 0
        assert after.flags.writeable
    assert not np.shares_memory(moved.a, moved.b)
    assert not np.shares_memory(moved.b, moved.c)
    moved.a[:] = 100
    assert moved.b.max() < 9
