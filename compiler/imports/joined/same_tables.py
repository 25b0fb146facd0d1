"""Routing tables of several devices that are one VRF: who takes over the same routes everywhere.

A table of each device by itself says the same (`compiler.imports.sites.site`), but of 2,000 devices
it would hold each route 2,000 times. Rules that hold here:

1. Tables are one where they have the same name, VNI, route targets in and out, and take over what
   they announce; `auto` ones count by their VNI.
2. A device's table is among them only if everything behind it is announced for certain, nothing is
   leaked into it or out of it, and no network of it lies behind another device too.
3. Every other table is one of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from compiler.imports.device_facts import AUTO, Device, RouteTarget, VrfFacts
from compiler.imports.sites.announcements import OwnRoute, own_routes, passes
from compiler.imports.sites.host_ends import HostEnd, span_of, ways
from compiler.imports.sites.import_targets import WILDCARD, exported, imported, in_evpn
from fabric.values.inventory import Prefix

Member = tuple[int, VrfFacts]
"""The number of a device, and what it says of a VRF."""
Span3 = tuple[int, int, int]
"""IP version, first and last address."""


@dataclass(frozen=True, slots=True)
class SameTable:
    """One VRF: its name among all, and the tables of devices that are it. `whole`: they are one by
    rule 1, and `routes` are what each announces."""

    name: str
    members: tuple[Member, ...]
    whole: bool
    routes: tuple[tuple[OwnRoute, ...], ...] = ()

    @property
    def facts(self) -> VrfFacts:
        """What the first device says; of a whole one the others say the same."""
        return self.members[0][1]


def same_tables(
    devices: Sequence[Device], tables: Sequence[Member], ends: Sequence[Sequence[HostEnd]]
) -> list[SameTable]:
    """The VRFs of a site; `ends` are who is behind each of the tables."""
    alike: dict[object, list[int]] = defaultdict(list)
    routes: list[tuple[OwnRoute, ...] | None] = []
    for number, (at, vrf) in enumerate(tables):
        found = all_announced(devices[at], vrf, ends[number])
        routes.append(found)
        if found is not None:
            alike[key_of(devices[at], vrf)].append(number)
    shared = {n for some in alike.values() for n in overlapping(tables, routes, some)}
    groups = [[n for n in some if n not in shared] for some in alike.values()]
    grouped = {n for some in groups if len(some) > 1 for n in some}
    out = []
    used: set[str] = set()
    for some in groups:
        if len(some) < 2:
            continue
        name = f"{tables[some[0]][1].name}/all"
        number = 1
        while name in used:
            number += 1
            name = f"{tables[some[0]][1].name}/all-{number}"
        used.add(name)
        members = tuple(tables[n] for n in some)
        out.append(SameTable(name, members, True, tuple(routes[n] or () for n in some)))
    for number, (at, vrf) in enumerate(tables):
        if number not in grouped:
            out.append(SameTable(f"{vrf.name}/{devices[at].name}", (tables[number],), False))
    return out


def key_of(device: Device, vrf: VrfFacts) -> object:
    """Rule 1."""
    wanted = frozenset(target.text for target in imported(vrf))
    return vrf.name, vrf.vni, frozenset(said(device, vrf)), wanted


def said(device: Device, vrf: VrfFacts) -> Iterator[str]:
    """The targets under which a VRF announces, one that the device makes itself by its VNI."""
    for target in vrf.exports or (RouteTarget(AUTO, vrf.span),):
        yield f"{WILDCARD}:{vrf.vni}" if target.text == AUTO else target.text


def takes_itself(device: Device, vrf: VrfFacts) -> bool:
    """Whether a VRF takes over what it announces."""
    wanted = {target.text for target in imported(vrf)}
    number = {text.rpartition(":")[2] for text in wanted if text.startswith(f"{WILDCARD}:")}
    return any(t in wanted or t.rpartition(":")[2] in number for t in exported(device, vrf))


def all_announced(
    device: Device, vrf: VrfFacts, ends: Sequence[HostEnd]
) -> tuple[OwnRoute, ...] | None:
    """What a table announces, if that is certain and holds everything behind it (rule 2)."""
    if not in_evpn(device, vrf) or vrf.leaks or vrf.announced_by or not takes_itself(device, vrf):
        return None
    if any(one.route_map for one in vrf.redistributes):
        return None
    if any(leak.from_vrf == vrf.name for other in device.vrfs for leak in other.leaks):
        return None
    sessions = [s for s in device.sessions if s.family("evpn") is not None and not s.down]
    out: dict[Prefix, OwnRoute] = {}
    for route in own_routes(device, vrf):
        if f"ipv{route.prefix.version}" not in vrf.announces:
            return None
        for session in sessions:
            uses = session.family("evpn")
            if uses is None or passes(device, uses.outbound, route) != "permit":
                return None
        out.setdefault(route.prefix, route)
    lead = {*ways(device, vrf)}
    if any(route.kind == "blackhole" or route.prefix not in lead for route in vrf.statics):
        return None
    spans = [span3(prefix) for prefix in out]
    for end in ends:
        for version, intervals in ((4, end.v4), (6, end.v6)):
            for first, last in intervals:
                if not any(v == version and a <= first and last <= b for v, a, b in spans):
                    return None
    return tuple(out.values())


def span3(prefix: Prefix) -> Span3:
    """Where a prefix begins and ends."""
    return (prefix.version, *span_of(prefix))


def overlapping(
    tables: Sequence[Member],
    routes: Sequence[tuple[OwnRoute, ...] | None],
    some: Iterable[int],
) -> set[int]:
    """The tables of which a network lies behind another one of them too."""
    spans = sorted((*span3(r.prefix), n) for n in some for r in routes[n] or ())
    out: set[int] = set()
    end: tuple[int, int, int] = (0, -1, -1)
    for version, first, last, number in spans:
        if version == end[0] and first <= end[1] and number != end[2]:
            out |= {number, end[2]}
        if version != end[0] or last > end[1]:
            end = version, last, number
    return out
