"""The flow table: packets in order, each against the flows that earlier ones opened.

Open addressing, one cache line per flow. The eight words of a flow: address low and high of end a,
of end b; `version << 40 | protocol << 32 | port a << 16 | port b`; `endpoint a << 32 | endpoint b`;
state; time last seen. Ends are put in order, so both directions find the same flow; an endpoint
lives in one VRF, so equal addresses in different VRFs never meet. The state, from bit 0: alive,
opened by b, generation (20 bits), number of the packet last seen (42). An empty slot has state 0,
one whose flow has gone and that searches must pass `GONE`.

A block of packets is routed (`sim.kernels.path`), then looked up. Those whose flow seems unknown
are shown to the policy groups together, as are the first packets of flows that an older policy let
through. Then `pass_in_order` goes through the block packet by packet and is right about each: where
an earlier packet of the block changed the table, it looks again, and asks the groups itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined, kernel
from sim.kernels.ecmp import K0, K1, K2, K3, K4, mix
from sim.kernels.path import (
    ARRIVED,
    BOUND,
    LEFT,
    NONE,
    SENT,
    arrive,
    bind_source,
    decide_in,
    decide_out,
    find_atoms,
    forward,
    leave,
    look_back,
    settle,
)
from sim.kernels.path import ROWS as PATH_ROWS
from sim.kernels.prefetch import prefetch
from sim.reasons import Reason

U = np.uint64
ZERO, ONE, TWO, THREE = U(0), U(1), U(2), U(3)
FOUR, FIVE, SIX, SEVEN = U(4), U(5), U(6), U(7)
S16, S32, S40 = U(16), U(32), U(40)
DELIVERED = int(Reason.DELIVERED)
ALIVE, OPENED_BY_B, GONE = ONE, TWO, TWO
GENERATION_SHIFT, SEEN_SHIFT = U(2), U(22)
GENERATION = U((1 << 22) - (1 << 2))
LASTING = U((1 << 22) - 1)
HASH, SLOT, ASKED, AGAIN, ASK, NOW, SIDE = (U(PATH_ROWS + i) for i in range(7))
ROWS = PATH_ROWS + 7
CREATED, HIT, REPLY, AGED, EVICTED, REDECIDED, REVOKED = range(7)
CLOCK, SEEN, USED, FILLED, HEAD = range(7, 12)


@inlined
def sent_by_b(h: Any, o: Any, i: Any) -> Any:
    """`OPENED_BY_B` if the sender is end b of its flow, else 0."""
    src, dst = o.src_endpoint[i], o.dst_endpoint[i]
    by_b = src > dst
    if src == dst:
        s_hi, s_lo, d_hi, d_lo = h.src_hi[i], h.src_lo[i], h.dst_hi[i], h.dst_lo[i]
        above = (s_lo > d_lo) | ((s_lo == d_lo) & (h.sport[i] > h.dport[i]))
        by_b = (s_hi > d_hi) | ((s_hi == d_hi) & above)
    return OPENED_BY_B if by_b else ZERO


@inlined
def key(h: Any, o: Any, i: Any, side: Any) -> Any:
    """The flow of a routed packet: the first six words."""
    src, dst = U(o.src_endpoint[i]), U(o.dst_endpoint[i])
    s_hi, s_lo, d_hi, d_lo = h.src_hi[i], h.src_lo[i], h.dst_hi[i], h.dst_lo[i]
    sport, dport = U(h.sport[i]), U(h.dport[i])
    by_b = side != ZERO
    forth, back = (sport << S16) | dport, (dport << S16) | sport
    onward, inward = (src << S32) | dst, (dst << S32) | src
    return (
        d_lo if by_b else s_lo,
        d_hi if by_b else s_hi,
        s_lo if by_b else d_lo,
        s_hi if by_b else d_hi,
        (U(h.version[i]) << S40) | (U(h.protocol[i]) << S32) | (back if by_b else forth),
        inward if by_b else onward,
    )


@inlined
def hashed(a_lo: Any, a_hi: Any, b_lo: Any, b_hi: Any, l4: Any, ends: Any) -> Any:
    """Where the search for a flow begins, before it is cut to the table's size."""
    return mix(a_lo * K0 + a_hi * K1 + b_lo * K2 + b_hi * K3 + (l4 + ends * K2) * K4)


@inlined
def find(
    table: Any, at: Any, a_lo: Any, a_hi: Any, b_lo: Any, b_hi: Any, l4: Any, ends: Any
) -> Any:
    """Where a flow's words begin, or those of the slot in which it would be put."""
    last = U(len(table) - 1)
    at = (at << THREE) & last
    room = NONE
    while table[at | SIX] != ZERO:
        other = (table[at] ^ a_lo) | (table[at | ONE] ^ a_hi) | (table[at | TWO] ^ b_lo)
        other |= (table[at | THREE] ^ b_hi) | (table[at | FOUR] ^ l4) | (table[at | FIVE] ^ ends)
        alive = table[at | SIX] & ALIVE
        if (alive != ZERO) & (other == ZERO):
            return at
        if (alive == ZERO) & (room == NONE):
            room = at
        at = (at + U(8)) & last
    return at if room == NONE else room


