"""Making the tables of `sim.kernels.match.rename`: IPv6 prefixes as a forest, as intervals, as a
tree of buckets, and single addresses as a hash table.

Theory: prefixes in preorder are a forest; a sweep over it gives disjoint intervals of equal names,
and a tree of equal buckets over their ends bounds every search by four comparisons. Invariants:
prefixes are sorted by (first address, length); a parent comes before its children; interval ends
ascend. Cost: nesting and sweeping are linear in the prefixes (a stack), planting linear in ends
per level, of which there are 13 at most; a single address costs `TRIES` probes at most.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined, kernel
from sim.kernels.arrays import I64, U32, U64
from sim.kernels.match.rename import MOST, NODE, ONE, THREE, TWO, ZERO, slot_of

U, W = np.uint64, np.uint32
TRIES = 64
BUCKETS, FEW_BUCKETS, FEW, SPARE = 2, 8, 256, 64
"""Buckets of a node per end; the same, up to `FEW` buckets; and per place that has ends."""


@kernel
def enter(single: Any, shift: Any, hi: Any, lo: Any, name: Any, placed: Any) -> None:
    """Put single addresses into the hash table, whose places are (hi, lo, 1 + name). `placed[i]`
    says whether there was a place near by: anyone can choose addresses of one hash.

    `single` u64[3 x places], `shift` u64, `hi`, `lo` u64[n], `name` u32[n], `placed` bool[n].
    """
    mask = U(len(single) // 3 - 1)
    for i in range(len(hi)):
        at, tries = slot_of(shift, hi[i], lo[i]), 0
        while single[at * THREE + TWO] != ZERO and tries < TRIES:
            at, tries = (at + ONE) & mask, tries + 1
        placed[i] = tries < TRIES
        if placed[i]:
            single[at * THREE] = hi[i]
            single[at * THREE + ONE] = lo[i]
            single[at * THREE + TWO] = U(name[i]) + ONE


@inlined
def _buckets(end: Any, begin: Any, stop: Any, shift: Any) -> Any:
    """How many a node of the ends `begin..stop` has: all words beyond are in the outer ones.

    `end` u64[ends], of which these are places; buckets are of `2**shift` words (`shift` u64).
    """
    return ((end[stop - ONE] + ONE) >> shift) - (end[begin] >> shift) + ONE


@kernel
def shapes(end: Any, begin: Any, stop: Any, places: Any, node: Any) -> None:
    """The first three words of nodes over the ends `begin[i]..stop[i]`: as many buckets as there
    may be for so many ends, but at most `SPARE` per place (of a bucket's size) that has any: what
    is crowded at few places is cut further down. Below the first node each one takes five bits of
    a word or more, so no path is longer than 13 nodes. `places`: room for 65 numbers.

    `end` u64[ends], `begin`, `stop` u64[nodes], `places` u64[65], `node` u64[nodes, 4].
    """
    for row in range(len(begin)):
        i = U(row)
        first, past = begin[i], stop[i]
        node[i, ZERO] = node[i, ONE] = node[i, TWO] = ZERO
        if first == past:
            continue
        for bit in range(len(places)):
            places[U(bit)] = ZERO
        for k in range(first + ONE, past):
            x, bits, step = end[U(k)] ^ end[U(k) - ONE], ZERO, U(32)
            while step > ZERO:
                more = step * U((x >> step) != ZERO)
                bits += more
                x >>= more
                step >>= ONE
            places[bits] += ONE
        count = past - first
        most = max(U(BUCKETS) * count, min(U(FEW_BUCKETS) * count, U(FEW)))
        taken, shift = ONE, U(63)
        while shift > ZERO:
            finer, used = shift - ONE, taken + places[shift]
            if _buckets(end, first, past, finer) > min(most, U(SPARE) * used):
                break
            shift, taken = finer, used
        node[i, ZERO] = end[first] >> shift
        node[i, ONE] = shift
        node[i, TWO] = _buckets(end, first, past, shift) - ONE


@kernel
def plant(
    end: Any, begin: Any, stop: Any, node: Any, offset: Any, nodes: Any, entry: Any, crowded: Any
) -> Any:
    """Entries of nodes, which begin at `offset`. Nodes for the ends `crowded[..]` are numbered from
    `nodes` on; returns how many there are.

    `end`, `begin`, `stop`, `node` as `shapes`, `offset`, `nodes` u64, `entry` u32[buckets],
    `crowded` u64[ends of all nodes // (MOST + 1), 2], where the ends of each begin and stop.
    """
    n = ZERO
    for row in range(len(begin)):
        i = U(row)
        at, past, shift = begin[i], stop[i], node[i, ONE]
        out = node[i, THREE] - offset
        for number in range(node[i, TWO] + ONE):
            bucket = (node[i, ZERO] + U(number)) << shift
            final = bucket + ((ONE << shift) - ONE)
            to = at
            while to < past and end[to] < final:
                to += ONE
            if to - at > U(MOST):
                crowded[n, ZERO], crowded[n, ONE] = at, to
                entry[out] = W(nodes + n | ONE << NODE)
                n += ONE
            else:
                entry[out] = W(at)
            out += ONE
            at = to + U(to < past and end[to] == final)
    return n


@inlined
def _end(hi: Any, lo: Any, length: Any) -> Any:
    """One past the last address of a prefix: (past the top of the space, high, low). `hi`, `lo`
    are its first address (u64), `length` is i64."""
    if length > 64:
        low = lo + (ONE << U(128 - length))
        carry = ONE if low == ZERO else ZERO
        high = hi + carry
        return carry != ZERO and high == ZERO, high, low
    if length == 0:
        return True, ZERO, ZERO
    high = hi + (ONE << U(64 - length))
    return high == ZERO, high, ZERO


@inlined
def _inside(hi: Any, lo: Any, end: Any) -> Any:
    """Whether an address, `hi` and `lo` (u64), lies before `end`, which `_end` made."""
    return end[0] or hi < end[1] or (hi == end[1] and lo < end[2])


@kernel
def nest(hi: Any, lo: Any, length: Any, stack: Any, parent: Any) -> None:
    """`parent[i]`: the closest prefix that contains prefix i, or -1; prefixes in preorder.

    `hi`, `lo` u64[n], `length`, `parent` i64[n], `stack` i64[129 or more].
    """
    depth = 0
    for i in range(len(hi)):
        while depth > 0:
            j = stack[depth - 1]
            if _inside(hi[i], lo[i], _end(hi[j], lo[j], length[j])):
                break
            depth -= 1
        parent[i] = stack[depth - 1] if depth > 0 else -1
        stack[depth] = i
        depth += 1


@kernel
def block_sizes(parent: Any, width: Any, inner: Any) -> bool:
    """Sizes of blocks, as powers of two, and of what lies inside them. Place 0 is the whole space,
    place `i + 1` prefix i. False if 32 bits do not suffice.

    `parent` i64[n], `width`, `inner` i64[n + 1].
    """
    for i in range(len(parent), -1, -1):
        bits = 0
        while (1 << bits) < inner[i] + 1:
            bits += 1
        if bits > 32:
            return False
        width[i] = bits
        if i > 0:
            inner[parent[i - 1] + 1] += 1 << bits
    return True


@kernel
def place_blocks(parent: Any, offset: Any, base: Any) -> None:
    """Add up offsets from the top down.

    `parent` i64[n], `offset`, `base` i64[n + 1].
    """
    for i in range(len(parent)):
        base[i + 1] = base[parent[i] + 1] + offset[i + 1]


@kernel
def sweep(
    hi: U64, lo: U64, length: I64, name: U32, outside: int, stack: I64, start_hi: U64,
    start_lo: U64, out: U32,
) -> int:  # fmt: skip
    """Intervals of equal names, from (`start_hi`, `start_lo`) on; returns their number, at most
    `2 * len(hi) + 1`.

    `hi`, `lo` u64[n], `length` i64[n], `stack` i64[129 or more], `name` u32[n], `start_hi`,
    `start_lo` u64[2n + 2], `out` u32[2n + 2], `outside` the name of what is in no prefix.
    """
    depth, n = 0, 1
    start_hi[0], start_lo[0], out[0] = ZERO, ZERO, W(outside)
    for i in range(len(hi) + 1):
        while depth > 0:
            j = stack[depth - 1]
            end = _end(hi[j], lo[j], length[j])
            if i < len(hi) and _inside(hi[i], lo[i], end):
                break
            depth -= 1
            if not end[0]:
                after = name[stack[depth - 1]] if depth > 0 else W(outside)
                n = _emit(start_hi, start_lo, out, n, end[1], end[2], after)
        if i < len(hi):
            n = _emit(start_hi, start_lo, out, n, hi[i], lo[i], name[i])
            stack[depth] = i
            depth += 1
    return n


@inlined
def _emit(start_hi: Any, start_lo: Any, out: Any, n: Any, hi: Any, lo: Any, name: Any) -> Any:
    """From the address `hi`, `lo` on (u64) the name is `name` (u32); returns how many intervals
    there are then, of the `n` before.

    `start_hi`, `start_lo`, `out` as `sweep`.
    """
    if start_hi[n - 1] == hi and start_lo[n - 1] == lo:
        n -= 1
    if n == 0 or out[n - 1] != name:
        start_hi[n], start_lo[n], out[n] = hi, lo, name
        n += 1
    return n
