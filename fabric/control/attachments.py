"""UnderlayPoints: the nodes that an underlay is computed for, and for whom each of them stands.

A DPU announces its own loopback and nothing else, so nobody's path to somebody else leads through
one: it is a source and a destination. DPUs are of one *attachment* where no path can tell them
apart:

1. they have the same neighbours in the same order of preference (router-id, then port), over as
   many links of the same speeds each, and these neighbours prefer their links in the same order;
2. none of these neighbours is a DPU;
3. nobody else has their ASNs, so that no AS loop is about one of them alone;
4. all of them are drained, or none.

Exchanging two such DPUs, link by link, leaves everything that anybody announces as it was but for
their names. So what a node chooses towards one of them it chooses towards each, and so do they
towards others. The first of an attachment stands for all of them. Towards *another* one of the same
attachment it does not: the second, its `twin`, is there for that, as a destination.

Every other node that is up is a point of its own. Hosts and what is down speak no BGP; they have no
paths, and one point, `nowhere`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fabric.control.bgp_sessions import Flags, Sessions, flags
from fabric.wiring.topology import Fabric, Role

I32 = NDArray[np.int32]
Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class UnderlayPoints:
    """`of` maps nodes to points, `node` points to the nodes that stand in for them; `twin` maps a
    point to that of another node of its attachment, to itself where there is none. Twins come
    behind all other points but `nowhere`, which is last; of the first `rows` paths are computed.

    The links of a DPU in order of preference are its *slots*: `slot_link` from `slot_off` of the
    node on, for those that share a point; `slot` is the place of a link among them.
    """

    of: I32
    node: I32
    twin: I32
    rows: int
    slot_off: I32
    slot_link: I32
    slot: I32

    def __len__(self) -> int:
        return len(self.node)

    def same(self, other: UnderlayPoints) -> bool:
        """Whether the same nodes share the same points, and links the same slots."""
        columns = ("of", "node", "twin", "slot_off", "slot_link", "slot")
        return all(np.array_equal(getattr(self, c), getattr(other, c)) for c in columns)

    def columns(self, a: Index, b: Index) -> I32:
        """The points of `b` as seen from `a` (nodes, broadcast)."""
        there = self.of[b]
        return np.where((self.of[a] == there) & (a != b), self.twin[there], there)

    def own_link(self, node: int, link: int) -> int:
        """As `own_links`, of one node and one link."""
        first = self.slot_off[node]
        shared = first < self.slot_off[node + 1]
        return int(self.slot_link[first + self.slot[link]]) if shared else link

    def own_links(self, node: Index, link: I32) -> I32:
        """Of nodes that may share a point: their links, given those of who stands in for them."""
        shared = self.slot_off[node] < self.slot_off[node + 1]
        out = link.copy()
        out[shared] = self.slot_link[self.slot_off[node[shared]] + self.slot[link[shared]]]
        return out


def points_of(fabric: Fabric, sessions: Sessions, router_id: tuple[int, ...]) -> UnderlayPoints:
    """The points of a fabric with its failures; `router_id` is by node."""
    n = len(fabric.nodes)
    alive = flags((v.index for v in fabric.nodes if v.role is not Role.HOST), n)
    alive &= ~flags(fabric.down_nodes, n)
    slots = _slots(sessions, np.array(router_id, np.int64))
    same = _attachments(fabric, sessions, alive, slots)
    of, node, twins = np.full(n, -1, np.int32), list[int](), list[tuple[int, int]]()
    others = flags((v for members in same for v in members[1:]), n)
    firsts = np.flatnonzero(alive & ~others)
    of[firsts] = np.arange(len(firsts))
    node += firsts.tolist()
    for members in same:
        of[members] = of[members[0]]
        twins.append((int(of[members[0]]), members[1]))
    node += [twin for _, twin in twins]
    twin = np.arange(len(node) + 1, dtype=np.int32)
    twin[[first for first, _ in twins]] = len(firsts) + np.arange(len(twins))
    of[~alive] = len(node)
    node.append(-1)
    shared = flags((v for members in same for v in members), n)
    return UnderlayPoints(
        of, np.array(node, np.int32), twin, len(firsts), *_places(sessions, slots, shared)
    )


def _slots(sessions: Sessions, router_id: Index) -> Index:
    """Rows of sessions that are up, by node and then in order of preference."""
    rows = np.flatnonzero(sessions.up)
    order = np.lexsort((rows, router_id[sessions.peer[rows]], sessions.node[rows]))
    return rows[order]


def _attachments(fabric: Fabric, sessions: Sessions, alive: Flags, slots: Index) -> list[list[int]]:
    """The members of each attachment of several, in order of nodes."""
    n = len(fabric.nodes)
    dpu = flags((v.index for v in fabric.nodes if v.role is Role.DPU), n)
    asn = np.array(sessions.asn, np.int64)
    _, number, count = np.unique(asn, return_inverse=True, return_counts=True)
    may = alive & dpu & (count[number.reshape(-1)] == 1)
    node, peer = sessions.node[slots], sessions.peer[slots]
    may[node[dpu[peer]]] = False
    speed = np.array([link.speed for link in fabric.links], np.int64)[sessions.link[slots]]
    words = np.stack([peer, _ranks(sessions, slots), speed], 1)
    first = np.searchsorted(node, np.arange(n + 1)).tolist()
    drained = fabric.drained
    found: dict[tuple[bool, bytes], list[int]] = defaultdict(list)
    for v in np.flatnonzero(may).tolist():
        found[v in drained, words[first[v] : first[v + 1]].tobytes()].append(v)
    return [members for members in found.values() if len(members) > 1]


def _ranks(sessions: Sessions, slots: Index) -> Index:
    """The place of each link among the parallel ones to its peer, in the peer's order."""
    node, peer = sessions.node[slots], sessions.peer[slots]
    order = np.lexsort((sessions.back[slots], peer, node))
    new = np.flatnonzero(
        np.diff(node[order], prepend=-1).astype(bool)
        | np.diff(peer[order], prepend=-1).astype(bool)
    )
    size = np.diff(new, append=len(order))
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order)) - np.repeat(new, size)
    return ranks


def _places(sessions: Sessions, slots: Index, shared: Flags) -> tuple[I32, I32, I32]:
    """`slot_off`, `slot_link` and `slot` of `UnderlayPoints`."""
    mine = slots[shared[sessions.node[slots]]]
    node, link = sessions.node[mine], sessions.link[mine]
    off = np.searchsorted(node, np.arange(len(shared) + 1)).astype(np.int32)
    slot = np.zeros(len(sessions.fabric.links), np.int32)
    slot[link] = np.arange(len(mine)) - off[node]
    return off, link, slot
