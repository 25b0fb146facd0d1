"""Which interval of a VRF's axis holds an address, for those whose address no endpoint has alone:
the last start that is not above it, eight packets at a time.

Theory: binary search without branches. Each lane has as many starts to look at as its top bits
leave (`sim.blocks.top_rows`), halves them until one is left, and waits for the others. Invariants:
as of `sim.kernels.pipeline.atoms`, whose `search_v4` and `search_v6` say the same of one packet;
lanes that are nobody's, or of a VRF without starts, read first elements of tables and nothing else.
Cost: two words of the index and a step per halving, four to eight nanoseconds for each packet where
a search of its own costs fifty: its branches are unpredictable, and each step waits for the last.
Arguments: `t` Tables, `d` LaneTables (named tuples that say their types), `w` a block
(`sim.kernels.pipeline.block_rows`), `n` how many packets its list holds, `first` the row of their
address, `which` that of their atoms.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.blocks.top_rows import TOP_BITS
from sim.kernels import inlined
from sim.kernels.match.lanes import at_most, below, bits, gather, load, pick, splat, store
from sim.kernels.match.long_lanes import after, gather_long, join
from sim.kernels.pipeline.block_rows import ALL, FOUND, LIST, LIST_6, ONE, VRF

U, W = np.uint64, np.uint32
TOP_ROW, TOP_SHIFT = W((1 << TOP_BITS) + 1), W(32 - TOP_BITS)
TWO, THREE = U(2), U(3)


@inlined
def search_list_v4(t: Any, d: Any, n: Any, first: Any, which: Any, w: Any) -> None:
    """The IPv4 atoms of everyone in `LIST`."""
    one, n_vrfs = W(1), splat(W(len(t.atom_base) - 1))
    for k in range(0, n, 8):
        j = load(w[LIST], U(k))
        ip, vrf = gather(w[first], j), gather(w[VRF], j)
        vrf = vrf & below(vrf, n_vrfs)
        begin = gather(d.v4_off, vrf)
        some = below(begin, gather(d.v4_off, vrf + one))
        at, left = _narrowed(t.v4_top, gather(t.top_row, vrf), ip, begin, some)
        while bits(below(splat(one), left)):
            half = left >> one
            at = at + (half & at_most(gather(t.v4_start, at + half), ip))
            left = left - half
        store(w[FOUND], U(k), pick(some, at - begin, splat(ALL)))
    for k in range(n):
        w[which, U(w[LIST, U(k)])] = w[FOUND, U(k)]


@inlined
def search_list_v6(t: Any, d: Any, n: Any, first: Any, which: Any, w: Any) -> None:
    """The IPv6 atoms of everyone in `LIST_6`."""
    one, n_vrfs, all_ones = W(1), splat(W(len(t.atom_base) - 1)), splat(ALL)
    for k in range(0, n, 8):
        j = load(w[LIST_6], U(k))
        top, vrf = gather(w[first + THREE], j), gather(w[VRF], j)
        hi = join(gather(w[first + TWO], j), top)
        lo = join(gather(w[first], j), gather(w[first + ONE], j))
        vrf = vrf & below(vrf, n_vrfs)
        begin = gather(d.v6_off, vrf)
        some = below(begin, gather(d.v6_off, vrf + one))
        at, left = _narrowed(t.v6_top, gather(t.top_row, vrf), top, begin, some)
        while bits(below(splat(one), left)):
            half = left >> one
            above = after(gather_long(t.v6_hi, at + half), gather_long(t.v6_lo, at + half), hi, lo)
            at = at + (half & (above ^ all_ones))
            left = left - half
        four = gather(d.v4_off, vrf + one) - gather(d.v4_off, vrf)
        store(w[FOUND], U(k), pick(some, at - begin + four, all_ones))
    for k in range(n):
        w[which, U(w[LIST_6, U(k)])] = w[FOUND, U(k)]


@inlined
def _narrowed(index: Any, row: Any, top: Any, begin: Any, some: Any) -> Any:
    """The first start to look at and how many there are, by the top bits; one, the first of all,
    where there is none.

    `index` u32[rows, 2**TOP_BITS + 1] (`sim.blocks.top_rows`). The rest are u32 lanes: `row` which
    one, `top` the address's leading word, `begin` the VRF's first start, `some` a mask, whether it
    has any.
    """
    place = row * TOP_ROW + (top >> TOP_SHIFT)
    least = gather(index, place)
    left = (gather(index, place + W(1)) - least + W(1)) & some
    return (begin + least) & some, left
