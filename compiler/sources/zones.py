"""The trust zones: the ZONE0, OVERRIDE and ZONE2 stages.

Zone 0 is DPU management and the Kubernetes control plane, zone 1 the application data plane,
zone 2 what lies outside. Crossing a zone needs an explicit rule.

Rules that hold here:

1. A rule in the file speaks of a connection `from` → `to`. It becomes an OUT rule at its source and
   an IN rule at its destination, which match the same connections.
2. `states` limits the tenant side of a rule to hosts in these states (default: ready), at both
   enforcement points.
3. A zone's group speaks only of connections with one end in that zone: its rules in file order
   (zone 0: boot services first), then deny every crossing. Inside the zone all is permitted.
4. Host states decide before zone 1's rules. A quarantined host is cut off. A provisioning host
   reaches the boot services that list this state, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from compiler.policy import origin_kinds
from compiler.policy.ir import (
    L4,
    Action,
    Direction,
    Everyone,
    InVrf,
    Matcher,
    Named,
    Origin,
    Policy,
    Rule,
    Stage,
)
from compiler.policy.origin_kinds import OriginKind
from compiler.policy.source import Source, all_read, no_mistakes, ordered
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic
from fabric.file.spec import ZoneRule
from fabric.values.names import selected_in
from fabric.values.ports import ANY, PortRange, parse_ports
from fabric.values.wildcard import fits

ZONES = ("zone0", "zone2")
ANYONE: tuple[Matcher, ...] = (Everyone(),)


@dataclass(frozen=True, slots=True)
class Written:
    """A rule of the file with its origin."""

    rule: ZoneRule
    origin: Origin

    @property
    def action(self) -> Action:
        """What the rule does, in the words of the IR."""
        return Action.PERMIT if self.rule.action == "permit" else Action.DENY


def policy(network: Network) -> Policy:
    """The zone stages of a network, in evaluation order."""
    zones = network.spec.zones
    services = read(network, "zone0", "services", zones.zone0.services, origin_kinds.BOOT_SERVICE)
    return Policy(
        (
            *guard(network, Stage.ZONE0, "zone0", services + rules_of(network, "zone0")),
            *overrides(network, services, rules_of(network, "zone1")),
            *guard(network, Stage.ZONE2, "zone2", rules_of(network, "zone2")),
        )
    )


def rules_of(network: Network, zone: str) -> list[Written]:
    """A zone's ordinary rules."""
    rules = getattr(network.spec.zones, zone).rules
    return read(network, zone, "rules", rules, origin_kinds.ZONE_RULE)


def read(
    network: Network, zone: str, section: str, rules: Sequence[ZoneRule], kind: OriginKind
) -> list[Written]:
    """Rules with their places in the file."""
    return [
        Written(
            rule,
            Origin(kind, f"{zone} {rule.name}", i, network.spec.at("zones", zone, section, i)),
        )
        for i, rule in enumerate(rules)
    ]


def guard(network: Network, stage: Stage, zone: str, written: Sequence[Written]) -> Iterator[Rule]:
    """One zone's group (rule 3); nothing when the zone does not exist."""
    inside = InVrf(frozenset((f"{zone}/main",)))
    others = frozenset(v.name for v in network.vrfs) - inside.vrfs
    if len(others) == len(network.vrfs):
        return
    orders = count()
    for item in written:
        for sources, targets in with_one_end_in(zone, item.rule):
            yield from connection(stage, next(orders), item, sources, targets)
    origin = Origin(origin_kinds.ZONE, zone, span=network.spec.at("zones", zone))
    order, last = next(orders), next(orders)
    for direction in Direction:
        within = Rule(stage, direction, order, (inside,), (inside,), (), Action.PERMIT, origin)
        leave = Rule(stage, direction, last, (inside,), ANYONE, (), Action.DENY, origin)
        enter = Rule(stage, direction, last, (InVrf(others),), (inside,), (), Action.DENY, origin)
        yield from (within, leave, enter)


def with_one_end_in(zone: str, rule: ZoneRule) -> Iterator[tuple[list[str], list[str]]]:
    """The parts of a rule that begin in the zone and those that end there."""
    sources, targets = patterns(rule.from_), patterns(rule.to)
    yield [n for p in sources if (n := narrowed(p, zone))], targets
    yield sources, [n for p in targets if (n := narrowed(p, zone))]


def narrowed(pattern: str, zone: str) -> str | None:
    """The part of an endpoint pattern inside a zone.

    >>> narrowed("*", "zone0"), narrowed("zone0/dns", "zone0"), narrowed("acme/*", "zone0")
    ('zone0/*', 'zone0/dns', None)
    """
    first, _, rest = pattern.partition("/")
    if not fits(zone, first):
        return None
    return f"{zone}/{rest or '*'}"


def overrides(
    network: Network, services: Sequence[Written], zone1: Sequence[Written]
) -> Iterator[Rule]:
    """Host states, then the site's own overrides (rule 4)."""
    orders = count()
    for host in hosts_in("quarantined", network):
        yield from cut_off(network, host, "quarantined", next(orders))
    booting = hosts_in("provisioning", network)
    if booting:
        for item in services:
            if "provisioning" in item.rule.states and item.action is Action.PERMIT:
                yield from boot_exception(item, next(orders))
    for host in booting:
        yield from cut_off(network, host, "provisioning", next(orders))
    for item in zone1:
        sources, targets = patterns(item.rule.from_), patterns(item.rule.to)
        yield from connection(Stage.OVERRIDE, next(orders), item, sources, targets)


