"""Zones: border nodes, endpoints, and rules that can match something."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from fabric.checks.known_names import ZONES, KnownNames
from fabric.checks.values import zone_rules
from fabric.diagnostics import Diagnostics, did_you_mean
from fabric.file.spec import FabricSpec, Zone0, Zone2, ZoneEndpoint, ZoneRule
from fabric.plan.pools import bounds
from fabric.values import ip
from fabric.values.inventory import Prefix
from fabric.values.names import NODE
from fabric.values.wildcard import HINT, any_fits, beyond, fits, mistake

Path = tuple[str | int, ...]


def check(spec: FabricSpec, names: KnownNames, found: Diagnostics) -> None:
    """Zones 0 and 2, and the rules of all three."""
    for zone, settings in (("zone0", spec.zones.zone0), ("zone2", spec.zones.zone2)):
        borders(spec, zone, settings, names, found)
        addresses(spec, zone, settings.endpoints, found)
    inside_zone0(spec, found)
    serves(spec, names, found)
    rules(spec, names, found)


def borders(
    spec: FabricSpec, zone: str, settings: Zone0 | Zone2, names: KnownNames, found: Diagnostics
) -> None:
    """Zone endpoints live behind border nodes that exist."""
    at: Path = ("zones", zone)
    if settings.endpoints and not names.borders:
        what = f"{zone} has endpoints, but no site has a border node to put them behind"
        found.error("C336", what, spec.at_key(*at), "set borders of a site to 1 or more")
        return
    for i, border in enumerate(settings.borders):
        known_border(spec, border, (*at, "borders", i), names.borders, found)
    for name, endpoint in settings.endpoints.items():
        at_endpoint = (*at, "endpoints", name)
        for key, listed in (("border", endpoint.borders), ("backup", endpoint.backups)):
            for i, border in enumerate(listed):
                single = isinstance(getattr(endpoint, key), str)
                where = (*at_endpoint, key) if single else (*at_endpoint, key, i)
                if known_border(spec, border, where, names.borders, found):
                    of_zone(spec, border, where, zone, settings.borders, found)
        twice(spec, f"{zone}/{name}", endpoint, at_endpoint, found)


def of_zone(
    spec: FabricSpec, border: str, where: Path, zone: str, listed: list[str], found: Diagnostics
) -> None:
    """A zone that lists its borders has its endpoints behind these."""
    if listed and border not in listed:
        what = f'"{border}" is not among the borders of {zone}'
        found.error("C304", what, spec.at(*where), f"its borders: {', '.join(listed)}")


def twice(
    spec: FabricSpec, name: str, endpoint: ZoneEndpoint, at: Path, found: Diagnostics
) -> None:
    """A border is one way to an endpoint: once, and either first or second choice."""
    every = (*endpoint.borders, *endpoint.backups)
    again = next((b for n, b in enumerate(every) if b in every[:n]), None)
    if again is not None:
        hint = "once, under `border` or under `backup`"
        found.error("C343", f"{name} names {again} twice", spec.at(*at), hint)


def known_border(
    spec: FabricSpec, border: str, at: Path, borders: Iterable[str], found: Diagnostics
) -> bool:
    """Whether a border node exists."""
    if border in borders:
        return True
    hint = did_you_mean(border, borders) or f"there are {', '.join(borders)}"
    found.error("C304", f'no border node is called "{border}"', spec.at(*at), hint)
    return False


def addresses(
    spec: FabricSpec, zone: str, endpoints: dict[str, ZoneEndpoint], found: Diagnostics
) -> None:
    """Two endpoints may nest (the more specific one wins), not have the same prefix."""
    owner: dict[Prefix, str] = {}
    for name, endpoint in endpoints.items():
        for i, text in enumerate(endpoint.addresses):
            prefix = readable(text)
            if prefix is None:
                continue
            other = owner.setdefault(prefix, name)
            if other != name:
                what = f"{zone}/{name} and {zone}/{other} both have {text}"
                at = ("zones", zone, "endpoints", name, "addresses", i)
                hint = "the more specific prefix wins; equal ones are ambiguous"
                found.error("C432", what, spec.at(*at), hint)


def readable(text: str) -> Prefix | None:
    """A prefix; None for what is reported elsewhere as unreadable."""
    try:
        return ip.prefix(text)
    except ValueError:
        return None


def inside_zone0(spec: FabricSpec, found: Diagnostics) -> None:
    """Where zone 0 lists prefixes, its endpoints have addresses in them."""
    given = [p for p in map(readable, spec.zones.zone0.prefixes) if p is not None]
    if len(given) != len(spec.zones.zone0.prefixes) or not given:
        return
    for name, endpoint in spec.zones.zone0.endpoints.items():
        for i, text in enumerate(endpoint.addresses):
            prefix = readable(text)
            if prefix is not None and not any(within(prefix, p) for p in given):
                what = f"zone0/{name} has {text}, which lies outside the prefixes of zone 0"
                at = ("zones", "zone0", "endpoints", name, "addresses", i)
                hint = f"its prefixes: {', '.join(spec.zones.zone0.prefixes)}"
                found.error("C431", what, spec.at(*at), hint)


def within(inner: Prefix, outer: Prefix) -> bool:
    """Whether one prefix lies in another, whatever their versions."""
    (low, high), (first, last) = bounds(inner), bounds(outer)
    return first <= low and high <= last and inner.version == outer.version


def serves(spec: FabricSpec, names: KnownNames, found: Diagnostics) -> None:
    """Zone 0 serves tenants and VRFs that exist."""
    for i, pattern in enumerate(spec.zones.zone0.serves):
        known, what = (names.vrfs, "VRF") if "/" in pattern else (names.tenants, "tenant")
        if pattern != "*" and not any_fits(pattern, known) and not names.open(pattern):
            message = f'zone 0 serves "{pattern}", but no {what} is called that'
            span = spec.at("zones", "zone0", "serves", i)
            found.error("C311", message, span, did_you_mean(pattern, known))


def rules(spec: FabricSpec, names: KnownNames, found: Diagnostics) -> None:
    """Names are unique per section, both ends can match, one end is in the rule's zone."""
    seen: dict[tuple[str, str], set[str]] = defaultdict(set)
    for zone, section, i, rule in zone_rules(spec):
        at: Path = ("zones", zone, section, i)
        if rule.name in seen[zone, section]:
            what = f'"{rule.name}" is the name of another rule of {zone} already'
            found.error("C309", what, spec.at(*at, "name"), "names must be unique")
        seen[zone, section].add(rule.name)
        for end, where, pattern in ends(rule):
            check_pattern(spec, pattern, (*at, end, *where), names, found)
        if zone in ZONES and not touches(rule, zone):
            what = f'rule "{rule.name}" has no end in {zone}, so it never matches'
            hint = f"rules between tenants go under zone1; endpoints here are {zone}/NAME"
            found.error("C610", what, spec.at(*at), hint)


