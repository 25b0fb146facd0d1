"""Cells with short lists: two tries give a cell, the cell the rules that hold its addresses.

A list names records in the order of their rules and ends with `NONE`; a record has four words,

    source ports, destination ports, protocols, rule

(`first | (last - first) << 16`, a set of 32 meta classes). Its addresses need no look. Rules for
any source and any destination are not in the lists but in a table by L4 class, the best record of
which is where the search starts.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined, kernel
from sim.kernels.active import COUNT, note
from sim.kernels.l4 import meta_at, meta_at8, raw_class, raw_class8
from sim.kernels.lanes import (
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
from sim.kernels.paint import covered
from sim.kernels.prefetch import prefetch
from sim.kernels.tries import stride_walk, stride_walk8

U, W = np.uint64, np.uint32
BLOCK = 512
NONE = W(0xFFFFFFFF)
LOW = W(0xFFFF)
NO, ONE, TWO, THREE, SIXTEEN = W(0), W(1), W(2), W(3), W(16)
U0, U1, U2, U3, U7 = U(0), U(1), U(2), U(3), U(7)


@kernel
def list_cells(
    src_off: Any, src_a: Any, src_b: Any, dst_off: Any, dst_a: Any, dst_b: Any, row: Any,
    column: Any, x: Any, n_columns: int, count: Any, first: Any, rows: Any, columns: Any, seen: Any,
    off: Any, out: Any,
) -> None:  # fmt: skip
    """The `count[r]` records from `first[r]` on of every rule that covers each cell. If `out` is
    empty their numbers are added to `off[cell]`; else they are written at `off[cell]`, which moves
    on. Scratch as in `sim.kernels.paint.paint_rules`."""
    for r in range(len(first)):
        n_rows = covered(src_off, src_a, src_b, row, r, rows)
        n_columns_here = covered(dst_off, dst_a, dst_b, column, r, columns)
        for i in range(n_rows):
            base = rows[i, 1] * n_columns
            for j in range(n_columns_here):
                cell = x[base + columns[j, 1]]
                if seen[cell] == r:
                    continue
                seen[cell] = r
                if len(out) > 0:
                    for record in range(first[r], first[r] + count[r]):
                        out[off[cell]] = record
                        off[cell] += 1
                else:
                    off[cell] += count[r]


@kernel
def match_cells(t: Any, c: Any, begin: int, end: int, scratch: Any, out: Any) -> None:
    """Rule ids of packets `begin..end`, one at a time."""
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
    """The same, eight at a time; `end - begin` is a multiple of eight."""
    at, best, kind, active = scratch[0], scratch[1], scratch[2], scratch[3]
    for first in range(begin, end, BLOCK):
        base, stop = U(first), U(min(first + BLOCK, end) - first)
        for k in range(0, stop, 8):
            j, i = U(k), base + U(k)
            store(at, j, stride_walk8(t.src, load(c.src, i)) + stride_walk8(t.dst, load(c.dst, i)))
            for lane in range(8):
                prefetch(t.x, U(at[j + U(lane)]))
            which = gather(t.meta, meta_at8(t, c, i))
            store(kind, j, which)
            known = splat(NONE)
            if t.has_any:
                known = gather(t.any, gather(t.y, raw_class8(t, c, i, which)))
            store(best, j, known)
        for k in range(0, stop, 8):
            j = U(k)
            store(at, j, gather(t.x, load(at, j)))
            for lane in range(8):
                prefetch(t.lists, U(at[j + U(lane)]))
        left = U0
        for k in range(0, stop, 8):
            j, i = U(k), base + U(k)
            step, known = load(at, j), load(best, j)
            record = gather(t.lists, step)
            hit = below(record, known)
            if bits(hit) != U0:
                held = _held(
                    t,
                    pick(hit, record, splat(NO)),
                    load(c.sport, i),
                    load(c.dport, i),
                    load(kind, j),
                )
                found = pick(hit & held, record, known)
                store(best, j, found)
                step = step + ONE
                store(at, j, step)
                on = hit & (held ^ splat(NONE)) & below(gather(t.lists, step), found)
                left = note(active, left, splat(W(k)) + load(COUNT, U0), bits(on))
        while left > U0:
            for k in range(left, (left + U7) & ~U7):
                active[U(k)] = active[left - U1]
            left = _next_round(t, c, base, left, at, best, kind, active, scratch[4])
        for k in range(0, stop, 8):
            found = load(best, U(k))
            none = same(found, splat(NONE))
            rule = gather(t.records, (pick(none, splat(NO), found) << TWO) | THREE)
            store(out, base + U(k), pick(none, found, rule))


@inlined
def _held(t: Any, record: Any, sport: Any, dport: Any, kind: Any) -> Any:
    """Lanes whose ports and protocols the records hold."""
    place = record << TWO
    p, q = gather(t.records, place), gather(t.records, place | ONE)
    held = at_most(sport - (p & LOW), p >> SIXTEEN) & at_most(dport - (q & LOW), q >> SIXTEEN)
    return held & below(splat(NO), (gather(t.records, place | TWO) >> kind) & ONE)


@inlined
def _next_round(
    t: Any, c: Any, base: Any, left: Any, at: Any, best: Any, kind: Any, active: Any, out: Any
) -> Any:
    """The next record of each active packet; returns how many are still active."""
    kept = U0
    for k in range(0, left, 8):
        j = U(k)
        who = load(active, j)
        packet = who + W(base)
        step, known = gather(at, who), gather(best, who)
        record = gather(t.lists, step)
        held = _held(t, record, gather(c.sport, packet), gather(c.dport, packet), gather(kind, who))
        found = pick(held, record, known)
        step = step + ONE
        on = (held ^ splat(NONE)) & below(gather(t.lists, step), found)
        store(out, U0, found)
        store(out, U(8), step)
        n = min(left - j, U(8))
        for lane in range(n):
            w = U(active[j + U(lane)])
            best[w] = out[U(lane)]
            at[w] = out[U(lane + 8)]
        kept = note(active, kept, who, bits(on) & ((U1 << n) - U1))
    return kept
