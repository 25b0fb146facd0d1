"""Pruned tuple-space search: one hash table for all pairs of prefix lengths, and which to ask.

Prefix lengths are cut into a few steps per side, a *tuple* is a pair of steps, and rules lie in the
hash table under their addresses cut to the tuple's steps. Two longest-prefix matches tell which
tuples (a set of 64 bits) can hold a rule for either address; a table over both sets answers with
the tuples that can hold one for the pair, best rule first. Rules of short prefixes are in a
*coarse* dense table, whose row or column is the other half of the longest-prefix match.

An item of such a list is a tuple, written as `rank << 16 | host bits of source << 8 | host bits of
destination` to cut off, and its best rule. A tuple is asked only while its best rule beats the best
one found. Each question is one probe of a perfect hash; records have eight words, and those of one
key are chained, best rule first:

    source, destination, tag << 16 | heavy << 15 | host bits of source << 8 | of destination,
    rule, source ports, destination ports, protocols, next record (0: none)

Ports are `first | (last - first) << 16`, protocols a set of 32 meta classes, or where there are
more the number of a set in `kinds`. A *heavy* record stands for all rules of a prefix pair: its
source ports are the number of a row of `heavy`, the rule by L4 class.

Any rule that holds the packet is a match, whichever key led to it; the tag only keeps strangers
from following a chain.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined, kernel
from sim.kernels.active import COUNT
from sim.kernels.l4 import meta_at, meta_at8, raw_class, raw_class8
from sim.kernels.lanes import (
    ORDERS,
    at_most,
    below,
    bits,
    count_bits,
    gather,
    keep,
    least,
    load,
    pick,
    records,
    same,
    shift_left,
    shift_right,
    splat,
    store,
)
from sim.kernels.perfect import hash_lanes, hash_word
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
LOW, BYTE, HOST_BITS = W(0xFFFF), W(0xFF), W(0x7F)
ZERO, ONE, THREE, SEVEN = U(0), U(1), U(3), U(7)
NO, LSB, EIGHT, HALF, SIXTEEN = W(0), W(1), W(8), W(15), W(16)


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
    """Whether a record's protocols hold a meta class."""
    word = kinds
    if t.kind_words != NO:
        word = t.kinds[U(kinds) * U(t.kind_words) + U(kind >> W(5))]
    return (word >> (kind & W(31))) & LSB != NO


@inlined
def cut(x: Any, host_bits: Any) -> Any:
    """An address without its host bits."""
    return W((U(x) >> U(host_bits)) << U(host_bits))


@kernel
def match_tuples(t: Any, c: Any, begin: int, end: int, scratch: Any, out: Any) -> None:
    """Rule ids of packets `begin..end`, one at a time."""
    for row in range(begin, end):
        i = U(row)
        src, dst = c.src[i], c.dst[i]
        a, b = lookup_src(t, src), lookup_dst(t, dst)
        item = t.pairs[U(a >> SIXTEEN) * U(t.n_dst) + U(b >> SIXTEEN)]
        cell = t.x[U(a & LOW) * U(t.n_columns) + U(b & LOW)]
        sport, dport, meta = W(c.sport[i]), W(c.dport[i]), W(t.meta[U(meta_at(t, c, i))])
        y = W(t.y[U(raw_class(t, c, i, meta))])
        best = t.f[U(cell) + U(y)]
        while t.items[(U(item) << ONE) + ONE] < best:
            tuple_ = t.items[U(item) << ONE]
            item += LSB
            x, z = cut(src, (tuple_ >> EIGHT) & BYTE), cut(dst, tuple_ & BYTE)
            h, g = hash_word(x, z, tuple_)
            at = (g + W(t.disp[U(h >> t.shift)]) * (h | LSB)) & t.slots
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


