"""The look-up of `sim.kernels.match.tuples` for eight packets at a time.

Per block of packets: both matches and the coarse rules, level by level; packets that have a tuple
to ask enter a pool. The pool goes round by round, one record per packet, until few are left; these
wait for company from the next block, as a round of few packets spends its time waiting for memory.
The record of the next round is always asked for a round early.

Theory: the same search as `match_tuples`, whose steps for different packets depend on nothing of
each other, so any order of them gives the same answers; the pool keeps eight independent ones at
hand.
Invariants: a packet is in the pool at most once, with its best rule so far also in `out`; a round
takes one record of each, so it ends; nobody leaves the pool while an item may still better him.
Cost: as `match_tuples`, with the misses of eight packets at a time overlapping.

Arguments: `t` `sim.classify.engines.tuples.TupleTables`, `c`
`sim.classify.engines.lookup.Headers32`, `out` i32[packets], best rules so far. Rows of `scratch`,
u32[16 or more, BLOCK + WAITING + 8 or more], are columns of a block and then the pool, `pool` u32[9
or more, as wide], whose rows are `WHO` to `CLASSES`. Inlined parts take the former under the names
of what they hold, by packet of the block: `item` the place in `items` of the next tuple, `record`
the next record of a chain or 0, `tag` an item or the tag that the record must carry, `ports` the
source port and, shifted left by 16, the destination port, `classes` the meta class and, shifted
left by 16, the L4 class; `active` lists who has something to ask. `base` is the block's first
packet, `stop` how many it has, `left` how many the pool has, `j` a column (u64).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined, kernel
from sim.kernels.arrays import I32, U32, Index
from sim.kernels.match.active import COUNT, note
from sim.kernels.match.l4 import meta_at8, raw_class8
from sim.kernels.match.lanes import (
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
from sim.kernels.match.perfect import MARK, hash_lanes
from sim.kernels.match.prefetch import prefetch
from sim.kernels.match.tries import interval_walks, stride_walks

U, W = np.uint64, np.uint32
BLOCK, WAITING, SAMPLED = 512, 256, 64
NONE, NOBODY = W(0xFFFFFFFF), W(0x10000)
LOW, BYTE, HOST_BITS, HEAVY, TUPLE = W(0xFFFF), W(0xFF), W(0x7F), W(0x8000), W(0xFFF)
ZERO, ONE, THREE = U(0), U(1), U(3)
NO, LSB, SIX, EIGHT, SIXTEEN, SIXTY_THREE = W(0), W(1), W(6), W(8), W(16), W(63)
WHO, STEP, RECORD, TAG, RULE, SRC, DST, PORTS, CLASSES = range(9)


@kernel
def match_tuples8(t: Any, c: Any, begin: int, end: int, scratch: U32, out: I32) -> None:
    """Rule ids of packets `begin..end`, a multiple of eight.

    `t` the engine's tables and `c` the packets' columns (named tuples that say their types),
    `scratch` u32[16 or more, BLOCK + WAITING + 8 or more], `out` i32[packets].
    """
    item, dst, classes, record, tag = scratch[0], scratch[1], scratch[2], scratch[3], scratch[4]
    ports, active, pool = scratch[5], scratch[6], scratch[7:]
    left = ZERO
    for first in range(begin, end, BLOCK):
        base, stop = U(first), U(min(first + BLOCK, end) - first)
        if t.src_intervals:
            interval_walks(t.src, t.src_low, t.src_value, c.src, base, stop, item)
        else:
            stride_walks(t.src, c.src, base, stop, item)
        if t.dst_intervals:
            interval_walks(t.dst, t.dst_low, t.dst_value, c.dst, base, stop, dst)
        else:
            stride_walks(t.dst, c.dst, base, stop, dst)
        _coarse_rules(t, c, base, stop, item, dst, classes, ports, record, out)
        if _most_are_active(t, base, stop, item, out):
            _first_round(t, c, base, stop, item, ports, classes, record, tag, out)
        n = _list_active(t, base, stop, item, record, active, out)
        if n > ZERO:
            _admit(t, c, base, n, item, ports, classes, record, active, out, pool, left)
            _advance(t, left, left + n, pool)
            left += n
        while left > U(WAITING):
            left = _round(t, left, pool, out)
    while left > ZERO:
        left = _round(t, left, pool, out)
    if t.renumbers:
        for i in range(begin, end, 8):
            found = load(out, U(i))
            none = same(found, splat(NONE))
            store(out, U(i), pick(none, found, gather(t.ids, pick(none, splat(NO), found))))


@inlined
def _coarse_rules(
    t: Any, c: Any, base: Index, stop: Index, src: U32, dst: U32, classes: U32, ports: U32,
    record: U32, out: I32,
) -> None:  # fmt: skip
    """From both matches: the coarse rule of each packet to `out`, its first item to `src`. `src`,
    `dst` are rows too, of what `lookup_src` and `lookup_dst` say."""
    for k in range(0, stop, 8):
        j, i = U(k), base + U(k)
        store(ports, j, load(c.sport, i) | (load(c.dport, i) << SIXTEEN))
        kind = gather(t.meta, meta_at8(t, c, i))
        store(classes, j, kind)
        store(record, j, raw_class8(t, c, i, kind))
    for k in range(0, stop, 8):
        j = U(k)
        a, b = load(src, j), load(dst, j)
        y = gather(t.y, load(record, j))
        store(classes, j, load(classes, j) | (y << SIXTEEN))
        store(dst, j, gather(t.x, (a & LOW) * t.n_columns + (b & LOW)) + y)
        store(src, j, gather(t.pairs, (a >> SIXTEEN) * t.n_dst + (b >> SIXTEEN)))
        store(record, j, splat(NO))
    for k in range(0, stop, 8):
        store(out, base + U(k), gather(t.f, load(dst, U(k))))


@inlined
def _worth(t: Any, items: Any, known: Any) -> Any:
    """Whether eight tuples may have rules that better those known: `items`, `known` u32 lanes."""
    return below(items, (known << t.up) | t.fraction)


@inlined
def _most_are_active(t: Any, base: Index, stop: Index, item: U32, out: I32) -> Any:
    """Whether most packets of a block have a tuple to ask, by a sample."""
    n = ZERO
    for k in range(0, stop, SAMPLED):
        j = U(k)
        n += count_bits(bits(_worth(t, gather(t.items, load(item, j)), load(out, base + j))))
    return n * U(SAMPLED // 4) > stop


@inlined
def _list_active(
    t: Any, base: Index, stop: Index, item: U32, record: U32, active: U32, out: I32
) -> Any:
    """Lists the packets of a block that have a record to compare: further in a chain, where
    `record` is not 0, or that of the tuple at `item`. Returns how many they are."""
    n = ZERO
    for k in range(0, stop, 8):
        j = U(k)
        on = _worth(t, gather(t.items, load(item, j)), load(out, base + j))
        on = on | below(splat(NO), load(record, j))
        n = note(active, n, splat(W(k)) + load(COUNT, ZERO), bits(on))
    return n


@inlined
def _first_round(
    t: Any, c: Any, base: Index, stop: Index, item: U32, ports: U32, classes: U32, record: U32,
    tag: U32, out: I32,
) -> None:  # fmt: skip
    """The first record of every packet of a block, without picking those that have one."""
    for k in range(0, stop, 8):
        j = U(k)
        own = gather(t.items, load(item, j))
        store(tag, j, own)
        store(item, j, load(item, j) - _worth(t, own, load(out, base + j)))
    for k in range(0, stop, 8):
        j, i = U(k), base + U(k)
        slot, tags = _find(t, load(c.src, i), load(c.dst, i), load(tag, j))
        store(record, j, slot << W(3))
        store(tag, j, tags)
        if t.far:
            _ask(t, record, j)
    for k in range(0, stop, 8):
        j, i = U(k), base + U(k)
        rule, further = _judge(
            t, load(record, j), load(tag, j), load(c.src, i), load(c.dst, i), load(ports, j),
            load(classes, j), load(out, i),
        )  # fmt: skip
        store(out, i, rule)
        store(record, j, further)


@inlined
def _admit(
    t: Any, c: Any, base: Index, n: Index, item: U32, ports: U32, classes: U32, record: U32,
    active: U32, out: I32, pool: U32, left: Index,
) -> None:  # fmt: skip
    """The first `n` active packets of a block enter the pool behind `left` others."""
    store(active, n, splat(NO))
    for k in range(0, n, 8):
        j, k_ = left + U(k), load(active, U(k))
        who = k_ + W(base)
        store(pool[WHO], j, who)
        step = gather(item, k_)
        store(pool[STEP], j, step)
        store(pool[TAG], j, gather(t.items, step))
        store(pool[RECORD], j, gather(record, k_))
        store(pool[RULE], j, gather(out, who))
        store(pool[SRC], j, gather(c.src, who))
        store(pool[DST], j, gather(c.dst, who))
        store(pool[PORTS], j, gather(ports, k_))
        store(pool[CLASSES], j, gather(classes, k_))


@inlined
def _find(t: Any, src: Any, dst: Any, items: Any) -> Any:
    """Slots of eight keys and the tags that their records must carry; the first slot and a tag that
    no record carries for those that are not in the table. `src`, `dst` (addresses) and `items` are
    u32 lanes."""
    tuple_ = items & TUPLE
    a, b = tuple_ >> SIX, tuple_ & SIXTY_THREE
    x, z = shift_left(shift_right(src, a), a), shift_left(shift_right(dst, b), b)
    h, g = hash_lanes(x, z, tuple_, t.seed)
    bucket = gather(t.buckets, h >> t.shift)
    stranger = same(shift_right(bucket, (g >> MARK) + SIXTEEN) & LSB, splat(NO))
    slot = (g + (bucket & LOW) * (h | LSB)) & t.slots
    return pick(stranger, splat(NO), slot), pick(stranger, splat(NOBODY), h & LOW)


@inlined
def _ask(t: Any, record: U32, j: Index) -> None:
    """Fetch eight records early: those of columns `j` on of a row, `record`."""
    for lane in range(8):
        prefetch(t.entries, U(record[j + U(lane)]))


@inlined
def _advance(t: Any, begin: Index, left: Index, pool: U32) -> None:
    """Where the next records of packets `begin..left` are and what tags they must carry, instead of
    the items at their steps; records of a chain carry any. `begin` is a column (u64)."""
    for row in range(len(pool)):
        store(pool[row], left, splat(NO))
    for k in range(begin, left, 8):
        j = U(k)
        slot, tags = _find(t, load(pool[SRC], j), load(pool[DST], j), load(pool[TAG], j))
        further = load(pool[RECORD], j)
        fresh = same(further, splat(NO))
        store(pool[STEP], j, load(pool[STEP], j) - fresh)
        store(pool[RECORD], j, pick(fresh, slot, further) << W(3))
        store(pool[TAG], j, pick(fresh, tags, splat(NONE)))
        if t.far:
            _ask(t, pool[RECORD], j)


@inlined
def _round(t: Any, left: Index, pool: U32, out: I32) -> Any:
    """One record of every packet in the pool; returns how many stay in it."""
    for k in range(0, left, 8):
        j = U(k)
        rule, further = _judge(
            t, load(pool[RECORD], j), load(pool[TAG], j), load(pool[SRC], j), load(pool[DST], j),
            load(pool[PORTS], j), load(pool[CLASSES], j), load(pool[RULE], j),
        )  # fmt: skip
        store(pool[RULE], j, rule)
        store(pool[RECORD], j, further)
        for lane in range(min(left - j, U(8))):
            out[U(pool[WHO, j + U(lane)])] = pool[RULE, j + U(lane)]
    kept = ZERO
    for k in range(0, left, 8):
        j = U(k)
        step, record, rule = load(pool[STEP], j), load(pool[RECORD], j), load(pool[RULE], j)
        own = gather(t.items, step)
        on = bits(_worth(t, own, rule) | below(splat(NO), record))
        on &= (ONE << min(left - j, U(8))) - ONE
        order = load(ORDERS, on << THREE)
        who, src, dst = load(pool[WHO], j), load(pool[SRC], j), load(pool[DST], j)
        ports, classes = load(pool[PORTS], j), load(pool[CLASSES], j)
        store(pool[WHO], kept, keep(who, order))
        store(pool[STEP], kept, keep(step, order))
        store(pool[RECORD], kept, keep(record, order))
        store(pool[TAG], kept, keep(own, order))
        store(pool[RULE], kept, keep(rule, order))
        store(pool[SRC], kept, keep(src, order))
        store(pool[DST], kept, keep(dst, order))
        store(pool[PORTS], kept, keep(ports, order))
        store(pool[CLASSES], kept, keep(classes, order))
        kept += count_bits(on)
    _advance(t, ZERO, kept, pool)
    return kept


@inlined
def _judge(
    t: Any, record: Any, tag: Any, src: Any, dst: Any, ports: Any, classes: Any, known: Any
) -> Any:
    """Eight records against eight packets: the best rules now, and where the chains go on that can
    still better them, else 0. What strangers find is no match or a true one.

    All but `t` are u32 lanes: `record` and `tag` what `_find` says or the next ones of chains,
    `src`, `dst` addresses, `ports` and `classes` of the packets, `known` their best rules.
    """
    e = records(t.entries, record)
    bounds = e[2]
    mine = same(bounds >> SIXTEEN, tag) | same(tag, splat(NONE))
    wrong = shift_right(src ^ e[0], (bounds >> EIGHT) & HOST_BITS)
    wrong = wrong | shift_right(dst ^ e[1], bounds & BYTE)
    better = below(e[3], known)
    inside = same(wrong, splat(NO)) & better
    inner = at_most((ports & LOW) - (e[4] & LOW), e[4] >> SIXTEEN)
    inner = inner & at_most((ports >> SIXTEEN) - (e[5] & LOW), e[5] >> SIXTEEN)
    kind, kinds = classes & LOW, e[6]
    if t.kind_words != NO:
        kinds = gather(t.kinds, kinds * t.kind_words + (kind >> W(5)))
    inner = inner & below(splat(NO), shift_right(kinds, kind & W(31)) & LSB)
    heavy = below(splat(NO), bounds & HEAVY)
    rule = pick(inside & inner & (heavy ^ splat(NONE)), e[3], known)
    tabulated = inside & heavy
    if bits(tabulated) != ZERO:
        cell = pick(tabulated, e[4] * t.n_y + (classes >> SIXTEEN), splat(NO))
        rule = pick(tabulated, least(rule, gather(t.heavy, cell)), rule)
    return rule, e[7] & mine & better
