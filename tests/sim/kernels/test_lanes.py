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
from sim.kernels.pairs import add_pair

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


@jit
def ordered(hi: Any, lo: Any, at: Any, than: Any, out: Any) -> None:
    i, j = lanes.load(at, U(0)), lanes.load(than, U(0))
    gather = long_lanes.gather_long
    after = long_lanes.after(gather(hi, i), gather(lo, i), gather(hi, j), gather(lo, j))
    lanes.store(out, U(0), after)


@jit
def added(sums: Any, at: Any, terms: Any, of: Any) -> None:
    add_pair(sums, at, terms, of)


@given(st.lists(st.integers(0, 2**64 - 1), min_size=3, max_size=3), st.integers(0, 2**32))
def test_long_lanes_are_gathered_and_compared(words: list[int], seed: int) -> None:
    """Of few distinct halves, so that many numbers are equal in one half or both."""
    rng, out = np.random.default_rng(seed), np.zeros(8, W)
    hi, lo = rng.choice(np.array(words, U), (2, 40))
    at, than = rng.integers(0, 40, (2, 8)).astype(W)
    ordered(hi, lo, at, than, out)
    numbers = [int(h) << 64 | int(w) for h, w in zip(hi, lo, strict=True)]
    assert [x != 0 for x in out] == [numbers[i] > numbers[j] for i, j in zip(at, than, strict=True)]
    halves = [plain_lanes.gather_long(half, i) for i in (at, than) for half in (hi, lo)]
    assert np.array_equal(out, plain_lanes.after(*halves))


@given(st.integers(0, 3), st.integers(0, 3), st.integers(0, 2**32))
def test_pairs_are_added_where_they_belong(at: int, of: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    sums, terms = rng.integers(0, 2**62, (2, 8)).astype(U)
    wanted = sums.copy()
    wanted[2 * at : 2 * at + 2] += terms[2 * of : 2 * of + 2]
    added(sums, U(2 * at), terms, U(2 * of))
    assert np.array_equal(sums, wanted)


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
