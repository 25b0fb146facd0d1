"""Counters and the underlay walk: what every entry, drop reason and link has seen.

Passes of their own over the verdict columns, so that flow-table hits, which skip the groups, can be
left out of the entries' counters. Each thread counts into arrays of its own; the caller adds them.

`flow_state` is 0 for a packet that the policy groups decided and non-zero for one that the flow
table let through. Links count the packets that enter them, encapsulated, by direction:
`2 * link` from the lower end up, `2 * link + 1` down.

Theory: counters are sums over packets, which any split into threads and blocks leaves as they are;
a walk is a path of a graph without circles, hop by hop nearer to its target.
Invariants: every packet counts in exactly one row at the sender and in one at the receiver; a walk
ends, since each hop is nearer to its target; sums do not depend on how rows are dealt to threads.
Cost: `tally` four additions per packet; `walk` one line per hop that is far, asked for a hop ahead,
a block's hops overlapping.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import kernel
from sim.kernels.arrays import I32, U8, U32, U64, Index
from sim.kernels.pipeline.ecmp import K0, choose, outer_hash
from sim.kernels.prefetch import prefetch
from sim.packets.reasons import LIMIT

U = np.uint64
ZERO, ONE = U(0), U(1)
OVERHEAD_V4 = U(50)
"""Bytes that VXLAN over IPv4 adds to an inner IP packet: Ethernet 14, IP 20, UDP 8, VXLAN 8."""
OUT_FROM = LIMIT + 1
S32, LOW_32 = U(32), U(2**32 - 1)
NODE, TARGET, HASHED, PATH, WALKING = (U(i) for i in range(5))
ROWS = 5


@kernel
def tally(
    reason: U8,
    out_decision: I32,
    in_decision: I32,
    length: U32,
    count: U32,
    begin: int,
    end: int,
    in_from: int | Index,
    c: U64,
) -> None:
    """Add rows `begin..end` to `c`, uint64, flat: packets and bytes per row.

    A packet counts twice: in the row of its decision at the sender (`OUT_FROM` on; the row before
    is for those without), and in that of its decision at the receiver (`in_from` on) or, without
    one, of its reason.

    `reason` u8[n], `out_decision`, `in_decision` i32[n], `length`, `count` u32[n], `c` u64[2 x
    rows], `begin`, `end`, `in_from` i64.
    """
    out_from, in_from = U(OUT_FROM), U(in_from)
    for row in range(begin, end):
        i = U(row)
        packets, size, into, why = U(count[i]), U(length[i]), U(in_decision[i]), U(reason[i])
        last = in_from + into
        last = last if last >= in_from else why
        first, last = (out_from + U(out_decision[i])) << ONE, last << ONE
        c[first] += packets
        c[first | ONE] += packets * size
        c[last] += packets
        c[last | ONE] += packets * size


def tally_rows(n_decisions: int) -> tuple[int, int]:
    """Where the decisions at the receiver begin, and how many rows there are."""
    return OUT_FROM + n_decisions, OUT_FROM + 2 * n_decisions


def split(dec_reason: Any, c: Any) -> tuple[Any, Any]:
    """Counters per reason and per decision from those of `tally`."""
    rows = c.reshape(-1, 2)
    out, into = rows[OUT_FROM:].reshape(2, -1, 2)
    reasons = rows[:LIMIT].copy()
    np.add.at(reasons, dec_reason, into)
    return reasons, out + into


@kernel
def walk(
    t: Any, r: Any, o: Any, length: U32, count: U32, begin: int, end: int, w: U64, links: U64
) -> None:
    """Take rows `begin..end` through the underlay, all of a block hop by hop: links count, and
    each row gets its path hash.

    `t` Tables, `r` Routes, `o` Verdicts (named tuples that say their types), `length`, `count`
    u32[n], `w` u64[ROWS, block], `links` u64[2 x links, 2], rows `begin` to `end`.
    """
    n_nodes, size = U(len(t.node_seed)), w.shape[1]
    for at in range(begin, end, size):
        n = ZERO
        for row in range(at, min(at + size, end)):
            i, j = U(row), U(row - at)
            out, hop = o.out_decision[i], o.next_hop[i]
            let_out = (out >= 0) & (t.dec_reason[U(max(out, 0))] == 0)
            vtep = max(o.entry[i], 0)
            o.path[i] = 0
            w[NODE, j], w[TARGET, j], w[PATH, j] = U(vtep), U(hop), ZERO
            w[WALKING, n] = j
            n += U((let_out | (o.flow_state[i] != 0)) & (vtep != hop))
        for k in range(n):
            j = w[WALKING, U(k)]
            node, target = w[NODE, j], w[TARGET, j]
            prefetch(r.route, node * n_nodes + target)
            w[HASHED, j] = outer_hash(U(o.outer_sport[U(at) + j]), node, target)
        while n:
            left = ZERO
            for k in range(n):
                j = w[WALKING, U(k)]
                i, node, target = U(at) + j, w[NODE, j], w[TARGET, j]
                members = r.members[U(r.route[node * n_nodes + target])]
                if members == ZERO:
                    continue
                hop = r.hops[
                    (members >> S32) + choose(w[HASHED, j], t.node_seed[node], members & LOW_32)
                ]
                side, node = hop & LOW_32, hop >> S32
                prefetch(r.route, node * n_nodes + target)
                links[side, ZERO] += U(count[i])
                links[side, ONE] += U(count[i]) * (U(length[i]) + OVERHEAD_V4)
                w[PATH, j] = (w[PATH, j] ^ (side + ONE)) * K0
                w[NODE, j], w[WALKING, left] = node, j
                o.path[i] = np.uint32(w[PATH, j] >> S32)
                left += U(node != target)
            n = left
