"""The policy of an endpoint and a direction as one function of a packet: what formats need whose
lists know neither groups nor stages nor VRFs, only addresses, protocols and ports.

Rules that hold here:

1. Behind which VRF a remote address lies, the routes of the VTEP say. An address without a route
   is denied: no packet from or to there counts. So is one that lies behind several VRFs at once,
   which no list can tell apart.
2. Groups are asked in order of their stages and first match first, as `compiler.program.walk` does;
   a permit goes on, a deny ends, and what skips stages skips them.
3. Addresses that all groups treat alike share one `Openings`, the set of protocols and ports that
   pass. Two of them are equal exactly if they let the same packets pass.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from compiler.policy.ir import Direction
from compiler.policy.stages import leads
from compiler.program.program import ANY_VRF, Entry, Group, L4Range, Program
from fabric.control import fib
from fabric.values.inventory import Endpoint
from fabric.values.ports import ANY, MAX_PORT

Band = tuple[int, int, tuple[tuple[int, int], ...]]
"""First and last source port, and the destination ports that pass from all of them."""
Bands = tuple[Band, ...]
EVERY_PORT: Bands = ((0, MAX_PORT, ((0, MAX_PORT),)),)
WITH_PORTS = (6, 17, 132)
"""TCP, UDP and SCTP; packets of others have ports 0."""
UNROUTED = -2
Passes = Callable[[int, int, int], bool]
"""Whether a protocol, source port and destination port pass."""
View = tuple[tuple[int, int], ...]
"""Where parts of an address axis begin, and behind which VRF they lie (`UNROUTED`: none, or several
at once)."""
Pieces = tuple[tuple[int, int], ...]
"""Where parts of an address axis begin, and the number of their `Openings`."""


class Openings(NamedTuple):
    """What passes: `others` says it of the protocols that `named` does not name, by number. `named`
    are sorted, and none fares like the others."""

    others: bool
    named: tuple[tuple[int, Bands], ...]


NOTHING = Openings(False, ())


@dataclass(frozen=True, slots=True)
class FlatList:
    """One direction of one endpoint: the openings of every remote address, by family."""

    v4: Pieces
    v6: Pieces

    def of(self, version: int) -> Pieces:
        """Those of a family."""
        return self.v4 if version == 4 else self.v6


class FlatPolicies:
    """The lists of a program, each made once; `openings` has the sets that their pieces number."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.goes = leads(program.stages)
        self.openings: list[Openings] = [NOTHING]
        self._numbers: dict[Openings, int] = {NOTHING: 0}
        self._views: dict[tuple[int, int], tuple[View, View]] = {}
        self._shared: dict[View, View] = {}
        self._matched: dict[tuple[int, View, int], list[tuple[int, tuple[int, ...]]]] = {}
        self._decided: dict[tuple[tuple[int, ...], ...], int] = {}
        self._lists: dict[object, FlatList] = {}

    def of(self, endpoint: Endpoint, direction: Direction, vtep: int) -> FlatList:
        """The list of an endpoint at a VTEP."""
        groups = tuple(group.id for group in self.program.own(direction, endpoint.index))
        views = self._view(vtep, endpoint.vrf)
        key = direction, groups, views
        if key not in self._lists:
            made = (self._pieces(groups, view, v) for view, v in zip(views, (4, 6), strict=True))
            self._lists[key] = FlatList(*made)
        return self._lists[key]

    def _view(self, vtep: int, vrf: int) -> tuple[View, View]:
        """Behind which VRF addresses lie for a VRF of a VTEP (rule 1), by family; equal ones are
        one object."""
        if (vtep, vrf) not in self._views:
            found = tuple(view_of(self.program, vtep, vrf, version) for version in (4, 6))
            v4, v6 = (self._shared.setdefault(view, view) for view in found)
            self._views[vtep, vrf] = v4, v6
        return self._views[vtep, vrf]

    def _pieces(self, groups: Sequence[int], view: View, version: int) -> Pieces:
        """What passes from or to each address of a family."""
        parts = [self._matches(group, view, version) for group in groups]
        starts = sorted({start for part in parts for start, _ in part} | {at for at, _ in view})
        out: list[tuple[int, int]] = []
        places = [0] * len(parts)
        vrf, seen = 0, len(view)
        for start in starts:
            while vrf + 1 < seen and view[vrf + 1][0] <= start:
                vrf += 1
            for number, part in enumerate(parts):
                while places[number] + 1 < len(part) and part[places[number] + 1][0] <= start:
                    places[number] += 1
            if view[vrf][1] == UNROUTED:
                opening = 0
            else:
                matched = [(g, *p[i][1]) for g, p, i in zip(groups, parts, places, strict=True)]
                opening = self._opening(tuple(matched))
            if not out or out[-1][1] != opening:
                out.append((start, opening))
        return tuple(out)

    def _matches(self, group: int, view: View, version: int) -> list[tuple[int, tuple[int, ...]]]:
        """By address, the entries of a group that speak of it, in order, by their place."""
        key = group, view, version
        if key not in self._matched:
            self._matched[key] = matches(self.program.groups[group], view, version)
        return self._matched[key]

    def _opening(self, matched: tuple[tuple[int, ...], ...]) -> int:
        """The number of what passes where these entries speak of an address: per group its id and
        their places."""
        if matched not in self._decided:
            groups = self.program.groups
            asked = [
                (groups[group], [groups[group].entries[place] for place in places])
                for group, *places in matched
            ]
            openings = opened(self.program, self.goes, asked)
            if openings not in self._numbers:
                self._numbers[openings] = len(self.openings)
                self.openings.append(openings)
            self._decided[matched] = self._numbers[openings]
        return self._decided[matched]


