"""L4 classes: sets of ports, protocol, connection state and DSCP that no rule tells apart.

    z = (sport[sp] * n_dport + dport[dp]) * n_meta + meta[protocol << 8 | state << 6 | dscp]
    y = Y[z]

`meta` is indexed by the protocol and the further fields in the order of their table
(`compiler.policy.fields`, here those that are bundled). `sport` has one element where no rule looks
at source ports, `meta` 256, by protocol, where none looks at further fields. The three are bytes if
all fit, else words: a byte table of ports takes an eighth of a core's cache.

A rule's L4 condition is a *set*; the rules of a table use few distinct ones, and set `i` holds the
classes `y_list[y_off[i]:y_off[i + 1]]`.

Blocks cut layer 4 as well (`sim.blocks.atoms`), and a law holds both together. They stay two: an
atom is a range of ports that is told to people and cut again when a policy is edited, without
kernels; a class is a set of any shape, found in tables that a core's cache holds. For the rules of
engines atoms and their classes would take up to twelve times as long (`fw-10k`: 56 ms, not 5).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.policy.fields import FIELDS, looked_up
from sim.blocks.numbering import Numbering, weights
from sim.classify.axes.lists import (
    bit_rows,
    distinct_lists,
    distinct_rows,
    merge_columns,
    numbered,
)
from sim.classify.ruleset import BIT_SETS, I64, Ranges, RuleSet

Narrow = NDArray[np.uint8] | NDArray[np.uint16]
U16 = NDArray[np.uint16]
MAX_CLASSES = 1 << 16
REST = prod(row.last + 1 for row in looked_up())
"""Combinations of values of further fields."""
MAX_CELLS = 1 << 21
MAX_WORK = 1 << 28


@dataclass(frozen=True, slots=True)
class Ports:
    """Classes of one port field: `table` maps a port, `held[l, c]` says that list l holds c."""

    table: NDArray[np.int64]
    lists: Numbering
    held: NDArray[np.uint8]

    @property
    def size(self) -> int:
        """Number of classes."""
        return int(self.held.shape[1])


@dataclass(frozen=True, slots=True)
class L4Classes:
    """See the module; `set_of` is each rule's set."""

    sport: Narrow
    dport: Narrow
    meta: Narrow
    n_dport: int
    n_meta: int
    y: U16
    n_y: int
    set_of: I64
    y_off: I64
    y_list: I64
    uses_sport: bool
    uses_meta: bool

    @property
    def n_z(self) -> int:
        """Number of raw combinations."""
        return len(self.y)

    @property
    def nbytes(self) -> int:
        """Bytes of the four tables."""
        return self.sport.nbytes + self.dport.nbytes + self.meta.nbytes + self.y.nbytes


@dataclass(frozen=True, slots=True)
class Meta:
    """Classes of (protocol, state, DSCP), as `Ports`; `used` is False if only protocols matter."""

    table: NDArray[np.int64]
    lists: Numbering
    held: NDArray[np.uint8]
    used: bool

    def take(self, rules: I64) -> Meta:
        """The same classes for some of the rules."""
        return replace(self, lists=Numbering(self.lists.of[rules], self.lists.sample))


def port_classes(ports: Ranges) -> Ports | None:
    """Cut one port axis; None if its lists and classes are too many for a table of both."""
    number, rep = numbered(ports.first.astype(np.uint64) << np.uint64(16) | ports.last)
    items = number.astype(np.int64)
    lists = distinct_lists(ports.off, items, len(rep))
    first, last = ports.first[rep].astype(np.int64), ports.last[rep].astype(np.int64)
    count = np.diff(ports.off)[lists.sample]
    owner, begin = np.repeat(np.arange(len(lists.sample)), count), np.cumsum(count) - count
    at = np.repeat(ports.off[lists.sample] - begin, count) + np.arange(len(owner))
    item = items[at]
    cuts = np.unique(np.concatenate([[0], first, last + 1]))
    cuts = cuts[cuts < 1 << 16]
    if len(lists.sample) * len(cuts) > MAX_WORK >> 4:
        return None
    held = np.zeros((len(lists.sample), len(cuts) + 1), np.int32)
    np.add.at(held, (owner, np.searchsorted(cuts, first[item])), 1)
    np.add.at(held, (owner, np.searchsorted(cuts, last[item] + 1)), -1)
    inside = np.cumsum(held, axis=1)[:, :-1] > 0
    classes, kept = merge_columns(inside)
    table = np.repeat(classes, np.diff(np.append(cuts, 1 << 16)))
    return Ports(table, lists, np.ascontiguousarray(inside[:, kept], np.uint8))


