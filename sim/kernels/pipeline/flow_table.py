"""The flow table itself: name a flow, find it, put it in, forget it.

Open addressing, one cache line per flow. The eight words of a flow: address low and high of end a,
of end b; `version << 40 | protocol << 32 | port a << 16 | port b`; `endpoint a << 32 | endpoint b`;
state; time last seen. An ICMP query has its identifier for both ports, and above the version
`asked by b << 56 | class << 48`.

Ends are put in order, so both directions find the same flow; an endpoint lives in one VRF, so equal
addresses in different VRFs never meet. The state, from bit 0: alive, opened by b, generation (20
bits), number of the packet last seen (42). An empty slot has state 0, one whose flow has gone and
that searches must pass `GONE`.

Keys of a block of packets are columns of `q`, uint64 [KEY_ROWS, block]: the first six words, and
the hash; below them, in [BLOCK_ROWS, block], stand the slot and the time of each.

Arguments: `f` `sim.pipeline.conntrack.Flows`, and what it has: `table` u64[8 x slots], `queue`
u64[n, 2] (word where a flow begins, and its state then), `q` as above, `c` i64[13], counters in the
order `CREATED` to `HEAD`. `t` Tables, `h`, `r` Headers (named tuples that say their types). Scalars
are u64: `i` a packet, `j` a column of `q`, `k` a row of `r`, `at` the word in `table` where a flow
begins, `src` and `dst` endpoints, `side` 0 or `OPENED_BY_B`, `now` in ns, `mark` as `Marks` of
`sim.packets.icmp` has it.

Theory: linear probing in a table that is never full; who is removed leaves a mark, so searches do
not end before what lies behind (Knuth, 6.4).
Invariants: at most `room` slots are filled, so a search ends; a flow is found from its own hash on
without a free slot between; a state names one packet, so a queue entry that is out of date shows
itself. Cost: one line to find or to put in a flow, expected; forgetting one frees its slot at once
where no search passes it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined, kernel
from sim.kernels.pipeline.ecmp import K0, K1, K2, K3, K4, mix
from sim.kernels.pipeline.whereabouts import NONE

U = np.uint64
ZERO, ONE, TWO, THREE = U(0), U(1), U(2), U(3)
FOUR, FIVE, SIX, SEVEN, EIGHT = U(4), U(5), U(6), U(7), U(8)
S16, S32, S40 = U(16), U(32), U(40)
HASH, KEY_ROWS = SIX, 7
SLOT, NOW, BLOCK_ROWS = SEVEN, EIGHT, 9
ALIVE, OPENED_BY_B, GONE = ONE, TWO, TWO
SEEN_SHIFT = U(22)
GENERATION = U((1 << 22) - (1 << 2))
LASTING = U((1 << 22) - 1)
CREATED, HIT, REPLY, AGED, EVICTED, REDECIDED, REVOKED, RELATED = range(8)
CLOCK, SEEN, USED, FILLED, HEAD = range(8, 13)
S24, S48, S56 = U(24), U(48), U(56)
LOW_8, LOW_16, LOW_32 = U(2**8 - 1), U(2**16 - 1), U(2**32 - 1)
REQUEST, ANSWER, ERROR, OTHER = (U(kind) for kind in range(1, 5))
"""Those of `sim.packets.icmp`."""


@inlined
def name(h: Any, i: Any, src: Any, dst: Any, q: Any, j: Any) -> Any:
    """Write the key of packet `i`'s flow, between two endpoints, and its hash to column `j`;
    returns `OPENED_BY_B` if the sender is end b, else 0."""
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
def name_query(q: Any, j: Any, mark: Any, side: Any) -> None:
    """Make the key in column `j` that of an ICMP query (`sim.packets.icmp`), which `side` sends."""
    ident, by_b = mark & LOW_16, side != ZERO
    asked_by_b = by_b if mark >> S24 == REQUEST else not by_b
    ends = (q[FOUR, j] >> S32 << S32) | (ident << S16) | ident
    q[FOUR, j] = ends | ((mark >> S16 & LOW_8) << S48) | (U(asked_by_b) << S56)
    q[HASH, j] = hashed(q, j)


@inlined
def recall(t: Any, table: Any, at: Any, r: Any, k: Any) -> None:
    """Row `k` of headers `r` becomes the packet that opened a flow."""
    by_b = table[at | SIX] & OPENED_BY_B != ZERO
    four, five = table[at | FOUR], table[at | FIVE]
    forth, back = (ZERO, TWO) if not by_b else (TWO, ZERO)
    source = five & LOW_32 if by_b else five >> S32
    a_port, b_port = four >> S16 & LOW_16, four & LOW_16
    if four >> S48 != ZERO:
        a_port = b_port = ZERO
    r.src_endpoint[k], r.vrf[k] = np.int32(source), t.ep_vrf[source]
    r.version[k], r.protocol[k] = four >> S40 & LOW_8, four >> S32 & LOW_8
    r.src_lo[k], r.src_hi[k] = table[at | forth], table[at | forth | ONE]
    r.dst_lo[k], r.dst_hi[k] = table[at | back], table[at | back | ONE]
    r.sport[k] = b_port if by_b else a_port
    r.dport[k] = a_port if by_b else b_port


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


@kernel
def reinsert(rows: Any, q: Any, table: Any) -> None:
    """Put flows into an empty table: `rows` in table form, distinct, and `q` uint64 [KEY_ROWS, n]
    with their keys.

    `rows` u64[n, 8], `q` u64[KEY_ROWS, n], `table` u64[8 x slots].
    """
    for row in range(len(rows)):
        j = U(row)
        q[HASH, j] = hashed(q, j)
        at = find(table, q, j)
        for word in range(8):
            table[at | U(word)] = rows[j, U(word)]
