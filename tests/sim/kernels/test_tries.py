"""Kernels of tries alone, against what they say that they do."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.kernels.match.tries import nest

PREFIXES = st.sets(
    st.tuples(st.integers(0, 15), st.integers(28, 32)).map(
        lambda of: (of[0] >> 32 - of[1] << 32 - of[1], of[1])
    ),
    max_size=12,
)


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