def meta_classes(rules: RuleSet) -> Meta | None:
    """Classes of protocol, state and DSCP together; None if a table of them and of the rules'
    distinct sets would be too large."""
    sets = {name: getattr(rules, name) for name in BIT_SETS}
    used = any((sets[n] != sets[n].dtype.type(every)).any() for n, every in BIT_SETS.items())
    columns = [*np.ascontiguousarray(rules.protocol.T), *sets.values()]
    lists = distinct_rows(columns)
    if len(lists.sample) > MAX_CLASSES:
        return None
    protocol = unpack(rules.protocol[lists.sample], 256)
    if not used:
        classes, rep = merge_columns(protocol)
        held = np.ascontiguousarray(protocol[:, rep])
        return Meta(np.repeat(classes, REST), lists, held, used)
    rest = np.ones((len(lists.sample), 1), np.uint8)
    for name, column in sets.items():
        bits = unpack(column[lists.sample].astype(np.uint64)[:, None], FIELDS[name].last + 1)
        rest = (rest[:, :, None] & bits[:, None, :]).reshape(len(rest), -1)
    a, a_rep = merge_columns(protocol)
    b, b_rep = merge_columns(rest)
    if len(lists.sample) * len(a_rep) * len(b_rep) > MAX_WORK >> 3:
        return None
    held = (protocol[:, a_rep, None] & rest[:, None, b_rep]).reshape(len(lists.sample), -1)
    classes, rep = merge_columns(held)
    table = classes.reshape(len(a_rep), len(b_rep))[a[:, None], b[None, :]].reshape(-1)
    return Meta(table, lists, np.ascontiguousarray(held[:, rep]), used)


def held_by(l4: L4Classes, sets: I64) -> NDArray[np.bool_]:
    """Which classes each of these sets holds, bool [sets, classes]."""
    count = np.diff(l4.y_off)[sets]
    at = np.repeat(l4.y_off[sets] - np.cumsum(count) + count, count) + np.arange(count.sum())
    held = np.zeros((len(sets), l4.n_y), bool)
    held[np.repeat(np.arange(len(sets)), count), l4.y_list[at]] = True
    return held


def as_lists(held: NDArray[np.bool_]) -> tuple[I64, I64]:
    """The columns that each row holds: offsets, and the columns."""
    rows, columns = np.nonzero(held)
    off = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(held)))])
    return off.astype(np.int64), columns.astype(np.int64)


def narrow(
    sport: NDArray[Any], dport: NDArray[Any], meta: NDArray[Any], uses_sport: bool, uses_meta: bool
) -> tuple[Narrow, Narrow, Narrow]:
    """The three tables as short as they can be."""
    whole = (
        sport if uses_sport else sport[:1] * 0,
        dport,
        meta if uses_meta or len(meta) == 256 else meta[::REST],
    )
    kind: Any = np.uint8 if max(int(table.max()) for table in whole) < 256 else np.uint16
    a, b, c = (np.ascontiguousarray(table, kind) for table in whole)
    return a, b, c


def unpack(words: NDArray[np.uint64], n: int) -> NDArray[np.uint8]:
    """Bits of each row, uint8 [rows, n]."""
    raw = np.ascontiguousarray(words).view(np.uint8).reshape(len(words), 8 * words.shape[1])
    return np.unpackbits(raw, axis=1, bitorder="little")[:, :n]


def l4_classes(rules: RuleSet, meta: Meta | None = None) -> L4Classes | None:
    """Classes of a rule set; None if a table of their product would be too large. `meta` gives the
    meta classes to use, which may be finer than these rules need."""
    sport, dport = port_classes(rules.sport), port_classes(rules.dport)
    meta = meta or meta_classes(rules)
    if sport is None or dport is None or meta is None:
        return None
    n_meta = meta.held.shape[1]
    n_z = sport.size * dport.size * n_meta
    if sport.size * dport.size > MAX_CLASSES or n_z > MAX_CELLS or n_meta > MAX_CLASSES:
        return None
    sets = distinct_rows([sport.lists.of, dport.lists.of, meta.lists.of])
    a, b, c = (x.lists.of[sets.sample] for x in (sport, dport, meta))
    if len(sets.sample) * n_z > MAX_WORK:
        return None
    return _product(sport, dport, meta, sets, (a, b, c))


def _product(
    sport: Ports, dport: Ports, meta: Meta, sets: Numbering, parts: tuple[I64, I64, I64]
) -> L4Classes | None:
    from sim.kernels.match.paint import list_bits, paint_product

    held = sport.held, dport.held, meta.held
    shape = (sport.size, dport.size, meta.held.shape[1])
    signatures = np.zeros((2, *shape), np.uint64)
    source = weights(max(len(sets.sample), 1))
    for grid in signatures:
        paint_product(*parts, *held, next(source), grid)
    y, rep = distinct_rows(list(signatures.reshape(2, -1)))
    if len(rep) > MAX_CLASSES:
        return None
    places = zip(held, np.unravel_index(rep, shape), parts, strict=True)
    a, b, c = (bit_rows(own, at)[part] for own, at, part in places)
    words = a & b & c
    count = np.bitwise_count(words).astype(np.int64)
    off = np.concatenate([[0], np.cumsum(count)])
    classes = np.empty(int(off[-1]), np.int64)
    list_bits(words.reshape(-1), off, words.shape[1], classes)
    return L4Classes(
        *narrow(sport.table, dport.table, meta.table, sport.size > 1, meta.used),
        *shape[1:],
        y.astype(np.uint16),
        len(rep),
        sets.of,
        np.ascontiguousarray(off[:: words.shape[1]]),
        classes,
        sport.size > 1,
        meta.used,
    )


NO_CLASSES = L4Classes(
    np.zeros(1, np.uint8), np.zeros(1 << 16, np.uint8), np.zeros(256, np.uint8), 1, 1,
    np.zeros(1, np.uint16), 1,
    np.zeros(0, np.int64), np.zeros(1, np.int64), np.zeros(0, np.int64), False, False,
)  # fmt: skip
"""One class for everything."""
