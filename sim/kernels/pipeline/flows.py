"""The stateful stage: packets in order, each against the flows that earlier ones opened.

A block of packets is routed (`sim.kernels.pipeline.path`), then looked up
(`sim.kernels.pipeline.flow_table`). Those whose flow seems unknown are shown to the policy groups
together, as are the first packets of flows that an older policy let through. Then `pass_in_order`
goes through the block packet by packet and is right about each: where an earlier packet of the
block changed the table, it looks again, and asks the groups itself.

ICMP (`sim.packets.icmp`): `p` has the marks of all packets and what errors quote. What an error
quotes is routed as a packet of whoever gets the error, which names the flow that it is about.

Theory: deciding a block at once is a guess that nothing in it depends on anything else in it; each
packet is then passed in order, and where the guess was wrong, decided again.
Invariants: what the table says after a packet depends on the packets before it alone, whatever the
size of blocks; a flow of an older generation is decided again once. Cost per packet of a known
flow: routing and one line of the table; of a new one: the groups' word, and one line. Arguments:
`t` Tables, `e` u64[endpoints x 2 x 8] (`sim.pipeline.datapath`), `h`, `r` Headers, `o`, `v`
Verdicts, `p` Queries, `f` Flows (named tuples that say their types), `w` u64[ROWS, block], rows
from `begin` to `end`, `n` how many are in a list,
`time` i64[n], `portless` bool[256].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined, kernel
from sim.kernels.arrays import I64, U64, Bools, Index
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
    find,
    name,
    name_query,
    open_flow,
    recall,
    remove,
)
from sim.kernels.pipeline.path import (
    ARRIVED,
    BOUND,
    LEFT,
    SENT,
    arrive,
    bind_source,
    conclude,
    decide_in,
    decide_out,
    find_atoms,
    forward,
    leave,
    look_back,
)
from sim.kernels.pipeline.path import ROWS as PATH_ROWS
from sim.kernels.pipeline.whereabouts import NONE, lives_at
from sim.kernels.prefetch import prefetch
from sim.packets.reasons import Reason

U = np.uint64
ZERO, ONE, THREE = U(0), U(1), U(3)
DELIVERED = int(Reason.DELIVERED)
SLOT, ASKED, AGAIN, ASK, NOW, SIDE, KIND = (U(PATH_ROWS + i) for i in range(7))
ROWS = PATH_ROWS + 7


@kernel
def ask(t: Any, e: U64, begin: int, n: int | Index, w: U64, o: Any) -> None:
    """The groups' word on everyone in `ASK`, as if each opened a flow."""
    sent = decide_out(t, e, begin, ASK, n, False, w, o)
    routed = ZERO
    for k in range(sent):
        j = w[SENT, U(k)]
        w[BOUND, routed] = j
        routed += U(o.route[U(begin) + j] == 0)
    decide_in(t, e, begin, BOUND, routed, w, o)
    conclude(t, begin, sent, w, o)


@inlined
def turn_round(t: Any, h: Any, o: Any, i: Any, r: Any, k: Any) -> None:
    """Row `k` of headers `r` becomes what packet `i` answers."""
    source = o.dst_endpoint[i]
    r.src_endpoint[k], r.vrf[k], r.version[k] = source, t.ep_vrf[U(source)], h.version[i]
    r.src_hi[k], r.src_lo[k] = h.dst_hi[i], h.dst_lo[i]
    r.dst_hi[k], r.dst_lo[k] = h.src_hi[i], h.src_lo[i]
    r.protocol[k], r.sport[k], r.dport[k] = h.protocol[i], h.dport[i], h.sport[i]


@inlined
def quote(t: Any, h: Any, o: Any, i: Any, p: Any, r: Any, k: Any) -> None:
    """Row `k` of headers `r` becomes what the ICMP error `i` quotes."""
    source, x, m = o.dst_endpoint[i], p.quoted, U(p.inner[i])
    r.src_endpoint[k], r.vrf[k], r.version[k] = source, t.ep_vrf[U(source)], h.version[i]
    r.src_hi[k], r.src_lo[k] = x.src_hi[m], x.src_lo[m]
    r.dst_hi[k], r.dst_lo[k] = x.dst_hi[m], x.dst_lo[m]
    r.protocol[k], r.sport[k], r.dport[k] = x.protocol[m], x.sport[m], x.dport[m]


