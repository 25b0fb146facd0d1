"""Interval tables: longest-prefix match for large sets of prefixes (`sim.kernels.match.tries`)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.classify.axes.address_axis import DEPTH
from sim.classify.axes.lists import numbered

CROWDS = 4, 16, 64
TABLE_BYTES = 1 << 23
MAX_BASE = 1 << 23
ROOT = 1 << 16


U64 = NDArray[np.uint64]


class Intervals(NamedTuple):
    """`table` maps an address' block to `base << 8 | count - 1`; `low`, `value` the intervals.
    Crowded blocks are cut by the next eight bits, twice at most: those of more than 4 intervals if
    the table then takes `TABLE_BYTES` at most, else of more than 16 or 64."""

    table: NDArray[np.uint32]
    low: NDArray[np.uint16]
    value: NDArray[np.uint32]


def intervals(
    first: NDArray[np.uint32], length: NDArray[np.uint8], value: NDArray[np.uint32], outside: int
) -> Intervals | None:
    """A table of prefixes in preorder; None if there are more than 2**23 intervals. Blocks of one
    interval share a place per value, so that they stay in the caches."""
    from sim.kernels.match.tries import fill_blocks, sweep

    start = np.empty(2 * len(first) + 2, np.uint64)
    values = np.empty(len(start), np.uint32)
    n = int(sweep(first, length, value, outside, np.empty(DEPTH, np.int64), start, values))
    start, values = start[:n], values[:n]
    shared, rep = numbered(values.astype(np.uint64))
    for crowd in CROWDS:
        levels = _levels(start, crowd)
        size = sum(len(own) * fan for own, fan, _ in levels)
        if 4 * size <= TABLE_BYTES:
            break
    table, at = np.empty(size, np.uint32), 0
    low = np.zeros(len(rep) + 2 * n, np.uint16)
    out, free = np.concatenate([values[rep], np.zeros(2 * n, np.uint32)]), len(rep)
    for own, fan, width in levels:
        following = at + len(own) * fan
        shape = (own, fan, width, crowd, following >> 8, at, free)
        free = int(fill_blocks(start, values, shared, *shape, table, low, out))
        at = following
    if free >= MAX_BASE or size >> 8 >= MAX_BASE:
        return None
    return Intervals(table, low[:free], out[:free])


def _levels(start: U64, crowd: int) -> list[tuple[U64, int, int]]:
    """Per level the blocks to cut (their addresses), into how many, and of how many bits each."""
    from sim.kernels.match.tries import crowded_blocks

    levels = [(np.zeros(1, np.uint64), ROOT, 16)]
    for width in (8, 0):
        blocks = np.empty(len(start) // crowd + 1, np.uint64)
        n = int(crowded_blocks(start, *levels[-1], crowd, blocks))
        levels.append((blocks[:n], 256, width))
    return levels