@inlined
def remove(table: Any, at: Any, c: Any) -> None:
    """Forget a flow. What was kept for searches only is emptied too where none passes it now."""
    last = U(len(table) - 1)
    table[at | SIX] = GONE
    c[USED] -= 1
    if table[((at + U(8)) & last) | SIX] == ZERO:
        while table[at | SIX] == GONE:
            table[at | SIX] = ZERO
            c[FILLED] -= 1
            at = (at - U(8)) & last


@kernel
def ask(t: Any, e: Any, begin: Any, n: Any, w: Any, o: Any) -> None:
    """The groups' word on everyone in `ASK`, as if each opened a flow."""
    sent = decide_out(t, e, begin, ASK, n, False, w, o)
    routed = ZERO
    for k in range(sent):
        j = w[SENT, U(k)]
        w[BOUND, routed] = j
        routed += U(o.route[U(begin) + j] == 0)
    decide_in(t, e, begin, BOUND, routed, w, o)
    settle(t, begin, sent, w, o)


@inlined
def turn_round(t: Any, h: Any, o: Any, i: Any, r: Any, k: Any) -> None:
    """Row `k` of headers `r` becomes what packet `i` answers."""
    source = o.dst_endpoint[i]
    r.src_endpoint[k], r.vrf[k], r.version[k] = source, t.ep_vrf[U(source)], h.version[i]
    r.src_hi[k], r.src_lo[k] = h.dst_hi[i], h.dst_lo[i]
    r.dst_hi[k], r.dst_lo[k] = h.src_hi[i], h.src_lo[i]
    r.protocol[k], r.sport[k], r.dport[k] = h.protocol[i], h.dport[i], h.sport[i]


@inlined
def look_up(
    t: Any, e: Any, h: Any, at: Any, left: Any, arrived: Any, f: Any, w: Any, o: Any
) -> None:
    """Show to the groups whoever needs their word as the table is now. `ASKED` says of whom they
    were asked, `AGAIN` which row of `f.verdicts` says whether an answered packet would pass now."""
    table, stamp, mask = f.table, f.stamp, U(len(f.table) - 1)
    for k in range(left):
        w[ASKED, w[LEFT, U(k)]] = ONE
    for k in range(arrived):
        j = w[ARRIVED, U(k)]
        side = sent_by_b(h, o, U(at) + j)
        a_lo, a_hi, b_lo, b_hi, l4, ends = key(h, o, U(at) + j, side)
        w[HASH, j] = hashed(a_lo, a_hi, b_lo, b_hi, l4, ends)
        w[SIDE, j] = side
        prefetch(table, (w[HASH, j] << THREE) & mask)
    turned = ZERO
    for k in range(arrived):
        j = w[ARRIVED, U(k)]
        side = w[SIDE, j]
        a_lo, a_hi, b_lo, b_hi, l4, ends = key(h, o, U(at) + j, side)
        slot = find(table, w[HASH, j], a_lo, a_hi, b_lo, b_hi, l4, ends)
        state = table[slot | SIX]
        w[SLOT, j] = slot
        if state & (GENERATION | ALIVE) == stamp:
            w[ASKED, j] = ZERO
            continue
        w[AGAIN, j] = NONE
        if (state & ALIVE != ZERO) & (state & OPENED_BY_B != side):
            turn_round(t, h, o, U(at) + j, f.headers, turned)
            w[AGAIN, j] = turned
            turned += ONE
    n = ZERO
    for k in range(left):
        j = w[LEFT, U(k)]
        w[ASK, n] = j
        n += w[ASKED, j]
    if n:
        ask(t, e, at, n, w, o)
    if turned:
        forward(t, e, f.headers, False, 0, np.int64(turned), f.scratch, f.verdicts)


@inlined
def ask_about(t: Any, e: Any, at: Any, j: Any, w: Any, o: Any) -> None:
    """Show one packet to the groups, if that was not done yet."""
    if w[ASKED, j] == ZERO:
        w[ASK, ZERO] = j
        w[ASKED, j] = ONE
        ask(t, e, at, 1, w, o)


@inlined
def opening_passes(t: Any, e: Any, h: Any, i: Any, row: Any, f: Any, o: Any) -> Any:
    """Whether the groups would let pass what packet `i` answers."""
    if row == NONE:
        row = U(len(f.verdicts.reason) - 1)
        turn_round(t, h, o, i, f.headers, row)
        first, end = np.int64(row), np.int64(row) + 1
        forward(t, e, f.headers, False, first, end, f.scratch, f.verdicts)
    return f.verdicts.reason[row] == DELIVERED


@inlined
def next_in_line(table: Any, queue: Any, c: Any) -> Any:
    """Who has been silent longest; `NONE` when the queue has come to its end."""
    while c[HEAD] < len(queue):
        at, state = queue[U(c[HEAD]), ZERO], queue[U(c[HEAD]), ONE]
        c[HEAD] += 1
        if table[at | SIX] == state:
            return at
    return NONE


