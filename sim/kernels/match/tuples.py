"""Pruned tuple-space search: one hash table for all pairs of prefix lengths, and which to ask.

Prefix lengths are cut into a few steps per side, a *tuple* is a pair of steps, and rules lie in the
hash table under their addresses cut to the tuple's steps. Two longest-prefix matches tell which
tuples (a set of 64 bits) can hold a rule for either address; a table over both sets answers with
the tuples that can hold one for the pair, best rule first. Rules of short prefixes are in a
*coarse* dense table, whose row or column is the other half of the longest-prefix match.

An item of such a list is a word: its best rule, shifted left by `up` so that 20 bits remain of it,
and the tuple, in 12 bits: `host bits of source << 6 | host bits of destination` to cut off. All
ones end a list. A tuple is asked only while its best rule may beat the best one found. Each
question is one probe of a perfect hash; records have eight words, and those of one key are chained,
best rule first:

    source, destination, tag << 16 | heavy << 15 | host bits of source << 8 | of destination,
    rule, source ports, destination ports, protocols, next record (0: none)

Ports are `first | (last - first) << 16`, protocols a set of 32 meta classes, or where there are
more the number of a set in `kinds`. A *heavy* record stands for all rules of a prefix pair: its
source ports are the number of a row of `heavy`, the rule by L4 class.

Any rule that holds the packet is a match, whichever key led to it; the tag only keeps strangers
from following a chain.

Theory: in a tuple all rules mask addresses alike, so one exact look-up finds those that hold them
(Srinivasan, Suri, Varghese, SIGCOMM 1999); tuples without a rule for either address are pruned.
Invariants: items of a list ascend by best rule, so the first that cannot better the best one known
ends the search; records of a chain ascend too. Cost per packet: two longest-prefix matches, one
look-up in `pairs`, three for the coarse rule, and per tuple asked one bucket word and, unless its
mark is not set, one record of 32 bytes. Arguments: `t` `sim.classify.engines.tuples.TupleTables`;
inlined parts else take u32: an `address`, or `x`, of which `host_bits` are to cut off.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined, kernel
from sim.kernels.match.l4 import meta_at, raw_class
from sim.kernels.match.perfect import MARK, hash_word
from sim.kernels.match.tries import (
    interval_walk,
    stride_walk,
)

U, W = np.uint64, np.uint32
NONE = W(0xFFFFFFFF)
LOW, BYTE, HOST_BITS, TUPLE, SIXTY_THREE = W(0xFFFF), W(0xFF), W(0x7F), W(0xFFF), W(63)
ZERO, ONE, THREE, SEVEN = U(0), U(1), U(3), U(7)
NO, LSB, SIX, EIGHT, SIXTEEN = W(0), W(1), W(6), W(8), W(16)


@inlined
def lookup_src(t: Any, address: Any) -> Any:
    """Set and coarse row of a source: `set << 16 | row`."""
    if t.src_intervals:
        return interval_walk(t.src, t.src_low, t.src_value, address)
    return stride_walk(t.src, address)


@inlined
def lookup_dst(t: Any, address: Any) -> Any:
    """Set and coarse column of a destination."""
    if t.dst_intervals:
        return interval_walk(t.dst, t.dst_low, t.dst_value, address)
    return stride_walk(t.dst, address)


@inlined
def outside(x: Any, host_bits: Any) -> Any:
    """Bits in which an address differs from a prefix, host bits aside."""
    return U(x) >> U(host_bits)


@inlined
def held_kind(t: Any, kinds: Any, kind: Any) -> Any:
    """Whether a record's protocols, `kinds`, hold a meta class, `kind` (u32)."""
    word = kinds
    if t.kind_words != NO:
        word = t.kinds[U(kinds) * U(t.kind_words) + U(kind >> W(5))]
    return (word >> (kind & W(31))) & LSB != NO


@inlined
def cut(x: Any, host_bits: Any) -> Any:
    """An address without its host bits."""
    return W((U(x) >> U(host_bits)) << U(host_bits))


@inlined
def limit(t: Any, best: Any) -> Any:
    """What items must be below to be worth asking, by the `best` rule so far (u32)."""
    return W(best << t.up) | t.fraction


@kernel
def match_tuples(t: Any, c: Any, begin: int, end: int, scratch: Any, out: Any) -> None:
    """Rule ids of packets `begin..end`, one at a time.

    `t` the engine's tables and `c` the packets' columns (named tuples that say their types),
    `scratch` unused here, `out` i32[packets].
    """
    for row in range(begin, end):
        i = U(row)
        src, dst = c.src[i], c.dst[i]
        a, b = lookup_src(t, src), lookup_dst(t, dst)
        item = t.pairs[U(a >> SIXTEEN) * U(t.n_dst) + U(b >> SIXTEEN)]
        cell = t.x[U(a & LOW) * U(t.n_columns) + U(b & LOW)]
        sport, dport, meta = W(c.sport[i]), W(c.dport[i]), W(t.meta[U(meta_at(t, c, i))])
        y = W(t.y[U(raw_class(t, c, i, meta))])
        best = t.f[U(cell) + U(y)]
        while t.items[U(item)] < limit(t, best):
            tuple_ = t.items[U(item)] & TUPLE
            item += LSB
            x, z = cut(src, tuple_ >> SIX), cut(dst, tuple_ & SIXTY_THREE)
            h, g = hash_word(x, z, tuple_, t.seed)
            bucket = t.buckets[U(h >> t.shift)]
            if bucket >> W(SIXTEEN + (g >> MARK)) & LSB == NO:
                continue
            at = (g + W((bucket & LOW) * (h | LSB))) & t.slots
            if t.entries[(U(at) << THREE) + U(2)] >> SIXTEEN != h & LOW:
                continue
            while True:
                r = U(at) << THREE
                rule = t.entries[r + THREE]
                if rule >= best:
                    break
                bounds = t.entries[r + U(2)]
                other = outside(src ^ t.entries[r], (bounds >> EIGHT) & HOST_BITS)
                other |= outside(dst ^ t.entries[r + ONE], bounds & BYTE)
                if other == ZERO:
                    if bounds & W(0x8000) != NO:
                        row_of = U(t.entries[r + U(4)]) * U(t.n_y)
                        best = min(best, t.heavy[row_of + U(y)])
                    else:
                        p, q, m = t.entries[r + U(4)], t.entries[r + U(5)], t.entries[r + U(6)]
                        if (
                            W(sport - (p & LOW)) <= (p >> SIXTEEN)
                            and W(dport - (q & LOW)) <= (q >> SIXTEEN)
                            and held_kind(t, m, meta)
                        ):
                            best = rule
                at = t.entries[r + SEVEN]
                if at == NO:
                    break
        out[i] = t.ids[U(best)] if best != NONE else np.int32(-1)
