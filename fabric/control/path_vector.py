"""Announcements: from which neighbour a point learns which path, at their fixed point.

Every announcement makes the AS path one longer, so the paths of length k follow from the best ones
of length k-1 alone: settling lengths in order reaches the one fixed point that any order of events
reaches. Each round handles all (session, origin) pairs at once. Best paths form a tree per origin,
so a loop check walks parents and no AS path is ever stored.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from fabric.control.attachments import UnderlayPoints
from fabric.control.bgp_sessions import Flags, Sessions
from fabric.control.path_tables import ECMP_WIDTH, NextHops, Parents, hop_offsets
from fabric.wiring.budget import countable_hops
from fabric.wiring.topology import Fabric, Role

I16 = NDArray[np.int16]
Kind = TypeVar("Kind", bound=np.generic)
Index = NDArray[np.intp]


class Edges:
    """Sessions as arrays, one row per direction in which point `source` announces to `target`; rows
    are sorted by target and then by preference (router-id, then port), so that the first usable row
    of a target is its best path."""

    def __init__(
        self, fabric: Fabric, sessions: Sessions, points: UnderlayPoints, router_id: tuple[int, ...]
    ) -> None:
        self.n, self.sessions = len(points), sessions
        standing = points.node[:-1]
        asn = np.array(sessions.asn, np.int64)
        self.asn = np.append(asn[standing], 0)
        point = np.full(len(fabric.nodes), -1, np.int32)
        point[standing] = np.arange(len(standing))
        target, source = point[sessions.node], point[sessions.peer]
        # twins are destinations alone
        rows = np.flatnonzero(sessions.up & (target >= 0) & (target < points.rows) & (source >= 0))
        ids = np.array(router_id, np.int64)[sessions.peer[rows]]
        rows = rows[np.lexsort((rows, ids, target[rows]))]
        self.target, self.source = target[rows].astype(np.int64), source[rows].astype(np.int64)
        self.link = sessions.link[rows]
        dpus = [
            v for v, node in enumerate(standing.tolist()) if fabric.nodes[node].role is Role.DPU
        ]
        self.dpu = np.zeros(self.n, np.bool_)
        self.dpu[dpus] = True
        self.from_dpu = self.dpu[self.source]

    def converge(self, speakers: NDArray[np.int64]) -> tuple[I16, Parents, Index, Index]:
        """Lengths 0, 1, 2, … in order: length, parent, and the (row, origin) pairs that are next
        hops, where nobody is drained. Columns are those of the speakers."""
        return self.converge_around(speakers, np.zeros(self.n, np.bool_))[:4]

    def converge_around(
        self, speakers: NDArray[np.int64], drained: Flags
    ) -> tuple[I16, Parents, Index, Index, Flags]:
        """As `converge`, and which paths are tagged: first those that hold no drained node, then,
        of whom has none of these, the shortest others. Columns are speakers: nobody else originates
        anything."""
        length = np.full((self.n, len(speakers)), -1, np.int16)
        parent = np.full(length.shape, -1, np.int16 if self.n < 2**15 else np.int32)
        length[speakers, np.arange(len(speakers))] = 0
        clean = ~(drained[self.source] | drained[self.target])
        found = self._rounds(length, parent, clean)
        tagged = np.zeros(length.shape, np.bool_)
        if drained.any():
            before = length < 0
            more = self._rounds(length, parent, np.ones_like(clean))
            found = np.r_[found[0], more[0]], np.r_[found[1], more[1]]
            tagged = (before & (length >= 0)) | drained[:, None] | drained[speakers]
        return length, parent, found[0], speakers[found[1]], tagged

    def _rounds(self, length: I16, parent: Parents, may: Flags) -> tuple[Index, Index]:
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

    def loop_free(self, parent: Parents, usable: Flags, step: int) -> tuple[Index, Index]:
        """The (row, origin) pairs whose path does not hold the target's own ASN."""
        row, origin = np.nonzero(usable)
        own = self.asn[self.target[row]]
        here = self.source[row]
        good = self.asn[here] != own
        for _ in range(step - 1):
            here = parent[here, origin].astype(np.int64)
            good &= self.asn[here] != own
        return row[good], origin[good]

    def by_point(
        self, columns: NDArray[Kind], speakers: NDArray[np.int64], nothing: int
    ) -> NDArray[Kind]:
        """Columns of speakers as columns of points."""
        out = np.full((self.n, self.n), nothing, columns.dtype)
        out[:, speakers] = columns
        return out

    def widest(self, row: Index, origin: Index) -> dict[int, int]:
        """UnderlayPoints that know more equal paths to one than they install, and how many."""
        count = np.bincount(self.target[row] * self.n + origin, minlength=self.n * self.n)
        if count.max(initial=0) <= ECMP_WIDTH:
            return {}
        most = count.reshape(self.n, self.n).max(axis=1)
        return {int(v): int(most[v]) for v in np.flatnonzero(most > ECMP_WIDTH)}

    def next_hops(self, row: Index, origin: Index) -> NextHops:
        """Hops in order of preference, the first `ECMP_WIDTH` of them."""
        countable_hops(len(row))
        place = self.target[row] * self.n + origin
        order = np.argsort(place, kind="stable")
        count = np.bincount(place, minlength=self.n * self.n)
        if len(count) and count.max() > ECMP_WIDTH:
            first = np.cumsum(count) - count
            rank = np.arange(len(order)) - first[place[order]]
            order = order[rank < ECMP_WIDTH]
            count = np.minimum(count, ECMP_WIDTH)
        offsets = hop_offsets(count)
        here = row[order]
        return NextHops(
            offsets, self.source[here].astype(np.int32), self.link[here].astype(np.int32)
        )
