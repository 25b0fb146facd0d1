"""IPv6 prefixes renamed into 32 bits, so that every engine knows one kind of address.

The prefixes of a table form a forest. It is laid out anew in a space of 32 bits, in which every
prefix is again an aligned block that contains the blocks of the prefixes inside it and at least one
address of its own. A packet's address is then replaced by the name of the innermost prefix that
holds it, and rules by the renamed prefixes: nothing that a rule can tell apart is lost.

The layout doubles a block where its children fill it, so a chain of nested prefixes needs one bit
each; sets that need more than 32 bits are not renamed (None).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compiler.ruleset import I64, Prefixes, Prefixes6

U64 = NDArray[np.uint64]
SINGLE, TOP = 128, 12


class Names(NamedTuple):
    """What `sim.kernels.rename` reads: intervals (`hi`, `lo`) with names, the last interval that
    starts at or before each value of the first 12 bits (`top`), and a hash table of single
    addresses, of which `shift` takes the slot from a hash."""

    hi: U64
    lo: U64
    name: NDArray[np.uint32]
    top: NDArray[np.uint32]
    single: U64
    shift: np.uint64

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        arrays = (self.hi, self.lo, self.name, self.top, self.single)
        return sum(int(array.nbytes) for array in arrays)


class Forest(NamedTuple):
    """Distinct prefixes in preorder, and the 32-bit prefix that each has become."""

    hi: U64
    lo: U64
    length: I64
    first: NDArray[np.uint32]
    bits: NDArray[np.uint8]

    def renamed(self, lists: Prefixes6) -> Prefixes | None:
        """Other lists of these prefixes; None if one is not among them."""
        known = {key: i for i, key in enumerate(zip(*self._keys(), strict=True))}
        keys = zip(lists.hi.tolist(), lists.lo.tolist(), lists.length.tolist(), strict=True)
        item = np.array([known.get(key, -1) for key in keys], np.int64)
        if (item < 0).any():
            return None
        return Prefixes(lists.off, self.first[item], self.bits[item])

    def _keys(self) -> tuple[list[int], list[int], list[int]]:
        return self.hi.tolist(), self.lo.tolist(), self.length.tolist()


def rename(lists: Prefixes6) -> tuple[Prefixes, Names, Forest] | None:
    """The renamed lists, how to rename packets, and how more lists; None if 32 bits do not
    suffice."""
    hi, lo, length, item = _distinct(lists)
    parent = _parents(hi, lo, length)
    placed = _layout(parent)
    if placed is None:
        return None
    base, width, own = placed
    forest = Forest(hi, lo, length, base[1:].astype(np.uint32), (32 - width[1:]).astype(np.uint8))
    prefixes = Prefixes(lists.off, forest.first[item], forest.bits[item])
    return prefixes, _names(hi, lo, length, own.astype(np.uint32)), forest


def _distinct(lists: Prefixes6) -> tuple[U64, U64, I64, I64]:
    """Distinct prefixes in preorder, and the prefix of each list item."""
    length = lists.length.astype(np.int64)
    order = np.lexsort((length, lists.lo, lists.hi))
    hi, lo, length = lists.hi[order], lists.lo[order], length[order]
    new = np.ones(len(order), bool)
    new[1:] = (hi[1:] != hi[:-1]) | (lo[1:] != lo[:-1]) | (length[1:] != length[:-1])
    item = np.empty(len(order), np.int64)
    item[order] = np.cumsum(new) - 1
    return hi[new], lo[new], length[new], item


def _parents(hi: U64, lo: U64, length: I64) -> I64:
    from sim.kernels.rename import nest

    parent = np.empty(len(hi), np.int64)
    nest(hi, lo, length, np.empty(SINGLE + 2, np.int64), parent)
    return parent


def _layout(parent: I64) -> tuple[I64, I64, I64] | None:
    """Base and size (as a power of two) of each block, and an address that is in no block inside
    it. Place 0 is the space itself, place `i + 1` prefix i. Larger blocks come first, so that all
    are aligned."""
    from sim.kernels.rename import block_sizes, place_blocks

    n = len(parent)
    width, inner, base, offset = (np.zeros(n + 1, np.int64) for _ in range(4))
    if not block_sizes(parent, width, inner):
        return None
    order = np.lexsort((-width[1:], parent))
    size = np.int64(1) << width[1:][order]
    before = np.cumsum(size) - size
    new = np.ones(n, bool)
    new[1:] = parent[order][1:] != parent[order][:-1]
    first = np.flatnonzero(new)
    offset[order + 1] = before - np.repeat(before[first], np.diff(np.append(first, n)))
    place_blocks(parent, offset, base)
    return base, width, base + inner


def _names(hi: U64, lo: U64, length: I64, own: NDArray[np.uint32]) -> Names:
    """Tables that answer with `own[0]` outside all prefixes and `own[i + 1]` in prefix i."""
    from sim.kernels.rename import enter, sweep

    single = length == SINGLE
    block = ~single
    n = int(block.sum())
    start_hi, start_lo = (np.empty(2 * n + 2, np.uint64) for _ in range(2))
    name = np.empty(2 * n + 2, np.uint32)
    stack = np.empty(SINGLE + 2, np.int64)
    shape = hi[block], lo[block], length[block], own[1:][block]
    n = int(sweep(*shape, int(own[0]), stack, start_hi, start_lo, name))
    bits = max(4, (2 * int(single.sum())).bit_length())
    table = np.zeros(3 << bits, np.uint64)
    bounds = np.arange(1 << TOP, dtype=np.uint64) << np.uint64(64 - TOP)
    top = np.full((1 << TOP) + 1, n - 1, np.uint32)
    top[:-1] = np.maximum(np.searchsorted(start_hi[:n], bounds, "left") - 1, 0)
    shift = np.uint64(64 - bits)
    names = Names(start_hi[:n], start_lo[:n], name[:n], top, table, shift)
    enter(names, hi[single], lo[single], own[1:][single])
    return names
