"""The underlay: eBGP unnumbered on every link, as RFC 7938 describes it, at its fixed point.

Rules that hold here:

1. A session needs both ends and the link up, and two different ASNs (`remote-as external`).
2. A node announces its loopback and its best paths; a DPU announces only its loopback.
3. A received path that holds the receiver's own ASN is dropped (RFC 4271 §9.1.2).
4. Best: shortest AS path, then lowest router-id, then lowest port. Multipath: every path as short
   as the best, whatever its ASNs (`bestpath as-path multipath-relax`), in order of preference and
   at most `ECMP_WIDTH` (`maximum-paths`). Only the best is announced.
5. A drained node tags what it announces, and what it receives, with the community GRACEFUL_SHUTDOWN
   (RFC 8326), which stays on a path; a tagged path has local preference 0. So a path that holds no
   drained node comes before one that does, whatever their lengths.

Every announcement makes the AS path one longer, so the paths of length k follow from the best ones
of length k-1 alone: settling lengths in order reaches the one fixed point that any order of events
reaches. Each round handles all (session, origin) pairs at once. Best paths form a tree per origin,
so a loop check walks parents and no AS path is ever stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fabric.io.phases import phase
from fabric.wiring.topology import Fabric, Link, Role, port_order

if TYPE_CHECKING:
    from fabric.plan.addressing import Plan

ECMP_WIDTH = 64
"""Next hops of a route that a node installs: what `maximum-paths` of our configurations says, and
what HBN documents."""
I16 = NDArray[np.int16]
I32 = NDArray[np.int32]
Index = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Session:
    """One end of a BGP session; `reason` says why it is not established."""

    node: int
    port: str
    peer: int
    link: int
    peer_asn: int
    up: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Underlay:
    """The converged underlay; all arguments and results are node and link indices.

    `length[a, b]` is the AS path length from a to b's loopback, 0 for itself, -1 if unreachable.
    Next hops are CSR arrays: row `a * n + b` of `hop_off` bounds `hop_node` and `hop_link`.
    `widest` has nodes that leave some equal paths out, with all that they know to one target.
    `tagged[a, b]`: a's paths to b hold a drained node. `speeds` are those of the links where next
    hops are weighed by them (`fabric.control.weights`).
    """

    n: int
    asn: tuple[int, ...]
    length: I16
    parent: I16
    hop_off: I32
    hop_node: I32
    hop_link: I32
    sessions: tuple[Session, ...] = field(repr=False)
    widest: Mapping[int, int] = field(default_factory=dict)
    tagged: NDArray[np.bool_] | None = None
    speeds: tuple[int, ...] | None = None

    def differs(self, other: Underlay) -> NDArray[np.bool_]:
        """Between which nodes routes may be chosen otherwise, bool[n, n]."""
        found = np.asarray(self.length != other.length)
        if self.tagged is not None or other.tagged is not None:
            none = np.zeros_like(found)
            pair = (none if x.tagged is None else x.tagged for x in (self, other))
            found |= np.not_equal(*pair)
        return found

    def reachable(self, a: int, b: int) -> bool:
        """Whether a has a route to b's loopback."""
        return bool(self.length[a, b] >= 0)

    def as_path(self, a: int, b: int) -> tuple[int, ...]:
        """ASNs on a's best path to b, nearest first; () for itself and when unreachable."""
        out = []
        while self.length[a, b] > 0:
            a = int(self.parent[a, b])
            out.append(self.asn[a])
        return tuple(out)

    def ecmp(self, a: int, b: int) -> tuple[tuple[int, int], ...]:
        """(neighbour, link) of every next hop from a towards b."""
        row = a * self.n + b
        span = slice(self.hop_off[row], self.hop_off[row + 1])
        return tuple(zip(self.hop_node[span].tolist(), self.hop_link[span].tolist(), strict=True))

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


@phase("converge eBGP")
def converge(fabric: Fabric, plan: Plan) -> Underlay:
    """The fixed point of the underlay with the fabric's failures."""
    return converge_sessions(fabric, plan.asn, plan.loopback)


def converge_sessions(fabric: Fabric, asn: tuple[int, ...], router_id: tuple[int, ...]) -> Underlay:
    """As `converge`, from ASN and router-id per node (0 for hosts)."""
    sessions = tuple(bgp_sessions(fabric, asn))
    edges = Edges(fabric, sessions, np.array(asn, np.int64), router_id)
    speakers = {v.index for v in fabric.nodes if v.role is not Role.HOST} - fabric.down_nodes
    drained = np.isin(np.arange(len(fabric.nodes)), list(fabric.drained))
    length, parent, *hops, tagged = edges.converge_around(
        np.array(sorted(speakers), np.int64), drained
    )
    off, node, link, widest = edges.next_hops(*hops)
    n = len(fabric.nodes)
    found = tagged if fabric.drained else None
    speeds = tuple(link.speed for link in fabric.links) if fabric.weighted else None
    return Underlay(n, asn, length, parent, off, node, link, sessions, widest, found, speeds)


def bgp_sessions(fabric: Fabric, asn: tuple[int, ...]) -> Iterator[Session]:
    """Both ends of every session that is configured, by node and then by cabling."""
    ends = []
    for link in fabric.links:
        if link.kind == "host":
            continue
        reason = down_reason(fabric, link, asn)
        for node, port, peer in ((link.a, link.a_port, link.b), (link.b, link.b_port, link.a)):
            ends.append(Session(node, port, peer, link.index, asn[peer], not reason, reason))
    yield from sorted(ends, key=lambda s: (s.node, port_order(s.port)))