@kernel
def match_tuples8(t: Any, c: Any, begin: int, end: int, scratch: Any, out: Any) -> None:
    """The same, eight at a time; `end - begin` is a multiple of eight.

    Per 512 packets: both matches, tuples and coarse rules, each asking early for what the next step
    reads; then rounds over the packets that have a record to compare.
    """
    a, b, y, item, best = scratch[0], scratch[1], scratch[2], scratch[3], scratch[4]
    record, kind, live = scratch[5], scratch[6], scratch[7:]
    for first in range(begin, end, BLOCK):
        base, stop = U(first), U(min(first + BLOCK, end) - first)
        _match_addresses(t, c, base, stop, a, b)
        for k in range(0, stop, 8):
            j, i = U(k), base + U(k)
            left, right = load(a, j), load(b, j)
            pair = (left >> SIXTEEN) * t.n_dst + (right >> SIXTEEN)
            cell = (left & LOW) * t.n_columns + (right & LOW)
            store(a, j, pair)
            store(b, j, cell)
            if t.large:
                for lane in range(8):
                    prefetch(t.pairs, U(a[j + U(lane)]))
                    prefetch(t.x, U(b[j + U(lane)]))
            which = gather(t.meta, meta_at8(t, c, i))
            store(kind, j, which)
            store(y, j, gather(t.y, raw_class8(t, c, i, which)))
        for k in range(0, stop, 8):
            j = U(k)
            cell = gather(t.x, load(b, j)) + load(y, j)
            found = gather(t.pairs, load(a, j))
            store(b, j, cell)
            store(item, j, found)
            if t.large:
                for lane in range(8):
                    prefetch(t.f, U(b[j + U(lane)]))
                    prefetch(t.items, U(item[j + U(lane)]) << ONE)
        left = ZERO
        for k in range(0, stop, 8):
            j = U(k)
            found = gather(t.f, load(b, j))
            store(best, j, found)
            on = bits(below(gather(t.items, (load(item, j) << LSB) | LSB), found))
            left += count_bits(on)
        if left << ONE > stop:
            left = _first_round(t, c, base, stop, item, best, record, a, kind, y, live)
        elif left > ZERO:
            left = _pick_active(t, c, base, stop, item, best, kind, y, live)
        while left > ZERO:
            left = _next_round(t, left, best, record, a, live, b)
        for k in range(0, stop, 8):
            found = load(best, U(k))
            if t.renumbers:
                none = same(found, splat(NONE))
                rule = gather(t.ids, pick(none, splat(NO), found))
                found = pick(none, found, rule)
            store(out, base + U(k), found)


@inlined
def _match_addresses(t: Any, c: Any, base: Any, stop: Any, a: Any, b: Any) -> None:
    """Longest-prefix matches of a block: `a` for sources, `b` for destinations."""
    if t.src_intervals:
        for k in range(0, stop, 8):
            store(a, U(k), interval_entry8(t.src, load(c.src, base + U(k))))
            for lane in range(8):
                e = a[U(k + lane)]
                prefetch(t.src_low, U((e >> EIGHT) + ((e & BYTE) >> LSB)))
                prefetch(t.src_value, U((e >> EIGHT) + ((e & BYTE) >> LSB)))
    else:
        for k in range(0, stop, 8):
            store(a, U(k), stride_walk8(t.src, load(c.src, base + U(k))))
    if t.dst_intervals:
        for k in range(0, stop, 8):
            store(b, U(k), interval_entry8(t.dst, load(c.dst, base + U(k))))
            for lane in range(8):
                e = b[U(k + lane)]
                prefetch(t.dst_low, U((e >> EIGHT) + ((e & BYTE) >> LSB)))
                prefetch(t.dst_value, U((e >> EIGHT) + ((e & BYTE) >> LSB)))
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
def _find(t: Any, src: Any, dst: Any, tuple_: Any) -> Any:
    """Slots of eight keys and the tags that their records must carry."""
    a, b = (tuple_ >> EIGHT) & BYTE, tuple_ & BYTE
    x, z = shift_left(shift_right(src, a), a), shift_left(shift_right(dst, b), b)
    h, g = hash_lanes(x, z, tuple_)
    slot = (g + gather(t.disp, h >> t.shift) * (h | LSB)) & t.slots
    return slot, h & LOW


@inlined
def _ask(t: Any, record: Any, j: Any) -> None:
    """Fetch eight records early."""
    for lane in range(8):
        prefetch(t.entries, U(record[j + U(lane)]))


@inlined
def _judge(
    t: Any, e: Any, src: Any, dst: Any, sport: Any, dport: Any, kind: Any, y: Any, known: Any,
    mine: Any,
) -> Any:  # fmt: skip
    """Eight records against eight packets: the best rules now, and the next records of chains that
    can still better them. `mine` is all ones where the chain is the packet's."""
    bounds = e[2]
    wrong = shift_right(src ^ e[0], (bounds >> EIGHT) & HOST_BITS)
    wrong = wrong | shift_right(dst ^ e[1], bounds & BYTE)
    better = below(e[3], known)
    inside = same(wrong, splat(NO)) & better
    ports = at_most(sport - (e[4] & LOW), e[4] >> SIXTEEN)
    ports = ports & at_most(dport - (e[5] & LOW), e[5] >> SIXTEEN)
    kinds = e[6]
    if t.kind_words != NO:
        kinds = gather(t.kinds, kinds * t.kind_words + (kind >> W(5)))
    ports = ports & below(splat(NO), shift_right(kinds, kind & W(31)) & LSB)
    heavy = below(splat(NO), bounds & W(0x8000))
    rule = pick(inside & ports & (heavy ^ splat(NONE)), e[3], known)
    tabulated = inside & heavy
    if bits(tabulated) != ZERO:
        cell = pick(tabulated, e[4] * t.n_y + y, splat(NO))
        rule = pick(tabulated, least(rule, gather(t.heavy, cell)), rule)
    return rule, e[7] & mine & better


