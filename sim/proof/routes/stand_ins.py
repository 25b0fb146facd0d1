"""Stand-ins: of endpoints that fare alike one is asked about, and a second one about the first.

Two endpoints are of one *class* when nothing that decides about their packets tells them apart:

1. they are in one VRF and nowhere else, each at one VTEP; where these are two, both send every
   address of the VRF the same ways and reach, and are reached from, the same VTEPs;
2. the same policy groups decide about what they send, and about what they receive (by that their
   labels, names, named ports and hosts have gone into groups already), where whoever asks wants
   that (`own`) but for what they say of each pod's own node;
3. each owns as many addresses as the other, single ones that are nobody else's, of the same
   families; and in the eyes of every VRF that may meet theirs, regions of all entries that are
   bound there hold both or neither, and every VTEP sends what is for one to its VTEP alone where
   it sends what is for the other to that one's, or the same ways, of which neither VTEP is one
   unless both live there;
4. whoever asks tells them apart no further (`told`).

Whatever else one owns is a class by itself, and where VRFs permit hairpins no two VTEPs are alike.
So every pair of different members of two classes (or of one) passes the same packets, for the same
reasons, as the pair of their stand-ins does: but for a node and a pod of its own
(`sim.proof.routes.own_nodes`), which are asked about once for each class and host. Nobody is paired
with itself: a class with one member has no second stand-in, and no pair within.

Cost: VRFs that may meet × addresses × VTEPs that choose otherwise, no pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from compiler.policy.ir import Direction
from sim.blocks.blocks import Blocks
from sim.blocks.numbering import distinct, same_rows
from sim.proof.routes.alike_in_routes import alike_in_routes
from sim.proof.routes.own_nodes import OwnNodes

Column = NDArray[Any]


class AskedAbout(Protocol):
    """Of whom paths are asked; `unowned` addresses that are nobody's are asked about too."""

    unowned: ClassVar[bool]

    def sends(self, endpoint: Column) -> Column:
        """Which endpoints are asked as senders."""
        ...

    def takes(self, endpoint: Column) -> Column:
        """Which endpoints are asked as receivers."""
        ...

    def meet(self, src: Column, dst: Column) -> Column:
        """Which pairs of endpoints are asked about."""
        ...


