"""A hash table of the atoms that hold a single address, the common case in traffic.

Open addressing with linear probing, at most half full, so that a probe almost always ends in its
first cache line. A slot is four words: low and high half of the address, `vrf << 8 | version`, and
the atom's number within its VRF plus one (0: empty).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compiler.atoms import AddressAtoms
from sim.ecmp import MULTIPLIERS

Words = NDArray[np.uint64]
WORDS = 4


def single_addresses(addresses: AddressAtoms) -> Words:
    """One row per atom of one address, in the form of a slot; uint64 [n, 4]."""
    v4, hi, lo = (
        a.astype(np.uint64) for a in (addresses.v4_start, addresses.v6_hi, addresses.v6_lo)
    )
    families = (
        (4, addresses.v4_off, v4, np.zeros_like(v4)),
        (6, addresses.v6_off, lo, hi),
    )
    parts = []
    n4 = np.diff(addresses.v4_off)
    for version, offsets, low, high in families:
        vrf = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        number = np.arange(len(low)) - offsets[vrf] + (n4[vrf] if version == 6 else 0)
        single = (
            (vrf[1:] == vrf[:-1]) & (high[1:] == high[:-1]) & (low[1:] == low[:-1] + np.uint64(1))
        )
        at = np.flatnonzero(single)
        owner = vrf[at].astype(np.uint64) << np.uint64(8) | np.uint64(version)
        parts.append(np.stack([low[at], high[at], owner, (number[at] + 1).astype(np.uint64)], 1))
    return np.concatenate(parts)


def build(rows: Words) -> tuple[Words, Words]:
    """The table over rows with distinct keys, and the shift that makes a slot of a hash."""
    bits = max(4, int(2 * len(rows)).bit_length())
    table = np.zeros((1 << bits, WORDS), np.uint64)
    shift = np.uint64(64 - bits)
    k_low, k_high, k_owner = (np.uint64(m) for m in MULTIPLIERS[:3])
    slot = ((rows[:, 0] * k_low + rows[:, 1] * k_high + rows[:, 2] * k_owner) >> shift).astype(
        np.int64
    )
    pending = np.arange(len(rows))
    while len(pending):
        free = table[slot[pending], 3] == 0
        _, first = np.unique(slot[pending[free]], return_index=True)
        placed = pending[free][first]
        table[slot[placed]] = rows[placed]
        pending = np.setdiff1d(pending, placed, assume_unique=True)
        slot[pending] = (slot[pending] + 1) & (len(table) - 1)
    return table, np.array([shift], np.uint64)
