"""The underlay: eBGP unnumbered on every link, as RFC 7938 describes it, at its fixed point.

Rules that hold here:

1. A session needs both ends and the link up, and two different ASNs
   (`fabric.control.bgp_sessions`).
2. A node announces its loopback and its best paths; a DPU announces only its loopback.
3. A received path that holds the receiver's own ASN is dropped (RFC 4271 §9.1.2).
4. Best: shortest AS path, then lowest router-id, then lowest port. Multipath: every path as short
   as the best, whatever its ASNs (`bestpath as-path multipath-relax`), in order of preference and
   at most `ECMP_WIDTH` (`maximum-paths`). Only the best is announced.
5. A drained node tags what it announces, and what it receives, with the community GRACEFUL_SHUTDOWN
   (RFC 8326), which stays on a path; a tagged path has local preference 0. So a path that holds no
   drained node comes before one that does, whatever their lengths.

Paths are computed between points (`fabric.control.attachments`), by `fabric.control.path_vector`:
DPUs that no path can tell apart are one. Everybody else asks for nodes, here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fabric.control.attachments import UnderlayPoints, points_of
from fabric.control.bgp_sessions import Flags, Session, Sessions, flags
from fabric.control.path_tables import I16, I32, NextHops, PathTable, hop_offsets
from fabric.control.path_vector import Edges
from fabric.io.phases import phase
from fabric.wiring.budget import afford_pairs, afford_paths
from fabric.wiring.topology import Fabric, Role

if TYPE_CHECKING:
    from fabric.plan.addressing import Plan

Index = NDArray[np.int64]
SLICE = 64
"""Nodes whose next hops are written out at once."""


@dataclass(frozen=True, eq=False)
class Underlay:
    """The converged underlay; all arguments and results are node and link indices. `speeds` are
    those of the links where next hops are weighed by them (`fabric.control.weights`)."""

    ends: Sessions
    points: UnderlayPoints
    table: PathTable
    speeds: tuple[int, ...] | None = None

    @property
    def n(self) -> int:
        """How many nodes there are."""
        return len(self.points.of)

    @property
    def asn(self) -> tuple[int, ...]:
        """ASN per node, 0 for hosts."""
        return self.ends.asn

    @cached_property
    def sessions(self) -> tuple[Session, ...]:
        """Both ends of every session that is configured, by node and then by port."""
        return tuple(self.ends)

    @property
    def widest(self) -> Mapping[int, int]:
        """Nodes that know more equal paths to one target than they install, and how many."""
        if not self.table.widest:
            return {}
        found = self.points.of.tolist()
        return {v: self.table.widest[p] for v, p in enumerate(found) if p in self.table.widest}

    def lengths(self, a: Index, b: Index) -> I16:
        """AS path lengths from nodes to others (broadcast): 0 for itself, -1 if unreachable."""
        return self.table.length[self.points.of[a], self.points.columns(a, b)]

    def tags(self, a: Index, b: Index) -> Flags | None:
        """Whether paths hold a drained node; None where nobody is drained."""
        if self.table.tagged is None:
            return None
        return self.table.tagged[self.points.of[a], self.points.columns(a, b)]

    def distances(self, a: Index, b: Index) -> tuple[I16, Flags | None]:
        """`lengths` and `tags`."""
        return self.lengths(a, b), self.tags(a, b)

    def towards_others(self, points: I32, b: Index) -> tuple[I16, Flags | None]:
        """`distances` from whoever is at some points and is none of `b`, [points, b]."""
        here, there = points[:, None], self.points.of[b]
        column = np.where(here == there, self.points.twin[there], there)
        tagged = self.table.tagged
        return self.table.length[here, column], None if tagged is None else tagged[here, column]

    def parents(self, a: Index, b: Index) -> I32:
        """Whom nodes have their best paths to others from, -1 for nobody (broadcast)."""
        there = self.points.columns(a, b)
        found = self.table.parent[self.points.of[a], there]
        out = np.where(found == there, b, self.points.node[found])
        return np.where(found < 0, -1, out).astype(np.int32)

    def all_lengths(self) -> I16:
        """`lengths` between all nodes, [n, n]. Raises `InputError` (C114)."""
        afford_pairs(self.n, 0)
        every = np.arange(self.n)
        return self.lengths(every[:, None], every)

    def reaching(self) -> Flags:
        """Which nodes have a path to which others, bool[n, n]. Raises `InputError` (C114)."""
        return np.asarray(self.all_lengths() > 0)

    def reachable(self, a: int, b: int) -> bool:
        """Whether a has a route to b's loopback."""
        return bool(self.table.length[self._place(a, b)] >= 0)

    def parent(self, a: int, b: int) -> int:
        """Whom a has its best path to b from; -1 for nobody."""
        here, there = self._place(a, b)
        found = int(self.table.parent[here, there])
        return -1 if found < 0 else b if found == there else int(self.points.node[found])

    def as_path(self, a: int, b: int) -> tuple[int, ...]:
        """ASNs on a's best path to b, nearest first; () for itself and when unreachable."""
        out = []
        while (a := self.parent(a, b)) >= 0:
            out.append(self.asn[a])
        return tuple(out)

    def ecmp(self, a: int, b: int) -> tuple[tuple[int, int], ...]:
        """(neighbour, link) of every next hop from a towards b."""
        here, there = self._place(a, b)
        hops, place = self.table.hops, here * self.table.n + there
        span = slice(hops.off[place], hops.off[place + 1])
        nodes, own = self.points.node, self.points.own_link
        out = []
        for point, link in zip(hops.node[span].tolist(), hops.link[span].tolist(), strict=True):
            if point == there:
                out.append((b, own(b, own(a, link))))
            else:
                out.append((int(nodes[point]), own(a, link)))
        return tuple(out)

    def next_hops(self, a: Index, b: Index) -> tuple[Index, I32, I32]:
        """How many next hops there are of each pair of two columns, and their nodes and links."""
        here, there = self.points.of[a], self.points.columns(a, b)
        hops, place = self.table.hops, here.astype(np.int64) * self.table.n + there
        first, count = hops.off[place].astype(np.int64), np.diff(hops.off)[place].astype(np.int64)
        pair = np.repeat(np.arange(len(place)), count)
        at = np.arange(len(pair)) + np.repeat(first - (np.cumsum(count) - count), count)
        point, link = hops.node[at], hops.link[at]
        last = point == there[pair]
        node = np.where(last, b[pair], self.points.node[point]).astype(np.int32)
        link = self.points.own_links(a[pair], link)
        link[last] = self.points.own_links(b[pair[last]], link[last])
        return count, node, link

    def spread(self) -> PathTable:
        """The table of all nodes, each a point of its own. Raises `InputError` (C114)."""
        n = self.n
        afford_pairs(n, self.n_hops)
        every = np.arange(n)
        a, b = every[:, None], every
        length = self.lengths(a, b)

        def find() -> NextHops:
            some = [every[first : first + SLICE] for first in range(0, n, SLICE)] or [every]
            found = [self.next_hops(np.repeat(at, n), np.tile(every, len(at))) for at in some]
            count, node, link = map(np.concatenate, zip(*found, strict=True))
            return NextHops(hop_offsets(count), node, link)

        return PathTable(length, self.parents(a, b), find, self.widest, self.tags(a, b))

    @property
    def n_hops(self) -> int:
        """How many next hops there are between all pairs of nodes."""
        size = np.bincount(self.points.of, minlength=self.table.n)
        count = np.diff(self.table.hops.off).reshape(self.table.n, -1)
        twins = np.flatnonzero(self.points.twin[:-1] != np.arange(self.table.n - 1))
        beside = count[twins, self.points.twin[twins]] * size[twins] * (size[twins] - 1)
        return int(size @ count @ size + beside.sum())

    def same_next_hops(self, other: Underlay) -> bool:
        """Whether the next hops between all nodes are the same ones, in the same order."""
        if self.points.same(other.points):
            return all(map(np.array_equal, self.table.hops, other.table.hops))
        return all(map(np.array_equal, self.spread().hops, other.spread().hops))

    def paths(self, a: int, b: int, limit: int = 256) -> tuple[tuple[int, ...], ...]:
        """Node sequences from a to b that ECMP may choose, at most `limit`, sorted."""
        found = []
        for path in self._walk((a,), b):
            found.append(path)
            if len(found) == limit:
                break
        return tuple(found)

    def _walk(self, path: tuple[int, ...], b: int) -> Iterator[tuple[int, ...]]:
        if path[-1] == b:
            if self.reachable(b, b):
                yield path
            return
        for neighbour in sorted({node for node, _ in self.ecmp(path[-1], b)}):
            yield from self._walk((*path, neighbour), b)

    def _place(self, a: int, b: int) -> tuple[int, int]:
        of = self._of
        here, there = of[a], of[b]
        return here, int(self.points.twin[there]) if here == there and a != b else there

    @cached_property
    def _of(self) -> list[int]:
        """UnderlayPoints of nodes, to look up one by one."""
        found: list[int] = self.points.of.tolist()
        return found