def ends(rule: ZoneRule) -> Iterator[tuple[str, tuple[int, ...], str]]:
    """Both ends of a rule: key, place in it, pattern."""
    for key, written in (("from", rule.from_), ("to", rule.to)):
        if isinstance(written, str):
            yield key, (), written
        else:
            yield from ((key, (i,), pattern) for i, pattern in enumerate(written))


def touches(rule: ZoneRule, zone: str) -> bool:
    """Whether an end of a rule can be an endpoint of the zone."""
    return any(fits(zone, pattern.partition("/")[0]) for _, _, pattern in ends(rule))


def check_pattern(
    spec: FabricSpec, pattern: str, at: Path, names: KnownNames, found: Diagnostics
) -> None:
    """The tenant, zone endpoint or host in an endpoint pattern exists."""
    wrong = unmatched(pattern, names)
    if wrong is not None:
        code, message, hint = wrong
        found.error(code, message, spec.at(*at), hint)


def unmatched(pattern: str, names: KnownNames) -> tuple[str, str, str | None] | None:
    """Code, message and hint when a pattern can select nothing, whatever the manifests hold."""
    hint: str | None
    first, _, rest = pattern.partition("/")
    parts = pattern.split("/")
    if len(parts) > 3 or not all(parts):
        hint = "names are tenant/namespace/pod, tenant/@node/host, zone0/name or zone2/name"
        return "C318", f'"{pattern}" is no endpoint pattern', hint
    wrong = mistake(pattern)
    if wrong is not None:
        return "C450", f'cannot read "{pattern}": {wrong}', HINT
    endpoints = [e for e in names.zone_endpoints if fits(e, f"{first}/{rest or '*'}")]
    tenants = [t for t in names.tenants if fits(t, first)]
    if first in ZONES:
        unknown = beyond(pattern, names.zone_endpoints) if endpoints and rest else ()
        if endpoints and not unknown:
            return None
        pattern = unknown[0] if unknown else pattern
        known = [e for e in names.zone_endpoints if e.startswith(f"{first}/")]
        hint = did_you_mean(pattern, known) or f"{first} has {', '.join(known) or 'no endpoints'}"
        return "C307", f'no zone endpoint is called "{pattern}"', hint
    if not tenants and not endpoints:
        zone = next((e for e in names.zone_endpoints if e.partition("/")[2] == first), None)
        hint = f'did you mean "{zone}"?' if zone else did_you_mean(first, (*names.tenants, *ZONES))
        if pattern in names.hosts:
            hint = f'a host\'s own address in a tenant is "*/{NODE}/{pattern}"'
        return "C311", f'"{pattern}": no tenant or zone is called "{first}"', hint
    if len(parts) == 2 and pattern[-1] != "*" and not endpoints:
        hint = f'did you mean "{pattern}/*"?'
        if any_fits(rest, names.hosts):
            hint = f'did you mean "{first}/{NODE}/{rest}"?'
        if pattern in names.vrfs and first not in names.dynamic:
            hint = (
                f'it is a VRF; write "{first}/*", or "{first}/NAMESPACE/*" for each namespace in it'
            )
        return "C318", f'"{pattern}" selects no endpoint', hint
    groups = (*names.tenants, *dict.fromkeys(e.partition("/")[0] for e in names.zone_endpoints))
    if unknown := beyond(first, groups):
        hint = did_you_mean(unknown[0], groups)
        return "C311", f'"{pattern}": no tenant is called {some(unknown)}', hint
    return unknown_node(pattern, names) if len(parts) == 3 and parts[1] == NODE else None


