"""Which of a device's own routes leave it: connected networks and what `network` statements name,
through the filters of its sessions.

Rules that hold here:

1. A route of the device's own has an empty AS path, no community and no tag; what a condition of a
   route map asks beside prefix, family, tag, AS path and type is not decided here.
2. The first rule or entry that matches decides; none is a deny (FRR: `route-map`, `prefix-list`).
   A rule that may match decides nothing alone: what comes behind it is asked too, and where both
   say the same, that is the answer.
3. A filter that is not there lets nothing be known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from compiler.imports.device_facts import (
    Device,
    FilterUse,
    InterfaceFacts,
    PrefixFilter,
    RouteMatch,
    RouteRule,
    VrfFacts,
)
from fabric.diagnostics import Span
from fabric.values.inventory import Prefix

Said = Literal["permit", "deny", "unknown"]
NO_PATH = {"^.+$": False, ".+": False, "^$": True, ".*": True, "^.*$": True}
"""AS-path expressions, and whether they match an empty path; of others nobody here knows."""
SETS_NOTHING = "none"


@dataclass(frozen=True, slots=True)
class OwnRoute:
    """A route that begins at a device. `how` is connected, network, or static; `interface` is that
    of a connected network."""

    prefix: Prefix
    how: str
    interface: str
    span: Span


def own_routes(device: Device, vrf: VrfFacts) -> Iterator[OwnRoute]:
    """What BGP of a VRF announces by itself: connected networks if they are redistributed, and
    prefixes of `network` statements that the VRF has a route to."""
    families = {f"ipv{version}": version for version in (4, 6)}
    kinds = {(r.kind, families.get(r.family)) for r in vrf.redistributes}
    connected = list(connected_networks(device, vrf))
    for route in connected:
        if ("connected", route.prefix.version) in kinds:
            yield route
    statics = [OwnRoute(s.prefix, "static", "", s.span) for s in vrf.statics]
    for route in statics:
        if ("static", route.prefix.version) in kinds:
            yield route
    known = {route.prefix for route in (*connected, *statics)}
    for statement in vrf.networks:
        if statement.prefix in known:
            yield OwnRoute(statement.prefix, "network", "", statement.span)


def connected_networks(device: Device, vrf: VrfFacts) -> Iterator[OwnRoute]:
    """The networks of a VRF's interfaces that are up, and of its loopbacks."""
    for interface in interfaces_of(device, vrf.name):
        for address in interface.addresses:
            yield OwnRoute(address.at.network, "connected", interface.name, address.span)
    for address in vrf.loopbacks:
        yield OwnRoute(address.at.network, "connected", vrf.name, address.span)


def interfaces_of(device: Device, vrf: str) -> list[InterfaceFacts]:
    """The interfaces of a VRF that are up."""
    return [i for i in device.interfaces if i.vrf == vrf and i.up]


def passes(device: Device, uses: Iterable[FilterUse], route: OwnRoute) -> Said:
    """Whether all of some filters let a route through."""
    answers = {filtered(device, use, route) for use in uses}
    if "deny" in answers:
        return "deny"
    return "unknown" if "unknown" in answers else "permit"


def filtered(device: Device, use: FilterUse, route: OwnRoute) -> Said:
    """What one filter says."""
    if use.kind == "prefix-list":
        found = next((f for f in device.prefix_filters if f.name == use.name), None)
        if found is None:
            return "unknown"
        return "permit" if listed(found, route.prefix) else "deny"
    if use.kind == "route-map":
        rules = next((m.rules for m in device.route_maps if m.name == use.name), None)
        return "unknown" if rules is None else by_rules(device, rules, route)
    return "unknown"


def listed(found: PrefixFilter, prefix: Prefix) -> bool:
    """What a prefix list says of a prefix; one of the other family is in none of its entries."""
    for entry in found.entries:
        long_enough = entry.least <= prefix.prefixlen <= entry.most
        there = entry.prefix is None or inside(prefix, entry.prefix)
        if found.family == prefix.version and long_enough and there:
            return entry.permit
    return False


def inside(prefix: Prefix, outer: Prefix) -> bool:
    """Whether a prefix lies in another one, or is the same."""
    return prefix.version == outer.version and prefix.subnet_of(outer)  # type: ignore[arg-type]


def by_rules(device: Device, rules: Iterable[RouteRule], route: OwnRoute) -> Said:
    """What a route map says (rule 2)."""
    maybe: set[Said] = set()
    for rule in rules:
        answers = [condition(device, match, route) for match in rule.matches]
        if False in answers:
            continue
        says: Said = "permit" if rule.permit else "deny"
        if None in answers or rule.goes_on or rule.calls:
            maybe.add("unknown" if rule.goes_on or rule.calls else says)
            continue
        return says if maybe <= {says} else "unknown"
    return "deny" if maybe <= {"deny"} else "unknown"


def condition(device: Device, match: RouteMatch, route: OwnRoute) -> bool | None:
    """Whether a route meets a condition (rule 1); None where nobody here knows."""
    match match.kind:
        case "ip-prefix-list":
            found = next((f for f in device.prefix_filters if f.name == match.value), None)
            return None if found is None else listed(found, route.prefix)
        case "type":
            return match.value == f"ipv{route.prefix.version}"
        case "tag":
            return match.value == "0"
        case "evpn-route-type":
            return match.value in ("ip-prefix", "prefix", "5")
        case "as-path-list":
            written = device.says(f"as-path-list {match.value}")
            return None if written is None else no_path(written)
        case "community-list" | "large-community-list":
            return False
        case "interface":
            return match.value == route.interface if route.how == "connected" else None
    return None


def no_path(written: str) -> bool | None:
    """Whether an AS-path list of one permitting rule matches an empty path."""
    parts = written.split("; ")
    action = [p.rpartition(" ")[2] for p in parts if p.rpartition(" ")[0].endswith(" action")]
    patterns = [p.rpartition(" ")[2] for p in parts if " aspath-exp " in p]
    if action != ["permit"] or len(patterns) != 1:
        return None
    return NO_PATH.get(patterns[0])
