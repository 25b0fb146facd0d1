"""Interval tables: longest-prefix match for large sets of prefixes (`sim.kernels.tries`)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compiler.ruleset import I64

CROWD = 4
MAX_BASE = 1 << 23
POINTER = 1 << 31
ROOT = 1 << 16


class Intervals(NamedTuple):
    """`table` maps an address' block to `base << 8 | count - 1`; `low`, `value` the intervals.
    Blocks of more than `CROWD` intervals are cut by the next eight bits, twice at most."""

    table: NDArray[np.uint32]
    low: NDArray[np.uint16]
    value: NDArray[np.uint32]


def intervals(
    first: NDArray[np.uint32], length: NDArray[np.uint8], value: NDArray[np.uint32], outside: int
) -> Intervals | None:
    """A table of prefixes in preorder; None if there are more than 2**23 intervals."""
    from sim.kernels.tries import sweep

    start = np.empty(2 * len(first) + 2, np.uint64)
    values = np.empty(len(start), np.uint32)
    n = int(sweep(first, length, value, outside, np.empty(40, np.int64), start, values))
    starts, values = start[:n].astype(np.int64), values[:n]
    root = np.arange(ROOT) << 16
    spans = [_spans(starts, root, 16)]
    blocks, crowded = [root], list[I64]()
    for width in (8, 0):
        begin, end = spans[-1]
        crowded.append(np.flatnonzero(end - begin > CROWD))
        inner = (np.arange(256) << width)[None, :]
        blocks.append((blocks[-1][crowded[-1]][:, None] + inner).reshape(-1))
        spans.append(_spans(starts, blocks[-1], width))
    begin, end = (np.concatenate(part) for part in zip(*spans, strict=True))
    second = ROOT + crowded[1]
    pointers = np.concatenate([crowded[0], second])
    end[pointers] = begin[pointers] + 1
    return _lay_out(starts, values, np.concatenate(blocks), begin, end, pointers)


def _spans(starts: I64, blocks: I64, width: int) -> tuple[I64, I64]:
    """The intervals that touch each block of `2**width` addresses: first, and one past the last."""
    begin = np.searchsorted(starts, blocks, "right") - 1
    if width == 0:
        return begin, begin + 1
    return begin, np.searchsorted(starts, blocks + (1 << width), "left")


def _lay_out(
    starts: I64, values: NDArray[np.uint32], blocks: I64, begin: I64, end: I64, pointers: I64
) -> Intervals | None:
    """Blocks of one interval share a place per value, so that they stay in the caches. `pointers`
    are the blocks that are cut, in the order of their chunks."""
    count = end - begin
    single = count == 1
    distinct, shared = np.unique(values[begin[single]], return_inverse=True)
    many = np.flatnonzero(~single)
    sizes = count[many]
    offsets = np.cumsum(sizes) - sizes + len(distinct)
    total = int(sizes.sum()) + len(distinct)
    if total >= MAX_BASE or len(blocks) >> 8 >= MAX_BASE:
        return None
    at = np.repeat(begin[many] - offsets, sizes) + np.arange(len(distinct), total)
    low = np.maximum(starts[at], np.repeat(blocks[many], sizes)) & 0xFFFF
    entry = np.empty(len(blocks), np.int64)
    entry[single] = shared << 8
    entry[many] = offsets << 8 | (sizes - 1)
    entry[pointers] = POINTER | ((ROOT >> 8) + np.arange(len(pointers)))
    return Intervals(
        entry.astype(np.uint32),
        np.concatenate([np.zeros(len(distinct)), low]).astype(np.uint16),
        np.concatenate([distinct, values[at]]),
    )
