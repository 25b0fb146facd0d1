"""`RuleSet`: first-match rules by columns, the form in which any table of rules is classified.

Row is rule id and priority: the lowest matching row wins. A rule matches a packet when every field
does; a field that is a list matches when one of its members does, and an empty list matches
nothing. Lists are kept as lists (CSR: the members of rule `r` are `off[r]..off[r + 1]`), because
rules of thousands of prefix pairs must not become thousands of rows.

    key          VNI, direction, endpoint (or identity): a value, or ANY for all, also unknown ones
    addresses    source and destination prefixes, of each IP version its own
    L4           inclusive source and destination port ranges; protocols as a set of 256 bits
    the rest     connection states as a set of 4 bits, DSCP as a set of 64 bits

A million rules are about 200 MB; nothing here is per-rule Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from compiler.policy.fields import FIELDS, looked_up
from fabric.diagnostics import Diagnostic, InputError
from fabric.values.ports import MAX_PORT
from sim.classify.further_columns import with_further

ANY = -1
BIT_SETS = {row.name: (1 << row.last + 1) - 1 for row in looked_up()}
"""Further fields of which a rule holds a set of values as bits: all of them."""
ALL_STATES, ALL_DSCP = BIT_SETS["state"], BIT_SETS["dscp"]
WORD = (1 << 64) - 1
MAX_VNI = (1 << 24) - 1
MAX_PROTOCOL = FIELDS["protocol"].last
KEYS = {"vni": MAX_VNI, "direction": 1, "endpoint": (1 << 32) - 1}

I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Prefixes:
    """Lists of IPv4 prefixes; host bits are zero."""

    off: I64
    first: NDArray[np.uint32]
    length: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Prefixes6:
    """Lists of IPv6 prefixes; host bits are zero."""

    off: I64
    hi: NDArray[np.uint64]
    lo: NDArray[np.uint64]
    length: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Ranges:
    """Lists of inclusive port ranges."""

    off: I64
    first: NDArray[np.uint16]
    last: NDArray[np.uint16]


@with_further(dict.fromkeys(BIT_SETS))
@dataclass(frozen=True, slots=True)
class RuleSet:
    """See the module. All columns have one row per rule; of a further field that is not said a rule
    has all values."""

    vni: I64
    direction: NDArray[np.int8]
    endpoint: I64
    src4: Prefixes
    dst4: Prefixes
    src6: Prefixes6
    dst6: Prefixes6
    sport: Ranges
    dport: Ranges
    protocol: NDArray[np.uint64]
    state: NDArray[np.uint8]
    dscp: NDArray[np.uint64]

    def __post_init__(self) -> None:
        for name, every in BIT_SETS.items():
            if getattr(self, name) is None:
                whole = np.full(len(self), every, bits_type(name))
                object.__setattr__(self, name, whole)

    def __len__(self) -> int:
        return len(self.vni)

    @property
    def rows(self) -> int:
        """How many rows of one prefix pair, one port pair and one protocol value/mask the rules
        would be, which is what tables without lists hold (TCAM, rte_acl)."""
        pairs = _count(self.src4) * _count(self.dst4) + _count(self.src6) * _count(self.dst6)
        return int((pairs * _count(self.sport) * _count(self.dport)).sum())

    @property
    def nbytes(self) -> int:
        """Bytes of all columns."""
        return _nbytes(self)

    def take(self, rules: I64) -> RuleSet:
        """These rules, in this order; the row in the result is the position in `rules`."""
        if len(rules) == len(self) and (np.diff(rules) == 1).all():
            return self
        return RuleSet(**{f.name: _take(getattr(self, f.name), rules) for f in fields(self)})

    @classmethod
    def of(cls, rules: Sequence[Rule]) -> Self:
        """Columns of rules written one by one: for people and tests, not for large tables."""
        bits = {n: np.array([getattr(r, n) for r in rules], bits_type(n)) for n in BIT_SETS}
        return cls(
            np.array([r.vni for r in rules], np.int64),
            np.array([r.direction for r in rules], np.int8),
            np.array([r.endpoint for r in rules], np.int64),
            prefixes4([[p for p in r.src if p.version == 4] for r in rules]),
            prefixes4([[p for p in r.dst if p.version == 4] for r in rules]),
            prefixes6([[p for p in r.src if p.version == 6] for r in rules]),
            prefixes6([[p for p in r.dst if p.version == 6] for r in rules]),
            ranges([r.sport for r in rules]),
            ranges([r.dport for r in rules]),
            protocols([r.protocols for r in rules]),
            **bits,
        )


@with_further(BIT_SETS)
@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, readable. `protocols` None means all; `state` and `dscp` are bit sets."""

    vni: int = ANY
    direction: int = ANY
    endpoint: int = ANY
    src: tuple[IPv4Network | IPv6Network, ...] = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))
    dst: tuple[IPv4Network | IPv6Network, ...] = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))
    sport: tuple[tuple[int, int], ...] = ((0, 65535),)
    dport: tuple[tuple[int, int], ...] = ((0, 65535),)
    protocols: tuple[int, ...] | None = None
    state: int = ALL_STATES
    dscp: int = ALL_DSCP

    def __post_init__(self) -> None:
        wrong = [
            f"{name} {lists!r:.50}, which is no list"
            for name in ("src", "dst", "sport", "dport", "protocols")
            if not isinstance(lists := getattr(self, name), tuple | list)
            and not (name == "protocols" and lists is None)
        ]
        if not wrong:
            wrong += [f"ports {r!r}" for r in (*self.sport, *self.dport) if not _is_range(r)]
            numbers = self.protocols or ()
            wrong += [f"protocol {p!r}" for p in numbers if not _is_number(p, 0, MAX_PROTOCOL)]
            prefixes, kinds = (*self.src, *self.dst), IPv4Network | IPv6Network
            wrong += [f"prefix {p!r}" for p in prefixes if not isinstance(p, kinds)]
        for name, most in KEYS.items():
            if not _is_number(value := getattr(self, name), ANY, most):
                wrong.append(f"{name} {value!r}")
        if wrong:
            hint = "ip_network() makes prefixes; ports are a tuple of (first, last)"
            raise InputError(*(Diagnostic("C746", f"a rule has {w}", hint=hint) for w in wrong))


