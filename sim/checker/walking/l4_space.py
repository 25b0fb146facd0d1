"""The layer-4 space of one policy, cut wherever one of its rules or names begins or ends.

One *cell* stands for all packets between neighbouring cuts of protocol, destination port and
source port: no rule tells them apart. What else headers carry cuts the space into parts first
(`sim.checker.document.fields`). `boxes` writes values per cell as the one partition into boxes that
certificates use: per protocol, runs of destination ports with equal lines; in a line, runs of
source ports; protocols that follow each other with equal boxes are one.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TypeVar

from compiler.policy.ir import L4, Policy
from fabric.values.inventory import Endpoint
from fabric.values.ports import ANY
from sim.checker.document.fields import NOTHING_ELSE, PROTOCOLS, Fields
from sim.checker.document.partitions import LAST_PORT, LAST_PROTOCOL, PORTED
from sim.checker.document.regions import Box

MOST_CELLS = 500_000
Range = tuple[int, int]
Value = TypeVar("Value", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Plane:
    """The cells of one protocol: `first` is the number of its first cell, then destination ports by
    line, source ports in a line. Protocols without ports have one cell."""

    protocols: Range
    dports: tuple[Range, ...]
    sports: tuple[Range, ...]
    first: int

    @property
    def size(self) -> int:
        """Number of cells."""
        return len(self.dports) * len(self.sports)


@dataclass(frozen=True, slots=True)
class Space:
    """All cells; `packets` has one packet of each: protocol (of its part), source port, destination
    port."""

    planes: tuple[Plane, ...]
    packets: list[tuple[int, int, int]] = field(repr=False)
    fields: Fields = NOTHING_ELSE

    @staticmethod
    def of(policy: Policy, endpoints: Iterable[Endpoint]) -> Space:
        """The space that these rules cut, with the ports that containers have names for."""
        ranges = {l4 for rule in policy.rules for l4 in rule.l4}
        named = {(port.protocol, port.number) for e in endpoints for port in e.ports}
        chosen = {*PORTED, *(l4.protocol for l4 in ranges if l4.protocol != ANY)}
        fields = Fields.of(ranges)
        planes: list[Plane] = []
        size = 0
        protocols = _ranges({x for p in chosen for x in (p, p + 1)}, LAST_PROTOCOL)
        for part, (first, last) in product(range(fields.size), protocols):
            numbers = part * PROTOCOLS + first, part * PROTOCOLS + last
            if first in PORTED:
                mine = [l4 for l4 in ranges if l4.protocol in (ANY, first)]
                planes.append(Plane(numbers, *_ports(mine, first, named), size))
            else:
                planes.append(Plane(numbers, ((0, 0),), ((0, 0),), size))
            size += planes[-1].size
        if size > MOST_CELLS:
            raise OverflowError(
                f"{size:,} cells of protocols and ports are more than {MOST_CELLS:,}"
            )
        return Space(tuple(planes), _packets(planes), fields)

    @property
    def size(self) -> int:
        """Number of cells."""
        return len(self.packets)

    def boxes(self, values: Sequence[Value]) -> list[tuple[Box, Value]]:
        """Values per cell as boxes, sorted."""
        out: list[tuple[Box, Value]] = []
        before: list[tuple[tuple[int, ...], Value]] = []
        first = 0
        for plane in self.planes:
            flat = _flat(plane, values)
            if flat != before:
                out += [((first, plane.protocols[0] - 1, *ports), v) for ports, v in before]  # type: ignore[misc]
                first, before = plane.protocols[0], flat
        last = self.planes[-1].protocols[1]
        out += [((first, last, *ports), v) for ports, v in before]  # type: ignore[misc]
        return sorted(out)


def overlay(found: Sequence[Sequence[tuple[Box, int]]]) -> list[tuple[Box, tuple[int, ...]]]:
    """Several partitions as one, with the values of all of them."""
    boxes = [box for partition in found for box, _ in partition]
    cuts = {x for box in boxes for x in (box[0], box[1] + 1)}
    planes: list[Plane] = []
    size = 0
    for first, last in _ranges(cuts, max(box[1] for box in boxes)):
        mine = [box for box in boxes if box[0] <= first <= box[1]]
        top = LAST_PORT if first % PROTOCOLS in PORTED else 0
        d = _ranges({x for box in mine for x in (box[2], box[3] + 1)}, top)
        s = _ranges({x for box in mine for x in (box[4], box[5] + 1)}, top)
        planes.append(Plane((first, last), d, s, size))
        size += planes[-1].size
    space = Space(tuple(planes), _packets(planes))
    return space.boxes([tuple(_at(p, packet) for p in found) for packet in space.packets])


def _at(partition: Sequence[tuple[Box, int]], packet: tuple[int, int, int]) -> int:
    protocol, sport, dport = packet
    return next(
        value
        for (a, b, c, d, e, f), value in partition
        if a <= protocol <= b and c <= dport <= d and e <= sport <= f
    )


def _packets(planes: Sequence[Plane]) -> list[tuple[int, int, int]]:
    return [
        (plane.protocols[0], sport, dport)
        for plane in planes
        for dport, _ in plane.dports
        for sport, _ in plane.sports
    ]


def _ports(
    ranges: Sequence[L4], protocol: int, named: Iterable[tuple[int, int]]
) -> tuple[tuple[Range, ...], tuple[Range, ...]]:
    d = {x for l4 in ranges for x in (l4.first, l4.last + 1)}
    d |= {x for p, number in named if p == protocol for x in (number, number + 1)}
    s = {x for l4 in ranges for x in (l4.source_first, l4.source_last + 1)}
    return _ranges(d, LAST_PORT), _ranges(s, LAST_PORT)


def _ranges(cuts: set[int], last: int) -> tuple[Range, ...]:
    starts = sorted({0, *(x for x in cuts if 0 < x <= last)})
    return tuple(zip(starts, [*(x - 1 for x in starts[1:]), last], strict=True))


def _flat(plane: Plane, values: Sequence[Value]) -> list[tuple[tuple[int, ...], Value]]:
    """(destination ports, source ports) and value of one protocol's boxes."""
    width = len(plane.sports)
    lines: list[tuple[Range, list[Value]]] = []
    for row, one in enumerate(plane.dports):
        start = plane.first + row * width
        line = list(values[start : start + width])
        if lines and lines[-1][1] == line:
            lines[-1] = ((lines[-1][0][0], one[1]), line)
        else:
            lines.append((one, line))
    return [((*one, *sports), value) for one, line in lines for sports, value in _runs(plane, line)]


def _runs(plane: Plane, line: list[Value]) -> list[tuple[Range, Value]]:
    out: list[tuple[Range, Value]] = []
    for one, value in zip(plane.sports, line, strict=True):
        if out and out[-1][1] == value:
            out[-1] = ((out[-1][0][0], one[1]), value)
        else:
            out.append((one, value))
    return out
