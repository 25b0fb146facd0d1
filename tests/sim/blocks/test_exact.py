"""The table of single addresses: what is put in is found, and putting in comes to an end."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from types import FrameType

import numpy as np
import pytest

from sim.blocks.exact import build, patched

SECONDS = 2.0


@pytest.fixture(autouse=True)
def ends() -> Iterator[None]:
    """A search without a free slot would go round for ever."""

    def late(_: int, __: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGVTALRM, late)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    yield
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


@pytest.mark.parametrize("many", [0, 1, 7, 40, 3000])
def test_every_row_is_in_the_table_once(many: int) -> None:
    rows = np.zeros((many, 4), np.uint64)
    rows[:, 0], rows[:, 2], rows[:, 3] = np.arange(many), 4, np.arange(many) + 1
    table, _ = build(rows)
    assert sorted(map(tuple, table[table[:, 3] > 0].tolist())) == [*map(tuple, rows.tolist())]
    assert 2 * many <= len(table)


def test_a_row_is_put_in_the_place_of_that_with_its_key() -> None:
    rows = np.array([[1, 0, 4, 1], [2, 0, 4, 2]], np.uint64)
    found = patched(*build(rows), np.array([[2, 0, 4, 9], [3, 0, 4, 3]], np.uint64))
    assert found is not None
    assert sorted(found[found[:, 3] > 0].tolist()) == [[1, 0, 4, 1], [2, 0, 4, 9], [3, 0, 4, 3]]
