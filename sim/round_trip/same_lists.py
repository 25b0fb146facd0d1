"""What the lists of an endpoint decide, against the groups of the program, for all first packets.

Remote addresses are cut wherever a region of a group, a route or a network of a list begins or
ends, own ones where lists tell them apart, and so are protocols and ports: of each class one packet
stands for all. Groups are asked entry by entry, lists by their definition
(`compiler.imports.acl_verdict`). An address without a route has to be denied by the lists: nobody
else keeps packets from whatever may be outside. So has one that lies behind several VRFs at once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address
from operator import itemgetter

from compiler.imports.acl_verdict import AclPacket, Address, bound, verdict_of, within
from compiler.imports.device_facts import AccessEntry, Device, Networks
from compiler.policy.ir import Direction
from compiler.policy.stages import leads
from compiler.program.program import ANY_VRF, Entry, Group, Intervals, L4Range, Program
from fabric.control import fib
from fabric.values.inventory import Endpoint
from fabric.values.ports import ANY, MAX_PORT

WITH_PORTS = (6, 17, 132)
SAMPLED = (1, 58)
"""Protocols that are asked about, whoever names them."""
WAYS = {Direction.OUT: "in", Direction.IN: "out"}


@dataclass(frozen=True, slots=True)
class ListDifference:
    """A class of packets of which lists say otherwise; the addresses are one of each side."""

    endpoint: str
    node: str
    direction: Direction
    own: str
    remote: str
    protocol: int
    sport: int
    dport: int
    written: str
    read: str

    def __str__(self) -> str:
        way = "to" if self.direction is Direction.OUT else "from"
        return (
            f"{self.endpoint} at {self.node} {way} {self.remote}, protocol {self.protocol}, ports "
            f"{self.sport} to {self.dport}: {self.written}, and as read {self.read}"
        )


@dataclass(frozen=True, slots=True)
class ComparedAt:
    """Whose lists are compared, where."""

    endpoint: str
    node: str
    direction: Direction
    version: int


@dataclass(frozen=True, slots=True)
class Lists:
    """What an interface asks in a direction: a device that has nothing else, whose entries are the
    same objects as long as this is there (readers make new ones for who looks). `sides` are the
    networks that entries ask for, `side_of` says which ones each entry of each list."""

    device: Device
    interface: str
    way: str
    sides: tuple[tuple[Networks, Networks], ...]
    side_of: tuple[tuple[int, ...], ...]

    @staticmethod
    def of(device: Device | None, interface: str, way: str, version: int) -> Lists | None:
        """Those of a device; None where there is none."""
        if device is None:
            return None
        asked = tuple(bound(device, interface, way))
        names = {binding.acl for binding in asked}
        acls = tuple(
            replace(acl, entries=(*acl.entries,) if acl.family in (-1, 0, version) else ())
            for acl in device.acls
            if acl.name in names
        )
        here = tuple(i for i in device.interfaces if i.name == interface)
        span, format_ = device.span, device.format
        alone = Device(device.name, format_, span, interfaces=here, acls=acls, bindings=asked)
        sides: dict[tuple[Networks, Networks], int] = {}
        side_of = tuple(
            tuple(sides.setdefault((e.source, e.destination), len(sides)) for e in acl.entries)
            for acl in acls
        )
        return Lists(alone, interface, way, tuple(sides), side_of)

    @property
    def entries(self) -> list[AccessEntry]:
        """All their entries."""
        return [entry for acl in self.device.acls for entry in acl.entries]

    def about(self, source: Address, target: Address) -> list[list[AccessEntry]]:
        """The entries of each list that speak of two addresses."""
        speak = [within(a, source) and within(b, target) for a, b in self.sides]
        return [
            [entry for entry, side in zip(acl.entries, of, strict=True) if speak[side]]
            for acl, of in zip(self.device.acls, self.side_of, strict=True)
        ]


class Held:
    """Lists with these entries alone, asked about packets; an entry about a single port is looked
    for by it."""

    def __init__(self, lists: Lists, entries: Sequence[Sequence[AccessEntry]]) -> None:
        self.lists = lists
        self.others: list[list[tuple[int, AccessEntry]]] = []
        self.single: list[dict[int, list[tuple[int, AccessEntry]]]] = []
        for some in entries:
            others: list[tuple[int, AccessEntry]] = []
            single: dict[int, list[tuple[int, AccessEntry]]] = {}
            for number, entry in enumerate(some):
                if len(entry.dports) == 1 and entry.dports[0][0] == entry.dports[0][1]:
                    single.setdefault(entry.dports[0][0], []).append((number, entry))
                else:
                    others.append((number, entry))
            self.others.append(others)
            self.single.append(single)

    def verdict(self, packet: AclPacket) -> str:
        """What the lists say."""
        device, acls = self.lists.device, []
        for acl, others, single in zip(device.acls, self.others, self.single, strict=True):
            found = sorted((*others, *single.get(packet.dport, ())), key=itemgetter(0))
            acls.append(replace(acl, entries=tuple(entry for _, entry in found)))
        here = replace(device, acls=tuple(acls))
        return verdict_of(here, self.lists.interface, self.lists.way, packet).verdict


@dataclass(slots=True)
class ListProof:
    """What was compared: classes of packets, one packet each, and where they differ."""

    differences: list[ListDifference]
    classes: int = 0


class SameLists:
    """Compares the lists of endpoints; what several have in common is compared once."""

    def __init__(self, program: Program, devices: Iterable[Device]) -> None:
        self.program = program
        self.devices = {device.name: device for device in devices}
        self.goes = leads(program.stages)
        self.done: set[object] = set()
        self.proof = ListProof([])
        self._spans: dict[tuple[int, int, int], list[tuple[int, int, int]]] = {}

    def compare(self, end: Endpoint, node: int, interface: str, own: dict[int, Intervals]) -> None:
        """All packets of an endpoint at a node, which has these addresses there."""
        device = self.devices.get(self.program.network.fabric.nodes[node].name)
        for direction in Direction:
            groups = [*self.program.own(direction, end.index)]
            for version in (4, 6):
                if own[version]:
                    self._family(
                        end, node, device, interface, direction, groups, own[version], version
                    )

    def _family(
        self, end: Endpoint, node: int, device: Device | None, interface: str,
        direction: Direction, groups: Sequence[Group], own: Intervals, version: int,
    ) -> None:  # fmt: skip
        spans = self.routed(node, end.vrf, version)
        lists = Lists.of(device, interface, WAYS[direction], version)
        key = (
            direction, version, own, tuple(g.id for g in groups), id(spans), node,
            device is None, tuple(acl.name for acl in lists.device.acls) if lists else (),
        )  # fmt: skip
        if key in self.done:
            return
        self.done.add(key)
        mine = "source" if direction is Direction.OUT else "destination"
        far = "destination" if direction is Direction.OUT else "source"
        entries = lists.entries if lists else []
        place = ComparedAt(
            end.name, self.program.network.fabric.nodes[node].name, direction, version
        )
        seen: set[object] = set()
        for address in within_starts(own, cuts_of(entries, mine, version)):
            for remote, vrf in self._remotes(spans, groups, entries, far, version):
                self._addresses(place, groups, lists, address, remote, vrf, seen)

    def routed(self, node: int, vrf: int, version: int) -> list[tuple[int, int, int]]:
        """First and last of the addresses that have a route, and the VRF behind which they lie."""
        key = node, vrf, version
        if key not in self._spans:
            sets = self.program.network.fib.nexthop_sets
            found = fib.ranges(self.program.network.fib, node, vrf, version)
            self._spans[key] = [
                (a, b, sets[number][0].vrf)
                for (a, b), number in found
                if len({hop.vrf for hop in sets[number]}) == 1
            ]
            self._spans[key] = next(
                (s for s in self._spans.values() if s == self._spans[key]), self._spans[key]
            )
        return self._spans[key]

    def _remotes(
        self, spans: Sequence[tuple[int, int, int]], groups: Sequence[Group],
        entries: Sequence[AccessEntry], far: str, version: int,
    ) -> Iterator[tuple[int, int | None]]:  # fmt: skip
        """One remote address of each class, and the VRF behind which it lies; None where it has no
        route."""
        starts = {0, *cuts_of(entries, far, version)}
        for first, last, _ in spans:
            starts |= {first, last + 1}
        for group in groups:
            for entry in group.entries:
                for region in entry.regions:
                    for first, last in region.v4 if version == 4 else region.v6:
                        starts |= {first, last + 1}
        begins = [first for first, _, _ in spans]
        for start in sorted(
            start for start in starts if start < 1 << (32 if version == 4 else 128)
        ):
            at = bisect_right(begins, start) - 1
            routed = at >= 0 and start <= spans[at][1]
            yield start, spans[at][2] if routed else None

    def _addresses(
        self, place: ComparedAt, groups: Sequence[Group], lists: Lists | None, own: int,
        remote: int, vrf: int | None, seen: set[object],
    ) -> None:  # fmt: skip
        """All packets between two addresses, but where everything about them was compared."""
        version = place.version
        kind = IPv4Address if version == 4 else IPv6Address
        ends = (own, remote) if place.direction is Direction.OUT else (remote, own)
        source, target = kind(ends[0]), kind(ends[1])
        asked = [(g, [e for e in g.entries if speaks(e, vrf, version, remote)]) for g in groups]
        read = lists.about(source, target) if lists else []
        told = tuple(tuple(entry.id for entry in entries) for _, entries in asked)
        key = vrf is None or told, tuple(tuple(map(id, entries)) for entries in read)
        if key in seen:
            return
        seen.add(key)
        ranges = [l4 for _, found in asked for entry in found for l4 in entry.l4]
        every = [entry for entries in read for entry in entries]
        held = Held(lists, read) if lists else None
        for protocol, sport, dport in packets(
            [(r.protocol, r.sport, r.dport) for r in ranges],
            [(e.protocol, e.sports, e.dports) for e in every],
        ):
            self.proof.classes += 1
            through = vrf is not None and self.passes(asked, protocol, sport, dport)
            written, said = "permit" if through else "deny", "nothing"
            if held is not None:
                said = held.verdict(AclPacket(source, target, protocol, sport, dport))
            if said != written:
                header = str(kind(own)), str(kind(remote)), protocol, sport, dport
                self.proof.differences.append(
                    ListDifference(
                        place.endpoint, place.node, place.direction, *header, written, said
                    )
                )

    def passes(
        self, asked: Sequence[tuple[Group, list[Entry]]], protocol: int, sport: int, dport: int
    ) -> bool:
        """What the groups say of a packet, of whose entries these speak of its addresses."""
        stages, at = self.program.stages, 0
        for group, entries in asked:
            place = stages.index(group.stage)
            if place < at:
                continue
            found = (e for e in entries if any(in_range(r, protocol, sport, dport) for r in e.l4))
            at = self.goes[place][next(found, group.default_entry).action]
            if at > len(stages):
                return False
        return True


def in_range(l4: L4Range, protocol: int, sport: int, dport: int) -> bool:
    """Whether a range of a group's entry holds a packet."""
    return (
        l4.protocol in (ANY, protocol)
        and l4.sport[0] <= sport <= l4.sport[1]
        and l4.dport[0] <= dport <= l4.dport[1]
    )


