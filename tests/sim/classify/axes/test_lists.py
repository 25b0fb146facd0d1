"""Laws of numbering: equal things share a number, others do not, and numbers have an order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.classify.axes.lists import distinct_lists, distinct_rows, in_order, members, numbered

KEYS = st.one_of(
    st.lists(st.integers(0, 2**64 - 1)),
    st.lists(st.sampled_from([0, 1, 2**32, 2**32 + 1, 2**63, 2**64 - 1])),
)


def by_appearance(keys: list[Any]) -> list[int]:
    """The number of each key: how many others came first."""
    known: dict[Any, int] = {}
    return [known.setdefault(key, len(known)) for key in keys]


@given(KEYS)
def test_keys_are_numbered_as_they_appear(keys: list[int]) -> None:
    ids, rep = numbered(np.array(keys, np.uint64))
    assert ids.tolist() == by_appearance(keys)
    assert [ids[place] for place in rep] == list(range(len(set(keys))))


@pytest.mark.parametrize("n", [2047, 2049, 40_000])
def test_many_keys_do_not_run_out_of_room(n: int) -> None:
    chance = np.random.default_rng(n)
    keys = chance.integers(0, 2**64, n, np.uint64)
    keys = np.concatenate([keys, keys[::-1]])
    ids, rep = numbered(keys)
    assert ids.tolist() == by_appearance(keys.tolist())
    assert len(rep) == len(np.unique(keys))


@given(KEYS)
def test_keys_are_sorted_and_equal_ones_stay_as_they_stood(keys: list[int]) -> None:
    found, at = in_order(np.array(keys, np.uint64))
    order = sorted(range(len(keys)), key=lambda i: keys[i])
    assert at.tolist() == order
    assert found.tolist() == [keys[i] for i in order]


@given(KEYS)
def test_members_are_numbered_in_their_order(keys: list[int]) -> None:
    distinct, ids = members(np.array(keys, np.uint64))
    assert distinct.tolist() == sorted(set(keys))
    assert [distinct[i] for i in ids] == keys


@given(st.lists(st.lists(st.integers(0, 4), max_size=4), min_size=1))
def test_equal_lists_share_an_id_and_others_do_not(lists: list[list[int]]) -> None:
    off = np.cumsum([0, *map(len, lists)])
    items = np.array([x for found in lists for x in found], np.int64)
    found = distinct_lists(off, items, 5)
    for i, one in enumerate(lists):
        assert lists[found.sample[found.of[i]]] == one
        for k, other in enumerate(lists):
            assert (found.of[i] == found.of[k]) == (one == other)


@given(st.lists(st.tuples(*[st.integers(0, 2)] * 3), min_size=1), st.integers(1, 3))
def test_rows_that_agree_in_every_column_share_an_id(
    rows: list[tuple[int, ...]], width: int
) -> None:
    columns = [np.array([row[k] for row in rows], np.int64) for k in range(width)]
    found = distinct_rows(columns)
    cut = [row[:width] for row in rows]
    assert found.of.tolist() == by_appearance(cut)
    assert [cut[place] for place in found.sample] == list(dict.fromkeys(cut))
