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

from sim.blocks.numbering import same_rows
from sim.classify.ruleset import I64, Prefixes, Prefixes6

U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]
SINGLE, MANY = 128, 1 << 27


class AddressNames(NamedTuple):
    """What `sim.kernels.match.rename` reads: the names of buckets of node 0 that have one (empty
    where a bucket is smaller than 2**32 words); where intervals of 64-bit words end and their
    names; the nodes (four words each) and entries of the tree above them, node 0 for high halves;
    for each interval of high halves the entry of its low halves, 0 for no parts, unless none has
    any; and a hash table of single addresses (empty without), of which `shift` takes the slot from
    a hash.

    `sure` u32[buckets of node 0 and two beside them, or 0], `end` u64[intervals], `name`
    u32[intervals], `node` u64[4 x nodes], `entry` u32[buckets], `link` u32[intervals of high
    halves, or 0], `single` u64[3 x places].
    """

    sure: U32
    end: U64
    name: U32
    node: U64
    entry: U32
    link: U32
    single: U64
    shift: np.uint64

    def write(self, hi: U64, lo: U64, begin: int, end: int, out: U32) -> None:
        """The names of addresses `begin..end` to `out`; releases the GIL."""
        from sim.kernels.match.lanes import AVX2, WIDTH
        from sim.kernels.match.rename import SCRATCH, rename, rename8

        scratch, middle = np.empty(SCRATCH, np.uint64), begin
        if AVX2 and len(self.sure):
            middle += (end - begin) // WIDTH * WIDTH
            rename8(self, hi, lo, begin, middle, scratch, out)
        rename(self, hi, lo, middle, end, scratch, out)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(int(array.nbytes) for array in self[:-1])


class Forest(NamedTuple):
    """Distinct prefixes in preorder, and the 32-bit prefix that each has become."""

    hi: U64
    lo: U64
    length: I64
    first: U32
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


def rename(lists: Prefixes6) -> tuple[Prefixes, AddressNames, Forest] | None:
    """The renamed lists, how to rename packets, and how more lists; None if 32 bits do not
    suffice."""
    hi, lo, length, item = _distinct(lists)
    if len(hi) > MANY:
        return None
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
    item, sample = same_rows([lists.hi, lists.lo, lists.length])
    return lists.hi[sample], lists.lo[sample], lists.length[sample].astype(np.int64), item


def _parents(hi: U64, lo: U64, length: I64) -> I64:
    from sim.kernels.match.name_forest import nest

    parent = np.empty(len(hi), np.int64)
    nest(hi, lo, length, np.empty(SINGLE + 2, np.int64), parent)
    return parent


def _layout(parent: I64) -> tuple[I64, I64, I64] | None:
    """Base and size (as a power of two) of each block, and an address that is in no block inside
    it. Place 0 is the space itself, place `i + 1` prefix i. Larger blocks come first, so that all
    are aligned."""
    from sim.kernels.match.name_forest import block_sizes, place_blocks

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


def _names(hi: U64, lo: U64, length: I64, own: U32) -> AddressNames:
    """Tables that answer with `own[0]` outside all prefixes and `own[i + 1]` in prefix i."""
    from sim.kernels.match.name_forest import enter, sweep

    single = length == SINGLE
    bits = (2 * int(single.sum())).bit_length()
    table, shift = (
        np.zeros(3 << bits if bits else 0, np.uint64),
        np.uint64(64 - bits if bits else 0),
    )
    placed = np.empty(int(single.sum()), bool)
    enter(table, shift, hi[single], lo[single], own[1:][single], placed)
    single[single] = placed
    block = ~single
    n = int(block.sum())
    start_hi, start_lo = (np.empty(2 * n + 2, np.uint64) for _ in range(2))
    name = np.empty(2 * n + 2, np.uint32)
    stack = np.empty(SINGLE + 2, np.int64)
    shape = hi[block], lo[block], length[block], own[1:][block]
    n = int(sweep(*shape, int(own[0]), stack, start_hi, start_lo, name))
    tables = _halves(start_hi[:n], start_lo[:n], name[:n])
    return AddressNames(_sure(*tables, hi[single]), *tables, table, shift)


