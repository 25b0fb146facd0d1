"""Counters: what every entry, drop reason and link has seen.

Each thread counts into arrays of its own; the caller adds them. `forward_and_count` decides and
counts block by block and writes verdicts only for who wants them, which is all that a replay needs;
`tally` and `walk` count what verdicts say that somebody else made, or changed.

`flow_state` is 0 for a packet that the policy groups decided and non-zero for one that the flow
table let through, which no entry counts. Links count the packets that enter them, encapsulated, by
direction: `2 * link` from the lower end up, `2 * link + 1` down.

Theory: counters are sums over packets, which any split into threads and blocks leaves as they are.
Invariants: every packet counts in exactly one row at the sender and in one at the receiver; sums do
not depend on how rows are dealt to threads. Cost: `tally` four additions per packet.
Arguments: `t` Tables, `d` LaneTables, `r` Routes, `h` Headers, `o` Verdicts (named tuples that say
their types), rows from `begin` to `end` (i64) of `length`, `count` (u32[packets]), `w` u32[ROWS,
block + 8] (`sim.kernels.pipeline.block_rows`), `pairs` u64[2 x block] (`sim.kernels.pairs`),
`links` u64[2 x (2 x links + 1)] (`sim.kernels.pipeline.link_walk`); `in_from` (i64) and `c` (u64[2
x rows]) as `tally_block` says; `n` is how many packets a block has (i64).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined, kernel
from sim.kernels.arrays import U32, U64, Index
from sim.kernels.match.lanes import load, pick, same, splat, store
from sim.kernels.pairs import add_pair, weigh
from sim.kernels.pipeline.block_rows import (
    FOUND,
    INTO,
    LIST_6,
    NOBODY,
    ONE,
    OUT,
    PATH,
    REASON,
    hand_out,
    take_back,
)
from sim.kernels.pipeline.link_walk import walk_block
from sim.kernels.pipeline.path import decide_block
from sim.packets.reasons import LIMIT

U, W = np.uint64, np.uint32
OUT_FROM = LIMIT + 1
SENDER, RECEIVER = LIST_6, FOUND
"""Rows that nobody reads any more: where packets count."""


@inlined
def tally_block(w: Any, n: Any, pairs: Any, in_from: Any, c: Any) -> None:
    """Add a block to `c`: packets and bytes per row.

    A packet counts twice: in the row of its decision at the sender (`OUT_FROM` on; the row before
    is for those without), and in that of its decision at the receiver (`in_from` on) or, without
    one, of its reason.
    """
    nobody = splat(NOBODY)
    for k in range(0, n, 8):
        j = U(k)
        into = load(w[INTO], j)
        last = pick(same(into, nobody), load(w[REASON], j), into + W(in_from))
        first = load(w[OUT], j) + W(OUT_FROM)
        store(w[SENDER], j, first + first)
        store(w[RECEIVER], j, last + last)
    for k in range(n):
        add_pair(c, U(w[SENDER, U(k)]), pairs, U(k) << ONE)
        add_pair(c, U(w[RECEIVER, U(k)]), pairs, U(k) << ONE)


@kernel
def forward_and_count(
    t: Any,
    d: Any,
    r: Any,
    h: Any,
    length: U32,
    count: U32,
    begin: int,
    end: int,
    in_from: int | Index,
    w: Any,
    pairs: Any,
    c: U64,
    links: U64,
    kept: bool,
    o: Any,
) -> None:
    """Decide rows `begin..end` of headers `h` and count them; with `kept` the columns of `o` say
    what became of each."""
    size = w.shape[1] - 8
    for at in range(begin, end, size):
        n = min(size, end - at)
        decide_block(t, d, h, False, at, n, w)
        weigh(n, length, count, at, pairs)
        tally_block(w, n, pairs, in_from, c)
        walk_block(t, r, w, n, pairs, links)
        if kept:
            hand_out(o, at, n, w)


@kernel
def tally(
    o: Any,
    length: U32,
    count: U32,
    begin: int,
    end: int,
    in_from: int | Index,
    w: Any,
    pairs: Any,
    c: U64,
) -> None:
    """Add rows `begin..end` of verdicts to `c`."""
    size = w.shape[1] - 8
    for at in range(begin, end, size):
        n = min(size, end - at)
        take_back(o, at, n, w)
        weigh(n, length, count, at, pairs)
        tally_block(w, n, pairs, in_from, c)


@kernel
def walk(
    t: Any,
    r: Any,
    o: Any,
    length: U32,
    count: U32,
    begin: int,
    end: int,
    w: Any,
    pairs: Any,
    links: U64,
) -> None:
    """Take rows `begin..end` of verdicts through the underlay; each gets its path hash."""
    size = w.shape[1] - 8
    for at in range(begin, end, size):
        n = min(size, end - at)
        take_back(o, at, n, w)
        weigh(n, length, count, at, pairs)
        walk_block(t, r, w, n, pairs, links)
        for k in range(n):
            o.path[U(at + k)] = w[PATH, U(k)]


def tally_rows(n_decisions: int) -> tuple[int, int]:
    """Where the decisions at the receiver begin, and how many rows there are."""
    return OUT_FROM + n_decisions, OUT_FROM + 2 * n_decisions


def split(dec_reason: Any, c: Any) -> tuple[Any, Any]:
    """Counters per reason and per decision from those of `tally`."""
    rows = c.reshape(-1, 2)
    out, into = rows[OUT_FROM:].reshape(2, -1, 2)
    reasons = rows[:LIMIT].copy()
    np.add.at(reasons, dec_reason, into)
    return reasons, out + into
