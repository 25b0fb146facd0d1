"""Pruned tuple-space search: hash tables by pair of prefix lengths, and which of them to ask.

Two longest-prefix matches tell which tuples (pairs of lengths) can hold a rule for either address;
a table over both answers with the tuples that can hold one for the pair, best rule first, and with
a cell of the *coarse* table, which holds the rules of short prefixes. A tuple is asked only while
its best rule beats the best one found. Each question is one probe of a perfect hash table, whose
record of eight words holds key and first rule:

    source, destination, tuple + 1, rule, source ports, destination ports, protocols, more

Ports are `first | (last - first) << 16`, protocols a set of 32 meta classes. `more` is 0, or the
place + 1 of further rules in `more` (four words: ports, ports, protocols, rule << 1 | last), or
with the sign bit set the number of a row of `heavy`: the rule by L4 class.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined, kernel
from sim.kernels.l4 import raw_class, raw_class8
from sim.kernels.lanes import (
    at_most,
    below,
    bits,
    gather,
    load,
    pick,
    records,
    same,
    splat,
    store,
)
from sim.kernels.prefetch import prefetch
from sim.kernels.tries import (
    interval_entry8,
    interval_find8,
    interval_walk,
    stride_walk,
    stride_walk8,
)

U, W = np.uint64, np.uint32
BLOCK = 512
NONE = W(0xFFFFFFFF)
HEAVY = W(0x80000000)
LOW = W(0xFFFF)
ZERO, ONE, TWO, THREE, FOUR, SEVEN, EIGHT = (U(i) for i in (0, 1, 2, 3, 4, 7, 8))
SIXTEEN, HALF = W(16), W(15)
A, B, C, D, E = (W(x) for x in (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x2C1B3C6D, 0x297A2D39))


@inlined
def hash_word(x: Any, y: Any, t: Any) -> Any:
    """Two hashes of 32 bits of a key. numba widens sums and products of words, hence the casts."""
    a, b, c = W(x * A), W(y * B), W(t * C)
    h = W(a + W(W(b << W(13)) | (b >> W(19))) + c)
    g = W(W(b + W(W(a << W(7)) | (a >> W(25)))) ^ c)
    h, g = W((h ^ (h >> HALF)) * D), W((g ^ (g >> SIXTEEN)) * E)
    return W(h ^ (h >> W(12))), W(g ^ (g >> HALF))


@inlined
def hash_lanes(x: Any, y: Any, t: Any) -> Any:
    """The same for eight keys."""
    a, b, c = x * A, y * B, t * C
    h = a + ((b << W(13)) | (b >> W(19))) + c
    g = (b + ((a << W(7)) | (a >> W(25)))) ^ c
    h, g = (h ^ (h >> HALF)) * D, (g ^ (g >> SIXTEEN)) * E
    return h ^ (h >> W(12)), g ^ (g >> HALF)


@kernel
def hash_keys(x: Any, y: Any, t: Any, h: Any, g: Any) -> None:
    """`hash_word` of columns."""
    for i in range(len(x)):
        h[i], g[i] = hash_word(x[i], y[i], t[i])


@kernel
def displace(
    h: Any, g: Any, shift: int, order: Any, off: Any, largest: int, mask: int, used: Any, disp: Any,
    slot: Any,
) -> bool:  # fmt: skip
    """A perfect hash by displacement (CHD): bucket `h >> shift`, slot `(g + disp * (h | 1)) & mask`.

    `order` lists keys by bucket, `off[b]..off[b + 1]`; fuller buckets choose first. False if a
    bucket finds no place.
    """
    for size in range(largest, 0, -1):
        for b in range(len(off) - 1):
            if off[b + 1] - off[b] != size:
                continue
            placed = False
            for d in range(65536):
                n = 0
                while n < size:
                    key = order[off[b] + n]
                    at = (g[key] + W(d) * (h[key] | W(1))) & W(mask)
                    if used[at] != 0:
                        break
                    used[at] = 1
                    slot[key] = at
                    n += 1
                if n == size:
                    disp[b] = d
                    placed = True
                    break
                for k in range(n):
                    used[slot[order[off[b] + k]]] = 0
            if not placed:
                return False
    return True


@inlined
def lookup_src(t: Any, address: Any) -> Any:
    if t.src_intervals:
        return interval_walk(t.src, t.src_low, t.src_value, address)
    return stride_walk(t.src, address)


@inlined
def lookup_dst(t: Any, address: Any) -> Any:
    if t.dst_intervals:
        return interval_walk(t.dst, t.dst_low, t.dst_value, address)
    return stride_walk(t.dst, address)


@inlined
def ports_match(sport: Any, dport: Any, meta: Any, a: Any, b: Any, m: Any) -> Any:
    """Whether a rule's ports and protocols hold the packet's."""
    return (
        (W(sport - (a & LOW)) <= (a >> SIXTEEN))
        & (W(dport - (b & LOW)) <= (b >> SIXTEEN))
        & ((m >> meta) & W(1) != W(0))
    )


@inlined
def meta_of(t: Any, c: Any, i: Any) -> Any:
    at = W(c.protocol[i]) << W(8)
    if t.uses_meta:
        at |= (W(c.state[i]) & W(3)) << W(6) | (W(c.dscp[i]) & W(63))
    return W(t.meta[U(at)])


@inlined
def more_rules(t: Any, more: Any, best: Any, sport: Any, dport: Any, meta: Any, y: Any) -> Any:
    """The best rule of a key beyond its first."""
    if more & HEAVY != W(0):
        return min(best, t.heavy[U(more ^ HEAVY) * U(t.n_y) + U(y)])
    at = U(more - W(1)) << TWO
    while True:
        rule = t.more[at + THREE]
        if (rule >> W(1)) >= best:
            return best
        if ports_match(sport, dport, meta, t.more[at], t.more[at + ONE], t.more[at + TWO]):
            return rule >> W(1)
        if rule & W(1) != W(0):
            return best
        at += FOUR


@kernel
def match_tuples(t: Any, c: Any, begin: int, end: int, scratch: Any, out: Any) -> None:
    """Rule ids of packets `begin..end`, one at a time."""
    for row in range(begin, end):
        i = U(row)
        src, dst = c.src[i], c.dst[i]
        pair = t.pairs[U(lookup_src(t, src)) * U(t.n_dst) + U(lookup_dst(t, dst))]
        item, cell = t.start[U(pair) << ONE], t.start[(U(pair) << ONE) + ONE]
        y = W(0)
        if t.has_y:
            y = W(t.y[U(raw_class(t, c, i))])
        best = t.f[U(cell + y)]
        sport, dport, meta = W(c.sport[i]), W(c.dport[i]), meta_of(t, c, i)
        while t.items[(U(item) << ONE) + ONE] < best:
            tuple_ = t.items[U(item) << ONE]
            item += W(1)
            x, z = src & t.src_mask[U(tuple_)], dst & t.dst_mask[U(tuple_)]
            h, g = hash_word(x, z, tuple_)
            at = U((g + W(t.disp[U(h >> t.shift)]) * (h | W(1))) & t.slots) << THREE
            e = t.entries
            if e[at] != x or e[at + ONE] != z or e[at + TWO] != tuple_ + W(1):
                continue
            rule, more = e[at + THREE], e[at + SEVEN]
            if rule >= best:
                continue
            if ports_match(sport, dport, meta, e[at + FOUR], e[at + U(5)], e[at + U(6)]):
                best = rule
            elif more != W(0):
                best = more_rules(t, more, best, sport, dport, meta, y)
        out[i] = t.ids[U(best)] if best != NONE else np.int32(-1)


@kernel
def match_tuples8(t: Any, c: Any, begin: int, end: int, scratch: Any, out: Any) -> None:
    """The same, eight at a time; `end - begin` is a multiple of eight.

    Per 512 packets: both matches, pairs and coarse rules, each asking early for what the next step
    reads; then rounds over the packets that still have a tuple to ask.
    """
    a, b, y, item, best, active, slot, flags = (
        scratch[0], scratch[1], scratch[2], scratch[3], scratch[4], scratch[5], scratch[6], scratch[7],
    )  # fmt: skip
    meta = scratch[8]
    for first in range(begin, end, BLOCK):
        base, stop = U(first), U(min(first + BLOCK, end) - first)
        _match_addresses(t, c, base, stop, a, b)
        for k in range(0, stop, 8):
            j = U(k)
            pair = load(a, j) * t.n_dst + load(b, j)
            store(a, j, pair)
            if t.large:
                for lane in range(8):
                    prefetch(t.pairs, U(a[j + U(lane)]))
            i = base + j
            if t.has_y:
                store(y, j, gather(t.y, raw_class8(t, c, i)))
            at = load(c.protocol, i) << W(8)
            if t.uses_meta:
                at = at | ((load(c.state, i) & W(3)) << W(6)) | (load(c.dscp, i) & W(63))
            store(meta, j, gather(t.meta, at))
        for k in range(0, stop, 8):
            j = U(k)
            pair = gather(t.pairs, load(a, j)) << W(1)
            store(item, j, gather(t.start, pair))
            cell = gather(t.start, pair | W(1))
            if t.has_y:
                cell = cell + load(y, j)
            store(b, j, cell)
            if t.large:
                for lane in range(8):
                    prefetch(t.f, U(b[j + U(lane)]))
        left = ZERO
        for k in range(0, stop, 8):
            j = U(k)
            found = gather(t.f, load(b, j))
            store(best, j, found)
            goes_on = bits(below(gather(t.items, (load(item, j) << W(1)) | W(1)), found))
            for lane in range(8):
                active[left] = W(j + U(lane))
                left += (goes_on >> U(lane)) & ONE
        while left > ZERO:
            for k in range(left, (left + SEVEN) & ~SEVEN):
                active[U(k)] = active[left - ONE]
            _probe(t, c, base, left, item, active, a, b, slot)
            left = _compare(t, c, base, left, item, best, active, a, b, slot, flags, meta, y)
        for k in range(0, stop, 8):
            found = load(best, U(k))
            none = same(found, splat(NONE))
            rule = gather(t.ids, pick(none, splat(W(0)), found))
            store(out, base + U(k), pick(none, found, rule))


@inlined
def _match_addresses(t: Any, c: Any, base: Any, stop: Any, a: Any, b: Any) -> None:
    """Longest-prefix matches of a block: `a` for sources, `b` for destinations."""
    if t.src_intervals:
        for k in range(0, stop, 8):
            entry = interval_entry8(t.src, load(c.src, base + U(k)))
            store(a, U(k), entry)
            for lane in range(8):
                e = a[U(k + lane)]
                prefetch(t.src_low, U((e >> W(8)) + ((e & W(255)) >> W(1))))
                prefetch(t.src_value, U((e >> W(8)) + ((e & W(255)) >> W(1))))
    else:
        for k in range(0, stop, 8):
            store(a, U(k), stride_walk8(t.src, load(c.src, base + U(k))))
    if t.dst_intervals:
        for k in range(0, stop, 8):
            entry = interval_entry8(t.dst, load(c.dst, base + U(k)))
            store(b, U(k), entry)
            for lane in range(8):
                e = b[U(k + lane)]
                prefetch(t.dst_low, U((e >> W(8)) + ((e & W(255)) >> W(1))))
                prefetch(t.dst_value, U((e >> W(8)) + ((e & W(255)) >> W(1))))
    else:
        for k in range(0, stop, 8):
            store(b, U(k), stride_walk8(t.dst, load(c.dst, base + U(k))))
    if t.src_intervals:
        for k in range(0, stop, 8):
            address = load(c.src, base + U(k))
            store(a, U(k), interval_find8(t.src_low, t.src_value, load(a, U(k)), address))
    if t.dst_intervals:
        for k in range(0, stop, 8):
            address = load(c.dst, base + U(k))
            store(b, U(k), interval_find8(t.dst_low, t.dst_value, load(b, U(k)), address))


@inlined
def _probe(
    t: Any, c: Any, base: Any, left: Any, item: Any, active: Any, a: Any, b: Any, slot: Any
) -> None:
    """Masked keys (`a`, `b`) and slots of the active packets' next tuples; asks for the records."""
    for k in range(0, left, 8):
        j = U(k)
        who = load(active, j)
        at = who + W(base)
        tuple_ = gather(t.items, gather(item, who) << W(1))
        x = gather(c.src, at) & gather(t.src_mask, tuple_)
        z = gather(c.dst, at) & gather(t.dst_mask, tuple_)
        h, g = hash_lanes(x, z, tuple_)
        d = gather(t.disp, h >> t.shift)
        store(a, j, x)
        store(b, j, z)
        store(slot, j, ((g + d * (h | W(1))) & t.slots) << W(3))
        for lane in range(8):
            prefetch(t.entries, U(slot[j + U(lane)]))


