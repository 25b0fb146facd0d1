"""The underlay after something happened at its edge: to DPUs, or to their links.

A DPU announces only its loopback (`fabric.control.underlay`, rule 2), so nobody's path to somebody
else leads through one. What other nodes know of each other stays as it was; computed are the paths
to and from these DPUs.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fabric.control.underlay import ECMP_WIDTH, Edges, Session, Underlay, converge, down_reason
from fabric.phases import phase
from fabric.plan.addressing import Plan
from fabric.topology import Fabric, Role

Index = NDArray[np.intp]


def reconverge(before: Fabric, known: Underlay, fabric: Fabric, plan: Plan) -> Underlay:
    """`converge(fabric, plan)`, given that of the same fabric with other failures."""
    moved = _moved(before, fabric)
    if moved is None or known.widest:
        return converge(fabric, plan)
    if not moved:
        return known
    return _around(known, fabric, plan, moved) or converge(fabric, plan)


def _moved(before: Fabric, fabric: Fabric) -> frozenset[int] | None:
    """The DPUs to which something happened; None if it happened elsewhere, too."""
    moved = set(before.down_nodes ^ fabric.down_nodes)
    cables = before.down_links ^ fabric.down_links
    for link in cables | (before.down_sessions ^ fabric.down_sessions):
        ends = fabric.links[link].a, fabric.links[link].b
        at_edge = [end for end in ends if fabric.nodes[end].role is Role.DPU]
        if not at_edge:
            return None
        moved.update(at_edge)
    dpus = all(fabric.nodes[node].role is Role.DPU for node in moved)
    return frozenset(moved) if dpus else None


@phase("converge eBGP")
def _around(known: Underlay, fabric: Fabric, plan: Plan, moved: frozenset[int]) -> Underlay | None:
    """None where a DPU has more equal paths than it installs."""
    n, at = known.n, np.array(sorted(moved), np.int64)
    sessions = tuple(_session(fabric, plan.asn, s, moved) for s in known.sessions)
    length, parent = known.length.copy(), known.parent.copy()
    for table in (length, parent):
        table[at, :] = table[:, at] = -1
    count = np.diff(known.hop_off).astype(np.int64)
    gone = np.zeros((n, n), np.bool_)
    gone[at, :] = gone[:, at] = True
    kept = ~np.repeat(gone.ravel(), count)
    count[gone.ravel()] = 0
    hops = known.hop_node[kept], known.hop_link[kept]
    up = at[[node not in fabric.down_nodes for node in at.tolist()]]
    if len(up):
        edges = Edges(fabric, sessions, np.array(plan.asn, np.int64), plan.loopback)
        to_them = edges.settle(up)
        length[:, up], parent[:, up] = to_them[0][:, up], to_them[1][:, up]
        row, origin = _from_them(edges, length, parent, up)
        row, origin = np.r_[to_them[2], row], np.r_[to_them[3], origin]
        place = edges.target[row] * n + origin
        order = np.argsort(place, kind="stable")
        where = np.r_[0, np.cumsum(count)][place[order]]
        added = edges.source[row][order], edges.link[row][order]
        hops = np.insert(hops[0], where, added[0]), np.insert(hops[1], where, added[1])
        count += np.bincount(place, minlength=n * n)
        if count.max() > ECMP_WIDTH:
            return None
    offsets = np.concatenate(([0], np.cumsum(count))).astype(np.int32)
    return replace(
        known, length=length, parent=parent, hop_off=offsets, hop_node=hops[0], hop_link=hops[1],
        sessions=sessions,
    )  # fmt: skip


def _session(
    fabric: Fabric, asn: tuple[int, ...], session: Session, moved: frozenset[int]
) -> Session:
    if session.node not in moved and session.peer not in moved:
        return session
    reason = down_reason(fabric, fabric.links[session.link], asn)
    return replace(session, up=not reason, reason=reason)


def _from_them(
    edges: Edges, length: NDArray[np.int16], parent: NDArray[np.int16], up: NDArray[np.int64]
) -> tuple[Index, Index]:
    """The paths of DPUs to all others, written into `length` and `parent`: the shortest that its
    neighbours announce and that do not hold its own ASN. Returns (row, origin) of next hops."""
    rows = np.flatnonzero(np.isin(edges.target, up))
    target, source = edges.target[rows], edges.source[rows]
    own = edges.asn[target][:, None]
    origins = np.arange(length.shape[1])
    steps = length[source].astype(np.int64) + 1
    usable = (steps > 0) & ~np.isin(origins, up)
    usable &= (source[:, None] == origins) | ~edges.from_dpu[rows][:, None]
    here = np.broadcast_to(source[:, None], usable.shape).astype(np.int64)
    usable &= edges.asn[here] != own
    for _ in range(int(steps.max(initial=1)) - 1):
        ahead = parent[here, origins].astype(np.int64)
        here = np.where(ahead < 0, here, ahead)
        usable &= edges.asn[here] != own
    far = np.iinfo(np.int64).max
    steps = np.where(usable, steps, far)
    found: list[tuple[Index, Index]] = []
    for node in up.tolist():
        mine = np.flatnonzero(target == node)
        best = steps[mine].min(axis=0, initial=far)
        row, origin = np.nonzero((steps[mine] == best) & (best < far))
        found.append((rows[mine[row]], origin))
        length[node, origin] = best[origin]
        # of several values for one place the last stays, and the best row comes first
        parent[node, origin[::-1]] = source[mine[row[::-1]]]
    row, origin = (np.concatenate(column) for column in zip(*found, strict=True))
    return row, origin