def some(unknown: Sequence[str]) -> str:
    """The first of the names that a range has too many of."""
    return ", ".join(f'"{name}"' for name in unknown[:3]) + (" …" if len(unknown) > 3 else "")


def unknown_node(pattern: str, names: KnownNames) -> tuple[str, str, str | None] | None:
    """What is wrong with `tenant/@node/host` or `tenant/@node/host@vrf`, if anything is."""
    tenant, _, node = pattern.split("/")
    host, at, vrf = node.partition("@")
    if not any_fits(host, names.hosts):
        message, hint = f'"{pattern}": no host is called "{host}"', did_you_mean(host, names.hosts)
        return "C303", message, hint
    if unknown := beyond(host, names.hosts):
        hint = f"there are {names.hosts[0]} to {names.hosts[-1]}"
        return "C303", f'"{pattern}": no host is called {some(unknown)}', hint
    if not at or any(fits(name, tenant) for name in names.dynamic):
        return None
    known = [name for name in names.vrfs if fits(name.partition("/")[0], tenant)]
    if any_fits(f"{tenant}/{vrf}", known):
        return None
    listed = ", ".join(f"{tenant}/{NODE}/{host}@{n.partition('/')[2]}" for n in known[:4])
    return "C301", f'"{pattern}": no VRF is called "{tenant}/{vrf}"', f"there is {listed}"
