"""The datapath of flows, from the source's address to the decisions of both ends.

Per packet: bind the source, look its destination up in the source VTEP's FIB, pick a next hop by
the flow's hash, decide OUT, then at the next hop's VTEP bind the destination, find behind which VRF
the source lies there, decide IN. Every step is a gather on atoms (`compiler.blocks`).

Packets go in blocks, each step is a loop over a block: a loop asks for the lines that the next one
reads, so that the waits for memory overlap. Who goes on to the next step stands in a list, which is
written without a branch: what becomes of a packet is anyone's guess, and a wrong guess costs more
than the step. Between loops a block keeps what it knows in `w`, uint64 [ROWS, block].

`route` holds what routing alone says (0: both ends found), `out_decision` and `in_decision` what
the policy blocks say; `reason` folds the three in pipeline order. With `complete` the IN side is
computed although OUT denies. `sim.kernels.flows` takes the same steps, but asks the policy blocks
only about packets of unknown flows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined, kernel
from sim.kernels.atoms import MISS, atom, exact_slot
from sim.kernels.ecmp import choose, flow_hash, outer_port
from sim.kernels.prefetch import prefetch
from sim.reasons import Reason

U = np.uint64
ZERO, ONE, TWO = U(0), U(1), U(2)
SRC, DST, L4, REMOTE, OUT_CELL, OUT_COLUMN, IN_CELL, IN_COLUMN = (U(i) for i in range(8))
LEFT, SENT, BOUND, ARRIVED = (U(i) for i in range(8, 12))
ROWS = 12
NONE = U(2**64 - 1)
S16, S32 = U(16), U(32)
OUT, IN = U(0), U(1)
UNKNOWN_SOURCE = int(Reason.UNKNOWN_SOURCE)
SPOOF = int(Reason.SPOOF_DROP)
NO_ROUTE = int(Reason.NO_ROUTE_DROP)
UNDERLAY = int(Reason.UNDERLAY_DROP)
ENI_MISS = int(Reason.ENI_MISS_DROP)
PA_VALIDATION = int(Reason.PA_VALIDATION_DROP)


@inlined
def find_atoms(t: Any, h: Any, begin: Any, end: Any, w: Any) -> None:
    """Atoms of both addresses in the VRF of entry; `MISS` in an unknown VRF."""
    n_vrfs = len(t.atom_base) - 1
    for row in range(begin, end):
        i = U(row)
        vrf, version = U(max(h.vrf[i], 0)), U(h.version[i])
        prefetch(t.exact, exact_slot(t, vrf, version, h.src_hi[i], h.src_lo[i]) << TWO)
        prefetch(t.exact, exact_slot(t, vrf, version, h.dst_hi[i], h.dst_lo[i]) << TWO)
    for row in range(begin, end):
        i, j = U(row), U(row - begin)
        src_atom = dst_atom = MISS
        if h.vrf[i] >= 0 and h.vrf[i] < n_vrfs:
            vrf, version = U(h.vrf[i]), U(h.version[i])
            src_atom = atom(t, vrf, version, h.src_hi[i], h.src_lo[i])
            dst_atom = atom(t, vrf, version, h.dst_hi[i], h.dst_lo[i])
            if src_atom != MISS:
                prefetch(t.atom_endpoint, U(t.atom_base[vrf]) + src_atom)
        w[SRC, j], w[DST, j] = src_atom, dst_atom


@inlined
def bind_source(t: Any, h: Any, begin: Any, end: Any, w: Any, o: Any) -> Any:
    """The endpoint that owns the source address, if it is the one that claims to send. Lists in
    `LEFT` who was bound and can look for a route; returns how many."""
    n_endpoints, n = len(t.ep_vrf), ZERO
    for row in range(begin, end):
        i, j = U(row), U(row - begin)
        o.out_decision[i] = o.in_decision[i] = o.dst_endpoint[i] = o.next_hop[i] = -1
        o.src_endpoint[i] = -1
        o.outer_sport[i] = 0
        o.flow_state[i] = 0
        o.route[i] = o.reason[i] = UNKNOWN_SOURCE
        if w[SRC, j] == MISS or h.src_endpoint[i] >= n_endpoints:
            continue
        owner = t.atom_endpoint[U(t.atom_base[U(h.vrf[i])]) + w[SRC, j]]
        if h.src_endpoint[i] >= 0 and owner != h.src_endpoint[i]:
            o.route[i] = o.reason[i] = SPOOF
        elif owner >= 0:
            o.src_endpoint[i] = owner
            o.route[i] = o.reason[i] = NO_ROUTE
            w[LEFT, n] = j
            n += ONE
            if t.ep_fib[U(owner)] >= 0:
                prefetch(t.fib, U(t.ep_fib[U(owner)]) + w[DST, j])
    return n


@inlined
def leave(t: Any, h: Any, begin: Any, bound: Any, w: Any, o: Any) -> Any:
    """Next hop by route and hash, and where the OUT groups' word on the packet stands. Keeps in
    `LEFT` who has a route; returns how many."""
    n_sport, n = t.n_sport[ZERO], ZERO
    for k in range(bound):
        j = w[LEFT, U(k)]
        i = U(begin) + j
        source, vrf = U(o.src_endpoint[i]), U(h.vrf[i])
        protocol, sport, dport = U(h.protocol[i]), U(h.sport[i]), U(h.dport[i])
        ports = (protocol << S32) | (sport << S16) | dport
        hashed = flow_hash(h.src_hi[i], h.src_lo[i], h.dst_hi[i], h.dst_lo[i], ports)
        o.outer_sport[i] = outer_port(hashed)
        members = t.fib[U(t.ep_fib[source]) + w[DST, j]] if t.ep_fib[source] >= 0 else np.int32(-1)
        first = U(t.set_off[U(max(members, 0))])
        width = U(t.set_off[U(max(members, 0)) + ONE]) - first
        if members < 0 or width == ZERO:
            continue
        seed = t.node_seed[U(t.ep_vtep[source])]
        member = first + (choose(hashed, seed, width) if width > ONE else ZERO)
        o.next_hop[i] = t.set_vtep[member]
        remote_vrf = U(t.set_vrf[member])
        q = U(t.dport_atom[U(t.proto_class[protocol]), dport])
        w[L4, j] = q * n_sport + U(t.sport_atom[sport])
        w[REMOTE, j] = remote_vrf
        block = U(t.ep_block[OUT, source])
        cell = w[DST, j] * U(t.remote_count[vrf]) + U(t.remote_index[vrf, remote_vrf])
        w[OUT_CELL, j] = U(t.cell_off[block]) + cell
        w[OUT_COLUMN, j] = U(t.l4_off[block]) + w[L4, j]
        prefetch(t.cell_class, w[OUT_CELL, j])
        prefetch(t.l4_class, w[OUT_COLUMN, j])
        o.route[i] = o.reason[i] = 0
        w[LEFT, n] = j
        n += ONE
    return n


@inlined
def decide_out(t: Any, begin: Any, who: Any, many: Any, complete: Any, w: Any, o: Any) -> Any:
    """The OUT groups' word on everyone in the list `who`. Lists in `SENT` whom they permit (with
    `complete`: everyone); returns how many."""
    n = ZERO
    for k in range(many):
        j = w[who, U(k)]
        i = U(begin) + j
        block = U(t.ep_block[OUT, U(o.src_endpoint[i])])
        row, column = U(t.cell_class[w[OUT_CELL, j]]), U(t.l4_class[w[OUT_COLUMN, j]])
        decision = t.f[U(t.f_off[block]) + row * U(t.n_l4[block]) + column]
        o.out_decision[i] = decision
        o.reason[i] = t.dec_reason[U(decision)]
        w[SENT, n] = j
        n += U(complete | (o.reason[i] == 0))
    return n


@inlined
def arrive(t: Any, h: Any, begin: Any, sent: Any, w: Any, o: Any) -> Any:
    """Carry everyone in `SENT` to the far end and bind both addresses there. Lists in `BOUND` who
    was bound; returns how many."""
    n_nodes, n = U(len(t.node_seed)), ZERO
    for k in range(sent):
        j = w[SENT, U(k)]
        i = U(begin) + j
        vtep, target = U(t.ep_vtep[U(o.src_endpoint[i])]), U(o.next_hop[i])
        tunnel = vtep * n_nodes + target
        if vtep != target and t.hop_off[tunnel] == t.hop_off[tunnel + ONE]:
            o.route[i] = UNDERLAY
            continue
        remote_vrf = w[REMOTE, j]
        if remote_vrf != U(h.vrf[i]):
            version = U(h.version[i])
            w[SRC, j] = atom(t, remote_vrf, version, h.src_hi[i], h.src_lo[i])
            w[DST, j] = atom(t, remote_vrf, version, h.dst_hi[i], h.dst_lo[i])
        o.route[i] = ENI_MISS
        if w[DST, j] == MISS:
            continue
        bound = t.atom_endpoint[U(t.atom_base[remote_vrf]) + w[DST, j]]
        if bound < 0 or U(t.ep_vtep[U(bound)]) != target:
            continue
        o.dst_endpoint[i] = bound
        o.route[i] = PA_VALIDATION
        w[BOUND, n] = j
        n += ONE
        if t.ep_fib[U(bound)] >= 0:
            prefetch(t.fib, U(t.ep_fib[U(bound)]) + w[SRC, j])
    return n


@inlined
def look_back(t: Any, h: Any, begin: Any, bound: Any, w: Any, o: Any) -> Any:
    """Behind which VRF the far end sees the source: that of a next hop of the route back which
    leads to the outer VTEP, the true VRF if it is among them; and where IN's word stands. Lists in
    `ARRIVED` whom routing takes all the way; returns how many."""
    n = ZERO
    for k in range(bound):
        j = w[BOUND, U(k)]
        i = U(begin) + j
        target = U(o.dst_endpoint[i])
        members = t.fib[U(t.ep_fib[target]) + w[SRC, j]] if t.ep_fib[target] >= 0 else np.int32(-1)
        if members < 0:
            continue
        vtep, seen = t.ep_vtep[U(o.src_endpoint[i])], np.int32(-1)
        for m in range(t.set_off[U(members)], t.set_off[U(members) + ONE]):
            if t.set_vtep[U(m)] == vtep and (seen < 0 or t.set_vrf[U(m)] == h.vrf[i]):
                seen = t.set_vrf[U(m)]
        if seen < 0:
            continue
        o.route[i] = 0
        block, vrf = U(t.ep_block[IN, target]), w[REMOTE, j]
        cell = w[SRC, j] * U(t.remote_count[vrf]) + U(t.remote_index[vrf, U(seen)])
        w[IN_CELL, j] = U(t.cell_off[block]) + cell
        w[IN_COLUMN, j] = U(t.l4_off[block]) + w[L4, j]
        prefetch(t.cell_class, w[IN_CELL, j])
        prefetch(t.l4_class, w[IN_COLUMN, j])
        w[ARRIVED, n] = j
        n += ONE
    return n


@inlined
def decide_in(t: Any, begin: Any, who: Any, many: Any, w: Any, o: Any) -> None:
    """The IN groups' word on everyone in the list `who`."""
    for k in range(many):
        j = w[who, U(k)]
        i = U(begin) + j
        block = U(t.ep_block[IN, U(o.dst_endpoint[i])])
        row, column = U(t.cell_class[w[IN_CELL, j]]), U(t.l4_class[w[IN_COLUMN, j]])
        o.in_decision[i] = t.f[U(t.f_off[block]) + row * U(t.n_l4[block]) + column]


@inlined
def settle(t: Any, begin: Any, who: Any, many: Any, w: Any, o: Any) -> None:
    """The reason of everyone in the list `who`: OUT, then the tunnel and its far end, then IN."""
    for k in range(many):
        i = U(begin) + w[who, U(k)]
        found = o.reason[i]
        into = t.dec_reason[U(max(o.in_decision[i], 0))]
        after = into if o.in_decision[i] >= 0 else o.route[i]
        o.reason[i] = after if found == 0 else found


@kernel
def forward(t: Any, h: Any, complete: Any, begin: Any, end: Any, w: Any, o: Any) -> None:
    """Rows `begin..end` of headers `h`; results go to the columns of `o` (see `sim.datapath`)."""
    size = w.shape[1]
    for at in range(begin, end, size):
        stop = min(at + size, end)
        find_atoms(t, h, at, stop, w)
        left = leave(t, h, at, bind_source(t, h, at, stop, w, o), w, o)
        sent = decide_out(t, at, LEFT, left, complete, w, o)
        arrived = look_back(t, h, at, arrive(t, h, at, sent, w, o), w, o)
        decide_in(t, at, ARRIVED, arrived, w, o)
        settle(t, at, LEFT, left, w, o)
