"""The flow table: packets in order, each against the flows that earlier ones opened.

Open addressing, one cache line per flow. The eight words of a flow: address low and high of end a,
of end b; `version << 40 | protocol << 32 | port a << 16 | port b`; `endpoint a << 32 | endpoint b`;
`1 | opened by b << 1` (0: empty, 4: aged); time last seen. Ends are put in order, so both
directions find the same flow; endpoints are part of the key, so equal addresses in different VRFs
never meet.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined, kernel
from sim.kernels.ecmp import K0, K1, K2, K3, K4, mix
from sim.reasons import Reason

U = np.uint64
ZERO, ONE, TWO, THREE = U(0), U(1), U(2), U(3)
FOUR, FIVE, SIX, SEVEN = U(4), U(5), U(6), U(7)
S16, S32, S40 = U(16), U(32), U(40)
DEAD = FOUR
DELIVERED = int(Reason.DELIVERED)
CREATED, HIT, REPLY, AGED, CREATE_FAILED, USED = range(6)


@inlined
def find(table: Any, a_lo: Any, a_hi: Any, b_lo: Any, b_hi: Any, l4: Any, ends: Any) -> Any:
    """The slot of a flow, or the empty slot where it belongs."""
    mask = U(len(table) - 1)
    slot = mix(a_lo * K0 + a_hi * K1 + b_lo * K2 + b_hi * K3 + (l4 + ends * K2) * K4) & mask
    while table[slot, SIX] != ZERO and not (
        (table[slot, ZERO] == a_lo)
        & (table[slot, ONE] == a_hi)
        & (table[slot, TWO] == b_lo)
        & (table[slot, THREE] == b_hi)
        & (table[slot, FOUR] == l4)
        & (table[slot, FIVE] == ends)
    ):
        slot = (slot + ONE) & mask
    return slot


@kernel
def track(t: Any, h: Any, o: Any, time: Any, timeout: Any, limit: Any, c: Any) -> None:
    """Give every routed packet the verdict of its flow, or let a permitted one open a flow.

    `t` uint64 [slots, 8]; `time` int64 ns per packet; `c` int64 counters indexed by the constants
    above. `o.reason` holds what the groups say and is overwritten for packets of known flows, whose
    `o.flow_state` becomes 1 (same direction as the opener) or 2 (reply).
    """
    for row in range(len(h.vrf)):
        i = U(row)
        if o.route[i] != 0:
            continue
        src, dst = U(o.src_endpoint[i]), U(o.dst_endpoint[i])
        s_hi, s_lo, d_hi, d_lo = h.src_hi[i], h.src_lo[i], h.dst_hi[i], h.dst_lo[i]
        sport, dport = U(h.sport[i]), U(h.dport[i])
        swap = src > dst
        if src == dst:
            swap = (s_hi > d_hi) | (
                (s_hi == d_hi) & ((s_lo > d_lo) | ((s_lo == d_lo) & (sport > dport)))
            )
        protocol = (U(h.version[i]) << S40) | (U(h.protocol[i]) << S32)
        if swap:
            l4, ends, opener = protocol | (dport << S16) | sport, (dst << S32) | src, THREE
            slot = find(t, d_lo, d_hi, s_lo, s_hi, l4, ends)
        else:
            l4, ends, opener = protocol | (sport << S16) | dport, (src << S32) | dst, ONE
            slot = find(t, s_lo, s_hi, d_lo, d_hi, l4, ends)
        state = t[slot, SIX]
        if state & ONE and time[i] - np.int64(t[slot, SEVEN]) > timeout:
            c[AGED] += 1
            state = t[slot, SIX] = DEAD
        if state & ONE:
            o.reason[i] = DELIVERED
            o.flow_state[i] = 1 if state == opener else 2
            c[HIT if state == opener else REPLY] += 1
            t[slot, SEVEN] = U(time[i])
            continue
        if o.reason[i] != DELIVERED:
            continue
        if state == ZERO:
            if c[USED] >= limit:
                c[CREATE_FAILED] += 1
                continue
            c[USED] += 1
        a_lo, a_hi, b_lo, b_hi = (d_lo, d_hi, s_lo, s_hi) if swap else (s_lo, s_hi, d_lo, d_hi)
        t[slot, ZERO], t[slot, ONE], t[slot, TWO], t[slot, THREE] = a_lo, a_hi, b_lo, b_hi
        t[slot, FOUR], t[slot, FIVE], t[slot, SIX] = l4, ends, opener
        t[slot, SEVEN] = U(time[i])
        c[CREATED] += 1


@kernel
def reinsert(rows: Any, t: Any) -> None:
    """Put flows (rows in table form, distinct) into an empty table."""
    for row in range(len(rows)):
        r = U(row)
        a_lo, a_hi, b_lo, b_hi = rows[r, ZERO], rows[r, ONE], rows[r, TWO], rows[r, THREE]
        at = find(t, a_lo, a_hi, b_lo, b_hi, rows[r, FOUR], rows[r, FIVE])
        for word in range(8):
            t[at, U(word)] = rows[r, U(word)]
