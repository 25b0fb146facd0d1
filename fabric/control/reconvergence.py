"""The underlay after something failed, or came back at its edge: what that changes is computed.

Rules that hold here (those of `fabric.control.underlay` in brackets):

1. A DPU announces only its loopback [2], so nobody's path to somebody else leads through one.
   Where something happens to a DPU or to its links, the paths to and from it are computed.
2. Only best paths are announced [4]. Where a session fails, a node that has its best path to an
   origin over another one keeps it and announces what it did before. Computed are the paths to the
   origins to which somebody but a DPU has its best path over a failed session; everywhere else the
   failed session is one next hop less.
3. What comes back elsewhere, or nodes that are drained, makes everything converge again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from fabric.control.later_next_hops import LaterUnderlay, NextHops
from fabric.control.underlay import ECMP_WIDTH, Edges, Session, Underlay, converge, down_reason
from fabric.io.phases import phase
from fabric.plan.addressing import Plan
from fabric.wiring.topology import Fabric, Role

Index = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Concerned:
    """What is otherwise: links whose sessions may be, the DPUs at their ends, and other nodes that
    failed."""

    links: frozenset[int]
    dpus: frozenset[int]
    failed: frozenset[int]


def reconverge(before: Fabric, known: Underlay, fabric: Fabric, plan: Plan) -> Underlay:
    """`converge(fabric, plan)`, given that of the same fabric with other failures."""
    change = _change(before, fabric)
    if change is None or known.widest or before.drained | fabric.drained:
        return converge(fabric, plan)
    if not change.links:
        return known
    return _around(known, fabric, plan, change) or converge(fabric, plan)


def _change(before: Fabric, fabric: Fabric) -> Concerned | None:
    """None where something came back that is no DPU's (rule 3)."""
    dpus = {node.index for node in fabric.nodes if node.role is Role.DPU}
    nodes = before.down_nodes ^ fabric.down_nodes
    cables = before.down_links ^ fabric.down_links
    cables |= before.down_sessions ^ fabric.down_sessions
    inside = {link for link in cables if not {fabric.links[link].a, fabric.links[link].b} & dpus}
    down = fabric.down_links | fabric.down_sessions
    if not (nodes - dpus <= fabric.down_nodes and inside <= down):
        return None
    links = cables | {link.index for link in fabric.links if link.a in nodes or link.b in nodes}
    ends = {end for link in links for end in (fabric.links[link].a, fabric.links[link].b)}
    return Concerned(frozenset(links), frozenset(ends & dpus), frozenset(nodes - dpus))


@phase("converge eBGP")
def _around(known: Underlay, fabric: Fabric, plan: Plan, change: Concerned) -> Underlay | None:
    """None where a node has more equal paths than it installs."""
    n, rows = known.n, np.array(sorted(change.dpus), np.int64)
    concerned = [(i, was) for i, was in enumerate(known.sessions) if was.link in change.links]
    now = [_session(fabric, plan.asn, was) for _, was in concerned]
    found = list(known.sessions)
    for (i, _), session in zip(concerned, now, strict=True):
        found[i] = session
    sessions = tuple(found)
    pairs = zip(concerned, now, strict=True)
    failing = [(was.node, was.peer) for (_, was), session in pairs if was.up > session.up]
    others = change.failed | _led(known, failing, change.dpus | change.failed)
    columns = np.array(sorted(change.dpus | others), np.int64)
    length, parent = known.length.copy(), known.parent.copy()
    away = np.r_[rows, np.array(sorted(change.failed), np.int64)]
    for table in (length, parent):
        table[away, :] = table[:, columns] = -1
    dead = np.zeros(len(fabric.links), np.bool_)
    dead[[session.link for session in now if not session.up]] = True
    place, node, link = (np.zeros(0, np.int64) for _ in range(3))
    up, there = (at[~np.isin(at, list(fabric.down_nodes))] for at in (rows, columns))
    if len(there):
        edges = Edges(fabric, sessions, np.array(plan.asn, np.int64), plan.loopback)
        to_them = edges.converge(there)
        length[:, there], parent[:, there] = to_them[0][:, there], to_them[1][:, there]
        row, origin = _from_them(edges, length, parent, up, there)
        row, origin = np.r_[to_them[2], row], np.r_[to_them[3], origin]
        place = edges.target[row] * n + origin
        order = np.argsort(place, kind="stable")
        place, node, link = place[order], edges.source[row][order], edges.link[row][order]
        if _longest_run(place) > ECMP_WIDTH:
            return None
    hops = partial(_next_hops, known, away, columns, dead, (place, node, link))
    return LaterUnderlay.beside(known, length, parent, sessions, hops)


