"""The datapath of one flow, from the source's address to the decisions of both ends.

Per packet: bind the source, look its destination up in the source VTEP's FIB, pick a next hop by
the flow's hash, decide OUT, then at the next hop's VTEP bind the destination, find behind which VRF
the source lies there, decide IN. Every step is a gather on atoms (`compiler.blocks`).

`route` holds what routing alone says (0: both ends found), `out_decision` and `in_decision` what
the policy blocks say; `settle` folds the three into the reason, in pipeline order. With `complete`
the IN side is computed although OUT denies: a flow table needs to know both ends of such packets.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined, kernel
from sim.kernels.atoms import MISS, atom
from sim.kernels.ecmp import choose, flow_hash, outer_port
from sim.reasons import Reason

U = np.uint64
ZERO, ONE = U(0), U(1)
S16, S32 = U(16), U(32)
OUT, IN = U(0), U(1)
UNKNOWN_SOURCE = int(Reason.UNKNOWN_SOURCE)
SPOOF = int(Reason.SPOOF_DROP)
NO_ROUTE = int(Reason.NO_ROUTE_DROP)
UNDERLAY = int(Reason.UNDERLAY_DROP)
ENI_MISS = int(Reason.ENI_MISS_DROP)
PA_VALIDATION = int(Reason.PA_VALIDATION_DROP)


@inlined
def next_hops(t: Any, vtep: Any, vrf: Any, local: Any) -> Any:
    """The next-hop set of an atom in a VRF instance, or -1 without instance or route."""
    instance = t.inst_of[vtep, vrf]
    if instance < 0:
        return np.int32(-1)
    return t.fib[U(t.fib_off[U(instance)]) + local]


@inlined
def decide(
    t: Any, direction: Any, endpoint: Any, local: Any, vrf: Any, remote_vrf: Any, l4: Any
) -> Any:
    """The decision of an endpoint's block on (remote atom, remote VRF, L4 atom)."""
    block = U(t.ep_block[direction, endpoint])
    cell = local * U(t.remote_count[vrf]) + U(t.remote_index[vrf, remote_vrf])
    row = U(t.cell_class[U(t.cell_off[block]) + cell])
    column = U(t.l4_class[U(t.l4_off[block]) + l4])
    return t.f[U(t.f_off[block]) + row * U(t.n_l4[block]) + column]


@inlined
def source_vrf(t: Any, members: Any, outer: Any, true_vrf: Any) -> Any:
    """Behind which VRF the egress side sees a source that came from VTEP `outer`: a next hop of the
    route back that leads to that VTEP, the true VRF if it is among them. -1 when there is none."""
    found = np.int64(-1)
    if members < 0:
        return found
    for m in range(t.set_off[U(members)], t.set_off[U(members) + ONE]):
        if U(t.set_vtep[U(m)]) == outer:
            if U(t.set_vrf[U(m)]) == true_vrf:
                return np.int64(true_vrf)
            if found < 0:
                found = np.int64(t.set_vrf[U(m)])
    return found


@kernel
def forward(t: Any, h: Any, complete: Any, begin: Any, end: Any, o: Any) -> None:
    """Rows `begin..end` of headers `h`; results go to the columns of `o` (see `sim.datapath`)."""
    n_vrfs, n_endpoints = len(t.atom_base) - 1, len(t.ep_vrf)
    n_nodes, n_sport = U(t.inst_of.shape[0]), t.n_sport[0]
    for row in range(begin, end):
        i = U(row)
        o.out_decision[i] = -1
        o.in_decision[i] = -1
        o.src_endpoint[i] = -1
        o.dst_endpoint[i] = -1
        o.next_hop[i] = -1
        o.outer_sport[i] = 0
        o.route[i] = UNKNOWN_SOURCE
        if h.vrf[i] < 0 or h.vrf[i] >= n_vrfs or h.src_endpoint[i] >= n_endpoints:
            continue
        vrf, version = U(h.vrf[i]), U(h.version[i])
        src_hi, src_lo, dst_hi, dst_lo = h.src_hi[i], h.src_lo[i], h.dst_hi[i], h.dst_lo[i]
        src_atom = atom(t, vrf, version, src_hi, src_lo)
        if src_atom == MISS:
            continue
        owner = t.atom_endpoint[U(t.atom_base[vrf]) + src_atom]
        if h.src_endpoint[i] >= 0 and owner != h.src_endpoint[i]:
            o.route[i] = SPOOF
            continue
        if owner < 0:
            continue
        source = U(owner)
        o.src_endpoint[i] = owner
        protocol, sport, dport = U(h.protocol[i]), U(h.sport[i]), U(h.dport[i])
        hashed = flow_hash(
            src_hi, src_lo, dst_hi, dst_lo, (protocol << S32) | (sport << S16) | dport
        )
        o.outer_sport[i] = outer_port(hashed)
        vtep = U(t.ep_vtep[source])
        dst_atom = atom(t, vrf, version, dst_hi, dst_lo)
        members = next_hops(t, vtep, vrf, dst_atom)
        first = U(t.set_off[U(max(members, 0))])
        width = U(t.set_off[U(max(members, 0)) + ONE]) - first
        if members < 0 or width == ZERO:
            o.route[i] = NO_ROUTE
            continue
        member = first + (choose(hashed, t.node_seed[vtep], width) if width > ONE else ZERO)
        target, remote_vrf = U(t.set_vtep[member]), U(t.set_vrf[member])
        o.next_hop[i] = target
        q = U(t.dport_atom[U(t.proto_class[protocol]), dport])
        l4 = q * n_sport + U(t.sport_atom[sport])
        decision = decide(t, OUT, source, dst_atom, vrf, remote_vrf, l4)
        o.out_decision[i] = decision
        o.route[i] = 0
        if t.dec_reason[U(decision)] != 0 and not complete:
            continue
        row_at = vtep * n_nodes + target
        if vtep != target and t.hop_off[row_at] == t.hop_off[row_at + ONE]:
            o.route[i] = UNDERLAY
            continue
        if remote_vrf != vrf:
            src_atom = atom(t, remote_vrf, version, src_hi, src_lo)
            dst_atom = atom(t, remote_vrf, version, dst_hi, dst_lo)
            if dst_atom == MISS:
                o.route[i] = ENI_MISS
                continue
        bound = t.atom_endpoint[U(t.atom_base[remote_vrf]) + dst_atom]
        if bound < 0 or U(t.ep_vtep[U(bound)]) != target:
            o.route[i] = ENI_MISS
            continue
        o.dst_endpoint[i] = bound
        seen = source_vrf(t, next_hops(t, target, remote_vrf, src_atom), vtep, vrf)
        if seen < 0:
            o.route[i] = PA_VALIDATION
            continue
        o.in_decision[i] = decide(t, IN, U(bound), src_atom, remote_vrf, U(seen), l4)


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
