"""The datapath of flows, from the source's address to the decisions of both ends.

Per packet: bind the source, look its destination up in the source VTEP's FIB, pick a next hop by
the flow's hash, decide OUT, then at the next hop's VTEP bind the destination unless its route leads
on (where that is permitted, pass it on), find behind which VRF the source lies there, decide IN.
Every step is a gather on atoms (`sim.blocks.blocks`).

Packets go in blocks, each step is a loop over a block, eight packets at a time and without a
branch: what becomes of a packet is anyone's guess, and a wrong guess costs more than the step. A
loop has as few loads that wait for each other as can be, so the waits for memory of many packets
overlap. What is rare (several owners, several next hops, another VRF, a route that leads on) stands
in a list, whose packets a step takes one by one behind the others. Between steps a block keeps what
it knows in `w` (`sim.kernels.pipeline.block_rows`).

`d.ends` has a line of eight words per endpoint and direction (OUT first): where its routes begin in
`fib`, VTEP (`NOBODY` for an endpoint with several), VRF, number of remote VRFs, and where its
block's cells, L4 atoms and values begin and how wide these are.

`route` holds what routing alone says (0: both ends found), `out_decision` and `in_decision` what
the policy blocks say; `reason` folds the three in pipeline order. With `complete` the IN side is
computed although OUT denies. `sim.kernels.pipeline.flows` takes the same steps, but asks the policy
blocks only about blocks in which somebody's flow is unknown.

Theory: what becomes of a packet is a function of atoms, tabulated; a step maps (node, VRF, header)
to one next hop of the set that routes name. Invariants: a packet whose mask is zero reads first
elements of tables and nothing else; a row's verdict is that of the first step that stops it;
offsets and indices have 32 bits (`sim.pipeline.lane_tables` refuses larger tables). Cost per
packet: two addresses, two next-hop sets, and per side one cell, one column and one decision.
Arguments: `t` Tables, `d` LaneTables, `h` Headers, `o` Verdicts (named tuples that say their
types), `w` u32[ROWS, block + 8], rows from `begin` to `end` or `n` of a block (i64), `complete`
bool."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.blocks.end_words import (
    CELLS,
    COLUMNS,
    FIB,
    POOL,
    VALUES,
    VRF_OF,
    VTEP,
    WIDTH,
    WIDTH_BITS,
)
from sim.kernels import inlined, kernel
from sim.kernels.match.lanes import below, bits, gather, load, pick, records, same, splat, store
from sim.kernels.match.long_lanes import join, low_half
from sim.kernels.pipeline.atoms import MISS, find_atoms
from sim.kernels.pipeline.block_rows import (
    ALL,
    CLAIMED,
    DPORT,
    DST,
    DST_0,
    DST_1,
    DST_2,
    DST_3,
    ENTRY,
    FLOW,
    FROM,
    FROM_VRF,
    HOP,
    IN_CELL,
    IN_COLUMN,
    IN_POOL,
    IN_VALUES,
    IN_WIDTH,
    INTO,
    L4,
    LIST,
    NOBODY,
    ON,
    OUT,
    OUT_CELL,
    OUT_COLUMN,
    OUT_POOL,
    OUT_VALUES,
    OUT_WIDTH,
    PORT,
    PROTOCOL,
    REASON,
    REMOTE,
    REMOTES,
    ROUTE,
    SENT,
    SETS,
    SOURCE,
    SPORT,
    SRC,
    SRC_0,
    SRC_1,
    SRC_2,
    SRC_3,
    TARGET,
    TO,
    VRF,
    WHY,
    ZERO,
    hand_out,
    listed,
    take_in,
)
from sim.kernels.pipeline.ecmp import K0, K1, K2, K3, K4, mixed
from sim.kernels.pipeline.one_by_one import (
    NO_ROUTE,
    PA_VALIDATION,
    UNKNOWN_SOURCE,
    arrive_alone,
    bind_source_alone,
    leave_alone,
    look_back_alone,
)

U, W = np.uint64, np.uint32
EIGHT, SIXTEEN = W(8), W(16)
ABOVE, BELOW = W(WIDTH_BITS), W((1 << WIDTH_BITS) - 1)


@inlined
def bind_source(t: Any, d: Any, n: Any, w: Any) -> None:
    """The endpoint that owns the source address, if it is the one that claims to send and its own
    VTEP does not route the address on. `ON` is who was bound and can look for a route."""
    all_ones, missing, none = splat(ALL), splat(W(MISS)), splat(W(0))
    nobody = splat(NOBODY)
    rest = ZERO
    for k in range(0, n, 8):
        j = U(k)
        atoms, claimed = load(w[SRC], j), load(w[CLAIMED], j)
        found = below(atoms, missing)
        base = gather(d.base, load(w[VRF], j) & found)
        local = gather(t.atom_local, (base + atoms) & found)
        plain = found & below(local, nobody) & (same(claimed, local) | same(claimed, nobody))
        store(w[SOURCE], j, pick(plain, local, nobody))
        store(w[ON], j, plain)
        store(w[ROUTE], j, pick(plain, splat(NO_ROUTE), splat(UNKNOWN_SOURCE)))
        store(w[FLOW], j, none)
        rest = listed(w[LIST], rest, k, bits(found & (plain ^ all_ones)))
    for k in range(rest):
        bind_source_alone(t, U(w[LIST, U(k)]), w)


@inlined
def leave(t: Any, d: Any, n: Any, w: Any) -> None:
    """Next hop by route and hash, and where the OUT groups' word on the packet stands. `ON` and
    `SENT` are who has a route."""
    _look_out(t, d, n, w)
    _ports(t, n, w)
    none, nobody, all_ones = splat(W(0)), splat(NOBODY), splat(ALL)
    rest = ZERO
    for k in range(0, n, 8):
        j = U(k)
        on, sets = load(w[ON], j), load(w[SETS], j)
        hop, remote = gather(d.set_vtep, sets), gather(d.set_vrf, sets)
        plain = below(hop, nobody)
        store(w[HOP], j, hop)
        store(w[REMOTE], j, remote)
        store(w[SENT], j, plain)
        store(w[ROUTE], j, pick(plain, none, load(w[ROUTE], j)))
        index = gather(t.remote_index, (load(w[REMOTES], j) + remote) & plain)
        store(w[OUT_POOL], j, load(w[OUT_POOL], j) + index)
        rest = listed(w[LIST], rest, k, bits(on & (plain ^ all_ones)))
    for k in range(rest):
        leave_alone(t, d, U(w[LIST, U(k)]), w)
    for k in range(0, n, 8):
        store(w[ON], U(k), load(w[SENT], U(k)))


@inlined
def _look_out(t: Any, d: Any, n: Any, w: Any) -> None:
    """The set of next hops of everyone in `ON`, plus one (0: none that is plain), and the hash."""
    nobody, one, n_vrfs = splat(NOBODY), splat(W(1)), W(t.remote_index.shape[1])
    for k in range(0, n, 8):
        j = U(k)
        on, dst = load(w[ON], j), load(w[DST], j)
        line = records(d.ends, (load(w[SOURCE], j) & on) << W(3))
        there = on & below(line[VTEP], nobody) & below(line[FIB], nobody)
        sets = gather(t.fib, (line[FIB] + dst) & there)
        store(w[SETS], j, (sets + one) & there)
        store(w[ENTRY], j, pick(on, line[VTEP], nobody))
        store(w[REMOTES], j, line[VRF_OF] * n_vrfs)
        store(w[OUT_CELL], j, line[CELLS] + dst)
        store(w[OUT_POOL], j, line[POOL])
        store(w[OUT_COLUMN], j, line[COLUMNS])
        store(w[OUT_VALUES], j, line[VALUES])
        store(w[OUT_WIDTH], j, line[WIDTH])
    for k in range(0, n, 8):
        j = U(k)
        ports = join((load(w[SPORT], j) << SIXTEEN) | load(w[DPORT], j), load(w[PROTOCOL], j))
        hashed = mixed(
            join(load(w[SRC_0], j), load(w[SRC_1], j)) * K0
            + join(load(w[SRC_2], j), load(w[SRC_3], j)) * K1
            + join(load(w[DST_0], j), load(w[DST_1], j)) * K2
            + join(load(w[DST_2], j), load(w[DST_3], j)) * K3
            + ports * K4
        )
        port = (low_half(hashed) & W(0x3FFF)) | W(49152)
        store(w[PORT], j, port & load(w[ON], j))


@inlined
def _ports(t: Any, n: Any, w: Any) -> None:
    """Atoms of protocols and ports."""
    n_sport = W(t.n_sport[ZERO])
    for k in range(0, n, 8):
        j = U(k)
        of = gather(t.proto_class, load(w[PROTOCOL], j))
        q = gather(t.dport_atom, (of << SIXTEEN) | load(w[DPORT], j))
        if n_sport > W(1):
            q = q * n_sport + gather(t.sport_atom, load(w[SPORT], j))
        store(w[L4], j, q)


@inlined
def decide_out(t: Any, d: Any, n: Any, w: Any) -> None:
    """The OUT groups' word on everyone in `SENT`."""
    nobody = splat(NOBODY)
    for k in range(0, n, 8):
        j = U(k)
        store(w[OUT], j, gather(d.cell_row, load(w[OUT_CELL], j) & load(w[SENT], j)))
    for k in range(0, n, 8):
        j = U(k)
        sent, l4, width = load(w[SENT], j), load(w[L4], j), load(w[OUT_WIDTH], j)
        cell = load(w[OUT_POOL], j) + load(w[OUT], j) * (width >> ABOVE)
        row = gather(d.pool, cell & sent)
        column = gather(t.l4_class, (load(w[OUT_COLUMN], j) + l4) & sent)
        at = load(w[OUT_VALUES], j) + row * (width & BELOW) + column
        store(w[OUT], j, at & sent)
    for k in range(0, n, 8):
        j = U(k)
        sent = load(w[SENT], j)
        decision = gather(t.f, load(w[OUT], j))
        reason = gather(t.dec_reason, decision)
        store(w[OUT], j, pick(sent, decision, nobody))
        store(w[REASON], j, pick(sent, reason, load(w[ROUTE], j)))


