"""Kernels of tries alone, against what they say that they do."""

from __future__ import annotations

from ipaddress import IPv4Network

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from part_alone import alone

from sim.classify.axes.intervals import intervals
from sim.kernels.match import tries
from sim.kernels.match.tries import nest

interval_walk = alone(tries.interval_walk)
PREFIXES = st.sets(
    st.tuples(st.integers(0, 15), st.integers(28, 32)).map(
        lambda of: (of[0] >> 32 - of[1] << 32 - of[1], of[1])
    ),
    max_size=12,
)
CROWD = [f"10.0.{n % 3}.{8 * n}/{30 + n % 3}" for n in range(24)]


@settings(max_examples=50)
@given(PREFIXES)
def test_parents_are_the_closest_prefixes_around(prefixes: set[tuple[int, int]]) -> None:
    rows = sorted(prefixes)
    first, length = (np.array([row[i] for row in rows]) for i in (0, 1))
    parent, end = (np.zeros(len(rows), np.int64) for _ in range(2))
    nest(first.astype(np.uint32), length.astype(np.uint8), np.empty(33, np.int64), parent, end)
    for i, (low, bits) in enumerate(rows):
        inside = [
            n for n, (a, b) in enumerate(rows) if b >= bits and a >> 32 - bits == low >> 32 - bits
        ]
        around = [n for n, (a, b) in enumerate(rows) if b < bits and a >> 32 - b == low >> 32 - b]
        assert parent[i] == max(around, key=lambda n: rows[n][1], default=-1)
        assert inside == [*range(i, int(end[i]))]


@pytest.mark.parametrize("texts", [["10.0.0.4/30"], CROWD], ids=["few", "many"])
def test_an_interval_begins_with_its_first_address(texts: list[str]) -> None:
    prefixes = sorted(map(IPv4Network, texts), key=lambda p: (int(p[0]), p.prefixlen))
    first = np.array([int(p[0]) for p in prefixes], np.uint32)
    length = np.array([p.prefixlen for p in prefixes], np.uint8)
    found = intervals(first, length, np.arange(1, len(prefixes) + 1, dtype=np.uint32), 0)
    assert found is not None
    ends = {int(end) for p in prefixes for end in (p[0], p[-1])}
    for address in sorted({end + step for end in ends for step in (-1, 0, 1)}):
        around = [n for n, p in enumerate(prefixes, 1) if int(p[0]) <= address <= int(p[-1])]
        wanted = max(around, key=lambda n: prefixes[n - 1].prefixlen, default=0)
        assert interval_walk(*found, np.uint32(address)) == wanted
