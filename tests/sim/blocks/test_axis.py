"""Laws of merged axes: positions share a class exactly when no key tells them apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sim.blocks.axis import SMALL, Axis, combine, distinct, partition

MANY, FEW = (0, 1, 3, 62, 63, 64, 130), (1, 2, 3, 6)


@st.composite
def tables(draw: st.DrawFn, rows: tuple[int, ...] = MANY) -> Any:
    """Rows of flags: few distinct columns, however many rows, or of chance."""
    n, width = draw(st.sampled_from(rows)), draw(st.integers(1, 12))
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    columns = chance.random((n, draw(st.integers(1, width)))) < 0.5
    return columns[:, chance.integers(0, columns.shape[1], width)]


def is_partition(of: Any, sample: Any, alike: Any) -> None:
    """Classes are numbered from 0, each has its sample, and `alike` says who shares one."""
    assert of[sample].tolist() == list(range(len(sample)))
    n = len(of)
    assert all((of[i] == of[j]) == alike(i, j) for i in range(n) for j in range(n))


@given(tables())
def test_columns_that_agree_are_one_class(rows: Any) -> None:
    of, sample = partition(rows)
    is_partition(of, sample, lambda i, j: bool((rows[:, i] == rows[:, j]).all()))


@given(tables(), st.data())
def test_what_was_apart_stays_apart(rows: Any, data: st.DataObject) -> None:
    width = rows.shape[1]
    drawn = data.draw(st.lists(st.integers(0, 2), min_size=width, max_size=width))
    _, coarse = np.unique(drawn, return_inverse=True)
    of, sample = partition(rows, coarse.astype(np.int32))
    is_partition(
        of,
        sample,
        lambda i, j: bool(coarse[i] == coarse[j] and (rows[:, i] == rows[:, j]).all()),
    )


def test_columns_of_one_sum_are_not_taken_for_one() -> None:
    """Columns of 128 flags whose sums with the first random weights agree, and that do not."""
    chance = np.random.default_rng(0)
    weights = chance.integers(1, 2**63, 2, np.uint64) * np.uint64(2) + np.uint64(1)
    first = np.array([5, 7], np.uint64)
    words = [(5 + int(weights[1])) % 2**64, (7 - int(weights[0])) % 2**64]
    second = np.array(words, np.uint64)
    assert (first * weights).sum() == (second * weights).sum()
    packed = np.stack([first, second], 1).astype("<u8")
    flags = [np.unpackbits(packed[word].view(np.uint8).reshape(2, 8), axis=1) for word in (0, 1)]
    of, sample = partition(np.concatenate([part.T for part in flags]).astype(np.bool_))
    assert of[0] != of[1]
    assert len(sample) == 2


@given(st.lists(st.integers(0, 2**40), min_size=1))
def test_values_are_numbered_in_their_order(values: list[int]) -> None:
    of, sample = distinct(np.array(values))
    known, number = np.unique(values, return_inverse=True)
    assert of.tolist() == number.tolist()
    assert [values[i] for i in sample] == known.tolist()


@given(st.data(), st.integers(1, 4), st.sampled_from([2, 9, 2**20, 2**33]))
def test_positions_that_agree_everywhere_are_one(data: st.DataObject, many: int, top: int) -> None:
    n = data.draw(st.integers(1, 8))
    number = st.integers(0, 3).map(lambda x: x * (top // 4))
    columns = [
        np.array(data.draw(st.lists(number, min_size=n, max_size=n)), np.int64) for _ in range(many)
    ]
    of, sample = combine(columns)
    is_partition(of, sample, lambda i, j: all(c[i] == c[j] for c in columns))
    assert SMALL < 2**20


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
