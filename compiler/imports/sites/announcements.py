"""Which of a device's own routes leave it: connected networks and what `network` statements name,
through the filters of its sessions.

Rules that hold here:

1. A route of the device's own has an empty AS path and no community; a static one has its tag,
   others have none. What a condition of a route map asks beside prefix, family, tag, AS path and
   type is not decided here.
2. Filters decide as `compiler.imports.route_policy` says.
3. A filter that is not there lets nothing be known. What the map of a redistribution denies is not
   announced; where that is not decided, or it sets what decides more, the route is `unsure`.
4. A route goes into EVPN as the map of its family lets it, with the targets of its VRF and those
   that the map adds: FRR adds extended communities to those that are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from compiler.imports.device_facts import (
    Device,
    FilterUse,
    InterfaceFacts,
    Redistribution,
    RouteMatch,
    VrfFacts,
)
from compiler.imports.route_policy import Known, by_use, changes
from fabric.diagnostics import Span
from fabric.values.inventory import Prefix

Said = Literal["permit", "deny", "unknown"]
NO_PATH = {"^.+$": False, ".+": False, "^$": True, ".*": True, "^.*$": True}
"""AS-path expressions, and whether they match an empty path; of others nobody here knows."""
LONGER = {"as-path-prepend": "as", "as-path": "prepend"}
"""What makes an AS path longer, in the words of NVUE and FRR."""
NO_ROUTE = frozenset(("community", "large-community", "metric", "origin", "tag", "weight",
                      "local-preference"))  # fmt: skip
"""What a map may set without another VRF taking the route over, or leaving it."""


@dataclass(frozen=True, slots=True)
class OwnRoute:
    """A route that begins at a device. `how` is connected, network, or static; `interface` is that
    of a connected network, `vrf` where it begins."""

    prefix: Prefix
    how: str
    interface: str
    span: Span
    vrf: str = ""
    unsure: str = ""
    tag: int = 0

    @property
    def known(self) -> Known:
        """What is known of it beside its prefix."""
        return partial(known_of, self)


def own_routes(device: Device, vrf: VrfFacts) -> Iterator[OwnRoute]:
    """What BGP of a VRF announces by itself: connected networks if they are redistributed, and
    prefixes of `network` statements that the VRF has a route to, or all where nobody checks."""
    families = {f"ipv{version}": version for version in (4, 6)}
    kinds = {(r.kind, families.get(r.family)): r for r in vrf.redistributes}
    connected = list(connected_networks(device, vrf))
    statics = [OwnRoute(s.prefix, "static", "", s.span, vrf.name, tag=s.tag) for s in vrf.statics]
    for route in (*connected, *statics):
        by = kinds.get((route.how, route.prefix.version))
        if by is not None and (found := redistributed(device, by, route)) is not None:
            yield found
    known = {route.prefix for route in (*connected, *statics)}
    unchecked = device.says(f"{vrf.name}: network import-check") == "off"
    for statement in vrf.networks:
        if statement.prefix in known or unchecked:
            yield OwnRoute(statement.prefix, "network", "", statement.span, vrf.name)


def redistributed(device: Device, by: Redistribution, route: OwnRoute) -> OwnRoute | None:
    """A route as its redistribution lets it (rule 3); None where it denies it."""
    if by.route_map in (None, "none"):
        return route
    use = FilterUse("route-map", by.route_map, by.span)
    said = passes(device, (use,), route)
    sets = changes(device, by.route_map, route.prefix, route.known) if said == "permit" else None
    if sets is not None and all(one.kind in NO_ROUTE for one in sets):
        return route
    doubt = f"route map {by.route_map} decides whether it is redistributed, and as what"
    return None if said == "deny" else replace(route, unsure=doubt)


def connected_networks(device: Device, vrf: VrfFacts) -> Iterator[OwnRoute]:
    """The networks of a VRF's interfaces that are up, and of its loopbacks."""
    for interface in interfaces_of(device, vrf.name):
        for address in interface.addresses:
            yield OwnRoute(address.at.network, "connected", interface.name, address.span, vrf.name)
    for address in vrf.loopbacks:
        yield OwnRoute(address.at.network, "connected", vrf.name, address.span, vrf.name)