@inlined
def name_all(
    t: Any, e: U64, h: Any, at: int, arrived: Index, p: Any, f: Any, w: U64, o: Any
) -> None:
    """The flow of everyone in `ARRIVED`; `KIND` says what may be done with it."""
    table, q, mask = f.table, f.keys, U(len(f.table) - 1)
    r, v, errors = f.headers, f.verdicts, ZERO
    for k in range(arrived):
        j = w[ARRIVED, U(k)]
        i = U(at) + j
        mark = U(p.mark[i])
        w[KIND, j] = mark >> S24
        if w[KIND, j] == ERROR:
            quote(t, h, o, i, p, r, errors)
            w[AGAIN, j] = errors
            errors += ONE
        elif w[KIND, j] != OTHER:
            w[SIDE, j] = name(h, o, i, q, j)
            if mark != ZERO:
                name_query(q, j, mark, w[SIDE, j])
            prefetch(table, (q[HASH, j] << THREE) & mask)
    if errors == ZERO:
        return
    forward(t, e, r, True, 0, np.int64(errors), f.scratch, v)
    for k in range(arrived):
        j = w[ARRIVED, U(k)]
        if w[KIND, j] == ERROR:
            row, mark = w[AGAIN, j], U(p.quoted_marks[U(p.inner[U(at) + j])])
            if v.route[row] != 0:
                w[KIND, j] = OTHER
                continue
            w[SIDE, j] = name(r, v, row, q, j)
            if mark != ZERO:
                name_query(q, j, mark, w[SIDE, j])


@inlined
def look_up(
    t: Any, e: U64, h: Any, at: int, left: Index, arrived: Index, p: Any, f: Any, w: U64, o: Any
) -> None:
    """Show to the groups whoever needs their word as the table is now. `ASKED` says of whom they
    were asked, `AGAIN` which row of `f.verdicts` says whether an answered packet would pass now."""
    table, q, stamp = f.table, f.keys, f.stamp
    name_all(t, e, h, at, arrived, p, f, w, o)
    n = turned = ZERO
    if left != arrived:
        for k in range(left):
            w[ASK, n] = w[LEFT, U(k)]
            n += U(o.route[U(at) + w[ASK, n]] != 0)
    for k in range(arrived):
        j = w[ARRIVED, U(k)]
        kind = w[KIND, j]
        if kind == OTHER:
            w[SLOT, j], w[ASKED, j], w[ASK, n] = ZERO, ONE, j
            n += ONE
            continue
        slot = find(table, q, j)
        state = table[slot | SIX]
        unknown = state & (GENERATION | ALIVE) != stamp
        asked = unknown | (kind == ERROR)
        w[SLOT, j], w[ASKED, j], w[ASK, n] = slot, U(asked), j
        n += U(asked)
        if unknown & (kind != ERROR):
            w[AGAIN, j] = NONE
            if (state & ALIVE != ZERO) & (state & OPENED_BY_B != w[SIDE, j]):
                turn_round(t, h, o, U(at) + j, f.headers, turned)
                w[AGAIN, j] = turned
                turned += ONE
    if n:
        ask(t, e, at, n, w, o)
    if turned:
        forward(t, e, f.headers, False, 0, np.int64(turned), f.scratch, f.verdicts)


@inlined
def ask_about(t: Any, e: U64, at: int, j: Index, w: U64, o: Any) -> None:
    """Show one packet to the groups, if that was not done yet."""
    if w[ASKED, j] == ZERO:
        w[ASK, ZERO] = j
        w[ASKED, j] = ONE
        ask(t, e, at, 1, w, o)


@inlined
def opening_passes(t: Any, e: U64, h: Any, i: Any, row: Any, f: Any, o: Any) -> Any:
    """Whether the groups would let pass what packet `i` answers."""
    if row == NONE:
        row = U(len(f.verdicts.reason) - 1)
        turn_round(t, h, o, i, f.headers, row)
        first, end = np.int64(row), np.int64(row) + 1
        forward(t, e, f.headers, False, first, end, f.scratch, f.verdicts)
    return f.verdicts.reason[row] == DELIVERED


@inlined
def still_passes(t: Any, e: U64, slot: Index, f: Any) -> Any:
    """Whether the groups would let pass what opened the flow in this slot."""
    row = U(len(f.verdicts.reason) - 1)
    recall(t, f.table, slot, f.headers, row)
    forward(t, e, f.headers, False, np.int64(row), np.int64(row) + 1, f.scratch, f.verdicts)
    return f.verdicts.reason[row] == DELIVERED


@inlined
def pass_related(t: Any, i: Any, slot: Index, f: Any, o: Any) -> None:
    """An error about the known flow in this slot: at the flow's ends it passes, and on the way out
    of anyone else's VTEP the groups have said what they say."""
    ends, c = f.table[slot | FIVE], f.counters
    vtep = U(o.entry[i])
    if lives_at(t, ends >> S32, vtep) | lives_at(t, ends & LOW_32, vtep):
        o.out_decision[i] = -1
    elif t.dec_reason[U(o.out_decision[i])] != 0:
        return
    o.reason[i], o.in_decision[i], o.flow_state[i] = DELIVERED, -1, 3
    c[RELATED] += 1


