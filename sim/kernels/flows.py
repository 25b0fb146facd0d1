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
FOUR, FIVE, SIX, SEVEN, EIGHT = U(4), U(5), U(6), U(7), U(8)
S16, S32, S40 = U(16), U(32), U(40)
DELIVERED = int(Reason.DELIVERED)
ALIVE, OPENED_BY_B, GONE = ONE, TWO, TWO
GENERATION_SHIFT, SEEN_SHIFT = U(2), U(22)
GENERATION = U((1 << 22) - (1 << 2))
LASTING = U((1 << 22) - 1)
SLOT, ASKED, AGAIN, ASK, NOW, SIDE = (U(PATH_ROWS + i) for i in range(6))
ROWS, HASH, KEY_ROWS = PATH_ROWS + 6, SIX, 7
CREATED, HIT, REPLY, AGED, EVICTED, REDECIDED, REVOKED = range(7)
CLOCK, SEEN, USED, FILLED, HEAD = range(7, 12)


@inlined
def name(h: Any, o: Any, i: Any, q: Any, j: Any) -> Any:
    """Write the key of packet `i`'s flow and its hash to column `j`; returns `OPENED_BY_B` if the
    sender is end b, else 0."""
    src, dst = U(o.src_endpoint[i]), U(o.dst_endpoint[i])
    s_hi, s_lo, d_hi, d_lo = h.src_hi[i], h.src_lo[i], h.dst_hi[i], h.dst_lo[i]
    sport, dport = U(h.sport[i]), U(h.dport[i])
    by_b = src > dst
    if src == dst:
        above = (s_lo > d_lo) | ((s_lo == d_lo) & (sport > dport))
        by_b = (s_hi > d_hi) | ((s_hi == d_hi) & above)
    forth, back = (sport << S16) | dport, (dport << S16) | sport
    onward, inward = (src << S32) | dst, (dst << S32) | src
    q[ZERO, j], q[TWO, j] = d_lo if by_b else s_lo, s_lo if by_b else d_lo
    q[ONE, j], q[THREE, j] = d_hi if by_b else s_hi, s_hi if by_b else d_hi
    q[FOUR, j] = (U(h.version[i]) << S40) | (U(h.protocol[i]) << S32) | (back if by_b else forth)
    q[FIVE, j] = inward if by_b else onward
    q[HASH, j] = hashed(q, j)
    return OPENED_BY_B if by_b else ZERO


@inlined
def hashed(q: Any, j: Any) -> Any:
    """Where the search for a flow begins, before it is cut to the table's size."""
    ends = q[FOUR, j] + q[FIVE, j] * K2
    return mix(q[ZERO, j] * K0 + q[ONE, j] * K1 + q[TWO, j] * K2 + q[THREE, j] * K3 + ends * K4)


@inlined
def find(table: Any, q: Any, j: Any) -> Any:
    """Where a flow's words begin, or those of the slot in which it would be put."""
    last, room = U(len(table) - 1), NONE
    at = (q[HASH, j] << THREE) & last
    while table[at | SIX] != ZERO:
        other = (table[at] ^ q[ZERO, j]) | (table[at | ONE] ^ q[ONE, j])
        other |= (table[at | TWO] ^ q[TWO, j]) | (table[at | THREE] ^ q[THREE, j])
        other |= (table[at | FOUR] ^ q[FOUR, j]) | (table[at | FIVE] ^ q[FIVE, j])
        alive = table[at | SIX] & ALIVE
        if (alive != ZERO) & (other == ZERO):
            return at
        if (alive == ZERO) & (room == NONE):
            room = at
        at = (at + EIGHT) & last
    return at if room == NONE else room


@inlined
def remove(table: Any, at: Any, c: Any) -> None:
    """Forget a flow. What was kept for searches only is emptied too where none passes it now."""
    last = U(len(table) - 1)
    table[at | SIX] = GONE
    c[USED] -= 1
    if table[((at + EIGHT) & last) | SIX] == ZERO:
        while table[at | SIX] == GONE:
            table[at | SIX] = ZERO
            c[FILLED] -= 1
            at = (at - EIGHT) & last


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
    table, q, stamp, mask = f.table, f.keys, f.stamp, U(len(f.table) - 1)
    for k in range(arrived):
        j = w[ARRIVED, U(k)]
        w[SIDE, j] = name(h, o, U(at) + j, q, j)
        prefetch(table, (q[HASH, j] << THREE) & mask)
    n = turned = ZERO
    if left != arrived:
        for k in range(left):
            w[ASK, n] = w[LEFT, U(k)]
            n += U(o.route[U(at) + w[ASK, n]] != 0)
    for k in range(arrived):
        j = w[ARRIVED, U(k)]
        slot = find(table, q, j)
        state = table[slot | SIX]
        unknown = state & (GENERATION | ALIVE) != stamp
        w[SLOT, j], w[ASKED, j], w[ASK, n] = slot, U(unknown), j
        n += U(unknown)
        if unknown:
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
def open_flow(j: Any, side: Any, now: Any, f: Any) -> Any:
    """Make room if need be and put the flow of column `j` into the table; False if there is no
    room, or nobody in the queue to make it."""
    table, q, c = f.table, f.keys, f.counters
    if c[FILLED] >= f.room:
        return False
    if c[USED] >= f.capacity:
        victim = next_in_line(table, f.queue, c)
        if victim == NONE:
            return False
        c[AGED if np.int64(now - table[victim | SEVEN]) > f.timeout else EVICTED] += 1
        remove(table, victim, c)
    at = find(table, q, j)
    c[CREATED] += 1
    c[USED] += 1
    c[FILLED] += table[at | SIX] == ZERO
    c[SEEN] += 1
    for word in range(6):
        table[at | U(word)] = q[U(word), j]
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
            slot = find(table, f.keys, j)
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
                if not open_flow(j, side, now, f):
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
def reinsert(rows: Any, q: Any, table: Any) -> None:
    """Put flows into an empty table: `rows` in table form, distinct, and `q` uint64 [KEY_ROWS, n]
    with their keys."""
    for row in range(len(rows)):
        j = U(row)
        q[HASH, j] = hashed(q, j)
        at = find(table, q, j)
        for word in range(8):
            table[at | U(word)] = rows[j, U(word)]