def _halves(hi: U64, lo: U64, name: U32) -> tuple[U64, U32, U64, U32, U32]:
    """Ends, names, nodes, entries and links of intervals that start at (`hi`, `lo`), the first one
    at 0: intervals of high halves, and behind them those of the low halves of each `hi` at which
    more than one begins or one begins inside."""
    from sim.kernels.match.rename import MOST, NODE

    first = np.flatnonzero(np.append(True, hi[1:] != hi[:-1]))
    count = np.diff(first, append=len(hi))
    word, inside = hi[first], lo[first] != 0
    parts = inside | (count > 1)
    after = parts & (np.append(word[1:], np.uint64(0)) != word + np.uint64(1))
    place = np.arange(len(first)) + np.cumsum(after) - after
    high = len(first) + int(after.sum())
    run = np.where(parts, count + inside, 0)
    begin = high + MOST - 1 + np.cumsum(run) - run
    start = np.zeros(high + MOST + int(run.sum()), np.uint64)
    names = np.zeros(len(start) - 1, np.uint32)
    start[place], names[place] = word, name[first]
    start[place[after] + 1] = word[after] + np.uint64(1)
    names[place[after] + 1] = name[(first + count - 1)[after]]
    item = np.flatnonzero(np.repeat(parts, count))
    to = item + np.repeat(begin + inside - first, count)[item]
    start[to], names[to] = lo[item], name[item]
    names[begin[inside]] = name[first[inside] - 1]
    end = start[1:] - np.uint64(1)

    long = run > MOST + 1
    node, entry = _tree(
        end,
        np.append(0, begin[long]).astype(np.uint64),
        np.append(high - 1, (begin + run)[long] - 1).astype(np.uint64),
    )
    link = np.zeros(high if parts.any() else 0, np.uint32)
    link[place[parts]] = begin[parts]
    link[place[long]] = np.arange(1, int(long.sum()) + 1) | 1 << int(NODE)
    return end, names, node, entry, link


def _sure(end: U64, name: U32, node: U64, entry: U32, link: U32, single: U64) -> U32:
    """The name of each bucket of node 0, and of what is below and above all of them, in which
    nothing begins, ends or has parts, and no single address (of which the high halves are given, in
    order) lies; all ones for others."""
    from sim.kernels.match.rename import UNSURE

    first, shift, last = node[:3]
    if shift < np.uint64(32):
        return np.zeros(0, np.uint32)
    begin = (first + np.arange(int(last) + 2, dtype=np.uint64)) << shift
    top = np.uint64(0xFFFFFFFFFFFFFFFF)
    low, high = np.append(np.uint64(0), begin), np.append(begin - np.uint64(1), top)
    ends = end[: int(np.argmax(end == top)) + 1]
    at = np.searchsorted(ends, low)
    one = at == np.searchsorted(ends, high)
    one &= np.searchsorted(single, low) == np.searchsorted(single, high, "right")
    if len(link):
        one &= link[at] == 0
    return np.where(one, name[at], UNSURE)


def _tree(end: U64, begin: U64, stop: U64) -> tuple[U64, U32]:
    """Nodes over the ends `begin[i]..stop[i]`, which are node i, and their entries, level by
    level."""
    from sim.kernels.match.name_forest import plant, shapes
    from sim.kernels.match.rename import MOST

    nodes, entries, known, offset = list[U64](), list[U32](), 0, 0
    while len(begin):
        node = np.empty((len(begin), 4), np.uint64)
        shapes(end, begin, stop, np.empty(65, np.uint64), node)
        size = node[:, 2] + np.uint64(1)
        node[:, 3] = np.uint64(offset) + np.cumsum(size) - size
        entry = np.empty(int(size.sum()), np.uint32)
        crowded = np.empty((int((stop - begin).sum()) // (MOST + 1), 2), np.uint64)
        known += len(begin)
        n = plant(end, begin, stop, node, np.uint64(offset), np.uint64(known), entry, crowded)
        offset += len(entry)
        nodes.append(node.reshape(-1))
        entries.append(entry)
        begin, stop = crowded[:n].T.copy()
    return np.concatenate(nodes), np.concatenate(entries)