def hosts_in(state: str, network: Network) -> list[str]:
    """Hosts in a state that have endpoints."""
    return sorted({e.host for e in network.endpoints if e.host is not None and e.state == state})


def cut_off(network: Network, host: str, state: str, order: int) -> Iterator[Rule]:
    """Deny everything to and from a host, because of its state."""
    origin = Origin(origin_kinds.HOST_STATE, f"{host} {state}", span=network.spec.at("hosts", host))
    local = (Named(("*",), hosts=frozenset((host,))),)
    for direction in Direction:
        yield Rule(Stage.OVERRIDE, direction, order, local, ANYONE, (), Action.DENY, origin)


def boot_exception(item: Written, order: int) -> Iterator[Rule]:
    """At a provisioning host's endpoint a boot service ends the evaluation: nothing else is asked.

    The service's own side has no state; the zone 0 group and isolation let it pass there. A rule
    for everyone (`to: "*"`) opens zone 0 alone, not other hosts.
    """
    booting = frozenset(("provisioning",))
    ports, origin = l4(item.rule), item.origin
    (services, clients), (openers, accepting) = with_one_end_in("zone0", item.rule)
    for direction, near, far in (
        (Direction.OUT, openers, accepting),
        (Direction.IN, clients, services),
    ):
        local, remote = Named(tuple(near), booting), side(far, item.rule)
        if ports and remote and any(not in_zone(pattern) for pattern in near):
            final = Action.PERMIT_FINAL
            yield Rule(Stage.OVERRIDE, direction, order, (local,), remote, ports, final, origin)


def connection(
    stage: Stage, order: int, item: Written, sources: list[str], targets: list[str]
) -> Iterator[Rule]:
    """Rule 1; nothing when a side or the ports are empty."""
    near, far, ports = side(sources, item.rule), side(targets, item.rule), l4(item.rule)
    if near and far and ports:
        action, origin = item.action, item.origin
        yield Rule(stage, Direction.OUT, order, near, far, ports, action, origin)
        yield Rule(stage, Direction.IN, order, far, near, ports, action, origin)


def side(names: Sequence[str], rule: ZoneRule) -> tuple[Matcher, ...]:
    """One end of a rule: zone endpoints by name, tenants' by name and host state (rule 2)."""
    states = frozenset(rule.states or ("ready",))
    zone = tuple(n for n in names if in_zone(n))
    tenant = tuple(n for n in names if not in_zone(n))
    out: list[Matcher] = [Named(zone)] if zone else []
    if tenant:
        out.append(Named(tenant, states))
    return tuple(out)


def in_zone(pattern: str) -> bool:
    """Whether a pattern names zone endpoints, which have no host and so no state."""
    return pattern.partition("/")[0] in ZONES


def patterns(written: str | list[str]) -> list[str]:
    """One pattern or several, as a list."""
    return [written] if isinstance(written, str) else written


def l4(rule: ZoneRule) -> tuple[L4, ...]:
    """Every destination range with every source range of the same protocol."""
    sources = [s for text in rule.source_ports for s in parse_ports(text)] or [PortRange()]
    found = (
        L4(
            max(port.protocol, source.protocol),
            port.first,
            port.last,
            source_first=max(source.first, port.source_first),
            source_last=min(source.last, port.source_last),
        )
        for text in rule.ports
        for port in parse_ports(text)
        for source in sources
        if port.protocol == source.protocol or ANY in (port.protocol, source.protocol)
    )
    return tuple(l4 for l4 in dict.fromkeys(found) if l4.source_first <= l4.source_last)


def lints(network: Network, policy: Policy | None = None) -> tuple[Diagnostic, ...]:
    """Rules without effect: a side selects no endpoint, or an override permits what nothing denies.

    A permit of zone 1 opens nothing. It only keeps packets from denies that follow it.
    """
    return (*unmatched(network), *idle_permits(network))


def idle_permits(network: Network) -> Iterator[Diagnostic]:
    """Permits of zone 1 after which nothing is denied."""
    for item in reversed(rules_of(network, "zone1")):
        if item.action is Action.DENY:
            return
        yield Diagnostic(
            "C674",
            f'zone rule "{item.rule.name}" has no effect: a permit of zone 1 opens nothing, it '
            "makes exceptions from denies that follow, and none does",
            item.origin.span,
            "open connections by peerings, leaks, zone 0 or zone 2; or deny something after it",
            "warning",
        )


def unmatched(network: Network) -> tuple[Diagnostic, ...]:
    """Rules that can never match."""
    zones = network.spec.zones
    services = read(network, "zone0", "services", zones.zone0.services, origin_kinds.BOOT_SERVICE)
    rules = (item for zone in ("zone0", "zone1", "zone2") for item in rules_of(network, zone))
    return tuple(
        Diagnostic(
            "C691",
            f'{item.origin.kind} "{item.rule.name}": "{pattern}" selects no endpoint',
            item.origin.span,
            "cloison show addresses lists the endpoints",
            "warning",
        )
        for item in (*services, *rules)
        for pattern in (*patterns(item.rule.from_), *patterns(item.rule.to))
        if next(selected_in(network, pattern), None) is None
    )


SOURCE = Source("zones", policy, lints, no_mistakes, (), all_read, ordered)
