"""The datapath of flows, from the source's address to the decisions of both ends.

Per packet: bind the source, look its destination up in the source VTEP's FIB, pick a next hop by
the flow's hash, decide OUT, then at the next hop's VTEP bind the destination, find behind which VRF
the source lies there, decide IN. Every step is a gather on atoms (`compiler.blocks`).

`forward` takes packets in blocks and each step as a loop over a block: a loop asks for the lines
that the next one reads, so that the waits for memory overlap. Between loops a block keeps what it
knows in `w`, uint64 [6, block]: atoms of source and destination, L4 atom, the places in
`cell_class` and `l4_class` that decide, remote VRF.

`route` holds what routing alone says (0: both ends found), `out_decision` and `in_decision` what
the policy blocks say; `settle` folds the three into the reason, in pipeline order. With `complete`
the IN side is computed although OUT denies: a flow table needs to know both ends of such packets.
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
SRC, DST, L4, CELL, COLUMN, REMOTE = (U(i) for i in range(6))
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
def bind_source(t: Any, h: Any, begin: Any, end: Any, w: Any, o: Any) -> None:
    """The endpoint that owns the source address, if it is the one that claims to send."""
    n_endpoints = len(t.ep_vrf)
    for row in range(begin, end):
        i, j = U(row), U(row - begin)
        o.out_decision[i] = o.in_decision[i] = o.dst_endpoint[i] = o.next_hop[i] = -1
        o.src_endpoint[i] = -1
        o.outer_sport[i] = 0
        o.route[i] = UNKNOWN_SOURCE
        if w[SRC, j] == MISS or h.src_endpoint[i] >= n_endpoints:
            continue
        owner = t.atom_endpoint[U(t.atom_base[U(h.vrf[i])]) + w[SRC, j]]
        if h.src_endpoint[i] >= 0 and owner != h.src_endpoint[i]:
            o.route[i] = SPOOF
        elif owner >= 0:
            o.src_endpoint[i] = owner
            o.route[i] = NO_ROUTE
            if t.ep_fib[U(owner)] >= 0:
                prefetch(t.fib, U(t.ep_fib[U(owner)]) + w[DST, j])


@inlined
def leave(t: Any, h: Any, begin: Any, end: Any, w: Any, o: Any) -> None:
    """Next hop by route and hash, and where the OUT groups' word on the packet stands."""
    n_sport = t.n_sport[ZERO]
    for row in range(begin, end):
        i, j = U(row), U(row - begin)
        if o.route[i] != NO_ROUTE:
            continue
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
        point(t, OUT, source, w[DST, j], vrf, remote_vrf, w, j)
        o.route[i] = 0


@inlined
def point(
    t: Any, direction: Any, endpoint: Any, local: Any, vrf: Any, remote_vrf: Any, w: Any, j: Any
) -> None:
    """Write the places of (remote atom, remote VRF) and of the L4 atom in an endpoint's block."""
    block = U(t.ep_block[direction, endpoint])
    cell = local * U(t.remote_count[vrf]) + U(t.remote_index[vrf, remote_vrf])
    w[CELL, j] = U(t.cell_off[block]) + cell
    w[COLUMN, j] = U(t.l4_off[block]) + w[L4, j]
    prefetch(t.cell_class, w[CELL, j])
    prefetch(t.l4_class, w[COLUMN, j])


@inlined
def decide(t: Any, direction: Any, endpoint: Any, w: Any, j: Any) -> Any:
    """The decision that `point` pointed to."""
    block = U(t.ep_block[direction, endpoint])
    row, column = U(t.cell_class[w[CELL, j]]), U(t.l4_class[w[COLUMN, j]])
    return t.f[U(t.f_off[block]) + row * U(t.n_l4[block]) + column]


@inlined
def arrive(t: Any, h: Any, begin: Any, end: Any, w: Any, o: Any, complete: Any) -> None:
    """Decide OUT; carry what it permits to the far end and bind both addresses there."""
    n_nodes = U(len(t.node_seed))
    for row in range(begin, end):
        i, j = U(row), U(row - begin)
        if o.route[i] != 0:
            continue
        source = U(o.src_endpoint[i])
        o.out_decision[i] = decide(t, OUT, source, w, j)
        if t.dec_reason[U(o.out_decision[i])] != 0 and not complete:
            continue
        vtep, target = U(t.ep_vtep[source]), U(o.next_hop[i])
        tunnel = vtep * n_nodes + target
        if vtep != target and t.hop_off[tunnel] == t.hop_off[tunnel + ONE]:
            o.route[i] = UNDERLAY
            continue
        vrf, remote_vrf = U(h.vrf[i]), w[REMOTE, j]
        if remote_vrf != vrf:
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
        if t.ep_fib[U(bound)] >= 0:
            prefetch(t.fib, U(t.ep_fib[U(bound)]) + w[SRC, j])


@inlined
def look_back(t: Any, h: Any, begin: Any, end: Any, w: Any, o: Any) -> None:
    """Behind which VRF the far end sees the source: that of a next hop of the route back which
    leads to the outer VTEP, the true VRF if it is among them; and where IN's word stands."""
    for row in range(begin, end):
        i, j = U(row), U(row - begin)
        if o.route[i] != PA_VALIDATION:
            continue
        bound = U(o.dst_endpoint[i])
        members = t.fib[U(t.ep_fib[bound]) + w[SRC, j]] if t.ep_fib[bound] >= 0 else np.int32(-1)
        if members < 0:
            continue
        vtep, seen = t.ep_vtep[U(o.src_endpoint[i])], np.int32(-1)
        for m in range(t.set_off[U(members)], t.set_off[U(members) + ONE]):
            if t.set_vtep[U(m)] == vtep and (seen < 0 or t.set_vrf[U(m)] == h.vrf[i]):
                seen = t.set_vrf[U(m)]
        if seen >= 0:
            o.route[i] = 0
            point(t, IN, bound, w[SRC, j], w[REMOTE, j], U(seen), w, j)


@kernel
def forward(t: Any, h: Any, complete: Any, begin: Any, end: Any, w: Any, o: Any) -> None:
    """Rows `begin..end` of headers `h`; results go to the columns of `o` (see `sim.datapath`)."""
    size = w.shape[1]
    for at in range(begin, end, size):
        stop = min(at + size, end)
        find_atoms(t, h, at, stop, w)
        bind_source(t, h, at, stop, w, o)
        leave(t, h, at, stop, w, o)
        arrive(t, h, at, stop, w, o, complete)
        look_back(t, h, at, stop, w, o)
        for row in range(at, stop):
            i, j = U(row), U(row - at)
            if o.route[i] == 0 and o.dst_endpoint[i] >= 0:
                o.in_decision[i] = decide(t, IN, U(o.dst_endpoint[i]), w, j)


@kernel
def settle(
    t: Any, route: Any, out_decision: Any, in_decision: Any, begin: Any, end: Any, reason: Any
) -> None:
    """The reason of each row: routing before OUT, then OUT, then the tunnel and its far end, IN."""
    for row in range(begin, end):
        i = U(row)
        found = route[i]
        if out_decision[i] >= 0:
            denied = t.dec_reason[U(out_decision[i])]
            if denied != 0:
                found = denied
            elif found == 0:
                found = t.dec_reason[U(in_decision[i])]
        reason[i] = found