def bits_type(name: str) -> np.dtype[Any]:
    """The narrowest type of a set of values of a further field.

    >>> bits_type("state"), bits_type("dscp")
    (dtype('uint8'), dtype('uint64'))
    """
    return np.min_scalar_type(BIT_SETS[name])


def _is_number(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int | np.integer) and bool(least <= value <= most)


def _is_range(value: Any) -> bool:
    if not isinstance(value, tuple | list) or len(value) != 2:
        return False
    first, last = value
    return _is_number(first, 0, MAX_PORT) and _is_number(last, first, MAX_PORT)


def prefixes4(lists: Sequence[Sequence[Any]]) -> Prefixes:
    """Columns of lists of `IPv4Network`."""
    flat = [p for part in lists for p in part]
    return Prefixes(
        _offsets(lists),
        np.array([int(p.network_address) for p in flat], np.uint32),
        np.array([p.prefixlen for p in flat], np.uint8),
    )


def prefixes6(lists: Sequence[Sequence[Any]]) -> Prefixes6:
    """Columns of lists of `IPv6Network`."""
    flat = [p for part in lists for p in part]
    first = [int(p.network_address) for p in flat]
    return Prefixes6(
        _offsets(lists),
        np.array([x >> 64 for x in first], np.uint64),
        np.array([x & WORD for x in first], np.uint64),
        np.array([p.prefixlen for p in flat], np.uint8),
    )


def ranges(lists: Sequence[Sequence[tuple[int, int]]]) -> Ranges:
    """Columns of lists of inclusive ranges."""
    flat = [r for part in lists for r in part]
    return Ranges(
        _offsets(lists),
        np.array([first for first, _ in flat], np.uint16),
        np.array([last for _, last in flat], np.uint16),
    )


def protocols(sets: Sequence[tuple[int, ...] | None]) -> NDArray[np.uint64]:
    """Bit sets, uint64 [n, 4]; None means all 256."""
    out = np.full((len(sets), 4), WORD, np.uint64)
    for row, members in enumerate(sets):
        if members is not None:
            bits = sum(1 << number for number in set(members))
            out[row] = [bits >> shift & WORD for shift in (0, 64, 128, 192)]
    return out


def single(n: int) -> I64:
    """Offsets of lists of one member each."""
    return np.arange(n + 1, dtype=np.int64)


def _offsets(lists: Sequence[Sequence[Any]]) -> I64:
    return np.cumsum([0] + [len(part) for part in lists]).astype(np.int64)


def _count(lists: Any) -> I64:
    counts: I64 = np.diff(lists.off)
    return counts


def _take(column: Any, rules: I64) -> Any:
    if isinstance(column, np.ndarray):
        return column[rules]
    count = np.diff(column.off)[rules]
    off = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    at = np.repeat(column.off[rules] - off[:-1], count) + np.arange(off[-1])
    members = {f.name: getattr(column, f.name)[at] for f in fields(column) if f.name != "off"}
    return type(column)(off=off, **members)


def _nbytes(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return value.nbytes
    return sum(_nbytes(getattr(value, f.name)) for f in fields(value))
