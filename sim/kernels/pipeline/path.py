"""The datapath of flows, from the source's address to the decisions of both ends.

Per packet: bind the source, look its destination up in the source VTEP's FIB, pick a next hop by
the flow's hash, decide OUT, then at the next hop's VTEP bind the destination unless its route leads
on (where that is permitted, pass it on), find behind which VRF the source lies there, decide IN.
Every step is a gather on atoms (`sim.blocks.blocks`).

Packets go in blocks, each step is a loop over a block: a loop asks for the lines that the next one
reads, so that the waits for memory overlap. Who goes on to the next step stands in a list, which is
written without a branch: what becomes of a packet is anyone's guess, and a wrong guess costs more
than the step. Between loops a block keeps what it knows in `w`, uint64 [ROWS, block].

`e` has a line of eight words per endpoint and direction (OUT first): where its routes begin in
`fib`, VTEP (`NONE` for an endpoint with several), VRF, number of remote VRFs, and where its block's
cells, L4 atoms and values begin and how wide these are.

`route` holds what routing alone says (0: both ends found), `out_decision` and `in_decision` what
the policy blocks say; `reason` folds the three in pipeline order. With `complete` the IN side is
computed although OUT denies. `sim.kernels.pipeline.flows` takes the same steps, but asks the policy
blocks only about packets of unknown flows.

Theory: what becomes of a packet is a function of atoms, tabulated; a step maps (node, VRF, header)
to one next hop of the set that routes name.
Invariants: lists of a block hold each row once and shrink from step to step; a row's verdict is
that of the first step that stops it.
Cost per packet: two addresses, two next-hop sets, and per side one cell, one column and one
decision; each is asked for before it is needed. Arguments: `t` Tables, `h` Headers, `o` Verdicts
(named tuples that say their types), `e` u64[endpoints x 2 x 8] as above, `w` u64[ROWS, block],
rows from `begin` to `end` (i64), `complete` bool:
columns of numbers, and lists of rows of the block.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined, kernel
from sim.kernels.pipeline.atoms import (
    EIGHT,
    FOUR,
    MISS,
    SIX,
    atom,
    exact_slot,
    search_v4,
    search_v6,
)
from sim.kernels.pipeline.ecmp import choose, flow_hash, outer_port
from sim.kernels.pipeline.hairpins import (
    DELIVERED,
    DST,
    END,
    LOW_32,
    OUTER,
    S16,
    S32,
    SRC,
    UNDERLAY,
    cut_off,
    leads_on,
    pass_on,
)
from sim.kernels.pipeline.whereabouts import (
    NONE,
    entry_of,
    is_owner,
    lives_at,
    owner_at,
    routes_at,
)
from sim.kernels.prefetch import prefetch
from sim.packets.reasons import Reason

U = np.uint64
ZERO, ONE, TWO, THREE = U(0), U(1), U(2), U(3)
L4, REMOTE, OUT_CELL, OUT_COLUMN, IN_CELL, IN_COLUMN = (U(i) for i in range(2, 8))
LEFT, SENT, BOUND, ARRIVED = (U(i) for i in range(8, 12))
SLOT, V4, V6 = (U(i) for i in range(8, 11))
ROWS = 14
FIB, VTEP, VRF, COUNT, CELLS, COLUMNS, VALUES, WIDTH = (U(i) for i in range(8))
UNKNOWN_SOURCE = int(Reason.UNKNOWN_SOURCE)
SPOOF = int(Reason.SPOOF_DROP)
NO_ROUTE = int(Reason.NO_ROUTE_DROP)
ENI_MISS = int(Reason.ENI_MISS_DROP)
PA_VALIDATION = int(Reason.PA_VALIDATION_DROP)


@inlined
def find_atoms(t: Any, h: Any, begin: Any, end: Any, w: Any) -> None:
    """Atoms of both addresses in the VRF of entry; `MISS` in an unknown VRF."""
    for row in range(begin, end):
        i, j = U(row), U(row - begin)
        vrf, version = U(h.vrf[i]), U(h.version[i])
        w[SRC, j] = exact_slot(t, vrf, version, h.src_hi[i], h.src_lo[i]) << TWO
        w[DST, j] = exact_slot(t, vrf, version, h.dst_hi[i], h.dst_lo[i]) << TWO
        prefetch(t.exact, w[SRC, j])
        prefetch(t.exact, w[DST, j])
    look_up_atoms(t, h, h.src_hi, h.src_lo, begin, end, SRC, w)
    look_up_atoms(t, h, h.dst_hi, h.dst_lo, begin, end, DST, w)


@inlined
def look_up_atoms(
    t: Any, h: Any, hi: Any, lo: Any, begin: Any, end: Any, which: Any, w: Any
) -> None:
    """The atoms of one column of addresses. Nearly all stand where the search for them begins, and
    the others are sorted by family before they are searched for."""
    exact, n_vrfs, last = t.exact, U(len(t.atom_base) - 1), U(len(t.exact) - 1)
    v4 = v6 = ZERO
    for row in range(begin, end):
        i, j = U(row), U(row - begin)
        vrf, version, at = U(h.vrf[i]), U(h.version[i]), w[which, j]
        other = (exact[at] ^ lo[i]) | (exact[at | ONE] ^ hi[i])
        other |= exact[at | TWO] ^ ((vrf << EIGHT) | version)
        found = exact[at | THREE] - ONE
        w[which, j] = found if other == ZERO else MISS
        missed = (other != ZERO) & (vrf < n_vrfs)
        w[V4, v4], w[V6, v6] = j, j
        w[SLOT, j] = at
        v4 += U(missed & (version == FOUR))
        v6 += U(missed & (version == SIX))
    for k in range(v4):
        j = w[V4, U(k)]
        i = U(begin) + j
        vrf, at = U(h.vrf[i]), w[SLOT, j]
        found = probe(exact, at, last, hi[i], lo[i], (vrf << EIGHT) | FOUR)
        w[which, j] = found if found != MISS else search_v4(t, vrf, lo[i])
    for k in range(v6):
        j = w[V6, U(k)]
        i = U(begin) + j
        vrf, at = U(h.vrf[i]), w[SLOT, j]
        found = probe(exact, at, last, hi[i], lo[i], (vrf << EIGHT) | SIX)
        w[which, j] = found if found != MISS else search_v6(t, vrf, hi[i], lo[i])


@inlined
def probe(exact: Any, at: Any, last: Any, hi: Any, lo: Any, owner: Any) -> Any:
    """The rest of a search in the hash table, from the slot after `at` on."""
    found = MISS
    while found == MISS and exact[at | THREE] != ZERO:
        at = (at + FOUR) & last
        other = (exact[at] ^ lo) | (exact[at | ONE] ^ hi) | (exact[at | TWO] ^ owner)
        found = exact[at | THREE] - ONE if other == ZERO else MISS
    return found


@inlined
def bind_source(t: Any, e: Any, h: Any, begin: Any, end: Any, w: Any, o: Any) -> Any:
    """The endpoint that owns the source address, if it is the one that claims to send and its own
    VTEP does not route the address on. Lists in `LEFT` who was bound and can look for a route;
    returns how many."""
    n_endpoints, n = len(t.ep_vrf), ZERO
    for row in range(begin, end):
        i, j = U(row), U(row - begin)
        o.out_decision[i] = o.in_decision[i] = o.dst_endpoint[i] = o.next_hop[i] = -1
        o.entry[i] = -1
        o.outer_sport[i] = 0
        o.flow_state[i] = 0
        claimed, owner, found = h.src_endpoint[i], np.int32(-1), UNKNOWN_SOURCE
        if w[SRC, j] != MISS and claimed < n_endpoints:
            source = U(t.atom_base[U(h.vrf[i])]) + w[SRC, j]
            owner = t.atom_endpoint[source]
            found = NO_ROUTE if owner >= 0 else UNKNOWN_SOURCE
            if claimed >= 0 and owner != claimed:
                owner = claimed if is_owner(t, source, claimed) else np.int32(-1)
                found = NO_ROUTE if owner >= 0 else SPOOF
            elsewhere = np.int32(-1)
            if owner >= 0 and t.atom_local[source] != owner:
                elsewhere = leads_on(t, entry_of(t, h, i, owner), U(h.vrf[i]), w[SRC, j])
            if elsewhere >= 0:
                owner, found = np.int32(-1), SPOOF if claimed >= 0 else UNKNOWN_SOURCE
        o.src_endpoint[i] = owner
        o.route[i] = o.reason[i] = found
        w[LEFT, n] = j
        if owner >= 0:
            prefetch(e, U(owner) << THREE)
            prefetch(t.fib, U(t.ep_fib[U(owner)]) + w[DST, j])
            prefetch(t.dport_atom, (U(t.proto_class[h.protocol[i]]) << S16) | U(h.dport[i]))
            prefetch(t.sport_atom, U(h.sport[i]))
            n += ONE
    return n


@inlined
def leave(t: Any, e: Any, h: Any, begin: Any, bound: Any, w: Any, o: Any) -> Any:
    """Next hop by route and hash, and where the OUT groups' word on the packet stands. Keeps in
    `LEFT` who has a route; returns how many."""
    n_sport, n = t.n_sport[ZERO], ZERO
    for k in range(bound):
        j = w[LEFT, U(k)]
        i = U(begin) + j
        end = U(o.src_endpoint[i]) << THREE
        protocol, sport, dport = U(h.protocol[i]), U(h.sport[i]), U(h.dport[i])
        ports = (protocol << S32) | (sport << S16) | dport
        hashed = flow_hash(h.src_hi[i], h.src_lo[i], h.dst_hi[i], h.dst_lo[i], ports)
        o.outer_sport[i] = outer_port(hashed)
        vtep, routes = e[end | VTEP], e[end | FIB]
        if vtep == NONE:
            vtep = entry_of(t, h, i, o.src_endpoint[i])
            routes = routes_at(t, vtep, U(h.vrf[i]))
        o.entry[i] = np.int32(vtep)
        members = t.fib[routes + w[DST, j]] if routes != NONE else np.int32(-1)
        first = U(t.set_off[U(max(members, 0))])
        width = U(t.set_off[U(max(members, 0)) + ONE]) - first
        if members < 0 or width == ZERO:
            continue
        if width > ONE:
            first += choose(hashed, t.node_seed[vtep], width)
        o.next_hop[i] = t.set_vtep[first]
        remote_vrf = U(t.set_vrf[first])
        q = U(t.dport_atom[U(t.proto_class[protocol]), dport])
        w[L4, j] = q * n_sport + (U(t.sport_atom[sport]) if n_sport > ONE else ZERO)
        w[REMOTE, j] = remote_vrf
        cell = w[DST, j] * e[end | COUNT] + U(t.remote_index[e[end | VRF], remote_vrf])
        w[OUT_CELL, j] = e[end | CELLS] + cell
        w[OUT_COLUMN, j] = e[end | COLUMNS] + w[L4, j]
        prefetch(t.cell_class, w[OUT_CELL, j])
        prefetch(t.l4_class, w[OUT_COLUMN, j])
        o.route[i] = o.reason[i] = 0
        w[LEFT, n] = j
        n += ONE
    return n


@inlined
def decide_out(
    t: Any, e: Any, begin: Any, who: Any, many: Any, complete: Any, w: Any, o: Any
) -> Any:
    """The OUT groups' word on everyone in the list `who`. Lists in `SENT` whom they permit (with
    `complete`: everyone); returns how many."""
    n = ZERO
    for k in range(many):
        j = w[who, U(k)]
        i = U(begin) + j
        end = U(o.src_endpoint[i]) << THREE
        row, column = U(t.cell_class[w[OUT_CELL, j]]), U(t.l4_class[w[OUT_COLUMN, j]])
        decision = t.f[e[end | VALUES] + row * e[end | WIDTH] + column]
        o.out_decision[i] = decision
        reason = t.dec_reason[U(decision)]
        o.reason[i] = reason
        w[SENT, n] = j
        n += U(complete | (reason == 0))
    return n


@inlined
def arrive(t: Any, e: Any, h: Any, begin: Any, sent: Any, w: Any, o: Any) -> Any:
    """Carry everyone in `SENT` to the far end and bind both addresses there. Lists in `BOUND` who
    was bound; returns how many."""
    n = ZERO
    into = U(len(t.ep_vrf)) << THREE
    for k in range(sent):
        j = w[SENT, U(k)]
        i = U(begin) + j
        vtep, target = U(o.entry[i]), U(o.next_hop[i])
        if cut_off(t, vtep, target):
            o.route[i] = UNDERLAY
            continue
        remote_vrf = w[REMOTE, j]
        if remote_vrf != U(h.vrf[i]):
            version = U(h.version[i])
            w[SRC, j] = atom(t, remote_vrf, version, h.src_hi[i], h.src_lo[i])
            w[DST, j] = atom(t, remote_vrf, version, h.dst_hi[i], h.dst_lo[i])
        w[OUTER, j] = (vtep << S32) | U(h.vrf[i])
        o.route[i] = ENI_MISS
        if w[DST, j] == MISS:
            continue
        atom_there = U(t.atom_base[remote_vrf]) + w[DST, j]
        bound = t.atom_local[atom_there]
        if bound < 0 or U(t.ep_vtep[U(bound)]) != target:
            if leads_on(t, target, remote_vrf, w[DST, j]) >= 0:
                w[END, j] = (target << S32) | remote_vrf
                reason = pass_on(t, h, i, j, w)
                if reason != DELIVERED:
                    o.route[i] = reason
                    continue
                if w[DST, j] == MISS:
                    continue
                target, remote_vrf = w[END, j] >> S32, w[END, j] & LOW_32
                atom_there = U(t.atom_base[remote_vrf]) + w[DST, j]
            bound = t.atom_endpoint[atom_there]
            if bound >= 0 and not lives_at(t, bound, target):
                bound = owner_at(t, atom_there, target)
            if bound < 0:
                continue
        o.dst_endpoint[i] = bound
        o.route[i] = PA_VALIDATION
        w[END, j] = (target << S32) | remote_vrf
        w[BOUND, n] = j
        n += ONE
        prefetch(e, into + (U(bound) << THREE))
        prefetch(t.fib, U(t.ep_fib[U(bound)]) + w[SRC, j])
    return n


@inlined
def look_back(t: Any, e: Any, h: Any, begin: Any, bound: Any, w: Any, o: Any) -> Any:
    """Behind which VRF the far end sees the source: that of a next hop of the route back which
    leads to the outer VTEP, the VRF there if it is among them; and where IN's word stands. Lists in
    `ARRIVED` whom routing takes all the way; returns how many."""
    into, n = U(len(t.ep_vrf)) << THREE, ZERO
    for k in range(bound):
        j = w[BOUND, U(k)]
        i = U(begin) + j
        end = into + (U(o.dst_endpoint[i]) << THREE)
        routes = e[end | FIB]
        if e[end | VTEP] == NONE:
            routes = routes_at(t, w[END, j] >> S32, e[end | VRF])
        members = t.fib[routes + w[SRC, j]] if routes != NONE else np.int32(-1)
        if members < 0:
            continue
        vtep, vrf = w[OUTER, j] >> S32, w[OUTER, j] & LOW_32
        seen = np.int32(-1)
        for m in range(t.set_off[U(members)], t.set_off[U(members) + ONE]):
            if U(t.set_vtep[U(m)]) == vtep and (seen < 0 or U(t.set_vrf[U(m)]) == vrf):
                seen = t.set_vrf[U(m)]
        if seen < 0:
            continue
        o.route[i] = 0
        cell = w[SRC, j] * e[end | COUNT] + U(t.remote_index[e[end | VRF], U(seen)])
        w[IN_CELL, j] = e[end | CELLS] + cell
        w[IN_COLUMN, j] = e[end | COLUMNS] + w[L4, j]
        prefetch(t.cell_class, w[IN_CELL, j])
        prefetch(t.l4_class, w[IN_COLUMN, j])
        w[ARRIVED, n] = j
        n += ONE
    return n


@inlined
def decide_in(t: Any, e: Any, begin: Any, who: Any, many: Any, w: Any, o: Any) -> None:
    """The IN groups' word on everyone in the list `who`."""
    into = U(len(t.ep_vrf)) << THREE
    for k in range(many):
        j = w[who, U(k)]
        i = U(begin) + j
        end = into + (U(o.dst_endpoint[i]) << THREE)
        row, column = U(t.cell_class[w[IN_CELL, j]]), U(t.l4_class[w[IN_COLUMN, j]])
        o.in_decision[i] = t.f[e[end | VALUES] + row * e[end | WIDTH] + column]


