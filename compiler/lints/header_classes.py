"""What the endpoints that ask the same lines decide, for classes of packets that no line tells
apart.

A `CellTable` has layers, one per stage, in the order in which packets meet them. Its packets are
cut on two axes: the remote's address with the VRF behind which it lies, and layer 4. Cells of the
grid (address class × layer 4 class) are equal for every line, so that one look at a cell is a look
at all of its packets.

Rules that hold here:

1. In a layer the first line that matches decides, else the layer's default (`compiler.passes.scope`
   has brought lines that all count into such an order).
2. A packet *reaches* a layer unless one before has dropped it, or skipped this layer.
3. Where lines ask for conditions, or for fields of headers that are not cut here, nothing is said:
   such a table is not `plain`.

Making a table costs lines × classes; to ask what is decided, lines × cells of what is asked about.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compiler.passes.draft import Line, Scope
from compiler.policy.stages import DROPPED, Stage, Stages, leads
from compiler.program.program import ANY_VRF, Intervals, Region
from fabric.values.interval_sets import cut
from fabric.values.ports import ANY, port_atoms

Mask = NDArray[np.bool_]
TOPS = {4: 2**32 - 1, 6: 2**128 - 1}


class Layer(NamedTuple):
    """A stage at its place in the table of stages, and what is asked of it."""

    place: int
    stage: Stage
    scope: Scope


class RemotePacket(NamedTuple):
    """One packet of a cell, as its remote side and layer 4 describe it."""

    vrf: int
    version: int
    address: int
    protocol: int
    sport: int
    dport: int


class CellTable:
    """See the module. `lines` are those of all layers, and behind them `extra` ones, which decide
    nothing; `n_vrfs` is how many VRFs there are."""

    def __init__(
        self, stages: Stages, layers: Sequence[Layer], n_vrfs: int, extra: Sequence[Line] = ()
    ) -> None:
        self.layers, self._stages, self._n_vrfs = tuple(layers), stages, n_vrfs
        self.lines = (*(line for layer in layers for line in layer.scope.lines), *extra)
        self.layer_of = [n for n, layer in enumerate(layers) for _ in layer.scope.lines]
        self.extra = range(len(self.layer_of), len(self.lines))

    def with_lines(self, extra: Sequence[Line]) -> CellTable:
        """The same, cut by more lines."""
        return CellTable(self._stages, self.layers, self._n_vrfs, extra)

    @cached_property
    def plain(self) -> bool:
        """Rule 3."""
        return not any(
            line.conditions or any(part.fields for part in line.l4) for line in self.lines
        )

    @cached_property
    def _axes(self) -> tuple[Mask, Mask, list[tuple[int, int, int]], list[tuple[int, int, int]]]:
        """Which lines hold which classes, bool[lines, classes] of either axis, and one value of
        each class."""
        there, addresses = _address_axis(self.lines, self._n_vrfs)
        asked, ports = _port_axis(self.lines)
        first_a, first_p = _alike(there), _alike(asked)
        return (
            there[:, first_a], asked[:, first_p],
            [addresses[i] for i in first_a], [ports[i] for i in first_p],
        )  # fmt: skip

    @property
    def shape(self) -> tuple[int, int]:
        """How many classes of addresses and of layer 4 there are."""
        there, asked, _, _ = self._axes
        return there.shape[1], asked.shape[1]

    def held(self, numbers: Iterable[int]) -> Mask:
        """The cells that any of these lines holds, bool[addresses, layer 4]."""
        there, asked, _, _ = self._axes
        out = np.zeros(self.shape, bool)
        for number in numbers:
            out |= there[number][:, None] & asked[number][None, :]
        return out

    def first(self, numbers: Iterable[int]) -> NDArray[np.int32]:
        """Per cell the first of these lines that holds it, -1 for none."""
        there, asked, _, _ = self._axes
        out = np.full(self.shape, -1, np.int32)
        for number in sorted(numbers, reverse=True):
            out[np.ix_(there[number], asked[number])] = number
        return out

    def of_layer(self, layer: int, out: Iterable[int] = ()) -> list[int]:
        """The lines of a layer, without some."""
        gone = set(out)
        return [n for n, at in enumerate(self.layer_of) if at == layer and n not in gone]

    def does(self, layer: int, first: NDArray[np.int32]) -> NDArray[np.int8]:
        """What a layer does with packets of which these lines are the first that hold them."""
        actions = [line.action for line in self.lines] + [self.layers[layer].scope.default]
        return np.array(actions, np.int8)[first]

    @cached_property
    def _passed(self) -> list[Mask]:
        """Which cells reach each layer, and behind them what is let through."""
        goes = np.array(leads(self._stages))
        next_place = np.zeros(self.shape, np.int64)
        out = []
        for number, layer in enumerate(self.layers):
            here = next_place <= layer.place
            out.append(here)
            action = self.does(number, self.first(self.of_layer(number)))
            next_place = np.where(here, goes[layer.place][action], next_place)
        return [*out, next_place < DROPPED]

    def reached(self, layer: int) -> Mask:
        """Rule 2: the cells whose packets come to a layer."""
        return self._passed[layer]

    @property
    def permitted(self) -> Mask:
        """The cells whose packets no layer drops."""
        return self._passed[-1]

    def packet(self, cell: tuple[int, int]) -> RemotePacket:
        """A packet of a cell, the lowest."""
        _, _, addresses, ports = self._axes
        vrf, version, address = addresses[cell[0]]
        protocol, sport, dport = ports[cell[1]]
        return RemotePacket(vrf, version, address, protocol, sport, dport)


def corners(line: Line) -> Iterator[RemotePacket]:
    """A few packets that a line holds: at both ends of its first region and range."""
    part, region = line.l4[0], line.regions[0]
    protocol = 0 if part.protocol == ANY else part.protocol
    for version, intervals in ((4, region.v4), (6, region.v6)):
        for address in {intervals[0][0], intervals[-1][1]} if intervals else ():
            for dport in {*part.dport}:
                yield RemotePacket(
                    max(region.vrf, 0), version, address, protocol, part.sport[0], dport
                )


def holds(line: Line, packet: RemotePacket) -> bool:
    """Whether a line matches a packet, but for further fields."""
    return any(
        region.vrf in (ANY_VRF, packet.vrf)
        and any(low <= packet.address <= high for low, high in of_version(region, packet.version))
        for region in line.regions
    ) and any(
        part.protocol in (ANY, packet.protocol)
        and part.sport[0] <= packet.sport <= part.sport[1]
        and part.dport[0] <= packet.dport <= part.dport[1]
        for part in line.l4
    )


def of_version(region: Region, version: int) -> Intervals:
    """The addresses of one family."""
    return region.v4 if version == 4 else region.v6


def _address_axis(lines: Sequence[Line], n_vrfs: int) -> tuple[Mask, list[tuple[int, int, int]]]:
    """Which lines hold which ranges of addresses, and VRF, IP version and first address of each;
    VRFs that no line names are one."""
    named = {region.vrf for line in lines for region in line.regions} - {ANY_VRF}
    other = [next(n for n in range(n_vrfs) if n not in named)] if len(named) < n_vrfs else []
    blocks, at = [], []
    for vrf, version in product([*sorted(named), *other], TOPS):
        mine = [
            [s for r in line.regions if r.vrf in (ANY_VRF, vrf) for s in of_version(r, version)]
            for line in lines
        ]
        firsts = sorted({0} | cut((span for spans in mine for span in spans), TOPS[version]))
        held = np.zeros((len(lines), len(firsts)), bool)
        for number, spans in enumerate(mine):
            for low, high in spans:
                held[number, bisect_left(firsts, low) : bisect_right(firsts, high)] = True
        blocks.append(held)
        at += [(vrf, version, first) for first in firsts]
    return np.hstack(blocks), at


def _port_axis(lines: Sequence[Line]) -> tuple[Mask, list[tuple[int, int, int]]]:
    """Which lines hold which ranges of ports, and protocol, first source and first destination
    port of each; protocols that no line names are one."""
    named = {part.protocol for line in lines for part in line.l4} - {ANY}
    other = [next(n for n in range(256) if n not in named)] if len(named) < 256 else []
    blocks, at = [], []
    for protocol in [*sorted(named), *other]:
        mine = [[p for p in line.l4 if p.protocol in (ANY, protocol)] for line in lines]
        sports = [low for low, _ in port_atoms(p.sport for parts in mine for p in parts)]
        dports = [low for low, _ in port_atoms(p.dport for parts in mine for p in parts)]
        held = np.zeros((len(lines), len(sports), len(dports)), bool)
        for number, part in ((n, p) for n, parts in enumerate(mine) for p in parts):
            source, target = (
                slice(bisect_left(firsts, low), bisect_right(firsts, high))
                for firsts, (low, high) in ((sports, part.sport), (dports, part.dport))
            )
            held[number, source, target] = True
        blocks.append(held.reshape(len(lines), len(sports) * len(dports)))
        at += [(protocol, sport, dport) for sport, dport in product(sports, dports)]
    return np.hstack(blocks), at


def _alike(held: Mask) -> list[int]:
    """The first of each set of equal columns."""
    known: dict[bytes, int] = {}
    for number, column in enumerate(np.ascontiguousarray(held.T)):
        known.setdefault(column.tobytes(), number)
    return list(known.values())
