"""A hash table of the atoms that hold a single address, the common case in traffic.

Open addressing with linear probing, at most half full, an eighth where that costs no more than 8
MiB and a 32nd where it is 1 MiB, so that a probe almost always ends in its first slot: caches hold
what is asked of a table, however empty it is. A slot is four words: low and high half of the
address, `vrf << 8 | version`, and the atom's number within its VRF plus one (0: empty). Its place
is the top bits of a sum of products of 32 bits: of the address's four parts, low ones first, and of
`vrf << 8 | version`, with `FACTORS`; the sum is folded once and multiplied by the last."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.blocks.atoms import AddressAtoms

Words = NDArray[np.uint64]
WORDS = 4
SPARSE = (2, 31), (8, 18), (32, 15)
"""Slots per row, and how many bits of slots at most."""
FACTORS = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1, 0x9E3779B1)
FOLD = 15
LOW_32 = 2**32 - 1


def single_addresses(addresses: AddressAtoms) -> Words:
    """One row per atom of one address, in the form of a slot; uint64 [n, 4]."""
    a = addresses
    vrfs = np.arange(len(a.v4_off) - 1)
    return _singles(vrfs, (a.v4_off, a.v6_off), a.v4_start, a.v6_hi, a.v6_lo)


def single_addresses_of(addresses: AddressAtoms, vrf: int) -> Words:
    """Those of one VRF."""
    a = addresses
    v4, v6 = (slice(int(off[vrf]), int(off[vrf + 1])) for off in (a.v4_off, a.v6_off))
    offsets = np.array([0, v4.stop - v4.start]), np.array([0, v6.stop - v6.start])
    return _singles(np.array([vrf]), offsets, a.v4_start[v4], a.v6_hi[v6], a.v6_lo[v6])


def _singles(
    vrfs: NDArray[np.int64],
    offsets: tuple[NDArray[np.int64], NDArray[np.int64]],
    v4_start: NDArray[np.uint32],
    v6_hi: Words,
    v6_lo: Words,
) -> Words:
    v4 = v4_start.astype(np.uint64)
    families = ((4, offsets[0], v4, np.zeros_like(v4)), (6, offsets[1], v6_lo, v6_hi))
    parts = []
    n4 = np.diff(offsets[0])
    for version, off, low, high in families:
        place = np.repeat(np.arange(len(vrfs)), np.diff(off))
        number = np.arange(len(low)) - off[place] + (n4[place] if version == 6 else 0)
        single = (
            (place[1:] == place[:-1])
            & (high[1:] == high[:-1])
            & (low[1:] == low[:-1] + np.uint64(1))
        )
        at = np.flatnonzero(single)
        owner = vrfs[place[at]].astype(np.uint64) << np.uint64(8) | np.uint64(version)
        parts.append(np.stack([low[at], high[at], owner, (number[at] + 1).astype(np.uint64)], 1))
    return np.concatenate(parts)


def build(rows: Words) -> tuple[Words, Words]:
    """The table over rows with distinct keys, and the shift that makes a slot of a hash."""
    sizes = ((int(n * len(rows)).bit_length(), most) for n, most in SPARSE)
    bits = max(4, *(min(bits, most) for bits, most in sizes))
    table = np.zeros((1 << bits, WORDS), np.uint64)
    shift = np.uint64(32 - bits)
    _place(table, shift, rows)
    return table, np.array([shift], np.uint64)


def patched(table: Words, shift: Words, rows: Words) -> Words | None:
    """A copy with these rows in the place of those with the same keys, or beside the others; None
    when it would be more than half full."""
    table = table.copy()
    _place(table, shift[0], rows)
    return table if 2 * np.count_nonzero(table[:, WORDS - 1]) <= len(table) else None


def _place(table: Words, shift: np.uint64, rows: Words) -> None:
    low, s32 = np.uint64(LOW_32), np.uint64(32)
    parts = rows[:, 0] & low, rows[:, 0] >> s32, rows[:, 1] & low, rows[:, 1] >> s32, rows[:, 2]
    hashed = np.zeros(len(rows), np.uint64)
    for part, factor in zip(parts, FACTORS, strict=False):
        hashed += part * np.uint64(factor)
    hashed = ((hashed ^ (hashed & low) >> np.uint64(FOLD)) & low) * np.uint64(FACTORS[-1])
    slot = ((hashed & low) >> shift).astype(np.int64)
    pending = np.arange(len(rows))
    while len(pending):
        there = table[slot[pending]]
        used = there[:, 3] != 0
        same = used & (there[:, :3] == rows[pending, :3]).all(axis=1)
        table[slot[pending[same]]] = rows[pending[same]]
        free = pending[~used]
        _, first = np.unique(slot[free], return_index=True)
        table[slot[free[first]]] = rows[free[first]]
        placed = np.concatenate([pending[same], free[first]])
        pending = np.setdiff1d(pending, placed, assume_unique=True)
        slot[pending] = (slot[pending] + 1) & (len(table) - 1)
