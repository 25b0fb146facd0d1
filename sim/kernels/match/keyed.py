"""Keyed blocks: the key finds a block, the block's tries and classes find the rule.

Keys are VNI, direction and endpoint; those that no rule names share the first place of each axis,
whose block holds just the rules for any key. The leaves of a block's source trie come with the
block's place in the tables, so nothing about a block is read but its roots and its L4 classes.

Theory: where every rule names its VNI, direction or endpoint, rules of one key form a problem of
their own, and equal problems share a block. Invariants: a key that no rule names has block 0 of
its axis; `uses_*` are constants of a table, so the branches on them are always predicted. Cost per
packet: one to four look-ups for the block, eight for byte tries, three or four for the class, two
for the answer. Arguments: `t` `sim.classify.engines.keyed.KeyedTables`, `c`
`sim.classify.engines.lookup.Headers32` (named tuples that say their types), `i` a packet (u64).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined, kernel
from sim.kernels.match.l4 import l4_class, l4_class8
from sim.kernels.match.lanes import gather, least, load, splat, store
from sim.kernels.match.tries import byte_walk, byte_walks

U, W = np.uint64, np.uint32
BLOCK = 512
ROOT, DESTINATION, BYTE_SHIFT, BYTE = W(9), W(256), W(8), W(255)
DIRECTIONS, ANY_DIRECTION = W(3), W(2)


@inlined
def block_of(t: Any, c: Any, i: Any) -> Any:
    """The block of packet i."""
    k = W(0)
    if t.uses_vni:
        at = min(W(c.vni[i] - t.vni_first), t.vni_last)
        if t.vni_pages:
            at = t.vni_root[U(at >> BYTE_SHIFT)] << BYTE_SHIFT | (at & BYTE)
        k = t.vni[U(at)]
    if not t.uses_others:
        return k
    if t.uses_direction:
        k = k * DIRECTIONS + min(W(c.direction[i]), ANY_DIRECTION)
    if t.uses_endpoint:
        e = min(c.endpoint[i], t.endpoint_last)
        page = t.endpoint_root[U(e >> BYTE_SHIFT)] << BYTE_SHIFT
        k = k * t.n_endpoints + t.endpoint_page[U(page | (e & BYTE))]
    return t.block[U(k)]


@inlined
def block_of8(t: Any, c: Any, i: Any) -> Any:
    """The blocks of packets i .. i + 7."""
    k = splat(W(0))
    if t.uses_vni:
        at = least(load(c.vni, i) - t.vni_first, splat(t.vni_last))
        if t.vni_pages:
            at = (gather(t.vni_root, at >> BYTE_SHIFT) << BYTE_SHIFT) | (at & BYTE)
        k = gather(t.vni, at)
    if t.uses_others:
        if t.uses_direction:
            k = k * DIRECTIONS + least(load(c.direction, i), splat(ANY_DIRECTION))
        if t.uses_endpoint:
            e = least(load(c.endpoint, i), splat(t.endpoint_last))
            page = gather(t.endpoint_root, e >> BYTE_SHIFT)
            k = k * t.n_endpoints + gather(t.endpoint_page, (page << BYTE_SHIFT) | (e & BYTE))
        k = gather(t.block, k)
    return k


@kernel
def match_blocks(t: Any, c: Any, begin: int, end: int, answer: Any, out: Any) -> None:
    """The one answer of the block of each packet `begin..end`, where every block has just one.

    `t` the engine's tables and `c` the packets' columns (named tuples that say their types),
    `answer` i32[blocks], `out` i32[packets].
    """
    for row in range(begin, end):
        out[row] = answer[U(block_of(t, c, U(row)))]


@kernel
def match_keyed(t: Any, c: Any, begin: int, end: int, scratch: Any, out: Any) -> None:
    """Rule ids of packets `begin..end`, one at a time.

    `t` the engine's tables and `c` the packets' columns (named tuples that say their types),
    `scratch` u32[rows, BLOCK + 8 or more], `out` i32[packets].
    """
    for row in range(begin, end):
        i = U(row)
        b = block_of(t, c, i)
        root = b << ROOT
        cell = U(byte_walk(t.trie, root, c.src[i])) + U(
            byte_walk(t.trie, root | DESTINATION, c.dst[i])
        )
        z = l4_class(t, c, i)
        if t.uses_y:
            z = W(t.y[U(z)])
        local = U(t.local[U(b) * U(t.n_local) + U(z)])
        if t.uses_x:
            cell = U(t.x[cell])
        out[i] = t.f[cell + local]


@kernel
def match_keyed8(t: Any, c: Any, begin: int, end: int, scratch: Any, out: Any) -> None:
    """Those of packets `begin..end`, a multiple of eight, eight at a time.

    `t` the engine's tables and `c` the packets' columns (named tuples that say their types),
    `scratch` u32[rows, BLOCK + 8 or more], `out` i32[packets].
    """
    src, dst, local = scratch[0], scratch[1], scratch[2]
    for first in range(begin, end, BLOCK):
        base, stop = U(first), U(min(first + BLOCK, end) - first)
        for k in range(0, stop, 8):
            j, i = U(k), base + U(k)
            b = block_of8(t, c, i)
            store(src, j, b << ROOT)
            store(dst, j, (b << ROOT) | DESTINATION)
            z = l4_class8(t, c, i)
            if t.uses_y:
                z = gather(t.y, z)
            store(local, j, b * t.n_local + z)
        byte_walks(t.trie, c.src, base, stop, src)
        byte_walks(t.trie, c.dst, base, stop, dst)
        for k in range(0, stop, 8):
            j = U(k)
            cell = load(src, j) + load(dst, j)
            if t.uses_x:
                cell = gather(t.x, cell)
            store(src, j, cell + gather(t.local, load(local, j)))
        for k in range(0, stop, 8):
            store(out, base + U(k), gather(t.f, load(src, U(k))))
