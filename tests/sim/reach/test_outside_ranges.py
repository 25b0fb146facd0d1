"""Ranges of the outside in words, those that fare alike together."""

from __future__ import annotations

import pytest

from sim.reach.outside_ranges import Range, joined

TOP4, TOP6 = 2**32 - 1, 2**128 - 1


@pytest.mark.parametrize(
    ("ranges", "texts"),
    [
        ([(4, 0, TOP4, (1,)), (6, 0, TOP6, (1,))], ["0.0.0.0/0", "::/0"]),
        ([(4, 0, TOP4, (1,)), (6, 0, TOP6, (2,))], ["0.0.0.0/0"]),
        ([(4, 0, 1, (1,)), (4, 2, 3, (1,))], ["0.0.0.0/30"]),
        ([(4, 0, 1, (1,)), (4, 4, 7, (1,))], ["0.0.0.0/29"]),
        ([(4, 0, 1, (1,)), (4, 2, 3, (2,)), (4, 4, 7, (1,))], ["0.0.0.0/31", "0.0.0.4/30"]),
        ([(4, 1, 3, (1,))], ["0.0.0.1-0.0.0.3"]),
        ([(6, 4, 5, (1,))], ["::4/127"]),
        ([], []),
    ],
)
def test_neighbours_of_one_version_are_joined(ranges: list[Range], texts: list[str]) -> None:
    assert [*joined(ranges, (1,))] == texts
