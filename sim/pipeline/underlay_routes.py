"""Routes of the underlay as a walk reads them: small, in words of 32 bits, so that they lie in near
caches.

A route is where its members begin among all hops (0: no way), and most nodes send all VTEPs over
the same links: what such a node has is one word. Sets of members that are alike are one.

Theory: a route is a row of members (`sim.pipeline.tables`); equal rows are one set. Rows are told
apart by a hash of 64 bits and then compared, member by member. Only VTEPs are ever targets. Cost:
a word per node, and one per VTEP for those that tell VTEPs apart, leaves and spines.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.blocks.numbering import distinct, expand
from sim.pipeline.tables import Tables

U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]
S32 = np.uint64(32)
FACTOR = np.uint64(0x9E3779B97F4A7C15)
ALL, LINE = 2**32 - 1, 8
LOW_32 = np.uint64(ALL)


class Routes(NamedTuple):
    """`nodes` has a line of eight words for each: first, mask, its seed in halves, the low one
    first, column. The route from a node to a target is `route[first + (column of the target &
    mask)]`. Members stand in `hops` from there on, as `next node << 32 | 2 * link`, one more
    downwards; `width` says there how many."""

    nodes: U32
    route: U32
    width: U32
    hops: U64


def routes(tables: Tables) -> Routes:
    """Those of a world."""
    t, n = tables, len(tables.node_seed)
    targets = np.unique(t.set_vtep)
    column = np.zeros(n, np.uint32)
    column[targets] = np.arange(len(targets))
    begin, width, hops = _sets(t, n)
    first, mask, route = _rows(begin.reshape(n, n)[:, targets], targets)
    lines = np.zeros((n, LINE), np.uint32)
    words = first, mask, t.node_seed & LOW_32, t.node_seed >> S32, column
    for at, word in enumerate(words):
        lines[:, at] = word
    return Routes(lines.reshape(-1), route, width, hops)


def _rows(begin: U32, targets: NDArray[np.int32]) -> tuple[U32, U32, U32]:
    """One word for each node whose routes to all others are the same, else one per target."""
    n, asked = len(begin), np.arange(len(begin))[:, None] != targets
    most = np.where(asked, begin, 0).max(1, initial=0).astype(np.uint32)
    alike = (~asked | (begin == most[:, None])).all(1)
    several = np.flatnonzero(~alike)
    first = np.zeros(n, np.uint32)
    first[alike] = np.arange(n - len(several))
    first[several] = n - len(several) + np.arange(len(several)) * len(targets)
    mask = np.where(alike, 0, ALL).astype(np.uint32)
    return first, mask, np.append(most[alike], begin[several].reshape(-1)).astype(np.uint32)


def _sets(t: Tables, n: int) -> tuple[U32, U32, U64]:
    """Where the members of each `node * n + target` begin, how many begin there, and all members;
    the first of all is nobody's."""
    begin, nothing = np.zeros(n * n, np.uint32), np.zeros(1, np.uint64)
    if len(t.hop_off) <= n * n:
        return begin, np.zeros(1, np.uint32), nothing
    hops = _hops(t, n)
    first, width = t.hop_off[: n * n].astype(np.int64), np.diff(t.hop_off[: n * n + 1])
    full = np.flatnonzero(width)
    if not len(full):
        return begin, np.zeros(1, np.uint32), nothing
    shown, number = _alike(hops, first[full], width[full].astype(np.int64))
    many = width[full[shown]].astype(np.int64)
    _, at = expand(first[full[shown]], many)
    place = 1 + np.cumsum(np.append(0, many[:-1]))
    begin[full] = place[number]
    members = np.append(nothing, hops[at])
    widths = np.zeros(len(members), np.uint32)
    widths[place] = many
    return begin, widths, members


def _hops(t: Tables, n: int) -> U64:
    """A word per member of each route: next node, then the direction of the link."""
    row = np.repeat(np.arange(n * n), np.diff(t.hop_off))
    link = t.hop_link[: len(row)].astype(np.uint64)
    down = t.link_a[link] != row // n
    words: U64 = t.hop_node[: len(row)].astype(np.uint64) << S32 | link << np.uint64(1) | down
    return words


def _alike(
    hops: U64, first: NDArray[np.int64], width: NDArray[np.int64]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """One row of each set, and the set of each row; every row for itself if two sets had one
    hash."""
    row, at = expand(first, width)
    turn = np.arange(len(at)) - np.cumsum(np.append(0, width[:-1]))[row]
    mixed = (hops[at] + FACTOR * (turn.astype(np.uint64) + np.uint64(1))) * FACTOR
    mixed = (mixed ^ mixed >> S32) * FACTOR
    hashed = np.add.reduceat(mixed, np.flatnonzero(turn == 0))
    number, shown = distinct(hashed)
    of = shown[number]
    same = (width == width[of]).all() and (hops[at] == hops[first[of][row] + turn]).all()
    return (shown, number) if same else (np.arange(len(first)), np.arange(len(first)))