def down_reason(fabric: Fabric, link: Link, asn: tuple[int, ...]) -> str:
    """Why the session on this link cannot come up; empty when it does."""
    for end in (link.a, link.b):
        if end in fabric.down_nodes:
            return f"{fabric.nodes[end].name} is down"
    if link.index in fabric.down_links:
        return "link is down"
    if link.index in fabric.down_sessions:
        return "session is down"
    if asn[link.a] == asn[link.b]:
        return "both ends have the same ASN"
    return ""


class Edges:
    """Sessions (by node and port) as arrays, one row per direction `source` announces to `target`;
    rows are sorted by target and then by preference, so that the first usable row of a target is
    its best path."""

    def __init__(
        self,
        fabric: Fabric,
        sessions: tuple[Session, ...],
        asn: NDArray[np.int64],
        router_id: tuple[int, ...],
    ) -> None:
        self.n = len(fabric.nodes)
        self.asn = asn
        rows = [
            (s.node, router_id[s.peer], place, s.peer, s.link)
            for place, s in enumerate(sessions)
            if s.up
        ]
        table = np.array(sorted(rows), np.int64).reshape(-1, 5)
        self.target, self.source, self.link = table[:, 0], table[:, 3], table[:, 4]
        self.from_dpu = np.array([node.role is Role.DPU for node in fabric.nodes])[self.source]

    def converge(self, speakers: NDArray[np.int64]) -> tuple[I16, I16, Index, Index]:
        """Lengths 0, 1, 2, … in order: length, parent, and the (row, origin) pairs that are next
        hops, where nobody is drained."""
        return self.converge_around(speakers, np.zeros(self.n, np.bool_))[:4]

    def converge_around(
        self, speakers: NDArray[np.int64], drained: NDArray[np.bool_]
    ) -> tuple[I16, I16, Index, Index, NDArray[np.bool_]]:
        """As `converge`, and which paths are tagged: first those that hold no drained node, then,
        of whom has none of these, the shortest others. Columns are speakers while it runs: nobody
        else originates anything."""
        length = np.full((self.n, len(speakers)), -1, np.int16)
        parent = length.copy()
        length[speakers, np.arange(len(speakers))] = 0
        clean = ~(drained[self.source] | drained[self.target])
        found = self._rounds(length, parent, clean)
        tagged = np.zeros((self.n, self.n), np.bool_)
        if drained.any():
            before = length < 0
            more = self._rounds(length, parent, np.ones_like(clean))
            found = np.r_[found[0], more[0]], np.r_[found[1], more[1]]
            tagged[:, speakers] = (before & (length >= 0)) | drained[:, None]
            tagged[:, drained] = True
        origin = speakers[found[1]]
        return (
            self.by_node(length, speakers),
            self.by_node(parent, speakers),
            found[0],
            origin,
            tagged,
        )

    def _rounds(self, length: I16, parent: I16, may: NDArray[np.bool_]) -> tuple[Index, Index]:
        """Announcements over some rows to whoever knows no path yet, in order of length, written
        into `length` and `parent`; the (row, column) pairs that are next hops."""
        rows, columns = [np.zeros(0, np.intp)], [np.zeros(0, np.intp)]
        step = 0
        while (length == step).any():
            step += 1
            usable = (length[self.source] == step - 1) & (length[self.target] < 0)
            usable[~may] = False
            if step > 1:
                usable[self.from_dpu] = False
            row, column = self.loop_free(parent, usable, step)
            length[self.target[row], column] = step
            # of several values for one place the last stays, and the best row comes first
            parent[self.target[row[::-1]], column[::-1]] = self.source[row[::-1]]
            rows.append(row)
            columns.append(column)
        return np.concatenate(rows), np.concatenate(columns)

    def by_node(self, columns: I16, speakers: NDArray[np.int64]) -> I16:
        """Columns of speakers as columns of nodes."""
        out = np.full((self.n, self.n), -1, np.int16)
        out[:, speakers] = columns
        return out

    def loop_free(self, parent: I16, usable: NDArray[np.bool_], step: int) -> tuple[Index, Index]:
        """The (row, origin) pairs whose path does not hold the target's own ASN."""
        row, origin = np.nonzero(usable)
        own = self.asn[self.target[row]]
        here = self.source[row]
        good = self.asn[here] != own
        for _ in range(step - 1):
            here = parent[here, origin].astype(np.int64)
            good &= self.asn[here] != own
        return row[good], origin[good]

    def next_hops(self, row: Index, origin: Index) -> tuple[I32, I32, I32, dict[int, int]]:
        """`hop_off`, `hop_node`, `hop_link`, `widest`; hops in order of preference, the first
        `ECMP_WIDTH` of them."""
        place = self.target[row] * self.n + origin
        order = np.argsort(place, kind="stable")
        count = np.bincount(place, minlength=self.n * self.n)
        offsets = np.concatenate(([0], np.cumsum(count))).astype(np.int32)
        widest: dict[int, int] = {}
        if len(count) and count.max() > ECMP_WIDTH:
            most = count.reshape(self.n, self.n).max(axis=1)
            widest = {int(v): int(most[v]) for v in np.flatnonzero(most > ECMP_WIDTH)}
            rank = np.arange(len(order)) - offsets[place[order]]
            order = order[rank < ECMP_WIDTH]
            count = np.minimum(count, ECMP_WIDTH)
            offsets = np.concatenate(([0], np.cumsum(count))).astype(np.int32)
        return (
            offsets,
            self.source[row][order].astype(np.int32),
            self.link[row][order].astype(np.int32),
            widest,
        )
