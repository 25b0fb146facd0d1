"""Routes of the underlay as a walk reads them: most nodes send most targets over the same links, so
sets of next hops are few, and lie in near caches.

Theory: a route is a row of members (`sim.pipeline.tables`); equal rows are one set. Rows are told
apart by a hash of 64 bits and then compared, member by member.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.blocks.numbering import distinct, expand
from sim.pipeline.tables import Tables

U64 = NDArray[np.uint64]
S32 = np.uint64(32)
FACTOR = np.uint64(0x9E3779B97F4A7C15)


class Routes(NamedTuple):
    """`route` has the set of each `node * n_nodes + target`; `members` where each set begins in
    `hops`, `first << 32 | how many`, 0 for no way; `hops` a word per member, `next node << 32 |
    direction of the link`."""

    route: NDArray[np.uint32]
    members: U64
    hops: U64


def routes(tables: Tables) -> Routes:
    """Those of a world."""
    t, n = tables, len(tables.node_seed)
    if len(t.hop_off) <= n * n:
        return Routes(np.zeros(n * n, np.uint32), np.zeros(1, np.uint64), np.zeros(1, np.uint64))
    hops = _hops(t, n)
    first, width = t.hop_off[: n * n].astype(np.int64), np.diff(t.hop_off[: n * n + 1])
    full = np.flatnonzero(width)
    shown, number = _alike(hops, first[full], width[full].astype(np.int64))
    at = full[shown]
    route = np.zeros(n * n, np.uint32)
    route[full] = number + 1
    members = np.append(0, first[at] << 32 | width[at]).astype(np.uint64)
    return Routes(route, *_packed(members, hops))


def _hops(t: Tables, n: int) -> U64:
    """A word per member of each route."""
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
    if not len(first):
        return first, first
    row, at = expand(first, width)
    turn = np.arange(len(at)) - np.cumsum(np.append(0, width[:-1]))[row]
    mixed = (hops[at] + FACTOR * (turn.astype(np.uint64) + np.uint64(1))) * FACTOR
    mixed = (mixed ^ mixed >> S32) * FACTOR
    hashed = np.add.reduceat(mixed, np.flatnonzero(turn == 0))
    number, shown = distinct(hashed)
    of = shown[number]
    same = (width == width[of]).all() and (hops[at] == hops[first[of][row] + turn]).all()
    return (shown, number) if same else (np.arange(len(first)), np.arange(len(first)))


def _packed(members: U64, hops: U64) -> tuple[U64, U64]:
    """The same sets side by side, and nothing between them."""
    width = (members & np.uint64(2**32 - 1)).astype(np.int64)
    _, at = expand((members >> S32).astype(np.int64), width)
    begin = np.cumsum(np.append(0, width[:-1]))
    packed = np.append(hops[at], np.uint64(0))
    return np.where(width > 0, begin << 32 | width, 0).astype(np.uint64), packed