@inlined
def arrive(t: Any, d: Any, n: Any, w: Any) -> None:
    """Carry everyone in `ON` to the far end and bind both addresses there. `ON` is then who was
    bound, `SETS` the set of next hops by which its VTEP looks for the source, plus one."""
    nobody, into, three = splat(NOBODY), W(len(t.ep_vrf)), W(3)
    uncut = splat(W(0) if d.cut[ZERO] else ALL)
    for k in range(0, n, 8):
        j = U(k)
        on, vrf = load(w[ON], j), load(w[VRF], j)
        inside = on & uncut & same(vrf, load(w[REMOTE], j))
        base = gather(d.base, vrf & inside)
        bound = gather(t.atom_local, (base + load(w[DST], j)) & inside)
        store(w[TARGET], j, pick(inside, bound, nobody))
        store(w[FROM], j, load(w[ENTRY], j))
        store(w[FROM_VRF], j, vrf)
        store(w[TO], j, load(w[HOP], j))
    all_ones, one, n_vrfs, rest = splat(ALL), splat(W(1)), W(t.remote_index.shape[1]), ZERO
    for k in range(0, n, 8):
        j = U(k)
        on, bound, source = load(w[ON], j), load(w[TARGET], j), load(w[SRC], j)
        plain = below(bound, nobody)
        line = records(d.ends, ((bound + into) & plain) << three)
        plain = plain & same(line[VTEP], load(w[HOP], j))
        there = plain & below(line[FIB], nobody)
        sets = gather(t.fib, (line[FIB] + source) & there)
        store(w[SETS], j, (sets + one) & there)
        store(w[REMOTES], j, line[VRF_OF] * n_vrfs)
        store(w[IN_CELL], j, line[CELLS] + source)
        store(w[IN_POOL], j, line[POOL])
        store(w[IN_COLUMN], j, line[COLUMNS])
        store(w[IN_VALUES], j, line[VALUES])
        store(w[IN_WIDTH], j, line[WIDTH])
        store(w[TARGET], j, pick(plain, bound, nobody))
        store(w[ROUTE], j, pick(plain, splat(PA_VALIDATION), load(w[ROUTE], j)))
        store(w[ON], j, plain)
        rest = listed(w[LIST], rest, k, bits(on & (plain ^ all_ones)))
    for k in range(rest):
        arrive_alone(t, d, U(w[LIST, U(k)]), w)


