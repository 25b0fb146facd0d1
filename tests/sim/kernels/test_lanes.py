"""Lanes as compiled are what plain Python says of them (`sim.kernels.match.plain_lanes`)."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.kernels import config
from sim.kernels.match import lanes, long_lanes, plain_lanes

U, W = np.uint64, np.uint32
WORD = st.one_of(st.integers(0, 2**32 - 1), st.sampled_from([0, 1, 2**31, 2**32 - 1]))
EIGHT = st.lists(WORD, min_size=8, max_size=8)
jit = numba.njit

if config.DISABLE_JIT:
    pytest.skip("compiled lanes and plain ones are the same here", allow_module_level=True)


@jit
def compared(a: Any, b: Any, out: Any) -> None:
    x, y = lanes.load(a, U(0)), lanes.load(b, U(0))
    lanes.store(out[0], U(0), lanes.same(x, y))
    lanes.store(out[1], U(0), lanes.below(x, y))
    lanes.store(out[2], U(0), lanes.pick(lanes.below(x, y), x, y))
    lanes.store(out[3], U(0), lanes.least(x, y))
    lanes.store(out[4], U(0), lanes.at_most(x, y))
    out[5, 0] = lanes.bits(lanes.below(x, y))


@jit
def widened(a: Any, b: Any, factor: Any, out: Any) -> None:
    word = long_lanes.join(lanes.load(a, U(0)), lanes.load(b, U(0)))
    word = (word ^ (word >> U(33))) * factor + word
    lanes.store(out[0], U(0), long_lanes.low_half(word))
    lanes.store(out[1], U(0), long_lanes.low_half(word >> U(32)))


@jit
def moved(words: Any, narrow: Any, tiny: Any, index: Any, out: Any) -> None:
    at = lanes.load(index, U(0))
    lanes.store(out[0], U(0), lanes.load_low(words, U(1)))
    lanes.store(out[1], U(0), lanes.load_high(words, U(1)))
    lanes.store(out[2], U(0), lanes.gather(narrow, at))
    lanes.store(narrow, U(3), at)
    lanes.store(tiny, U(3), at)


@given(EIGHT, EIGHT)
def test_lanes_are_compared(a: list[int], b: list[int]) -> None:
    x, y, out = np.array(a, W), np.array(b, W), np.zeros((6, 8), W)
    x[::3] = y[::3]
    compared(x, y, out)
    below = plain_lanes.below(x, y)
    said = (
        plain_lanes.same(x, y),
        below,
        plain_lanes.pick(below, x, y),
        plain_lanes.least(x, y),
        plain_lanes.at_most(x, y),
    )
    assert np.array_equal(out[:5], said)
    assert out[5, 0] == plain_lanes.bits(below)


@given(EIGHT, EIGHT, st.integers(0, 2**64 - 1))
def test_long_lanes_multiply(a: list[int], b: list[int], factor: int) -> None:
    x, y, out = np.array(a, W), np.array(b, W), np.zeros((2, 8), W)
    widened(x, y, U(factor), out)
    word = plain_lanes.join(x, y)
    word = (word ^ (word >> U(33))) * U(factor) + word
    assert np.array_equal(out, [plain_lanes.low_half(word), plain_lanes.low_half(word >> U(32))])


@given(st.lists(st.integers(0, 2**64 - 1), min_size=9, max_size=9), st.integers(0, 2**32))
def test_lanes_are_loaded_gathered_and_cut(words: list[int], seed: int) -> None:
    rng, out = np.random.default_rng(seed), np.zeros((3, 8), W)
    column, narrow = np.array(words, U), rng.integers(0, 1 << 15, 40).astype(np.int16)
    tiny, index = np.zeros(12, np.uint8), rng.integers(0, 40, 8).astype(W)
    found = plain_lanes.gather(narrow, index)
    moved(column, narrow, tiny, index, out)
    low, high = plain_lanes.load_low(column, 1), plain_lanes.load_high(column, 1)
    assert np.array_equal(out, [low, high, found])
    for cut in (narrow, tiny):
        assert np.array_equal(cut[3:11], index.astype(cut.dtype))
    assert not tiny[:3].any()
    assert not tiny[11:].any()
