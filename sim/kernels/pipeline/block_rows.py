"""What is known about a block of packets between the steps of the datapath.

A block is `w`, uint32 [ROWS, block + 8]: a row per thing known, a column per packet. Steps read and
write eight columns at a time (`sim.kernels.match.lanes`), so the last ones of a block may be
nobody's: they hold what was there before, zeros at first, and steps see to it that any header is
safe. Only `take_in` and `hand_out` read and write packets' own columns, and these no further than
they go.

Signed columns are kept as they are, so -1 is `NOBODY`. Masks are all ones or zero.

Theory: a transposition of the work, from packet by packet to step by step; packets of a block are
independent of each other. Invariants: a step reads what steps before it wrote for the same packet;
lists hold packets of the block once, in order. Cost: a load and a store per word and eight packets.
Arguments: `h` Headers, `o` Verdicts (named tuples that say their types), `w` as above, `begin` the
block's first row in them, `n` how many rows it has (i64).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined
from sim.kernels.match.lanes import ORDERS, count_bits, load, load_high, load_low, store

U, W = np.uint64, np.uint32
NOBODY = W(2**32 - 1)
ALL = NOBODY
ZERO, ONE, THREE = U(0), U(1), U(3)

(
    VRF, VERSION, SRC_0, SRC_1, SRC_2, SRC_3, DST_0, DST_1, DST_2, DST_3, PROTOCOL, SPORT, DPORT,
    CLAIMED, SRC, DST, SOURCE, TARGET, ENTRY, HOP, PORT, REMOTE, L4, SETS, REMOTES, FROM, FROM_VRF,
    TO, OUT_CELL, OUT_POOL, OUT_COLUMN, OUT_VALUES, OUT_WIDTH, IN_CELL, IN_POOL, IN_COLUMN,
    IN_VALUES, IN_WIDTH, SENT, ON, ROUTE, OUT, INTO, WHY, REASON, FLOW, PATH, LIST, LIST_6, FOUND,
) = (U(i) for i in range(50))  # fmt: skip
ROWS = 50
"""Of the header: addresses are four words each, low ones first. `SRC` and `DST` are atoms, `SOURCE`
and `TARGET` endpoints; `ENTRY`, `HOP`, `FROM` and `TO` VTEPs: where the packet comes in and where
it is sent, and those of the tunnel that it takes last. `REMOTE` is the VRF there. `SENT` and `ON`
are masks: who found a route, and who is still on the way. `WHY` is the reason that the groups of
the receiver give. `FOUND` is what a search found of each in its list."""


@inlined
def take_in(h: Any, begin: Any, n: Any, w: Any) -> None:
    """Write the headers of a block."""
    whole = min(n, len(h.vrf) - begin - 7)
    done = 0
    for k in range(0, whole, 8):
        i, j = U(begin + k), U(k)
        store(w[VRF], j, load(h.vrf, i))
        store(w[VERSION], j, load(h.version, i))
        store(w[SRC_0], j, load_low(h.src_lo, i))
        store(w[SRC_1], j, load_high(h.src_lo, i))
        store(w[SRC_2], j, load_low(h.src_hi, i))
        store(w[SRC_3], j, load_high(h.src_hi, i))
        store(w[DST_0], j, load_low(h.dst_lo, i))
        store(w[DST_1], j, load_high(h.dst_lo, i))
        store(w[DST_2], j, load_low(h.dst_hi, i))
        store(w[DST_3], j, load_high(h.dst_hi, i))
        store(w[PROTOCOL], j, load(h.protocol, i))
        store(w[SPORT], j, load(h.sport, i))
        store(w[DPORT], j, load(h.dport, i))
        store(w[CLAIMED], j, load(h.src_endpoint, i))
        done = k + 8
    for k in range(done, n):
        i, j = U(begin + k), U(k)
        w[VRF, j], w[VERSION, j] = W(h.vrf[i]), h.version[i]
        w[SRC_0, j], w[SRC_1, j] = low(h.src_lo[i]), high(h.src_lo[i])
        w[SRC_2, j], w[SRC_3, j] = low(h.src_hi[i]), high(h.src_hi[i])
        w[DST_0, j], w[DST_1, j] = low(h.dst_lo[i]), high(h.dst_lo[i])
        w[DST_2, j], w[DST_3, j] = low(h.dst_hi[i]), high(h.dst_hi[i])
        w[PROTOCOL, j], w[SPORT, j], w[DPORT, j] = h.protocol[i], h.sport[i], h.dport[i]
        w[CLAIMED, j] = W(h.src_endpoint[i])


@inlined
def hand_out(o: Any, begin: Any, n: Any, w: Any) -> None:
    """Write the verdicts of a block."""
    done = 0
    for k in range(0, n - 7, 8):
        i, j = U(begin + k), U(k)
        store(o.reason, i, load(w[REASON], j))
        store(o.route, i, load(w[ROUTE], j))
        store(o.out_decision, i, load(w[OUT], j))
        store(o.in_decision, i, load(w[INTO], j))
        store(o.src_endpoint, i, load(w[SOURCE], j))
        store(o.dst_endpoint, i, load(w[TARGET], j))
        store(o.entry, i, load(w[ENTRY], j))
        store(o.next_hop, i, load(w[HOP], j))
        store(o.outer_sport, i, load(w[PORT], j))
        store(o.path, i, load(w[PATH], j))
        store(o.flow_state, i, load(w[FLOW], j))
        done = k + 8
    for k in range(done, n):
        i, j = U(begin + k), U(k)
        o.reason[i], o.route[i], o.flow_state[i] = w[REASON, j], w[ROUTE, j], w[FLOW, j]
        o.out_decision[i], o.in_decision[i] = signed(w[OUT, j]), signed(w[INTO, j])
        o.src_endpoint[i], o.dst_endpoint[i] = signed(w[SOURCE, j]), signed(w[TARGET, j])
        o.entry[i], o.next_hop[i] = signed(w[ENTRY, j]), signed(w[HOP, j])
        o.outer_sport[i], o.path[i] = w[PORT, j], w[PATH, j]


@inlined
def take_back(o: Any, begin: Any, n: Any, w: Any) -> None:
    """Write what verdicts say of a block."""
    whole, done = min(n, len(o.reason) - begin - 7), 0
    for k in range(0, whole, 8):
        i, j = U(begin + k), U(k)
        store(w[REASON], j, load(o.reason, i))
        store(w[OUT], j, load(o.out_decision, i))
        store(w[INTO], j, load(o.in_decision, i))
        store(w[ENTRY], j, load(o.entry, i))
        store(w[HOP], j, load(o.next_hop, i))
        store(w[PORT], j, load(o.outer_sport, i))
        store(w[FLOW], j, load(o.flow_state, i))
        done = k + 8
    for k in range(done, n):
        i, j = U(begin + k), U(k)
        w[REASON, j], w[FLOW, j], w[PORT, j] = o.reason[i], o.flow_state[i], o.outer_sport[i]
        w[OUT, j], w[INTO, j] = W(o.out_decision[i]), W(o.in_decision[i])
        w[ENTRY, j], w[HOP, j] = W(o.entry[i]), W(o.next_hop[i])


@inlined
def low(word: Any) -> Any:
    """The low half of `word`, u64."""
    return W(word & U(2**32 - 1))


@inlined
def high(word: Any) -> Any:
    """The high half of `word`, u64."""
    return W(word >> U(32))


@inlined
def signed(word: Any) -> Any:
    """A word (`word`, u32) as the column has it."""
    return np.int32(word)


@inlined
def address(w: Any, first: Any, j: Any) -> tuple[Any, Any]:
    """An address in its two halves, the high one first: that of column `j` whose low word stands in
    row `first` (u64)."""
    s32 = U(32)
    low_half = U(w[first, j]) | (U(w[first + ONE, j]) << s32)
    return U(w[first + U(2), j]) | (U(w[first + U(3), j]) << s32), low_half


@inlined
def listed(row: Any, n: Any, k: Any, on: Any) -> Any:
    """Append packets `k` to `k + 7` whose bit is set to a list of `n`; returns how many there are
    then. Without a branch, which nobody could predict: what stands behind the list is somebody's
    column too, and is written over.

    `row` u32[block + 8], of which `n` (u64) are taken; `on` u64, a bit for each of the eight.
    """
    store(row, n, load(ORDERS, on << THREE) + W(k))
    return n + count_bits(on)
