"""The BGP sessions of a fabric: both ends of every cable between two speakers, as columns.

A session needs both ends and the link up, and two different ASNs (`remote-as external`). Which
sessions are configured does not change with failures, so their columns are shared by every state of
a fabric; whether they are `up` is computed for each. Objects for people are made when asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fabric.wiring.topology import Fabric, Link, port_order

I32 = NDArray[np.int32]
Flags = NDArray[np.bool_]


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


@dataclass(frozen=True, eq=False)
class Sessions:
    """All ends, by node and then by port: columns of `node`, `peer` and `link`; `back` is the row
    of the other end."""

    fabric: Fabric
    asn: tuple[int, ...]
    node: I32
    peer: I32
    link: I32
    back: I32
    up: Flags

    @staticmethod
    def of(fabric: Fabric, asn: tuple[int, ...]) -> Sessions:
        """Those of a fabric with its failures; `asn` is by node, 0 for hosts."""
        ends = sorted(
            (node, port_order(port), peer, link.index)
            for link in fabric.links
            if link.kind != "host"
            for node, port, peer in ((link.a, link.a_port, link.b), (link.b, link.b_port, link.a))
        )
        columns = ([end[at] for end in ends] for at in (0, 2, 3))
        node, peer, link = (np.array(column, np.int32) for column in columns)
        # the two ends of a link stand together once they are sorted by it
        pairs = np.argsort(link, kind="stable").reshape(-1, 2)
        back = np.empty(len(link), np.int32)
        back[pairs] = pairs[:, ::-1]
        made = Sessions(fabric, asn, node, peer, link, back, np.zeros(len(link), np.bool_))
        return made.after(fabric)

    def after(self, fabric: Fabric) -> Sessions:
        """The same sessions with the failures of `fabric`."""
        nodes, links = len(fabric.nodes), len(fabric.links)
        dead, cut = flags(fabric.down_nodes, nodes), flags(fabric.down_links, links)
        cut |= flags(fabric.down_sessions, links)
        number = np.array(self.asn, np.int64)
        up = ~(dead[self.node] | dead[self.peer] | cut[self.link])
        up &= number[self.node] != number[self.peer]
        return replace(self, fabric=fabric, up=up)

    def __len__(self) -> int:
        return len(self.node)

    def __iter__(self) -> Iterator[Session]:
        return map(self.row, range(len(self.node)))

    def at(self, node: int) -> Iterator[Session]:
        """The ends at one node, by port."""
        first, last = np.searchsorted(self.node, (node, node + 1)).tolist()
        return map(self.row, range(first, last))

    def row(self, number: int) -> Session:
        """One end as people read it."""
        node, peer, at = (int(c[number]) for c in (self.node, self.peer, self.link))
        link = self.fabric.links[at]
        reason = down_reason(self.fabric, link, self.asn)
        port = link.a_port if link.a == node else link.b_port
        return Session(node, port, peer, at, self.asn[peer], bool(self.up[number]), reason)


def flags(numbers: Iterable[int], size: int) -> Flags:
    """Numbers below `size` as flags."""
    out = np.zeros(size, np.bool_)
    out[[*numbers]] = True
    return out


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
