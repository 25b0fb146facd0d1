"""The stateful stage: packets in order, each against the flows that earlier ones opened.

A block of packets is routed (`sim.kernels.pipeline.path`), then looked up
(`sim.kernels.pipeline.flow_table`). If anyone's flow seems unknown, the block is shown to the
policy groups, as are the first packets of flows that an older policy let through. Then
`pass_in_order` goes through the block packet by packet and is right about each: where an earlier
packet of the block changed the table, it looks again, and asks the groups itself.

ICMP (`sim.packets.icmp`): `p` has the marks of all packets and what errors quote. What an error
quotes is routed as a packet of whoever gets the error, which names the flow that it is about.

Theory: deciding a block at once is a guess that nothing in it depends on anything else in it; each
packet is then passed in order, and where the guess was wrong, decided again. Invariants: what the
table says after a packet depends on the packets before it alone, whatever the size of blocks; a
flow of an older generation is decided again once. Cost per packet of a known flow: routing and one
line of the table; of a new one: the groups' word for its block, and one line. Arguments: `t`
Tables, `d` LaneTables, `h`, `r` Headers, `o`, `v` Verdicts, `p` Queries, `f` Flows (named tuples
that say their types), `w` u32[ROWS + MORE_ROWS, block + 8] (`sim.kernels.pipeline.flow_blocks`),
rows from `begin` to `end` (i64), `at` a block's first and `n` how many it has, `time` i64[packets],
`portless` bool[packets]. Of a block `arrived` is how many `ARRIVED` lists (u64), `asked` whether
the groups were asked. Of a packet `i` is its row, `j` its column in `w`, `slot` the word in
`f.table` where its flow begins (u64), `source` an endpoint (i32); `k` is a row of `r` (u64)."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined, kernel
from sim.kernels.arrays import I64, Bools, Index
from sim.kernels.match.prefetch import prefetch
from sim.kernels.pipeline.atoms import find_atoms
from sim.kernels.pipeline.block_rows import (
    ENTRY,
    FLOW,
    INTO,
    NOBODY,
    ONE,
    OUT,
    REASON,
    SOURCE,
    TARGET,
    ZERO,
    hand_out,
    take_in,
)
from sim.kernels.pipeline.flow_blocks import (
    AGAIN,
    ANSWERER,
    ARRIVED,
    DELIVERED,
    KIND,
    OPENER,
    RELATED_STATE,
    SIDE,
    ask,
    known_pass,
    line_up,
    tell_time,
    with_ports,
)
from sim.kernels.pipeline.flow_table import (
    AGED,
    ALIVE,
    ANSWER,
    CLOCK,
    ERROR,
    FIVE,
    GENERATION,
    HASH,
    HIT,
    LASTING,
    LOW_32,
    NOW,
    OPENED_BY_B,
    OTHER,
    REDECIDED,
    RELATED,
    REPLY,
    REVOKED,
    S24,
    S32,
    SEEN,
    SEEN_SHIFT,
    SEVEN,
    SIX,
    SLOT,
    find,
    name,
    name_query,
    open_flow,
    recall,
    remove,
)
from sim.kernels.pipeline.path import (
    arrive,
    bind_source,
    forward,
    leave,
    look_back,
)
from sim.kernels.pipeline.whereabouts import lives_at

U = np.uint64
W, THREE = np.uint32, U(3)


@inlined
def turn_round(t: Any, h: Any, i: Any, source: Any, r: Any, k: Any) -> None:
    """Row `k` of headers `r` becomes what packet `i` answers, which `source` sent."""
    r.src_endpoint[k], r.vrf[k], r.version[k] = source, t.ep_vrf[U(source)], h.version[i]
    r.src_hi[k], r.src_lo[k] = h.dst_hi[i], h.dst_lo[i]
    r.dst_hi[k], r.dst_lo[k] = h.src_hi[i], h.src_lo[i]
    r.protocol[k], r.sport[k], r.dport[k] = h.protocol[i], h.dport[i], h.sport[i]


@inlined
def quote(t: Any, h: Any, i: Any, source: Any, p: Any, r: Any, k: Any) -> None:
    """Row `k` of headers `r` becomes what the ICMP error `i` quotes, which `source` sent."""
    x, m = p.quoted, U(p.inner[i])
    r.src_endpoint[k], r.vrf[k], r.version[k] = source, t.ep_vrf[U(source)], h.version[i]
    r.src_hi[k], r.src_lo[k] = x.src_hi[m], x.src_lo[m]
    r.dst_hi[k], r.dst_lo[k] = x.dst_hi[m], x.dst_lo[m]
    r.protocol[k], r.sport[k], r.dport[k] = x.protocol[m], x.sport[m], x.dport[m]


@inlined
def name_all(t: Any, d: Any, h: Any, at: int, arrived: Index, p: Any, f: Any, w: Any) -> None:
    """The flow of everyone in `ARRIVED`; `KIND` says what may be done with it."""
    table, q, mask = f.table, f.keys, U(len(f.table) - 1)
    r, v, errors = f.headers, f.verdicts, ZERO
    for k in range(arrived):
        j = U(w[ARRIVED, U(k)])
        i = U(at) + j
        mark = U(p.mark[i])
        w[KIND, j] = W(mark >> S24)
        if U(w[KIND, j]) == ERROR:
            quote(t, h, i, np.int32(w[TARGET, j]), p, r, errors)
            w[AGAIN, j] = W(errors)
            errors += ONE
        elif U(w[KIND, j]) != OTHER:
            side = name(h, i, U(w[SOURCE, j]), U(w[TARGET, j]), q, j)
            w[SIDE, j] = W(side)
            if mark != ZERO:
                name_query(q, j, mark, side)
            prefetch(table, (q[HASH, j] << THREE) & mask)
    if errors == ZERO:
        return
    forward(t, d, r, np.bool_(True), np.int64(0), np.int64(errors), f.scratch, v)
    for k in range(arrived):
        j = U(w[ARRIVED, U(k)])
        if U(w[KIND, j]) == ERROR:
            row, mark = U(w[AGAIN, j]), U(p.quoted_marks[U(p.inner[U(at) + j])])
            if v.route[row] != 0:
                w[KIND, j] = W(OTHER)
                continue
            side = name(r, row, U(v.src_endpoint[row]), U(v.dst_endpoint[row]), q, j)
            w[SIDE, j] = W(side)
            if mark != ZERO:
                name_query(q, j, mark, side)


@inlined
def look_up(t: Any, d: Any, h: Any, at: int, arrived: Index, p: Any, f: Any, w: Any) -> Any:
    """Find everyone's flow in the table as it is now; returns whether anyone needs the groups'
    word. `AGAIN` says which row of `f.verdicts` says whether an answered packet would pass now."""
    table, q, stamp = f.table, f.keys, f.stamp
    name_all(t, d, h, at, arrived, p, f, w)
    turned, asked = ZERO, False
    for k in range(arrived):
        j = U(w[ARRIVED, U(k)])
        kind = U(w[KIND, j])
        if kind == OTHER:
            q[SLOT, j] = ZERO
            asked = True
            continue
        slot = find(table, q, j)
        state = table[slot | SIX]
        unknown = state & (GENERATION | ALIVE) != stamp
        asked |= unknown | (kind == ERROR)
        q[SLOT, j] = slot
        if unknown & (kind != ERROR):
            w[AGAIN, j] = NOBODY
            if (state & ALIVE != ZERO) & (state & OPENED_BY_B != U(w[SIDE, j])):
                turn_round(t, h, U(at) + j, np.int32(w[TARGET, j]), f.headers, turned)
                w[AGAIN, j] = W(turned)
                turned += ONE
    if turned:
        forward(
            t, d, f.headers, np.bool_(False), np.int64(0), np.int64(turned), f.scratch, f.verdicts
        )
    return asked


@inlined
def opening_passes(t: Any, d: Any, h: Any, i: Any, j: Any, f: Any, w: Any) -> Any:
    """Whether the groups would let pass what packet `i` answers."""
    row = U(w[AGAIN, j])
    if row == U(NOBODY):
        row = U(len(f.verdicts.reason) - 1)
        turn_round(t, h, i, np.int32(w[TARGET, j]), f.headers, row)
        first, end = np.int64(row), np.int64(row) + 1
        forward(t, d, f.headers, np.bool_(False), first, end, f.scratch, f.verdicts)
    return f.verdicts.reason[row] == DELIVERED


@inlined
def still_passes(t: Any, d: Any, slot: Index, f: Any) -> Any:
    """Whether the groups would let pass what opened the flow in this slot."""
    row = U(len(f.verdicts.reason) - 1)
    recall(t, f.table, slot, f.headers, row)
    forward(
        t, d, f.headers, np.bool_(False), np.int64(row), np.int64(row) + 1, f.scratch, f.verdicts
    )
    return f.verdicts.reason[row] == DELIVERED


@inlined
def pass_related(t: Any, j: Any, slot: Index, f: Any, w: Any) -> None:
    """An error about the known flow in this slot: at the flow's ends it passes, and on the way out
    of anyone else's VTEP the groups have said what they say."""
    ends, c = f.table[slot | FIVE], f.counters
    vtep = U(w[ENTRY, j])
    if lives_at(t, ends >> S32, vtep) | lives_at(t, ends & LOW_32, vtep):
        w[OUT, j] = NOBODY
    elif t.dec_reason[U(w[OUT, j])] != 0:
        return
    w[REASON, j], w[INTO, j], w[FLOW, j] = DELIVERED, NOBODY, RELATED_STATE
    c[RELATED] += 1