@inlined
def open_flow(h: Any, o: Any, i: Any, side: Any, hashed: Any, now: Any, f: Any) -> Any:
    """Make room if need be and put the flow of packet `i` into the table; False if there is no
    room, or nobody in the queue to make it."""
    table, c = f.table, f.counters
    if c[FILLED] >= f.room:
        return False
    if c[USED] >= f.capacity:
        victim = next_in_line(table, f.queue, c)
        if victim == NONE:
            return False
        c[AGED if np.int64(now - table[victim | SEVEN]) > f.timeout else EVICTED] += 1
        remove(table, victim, c)
    a_lo, a_hi, b_lo, b_hi, l4, ends = key(h, o, i, side)
    at = find(table, hashed, a_lo, a_hi, b_lo, b_hi, l4, ends)
    c[CREATED] += 1
    c[USED] += 1
    c[FILLED] += table[at | SIX] == ZERO
    c[SEEN] += 1
    table[at], table[at | ONE], table[at | TWO], table[at | THREE] = a_lo, a_hi, b_lo, b_hi
    table[at | FOUR], table[at | FIVE] = l4, ends
    table[at | SIX] = f.stamp | side | (U(c[SEEN]) << SEEN_SHIFT)
    table[at | SEVEN] = now
    return True


@inlined
def pass_known(at: Any, first: Any, arrived: Any, f: Any, w: Any, o: Any) -> Any:
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
def pass_in_order(t: Any, e: Any, h: Any, at: Any, arrived: Any, f: Any, w: Any, o: Any) -> Any:
    """Every routed packet of a block, one after the other; returns how many could be done."""
    table, stamp, c = f.table, f.stamp, f.counters
    k, changed = pass_known(at, ZERO, arrived, f, w, o), False
    while k < arrived:
        j = w[ARRIVED, k]
        i = U(at) + j
        slot, side, now = w[SLOT, j], w[SIDE, j], w[NOW, j]
        if changed:
            a_lo, a_hi, b_lo, b_hi, l4, ends = key(h, o, i, side)
            slot = find(table, w[HASH, j], a_lo, a_hi, b_lo, b_hi, l4, ends)
        state = table[slot | SIX]
        if state & ALIVE and np.int64(now - table[slot | SEVEN]) > f.timeout:
            remove(table, slot, c)
            c[AGED] += 1
            state, changed = ZERO, True
        if state & ALIVE and state & (GENERATION | ALIVE) != stamp:
            c[REDECIDED] += 1
            if state & OPENED_BY_B == side:
                ask_about(t, e, at, j, w, o)
                permitted = o.reason[i] == DELIVERED
            else:
                permitted = opening_passes(t, e, h, i, w[AGAIN, j], f, o)
            state = (state & OPENED_BY_B) | stamp
            if not permitted:
                remove(table, slot, c)
                c[REVOKED] += 1
                state, changed = ZERO, True
        if state & ALIVE:
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
            if o.reason[i] == DELIVERED:
                if not open_flow(h, o, i, side, w[HASH, j], now, f):
                    break
                changed = True
        k += ONE
    return k


@inlined
def tell_time(time: Any, at: Any, stop: Any, w: Any, c: Any) -> None:
    """The clock of each packet, which never runs backwards."""
    clock = c[CLOCK]
    for row in range(at, stop):
        clock = max(clock, time[U(row)])
        w[NOW, U(row - at)] = U(clock)


@kernel
def track(
    t: Any, e: Any, h: Any, time: Any, portless: Any, begin: Any, end: Any, f: Any, w: Any, o: Any
) -> Any:
    """Decide rows `begin..end` of headers `h` in order; `time` int64 ns per packet, `portless` who
    may neither use nor open a flow. Returns `end`, or the row before which `f` (see
    `sim.conntrack`) needs more room or a new queue.

    The columns of `o` are those of `sim.datapath`; a packet that a known flow let through has no
    decisions and a `flow_state` of 1 (sent by who opened the flow) or 2 (reply).
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
        look_up(t, e, h, at, left, arrived, f, w, o)
        done = pass_in_order(t, e, h, at, arrived, f, w, o)
        last = w[ARRIVED, done] if done < arrived else U(stop - at - 1)
        f.counters[CLOCK] = np.int64(w[NOW, last])
        if done < arrived:
            return at + np.int64(last)
    return end


@kernel
def reinsert(rows: Any, table: Any) -> None:
    """Put flows (rows in table form, distinct) into an empty table."""
    for row in range(len(rows)):
        r = U(row)
        a_lo, a_hi, b_lo, b_hi = rows[r, ZERO], rows[r, ONE], rows[r, TWO], rows[r, THREE]
        l4, ends = rows[r, FOUR], rows[r, FIVE]
        start = hashed(a_lo, a_hi, b_lo, b_hi, l4, ends)
        at = find(table, start, a_lo, a_hi, b_lo, b_hi, l4, ends)
        for word in range(8):
            table[at | U(word)] = rows[r, U(word)]
