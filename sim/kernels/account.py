"""Counters and the underlay walk: what every entry, drop reason and link has seen.

A pass of its own over the verdict columns, so that flow-table hits, which skip the groups, can be
left out of the entries' counters. Each thread counts into arrays of its own; the caller adds them.

`flow_state` is 0 for a packet that the policy groups decided and non-zero for one that the flow
table let through. Links count the packets that enter them, encapsulated, by direction:
`2 * link` from the lower end up, `2 * link + 1` down.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import kernel
from sim.kernels.ecmp import choose, mix, outer_hash
from sim.reasons import Reason

U = np.uint64
ZERO, ONE = U(0), U(1)
DELIVERED = int(Reason.DELIVERED)
OVERHEAD_V4 = U(50)
"""Bytes that VXLAN over IPv4 adds to an inner IP packet: Ethernet 14, IP 20, UDP 8, VXLAN 8."""
FIRST_AFTER_TUNNEL = int(Reason.ENI_MISS_DROP)


@kernel
def account(
    t: Any,
    o: Any,
    reason: Any,
    flow_state: Any,
    length: Any,
    count: Any,
    begin: Any,
    end: Any,
    c: Any,
) -> None:
    """Add rows `begin..end` to the counters `c` and write each row's path hash.

    `c.decisions`, `c.reasons`, `c.links`: uint64 [n, 2], packets and bytes.
    """
    n_nodes = U(len(t.node_seed))
    for row in range(begin, end):
        i = U(row)
        packets = U(count[i])
        size = U(length[i])
        why = reason[i]
        c.reasons[U(why), ZERO] += packets
        c.reasons[U(why), ONE] += packets * size
        o.path[i] = 0
        out, into = o.out_decision[i], o.in_decision[i]
        known = flow_state[i] != 0
        if out < 0 and not known:
            continue
        permitted = known or t.dec_reason[U(out)] == DELIVERED
        if not known:
            c.decisions[U(out), ZERO] += packets
            c.decisions[U(out), ONE] += packets * size
            if permitted and into >= 0:
                c.decisions[U(into), ZERO] += packets
                c.decisions[U(into), ONE] += packets * size
        if not permitted:
            continue
        vtep, target = U(t.ep_vtep[U(o.src_endpoint[i])]), U(o.next_hop[i])
        hashed = outer_hash(U(o.outer_sport[i]), vtep, target)
        size = packets * (size + OVERHEAD_V4)
        node, path = vtep, ZERO
        while node != target:
            at = node * n_nodes + target
            first = U(t.hop_off[at])
            width = U(t.hop_off[at + ONE]) - first
            if width == ZERO:
                break
            hop = first + (choose(hashed, t.node_seed[node], width) if width > ONE else ZERO)
            link = U(t.hop_link[hop])
            side = (link << ONE) | (ZERO if U(t.link_a[link]) == node else ONE)
            c.links[side, ZERO] += packets
            c.links[side, ONE] += size
            path = mix(path ^ (side + ONE))
            node = U(t.hop_node[hop])
        o.path[i] = np.uint32(path)
