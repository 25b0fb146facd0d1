"""The layer-4 axis of the header space: atoms to ports that people read, and back.

An *atom* is a maximal set of (protocol, source port, destination port) that no rule tells apart;
`atom = q * n_s + s` with `q` from protocol and destination port and `s` from the source port. A set
of atoms is a boolean array.

Rules that hold here:

1. All 256 protocols count, in each class of further fields (`sim.blocks.field_classes`). Protocols
   without ports have one packet each: port 0 to port 0.
2. `boxes` cover the axis exactly once, whatever the values.
3. Which of the two ICMPs a packet may carry depends on its IP version (`fabric.values.ports`). In a
   set for one version the other ICMP says what this one says (`of_version`): equal sets stay equal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.policy.fields import Values as Carried
from compiler.policy.fields import Within
from fabric.values.ports import (
    ALL_PORTS,
    ANY,
    BOTH,
    ICMP4,
    ICMP6,
    MAX_PORT,
    NAMES,
    OTHERS,
    WITH_PORTS,
    PortRange,
    name_of,
    sent,
    span,
)
from sim.blocks.field_classes import PLAIN, PROTOCOLS, FieldClasses
from sim.blocks.port_runs import bounds, consecutive, openers, runs

Bits = NDArray[np.bool_]
Values = NDArray[Any]
L4 = tuple[int, int, int, Carried]
"""Protocol, source port, destination port and further fields of one packet."""
PROTOCOL_PREFERENCE = (6, 17, 132, ICMP4, ICMP6)
CLIENT_PORT = 40000


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """Inclusive ranges of protocol numbers, destination ports and source ports, of packets of which
    further fields are within `fields`."""

    protocols: tuple[int, int]
    dport: tuple[int, int] = ALL_PORTS
    sport: tuple[int, int] = ALL_PORTS
    fields: tuple[Within, ...] = ()

    def __str__(self) -> str:
        first, last = self.protocols
        name = name_of(first) if first == last else f"protocols {first}-{last}"
        ported = first == last and first in WITH_PORTS
        text = f"{span(self.dport)}/{name}" if ported and self.dport != ALL_PORTS else name
        text = text if self.sport in (ALL_PORTS, (0, 0)) else f"{text} from {span(self.sport)}"
        return f"{text} with {' and '.join(map(str, self.fields))}" if self.fields else text


@dataclass(frozen=True, eq=False)
class L4Space:
    """A partition of the axis. Shapes: `proto_class` [256 * classes of fields], `dport_atom`
    [classes, 65536], `sport_atom` [65536]. `each` has the same atoms as packets of each class of
    further fields see them. That of blocks (`sim.blocks.atoms.L4Atoms`) can be cut further."""

    proto_class: Values
    dport_atom: NDArray[np.uint16]
    sport_atom: NDArray[np.uint16]
    fields: FieldClasses = field(default=PLAIN, kw_only=True)

    def __post_init__(self) -> None:
        wide, classes = len(self.proto_class), self.fields.size
        if wide != classes * PROTOCOLS:
            raise ValueError(f"{wide} wide protocols, {classes} classes of fields")

    @cached_property
    def n_q(self) -> int:
        """Number of atoms of protocol and destination port."""
        return int(self.dport_atom.max()) + 1

    @cached_property
    def n_s(self) -> int:
        """Number of atoms of source ports."""
        return int(self.sport_atom.max()) + 1

    @cached_property
    def _segments(self) -> tuple[tuple[NDArray[np.int64], NDArray[np.int64]], ...]:
        return tuple(runs(row) for row in [*self.dport_atom, self.sport_atom])

    @cached_property
    def each(self) -> tuple[L4Space, ...]:
        """One space per class of further fields, in order."""
        if self.fields.size == 1:
            return (self,)
        alike = {"n_q": self.n_q, "n_s": self.n_s, "_segments": self._segments}
        parts = [
            L4Space(part, self.dport_atom, self.sport_atom)
            for part in self.proto_class.reshape(-1, PROTOCOLS)
        ]
        for part in parts:
            vars(part).update(alike)
        return tuple(parts)

    @property
    def size(self) -> int:
        """Number of atoms."""
        return self.n_q * self.n_s

    def atom(self, protocol: int, sport: int, dport: int, fields: Carried = ()) -> int:
        """The atom of one packet."""
        wide = self.fields.number(fields) * PROTOCOLS + protocol
        q = int(self.dport_atom[self.proto_class[wide], dport])
        return q * self.n_s + int(self.sport_atom[sport])

    def real(self) -> Bits:
        """Atoms that hold a packet: protocols without ports have port 0 alone."""
        bits = np.zeros((self.n_q, self.n_s), np.bool_)
        for wide, cls in enumerate(self.proto_class.tolist()):
            row = self.dport_atom[cls]
            if wide % PROTOCOLS in WITH_PORTS:
                bits[np.unique(row)] = True
            else:
                bits[row[0], self.sport_atom[0]] = True
        return bits.ravel()

    def of_version(self, sets: Bits, version: int) -> Bits:
        """Rows of sets for packets of one IP version (rule 3)."""
        real, other = (ICMP4, ICMP6) if version == 4 else (ICMP6, ICMP4)
        for part in self.each:
            mine, its = (int(part.proto_class[protocol]) for protocol in (real, other))
            if mine != its:
                grid = sets.reshape(-1, self.n_q, self.n_s).copy()
                grid[:, np.unique(self.dport_atom[its])] = grid[:, self.dport_atom[mine, :1]]
                sets = grid.reshape(sets.shape)
        return sets

    def sent(self, version: int) -> Bits:
        """Atoms that hold a packet which hosts send inside an IP version."""
        return self.touching((PortRange(),), version=version)

    def touching(
        self, ranges: Iterable[PortRange], inverse: bool = False, version: int | None = None
    ) -> Bits:
        """Atoms that share a packet with `ranges` (with `inverse`: with what they leave out), of
        any IP version or of one."""
        wanted = tuple(ranges)
        found: Bits = np.logical_or.reduce(
            [part._touching(wanted, inverse, version) for part in self.each]
        )
        return found

    def _touching(self, wanted: tuple[PortRange, ...], inverse: bool, version: int | None) -> Bits:
        bits = np.zeros((self.n_q, self.n_s), np.bool_)
        named = {r.protocol for r in wanted}
        done: set[tuple[int, bool, int]] = set()
        for protocol in range(256):
            ported = protocol in WITH_PORTS
            alike = int(self.proto_class[protocol]), ported, protocol if protocol in named else ANY
            if alike in done or not (version is None or sent(protocol, version)):
                continue
            done.add(alike)
            for source, ports in openers(protocol, wanted):
                q = self.dport_atom[alike[0], : len(ports)][ports ^ inverse]
                s = self.sport_atom[source[0] : source[1] + 1]
                bits[np.ix_(np.unique(q), np.unique(s))] = True
        return bits.ravel()

    def boxes(self, values: Values) -> list[tuple[Box, int]]:
        """A partition of the axis into boxes of equal value, sorted, over wide protocols.

        `values` has one integer (or bool) per atom.
        """
        planes: dict[tuple[tuple[Box, int], ...], list[int]] = defaultdict(list)
        of_class: dict[tuple[int, bool], tuple[tuple[Box, int], ...]] = {}
        for wide, cls in enumerate(self.proto_class.tolist()):
            key = (cls, wide % PROTOCOLS in WITH_PORTS)
            if key not in of_class:
                of_class[key] = self._plane(values, *key)
            planes[of_class[key]].append(wide)
        return sorted(
            (Box(span, box.dport, box.sport), value)
            for plane, protocols in planes.items()
            for span in consecutive(protocols)
            for box, value in plane
        )

    def _plane(self, values: Values, cls: int, ported: bool) -> tuple[tuple[Box, int], ...]:
        """Boxes of one protocol (number left out), largest runs first along destination ports."""
        grid = values.reshape(self.n_q, self.n_s)
        none = (0, 0)
        if not ported:
            value = grid[self.dport_atom[cls, 0], self.sport_atom[0]]
            return ((Box(none, none, none), int(value)),)
        d_first, d_atom = self._segments[cls]
        s_first, s_atom = self._segments[-1]
        table = grid[np.ix_(d_atom, s_atom)]
        rows = np.flatnonzero(np.r_[True, (table[1:] != table[:-1]).any(1)])
        out: list[tuple[Box, int]] = []
        for row, dport in zip(rows, bounds(d_first[rows]), strict=True):
            line = table[row]
            columns = np.flatnonzero(np.r_[True, line[1:] != line[:-1]])
            spans = bounds(s_first[columns])
            out += [
                (Box(none, dport, s), int(line[c])) for c, s in zip(columns, spans, strict=True)
            ]
        return tuple(out)

    def allowed(self, bits: Bits) -> tuple[Box, ...]:
        """The boxes of a set of atoms, of each class of further fields where they differ."""
        key = np.packbits(bits).tobytes()
        if key not in self._boxed:
            self._boxed[key] = self._allowed(bits)
        return self._boxed[key]

    @cached_property
    def _boxed(self) -> dict[bytes, tuple[Box, ...]]:
        """Boxes of sets, so far."""
        return {}

    def _allowed(self, bits: Bits) -> tuple[Box, ...]:
        found = [[box for box, value in part.boxes(bits) if value] for part in self.each]
        if all(boxes == found[0] for boxes in found):
            return tuple(found[0])
        limits = map(self.fields.parts, range(len(found)))
        pairs = zip(found, limits, strict=True)
        return tuple(replace(box, fields=own) for boxes, own in pairs for box in boxes)

    def ranges(self, bits: Bits) -> list[PortRange]:
        """The set as merged ports. Limits of source ports and further fields are lost: `allowed`
        and `text` keep them."""
        if bits.all():
            return [PortRange()]
        merged: set[PortRange] = set()
        for protocol, (first, last) in _by_protocol(self.allowed(bits)):
            merged.add(PortRange(protocol, first, last if protocol in WITH_PORTS else MAX_PORT))
        return sorted(merged)

    def text(self, bits: Bits) -> str:
        """The set as people write it.

        >>> cls = np.zeros(256, np.uint8); cls[6] = 1
        >>> dport = np.zeros((2, 65536), np.uint16); dport[1] = 1; dport[1, 443] = 2
        >>> space = L4Space(cls, dport, np.zeros(65536, np.uint16))
        >>> space.text(np.array([False, False, True])), space.text(np.array([True, True, True]))
        ('443/tcp', 'any')
        >>> space.text(np.array([True, False, True]))
        '443/tcp, udp, sctp, icmp, other protocols'
        >>> space.text(np.array([True, True, False]))
        'any except 443/tcp'
        """
        if bits.all():
            return "any"
        if len(self.each) > 1:
            return self._by_fields(bits)
        listed, left_out = self._named(bits), self._named(~bits)
        if not listed or not left_out:
            return "any" if listed else "none"
        holes = {text.rpartition("/")[2] for text in left_out}
        if len(left_out) < len(listed) and len(holes) == len(left_out):
            return f"any except {', '.join(left_out)}"
        return ", ".join(listed)

    def _by_fields(self, bits: Bits) -> str:
        """The set as people write it where further fields tell packets apart."""
        alike: dict[str, list[int]] = {}
        for number, part in enumerate(self.each):
            alike.setdefault(part.text(bits), []).append(number)
        if len(alike) == 1:
            return next(iter(alike))
        said = ((text, self.fields.words(of)) for text, of in alike.items() if text != "none")
        return "; ".join(f"{text} with {words}" for text, words in said)

    def _named(self, bits: Bits) -> list[str]:
        """The boxes of a set, protocols that people know first."""
        boxes = self.allowed(bits)
        named: list[str] = []
        for protocol in PROTOCOL_PREFERENCE:
            inside = (b for b in boxes if b.protocols[0] <= protocol <= b.protocols[1])
            named += [str(Box((protocol, protocol), b.dport, b.sport)) for b in inside]
        if named[-2:] == [NAMES[ICMP4], NAMES[ICMP6]]:
            named[-2:] = [BOTH]
        rest = {p for b in boxes for p in range(b.protocols[0], b.protocols[1] + 1)}
        rest -= set(PROTOCOL_PREFERENCE)
        if len(rest) == 256 - len(PROTOCOL_PREFERENCE):
            return [*named, OTHERS]
        return [*named, *(str(Box(span)) for span in consecutive(sorted(rest)))]

    def pick(
        self,
        bits: Bits,
        ranges: Sequence[PortRange] = (PortRange(),),
        inverse: bool = False,
        version: int | None = None,
    ) -> L4 | None:
        """A packet of the set inside (with `inverse`: outside) `ranges`, of any IP version or of
        one, TCP preferred; None when there is none."""
        for number, part in enumerate(self.each):
            found = part._pick(bits, ranges, inverse, version)
            if found is not None:
                return *found, self.fields.sample(number)
        return None

    def _pick(
        self, bits: Bits, ranges: Sequence[PortRange], inverse: bool, version: int | None
    ) -> tuple[int, int, int] | None:
        grid = bits.reshape(self.n_q, self.n_s)
        order = (*PROTOCOL_PREFERENCE, *sorted(set(range(256)) - set(PROTOCOL_PREFERENCE)))
        for protocol in order:
            if not (version is None or sent(protocol, version)):
                continue
            by_source = list(openers(protocol, ranges))
            by_source.sort(key=lambda o: not o[0][0] <= CLIENT_PORT <= o[0][1])
            for source, ports in by_source:
                s = self.sport_atom[source[0] : source[1] + 1]
                q = self.dport_atom[self.proto_class[protocol], : len(ports)]
                usable = np.asarray(grid[:, np.unique(s)].any(axis=1))
                found = np.flatnonzero((ports ^ inverse) & usable[q])
                if len(found):
                    dport = int(found[0]) or int(found[min(1, len(found) - 1)])
                    return protocol, self._source_port(source, grid[int(q[dport])]), dport
        return None

    def _source_port(self, source: tuple[int, int], by_source: Values) -> int:
        usable = np.asarray(by_source[self.sport_atom[source[0] : source[1] + 1]])
        if source[0] <= CLIENT_PORT <= source[1] and usable[CLIENT_PORT - source[0]]:
            return CLIENT_PORT
        found = np.flatnonzero(usable)
        return source[0] + int(found[-1])


def rows(space: L4Space, bits: Bits) -> list[dict[str, Any]]:
    """The set as JSON: protocol name or numbers, `from`, `to`, `source` when it is limited, and
    `fields` where further fields are."""
    if bits.all():
        return [{"protocol": "any", "from": 0, "to": MAX_PORT}]
    out: list[dict[str, Any]] = []
    boxes = space.allowed(bits)
    icmps = {(box.protocols, box.fields) for box in boxes}
    for box in boxes:
        first, last = box.protocols
        both = icmps >= {((ICMP4, ICMP4), box.fields), ((ICMP6, ICMP6), box.fields)}
        if both and box.protocols == (ICMP6, ICMP6):
            continue
        name = NAMES.get(first, str(first)) if first == last else f"{first}-{last}"
        name = BOTH if both and first == last == ICMP4 else name
        row: dict[str, Any] = {"protocol": name, "from": box.dport[0], "to": box.dport[1]}
        if box.sport not in (ALL_PORTS, (0, 0)):
            row["source"] = list(box.sport)
        if box.fields:
            row["fields"] = [[limit.name, limit.first, limit.last] for limit in box.fields]
        out.append(row)
    return out


def _by_protocol(boxes: Iterable[Box]) -> Iterable[tuple[int, tuple[int, int]]]:
    """Destination ports per protocol number, ranges that touch joined."""
    spans: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for box in boxes:
        for protocol in range(box.protocols[0], box.protocols[1] + 1):
            spans[protocol].append(box.dport)
    for protocol, ports in sorted(spans.items()):
        joined: list[tuple[int, int]] = []
        for first, last in sorted(ports):
            if joined and first <= joined[-1][1] + 1:
                joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
            else:
                joined.append((first, last))
        yield from ((protocol, span) for span in joined)
