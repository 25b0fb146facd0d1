"""The layer-4 space of one policy, cut wherever one of its rules or names begins or ends.

One *cell* stands for all packets between neighbouring cuts of protocol, destination port and
source port: no rule tells them apart. `boxes` writes values per cell as the one partition into
boxes that certificates use: per protocol, runs of destination ports with equal lines; in a line,
runs of source ports; protocols that follow each other with equal boxes are one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from compiler.ir import L4, Policy
from fabric.inventory import Endpoint
from fabric.ports import ANY
from sim.checker.partitions import LAST_PORT, LAST_PROTOCOL, PORTED
from sim.checker.regions import Box

MOST_CELLS = 500_000
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Plane:
    """The cells of one protocol: `first` is the number of its first cell, then destination ports by
    line, source ports in a line. Protocols without ports have one cell."""

    protocols: Span
    dports: tuple[Span, ...]
    sports: tuple[Span, ...]
    first: int

    @property
    def size(self) -> int:
        """Number of cells."""
        return len(self.dports) * len(self.sports)


@dataclass(frozen=True, slots=True)
class Space:
    """All cells; `packets` has one packet of each: protocol, source port, destination port."""

    planes: tuple[Plane, ...]
    packets: list[tuple[int, int, int]] = field(repr=False)

    @staticmethod
    def of(policy: Policy, endpoints: Iterable[Endpoint]) -> Space:
        """The space that these rules cut, with the ports that containers have names for."""
        ranges = {l4 for rule in policy.rules for l4 in rule.l4}
        named = {(port.protocol, port.number) for e in endpoints for port in e.ports}
        chosen = {*PORTED, *(l4.protocol for l4 in ranges if l4.protocol != ANY)}
        planes: list[Plane] = []
        size = 0
        for first, last in _spans({x for p in chosen for x in (p, p + 1)}, LAST_PROTOCOL):
            if first in PORTED:
                mine = [l4 for l4 in ranges if l4.protocol in (ANY, first)]
                planes.append(Plane((first, last), *_ports(mine, first, named), size))
            else:
                planes.append(Plane((first, last), ((0, 0),), ((0, 0),), size))
            size += planes[-1].size
        if size > MOST_CELLS:
            raise OverflowError(
                f"{size:,} cells of protocols and ports are more than {MOST_CELLS:,}"
            )
        packets = [
            (plane.protocols[0], sport, dport)
            for plane in planes
            for dport, _ in plane.dports
            for sport, _ in plane.sports
        ]
        return Space(tuple(planes), packets)

    @property
    def size(self) -> int:
        """Number of cells."""
        return len(self.packets)

    def boxes(self, values: Sequence[int]) -> list[tuple[Box, int]]:
        """Values per cell as boxes, sorted."""
        out: list[tuple[Box, int]] = []
        before: list[tuple[tuple[int, ...], int]] = []
        first = 0
        for plane in self.planes:
            flat = _flat(plane, values)
            if flat != before:
                out += [((first, plane.protocols[0] - 1, *ports), v) for ports, v in before]  # type: ignore[misc]
                first, before = plane.protocols[0], flat
        out += [((first, LAST_PROTOCOL, *ports), v) for ports, v in before]  # type: ignore[misc]
        return sorted(out)


def _ports(
    ranges: Sequence[L4], protocol: int, named: Iterable[tuple[int, int]]
) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    d = {x for l4 in ranges for x in (l4.first, l4.last + 1)}
    d |= {x for p, number in named if p == protocol for x in (number, number + 1)}
    s = {x for l4 in ranges for x in (l4.source_first, l4.source_last + 1)}
    return _spans(d, LAST_PORT), _spans(s, LAST_PORT)


def _spans(cuts: set[int], last: int) -> tuple[Span, ...]:
    starts = sorted({0, *(x for x in cuts if 0 < x <= last)})
    return tuple(zip(starts, [*(x - 1 for x in starts[1:]), last], strict=True))


def _flat(plane: Plane, values: Sequence[int]) -> list[tuple[tuple[int, ...], int]]:
    """(destination ports, source ports) and value of one protocol's boxes."""
    width = len(plane.sports)
    lines: list[tuple[Span, list[int]]] = []
    for row, span in enumerate(plane.dports):
        start = plane.first + row * width
        line = list(values[start : start + width])
        if lines and lines[-1][1] == line:
            lines[-1] = ((lines[-1][0][0], span[1]), line)
        else:
            lines.append((span, line))
    return [
        ((*span, *sports), value) for span, line in lines for sports, value in _runs(plane, line)
    ]


def _runs(plane: Plane, line: list[int]) -> list[tuple[Span, int]]:
    out: list[tuple[Span, int]] = []
    for span, value in zip(plane.sports, line, strict=True):
        if out and out[-1][1] == value:
            out[-1] = ((out[-1][0][0], span[1]), value)
        else:
            out.append((span, value))
    return out
