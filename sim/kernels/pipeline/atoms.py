"""Address → atom: which interval of a VRF's axis holds it.

Most addresses in traffic are those of endpoints, and those are atoms of a single address: an open
hash table (`sim.blocks.exact`) answers them with one cache line. Other addresses take a binary
search over the interval starts of the VRF and family, narrowed by an index on the top 12 bits;
starts begin with 0, so every address falls somewhere. The search alone would cost five times as
much: LLVM makes its comparisons unpredictable branches.

The names of the engines (`sim.kernels.match.rename`) are another such look-up, of one axis: a batch
is of all VRFs at once, and sorting it by VRF first costs two to four times what looking up does (7
ns per address on the demo there and here, 8 there and 16 here on the large fabric, 27 to 39 to
sort). A law holds both together.

Results are numbers within the VRF (IPv4 atoms first), or `MISS` where the VRF has no atoms of the
family or the version is neither 4 nor 6.

Theory: atoms are the intervals of an axis between the cuts of all prefixes, so an address is in
that of the last start not above it.
Invariants: starts of a (VRF, family) ascend and begin with 0; the hash table is at most half full
and its free places are 0. Cost: one line for an address of an endpoint, else log2 of the starts
below one top. Arguments: `t` `sim.pipeline.tables.Tables`, `d`
`sim.pipeline.lane_tables.LaneTables` (named tuples that say their types), `w` a block
(`sim.kernels.pipeline.block_rows`) of `n` packets; of one packet u64: `vrf`, `version`, and the
address in its halves, `hi` and `lo` (of IPv4 0 and `ip`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.blocks.exact import FACTORS, FOLD
from sim.blocks.top_rows import TOP_BITS
from sim.kernels import inlined, kernel
from sim.kernels.match.lanes import below, bits, load, pick, records, same, splat, store
from sim.kernels.pipeline.block_rows import (
    ALL,
    DST,
    DST_0,
    LIST,
    LIST_6,
    SRC,
    SRC_0,
    VERSION,
    VRF,
    listed,
)
from sim.kernels.pipeline.starts import search_list_v4, search_list_v6

U, W = np.uint64, np.uint32
MISS = U(2**32 - 1)
TOP_SHIFT_V4, TOP_SHIFT_V6 = U(32 - TOP_BITS), U(64 - TOP_BITS)
ZERO, ONE, TWO, THREE, FOUR, SIX, EIGHT = (U(i) for i in (0, 1, 2, 3, 4, 6, 8))
S32, LOW_32 = U(32), U(2**32 - 1)
F0, F1, F2, F3, F4, LAST = (U(factor) for factor in FACTORS)


@inlined
def search_v4(t: Any, vrf: Any, ip: Any) -> Any:
    """The IPv4 atom of `ip` in `vrf`, by search."""
    first = U(t.v4_off[vrf])
    if U(t.v4_off[vrf + ONE]) == first:
        return MISS
    row, top = U(t.top_row[vrf]), ip >> TOP_SHIFT_V4
    at = first + U(t.v4_top[row, top])
    n = first + U(t.v4_top[row, top + ONE]) - at + ONE
    while n > ONE:
        half = n >> ONE
        at += half if U(t.v4_start[at + half]) <= ip else ZERO
        n -= half
    return at - first


@inlined
def search_v6(t: Any, vrf: Any, hi: Any, lo: Any) -> Any:
    """The IPv6 atom of `hi:lo` in `vrf`, by search."""
    first = U(t.v6_off[vrf])
    if U(t.v6_off[vrf + ONE]) == first:
        return MISS
    row, top = U(t.top_row[vrf]), hi >> TOP_SHIFT_V6
    at = first + U(t.v6_top[row, top])
    n = first + U(t.v6_top[row, top + ONE]) - at + ONE
    while n > ONE:
        half = n >> ONE
        word = t.v6_hi[at + half]
        below = (word < hi) | ((word == hi) & (t.v6_lo[at + half] <= lo))
        at += half if below else ZERO
        n -= half
    return at - first + U(t.v4_off[vrf + ONE]) - U(t.v4_off[vrf])


@inlined
def exact_slot(t: Any, vrf: Any, version: Any, hi: Any, lo: Any) -> Any:
    """Where the search for an address in the hash table begins."""
    hashed = (lo & LOW_32) * F0 + (lo >> S32) * F1 + (hi & LOW_32) * F2 + (hi >> S32) * F3
    hashed = (hashed + ((vrf << EIGHT) | version) * F4) & LOW_32
    return (((hashed ^ (hashed >> U(FOLD))) * LAST) & LOW_32) >> t.exact_shift[ZERO]


@inlined
def atom(t: Any, vrf: Any, version: Any, hi: Any, lo: Any) -> Any:
    """The atom of an address of either family."""
    owner = (vrf << EIGHT) | version
    last = U(len(t.exact) - 1)
    at = exact_slot(t, vrf, version, hi, lo) << TWO
    while t.exact[at + THREE] != ZERO:
        if (t.exact[at] == lo) & (t.exact[at + ONE] == hi) & (t.exact[at + TWO] == owner):
            return t.exact[at + THREE] - ONE
        at = (at + FOUR) & last
    if version == FOUR:
        return search_v4(t, vrf, lo)
    if version == SIX:
        return search_v6(t, vrf, hi, lo)
    return MISS


@inlined
def find_atoms(t: Any, d: Any, n: Any, w: Any) -> None:
    """Atoms of both addresses in the VRF of entry, of a block; `MISS` in an unknown VRF."""
    shift, eight = W(d.exact_shift[ZERO]), W(8)
    for k in range(0, n, 8):
        j = U(k)
        owner = ((load(w[VRF], j) << eight) | load(w[VERSION], j)) * W(F4)
        for first, which in ((SRC_0, SRC), (DST_0, DST)):
            hashed = load(w[first], j) * W(F0) + load(w[first + ONE], j) * W(F1) + owner
            hashed = hashed + load(w[first + TWO], j) * W(F2) + load(w[first + THREE], j) * W(F3)
            hashed = (hashed ^ (hashed >> W(FOLD))) * W(LAST)
            store(w[which], j, (hashed >> shift) << W(3))
    _look_up(t, d, n, SRC_0, SRC, w)
    _look_up(t, d, n, DST_0, DST, w)


@inlined
def _look_up(t: Any, d: Any, n: Any, first: Any, which: Any, w: Any) -> None:
    """The atoms of one address of each packet. Nearly all stand where the search for them begins,
    and the others are sorted by family before they are searched for. `first` is the row in `w` of
    the address's low word, `which` that of its atom (u64)."""
    n_vrfs, eight = splat(W(len(t.atom_base) - 1)), W(8)
    none, all_ones, one = splat(W(0)), splat(ALL), splat(W(1))
    v4 = v6 = ZERO
    for k in range(0, n, 8):
        j = U(k)
        vrf, version = load(w[VRF], j), load(w[VERSION], j)
        slot = records(d.exact, load(w[which], j))
        other = (slot[0] ^ load(w[first], j)) | (slot[1] ^ load(w[first + ONE], j))
        other = other | (slot[2] ^ load(w[first + TWO], j)) | (slot[3] ^ load(w[first + THREE], j))
        other = other | slot[4] ^ ((vrf << eight) | version)
        known = below(vrf, n_vrfs)
        here = same(other, none) & known
        store(w[which], j, pick(here, slot[6] - one, all_ones))
        missed = known & (here ^ all_ones)
        v4 = listed(w[LIST], v4, k, bits(missed & same(version, splat(W(4)))))
        v6 = listed(w[LIST_6], v6, k, bits(missed & same(version, splat(W(6)))))
    search_list_v4(t, d, v4, first, which, w)
    search_list_v6(t, d, v6, first, which, w)


@kernel
def atoms(t: Any, vrf: Any, version: Any, hi: Any, lo: Any, out: Any) -> None:
    """Columns in, atom numbers within the VRF out (int64, -1 for a miss or an unknown VRF).

    `t` Tables, `vrf` i64[n], `version` u8[n], `hi`, `lo` u64[n], `out` i64[n].
    """
    for i in range(len(vrf)):
        found = MISS
        if 0 <= vrf[i] < len(t.atom_base) - 1:
            found = atom(t, U(vrf[i]), U(version[i]), hi[i], lo[i])
        out[i] = -1 if found == MISS else np.int64(found)
