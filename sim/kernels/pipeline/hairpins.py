"""From tunnel to tunnel: what VTEPs pass on of what they took out of a tunnel, where VRFs permit
hairpins; and the links over which that goes.

Theory: where a packet goes is a function of place (VTEP, VRF) and destination; a flow's hash picks
one next hop at each place, so that its way is a sequence of places. Invariants: as
`sim.pipeline.ways.hashed_way`; a way ends, by its TTL. Cost: per tunnel two addresses, a next-hop
set and a choice. Arguments: `t` Tables, `h` Headers, `o` Verdicts (named tuples that say their
types), `w` u32[ROWS, block + 8] as of `sim.kernels.pipeline.block_rows`, `r` Routes, `length`,
`count`, `links` as of `sim.kernels.pipeline.account.walk`, rows from `begin` to `end` (i64).
Scalars are u64: `vtep`, `node` and `target` nodes, `vrf`, `of` an atom of it, `hashed` a flow's
hash, `i` a packet's row and `j` its column in `w`; but for `members`, a next-hop set (i32)."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined, kernel
from sim.kernels.arrays import U32, U64
from sim.kernels.pipeline.atoms import MISS, atom
from sim.kernels.pipeline.block_rows import (
    DST,
    DST_0,
    FROM,
    FROM_VRF,
    REMOTE,
    SRC,
    SRC_0,
    TO,
    VERSION,
    address,
)
from sim.kernels.pipeline.ecmp import K0, choose, flow_hash, outer_hash
from sim.kernels.pipeline.link_walk import COLUMN_OF, FIRST, MASK
from sim.kernels.pipeline.whereabouts import NONE, hash_of, routes_at
from sim.packets.reasons import Reason
from sim.packets.ttl import LAST

U, W = np.uint64, np.uint32
ZERO, ONE = U(0), U(1)
S16, S32, LOW_32, THREE = U(16), U(32), U(2**32 - 1), U(3)
UNDERLAY = int(Reason.UNDERLAY_DROP)
HAIRPIN = int(Reason.HAIRPIN_DROP)
TTL = int(Reason.TTL_DROP)
DELIVERED = int(Reason.DELIVERED)


@inlined
def leads_on(t: Any, vtep: Any, vrf: Any, of: Any) -> Any:
    """The route by which what comes out of a tunnel here is led away, to other places than this
    one: a next-hop set, -1 for none."""
    instance = t.inst_of[vtep, vrf]
    members = np.int32(-1)
    if instance >= 0:
        members = t.fib[U(t.fib_off[U(instance)]) + of]
    away = members >= 0
    if away:
        for m in range(t.set_off[U(members)], t.set_off[U(members) + ONE]):
            away &= (U(t.set_vtep[U(m)]) != vtep) | (U(t.set_vrf[U(m)]) != vrf)
    return members if away else np.int32(-1)


@inlined
def hash_in(h: Any, i: Any) -> Any:
    """The hash of a packet's flow, by its columns."""
    protocol, sport, dport = U(h.protocol[i]), U(h.sport[i]), U(h.dport[i])
    ports = (protocol << S32) | (sport << S16) | dport
    return flow_hash(h.src_hi[i], h.src_lo[i], h.dst_hi[i], h.dst_lo[i], ports)


@inlined
def chosen(t: Any, hashed: Any, node: Any, members: Any) -> Any:
    """Which next hop of a set a node takes for a flow."""
    first = U(t.set_off[U(members)])
    width = U(t.set_off[U(members) + ONE]) - first
    return first + choose(hashed, t.node_seed[node], width)


@inlined
def cut_off(t: Any, node: Any, target: Any) -> Any:
    """Whether the underlay has no way between two nodes."""
    tunnel = node * U(len(t.node_seed)) + target
    return (node != target) & (t.hop_off[tunnel] == t.hop_off[tunnel + ONE])


