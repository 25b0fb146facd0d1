"""The steps of `sim.kernels.pipeline.path` for one packet that is not plain: its address has
several owners, its route several next hops, it goes into another VRF or is led on.

Theory: the rules of `sim.forwarding.one_step`, as the tables say them. Invariant: what a step
leaves behind in `w` is what it leaves of plain packets, so the next step takes both alike. Cost: a
few loads that wait for each other; who is here is rare. Arguments: `t` Tables, `d` LaneTables
(named tuples that say their types), `w` a block (`sim.kernels.pipeline.block_rows`), `j` the
packet's column (u64)."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.blocks.end_words import CELLS, COLUMNS, FIB, POOL, VALUES, VRF_OF, VTEP, WIDTH
from sim.kernels import inlined
from sim.kernels.pipeline.atoms import MISS
from sim.kernels.pipeline.block_rows import (
    ALL,
    CLAIMED,
    DST,
    ENTRY,
    FROM,
    FROM_VRF,
    HOP,
    IN_CELL,
    IN_COLUMN,
    IN_POOL,
    IN_VALUES,
    IN_WIDTH,
    NOBODY,
    ON,
    ONE,
    OUT_POOL,
    REMOTE,
    REMOTES,
    ROUTE,
    SENT,
    SETS,
    SOURCE,
    SRC,
    TARGET,
    TO,
    VRF,
    ZERO,
)
from sim.kernels.pipeline.ecmp import choose
from sim.kernels.pipeline.hairpins import (
    DELIVERED,
    UNDERLAY,
    cut_off,
    leads_on,
    look_up_in,
    pass_on,
)
from sim.kernels.pipeline.whereabouts import (
    NONE,
    entry_of,
    hash_of,
    is_owner,
    lives_at,
    owner_at,
    routes_at,
)
from sim.packets.reasons import Reason

U, W = np.uint64, np.uint32
THREE = U(3)
UNKNOWN_SOURCE = W(Reason.UNKNOWN_SOURCE)
SPOOF = W(Reason.SPOOF_DROP)
NO_ROUTE = W(Reason.NO_ROUTE_DROP)
ENI_MISS = W(Reason.ENI_MISS_DROP)
PA_VALIDATION = W(Reason.PA_VALIDATION_DROP)


@inlined
def bind_source_alone(t: Any, j: Any, w: Any) -> None:
    """The same for an address that nobody has alone, or that another one claims."""
    vrf, claimed = U(w[VRF, j]), np.int32(w[CLAIMED, j])
    source = U(t.atom_base[vrf]) + U(w[SRC, j])
    owner, found = np.int32(-1), UNKNOWN_SOURCE
    if claimed < len(t.ep_vrf):
        owner = t.atom_endpoint[source]
        found = NO_ROUTE if owner >= 0 else UNKNOWN_SOURCE
        if claimed >= 0 and owner != claimed:
            owner = claimed if is_owner(t, source, claimed) else np.int32(-1)
            found = NO_ROUTE if owner >= 0 else SPOOF
        elsewhere = np.int32(-1)
        if owner >= 0 and t.atom_local[source] != owner:
            elsewhere = leads_on(t, entry_of(t, w, j, owner), vrf, U(w[SRC, j]))
        if elsewhere >= 0:
            owner, found = np.int32(-1), SPOOF if claimed >= 0 else UNKNOWN_SOURCE
    w[SOURCE, j], w[ROUTE, j] = W(owner), found
    w[ON, j] = ALL if owner >= 0 else W(0)


@inlined
def leave_alone(t: Any, d: Any, j: Any, w: Any) -> None:
    """The same for one packet whose endpoint lives at several VTEPs, or whose route has several
    next hops, or none."""
    owner = U(w[SOURCE, j])
    at = owner << THREE
    vrf, hashed = U(d.ends[at + U(VRF_OF)]), hash_of(w, j)
    vtep, routes = U(d.ends[at + U(VTEP)]), U(d.ends[at + U(FIB)])
    if vtep == U(NOBODY):
        vtep = entry_of(t, w, j, np.int32(owner))
        routes = routes_at(t, vtep, U(w[VRF, j]))
    elif routes == U(NOBODY):
        routes = NONE
    w[ENTRY, j] = W(vtep)
    members = t.fib[routes + U(w[DST, j])] if routes != NONE else np.int32(-1)
    first = U(t.set_off[U(max(members, 0))])
    width = U(t.set_off[U(max(members, 0)) + ONE]) - first
    if members < 0 or width == ZERO:
        return
    if width > ONE:
        first += choose(hashed, t.node_seed[vtep], width)
    w[HOP, j], w[REMOTE, j] = W(t.set_vtep[first]), W(t.set_vrf[first])
    w[ROUTE, j], w[SENT, j] = W(0), ALL
    w[OUT_POOL, j] += W(t.remote_index[vrf, U(t.set_vrf[first])])


@inlined
def arrive_alone(t: Any, d: Any, j: Any, w: Any) -> None:
    """The same for one packet that goes into another VRF, to an address that nobody has alone, or
    where the underlay is cut."""
    vtep, target, remote = U(w[ENTRY, j]), U(w[HOP, j]), U(w[REMOTE, j])
    if cut_off(t, vtep, target):
        w[ROUTE, j] = W(UNDERLAY)
        return
    if remote != U(w[VRF, j]):
        look_up_in(t, remote, j, w)
    w[ROUTE, j] = ENI_MISS
    if w[DST, j] == W(MISS):
        return
    there = U(t.atom_base[remote]) + U(w[DST, j])
    bound = t.atom_local[there]
    if bound < 0 or U(t.ep_vtep[U(bound)]) != target:
        if leads_on(t, target, remote, U(w[DST, j])) >= 0:
            reason = pass_on(t, j, w)
            if reason != DELIVERED:
                w[ROUTE, j] = W(reason)
                return
            if w[DST, j] == W(MISS):
                return
            target, remote = U(w[TO, j]), U(w[REMOTE, j])
            there = U(t.atom_base[remote]) + U(w[DST, j])
        bound = t.atom_endpoint[there]
        if bound >= 0 and not lives_at(t, bound, target):
            bound = owner_at(t, there, target)
        if bound < 0:
            return
    at = (U(len(t.ep_vrf)) + U(bound)) << THREE
    routes = U(d.ends[at + U(FIB)]) if d.ends[at + U(FIB)] != NOBODY else NONE
    if d.ends[at + U(VTEP)] == NOBODY:
        routes = routes_at(t, target, U(d.ends[at + U(VRF_OF)]))
    w[SETS, j] = W(0)
    if routes != NONE:
        w[SETS, j] = W(t.fib[routes + U(w[SRC, j])] + 1)
    w[REMOTES, j] = d.ends[at + U(VRF_OF)] * W(t.remote_index.shape[1])
    w[IN_CELL, j], w[IN_POOL, j] = d.ends[at + U(CELLS)] + w[SRC, j], d.ends[at + U(POOL)]
    w[IN_COLUMN, j], w[IN_VALUES, j] = d.ends[at + U(COLUMNS)], d.ends[at + U(VALUES)]
    w[IN_WIDTH, j], w[TARGET, j] = d.ends[at + U(WIDTH)], W(bound)
    w[ROUTE, j], w[ON, j] = PA_VALIDATION, ALL


@inlined
def look_back_alone(t: Any, j: Any, w: Any) -> None:
    """The same for one packet whose route back has several next hops, or leads elsewhere."""
    if w[SETS, j] == W(0):
        return
    members, seen = U(w[SETS, j] - W(1)), np.int32(-1)
    for m in range(t.set_off[members], t.set_off[members + ONE]):
        if W(t.set_vtep[U(m)]) == w[FROM, j] and (seen < 0 or W(t.set_vrf[U(m)]) == w[FROM_VRF, j]):
            seen = t.set_vrf[U(m)]
    if seen >= 0:
        vrf = U(w[REMOTES, j]) // U(t.remote_index.shape[1])
        w[IN_POOL, j] += W(t.remote_index[vrf, U(seen)])
        w[ROUTE, j], w[ON, j] = W(0), ALL
