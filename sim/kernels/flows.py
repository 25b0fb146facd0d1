"""The stateful stage: packets in order, each against the flows that earlier ones opened.

A block of packets is routed (`sim.kernels.path`), then looked up (`sim.kernels.flow_table`). Those
whose flow seems unknown are shown to the policy groups together, as are the first packets of flows
that an older policy let through. Then `pass_in_order` goes through the block packet by packet and
is right about each: where an earlier packet of the block changed the table, it looks again, and
asks the groups itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined, kernel
from sim.kernels.flow_table import (
    AGED,
    ALIVE,
    CLOCK,
    GENERATION,
    HASH,
    HIT,
    LASTING,
    OPENED_BY_B,
    REDECIDED,
    REPLY,
    REVOKED,
    SEEN,
    SEEN_SHIFT,
    SEVEN,
    SIX,
    find,
    name,
    open_flow,
    remove,
)
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
ZERO, ONE, THREE = U(0), U(1), U(3)
DELIVERED = int(Reason.DELIVERED)
SLOT, ASKED, AGAIN, ASK, NOW, SIDE = (U(PATH_ROWS + i) for i in range(6))
ROWS = PATH_ROWS + 6


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