@inlined
def _first_round(
    t: Any, c: Any, base: Any, stop: Any, item: Any, best: Any, record: Any, tag: Any, kind: Any,
    y: Any, live: Any,
) -> Any:  # fmt: skip
    """The first record of every packet of a block, without picking the active ones: what others
    find there is no match or a true one. Returns how many are active after it."""
    for k in range(0, stop, 8):
        j, i = U(k), base + U(k)
        tuple_ = gather(t.items, load(item, j) << LSB)
        slot, tags = _find(t, load(c.src, i), load(c.dst, i), tuple_)
        store(record, j, slot << W(3))
        store(tag, j, tags)
        if t.far:
            _ask(t, record, j)
    left = ZERO
    for k in range(0, stop, 8):
        j, i = U(k), base + U(k)
        e = records(t.entries, load(record, j))
        src, dst, sport, dport = load(c.src, i), load(c.dst, i), load(c.sport, i), load(c.dport, i)
        which, l4 = load(kind, j), load(y, j)
        mine = same(e[2] >> SIXTEEN, load(tag, j))
        rule, further = _judge(t, e, src, dst, sport, dport, which, l4, load(best, j), mine)
        store(best, j, rule)
        over = same(further, splat(NO))
        step = load(item, j) - over
        on = bits(below(gather(t.items, (step << LSB) | LSB), rule) | (over ^ splat(NONE)))
        who = splat(W(k)) + load(COUNT, ZERO)
        left = _keep(live, left, on, who, step, further, rule, src, dst, sport, dport, which, l4)
    return left


@inlined
def _keep(
    live: Any, left: Any, on: Any, who: Any, step: Any, further: Any, rule: Any, src: Any, dst: Any,
    sport: Any, dport: Any, kind: Any, y: Any,
) -> Any:  # fmt: skip
    """Append the lanes whose bit is set to the active packets, whose fields lie side by side."""
    order = load(ORDERS, on << THREE)
    store(live[0], left, keep(who, order))
    store(live[1], left, keep(step, order))
    store(live[2], left, keep(further, order))
    store(live[3], left, keep(rule, order))
    store(live[4], left, keep(src, order))
    store(live[5], left, keep(dst, order))
    store(live[6], left, keep(sport, order))
    store(live[7], left, keep(dport, order))
    store(live[8], left, keep(kind, order))
    store(live[9], left, keep(y, order))
    return left + count_bits(on)


@inlined
def _pick_active(
    t: Any, c: Any, base: Any, stop: Any, item: Any, best: Any, kind: Any, y: Any, live: Any
) -> Any:
    """The packets of a block that have a tuple to ask; returns how many."""
    left = ZERO
    for k in range(0, stop, 8):
        j, i = U(k), base + U(k)
        step, rule = load(item, j), load(best, j)
        on = bits(below(gather(t.items, (step << LSB) | LSB), rule))
        if on != ZERO:
            left = _keep(
                live, left, on, splat(W(k)) + load(COUNT, ZERO), step, splat(NO), rule,
                load(c.src, i), load(c.dst, i), load(c.sport, i), load(c.dport, i),
                load(kind, j), load(y, j),
            )  # fmt: skip
    return left


@inlined
def _next_round(t: Any, left: Any, best: Any, record: Any, tag: Any, live: Any, out: Any) -> Any:
    """The next record of each active packet: further in its chain, or the first of its next tuple.
    Returns how many are still active."""
    for row in range(10):
        store(live[row], left, splat(NO))
    for k in range(0, left, 8):
        j = U(k)
        tuple_ = gather(t.items, load(live[1], j) << LSB)
        slot, tags = _find(t, load(live[4], j), load(live[5], j), tuple_)
        further = load(live[2], j)
        store(record, j, pick(same(further, splat(NO)), slot, further) << W(3))
        store(tag, j, tags)
        if t.far:
            _ask(t, record, j)
    kept = ZERO
    for k in range(0, left, 8):
        j = U(k)
        e = records(t.entries, load(record, j))
        who, step, src, dst = load(live[0], j), load(live[1], j), load(live[4], j), load(live[5], j)
        sport, dport, kind, y = (
            load(live[6], j), load(live[7], j), load(live[8], j), load(live[9], j)
        )  # fmt: skip
        mine = same(e[2] >> SIXTEEN, load(tag, j)) | below(splat(NO), load(live[2], j))
        rule, further = _judge(t, e, src, dst, sport, dport, kind, y, load(live[3], j), mine)
        over = same(further, splat(NO))
        step = step - over
        on = bits(below(gather(t.items, (step << LSB) | LSB), rule) | (over ^ splat(NONE)))
        store(out, ZERO, rule)
        n = min(left - j, U(8))
        for lane in range(n):
            best[U(live[0, j + U(lane)])] = out[U(lane)]
        on &= (ONE << n) - ONE
        kept = _keep(live, kept, on, who, step, further, rule, src, dst, sport, dport, kind, y)
    return kept
