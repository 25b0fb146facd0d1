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
    """The members of all routes, as the underlay has its next hops: `hop_off`, `hop_node`,
    `hop_link`. Those arrays themselves where nothing is weighed."""
    off, node, link = underlay.hop_off, underlay.hop_node, underlay.hop_link
    if underlay.speeds is None or not len(link):
        return off, node, link
    speed = np.array(underlay.speeds, np.int64)[link]
    row, full = _rows(off)
    divisor = np.ones(len(off) - 1, np.int64)
    divisor[full] = np.gcd.reduceat(speed, off[full])
    small = speed // divisor[row]
    total = np.bincount(row, small, len(off) - 1).astype(np.int64)[row]
    count = np.where(total <= MEMBERS, small, np.maximum(1, small * MEMBERS // total))
    wide = np.bincount(row, count, len(off) - 1).astype(np.int64)
    offsets = np.concatenate(([0], np.cumsum(wide))).astype(np.int32)
    return offsets, np.repeat(node, count), np.repeat(link, count)


def uneven(fabric: Fabric, underlay: Underlay) -> Iterator[Diagnostic]:
    """A warning where links of different speeds get equal shares (C528)."""
    link = underlay.hop_link
    if underlay.speeds is not None or not len(link):
        return
    speed = np.array([each.speed for each in fabric.links], np.int64)[link]
    _, full = _rows(underlay.hop_off)
    starts = underlay.hop_off[full]
    least, most = np.minimum.reduceat(speed, starts), np.maximum.reduceat(speed, starts)
    unlike = np.flatnonzero(least != most)
    nodes = np.unique(full[unlike] // underlay.n)
    if len(nodes):
        others = len(nodes) - 1
        more = f"; so do {others:,} other node{'s' * (others > 1)}" if others else ""
        first = unlike[0]
        yield Diagnostic(
            "C528",
            f"{fabric.nodes[int(full[first]) // underlay.n].name} shares load evenly over links of "
            f"{int(least[first])} and of {int(most[first])} Gbit/s{more}",
            None,
            "`ecmp: bandwidth` weighs next hops by the speeds of their links",
            "warning",
        )


def _rows(off: I32) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The route of every next hop, and the routes that have any."""
    count = np.diff(off)
    return np.repeat(np.arange(len(count)), count), np.flatnonzero(count)