@phase("converge eBGP")
def converge(fabric: Fabric, plan: Plan) -> Underlay:
    """The fixed point of the underlay with the fabric's failures. Raises `InputError` (C114)."""
    return converge_sessions(fabric, plan.asn, plan.loopback)


def converge_sessions(fabric: Fabric, asn: tuple[int, ...], router_id: tuple[int, ...]) -> Underlay:
    """As `converge`, from ASN and router-id per node (0 for hosts)."""
    sessions = Sessions.of(fabric, asn)
    return converge_points(fabric, sessions, points_of(fabric, sessions, router_id), router_id)


def converge_points(
    fabric: Fabric, sessions: Sessions, points: UnderlayPoints, router_id: tuple[int, ...]
) -> Underlay:
    """The underlay that is computed for these points."""
    edges = Edges(fabric, sessions, points, router_id)
    hosts = [v.index for v in fabric.nodes if v.role is Role.HOST]
    silent = flags([*hosts, *fabric.down_nodes], len(fabric.nodes))
    standing = points.node[:-1]
    speakers = np.flatnonzero(~silent[standing])
    afford_paths(len(points), len(edges.target))
    drained = np.append(flags(fabric.drained, len(fabric.nodes))[standing], np.False_)
    length, parent, row, origin, tagged = edges.converge_around(speakers, drained)
    speeds = tuple(link.speed for link in fabric.links) if fabric.weighted else None
    table = PathTable(
        edges.by_point(length, speakers, -1),
        edges.by_point(parent, speakers, -1),
        lambda: edges.next_hops(row, origin),
        edges.widest(row, origin),
        edges.by_point(tagged, speakers, 0) if fabric.drained else None,
    )
    return Underlay(sessions, points, table, speeds)
