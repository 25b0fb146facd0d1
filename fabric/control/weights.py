"""How equal paths share load: evenly, or by the speeds of the links that a node sends over.

With `ecmp: bandwidth` in the fabric file every node weighs the next hops of a route by the speeds
of its own links to them: what is announced over a link carries that link's speed as its bandwidth
(RFC 10005), and nothing else. How wide the way is behind the next hop does not count. A next hop
stands as often among the *members* of a route as its weight says, as in the tables of a switch, and
the hash takes one of the members. Whether a route has next hops never depends on weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from math import gcd

import numpy as np
from numpy.typing import NDArray

from fabric.control.path_tables import NextHops, hop_offsets
from fabric.control.underlay import Underlay
from fabric.diagnostics import Diagnostic
from fabric.wiring.topology import Fabric

MEMBERS = 256
"""Weights are scaled down to so many members of a route; what is less than one of them is one."""
I32 = NDArray[np.int32]


def weights(underlay: Underlay, links: Sequence[int]) -> tuple[int, ...]:
    """The weights of next hops over these links, without a common divisor."""
    if underlay.speeds is None or not links:
        return (1,) * len(links)
    speeds = [underlay.speeds[link] for link in links]
    divisor = reduce(gcd, speeds)
    small = [speed // divisor for speed in speeds]
    total = sum(small)
    return tuple(small if total <= MEMBERS else [max(1, s * MEMBERS // total) for s in small])


def members(underlay: Underlay, node: int, target: int) -> tuple[tuple[int, int], ...]:
    """(neighbour, link) of every member of a route, in order of preference."""
    hops = underlay.ecmp(node, target)
    counts = weights(underlay, [link for _, link in hops])
    return tuple(hop for hop, count in zip(hops, counts, strict=True) for _ in range(count))


def member_arrays(underlay: Underlay) -> tuple[I32, I32, I32]:
    """The members of all routes between nodes, as `NextHops` has next hops: those themselves where
    nothing is weighed."""
    return members_of(underlay.spread().hops, underlay.speeds)


def members_of(hops: NextHops, speeds: Sequence[int] | None) -> tuple[I32, I32, I32]:
    """The members of routes with these next hops."""
    off, node, link = hops
    if speeds is None or not len(link):
        return off, node, link
    speed = np.array(speeds, np.int64)[link]
    row, full = _rows(off)
    divisor = np.ones(len(off) - 1, np.int64)
    divisor[full] = np.gcd.reduceat(speed, off[full])
    small = speed // divisor[row]
    total = np.bincount(row, small, len(off) - 1).astype(np.int64)[row]
    count = np.where(total <= MEMBERS, small, np.maximum(1, small * MEMBERS // total))
    wide = np.bincount(row, count, len(off) - 1).astype(np.int64)
    offsets = hop_offsets(wide)
    return offsets, np.repeat(node, count), np.repeat(link, count)


def uneven(fabric: Fabric, underlay: Underlay) -> Iterator[Diagnostic]:
    """A warning where links of different speeds get equal shares (C528)."""
    if underlay.speeds is not None or len({link.speed for link in fabric.links}) < 2:
        return
    found = _uneven(fabric, underlay)
    if found:
        (name, least, most), others = found[0], len(found) - 1
        more = f"; so do {others:,} other node{'s' * (others > 1)}" if others else ""
        yield Diagnostic(
            "C528",
            f"{name} shares load evenly over links of {least} and of {most} Gbit/s{more}",
            None,
            "`ecmp: bandwidth` weighs next hops by the speeds of their links",
            "warning",
        )


def _uneven(fabric: Fabric, underlay: Underlay) -> list[tuple[str, int, int]]:
    """Nodes that send to somebody over links of different speeds, by number; for the first of them
    the speeds of its slowest and its fastest link to the first such target. Who shares a point has
    links of the same speeds (`fabric.control.attachments`)."""
    points, (off, _, link), m = underlay.points, underlay.table.hops, underlay.table.n
    speed = np.array([each.speed for each in fabric.links], np.int64)[link]
    _, full = _rows(off)
    if not len(full):
        return []
    starts = off[full]
    least, most = np.minimum.reduceat(speed, starts), np.maximum.reduceat(speed, starts)
    unlike = np.flatnonzero(least != most)
    here, there = np.divmod(full[unlike], m)
    nodes = np.flatnonzero(np.isin(points.of, here))
    if not len(nodes):
        return []
    mine = np.flatnonzero(here == points.of[nodes[0]])
    at = unlike[mine[np.argmin(points.node[there[mine]])]]
    told = int(least[at]), int(most[at])
    return [(fabric.nodes[node].name, *told) for node in nodes.tolist()]


def _rows(off: I32) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The route of every next hop, and the routes that have any."""
    count = np.diff(off)
    return np.repeat(np.arange(len(count)), count), np.flatnonzero(count)
