"""Cells with port intervals: two tries give a cell, cell and protocol the intervals of destination
ports, a binary search the rule. For tables in which no rule looks at source ports.

Theory: without source ports the rules of a cell and protocol are intervals of one axis, first
match; cut at their ends they are disjoint, and one binary search answers. Invariants: the first
interval of an entry begins at port 0, so every port is in one; an entry holds 256 intervals at
most; neighbours differ. Cost per packet: the tries, one entry, and log2 of the intervals; to
build, the painting of intervals with path compression is all but linear in the rules of a list.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined, kernel
from sim.kernels.match.l4 import meta_at, meta_at8
from sim.kernels.match.lanes import gather, load, store
from sim.kernels.match.tries import interval_find8, stride_walk, stride_walks

U, W = np.uint64, np.uint32
BLOCK = 512
NONE = W(0xFFFFFFFF)
LOW, BYTE, LSB, EIGHT, SIXTEEN = W(0xFFFF), W(255), W(1), W(8), W(16)
ZERO, ONE = U(0), U(1)
PORTS = 1 << 16


@kernel
def cut_ports(
    off: Any, lists: Any, records: Any, n_meta: int, scratch: Any, entry: Any, low: Any, value: Any
) -> int:
    """Intervals of every cell and meta class from its list of records (`sim.kernels.match.cells`),
    which is at `off[cell]..off[cell + 1]`. Returns how many there are; -1 if they are more than
    `low` has room for, or a list has too many ports for an entry or the three rows of `scratch`.

    `off` i64[cells + 1], `lists` u32[entries of all], `records` u32[4 x records], `scratch` i64[3,
    cuts], `entry` u32[cells x n_meta], `low` u16[room], `value` u32[room], `n_meta` how many meta
    classes there are.
    """
    cuts, best, free = scratch[0], scratch[1], scratch[2]
    n = 0
    for cell in range(len(off) - 1):
        for meta in range(n_meta):
            m = 1
            cuts[0] = 0
            for k in range(off[cell], off[cell + 1]):
                r = U(lists[k]) << U(2)
                if (records[r + U(2)] >> W(meta)) & LSB == W(0):
                    continue
                q = records[r + ONE]
                for bound in (np.int64(q & LOW), np.int64(q & LOW) + np.int64(q >> SIXTEEN) + 1):
                    at = place(cuts, m, bound)
                    if bound >= PORTS or cuts[at] == bound:
                        continue
                    if m == len(cuts) - 1:
                        return -1
                    for j in range(m, at + 1, -1):
                        cuts[j] = cuts[j - 1]
                    cuts[at + 1] = bound
                    m += 1
            for j in range(m + 1):
                best[j], free[j] = NONE, j
            cuts[m] = PORTS
            for k in range(off[cell], off[cell + 1]):
                r = U(lists[k]) << U(2)
                if (records[r + U(2)] >> W(meta)) & LSB == W(0):
                    continue
                q = records[r + ONE]
                at = next_free(free, place(cuts, m, np.int64(q & LOW)))
                while cuts[at] <= np.int64(q & LOW) + np.int64(q >> SIXTEEN):
                    best[at], free[at] = records[r + U(3)], at + 1
                    at = next_free(free, at)
            begin = n
            for j in range(m):
                if j == 0 or best[j] != best[j - 1]:
                    if n == len(low):
                        return -1
                    low[n], value[n] = cuts[j], best[j]
                    n += 1
            if n - begin > 256:
                return -1
            entry[cell * n_meta + meta] = W(begin << 8 | (n - begin - 1))
    return n


@inlined
def place(cuts: Any, m: Any, port: Any) -> Any:
    """The last of the first `m` cuts that is not behind a port: `cuts` i64[cuts], ascending, `port`
    i64."""
    at, left = 0, m
    while left > 1:
        half = left >> 1
        at += half if cuts[at + half] <= port else 0
        left -= half
    return at


@inlined
def next_free(free: Any, at: Any) -> Any:
    """The next interval without a rule, from `at` on (i64); the way there is made shorter.

    `free` i64[cuts]: of an interval itself, if it has no rule, else one that is nearer to the next.
    """
    while free[at] != at:
        free[at] = free[free[at]]
        at = free[at]
    return at


@kernel
def match_ports(t: Any, c: Any, begin: int, end: int, scratch: Any, out: Any) -> None:
    """Rule ids of packets `begin..end`, one at a time.

    `t` the engine's tables and `c` the packets' columns (named tuples that say their types),
    `scratch` u32[rows, BLOCK + 8 or more], `out` i32[packets].
    """
    for packet in range(begin, end):
        i = U(packet)
        cell = t.x[U(stride_walk(t.src, c.src[i]) + stride_walk(t.dst, c.dst[i]))]
        entry = t.entry[U(cell) + U(t.meta[U(meta_at(t, c, i))])]
        at, n = U(entry >> EIGHT), U(entry & BYTE)
        while n > ZERO:
            half = (n + ONE) >> ONE
            if t.low[at + half] <= c.dport[i]:
                at += half
            n -= half
        out[i] = t.value[at]


@kernel
def match_ports8(t: Any, c: Any, begin: int, end: int, scratch: Any, out: Any) -> None:
    """Those of packets `begin..end`, a multiple of eight, eight at a time.

    `t` the engine's tables and `c` the packets' columns (named tuples that say their types),
    `scratch` u32[rows, BLOCK + 8 or more], `out` i32[packets].
    """
    at, dst = scratch[0], scratch[1]
    for first in range(begin, end, BLOCK):
        base, stop = U(first), U(min(first + BLOCK, end) - first)
        stride_walks(t.src, c.src, base, stop, at)
        stride_walks(t.dst, c.dst, base, stop, dst)
        for k in range(0, stop, 8):
            j = U(k)
            cell = gather(t.x, load(at, j) + load(dst, j))
            store(at, j, cell + gather(t.meta, meta_at8(t, c, base + j)))
        for k in range(0, stop, 8):
            store(at, U(k), gather(t.entry, load(at, U(k))))
        for k in range(0, stop, 8):
            j = U(k)
            store(at, j, interval_find8(t.low, load(at, j), load(c.dport, base + j)))
        for k in range(0, stop, 8):
            store(out, base + U(k), gather(t.value, load(at, U(k))))