@inlined
def conclude(t: Any, begin: Any, many: Any, w: Any, o: Any) -> None:
    """The reason of everyone in `SENT`: OUT, then the tunnel and its far end, then IN."""
    for k in range(many):
        i = U(begin) + w[SENT, U(k)]
        into = t.dec_reason[U(max(o.in_decision[i], 0))]
        after = into if o.in_decision[i] >= 0 else o.route[i]
        o.reason[i] = after if o.reason[i] == 0 else o.reason[i]


@kernel
def forward(t: Any, e: Any, h: Any, complete: Any, begin: Any, end: Any, w: Any, o: Any) -> None:
    """Rows `begin..end` of headers `h`; results go to the columns of `o` (see
    `sim.pipeline.datapath`)."""
    size = w.shape[1]
    for at in range(begin, end, size):
        stop = min(at + size, end)
        find_atoms(t, h, at, stop, w)
        left = leave(t, e, h, at, bind_source(t, e, h, at, stop, w, o), w, o)
        sent = decide_out(t, e, at, LEFT, left, complete, w, o)
        arrived = look_back(t, e, h, at, arrive(t, e, h, at, sent, w, o), w, o)
        decide_in(t, e, at, ARRIVED, arrived, w, o)
        conclude(t, at, sent, w, o)
