"""IPv6 address → 32-bit name (`sim.engines.rename`): a hash table for single addresses, then a
search over intervals."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined, kernel
from sim.kernels.prefetch import prefetch

U, W = np.uint64, np.uint32
ZERO, ONE, TWO, THREE = U(0), U(1), U(2), U(3)
K0, K1 = U(0x9E3779B97F4A7C15), U(0xC2B2AE3D27D4EB4F)
BLOCK = 256
SCRATCH = 4, BLOCK
TOP_SHIFT = U(52)


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
    slot, left, taken, count = scratch[0], scratch[1], scratch[2], scratch[3]
    last = U(len(t.single) - 3)
    for first in range(begin, end, BLOCK):
        base, stop = U(first), U(min(first + BLOCK, end) - first)
        for k in range(stop):
            j = U(k)
            slot[j] = slot_of(t, hi[base + j], lo[base + j]) * THREE
            prefetch(t.single, slot[j])
        n = further = ZERO
        for k in range(stop):
            j = U(k)
            i, at = base + j, slot[j]
            found = t.single[at + TWO]
            out[i] = W(found - ONE)
            left[n] = taken[further] = j
            n += U(found == ZERO)
            other = (t.single[at] != hi[i]) | (t.single[at + ONE] != lo[i])
            further += U(other & (found != ZERO))
        for k in range(further):
            j = taken[U(k)]
            i, at, found = base + j, slot[j], ONE
            while found != ZERO and (t.single[at] != hi[i] or t.single[at + ONE] != lo[i]):
                at = at + THREE if at != last else ZERO
                found = t.single[at + TWO]
            out[i] = W(found - ONE)
            left[n] = j
            n += U(found == ZERO)
        _search(t, hi, lo, base, n, slot, left, count, out)


@inlined
def _search(
    t: Any, hi: Any, lo: Any, base: Any, n: Any, place: Any, left: Any, count: Any, out: Any
) -> None:
    """Names of the intervals that hold the first `n` addresses in `left`, between those of their
    first 12 bits."""
    longest = ONE
    for k in range(n):
        top = hi[base + left[U(k)]] >> TOP_SHIFT
        place[U(k)] = U(t.top[top])
        count[U(k)] = U(t.top[top + ONE]) - place[U(k)] + ONE
        longest = max(longest, count[U(k)])
    while longest > ONE:
        for row in range(n):
            j = U(row)
            i, half = base + left[j], count[j] >> ONE
            at = place[j] + half
            word = t.hi[at]
            before = (word < hi[i]) | ((word == hi[i]) & (t.lo[at] <= lo[i]))
            place[j] += half * U(before)
            count[j] -= half
        longest -= longest >> ONE
    for k in range(n):
        out[base + left[U(k)]] = t.name[place[U(k)]]


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