def view_of(program: Program, vtep: int, vrf: int, version: int) -> View:
    """Behind which VRF the addresses of a family lie for a VRF of a VTEP."""
    sets = program.network.fib.nexthop_sets
    out: list[tuple[int, int]] = [(0, UNROUTED)]

    def add(start: int, behind: int) -> None:
        if out[-1][0] == start:
            out.pop()
        if not out or out[-1][1] != behind:
            out.append((start, behind))

    for (first, last), number in fib.ranges(program.network.fib, vtep, vrf, version):
        behind = {hop.vrf for hop in sets[number]}
        add(first, behind.pop() if len(behind) == 1 else UNROUTED)
        if last + 1 < 1 << (32 if version == 4 else 128):
            add(last + 1, UNROUTED)
    return tuple(out)


def matches(group: Group, view: View, version: int) -> list[tuple[int, tuple[int, ...]]]:
    """As `FlatPolicies._matches`."""
    starts = [start for start, _ in view]
    top = 1 << (32 if version == 4 else 128)
    marks: dict[int, list[tuple[int, int]]] = {0: []}
    for place, entry in enumerate(group.entries):
        for low, high in spoken_of(entry, view, starts, version, top):
            marks.setdefault(low, []).append((place, 1))
            if high + 1 < top:
                marks.setdefault(high + 1, []).append((place, -1))
    out: list[tuple[int, tuple[int, ...]]] = []
    now: dict[int, int] = {}
    for start in sorted(marks):
        for place, step in marks[start]:
            now[place] = now.get(place, 0) + step
        here = tuple(sorted(place for place, count in now.items() if count))
        if not out or out[-1][1] != here:
            out.append((start, here))
    return out


def spoken_of(
    entry: Entry, view: View, starts: Sequence[int], version: int, top: int
) -> Iterable[tuple[int, int]]:
    """The addresses of a family that an entry speaks of, as the routes place them."""
    for region in entry.regions:
        for low, high in region.v4 if version == 4 else region.v6:
            if region.vrf == ANY_VRF:
                yield low, high
                continue
            at = bisect_right(starts, low) - 1
            while at < len(view) and view[at][0] <= high:
                last = view[at + 1][0] - 1 if at + 1 < len(view) else top - 1
                if view[at][1] == region.vrf:
                    yield max(low, view[at][0]), min(high, last)
                at += 1


Asked = Sequence[tuple[Group, Sequence[Entry]]]
"""Groups in order, each with the entries that speak of an address."""


def opened(program: Program, goes: Sequence[Sequence[int]], asked: Asked) -> Openings:
    """What passes groups of which these entries speak of an address."""
    ranges = [l4 for _, entries in asked for entry in entries for l4 in entry.l4]
    limited = [l4 for l4 in ranges if (l4.sport, l4.dport) != ((0, MAX_PORT), (0, MAX_PORT))]
    protocols = {l4.protocol for l4 in ranges} - {ANY}
    if any(l4.protocol == ANY for l4 in limited):
        protocols |= {*WITH_PORTS}
    places = [program.stages.index(group.stage) for group, _ in asked]

    def passes(protocol: int, sport: int, dport: int) -> bool:
        at = 0
        for place, (group, entries) in zip(places, asked, strict=True):
            if place < at:
                continue
            found = next((e for e in entries if holds(e.l4, protocol, sport, dport)), None)
            at = goes[place][(found or group.default_entry).action]
            if at > len(program.stages):
                return False
        return True

    nobody = next(n for n in range(255, -1, -1) if n not in protocols and n not in WITH_PORTS)
    others = passes(nobody, 0, 0)
    named = []
    for protocol in sorted(protocols):
        if protocol in WITH_PORTS:
            bands = bands_of(
                protocol, [l for l in limited if l.protocol in (ANY, protocol)], passes
            )
        else:
            bands = EVERY_PORT if passes(protocol, 0, 0) else ()
        if bands != (EVERY_PORT if others else ()):
            named.append((protocol, bands))
    return Openings(others, tuple(named))


def holds(ranges: Iterable[L4Range], protocol: int, sport: int, dport: int) -> bool:
    """Whether one of some ranges holds a packet."""
    return any(
        l4.protocol in (ANY, protocol)
        and l4.sport[0] <= sport <= l4.sport[1]
        and l4.dport[0] <= dport <= l4.dport[1]
        for l4 in ranges
    )


def bands_of(protocol: int, ranges: Sequence[L4Range], passes: Passes) -> Bands:
    """The ports that pass of a protocol, which these ranges cut."""
    sports, dports = cuts(l4.sport for l4 in ranges), cuts(l4.dport for l4 in ranges)
    out: list[Band] = []
    for first, last in sports:
        found: list[tuple[int, int]] = []
        for low, high in dports:
            if passes(protocol, first, low):
                if found and found[-1][1] + 1 == low:
                    low = found.pop()[0]
                found.append((low, high))
        if out and out[-1][1] + 1 == first and out[-1][2] == tuple(found):
            first = out.pop()[0]
        if found:
            out.append((first, last, tuple(found)))
    return tuple(out)


def cuts(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The axis of ports, parted at the ends of ranges.

    >>> cuts([(80, 80), (0, 65535)])
    [(0, 79), (80, 80), (81, 65535)]
    """
    starts = sorted({0, *(edge for a, b in ranges for edge in (a, b + 1) if edge <= MAX_PORT)})
    return [*zip(starts, [*(start - 1 for start in starts[1:]), MAX_PORT], strict=True)]
