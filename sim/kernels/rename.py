"""IPv6 address → 32-bit name (`sim.engines.rename`): a hash table for single addresses, then
intervals.

Intervals of 64-bit words, first of an address's high half and, where one value of it has parts with
other names, of its low half. Interval `i` ends with `end[i]`; an address is in the first one that
does not end before it. Where to look says a tree of nodes, each of which cuts its part of the words
into equal buckets, aligned so that a prefix as large as a bucket is one:

    node    first bucket, shift, last bucket, place of its entries: bucket = word >> shift
    entry   the first interval that a word of this bucket can be in, one of five from there on;
            or, with the first bit set, a node for a bucket with more
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined, kernel
from sim.kernels.prefetch import prefetch

U, W = np.uint64, np.uint32
ZERO, ONE, TWO, THREE, FOUR = U(0), U(1), U(2), U(3), U(4)
K0, K1 = U(0x9E3779B97F4A7C15), U(0xC2B2AE3D27D4EB4F)
BLOCK = 256
SCRATCH = 3, BLOCK
NODE, PLACE = U(31), U(0x7FFFFFFF)
MOST = 4
"""Ends that a word is compared with, at most."""
BUCKETS, FEW_BUCKETS, FEW, SPARE = 2, 8, 256, 64
"""Buckets of a node per end; the same, up to `FEW` buckets; and per place that has ends."""


@inlined
def slot_of(t: Any, hi: Any, lo: Any) -> Any:
    """Where the search for an address begins."""
    h = (hi * K0) ^ (lo * K1)
    return ((h ^ (h >> U(32))) * K0) >> t.shift


@kernel
def enter(t: Any, hi: Any, lo: Any, name: Any) -> None:
    """Put single addresses into the hash table, whose places are (hi, lo, 1 + name)."""
    mask = U(len(t.single) // 3 - 1)
    for i in range(len(hi)):
        at = slot_of(t, hi[i], lo[i])
        while t.single[at * THREE + TWO] != ZERO:
            at = (at + ONE) & mask
        t.single[at * THREE] = hi[i]
        t.single[at * THREE + ONE] = lo[i]
        t.single[at * THREE + TWO] = U(name[i]) + ONE


@kernel
def rename(t: Any, hi: Any, lo: Any, begin: int, end: int, scratch: Any, out: Any) -> None:
    """Names of addresses `begin..end`. Each step is a loop over a block, and who goes on to the
    next one stands in a list, so that no step waits for one before."""
    left, word, deep = scratch[0], scratch[1], scratch[2]
    start, shift, last = t.node[ZERO], t.node[ONE], t.node[TWO]
    for first in range(begin, end, BLOCK):
        base, n = U(first), U(min(first + BLOCK, end) - first)
        if len(t.single):
            n = _singles(t, hi, lo, base, n, word, left, deep, out)
        else:
            for k in range(n):
                left[U(k)] = U(k)
        for k in range(n):
            j = U(k)
            word[j] = _bucket(start, shift, last, hi[base + left[j]])
            prefetch(t.entry, word[j])
        m = ZERO
        for k in range(n):
            j = U(k)
            entry = U(t.entry[word[j]])
            word[j] = entry
            deep[m] = j
            m += entry >> NODE
            _ask(t, entry)
        _descend(t, hi, base, m, left, word, deep)
        for k in range(n):
            j = U(k)
            i, at = base + left[j], word[j]
            x = hi[i]
            at = at + (
                U(t.end[at] < x) + U(t.end[at + ONE] < x)
                + U(t.end[at + TWO] < x) + U(t.end[at + THREE] < x)
            )  # fmt: skip
            out[i] = t.name[at]
            word[j] = at
        if len(t.link):
            _low(t, lo, base, n, left, word, deep, out)


@inlined
def _singles(
    t: Any, hi: Any, lo: Any, base: Any, n: Any, slot: Any, left: Any, taken: Any, out: Any
) -> Any:
    """Names of single addresses; how many others there are, which then stand in `left`."""
    last = U(len(t.single) - 3)
    for k in range(n):
        j = U(k)
        slot[j] = slot_of(t, hi[base + j], lo[base + j]) * THREE
        taken[j] = j
        prefetch(t.single, slot[j])
    others, m = ZERO, n
    while m > ZERO:
        further = ZERO
        for k in range(m):
            j = taken[U(k)]
            i, at = base + j, slot[j]
            found = t.single[at + TWO]
            other = (t.single[at] != hi[i]) | (t.single[at + ONE] != lo[i])
            out[i] = W(found - ONE)
            slot[j] = at + THREE if at != last else ZERO
            left[others] = taken[further] = j
            others += U(found == ZERO)
            further += U(other & (found != ZERO))
        m = further
    return others


@inlined
def _bucket(start: Any, shift: Any, last: Any, x: Any) -> Any:
    """The bucket of a word in a node; words beside the node are in the outer ones."""
    x = x >> shift
    return min(x - start if x > start else ZERO, last)


@inlined
def _descend(t: Any, words: Any, base: Any, m: Any, left: Any, word: Any, deep: Any) -> None:
    """Entries of the first `m` in `deep`, from nodes down to intervals."""
    while m > ZERO:
        for k in range(m):
            j = deep[U(k)]
            node = (word[j] & PLACE) * FOUR
            x = words[base + left[j]]
            at = _bucket(t.node[node], t.node[node + ONE], t.node[node + TWO], x)
            word[j] = t.node[node + THREE] + at
            prefetch(t.entry, word[j])
        n, m = m, ZERO
        for k in range(n):
            j = deep[U(k)]
            entry = U(t.entry[word[j]])
            word[j] = entry
            deep[m] = j
            m += entry >> NODE
            _ask(t, entry)


@inlined
def _ask(t: Any, entry: Any) -> None:
    """Fetch what an entry's intervals need: their ends, which may be on two lines, and names."""
    prefetch(t.end, entry)
    prefetch(t.end, entry + THREE)
    prefetch(t.name, entry + ONE)


