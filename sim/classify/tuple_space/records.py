"""The records of tuple-space search and the perfect hash that finds the first one of each key.

See `sim.kernels.match.tuples` for their form. Rules whose ports are lists are written out as one
record per pair of ranges; prefix pairs with many records become one heavy record.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.classify.axes.address_axis import Nest
from sim.classify.axes.l4_classes import L4Classes, Meta
from sim.classify.axes.lists import in_order, numbered
from sim.classify.ruleset import I64, Ranges, RuleSet
from sim.classify.tuple_space.prefix_rows import PrefixRows

WORDS = 8
HEAVY = 0x8000
MAX_KINDS = 32
MANY = 6
SHIFT_BITS = 32
ATTEMPTS = 8
SEED, NO_RULE = 0x9E3779B9, 0xFFFFFFFF
RECORD_BYTES = 128
"""What a record takes while it is made."""

U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]


class Records(NamedTuple):
    """Columns of records before they are chained; `row` is a row of the fine rows, `heavy` says
    which of those are. The source ports of a heavy one are its row of the heavy rows."""

    row: I64
    sport: U32
    dport: U32
    kinds: U32
    heavy: NDArray[np.bool_]


class Probes(NamedTuple):
    """Seed and buckets of the perfect hash, shift, number of slots (a power of two), records."""

    seed: np.uint32
    buckets: U32
    shift: int
    slots: int
    entries: U32


def prefix_pairs(every: PrefixRows, n_dst: int) -> tuple[I64, I64]:
    """Rows in the order of their prefix pairs, rules ascending, and where each pair begins; `n_dst`
    is the number of destination prefixes."""
    pair, order = in_order((every.src * n_dst + every.dst).view(np.uint64))
    new = np.ones(len(order), bool)
    new[1:] = pair[1:] != pair[:-1]
    return order, np.flatnonzero(new)


def records(
    rules: RuleSet, fine: PrefixRows, heavy_row: I64, meta: Meta, budget: int
) -> Records | None:
    """One record per pair of port ranges of each row, and one per heavy pair: its first row has a
    row of the heavy rows, others -1. None if they exceed `budget`."""
    n_sport, n_dport = np.diff(rules.sport.off), np.diff(rules.dport.off)
    heavy = heavy_row >= 0
    times = np.where(heavy, 1, (n_sport * n_dport)[fine.rule])
    if int(times.sum()) * RECORD_BYTES > budget:
        return None
    row = np.repeat(np.arange(len(fine.rule)), times)
    rule = fine.rule[row]
    within = np.arange(len(row)) - np.repeat(np.cumsum(times) - times, times)
    i, j = np.divmod(within, np.maximum(n_dport[rule], 1))
    sport = np.where(heavy[row], heavy_row[row], packed(rules.sport, rule, i)).astype(np.uint32)
    return Records(row, sport, packed(rules.dport, rule, j), kinds_of(meta)[rule], heavy)


def kinds_of(meta: Meta) -> U32:
    """The meta classes of each rule as a set of 32 bits, or the number of its set if there are more
    classes than that."""
    if meta.held.shape[1] > MAX_KINDS:
        return meta.lists.of.astype(np.uint32)
    bit = np.uint64(1) << np.arange(meta.held.shape[1], dtype=np.uint64)
    kinds = (meta.held * bit).sum(axis=1, dtype=np.uint64)
    sets: U32 = kinds[meta.lists.of].astype(np.uint32)
    return sets


def kind_sets(meta: Meta) -> tuple[int, U32]:
    """Words per set, and the sets; 0 words where sets are in the records."""
    n_sets, n = meta.held.shape
    if n <= MAX_KINDS:
        return 0, np.zeros(1, np.uint32)
    words = -(-n // 32)
    bits = np.zeros((n_sets, words * 32), np.uint8)
    bits[:, :n] = meta.held
    return words, np.packbits(bits, axis=1, bitorder="little").view(np.uint32).reshape(-1)


def packed(ports: Ranges, rule: I64, member: I64) -> U32:
    """Member `member` of a rule's ports as `first | (last - first) << 16`."""
    at = np.minimum(ports.off[rule] + member, max(len(ports.first) - 1, 0))
    first = ports.first[at].astype(np.uint32)
    both: U32 = first | (ports.last[at].astype(np.uint32) - first) << np.uint32(16)
    return both