@inlined
def pass_on(t: Any, j: Any, w: Any) -> Any:
    """Pass a packet on from tunnel to tunnel, as long as VRFs permit it and its TTL lasts; the
    reason why it ends on the way, `DELIVERED` for none. It came out in `TO` and `REMOTE`; there
    stands after that where it comes out last, in `FROM` and `FROM_VRF` from where, and both
    addresses' atoms are those of the VRF there."""
    reason, passed, on, hashed = DELIVERED, 1, True, hash_of(w, j)
    while on:
        here, vrf = U(w[TO, j]), U(w[REMOTE, j])
        members = np.int32(-1)
        if U(w[DST, j]) != MISS:
            members = leads_on(t, here, vrf, U(w[DST, j]))
        if members < 0:
            on = False
        elif t.hairpin[vrf] == 0:
            reason, on = HAIRPIN, False
        else:
            hop = chosen(t, hashed, here, members)
            there, into = U(t.set_vtep[hop]), U(t.set_vrf[hop])
            if cut_off(t, here, there):
                reason, on = UNDERLAY, False
            elif passed >= LAST:
                reason, on = TTL, False
            passed += 1
            w[FROM, j], w[FROM_VRF, j] = W(here), W(vrf)
            w[TO, j], w[REMOTE, j] = W(there), W(into)
            look_up_in(t, into, j, w)
    return reason


@inlined
def look_up_in(t: Any, vrf: Any, j: Any, w: Any) -> None:
    """Both addresses' atoms become those of a VRF."""
    version = U(w[VERSION, j])
    src_hi, src_lo = address(w, SRC_0, j)
    dst_hi, dst_lo = address(w, DST_0, j)
    w[SRC, j] = W(atom(t, vrf, version, src_hi, src_lo))
    w[DST, j] = W(atom(t, vrf, version, dst_hi, dst_lo))


@inlined
def carry(
    t: Any, r: Any, o: Any, i: Any, node: Any, target: Any, size: Any, count: Any, links: U64
) -> None:
    """Take a packet through one tunnel: links count, and its path hash goes on. Here `count` is how
    many packets it stands for, of `size` bytes each (u64)."""
    hashed = outer_hash(U(o.outer_sport[i]), node, target)
    path, column = U(o.path[i]) << S32, r.nodes[(target << THREE) + U(COLUMN_OF)]
    while node != target:
        line = node << THREE
        row = r.nodes[line + U(FIRST)] + (column & r.nodes[line + U(MASK)])
        at = U(r.route[U(row)])
        hop = r.hops[at + choose(hashed, t.node_seed[node], U(r.width[at]))]
        side, node = hop & LOW_32, hop >> S32
        links[side << ONE] += count
        links[side << ONE | ONE] += count * size
        path = (path ^ (side + ONE)) * K0
    o.path[i] = np.uint32(path >> S32)


@kernel
def walk_on(
    t: Any,
    r: Any,
    h: Any,
    o: Any,
    length: U32,
    count: U32,
    begin: int,
    end: int,
    links: U64,
) -> None:
    """Take rows `begin..end` through their further tunnels, behind the first."""
    for row in range(begin, end):
        i = U(row)
        out = o.out_decision[i]
        let_out = (out >= 0) & (t.dec_reason[U(max(out, 0))] == 0)
        source = U(max(o.src_endpoint[i], 0))
        if not (let_out | (o.flow_state[i] != 0)) or o.entry[i] < 0:
            continue
        hashed, version = hash_in(h, i), U(h.version[i])
        here, vrf = U(o.entry[i]), U(t.ep_vrf[source])
        routes = routes_at(t, here, vrf)
        if routes == NONE:
            continue
        of = atom(t, vrf, version, h.dst_hi[i], h.dst_lo[i])
        members, passed = t.fib[routes + of], 0
        while members >= 0:
            hop = chosen(t, hashed, here, members)
            there, vrf = U(t.set_vtep[hop]), U(t.set_vrf[hop])
            members = np.int32(-1)
            if not cut_off(t, here, there):
                if passed > 0:
                    packets, size = U(count[i]), U(length[i])
                    carry(t, r, o, i, here, there, size, packets, links)
                of = atom(t, vrf, version, h.dst_hi[i], h.dst_lo[i])
                if passed < LAST and t.hairpin[vrf] != 0:
                    members = leads_on(t, there, vrf, of)
                here = there
                passed += 1
