"""The underlay after something failed, or came back at its edge: what that changes is computed.

Rules that hold here (those of `fabric.control.underlay` in brackets):

1. A DPU announces only its loopback [2], so nobody's path to somebody else leads through one.
   Where something happens to a DPU or to its links, the paths to and from it are computed; it may
   be of another attachment then, or of none.
2. Only best paths are announced [4]. Where a session fails, a node that has its best path to an
   origin over another one keeps it and announces what it did before; so does one that has another
   path there, as short and of the same ASNs, if that is the best now: the old announcements are the
   fixed point then, and there is no other. Computed are the paths to all other origins to which
   somebody but a DPU has its best path over a failed session; everywhere else the failed session is
   one next hop less.
3. What comes back elsewhere, or nodes that are drained, makes everything converge again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from fabric.control.attachments import UnderlayPoints, points_of
from fabric.control.bgp_sessions import Flags, flags
from fabric.control.path_tables import ECMP_WIDTH, I32, NextHops, Parents, PathTable, hop_offsets
from fabric.control.path_vector import Edges
from fabric.control.underlay import Underlay, converge
from fabric.io.phases import phase
from fabric.plan.addressing import Plan
from fabric.wiring.topology import Fabric, Role

Index = NDArray[np.int64]
Added = tuple[Index, Index, I32]


@dataclass(frozen=True, slots=True)
class Concerned:
    """What is otherwise: links whose sessions may be, the DPUs at their ends or that failed or came
    back, and other nodes that failed. A node may have no links."""

    links: frozenset[int]
    dpus: frozenset[int]
    failed: frozenset[int]


def reconverge(before: Fabric, known: Underlay, fabric: Fabric, plan: Plan) -> Underlay:
    """`converge(fabric, plan)`, given that of the same fabric with other failures."""
    change = _change(before, fabric)
    if change is None or known.table.widest or before.drained | fabric.drained:
        return converge(fabric, plan)
    if not (change.links or change.dpus or change.failed):
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
    ends = {end for link in links for end in (fabric.links[link].a, fabric.links[link].b)} | nodes
    return Concerned(frozenset(links), frozenset(ends & dpus), frozenset(nodes - dpus))


@phase("converge eBGP")
def _around(known: Underlay, fabric: Fabric, plan: Plan, change: Concerned) -> Underlay | None:
    """None where a point has more equal paths than it installs."""
    sessions = known.ends.after(fabric)
    points = points_of(fabric, sessions, plan.loopback)
    concerned = flags(change.dpus, len(fabric.nodes))
    nobody = len(points) - 1
    away = np.unique(points.of[concerned]).astype(np.int64)
    away = away[away < nobody]
    edges = Edges(fabric, sessions, points, plan.loopback)
    length, parent = _as_before(known, points)
    columns = np.r_[away, points.twin[away]]
    columns = np.union1d(columns, _led(known, edges, points, change, parent))
    for table in (length, parent):
        table[away, :] = table[:, columns] = -1
    added = _no_hops()
    if len(columns):
        to_them = edges.converge(columns)
        length[:, columns], parent[:, columns] = to_them[0], to_them[1]
        row, origin = _from_them(edges, length, parent, away, columns)
        row, origin = np.r_[to_them[2], row], np.r_[to_them[3], origin]
        place = edges.target[row] * len(points) + origin
        order = np.argsort(place, kind="stable")
        added = place[order], edges.source[row][order], edges.link[row][order]
        if _longest_run(added[0]) > ECMP_WIDTH:
            return None
    dead = np.ones(len(fabric.links), np.bool_)
    dead[sessions.link[sessions.up]] = False
    hops = partial(_next_hops, known, points, (away, columns, dead), added)
    return Underlay(sessions, points, PathTable(length, parent, hops), known.speeds)


def _as_before(known: Underlay, points: UnderlayPoints) -> tuple[NDArray[np.int16], Parents]:
    """Lengths and parents between points of now, as they were between who stands in for them."""
    m, node = len(points), points.node[:-1].astype(np.int64)
    length = np.full((m, m), -1, known.table.length.dtype)
    parent = np.full((m, m), -1, known.table.parent.dtype)
    a, b = node[:, None], node
    length[:-1, :-1] = known.lengths(a, b)
    found = known.parents(a, b)
    theirs = np.where(found == b, np.arange(m - 1), points.of[found])
    parent[:-1, :-1] = np.where(found < 0, -1, theirs)
    return length, parent


def _next_hops(
    known: Underlay,
    points: UnderlayPoints,
    otherwise: tuple[Index, Index, Flags],
    added: Added,
) -> NextHops:
    """Those that are known, but for all of rows `away` and to `columns` and those over `dead`
    links, with others that are `added` there, as (place, node, link) in order of places."""
    (away, columns, dead), m = otherwise, len(points)
    kept = np.ones((m, m), np.bool_)
    kept[away, :] = kept[:, columns] = kept[-1, :] = kept[:, -1] = False
    if points.same(known.points):
        off, node, link = known.table.hops
        pair = np.repeat(np.arange(m * m, dtype=np.int32), np.diff(off))
        stays = kept.reshape(-1)[pair] & ~dead[link]
        pair, node, link = pair[stays], node[stays], link[stays]
    else:
        a, b = np.nonzero(kept)
        found, node, link = known.next_hops(
            points.node[a].astype(np.int64), points.node[b].astype(np.int64)
        )
        place = np.repeat(np.arange(len(a)), found)
        stays = ~dead[link]
        place, node, link = place[stays], node[stays], link[stays]
        node = np.where(node == points.node[b[place]], b[place], points.of[node]).astype(np.int32)
        pair = (a[place] * m + b[place]).astype(np.int32)
    count = np.bincount(pair, minlength=m * m)
    place = added[0]
    if len(place):
        where = np.r_[0, np.cumsum(count)][place]
        node, link = np.insert(node, where, added[1]), np.insert(link, where, added[2])
        count += np.bincount(place, minlength=m * m)
    return NextHops(hop_offsets(count), node, link)


def _no_hops() -> Added:
    """None."""
    none = np.zeros(0, np.int64)
    return none, none, none.astype(np.int32)


def _longest_run(places: Index) -> int:
    """How often the most frequent of some sorted numbers is there."""
    first = np.flatnonzero(np.diff(places, prepend=-1))
    return int(np.diff(np.r_[first, len(places)]).max(initial=0))


def _led(
    known: Underlay, edges: Edges, points: UnderlayPoints, change: Concerned, parent: Parents
) -> Index:
    """The points about which a node that is neither a DPU nor down announces something else: its
    best path to them was over a session that fails, and the one that is best now has other ASNs.
    Where it has the same ones, the new `parent` is written down. Over a session to a DPU there is a
    path to the DPU alone."""
    sessions, nodes = edges.sessions, points.node[:-1].astype(np.int64)
    n = len(points.of)
    dpu, silent = flags(change.dpus, n), flags(change.dpus | change.failed, n)
    rows = np.flatnonzero(known.ends.up & ~sessions.up)
    rows = rows[~(silent[sessions.node[rows]] | dpu[sessions.peer[rows]])]
    found = np.zeros(len(nodes), np.bool_)
    for node in np.unique(sessions.node[rows]).tolist():
        lost = sessions.peer[rows[sessions.node[rows] == node]]
        was = known.parents(np.array(node), nodes)
        at = np.flatnonzero(np.isin(was, lost))
        other, same = _next_best(known, edges, points, node, nodes[at], was[at])
        parent[points.of[node], at[same]] = points.of[other[same]]
        found[at[~same]] = True
    return np.flatnonzero(found)


def _next_best(
    known: Underlay, edges: Edges, points: UnderlayPoints, node: int, to: Index, was: I32
) -> tuple[Index, Flags]:
    """From whom a node hears of others first now, by sessions that are up, of paths as short as
    before; and whether it is a path of the same ASNs as that over `was`."""
    beside = points.node[edges.source[edges.target == points.of[node]]].astype(np.int64)
    if not len(beside) or not len(to):
        return np.zeros(len(to), np.int64), np.zeros(len(to), np.bool_)
    far = known.lengths(beside[:, None], to)
    heard = ~edges.dpu[points.of[beside]][:, None] | (beside[:, None] == to)
    short = heard & (far >= 0) & (far == known.lengths(np.array(node), to) - 1)
    first, same = beside[short.argmax(axis=0)], short.any(axis=0)
    asn = np.array(known.asn, np.int64)
    here, there, left = first, was.astype(np.int64), same.copy()
    while left.any():
        same &= ~left | (asn[here] == asn[there])
        left &= same & (here != to)
        here, there = (np.where(left, known.parents(at, to), at) for at in (here, there))
    return first, same


def _from_them(
    edges: Edges,
    length: NDArray[np.int16],
    parent: Parents,
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