@inlined
def _low(t: Any, lo: Any, base: Any, n: Any, left: Any, word: Any, deep: Any, out: Any) -> None:
    """Names of those among `n` addresses whose interval `word` has parts. Intervals behind the last
    part may end earlier than it does, so one comparison says where the next one is made."""
    others = m = ZERO
    for k in range(n):
        j = left[U(k)]
        entry = U(t.link[word[U(k)]])
        left[others] = j
        word[others] = entry
        deep[m] = others
        m += entry >> NODE
        others += U(entry != ZERO)
    _descend(t, lo, base, m, left, word, deep)
    for k in range(others):
        i, at = base + left[U(k)], word[U(k)]
        x = lo[i]
        for _ in range(MOST):
            at += U(t.end[at] < x)
        out[i] = t.name[at]


@inlined
def _buckets(end: Any, begin: Any, stop: Any, shift: Any) -> Any:
    """How many a node of the ends `begin..stop` has: all words beyond are in the outer ones."""
    return ((end[stop - ONE] + ONE) >> shift) - (end[begin] >> shift) + ONE


@kernel
def shapes(end: Any, begin: Any, stop: Any, places: Any, node: Any) -> None:
    """The first three words of nodes over the ends `begin[i]..stop[i]`: as many buckets as there
    may be for so many ends, but at most `SPARE` per place (of a bucket's size) that has any: what
    is crowded at few places is cut further down. Below the first node each one takes five bits of
    a word or more, so no path is longer than 13 nodes. `places`: room for 65 numbers."""
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
    `nodes` on; returns how many there are."""
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
    """One past the last address of a prefix: (past the top of the space, high, low)."""
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
    """Whether an address lies before an end."""
    return end[0] or hi < end[1] or (hi == end[1] and lo < end[2])


@kernel
def nest(hi: Any, lo: Any, length: Any, stack: Any, parent: Any) -> None:
    """`parent[i]`: the closest prefix that contains prefix i, or -1; prefixes in preorder."""
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
    place `i + 1` prefix i. False if 32 bits do not suffice."""
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
    """Add up offsets from the top down."""
    for i in range(len(parent)):
        base[i + 1] = base[parent[i] + 1] + offset[i + 1]


@kernel
def sweep(
    hi: Any, lo: Any, length: Any, name: Any, outside: int, stack: Any, start_hi: Any,
    start_lo: Any, out: Any,
) -> int:  # fmt: skip
    """Intervals of equal names, from (`start_hi`, `start_lo`) on; returns their number, at most
    `2 * len(hi) + 1`."""
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
    if start_hi[n - 1] == hi and start_lo[n - 1] == lo:
        n -= 1
    if n == 0 or out[n - 1] != name:
        start_hi[n], start_lo[n], out[n] = hi, lo, name
        n += 1
    return n
