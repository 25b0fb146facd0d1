"""Cells with short lists: two tries give a cell, the cell the rules that hold its addresses.

A list names records in the order of their rules and ends with `NONE`; a record has four words,

    source ports, destination ports, protocols, rule

(`first | (last - first) << 16`, a set of 32 meta classes). Its addresses need no look. Rules for
any source and any destination are not in the lists but in a table by L4 class, the best record of
which is where the search starts.

Theory: the rules that can match a packet are those whose addresses hold it; two longest-prefix
matches name that set exactly, so only ports and protocols are left to try. Invariants: a list
ascends, so the first record that holds is the best of it, and the walk ends as soon as the next
number is not below the best one known. Cost per packet: six dependent look-ups for the tries, one
for the cell, then one record (16 bytes) per rule of the list up to the first that holds.

Arguments: `t` `sim.classify.engines.cells.CellTables`, `c` `sim.classify.engines.lookup.Headers32`,
`scratch` u32[6 rows or more, BLOCK + 8 or more]. Inlined parts take rows of it, a word for each
packet of a block: `at` the place in `lists` where it stands, `best` the best record so far, `kind`
its meta class, `ports` its source port and, shifted left by 16, its destination port; `record` has
room for what is found, and `active` lists who goes on. `stop` is how many packets the block has,
`left` how many are active (u64).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined, kernel
from sim.kernels.match.active import COUNT, note
from sim.kernels.match.l4 import meta_at, meta_at8, raw_class, raw_class8
from sim.kernels.match.lanes import (
    at_most,
    below,
    bits,
    gather,
    load,
    pick,
    same,
    splat,
    store,
)
from sim.kernels.match.tries import stride_walk, stride_walks

U, W = np.uint64, np.uint32
BLOCK = 512
NONE = W(0xFFFFFFFF)
LOW = W(0xFFFF)
NO, ONE, TWO, THREE, SIXTEEN = W(0), W(1), W(2), W(3), W(16)
U0, U1, U2, U3 = U(0), U(1), U(2), U(3)


@kernel
def match_cells(t: Any, c: Any, begin: int, end: int, scratch: Any, out: Any) -> None:
    """Rule ids of packets `begin..end`, one at a time.

    `t` the engine's tables and `c` the packets' columns (named tuples that say their types),
    `scratch` u32[rows, BLOCK + 8 or more], `out` i32[packets].
    """
    for packet in range(begin, end):
        i = U(packet)
        at = U(t.x[U(stride_walk(t.src, c.src[i]) + stride_walk(t.dst, c.dst[i]))])
        sport, dport, meta = W(c.sport[i]), W(c.dport[i]), W(t.meta[U(meta_at(t, c, i))])
        best = NONE
        if t.has_any:
            best = t.any[U(t.y[U(raw_class(t, c, i, meta))])]
        while t.lists[at] < best:
            r = U(t.lists[at]) << U2
            p, q, m = t.records[r], t.records[r + U1], t.records[r + U2]
            if (
                W(sport - (p & LOW)) <= (p >> SIXTEEN)
                and W(dport - (q & LOW)) <= (q >> SIXTEEN)
                and (m >> meta) & ONE != NO
            ):
                best = t.lists[at]
            at += U1
        out[i] = t.records[(U(best) << U2) + U3] if best != NONE else NONE


@kernel
def match_cells8(t: Any, c: Any, begin: int, end: int, scratch: Any, out: Any) -> None:
    """Those of packets `begin..end`, a multiple of eight, eight at a time.

    `t` the engine's tables and `c` the packets' columns (named tuples that say their types),
    `scratch` u32[rows, BLOCK + 8 or more], `out` i32[packets].
    """
    at, best, kind, active = scratch[0], scratch[1], scratch[2], scratch[3]
    record, ports = scratch[4], scratch[5]
    for first in range(begin, end, BLOCK):
        base, stop = U(first), U(min(first + BLOCK, end) - first)
        stride_walks(t.src, c.src, base, stop, at)
        stride_walks(t.dst, c.dst, base, stop, record)
        for k in range(0, stop, 8):
            j, i = U(k), base + U(k)
            store(at, j, load(at, j) + load(record, j))
            store(ports, j, load(c.sport, i) | (load(c.dport, i) << SIXTEEN))
            which = gather(t.meta, meta_at8(t, c, i))
            store(kind, j, which)
            if t.has_any:
                store(best, j, raw_class8(t, c, i, which))
        for k in range(0, stop, 8):
            j = U(k)
            store(at, j, gather(t.x, load(at, j)))
            known = splat(NONE)
            if t.has_any:
                known = gather(t.any, gather(t.y, load(best, j)))
            store(best, j, known)
        left = _first_round(t, stop, at, best, kind, ports, record, active)
        while left > U0:
            store(active, left, splat(active[left - U1]))
            left = _next_round(t, left, at, best, kind, ports, active, record)
        for k in range(0, stop, 8):
            found = load(best, U(k))
            none = same(found, splat(NONE))
            rule = gather(t.records, (pick(none, splat(NO), found) << TWO) | THREE)
            store(out, base + U(k), pick(none, found, rule))


@inlined
def _first_round(
    t: Any, stop: Any, at: Any, best: Any, kind: Any, ports: Any, record: Any, active: Any
) -> Any:
    """The first record of every packet of a block; returns how many are active after it."""
    for k in range(0, stop, 8):
        store(record, U(k), gather(t.lists, load(at, U(k))))
    for k in range(0, stop, 8):
        j = U(k)
        known = load(best, j)
        hit = below(load(record, j), known)
        if bits(hit) != U0:
            first = pick(hit, load(record, j), splat(NO))
            held = _held(t, first, load(ports, j), load(kind, j))
            store(best, j, pick(hit & held, first, known))
            store(at, j, load(at, j) + (hit & ONE))
    left = U0
    for k in range(0, stop, 8):
        j = U(k)
        on = below(gather(t.lists, load(at, j)), load(best, j))
        left = note(active, left, splat(W(k)) + load(COUNT, U0), bits(on))
    return left


@inlined
def _held(t: Any, record: Any, ports: Any, kind: Any) -> Any:
    """Lanes whose ports and protocols the records hold: of eight packets each a `record`, its
    `ports` and its `kind`, u32 lanes."""
    place = record << TWO
    p, q = gather(t.records, place), gather(t.records, place | ONE)
    held = at_most((ports & LOW) - (p & LOW), p >> SIXTEEN)
    held = held & at_most((ports >> SIXTEEN) - (q & LOW), q >> SIXTEEN)
    return held & below(splat(NO), (gather(t.records, place | TWO) >> kind) & ONE)


@inlined
def _next_round(
    t: Any, left: Any, at: Any, best: Any, kind: Any, ports: Any, active: Any, out: Any
) -> Any:
    """The next record of each active packet; returns how many are still active. `out` is a row
    too, and has room for sixteen words."""
    kept = U0
    for k in range(0, left, 8):
        j = U(k)
        who = load(active, j)
        step, known = gather(at, who), gather(best, who)
        record = gather(t.lists, step)
        found = pick(_held(t, record, gather(ports, who), gather(kind, who)), record, known)
        step = step + ONE
        store(out, U0, found)
        store(out, U(8), step)
        n = min(left - j, U(8))
        for lane in range(n):
            w = U(active[j + U(lane)])
            best[w] = out[U(lane)]
            at[w] = out[U(lane + 8)]
        on = bits(below(gather(t.lists, step), found))
        kept = note(active, kept, who, on & ((U1 << n) - U1))
    return kept