def interfaces_of(device: Device, vrf: str) -> list[InterfaceFacts]:
    """The interfaces of a VRF that are up."""
    return [i for i in device.interfaces if i.vrf == vrf and i.up]


def passes(device: Device, uses: Iterable[FilterUse], route: OwnRoute) -> Said:
    """Whether all of some filters let a route through."""
    answers = {by_use(device, use, route.prefix, route.known).verdict for use in uses}
    if "deny" in answers:
        return "deny"
    return "unknown" if "unknown" in answers else "permit"


@dataclass(frozen=True, slots=True)
class Announced:
    """What becomes of a route on its way into EVPN: `said` is whether it gets there, `targets` are
    those that it carries beside its VRF's, `longer` is by how much its AS path is longer."""

    said: Said
    targets: tuple[str, ...] = ()
    longer: int = 0


def into_evpn(device: Device, vrf: VrfFacts, route: OwnRoute) -> Announced:
    """What the map of a family makes of a route that goes into EVPN (rule 4)."""
    family = f"ipv{route.prefix.version}"
    use = next((u for u in vrf.announced_by if u.family == family), None)
    if use is None or use.route_map is None:
        return Announced("permit")
    said = passes(device, (FilterUse("route-map", use.route_map, use.span),), route)
    if said == "deny":
        return Announced(said)
    sets = changes(device, use.route_map, route.prefix, route.known)
    if sets is None:
        return Announced("unknown")
    targets, longer = list[str](), 0
    for one in sets:
        words = one.value.replace(",", " ").split()
        if one.kind == "ext-community-rt":
            targets += words
        elif one.kind == "extcommunity" and words[:1] == ["rt"]:
            targets += words[1:]
        elif one.kind in LONGER and words[:1] == [LONGER[one.kind]]:
            longer += len(words) - 1
        elif one.kind not in NO_ROUTE:
            said = "unknown"
    return Announced(said, tuple(targets), longer)


def known_of(route: OwnRoute, device: Device, match: RouteMatch) -> bool | None:
    """Whether a route of the device's own meets a condition (rule 1); None where it says nothing of
    that."""
    match match.kind:
        case "type":
            return match.value == f"ipv{route.prefix.version}"
        case "tag":
            return match.value == str(route.tag)
        case "evpn-route-type":
            return match.value in ("ip-prefix", "prefix", "5")
        case "as-path-list":
            written = device.says(f"as-path-list {match.value}")
            return None if written is None else no_path(written)
        case "as-path":
            return no_path_by_lines(device, match.value)
        case "community-list" | "large-community-list":
            return False
        case "interface":
            return match.value == route.interface if route.how == "connected" else None
        case "source-vrf":
            return match.value == route.vrf
    return None


def no_path_by_lines(device: Device, name: str) -> bool | None:
    """Whether an AS-path list of FRR, of one permitting line, matches an empty path."""
    start = f"access-list {name} "
    lines = [
        value.removeprefix(start).split()
        for what, value in device.sayings
        if what in ("bgp as-path", "ip as-path") and value.startswith(start)
    ]
    if len(lines) != 1 or lines[0][-2:-1] != ["permit"]:
        return None
    return NO_PATH.get(lines[0][-1])


def no_path(written: str) -> bool | None:
    """Whether an AS-path list of one permitting rule matches an empty path."""
    parts = written.split("; ")
    action = [p.rpartition(" ")[2] for p in parts if p.rpartition(" ")[0].endswith(" action")]
    patterns = [p.rpartition(" ")[2] for p in parts if " aspath-exp " in p]
    if action != ["permit"] or len(patterns) != 1:
        return None
    return NO_PATH.get(patterns[0])
