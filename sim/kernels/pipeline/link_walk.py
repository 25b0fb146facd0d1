"""The underlay, link by link: what each direction of a link carries, and over which links each
packet of a block went.

Theory: a walk is a path of a graph without circles, hop by hop nearer to its target; which member
of a route a node takes is a function of the packet's outer header and the node alone. Packets of a
block take each hop together, eight at a time, one look-up of all after the other, so that many wait
for memory at once; those that have arrived go on nowhere. Invariants: a walk ends, since each hop
is nearer to its target; who does not walk counts on no link. Cost per hop: a line of the node,
three words, two products of 64 bits, and one addition.
Arguments: `t` Tables, `r` Routes (named tuples that say their types), `w` a block
(`sim.kernels.pipeline.block_rows`) of `n` packets, `pairs` u64[2 x block] what they weigh
(`sim.kernels.pairs`); `links` u64[2 x (2 x links + 1)]: packets and bytes by direction, without
outer headers, and a last pair that nobody reads."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined
from sim.kernels.match.lanes import (
    ORDERS,
    below,
    bits,
    gather,
    load,
    pick,
    records,
    same,
    splat,
    store,
)
from sim.kernels.match.long_lanes import gather_long, high_half, join, low_half
from sim.kernels.pairs import add_pair
from sim.kernels.pipeline.block_rows import (
    ALL,
    CLAIMED,
    DST_0,
    DST_1,
    DST_2,
    DST_3,
    ENTRY,
    FLOW,
    FOUND,
    HOP,
    LIST,
    LIST_6,
    NOBODY,
    ONE,
    OUT,
    PATH,
    PORT,
    SRC_0,
    SRC_1,
    SRC_2,
    SRC_3,
    ZERO,
    listed,
)
from sim.kernels.pipeline.ecmp import K0, K1, K2, mixed

U, W = np.uint64, np.uint32
NODE, GOAL, COLUMN, SIDE, WALKS, HASH_LOW, HASH_HIGH, TRAIL_LOW, TRAIL, DRAWN, MEMBER = (
    SRC_0, SRC_1, SRC_2, SRC_3, DST_0, DST_1, DST_2, DST_3, CLAIMED, FOUND, LIST_6,
)  # fmt: skip
"""Rows of the header, which nobody reads any more: by place in the list of those who walk, where
they are and want to go, the link taken last, and hashes of outer header and path, in halves. Any
value is safe in them (`sim.kernels.pipeline.block_rows`)."""
EVERYONE = U(255 * 8)
FIRST, MASK, SEED_LOW, SEED_HIGH, COLUMN_OF = range(5)
"""Words of a line of `r.nodes`."""


@inlined
def walk_block(t: Any, r: Any, w: Any, n: Any, pairs: Any, links: Any) -> None:
    """Take a block through the underlay; `PATH` is then the hash of each packet's path."""
    walking = _set_out(t, r, w, n)
    left = walking
    while left:
        left = _hop(r, w, walking, W(len(links) // 2 - 1))
        for place in range(walking):
            k = U(place)
            add_pair(links, U(w[SIDE, k]) << ONE, pairs, U(w[LIST, k]) << ONE)
    for place in range(walking):
        w[PATH, U(w[LIST, U(place)])] = w[TRAIL, U(place)]


@inlined
def _set_out(t: Any, r: Any, w: Any, n: Any) -> Any:
    """List who is sent into the underlay, and hash their outer headers; returns how many."""
    none, walking = splat(W(0)), ZERO
    nobody, all_ones, place = splat(NOBODY), splat(ALL), load(ORDERS, EVERYONE)
    for k in range(0, n, 8):
        j = U(k)
        out, entry = load(w[OUT], j), load(w[ENTRY], j)
        decided = below(out, nobody)
        let_out = decided & same(gather(t.dec_reason, out & decided), none)
        known = same(load(w[FLOW], j), none) ^ all_ones
        away = same(entry, load(w[HOP], j)) ^ all_ones
        mine = below(place + W(k), splat(W(n)))
        walking = listed(w[LIST], walking, k, bits((let_out | known) & away & mine))
        store(w[PATH], j, none)
    for k in range(0, walking, 8):
        j, at = U(k), load(w[LIST], U(k))
        node, goal = gather(w[ENTRY], at), gather(w[HOP], at)
        goes = below(place + W(k), splat(W(walking)))
        node, goal = node & goes, goal & goes
        ports = join(gather(w[PORT], at), none) * K0
        hashed = mixed(ports + join(node, none) * K1 + join(goal, none) * K2)
        store(w[NODE], j, node)
        store(w[GOAL], j, goal)
        store(w[COLUMN], j, gather(r.nodes, (goal << W(3)) + W(COLUMN_OF)))
        store(w[WALKS], j, goes)
        store(w[TRAIL_LOW], j, none)
        store(w[TRAIL], j, none)
        store(w[HASH_LOW], j, low_half(hashed))
        store(w[HASH_HIGH], j, high_half(hashed))
    return walking


@inlined
def _hop(r: Any, w: Any, walking: Any, nowhere: Any) -> Any:
    """One hop of everyone who has not arrived; returns whether somebody has not yet. `walking` is
    how many are in the list (u64), `nowhere` the last pair of `links` (u32), for who stands."""
    none, all_ones, left = splat(W(0)), splat(ALL), ZERO
    for k in range(0, walking, 8):
        j = U(k)
        line = records(r.nodes, load(w[NODE], j) << W(3))
        hashed = join(load(w[HASH_LOW], j), load(w[HASH_HIGH], j))
        seeded = mixed(hashed ^ join(line[SEED_LOW], line[SEED_HIGH]))
        store(w[DRAWN], j, high_half(seeded))
        store(w[MEMBER], j, line[FIRST] + (load(w[COLUMN], j) & line[MASK]))
    for k in range(0, walking, 8):
        j = U(k)
        store(w[MEMBER], j, gather(r.route, load(w[MEMBER], j)) & load(w[WALKS], j))
    for k in range(0, walking, 8):
        j, at = U(k), load(w[MEMBER], U(k))
        width = gather(r.width, at)
        chosen = high_half(join(load(w[DRAWN], j), none) * join(width, none))
        store(w[MEMBER], j, at + chosen)
        store(w[WALKS], j, load(w[WALKS], j) & below(none, width))
    for k in range(0, walking, 8):
        j = U(k)
        goes, node = load(w[WALKS], j), load(w[NODE], j)
        hop = gather_long(r.hops, load(w[MEMBER], j))
        side = pick(goes, low_half(hop), splat(nowhere))
        trail = join(load(w[TRAIL_LOW], j), load(w[TRAIL], j))
        longer = (trail ^ join(side + W(1), none)) * K0
        node = pick(goes, high_half(hop), node)
        store(w[SIDE], j, side)
        store(w[TRAIL_LOW], j, pick(goes, low_half(longer), low_half(trail)))
        store(w[TRAIL], j, pick(goes, high_half(longer), high_half(trail)))
        store(w[NODE], j, node)
        goes = goes & (same(node, load(w[GOAL], j)) ^ all_ones)
        store(w[WALKS], j, goes)
        left |= bits(goes)
    return left
