"""Dense classes: the rule of a packet by two tries, one L4 class and two table look-ups.

    cell = x[source leaf + destination leaf]        rule = f[cell + y]

Leaves of the source trie come multiplied by the number of columns, cells by the number of L4
classes. Tables that fit the caches are read in one loop, which is bound by instructions; larger
ones in three, each asking early for the lines that the next one reads.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import kernel
from sim.kernels.l4 import l4_class, l4_class8
from sim.kernels.lanes import gather, load, store
from sim.kernels.prefetch import prefetch
from sim.kernels.tries import stride_walk, stride_walk8

U, W = np.uint64, np.uint32
BLOCK = 512


@kernel
def match_dense(t: Any, c: Any, begin: int, end: int, scratch: Any, out: Any) -> None:
    """Rule ids of packets `begin..end`, one at a time."""
    for row in range(begin, end):
        i = U(row)
        cell = t.x[U(stride_walk(t.src, c.src[i]) + stride_walk(t.dst, c.dst[i]))]
        out[i] = t.f[U(cell) + U(t.y[U(l4_class(t, c, i))])]


@kernel
def match_dense8(t: Any, c: Any, begin: int, end: int, scratch: Any, out: Any) -> None:
    """The same, eight at a time; `end - begin` is a multiple of eight."""
    if not t.large:
        for row in range(begin, end, 8):
            i = U(row)
            cell = gather(
                t.x, stride_walk8(t.src, load(c.src, i)) + stride_walk8(t.dst, load(c.dst, i))
            )
            store(out, i, gather(t.f, cell + gather(t.y, l4_class8(t, c, i))))
        return
    cells, classes = scratch[0], scratch[1]
    for first in range(begin, end, BLOCK):
        stop = min(first + BLOCK, end) - first
        for k in range(0, stop, 8):
            j = U(k)
            i = U(first) + j
            store(
                cells, j, stride_walk8(t.src, load(c.src, i)) + stride_walk8(t.dst, load(c.dst, i))
            )
            for lane in range(8):
                prefetch(t.x, U(cells[j + U(lane)]))
            store(classes, j, gather(t.y, l4_class8(t, c, i)))
        for k in range(0, stop, 8):
            j = U(k)
            store(cells, j, gather(t.x, load(cells, j)) + load(classes, j))
            for lane in range(8):
                prefetch(t.f, U(cells[j + U(lane)]))
        for k in range(0, stop, 8):
            j = U(k)
            store(out, U(first) + j, gather(t.f, load(cells, j)))