@inlined
def pass_known(at: int, first: Index, arrived: Index, f: Any, w: U64, o: Any) -> Any:
    """Let packets of known flows pass, from the `first` on, as long as nothing else comes; returns
    how many of the block are done."""
    table, seen, hits, k = f.table, U(f.counters[SEEN]), ZERO, first
    while k < arrived:
        j = w[ARRIVED, k]
        slot, now = w[SLOT, j], w[NOW, j]
        state = table[slot | SIX]
        silent = np.int64(now - table[slot | SEVEN])
        if (w[ASKED, j] != ZERO) | (state & GENERATION != f.stamp - ALIVE) | (silent > f.timeout):
            break
        known = state & OPENED_BY_B == w[SIDE, j]
        o.flow_state[U(at) + j] = 1 if known else 2
        hits += U(known)
        seen += ONE
        table[slot | SIX] = (state & LASTING) | (seen << SEEN_SHIFT)
        table[slot | SEVEN] = now
        k += ONE
    f.counters[SEEN] = np.int64(seen)
    f.counters[HIT] += np.int64(hits)
    f.counters[REPLY] += np.int64(k - first - hits)
    return k


@inlined
def pass_in_order(t: Any, e: U64, h: Any, at: int, arrived: Index, f: Any, w: U64, o: Any) -> Any:
    """Every routed packet of a block, one after the other; returns how many could be done."""
    table, stamp, c = f.table, f.stamp, f.counters
    k, changed = pass_known(at, ZERO, arrived, f, w, o), False
    while k < arrived:
        j = w[ARRIVED, k]
        i, kind = U(at) + j, w[KIND, j]
        if kind == OTHER:
            ask_about(t, e, at, j, w, o)
            k += ONE
            continue
        slot, side, now = w[SLOT, j], w[SIDE, j], w[NOW, j]
        if changed:
            slot = find(table, f.keys, j)
        state = table[slot | SIX]
        if state & ALIVE and np.int64(now - table[slot | SEVEN]) > f.timeout:
            remove(table, slot, c)
            c[AGED] += 1
            state, changed = ZERO, True
        if state & ALIVE and state & (GENERATION | ALIVE) != stamp:
            c[REDECIDED] += 1
            if kind == ERROR:
                permitted = still_passes(t, e, slot, f)
            elif state & OPENED_BY_B == side:
                ask_about(t, e, at, j, w, o)
                permitted = o.reason[i] == DELIVERED
            else:
                permitted = opening_passes(t, e, h, i, w[AGAIN, j], f, o)
            state = (state & OPENED_BY_B) | stamp
            if not permitted:
                remove(table, slot, c)
                c[REVOKED] += 1
                state, changed = ZERO, True
        if kind == ERROR:
            if state & ALIVE:
                pass_related(t, i, slot, f, o)
        elif state & ALIVE:
            known = state & OPENED_BY_B == side
            o.flow_state[i] = 1 if known else 2
            o.reason[i] = DELIVERED
            o.out_decision[i] = o.in_decision[i] = -1
            c[HIT if known else REPLY] += 1
            c[SEEN] += 1
            table[slot | SIX] = (state & LASTING) | (U(c[SEEN]) << SEEN_SHIFT)
            table[slot | SEVEN] = now
        else:
            ask_about(t, e, at, j, w, o)
            if o.reason[i] == DELIVERED and kind != ANSWER:
                if not open_flow(j, side, now, f):
                    break
                changed = True
        k += ONE
    return k


@inlined
def tell_time(time: I64, at: int, stop: int, w: U64, c: I64) -> None:
    """The clock of each packet, which never runs backwards."""
    clock = c[CLOCK]
    for row in range(at, stop):
        clock = max(clock, time[U(row)])
        w[NOW, U(row - at)] = U(clock)


@kernel
def track(
    t: Any,
    e: U64,
    h: Any,
    time: I64,
    portless: Bools,
    p: Any,
    begin: int,
    end: int,
    f: Any,
    w: U64,
    o: Any,
) -> int | np.int64:
    """Decide rows `begin..end` of headers `h` in order; `time` int64 ns per packet, `portless` who
    may neither use nor open a flow, `p` what ICMP packets say. Returns `end`, or the row before
    which `f` (see `sim.pipeline.conntrack`) needs more room or a new queue.

    The columns of `o` are those of `sim.pipeline.datapath`; a packet that a known flow let through
    has no decisions and a `flow_state` of 1 (sent by who opened the flow), 2 (reply) or 3 (an ICMP
    error about it).
    """
    size = w.shape[1]
    for at in range(begin, end, size):
        stop = min(at + size, end)
        find_atoms(t, h, at, stop, w)
        routed = leave(t, e, h, at, bind_source(t, e, h, at, stop, w, o), w, o)
        left = ZERO
        for k in range(routed):
            j = w[LEFT, U(k)]
            w[LEFT, left] = w[SENT, left] = j
            left += U(not portless[U(at) + j])
        arrived = look_back(t, e, h, at, arrive(t, e, h, at, left, w, o), w, o)
        tell_time(time, at, stop, w, f.counters)
        look_up(t, e, h, at, left, arrived, p, f, w, o)
        done = pass_in_order(t, e, h, at, arrived, f, w, o)
        last = w[ARRIVED, done] if done < arrived else U(stop - at - 1)
        f.counters[CLOCK] = np.int64(w[NOW, last])
        if done < arrived:
            return at + np.int64(last)
    return end
