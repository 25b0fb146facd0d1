"""Tables of flags with few distinct columns, and what a partition is."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

MANY = (0, 1, 3, 62, 63, 64, 130)


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
