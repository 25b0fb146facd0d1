"""The hash table of tuple-space search: one record per distinct (tuple, source, destination).

The table is a perfect hash, so a question is one probe; a record holds the key's first rule, and
says where its others are. Keys with many rules, or with rules whose ports are lists, get a *heavy*
row: the first rule by L4 class.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compiler.ruleset import I64, RuleSet
from sim.engines.l4 import L4Classes, Meta
from sim.engines.rows import Rows

HEAVY = 1 << 31
MANY = 4
MAX_META = 32
ENTRY, MORE = 8, 4
SHIFT_BITS = 32
ATTEMPTS = 8


class Probes(NamedTuple):
    """See `sim.kernels.tuples`; `slots` is a power of two."""

    disp: NDArray[np.uint16]
    shift: int
    slots: int
    entries: NDArray[np.uint32]
    more: NDArray[np.uint32]
    heavy: NDArray[np.uint32]


class Conditions(NamedTuple):
    """Rows with their ports: `rule`, packed `sport` and `dport`, `meta` as a set of 32 classes,
    and whether these say all (`simple`)."""

    row: I64
    sport: NDArray[np.uint32]
    dport: NDArray[np.uint32]
    meta: NDArray[np.uint32]
    simple: NDArray[np.bool_]


def probes(
    rules: RuleSet, fine: Rows, tuple_of: I64, l4: L4Classes | None, meta: Meta, budget: int
) -> Probes | None:
    """The table of these rows; None if it cannot be made within `budget` bytes."""
    made = _conditions(rules, fine, l4, meta, budget)
    if made is None:
        return None
    row = made.row
    pair = fine.src[row].astype(np.uint64) << np.uint64(32) | fine.dst[row]
    order = np.lexsort((fine.rule[row], pair, tuple_of[row]))
    made = Conditions(*(column[order] for column in made))
    row, pair, tuples = made.row, pair[order], tuple_of[made.row]
    new = np.ones(len(row), bool)
    new[1:] = (pair[1:] != pair[:-1]) | (tuples[1:] != tuples[:-1])
    first = np.flatnonzero(new)
    end = np.append(first[1:], len(row))
    if len(first) * (ENTRY * 8 + 4) + len(row) * MORE * 4 > budget:
        return None
    which = _heavy(first, end, made.simple, 0 if l4 is None else l4.n_y, budget)
    if which is None:
        return None
    return _table(fine, made, tuples, first, end, which, l4)


def _conditions(
    rules: RuleSet, fine: Rows, l4: L4Classes | None, meta: Meta, budget: int
) -> Conditions | None:
    """Ports per row. Without L4 classes, lists of ports are written out."""
    n_sport, n_dport = np.diff(rules.sport.off), np.diff(rules.dport.off)
    narrow = meta.held.shape[1] <= MAX_META
    if l4 is None and not narrow:
        return None
    sets = np.zeros(len(meta.held), np.uint64)
    if narrow:
        bit = np.uint64(1) << np.arange(meta.held.shape[1], dtype=np.uint64)
        sets = (meta.held * bit).sum(axis=1, dtype=np.uint64)
    simple = (n_sport == 1) & (n_dport == 1) & narrow
    times = np.where(
        simple, 1, n_sport * n_dport if l4 is None else np.minimum(n_sport * n_dport, 1)
    )
    if int(times[fine.rule].sum()) * 64 > budget:
        return None
    row = np.repeat(np.arange(len(fine.rule)), times[fine.rule])
    rule = fine.rule[row]
    within = np.arange(len(row)) - np.repeat(
        np.cumsum(times[fine.rule]) - times[fine.rule], times[fine.rule]
    )
    i, j = np.divmod(within, np.maximum(n_dport[rule], 1))
    all_simple = simple[rule] if l4 is not None else np.ones(len(row), bool)
    mask = np.where(all_simple, sets[meta.lists.ids[rule]], 0)
    return Conditions(
        row,
        _packed(rules.sport.first, rules.sport.last, rules.sport.off[rule] + i),
        _packed(rules.dport.first, rules.dport.last, rules.dport.off[rule] + j),
        mask.astype(np.uint32),
        all_simple,
    )


def _packed(first: NDArray[np.uint16], last: NDArray[np.uint16], at: I64) -> NDArray[np.uint32]:
    low, high = first[at].astype(np.uint32), last[at].astype(np.uint32)
    return low | (high - low) << np.uint32(16)


def _heavy(first: I64, end: I64, simple: NDArray[np.bool_], n_y: int, budget: int) -> I64 | None:
    """Keys that get a row by L4 class: those that must, and those of many rules as far as the
    budget goes."""
    complex_ = np.zeros(len(first) + 1, np.int64)
    np.cumsum(np.add.reduceat(~simple, first) if len(first) else [], out=complex_[1:])
    must = np.diff(complex_) > 0
    if n_y == 0:
        return np.zeros(0, np.int64)
    room = budget // (4 * n_y)
    if int(must.sum()) > room:
        return None
    many = MANY
    while int((must | (end - first >= many)).sum()) > room:
        many *= 2
    return np.flatnonzero(must | (end - first >= many))


def _table(
    fine: Rows, made: Conditions, tuples: I64, first: I64, end: I64, which: I64,
    l4: L4Classes | None,
) -> Probes:  # fmt: skip
    from sim.kernels.paint import fill_heavy

    rule = fine.rule[made.row]
    n_y = 0 if l4 is None else l4.n_y
    heavy = np.full(max(len(which) * n_y, 1), 0xFFFFFFFF, np.uint32)
    if l4 is not None:
        fill_heavy(which, first, end, rule, l4.set_of, l4.y_off, l4.y_list, n_y, heavy)
    more = np.zeros(len(first), np.int64)
    listed = end - first - 1
    listed[which] = 0
    rest = np.arange(len(rule))
    own = np.repeat(np.arange(len(first)), end - first)
    rest = rest[(rest != first[own]) & (listed[own] > 0)]
    starts = np.cumsum(listed) - listed
    more[listed > 0] = starts[listed > 0] + 1
    more[which] = HEAVY | np.arange(len(which))
    last = np.ones(len(rest), np.int64)
    last[:-1] = own[rest[1:]] != own[rest[:-1]]
    records = [made.sport[rest], made.dport[rest], made.meta[rest], rule[rest] << 1 | last]
    head = made.row[first]
    keys = [fine.src[head], fine.dst[head], tuples[first].astype(np.uint32)]
    disp, shift, slots, slot = _perfect(keys)
    entries = np.zeros((slots, ENTRY), np.uint32)
    columns = [
        *keys[:2], keys[2] + np.uint32(1), rule[first],
        made.sport[first], made.dport[first], made.meta[first], more,
    ]  # fmt: skip
    for number, column in enumerate(columns):
        entries[slot, number] = column.astype(np.uint32)
    listed_rules = np.stack([r.astype(np.uint32) for r in records], axis=1).reshape(-1)
    if not len(listed_rules):
        listed_rules = np.zeros(MORE, np.uint32)
    return Probes(disp, shift, slots, entries.reshape(-1), listed_rules, heavy)


def _perfect(keys: list[NDArray[np.uint32]]) -> tuple[NDArray[np.uint16], int, int, I64]:
    """Displacements, shift, number of slots, and the slot of every key."""
    from sim.kernels.tuples import displace, hash_keys

    n = len(keys[0])
    h, g = np.empty(n, np.uint32), np.empty(n, np.uint32)
    hash_keys(*keys, h, g)
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
            return disp, shift, slots, slot
        width += 1
        slots *= 2
    raise AssertionError("no perfect hash found")
