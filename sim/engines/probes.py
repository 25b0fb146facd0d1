"""The records of tuple-space search and the perfect hash that finds the first one of each key.

See `sim.kernels.tuples` for their form. Rules whose ports are lists are written out as one record
per pair of ranges; prefix pairs with many records become one heavy record.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from compiler.ruleset import I64, Ranges, RuleSet
from sim.engines.l4 import L4Classes, Meta
from sim.engines.rows import Rows

WORDS = 8
HEAVY = 0x8000
MAX_KINDS = 32
MANY = 8
HEAVY_BYTES = 8 << 20
SHIFT_BITS = 32
ATTEMPTS = 8
RECORD_BYTES = 128
"""What a record takes while it is made."""

U32 = NDArray[np.uint32]


class Records(NamedTuple):
    """Columns of records before they are chained; `row` is a row of the fine rows."""

    row: I64
    sport: U32
    dport: U32
    kinds: U32
    heavy: NDArray[np.bool_]


class Probes(NamedTuple):
    """Displacements, shift, number of slots (a power of two), and the records."""

    disp: NDArray[np.uint16]
    shift: int
    slots: int
    entries: U32


def prefix_pairs(fine: Rows) -> tuple[I64, I64]:
    """Rows in the order of their prefix pairs, rules ascending, and where each pair begins."""
    src = fine.src.astype(np.uint64) << np.uint64(6) | fine.src_length
    dst = fine.dst.astype(np.uint64) << np.uint64(6) | fine.dst_length
    order = np.lexsort((fine.rule, dst, src))
    src, dst = src[order], dst[order]
    new = np.ones(len(order), bool)
    new[1:] = (src[1:] != src[:-1]) | (dst[1:] != dst[:-1])
    return order, np.flatnonzero(new)


def records(
    rules: RuleSet, fine: Rows, heavy: NDArray[np.bool_], meta: Meta, budget: int
) -> Records | None:
    """One record per heavy row (`heavy` marks the first of each heavy pair; the pair's others must
    not be in `fine`) and per pair of port ranges of other rows. None if they exceed `budget`."""
    n_sport, n_dport = np.diff(rules.sport.off), np.diff(rules.dport.off)
    times = np.where(heavy, 1, (n_sport * n_dport)[fine.rule])
    if int(times.sum()) * RECORD_BYTES > budget:
        return None
    row = np.repeat(np.arange(len(fine.rule)), times)
    rule = fine.rule[row]
    within = np.arange(len(row)) - np.repeat(np.cumsum(times) - times, times)
    i, j = np.divmod(within, np.maximum(n_dport[rule], 1))
    return Records(
        row,
        packed(rules.sport, rule, i),
        packed(rules.dport, rule, j),
        kinds_of(meta)[rule],
        heavy[row],
    )


def kinds_of(meta: Meta) -> U32:
    """The meta classes of each rule as a set of 32 bits, or the number of its set if there are more
    classes than that."""
    if meta.held.shape[1] > MAX_KINDS:
        return meta.lists.ids.astype(np.uint32)
    bit = np.uint64(1) << np.arange(meta.held.shape[1], dtype=np.uint64)
    kinds = (meta.held * bit).sum(axis=1, dtype=np.uint64)
    sets: U32 = kinds[meta.lists.ids].astype(np.uint32)
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


def probes(fine: Rows, made: Records, tuple_of: I64, names: U32, heavy_row: I64) -> Probes:
    """Chain the records by key and hash the keys; `heavy_row[r]` is the heavy row of fine row r."""
    row = made.row
    tuples = names[tuple_of[row]]
    x, z = _cut(fine.src[row], tuples >> np.uint32(8)), _cut(fine.dst[row], tuples)
    order = np.lexsort((fine.rule[row], z, x, tuples))
    row, tuples, x, z = row[order], tuples[order], x[order], z[order]
    columns: Any = (column[order] for column in made[1:])
    made = Records(row, *columns)
    new = np.ones(len(row), bool)
    new[1:] = (tuples[1:] != tuples[:-1]) | (x[1:] != x[:-1]) | (z[1:] != z[:-1])
    first = np.flatnonzero(new)
    disp, shift, slots, slot, tag = _perfect(x[first], z[first], tuples[first])
    place = np.empty(len(row), np.int64)
    place[first] = slot
    place[~new] = slots + np.arange(len(row) - len(first))
    following = np.zeros(len(row), np.int64)
    following[:-1] = np.where(new[1:], 0, place[1:])
    key = np.cumsum(new) - 1
    bounds = (32 - fine.src_length[row].astype(np.int64)) << 8 | (32 - fine.dst_length[row])
    bounds |= np.where(made.heavy, HEAVY, 0) | tag[key].astype(np.int64) << 16
    entries = np.zeros((slots + len(row) - len(first) + 1, WORDS), np.uint32)
    words = (
        fine.src[row], fine.dst[row], bounds, fine.rule[row],
        np.where(made.heavy, heavy_row[row], made.sport), made.dport, made.kinds, following,
    )  # fmt: skip
    for number, column in enumerate(words):
        entries[place, number] = column.astype(np.uint32)
    return Probes(disp, shift, slots, entries.reshape(-1))


def _cut(address: U32, host_bits: U32) -> U32:
    """Addresses without their host bits, the number of which is in the low byte."""
    bits = (host_bits & np.uint32(0xFF)).astype(np.uint64)
    cut: U32 = (address.astype(np.uint64) >> bits << bits).astype(np.uint32)
    return cut


def heavy_rows(first: I64, end: I64, rule: I64, tabulated: I64, l4: L4Classes | None) -> U32:
    """By L4 class the first rule of each heavy pair, whose rules are `rule[first:end]`;
    `tabulated[r]` is the row of rule r in `l4`."""
    from sim.kernels.paint import fill_heavy

    n_y = 1 if l4 is None else l4.n_y
    out = np.full(max(len(first), 1) * n_y, 0xFFFFFFFF, np.uint32)
    if l4 is not None and len(first):
        sets = l4.set_of[tabulated]
        fill_heavy(first, end, rule, sets, l4.y_off, l4.y_list, n_y, out)
    return out


def _perfect(x: U32, z: U32, tuples: U32) -> tuple[NDArray[np.uint16], int, int, I64, U32]:
    """Displacements, shift, number of slots, and the slot and tag of every key."""
    from sim.kernels.perfect import displace, hash_keys

    n = len(x)
    h, g = np.empty(n, np.uint32), np.empty(n, np.uint32)
    hash_keys(x, z, tuples, h, g)
    width = max(4, (max(n, 1) // 3).bit_length())
    slots = 1 << max(4, int(n * 1.12).bit_length())
    for _ in range(ATTEMPTS):
        shift = SHIFT_BITS - width
        bucket = h >> np.uint32(shift)
        order = np.argsort(bucket, kind="stable")
        off = np.concatenate([[0], np.cumsum(np.bincount(bucket, minlength=1 << width))])
        disp, slot = np.zeros(1 << width, np.uint16), np.empty(n, np.int64)
        used = np.zeros(slots, np.uint8)
        largest = int(np.diff(off).max(initial=0))
        if displace(h, g, shift, order, off, largest, slots - 1, used, disp, slot):
            return disp, shift, slots, slot, h & np.uint32(0xFFFF)
        width += 1
        slots *= 2
    raise AssertionError("no perfect hash found")