def speaks(entry: Entry, vrf: int | None, version: int, remote: int) -> bool:
    """Whether an entry speaks of a remote address behind a VRF."""
    return any(
        region.vrf in (ANY_VRF, vrf)
        and any(a <= remote <= b for a, b in (region.v4 if version == 4 else region.v6))
        for region in entry.regions
    )


def cuts_of(entries: Iterable[AccessEntry], side: str, version: int) -> set[int]:
    """Where networks of one side of entries begin, and what is behind them."""
    networks = (n for e in entries for n in getattr(e, side) if n.version == version)
    return {edge for n in networks for edge in (int(n[0]), int(n[-1]) + 1)}


def within_starts(own: Intervals, cuts: set[int]) -> Iterator[int]:
    """One address of each part of some addresses that are cut there."""
    for low, high in own:
        yield from sorted({low, *(edge for edge in cuts if low < edge <= high)})


Written = tuple[int, tuple[int, int], tuple[int, int]]
Read = tuple[int, tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]


def packets(written: Sequence[Written], read: Sequence[Read]) -> Iterator[tuple[int, int, int]]:
    """Protocol and ports of one packet of each class that any of some ranges tells apart."""
    named = {p for p, _, _ in written} | {p for p, _, _ in read} | {*SAMPLED, *WITH_PORTS}
    nobody = next(n for n in range(255, -1, -1) if n not in named)
    for protocol in sorted((named - {ANY}) | {nobody}):
        if protocol not in WITH_PORTS:
            yield protocol, 0, 0
            continue
        sports, dports = {0}, {0}
        for p, sport, dport in written:
            if p in (ANY, protocol):
                sports |= {sport[0], sport[1] + 1}
                dports |= {dport[0], dport[1] + 1}
        for p, several, many in read:
            if p in (ANY, protocol):
                sports |= {edge for a, b in several for edge in (a, b + 1)}
                dports |= {edge for a, b in many for edge in (a, b + 1)}
        for first in sorted(s for s in sports if s <= MAX_PORT):
            for port in sorted(d for d in dports if d <= MAX_PORT):
                yield protocol, first, port
