"""Dense classes: the rule of a packet by two tries, one L4 class and two table look-ups.

    cell = x[source leaf + destination leaf]        rule = f[cell + y]

Leaves of the source trie come multiplied by the number of columns, cells by the number of L4
classes. Eight at a time, a block goes level by level: no look-up of a loop waits for another one.

Theory: rules are first-match over a product of two address axes and one L4 axis; on each axis
values that no rule tells apart are one class, so the answer is a function of three classes.
Invariants: every value has a class, so no index needs a check; `f` holds -1 where no rule matches.
Cost per packet: six look-ups for the tries, three or four for the L4 class, two for the answer;
memory is cells x L4 classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import kernel
from sim.kernels.match.l4 import l4_class, l4_class8
from sim.kernels.match.lanes import gather, load, store
from sim.kernels.match.tries import stride_walk, stride_walks

U = np.uint64
BLOCK = 512


@kernel
def match_dense(t: Any, c: Any, begin: int, end: int, scratch: Any, out: Any) -> None:
    """Rule ids of packets `begin..end`, one at a time.

    `t` the engine's tables and `c` the packets' columns (named tuples that say their types),
    `scratch` u32[rows, BLOCK + 8 or more], `out` i32[packets].
    """
    for row in range(begin, end):
        i = U(row)
        cell = t.x[U(stride_walk(t.src, c.src[i]) + stride_walk(t.dst, c.dst[i]))]
        out[i] = t.f[U(cell) + U(t.y[U(l4_class(t, c, i))])]


@kernel
def match_dense8(t: Any, c: Any, begin: int, end: int, scratch: Any, out: Any) -> None:
    """Those of packets `begin..end`, a multiple of eight, eight at a time.

    `t` the engine's tables and `c` the packets' columns (named tuples that say their types),
    `scratch` u32[rows, BLOCK + 8 or more], `out` i32[packets].
    """
    src, dst, l4 = scratch[0], scratch[1], scratch[2]
    for first in range(begin, end, BLOCK):
        base, stop = U(first), U(min(first + BLOCK, end) - first)
        stride_walks(t.src, c.src, base, stop, src)
        stride_walks(t.dst, c.dst, base, stop, dst)
        for k in range(0, stop, 8):
            store(l4, U(k), l4_class8(t, c, base + U(k)))
        for k in range(0, stop, 8):
            j = U(k)
            cell = gather(t.x, load(src, j) + load(dst, j))
            store(src, j, cell + gather(t.y, load(l4, j)))
        for k in range(0, stop, 8):
            store(out, base + U(k), gather(t.f, load(src, U(k))))