@inlined
def look_back(t: Any, d: Any, n: Any, w: Any) -> None:
    """Behind which VRF the far end sees the source: that of a next hop of the route back which
    leads to the outer VTEP, the VRF there if it is among them; and where IN's word stands. `ON` is
    then whom routing takes all the way."""
    none, all_ones, rest = splat(W(0)), splat(ALL), ZERO
    for k in range(0, n, 8):
        j = U(k)
        on, sets = load(w[ON], j), load(w[SETS], j)
        plain = on & same(gather(d.set_vtep, sets), load(w[FROM], j))
        seen = gather(d.set_vrf, sets)
        index = gather(t.remote_index, (load(w[REMOTES], j) + seen) & plain)
        store(w[IN_POOL], j, load(w[IN_POOL], j) + (index & plain))
        store(w[ROUTE], j, pick(plain, none, load(w[ROUTE], j)))
        store(w[ON], j, plain)
        rest = listed(w[LIST], rest, k, bits(on & (plain ^ all_ones)))
    for k in range(rest):
        look_back_alone(t, U(w[LIST, U(k)]), w)


@inlined
def decide_in(t: Any, d: Any, n: Any, w: Any) -> None:
    """The IN groups' word on everyone in `ON`."""
    nobody = splat(NOBODY)
    for k in range(0, n, 8):
        j = U(k)
        store(w[INTO], j, gather(d.cell_row, load(w[IN_CELL], j) & load(w[ON], j)))
    for k in range(0, n, 8):
        j = U(k)
        on, l4, width = load(w[ON], j), load(w[L4], j), load(w[IN_WIDTH], j)
        cell = load(w[IN_POOL], j) + load(w[INTO], j) * (width >> ABOVE)
        row = gather(d.pool, cell & on)
        column = gather(t.l4_class, (load(w[IN_COLUMN], j) + l4) & on)
        at = load(w[IN_VALUES], j) + row * (width & BELOW) + column
        store(w[INTO], j, at & on)
    for k in range(0, n, 8):
        j = U(k)
        decision = gather(t.f, load(w[INTO], j))
        store(w[WHY], j, gather(t.dec_reason, decision))
        store(w[INTO], j, pick(load(w[ON], j), decision, nobody))