@dataclass(frozen=True)
class StandIns:
    """`of` is the class of each endpoint, `first` and `second` the stand-ins of each class, -1 for
    none; classes are numbered in the order of their first members. With `own` there is a third:
    the first member that is not on the host of the first one."""

    unowned: ClassVar[bool] = True
    of: Column
    first: Column
    second: Column
    own: OwnNodes | None = field(default=None, compare=False)

    @staticmethod
    def by(classes: Column, own: OwnNodes | None = None) -> StandIns:
        """Those of a numbering of endpoints."""
        of, first = distinct(classes)
        rank = np.empty(len(first), np.int64)
        rank[np.argsort(first, kind="stable")] = np.arange(len(first))
        of, first = rank[of], np.sort(first)
        others = np.ones(len(of), np.bool_)
        others[first] = False
        return StandIns(of, first, _first(of, others, len(first)), own)

    @staticmethod
    def among(blocks: Blocks, told: Sequence[Column] = (), own: OwnNodes | None = None) -> StandIns:
        """Those of all endpoints of a world; `told` are columns by which the asker tells them
        apart. Without `own` what policies say of a pod's own node tells it apart."""
        columns = [blocks.endpoint_vrf, *alike_in_routes(blocks), *told]
        if own is None or not own.node.any():
            return StandIns.by(same_rows([*columns, *(blocks.ep_block[d] for d in Direction)]).of)
        alone = np.where(own.node, np.arange(1, len(own.node) + 1), 0)
        return StandIns.by(same_rows([*columns, *own.groups, alone]).of, own)

    def __len__(self) -> int:
        return len(self.first)

    def pairs(self, src: Column, dst: Column) -> Column:
        """How many pairs of different endpoints each pair of stand-ins stands for."""
        size, a, b = np.bincount(self.of), self.of[src], self.of[dst]
        counts: Column = size[a] * (size[b] - (a == b))
        if self.own is not None:
            node, pod = self._node_and_pod(src, dst)
            here = self._here(node, self.of[pod])
            counts = counts - np.where(node < 0, 0, here)
            counts = np.where(self.own.own(src, dst), here, counts)
        return counts

    def members(self) -> list[Column]:
        """The endpoints of each class, sorted."""
        order = np.argsort(self.of, kind="stable")
        return np.split(order, np.cumsum(np.bincount(self.of))[:-1]) if len(order) else []

    def sends(self, endpoint: Column) -> Column:
        """Which endpoints are asked as senders, but for own ones."""
        sends: Column = self.first[self.of[endpoint]] == endpoint
        return sends if self.own is None else sends | (self._away[self.of[endpoint]] == endpoint)

    def takes(self, endpoint: Column) -> Column:
        """Which endpoints are asked as receivers, but for own ones."""
        second: Column = self.second[self.of[endpoint]] == endpoint
        return self.sends(endpoint) | second

    def meet(self, src: Column, dst: Column) -> Column:
        """Which pairs of endpoints are asked about, but for own ones; those without a destination
        are."""
        a, b = self.of[src], self.of[dst]
        to, sent = np.where(a == b, self.second[b], self.first[b]), self.first[a]
        if self.own is not None:
            node, _ = self._node_and_pod(src, dst)
            to = np.where(node == src, self._beyond(b, src), to)
            sent = np.where((node == dst) & (dst >= 0), self._beyond(a, dst), sent)
        asked: Column = ((to == dst) | (dst < 0)) & (sent == src)
        return asked if self.own is None else asked & ~(self.own.own(src, dst) & (dst >= 0))

    @cached_property
    def own_pairs(self) -> tuple[Column, Column]:
        """The pairs of a node and a pod of its own that are asked about: sources, destinations."""
        if self.own is None:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        return self.own.pairs(self._hosted[0])

    def asked(self, senders: Column, takers: Column) -> tuple[Column, Column]:
        """All pairs that are asked about of some senders and takers (sorted endpoints): sources and
        destinations."""
        ends = senders[self.sends(senders)], takers[self.takes(takers)]
        src, dst = (grid.ravel() for grid in np.meshgrid(*ends, indexing="ij"))
        met = self.meet(src, dst)
        own = np.stack(self.own_pairs)
        own = own[:, np.isin(own[0], senders) & np.isin(own[1], takers)]
        return np.r_[src[met], own[0]], np.r_[dst[met], own[1]]

    @cached_property
    def _hosted(self) -> tuple[Column, Column, Column]:
        """Members of a class on one host: the first of each such set, its class and host as a key,
        sorted, and how many there are."""
        assert self.own is not None
        key = self.of * (int(self.own.host.max()) + 2) + self.own.host + 1
        keys, first, count = np.unique(key, return_index=True, return_counts=True)
        return first, keys, count

    def _here(self, node: Column, of: Column) -> Column:
        """How many members of classes are on the host of a node (-1 for none)."""
        assert self.own is not None
        _, keys, count = self._hosted
        key = of * (int(self.own.host.max()) + 2) + self.own.host[node] + 1
        at = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
        return np.where((keys[at] == key) & (node >= 0), count[at], 0)

    def _node_and_pod(self, src: Column, dst: Column) -> tuple[Column, Column]:
        """Of pairs of a node and somebody who has one: both; -1 for both of other pairs."""
        assert self.own is not None
        node, host = self.own.node, self.own.host
        out = node[src] & ~node[dst] & (host[dst] >= 0) & (dst >= 0)
        into = node[dst] & ~node[src] & (host[src] >= 0) & (dst >= 0)
        none = np.full(np.broadcast(src, dst).shape, -1)
        return np.where(out, src, np.where(into, dst, none)), np.where(
            out, dst, np.where(into, src, none)
        )

    @cached_property
    def _away(self) -> Column:
        """The first member of each class that is not on the host of the first one, -1 for none."""
        assert self.own is not None
        host = self.own.host
        return _first(self.of, host != host[self.first[self.of]], len(self))

    def _beyond(self, of: Column, node: Column) -> Column:
        """The first member of classes that is not on the host of a node, -1 for none."""
        assert self.own is not None
        first = self.first[of]
        return np.where(self.own.host[first] == self.own.host[node], self._away[of], first)


def _first(of: Column, chosen: Column, size: int) -> Column:
    """The first of the chosen endpoints of each class, -1 for none."""
    out = np.full(size, -1, np.int64)
    number, at = np.unique(of[chosen], return_index=True)
    out[number] = np.flatnonzero(chosen)[at]
    return out


@dataclass(frozen=True, slots=True)
class Between:
    """Some senders and some receivers, flags by endpoint, of whom each is asked about each."""

    unowned: ClassVar[bool] = True
    senders: NDArray[np.bool_]
    takers: NDArray[np.bool_]

    def sends(self, endpoint: Column) -> Column:
        """Which endpoints are asked as senders."""
        sends: Column = self.senders[endpoint]
        return sends

    def takes(self, endpoint: Column) -> Column:
        """Which endpoints are asked as receivers."""
        takes: Column = self.takers[endpoint]
        return takes

    def meet(self, src: Column, dst: Column) -> Column:
        """Which pairs of endpoints are asked about; those without a destination are."""
        taken: Column = self.takers[dst] | (dst < 0)
        return taken