@inlined
def _compare(
    t: Any, c: Any, base: Any, left: Any, item: Any, best: Any, active: Any, a: Any, b: Any,
    slot: Any, flags: Any, meta: Any, y: Any,
) -> Any:  # fmt: skip
    """Compare the records, keep better rules, and keep those active that have more to ask."""
    kept = ZERO
    for k in range(0, left, 8):
        j = U(k)
        who = load(active, j)
        at = who + W(base)
        step = gather(item, who)
        tuple_ = gather(t.items, step << W(1))
        e = records(t.entries, load(slot, j))
        known = gather(best, who)
        key = same(e[0], load(a, j)) & same(e[1], load(b, j)) & same(e[2], tuple_ + W(1))
        key = key & below(e[3], known)
        sport = at_most(gather(c.sport, at) - (e[4] & LOW), e[4] >> SIXTEEN)
        dport = at_most(gather(c.dport, at) - (e[5] & LOW), e[5] >> SIXTEEN)
        held = below(splat(W(0)), (e[6] >> gather(meta, who)) & W(1))
        match = sport & dport & held
        rule = pick(key & match, e[3], known)
        further = key & (match ^ splat(NONE)) & below(splat(W(0)), e[7])
        pending = bits(further)
        store(flags, ZERO, e[7])
        store(flags, EIGHT, rule)
        count = min(left - j, EIGHT)
        while pending != ZERO:
            lane = ZERO
            while (pending >> lane) & ONE == ZERO:
                lane += ONE
            pending &= pending - ONE
            if lane < count:
                w = U(active[j + lane])
                i = base + w
                known_here = flags[EIGHT + lane]
                flags[EIGHT + lane] = more_rules(
                    t, flags[lane], known_here, W(c.sport[i]), W(c.dport[i]), meta[w], y[w]
                )
        rule = load(flags, EIGHT)
        step = step + W(1)
        goes_on = bits(below(gather(t.items, (step << W(1)) | W(1)), rule))
        store(flags, ZERO, step)
        for lane in range(count):
            w = U(active[j + U(lane)])
            best[w] = flags[EIGHT + U(lane)]
            item[w] = flags[U(lane)]
            active[kept] = W(w)
            kept += (goes_on >> U(lane)) & ONE
    return kept