@inlined
def conclude(n: Any, w: Any) -> None:
    """The reason of everyone in `SENT`: OUT, then the tunnel and its far end, then IN."""
    none, nobody = splat(W(0)), splat(NOBODY)
    for k in range(0, n, 8):
        j = U(k)
        reason = load(w[REASON], j)
        after = pick(below(load(w[INTO], j), nobody), load(w[WHY], j), load(w[ROUTE], j))
        store(w[REASON], j, pick(load(w[SENT], j) & same(reason, none), after, reason))


@inlined
def go_on(n: Any, w: Any) -> None:
    """Whom the OUT groups deny goes no further."""
    none = splat(W(0))
    for k in range(0, n, 8):
        j = U(k)
        store(w[ON], j, load(w[SENT], j) & same(load(w[REASON], j), none))


@inlined
def decide_block(t: Any, d: Any, h: Any, complete: Any, at: Any, n: Any, w: Any) -> None:
    """What becomes of a block of packets, which is row `at` of headers on."""
    take_in(h, at, n, w)
    find_atoms(t, d, n, w)
    bind_source(t, d, n, w)
    leave(t, d, n, w)
    decide_out(t, d, n, w)
    if not complete:
        go_on(n, w)
    arrive(t, d, n, w)
    look_back(t, d, n, w)
    decide_in(t, d, n, w)
    conclude(n, w)


@kernel
def forward(t: Any, d: Any, h: Any, complete: Any, begin: Any, end: Any, w: Any, o: Any) -> None:
    """Rows `begin..end` of headers `h`; results go to the columns of `o` (see
    `sim.pipeline.datapath`)."""
    size = w.shape[1] - 8
    for at in range(begin, end, size):
        n = min(size, end - at)
        decide_block(t, d, h, complete, at, n, w)
        hand_out(o, at, n, w)
