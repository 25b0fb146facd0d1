"""IPv6 address → 32-bit name (`sim.classify.rename`): a table of the first bits for what is far
from every prefix, then a hash table for single addresses, then intervals.

Intervals of 64-bit words, first of an address's high half and, where one value of it has parts with
other names, of its low half. Interval `i` ends with `end[i]`; an address is in the first one that
does not end before it. Where to look says a tree of nodes, each of which cuts its part of the words
into equal buckets, aligned so that a prefix as large as a bucket is one:

    node    first bucket, shift, last bucket, place of its entries: bucket = word >> shift
    entry   the first interval that a word of this bucket can be in, one of five from there on;
            or, with the first bit set, a node for a bucket with more

Where all words of a bucket of node 0 have one name, `sure` has it, and all ones elsewhere; before
the first one and behind the last one it has the names of everything beside them.

Theory: the innermost of nested prefixes is a step function of the address, so its steps, searched
by a tree of equal buckets, name it; what rules tell apart is the name alone.
Invariants: intervals cover all words, in order; an entry leads to at most five of them, of which
four ends are compared; the order of `left` is the order of packets. Cost per address: one look-up
where `sure` answers, one or two lines for a single address, else one look-up per level (13 at
most, mostly one or two), two lines of ends and one of names.

Arguments: `t` `sim.classify.rename.AddressNames`, `hi`, `lo` u64[n], `scratch` u64[SCRATCH], `out`
u32[n]. Inlined parts take rows of `scratch`, u64[BLOCK + 8]: `left` lists the packets of a block
that have no name yet, `word` has the bucket, entry or interval where each stands, `deep` lists who
goes on; `base` is the block's first packet, `n` or `m` how many a list has (u64).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined, kernel
from sim.kernels.arrays import U32, U64, Index
from sim.kernels.match.active import COUNT, note
from sim.kernels.match.lanes import (
    below,
    bits,
    gather,
    least,
    load,
    load_high,
    pick,
    same,
    splat,
    store,
)
from sim.kernels.match.prefetch import prefetch

U, W = np.uint64, np.uint32
ZERO, ONE, TWO, THREE, FOUR = U(0), U(1), U(2), U(3), U(4)
K0, K1 = U(0x9E3779B97F4A7C15), U(0xC2B2AE3D27D4EB4F)
BLOCK = 256
SCRATCH = 4, BLOCK + 8
UNSURE, WITHOUT = W(0xFFFFFFFF), U(15)
NODE, PLACE = U(31), U(0x7FFFFFFF)
FAR = 1 << 14
"""Ends of which the nearest caches hold no more: tables are asked for early."""
MOST = 4
"""Ends that a word is compared with, at most."""


@inlined
def slot_of(shift: Any, hi: Any, lo: Any) -> Any:
    """Where the search for an address, `hi` and `lo` (u64), begins: the top of a hash, all but
    `shift` bits (u64)."""
    h = (hi * K0) ^ (lo * K1)
    return ((h ^ (h >> U(32))) * K0) >> shift


@kernel
def rename(t: Any, hi: Any, lo: Any, begin: int, end: int, scratch: Any, out: Any) -> None:
    """Names of addresses `begin..end`. Each step is a loop over a block, and who goes on to the
    next one stands in a list, so that no step waits for one before.

    `t` AddressNames (a named tuple that says its types), `hi`, `lo` u64[n], `scratch` u64[SCRATCH],
    `out` u32[n].
    """
    left = scratch[0]
    start, shift, last = t.node[ZERO], t.node[ONE], t.node[TWO]
    for first in range(begin, end, BLOCK):
        base, n = U(first), ZERO
        for k in range(min(first + BLOCK, end) - first):
            j = U(k)
            name = UNSURE
            if len(t.sure):
                x = hi[base + j] >> shift
                name = t.sure[min(x - start + ONE, last + TWO) if x >= start else ZERO]
            out[base + j] = name
            left[n] = j
            n += U(name == UNSURE)
        _rest(t, hi, lo, base, n, scratch, out)


@kernel
def rename8(t: Any, hi: Any, lo: Any, begin: int, end: int, scratch: Any, out: Any) -> None:
    """The same, the first step for eight addresses at a time; `begin..end` are a multiple of eight
    and `sure` not empty. After a block in which most go on, the next ones do without that step.

    `t` AddressNames, `hi`, `lo` u64[n], `scratch` u64[SCRATCH], `out` u32[n], as `rename`.
    """
    left, unsure = scratch[0], scratch[3].view(np.uint32)
    start, shift, past = W(t.node[ZERO]), W(t.node[ONE] - U(32)), W(t.node[TWO] + TWO)
    without = ZERO
    for first in range(begin, end, BLOCK):
        base, n, stop = U(first), ZERO, min(first + BLOCK, end) - first
        if without > ZERO:
            without -= ONE
            for k in range(stop):
                left[U(k)] = U(k)
            _rest(t, hi, lo, base, U(stop), scratch, out)
            continue
        for k in range(0, stop, 8):
            x = load_high(hi, base + U(k)) >> shift
            at = least((x - start) + W(1), splat(past))
            name = gather(t.sure, pick(below(x, splat(start)), splat(W(0)), at))
            store(out, base + U(k), name)
            on = bits(same(name, splat(UNSURE)))
            n = note(unsure, n, splat(W(k)) + load(COUNT, ZERO), on)
        for k in range(n):
            left[U(k)] = U(unsure[U(k)])
        if n * TWO > U(stop):
            without = WITHOUT
        _rest(t, hi, lo, base, n, scratch, out)


@inlined
def _rest(t: Any, hi: Any, lo: Any, base: Any, n: Any, scratch: Any, out: Any) -> None:
    """Names of the first `n` addresses in the list of those left."""
    left, word, deep = scratch[0], scratch[1], scratch[2]
    start, shift, last = t.node[ZERO], t.node[ONE], t.node[TWO]
    far = len(t.end) > FAR
    if len(t.single):
        n = _singles(t, hi, lo, base, n, word, left, deep, out)
    for k in range(n):
        j = U(k)
        word[j] = _bucket(start, shift, last, hi[base + left[j]])
        if far:
            prefetch(t.entry, word[j])
    m = ZERO
    for k in range(n):
        j = U(k)
        entry = U(t.entry[word[j]])
        word[j] = entry
        deep[m] = j
        m += entry >> NODE
        if far:
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
    t: Any, hi: U64, lo: U64, base: Index, n: Index, slot: U64, left: U64, taken: U64, out: U32
) -> Any:
    """Names of those in `left` that are single addresses; how many others there are, which then
    stand there instead. `slot`, `taken` u64[BLOCK + 8] are room for where each search stands and
    who still searches."""
    last = U(len(t.single) - 3)
    for k in range(n):
        j = left[U(k)]
        slot[j] = slot_of(t.shift, hi[base + j], lo[base + j]) * THREE
        taken[U(k)] = j
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
    """The bucket of a word `x` in a node; words beside the node are in the outer ones. `start`,
    `shift`, `last` are the node's first three words (u64)."""
    x = x >> shift
    return min(x - start if x > start else ZERO, last)


@inlined
def _descend(t: Any, words: Any, base: Any, m: Any, left: Any, word: Any, deep: Any) -> None:
    """Entries of the first `m` in `deep`, from nodes down to intervals. `words` u64[n]: the halves
    of addresses that the nodes are about."""
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
    """Fetch what an entry's intervals need: their ends, which may be on two lines, and names.
    `entry` u64."""
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