def _next_hops(
    known: Underlay,
    away: Index,
    columns: Index,
    dead: NDArray[np.bool_],
    added: tuple[Index, Index, Index],
) -> NextHops:
    """Those that are known, but for all of rows `away` and to `columns` and those over `dead`
    links, with others that are `added` there, as (place, node, link) in order of places."""
    n = known.n
    gone = np.zeros((n, n), np.bool_)
    gone[away, :] = gone[:, columns] = True
    count = np.diff(known.hop_off).astype(np.int64)
    kept = ~np.repeat(gone.ravel(), count)
    cut = np.flatnonzero(dead[known.hop_link] & kept)
    kept[cut] = False
    count[gone.ravel()] = 0
    np.subtract.at(count, np.searchsorted(known.hop_off, cut, "right") - 1, 1)
    node, link = known.hop_node[kept], known.hop_link[kept]
    place = added[0]
    if len(place):
        where = np.r_[0, np.cumsum(count)][place]
        node, link = np.insert(node, where, added[1]), np.insert(link, where, added[2])
        count += np.bincount(place, minlength=n * n)
    return np.concatenate(([0], np.cumsum(count))).astype(np.int32), node, link


def _longest_run(places: Index) -> int:
    """How often the most frequent of some sorted numbers is there."""
    first = np.flatnonzero(np.diff(places, prepend=-1))
    return int(np.diff(np.r_[first, len(places)]).max(initial=0))


def _led(known: Underlay, failing: list[tuple[int, int]], but: frozenset[int]) -> set[int]:
    """The origins to which a node has its best path over a failing session, `but` for some."""
    found = np.zeros(known.n, np.bool_)
    for node, peer in failing:
        if node not in but:
            found |= known.parent[node] == peer
    return set(np.flatnonzero(found).tolist())


def _session(fabric: Fabric, asn: tuple[int, ...], session: Session) -> Session:
    """A session as it is now."""
    reason = down_reason(fabric, fabric.links[session.link], asn)
    return replace(session, up=not reason, reason=reason)


def _from_them(
    edges: Edges,
    length: NDArray[np.int16],
    parent: NDArray[np.int16],
    up: NDArray[np.int64],
    computed: NDArray[np.int64],
) -> tuple[Index, Index]:
    """The paths of DPUs to all that are not computed yet, written into `length` and `parent`: the
    shortest that its neighbours announce and that do not hold its own ASN. Returns (row, origin) of
    next hops."""
    rows = np.flatnonzero(np.isin(edges.target, up))
    target, source = edges.target[rows], edges.source[rows]
    own = edges.asn[target][:, None]
    origins = np.arange(length.shape[1])
    steps = length[source].astype(np.int64) + 1
    usable = (steps > 0) & ~np.isin(origins, computed)
    usable &= (source[:, None] == origins) | ~edges.from_dpu[rows][:, None]
    here = np.broadcast_to(source[:, None], usable.shape).astype(np.int64)
    usable &= edges.asn[here] != own
    for _ in range(int(steps.max(initial=1)) - 1):
        ahead = parent[here, origins].astype(np.int64)
        here = np.where(ahead < 0, here, ahead)
        usable &= edges.asn[here] != own
    far = np.iinfo(np.int64).max
    steps = np.where(usable, steps, far)
    found = [(np.zeros(0, np.intp), np.zeros(0, np.intp))]
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
