"""What an enforcement point permits now and did not before, and the other way round, as regions.

`changes` compares two compiled worlds on the atoms of both: it looks at all packets that a policy
can be asked about (`compiler.policy.ir.Packet`: direction, local endpoint, remote address and the
VRF behind which it lies, protocol, ports), and finds exactly those about which the two disagree.
They come as regions: endpoints × remotes × ports, each a set.

1. Regions are disjoint, and what is in none is decided alike in both worlds.
   Where both permit under other conditions (`sim.blocks.conditions`), they disagree as well.
2. There are as few as there can be without cutting: two regions of a kind and direction never
   agree in two of their three sets, so no two could be written as one.
3. Each has a packet that shows it, numbered as in either world.

Endpoints and VRFs are matched by name; what exists in one world only is no region. Whether anything
then travels from end to end is for `sim.diff.diff` to say, which knows routes too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.policy.domain import Domain
from compiler.policy.ir import Direction, Packet
from compiler.program.program import Intervals
from fabric.values.inventory import Endpoint
from fabric.values.ports import name_of
from sim.blocks.atoms import TOPS
from sim.blocks.blocks import Blocks
from sim.blocks.common_ports import common
from sim.blocks.conditions import Conditions, demanded
from sim.blocks.numbering import combine
from sim.blocks.port_sets import L4, Bits, Box
from sim.blocks.refine import parents

I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True, order=True)
class Remote:
    """Addresses behind each of these VRFs."""

    vrfs: tuple[str, ...]
    v4: Intervals
    v6: Intervals


class Became(Enum):
    """What became of packets; under other conditions, which both worlds permit."""

    LOST = "lost"
    GAINED = "gained"
    ASKED = "conditions"


Asked = tuple[Conditions, Conditions]
"""What permits ask for besides, in either world; nothing where one denies."""


@dataclass(frozen=True, slots=True)
class ChangedRegion:
    """What became of what these endpoints may send to (OUT) or take from (IN) these remotes on
    these ports. `before` and `after` are one packet of it, as either world numbers it; `asked` is
    what must hold besides."""

    direction: Direction
    change: Became
    endpoints: tuple[str, ...]
    remotes: tuple[Remote, ...]
    ports: tuple[Box, ...]
    before: Packet
    after: Packet
    asked: Asked = ((), ())

    @property
    def gained(self) -> bool:
        """Whether only the new world permits it."""
        return self.change is Became.GAINED


Pair = tuple[Endpoint, Endpoint]
Ports = tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class CommonAtoms:
    """Address ranges of a VRF that no world tells apart, IPv4 first: their starts, and the atom of
    either world that holds each."""

    starts: tuple[list[int], list[int]]
    of_sides: tuple[I64, I64]

    @staticmethod
    def of(old: tuple[list[int], list[int]], new: tuple[list[int], list[int]]) -> CommonAtoms:
        starts = [sorted({*a, *b}) for a, b in zip(old, new, strict=True)]
        atoms = []
        for side in (old, new):
            v4, v6 = (parents(own, every) for own, every in zip(side, starts, strict=True))
            atoms.append(np.concatenate([v4, v6 + len(side[0])]))
        return CommonAtoms((starts[0], starts[1]), (atoms[0], atoms[1]))

    def intervals(self, there: Bits) -> tuple[Intervals, Intervals]:
        """Chosen atoms as addresses of both families."""
        n4 = len(self.starts[0])
        out = []
        for starts, part, top in zip(self.starts, (there[:n4], there[n4:]), TOPS, strict=True):
            edges = np.flatnonzero(np.diff(part, prepend=False, append=False))
            bounds = [*starts, top + 1]
            pairs = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
            out.append(tuple((bounds[a], bounds[b] - 1) for a, b in pairs))
        return out[0], out[1]


class BothBlocks:
    """Both worlds: their L4 atoms in one `space`, and the VRFs that exist in both. What is compared
    is what decisions `say`: whether they permit, or a number that stands for something."""

    def __init__(
        self, old: Blocks, new: Blocks, say: tuple[NDArray[Any], NDArray[Any]] | None = None
    ) -> None:
        self.both = old, new
        self.say = say or (old.dec_permit, new.dec_permit)
        self.space, *self.l4 = common(old.l4, new.l4)
        there = {vrf.name: vrf.index for vrf in new.program.domain.vrfs}
        self.vrfs = [
            (vrf.name, vrf.index, there[vrf.name])
            for vrf in old.program.domain.vrfs
            if vrf.name in there
        ]
        self._alike: dict[tuple[int, int], bool] = {}
        self._ports: dict[bytes, Ports] = {}
        self._atoms: dict[tuple[int, int], CommonAtoms] = {}
        self._columns: dict[tuple[int, int], dict[tuple[int, int], list[str]]] = {}
        self.picked: dict[Ports, L4] = {}

    def ports(self, bits: Bits) -> Ports:
        """A set of L4 atoms as boxes, the same ones for the same packets."""
        key = bits.tobytes()
        if key not in self._ports:
            boxes = self._ports[key] = self.space.allowed(bits)
            packet = self.space.pick(bits)
            if packet is not None:
                self.picked[boxes] = packet
        return self._ports[key]

    def atoms(self, vrfs: tuple[int, int]) -> CommonAtoms:
        """Address ranges of a VRF."""
        if vrfs not in self._atoms:
            starts = [b.addresses.starts[v] for b, v in zip(self.both, vrfs, strict=True)]
            self._atoms[vrfs] = CommonAtoms.of(*starts)
        return self._atoms[vrfs]

    def columns(self, vrfs: tuple[int, int]) -> dict[tuple[int, int], list[str]]:
        """Remote VRFs that neither world tells apart, by their columns in both."""
        if vrfs not in self._columns:
            old, new = (b.remote_index[v] for b, v in zip(self.both, vrfs, strict=True))
            found = self._columns[vrfs] = dict[tuple[int, int], list[str]]()
            for name, a, b in self.vrfs:
                found.setdefault((int(old[a]), int(new[b])), []).append(name)
        return self._columns[vrfs]

    def equal(self, vrfs: tuple[int, int], block: tuple[int, int]) -> bool:
        """Whether two blocks say the same about each address atom, column and L4 atom, row by row:
        nothing differs then. Where they do not, or atoms or columns are others, something may."""
        if vrfs not in self._alike:
            starts = [b.addresses.starts[v] for b, v in zip(self.both, vrfs, strict=True)]
            columns = [b.remote_index[v] for b, v in zip(self.both, vrfs, strict=True)]
            same = starts[0] == starts[1] and np.array_equal(columns[0], columns[1])
            self._alike[vrfs] = same and all(a == b for _, a, b in self.vrfs)
        if not self._alike[vrfs]:
            return False
        cells = []
        for at, vrf, blocks in zip(block, vrfs, self.both, strict=True):
            first = int(blocks.cell_off[at])
            size = blocks.addresses.count(vrf) * int(blocks.remote_count[vrf])
            cells.append(blocks.cell_class[first : first + size])
        if not np.array_equal(cells[0], cells[1]):
            return False
        rows = np.arange(int(cells[0].max()) + 1)
        was, now = (self._says(side, block[side], rows) for side in (0, 1))
        return np.array_equal(was, now)

    def differing(
        self, vrfs: tuple[int, int], block: tuple[int, int]
    ) -> tuple[NDArray[Any], I64, NDArray[Any], NDArray[Any]]:
        """What two blocks say otherwise: a number per column and address atom, which of these
        numbers differ, and what either world says there."""
        atoms, columns = self.atoms(vrfs), np.array(list(self.columns(vrfs)))
        rows = []
        for side, blocks in enumerate(self.both):
            width = int(blocks.remote_count[vrfs[side]])
            cells = atoms.of_sides[side] * width + columns[:, side, None]
            rows.append(blocks.cell_class[blocks.cell_off[block[side]] + cells].ravel())
        of, sample = combine(rows)
        was, now = (self._says(side, block[side], rows[side][sample]) for side in (0, 1))
        found = np.flatnonzero((was != now).any(axis=1))
        return of.reshape(len(columns), -1), found, was[found], now[found]

    def _says(self, side: int, block: int, rows: NDArray[Any]) -> NDArray[Any]:
        """What rows of a block say."""
        blocks = self.both[side]
        columns = blocks.l4_class[blocks.l4_off[block] + self.l4[side]].astype(np.int64)
        first = int(blocks.F_off[block]) + rows[:, None].astype(np.int64) * int(blocks.n_l4[block])
        found: NDArray[Any] = self.say[side][blocks.F[first + columns]]
        return found


def changes(old: Blocks, new: Blocks) -> tuple[ChangedRegion, ...]:
    """All regions in which two compiled worlds differ, sorted."""
    asked = blocks_asked(old, new)
    if not asked:
        return ()
    conditions, says = demanded((old, new))
    sides = BothBlocks(old, new, (says[0], says[1]))
    found: dict[tuple[Direction, Became, Asked, tuple[Remote, ...], Ports], list[Pair]] = {}
    for (direction, vrfs, block), pairs in asked.items():
        for key in _of_blocks(sides, conditions, vrfs, block):
            found.setdefault((direction, *key), []).extend(pairs)
    return tuple(sorted((_region(sides, *key, pairs) for key, pairs in found.items()), key=_order))


def _order(region: ChangedRegion) -> tuple[Any, ...]:
    """What regions are sorted by."""
    place = [*Became].index(region.change)
    return region.direction, place, region.endpoints, region.remotes, region.ports, region.asked


def blocks_asked(
    old: Blocks, new: Blocks
) -> dict[tuple[Direction, tuple[int, int], tuple[int, int]], list[Pair]]:
    """Blocks that may differ, with their VRFs, and the endpoints that they answer for."""
    out: dict[tuple[Direction, tuple[int, int], tuple[int, int]], list[Pair]] = {}
    ours, theirs = (b.program.domain.endpoints for b in (old, new))
    same = old.store is new.store and ours is theirs
    pairs: Iterable[Pair]
    if same:
        moved = np.flatnonzero((old.ep_block != new.ep_block).any(axis=0)).tolist()
        pairs = ((ours[e], ours[e]) for e in moved)
    else:
        there = {e.name: e for e in theirs}
        pairs = ((e, there[e.name]) for e in ours if e.name in there)
    for a, b in pairs:
        for direction in Direction:
            block = int(old.ep_block[direction, a.index]), int(new.ep_block[direction, b.index])
            if not same or block[0] != block[1]:
                out.setdefault((direction, (a.vrf, b.vrf), block), []).append((a, b))
    return out


def _of_blocks(
    sides: BothBlocks,
    conditions: list[Conditions],
    vrfs: tuple[int, int],
    block: tuple[int, int],
) -> Iterator[tuple[Became, Asked, tuple[Remote, ...], Ports]]:
    """The regions of two blocks, without endpoints."""
    columns = sides.columns(vrfs)
    if not columns:
        return
    number, found, *said = sides.differing(vrfs, block)
    differ: dict[tuple[Became, Asked, Ports], list[int]] = {}
    for row, was, now in zip(found.tolist(), *said, strict=True):
        at = was != now
        for a, b in sorted({*zip(was[at].tolist(), now[at].tolist(), strict=True)}):
            if ports := sides.ports((was == a) & (now == b)):
                change = Became.GAINED if a < 0 else Became.LOST if b < 0 else Became.ASKED
                asked = conditions[a] if a >= 0 else (), conditions[b] if b >= 0 else ()
                differ.setdefault((change, asked, ports), []).append(row)
    for (change, asked, ports), members in differ.items():
        there = np.isin(number, members)
        behind: dict[tuple[Intervals, Intervals], list[str]] = {}
        for names, atoms in zip(columns.values(), there, strict=True):
            if atoms.any():
                behind.setdefault(sides.atoms(vrfs).intervals(atoms), []).extend(names)
        remotes = (Remote(tuple(sorted(names)), *ips) for ips, names in behind.items())
        yield change, asked, tuple(sorted(remotes)), ports


def _region(
    sides: BothBlocks,
    direction: Direction,
    change: Became,
    asked: Asked,
    remotes: tuple[Remote, ...],
    ports: Ports,
    pairs: list[Pair],
) -> ChangedRegion:
    remote, pair = remotes[0], min(pairs, key=lambda pair: pair[0].name)
    version, ranges = (4, remote.v4) if remote.v4 else (6, remote.v6)
    ip = min(ranges[0][0] + 1, ranges[0][1])
    numbers = next((a, b) for name, a, b in sides.vrfs if name == remote.vrfs[0])
    before, after = (
        Packet(direction, end.index, version, ip, vrf, *sides.picked[ports])
        for end, vrf in zip(pair, numbers, strict=True)
    )
    names = tuple(sorted(a.name for a, _ in pairs))
    return ChangedRegion(direction, change, names, remotes, ports, before, after, asked)


def packet_text(domain: Domain, packet: Packet) -> str:
    """A packet as an enforcement point sees it."""
    ip = (IPv4Address if packet.version == 4 else IPv6Address)(packet.remote_ip)
    local, vrf = domain.endpoints[packet.local].name, domain.vrfs[packet.remote_vrf].name
    way = "to" if packet.direction is Direction.OUT else "from"
    protocol = name_of(packet.protocol, packet.version)
    ports = f"port {packet.sport} to {packet.dport}/{protocol}"
    return f"{local} {way} {ip} in {vrf}, {ports}"