@inlined
def pass_known(arrived: Index, f: Any, w: Any) -> Any:
    """Let packets of known flows pass, from the first on, as long as nothing else comes; returns
    how many of the block are done."""
    table, q, seen, hits, k = f.table, f.keys, U(f.counters[SEEN]), ZERO, ZERO
    while k < arrived:
        j = U(w[ARRIVED, k])
        slot, now = q[SLOT, j], q[NOW, j]
        state = table[slot | SIX]
        silent = np.int64(now - table[slot | SEVEN])
        other = (state & GENERATION != f.stamp - ALIVE) | (U(w[KIND, j]) >= ERROR)
        if other | (silent > f.timeout):
            break
        known = state & OPENED_BY_B == U(w[SIDE, j])
        w[FLOW, j] = OPENER if known else ANSWERER
        hits += U(known)
        seen += ONE
        table[slot | SIX] = (state & LASTING) | (seen << SEEN_SHIFT)
        table[slot | SEVEN] = now
        k += ONE
    f.counters[SEEN] = np.int64(seen)
    f.counters[HIT] += np.int64(hits)
    f.counters[REPLY] += np.int64(k - hits)
    return k


@inlined
def pass_in_order(
    t: Any, d: Any, h: Any, at: int, n: int, arrived: Index, asked: Any, f: Any, w: Any
) -> Any:
    """Every routed packet of a block, one after the other; returns how many could be done."""
    table, q, stamp, c = f.table, f.keys, f.stamp, f.counters
    k, changed = pass_known(arrived, f, w), False
    while k < arrived:
        j = U(w[ARRIVED, k])
        i, kind = U(at) + j, U(w[KIND, j])
        if not asked:
            ask(t, d, n, w)
            asked = True
        if kind == OTHER:
            k += ONE
            continue
        slot, side, now = q[SLOT, j], U(w[SIDE, j]), q[NOW, j]
        if changed:
            slot = find(table, q, j)
        state = table[slot | SIX]
        if state & ALIVE and np.int64(now - table[slot | SEVEN]) > f.timeout:
            remove(table, slot, c)
            c[AGED] += 1
            state, changed = ZERO, True
        if state & ALIVE and state & (GENERATION | ALIVE) != stamp:
            c[REDECIDED] += 1
            if kind == ERROR:
                permitted = still_passes(t, d, slot, f)
            elif state & OPENED_BY_B == side:
                permitted = w[REASON, j] == DELIVERED
            else:
                permitted = opening_passes(t, d, h, i, j, f, w)
            state = (state & OPENED_BY_B) | stamp
            if not permitted:
                remove(table, slot, c)
                c[REVOKED] += 1
                state, changed = ZERO, True
        if kind == ERROR:
            if state & ALIVE:
                pass_related(t, j, slot, f, w)
        elif state & ALIVE:
            known = state & OPENED_BY_B == side
            w[FLOW, j] = OPENER if known else ANSWERER
            c[HIT if known else REPLY] += 1
            c[SEEN] += 1
            table[slot | SIX] = (state & LASTING) | (U(c[SEEN]) << SEEN_SHIFT)
            table[slot | SEVEN] = now
        elif w[REASON, j] == DELIVERED and kind != ANSWER:
            if not open_flow(j, side, now, f):
                break
            changed = True
        k += ONE
    return k


