"""What becomes of a whole block of packets in the stateful stage: who is asked about, what the
groups say, and what known flows make of that.

Theory: the groups' word on a packet depends on nothing but the packet, so a block is asked about at
once, or not at all. Invariant: a packet of a known flow ends as delivered, without decisions. Cost:
a few words per packet; `ask` what deciding costs. Arguments: `t` Tables (a named tuple that says
its types), `w` u32[ROWS + MORE_ROWS, block + 8] (`sim.kernels.pipeline.block_rows`, and the rows
below), `q` u64[BLOCK_ROWS, block] and `c` i64[13], counters (`sim.kernels.pipeline.flow_table`),
`at` the block's first row and `n` how many it has (i64), `time` i64[packets] in ns, `portless`
bool[packets]."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined, kernel
from sim.kernels.arrays import I64, Bools
from sim.kernels.match.lanes import below, bits, load, pick, same, splat, store
from sim.kernels.pipeline.block_rows import (
    FLOW,
    INTO,
    NOBODY,
    ON,
    ONE,
    OUT,
    REASON,
    ROUTE,
    SENT,
    ZERO,
    listed,
)
from sim.kernels.pipeline.block_rows import ROWS as PATH_ROWS
from sim.kernels.pipeline.flow_table import CLOCK, NOW
from sim.kernels.pipeline.path import conclude, decide_in, decide_out
from sim.packets.reasons import Reason

U, W = np.uint64, np.uint32
DELIVERED = W(Reason.DELIVERED)
ARRIVED, AGAIN, SIDE, KIND = (U(PATH_ROWS + i) for i in range(4))
MORE_ROWS = 4
"""Rows of a block that only this stage has."""
OPENER, ANSWERER, RELATED_STATE = W(1), W(2), W(3)
"""What `flow_state` says."""


@kernel
def ask(t: Any, d: Any, n: Any, w: Any) -> None:
    """The groups' word on everyone in `SENT`, as if each opened a flow.

    `t` Tables, `d` LaneTables (named tuples that say their types), `w` u32[ROWS + MORE_ROWS, block
    + 8], `n` i64.
    """
    decide_out(t, d, n, w)
    decide_in(t, d, n, w)
    none, nobody = splat(W(0)), splat(NOBODY)
    for k in range(0, n, 8):
        j = U(k)
        into = pick(same(load(w[REASON], j), none), load(w[INTO], j), nobody)
        store(w[INTO], j, into)
    conclude(n, w)


@inlined
def tell_time(time: I64, at: int, n: int, q: Any, c: I64) -> None:
    """The clock of each packet, which never runs backwards."""
    clock = c[CLOCK]
    for row in range(n):
        clock = max(clock, time[U(at + row)])
        q[NOW, U(row)] = U(clock)


@inlined
def with_ports(portless: Bools, at: int, n: int, w: Any) -> None:
    """Nobody asks about packets without ports, and they go nowhere."""
    for row in range(n):
        j = U(row)
        if portless[U(at + row)]:
            w[SENT, j] = w[ON, j] = W(0)


@inlined
def line_up(n: int, w: Any) -> tuple[Any, Any]:
    """List in `ARRIVED` whom routing takes all the way; returns how many, and whether some were
    sent and did not arrive, on whom the groups have a word too. Nobody was asked anything yet."""
    arrived, lost, nobody = ZERO, ZERO, splat(NOBODY)
    for k in range(0, n, 8):
        j = U(k)
        on = load(w[ON], j)
        lost |= bits(load(w[SENT], j) ^ on)
        arrived = listed(w[ARRIVED], arrived, k, bits(on))
        store(w[REASON], j, load(w[ROUTE], j))
        store(w[OUT], j, nobody)
        store(w[INTO], j, nobody)
    while arrived > ZERO and U(w[ARRIVED, arrived - ONE]) >= U(n):
        arrived -= ONE
    return arrived, lost != ZERO


@inlined
def known_pass(n: int, w: Any) -> None:
    """Packets of known flows are delivered, whatever the groups say."""
    nobody, related, none = splat(NOBODY), splat(RELATED_STATE), splat(W(0))
    for k in range(0, n, 8):
        j = U(k)
        flow = load(w[FLOW], j)
        known = below(none, flow) & below(flow, related)
        store(w[REASON], j, pick(known, splat(DELIVERED), load(w[REASON], j)))
        store(w[OUT], j, pick(known, nobody, load(w[OUT], j)))
        store(w[INTO], j, pick(known, nobody, load(w[INTO], j)))