def probes(fine: PrefixRows, nests: tuple[Nest, Nest], made: Records, tuples: U32) -> Probes | None:
    """Chain the records by key and hash the keys; `tuples[r]` names the tuple of fine row r. Keys
    of one hash are one chain, as records tell for themselves what they match. None if keys were
    chosen so that no seed tells them apart."""
    from sim.kernels.match.perfect import chain, hash_keys, write_records

    src, dst = (nest.first[own] for nest, own in zip(nests, fine[1:], strict=True))
    x, z = _cut(src, tuples >> np.uint32(6)), _cut(dst, tuples)
    hashes = np.empty(len(src), np.uint64)
    for attempt in range(ATTEMPTS):
        seed = np.uint32(attempt * SEED & 0xFFFFFFFF)
        hash_keys(x, z, tuples, seed, hashes)
        key, rep = numbered(hashes[made.row])
        found = _perfect(hashes[made.row[rep]], attempt // 2)
        if found is not None:
            break
    else:
        return None
    buckets, shift, slots, slot = found
    n_src, n_dst = (32 - nest.length[own] for nest, own in zip(nests, fine[1:], strict=True))
    bounds = n_src.astype(np.uint32) << np.uint32(8) | n_dst
    bounds |= np.where(made.heavy, np.uint32(HEAVY), np.uint32(0))
    bounds |= (hashes >> np.uint64(32)).astype(np.uint32) << np.uint32(16)
    more = np.bincount(key, minlength=len(rep)) - 1
    place, following = np.empty((2, len(key)), np.int64)
    chain(key, slot, slots + np.cumsum(more) - more, more, place, following)
    entries = np.zeros((slots + len(key) - len(rep) + 1) * WORDS, np.uint32)
    entries[3::WORDS] = NO_RULE
    write_records(src, dst, bounds, fine.rule, *made[:4], place, following, entries)
    return Probes(seed, buckets, shift, slots, entries)


def _cut(address: U32, host_bits: U32) -> U32:
    """Addresses without their host bits, the number of which is in the low six bits."""
    bits = (host_bits & np.uint32(63)).astype(np.uint64)
    cut: U32 = (address.astype(np.uint64) >> bits << bits).astype(np.uint32)
    return cut


def heavy_rows(first: I64, end: I64, rule: I64, tabulated: I64, l4: L4Classes | None) -> U32:
    """By L4 class the first rule of each heavy pair, whose rules are `rule[first:end]`;
    `tabulated[r]` is the row of rule r in `l4`."""
    from sim.kernels.match.paint import fill_heavy

    n_y = 1 if l4 is None else l4.n_y
    out = np.full(max(len(first), 1) * n_y, 0xFFFFFFFF, np.uint32)
    if l4 is not None and len(first):
        sets = l4.set_of[tabulated]
        fill_heavy(first, end, rule, sets, l4.y_off, l4.y_list, n_y, out)
    return out


def _perfect(hashes: U64, more_bits: int) -> tuple[U32, int, int, I64] | None:
    """Buckets, shift, number of slots, and the slot of every key; `more_bits` doubles buckets and
    slots so often. None if some keys find no slots."""
    from sim.kernels.match.perfect import displace

    n = len(hashes)
    width = max(4, (max(n, 1) // 3).bit_length()) + more_bits
    slots = 1 << max(4, int(n * 1.12).bit_length()) + more_bits
    shift = SHIFT_BITS - width
    bucket, order = in_order(hashes >> np.uint64(SHIFT_BITS + shift))
    off = np.searchsorted(bucket, np.arange((1 << width) + 1, dtype=np.uint64))
    buckets, slot = np.zeros(1 << width, np.uint32), np.empty(n, np.int64)
    used = np.zeros(slots, np.uint8)
    largest = int(np.diff(off).max(initial=0))
    if displace(hashes, order, off, largest, slots - 1, used, buckets, slot):
        return buckets, shift, slots, slot
    return None