@kernel
def track(
    t: Any,
    d: Any,
    h: Any,
    time: I64,
    portless: Bools,
    p: Any,
    begin: int,
    end: int,
    f: Any,
    w: Any,
    o: Any,
) -> int | np.int64:
    """Decide rows `begin..end` of headers `h` in order; `time` int64 ns per packet, `portless` who
    may neither use nor open a flow, `p` what ICMP packets say. Returns `end`, or the row before
    which `f` (see `sim.pipeline.conntrack`) needs more room or a new queue.

    The columns of `o` are those of `sim.pipeline.datapath`; a packet that a known flow let through
    has no decisions and a `flow_state` of 1 (sent by who opened the flow), 2 (reply) or 3 (an ICMP
    error about it).
    """
    size = w.shape[1] - 8
    for at in range(begin, end, size):
        n = min(size, end - at)
        take_in(h, at, n, w)
        find_atoms(t, d, n, w)
        bind_source(t, d, n, w)
        leave(t, d, n, w)
        with_ports(portless, at, n, w)
        arrive(t, d, n, w)
        look_back(t, d, n, w)
        arrived, asked = line_up(n, w)
        tell_time(time, at, n, f.keys, f.counters)
        asked |= look_up(t, d, h, at, arrived, p, f, w)
        if asked:
            ask(t, d, n, w)
        done = pass_in_order(t, d, h, at, n, arrived, asked, f, w)
        known_pass(n, w)
        last = U(w[ARRIVED, done]) if done < arrived else U(n - 1)
        f.counters[CLOCK] = np.int64(f.keys[NOW, last])
        if done < arrived:
            hand_out(o, at, np.int64(last), w)
            return at + np.int64(last)
        hand_out(o, at, n, w)
    return end
