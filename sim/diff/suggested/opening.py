"""Edits that may let a packet pass: more of what nearly permits it, less against it, a route."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, summarize_address_range
from typing import Any

from compiler.passes.resolve import Resolver
from compiler.policy.ir import Direction
from fabric.file.spec import FabricSpec
from fabric.values.address_sets import addresses_in
from fabric.values.interval_sets import Intervals
from fabric.values.inventory import Endpoint, Prefix
from fabric.values.ports import MAX_PORT, NAMES
from sim.diff.suggested.closing import FEW, fresh, imported, written
from sim.diff.suggested.file_edits import FileEdit, PolicyObject, list_of, named_in, one_more
from sim.names.chosen import chosen
from sim.proof.expectations.expect import Claim
from sim.why.blame import Cause
from sim.worlds.world import World

LISTS = {Direction.OUT: ("egress", "to"), Direction.IN: ("ingress", "from")}
CLUSTER_NAME = "kubernetes.io/metadata.name"
OF_TEMPLATES = (
    "pod-template-hash",
    "controller-revision-hash",
    "statefulset.kubernetes.io/pod-name",
)
"""Labels that tell revisions of one workload apart."""


def opening(
    world: World, claim: Claim, causes: Iterable[Cause], ends: tuple[Endpoint, Endpoint],
    policies: Mapping[str, PolicyObject],
) -> Iterator[FileEdit]:  # fmt: skip
    """What rules could say more, what denies could be gone, and ways between VRFs."""
    for cause in causes:
        name, rule = named_in(cause)
        kind = cause.origin
        if kind and kind.items and rule is not None and name in policies:
            yield from _more(world, claim, policies[name], cause, rule, ends)
        elif kind and kind.lines and "den" in cause.part:
            yield from _without(world.network.spec, cause)
        else:
            yield from imported(world.network.spec, cause)
    for direction in Direction:
        yield from _rules(world, claim, direction, ends, policies)
    yield from _ways(world, claim, ends)


def _more(
    world: World,
    claim: Claim,
    policy: PolicyObject,
    cause: Cause,
    rule: int,
    ends: tuple[Endpoint, Endpoint],
) -> Iterator[FileEdit]:
    """A rule that came near, with the ports or the peer that it lacks."""
    key = list_of(policy.document, cause, rule)
    if key is None:
        return
    said = policy.spec[key][rule] or {}
    for port in kubernetes_ports(claim):
        words = f"rule {rule} of {key}: on {port['port']} too"
        if said.get("ports"):
            yield policy.append(("spec", key, rule, "ports"), port, words)
    direction = Direction.IN if key == "ingress" else Direction.OUT
    name = LISTS[direction][1]
    if said.get(name):
        peers = peers_of(world, claim, direction, ends)
        words = f"rule {rule} of {key}: {name} {_meant(claim, direction)} too"
        yield policy.edit(("spec", key, rule, name), "set", [*said[name], *peers], words)


def _rules(
    world: World,
    claim: Claim,
    direction: Direction,
    ends: tuple[Endpoint, Endpoint],
    policies: Mapping[str, PolicyObject],
) -> Iterator[FileEdit]:
    """One more rule of each policy that isolates an end, of those about fewest endpoints first."""
    policy = world.policy_read
    resolver = Resolver(world.network, policy.stages)
    own = ends[direction]
    found: dict[str, int] = {}
    for selection in policy.selections:
        if selection.direction is direction and selection.origin.name in policies:
            members = resolver.locals(selection.local)
            if own.index in members:
                found[selection.origin.name] = len(members)
    key, word = LISTS[direction]
    for name in sorted(found, key=lambda n: (found[n], n)):
        listed = kubernetes_ports(claim)
        peers = peers_of(world, claim, direction, ends)
        rule = {word: peers, **({"ports": listed} if listed else {})}
        words = f"one more rule of {key}: {word} {_meant(claim, direction)}"
        yield policies[name].append(("spec", key), rule, words)


def _meant(claim: Claim, direction: Direction) -> str:
    """The end of an expectation that is not the local one."""
    return claim.source if direction is Direction.IN else claim.target


def _without(spec: FabricSpec, cause: Cause) -> Iterator[FileEdit]:
    for zone in ("zone0", "zone1", "zone2"):
        for number, rule in enumerate(getattr(spec.zones, zone).rules):
            at = ("zones", zone, "rules", number)
            if spec.at(*at) == cause.span and rule.action == "deny":
                yield FileEdit(
                    at, "remove", None, f"without zone rule {zone} {rule.name}", cause.span
                )


def _ways(world: World, claim: Claim, ends: tuple[Endpoint, Endpoint]) -> Iterator[FileEdit]:
    """Routes between two VRFs of tenants, and rules of zones that let a connection pass."""
    network, spec = world.network, world.network.spec
    source, target = ends
    ports = [str(r) for r in claim.ports]
    rule: dict[str, Any]
    leak: dict[str, Any]
    zones = {source.zone, target.zone} - {1}
    if zones:
        zone = f"zone{min(zones)}"
        names = [r.name for r in getattr(spec.zones, zone).rules]
        rule = {"name": fresh("also", names), "from": _who(world, claim.source)}
        rule |= {"to": _who(world, claim.target)} | ({} if ports == ["any"] else {"ports": ports})
        meant = (e for end in (claim.source, claim.target) for e in chosen(network, end))
        states = sorted({e.state for e in meant if e.zone == 1} | {"ready"})
        rule |= {"states": states} if states != ["ready"] else {}
        words = f"zone rule {zone} {rule['name']}: permits {claim.text}"
        yield one_more(written(spec), ("zones", zone, "rules"), rule, words)
        return
    a, b = (network.vrfs[end.vrf].name for end in (source, target))
    if a == b:
        return
    taken = [*(leak.name for leak in spec.leaks), *(both.name for both in spec.peerings)]
    leak = {"name": fresh("also", taken), "from": b, "to": [a], "ports": ports}
    words = f"leak {leak['name']}: {b} is offered to {a}"
    offered = [str(p) for p in _prefixes(world, claim.target, target)]
    clients = [str(p) for p in _prefixes(world, claim.source, source)]
    for more in ({"prefixes": offered, "clients": clients}, {"prefixes": offered}, {}):
        yield one_more(written(spec), ("leaks",), {**leak, **more}, words)


def _who(world: World, pattern: str) -> str | list[str]:
    """An end as a rule of a zone may name it: addresses by their owners."""
    if addresses_in(pattern) is None:
        return pattern
    return [end.name for end in chosen(world.network, pattern)]


def _prefixes(world: World, pattern: str, one: Endpoint) -> list[Prefix]:
    """What whom an expectation means has in the VRF of one of them."""
    alike = [e for e in chosen(world.network, pattern) if e.vrf == one.vrf]
    found = list(dict.fromkeys(prefix for e in alike for prefix in e.prefixes))
    return found if len(found) <= FEW else list(one.prefixes)


def peers_of(
    world: World, claim: Claim, direction: Direction, ends: tuple[Endpoint, Endpoint]
) -> list[dict[str, Any]]:
    """How a NetworkPolicy at one end may name all whom the expectation means at the other: inside
    of a tenant by the labels that all of a workload have, else by addresses."""
    pattern, one, own = _meant(claim, direction), ends[1 - direction], ends[direction]
    if (limit := addresses_in(pattern)) is not None:
        return [{"ipBlock": {"cidr": block}} for v in (4, 6) for block in cidrs(limit.of(v), v)]
    meant = chosen(world.network, pattern)
    if one not in meant:  # the way back of a line that goes both ways
        meant = [one]
    inside = [e for e in meant if e.kind == "pod" and e.tenant == own.tenant]
    if one not in inside:
        return [{"ipBlock": {"cidr": str(prefix)}} for prefix in _prefixes(world, pattern, one)]
    peers: dict[tuple[str, str | None, str | None], dict[str, Any]] = {}
    for end in inside:
        if (kind := _kind(end)) not in peers and len(peers) < FEW:
            alike = [e for e in inside if _kind(e) == kind]
            labels = {
                k: v for k, v in end.labels.items() if all(e.labels.get(k) == v for e in alike)
            }
            labels = {k: v for k, v in labels.items() if k not in OF_TEMPLATES}
            peers[kind] = {"podSelector": {"matchLabels": labels} if labels else {}}
            if end.namespace != own.namespace:
                peers[kind]["namespaceSelector"] = {"matchLabels": {CLUSTER_NAME: end.namespace}}
    return list(peers.values())


def cidrs(ranges: Intervals, version: int) -> list[str]:
    """Ranges of addresses as blocks.

    >>> cidrs(((0xC0000200, 0xC00002FF),), 4)
    ['192.0.2.0/24']
    """
    make = IPv4Address if version == 4 else IPv6Address
    spans = (summarize_address_range(make(a), make(b)) for a, b in ranges)
    return [str(block) for span in spans for block in span]


def _kind(end: Endpoint) -> tuple[str, str | None, str | None]:
    return end.tenant, end.namespace, end.workload


def kubernetes_ports(claim: Claim) -> list[dict[str, Any]]:
    """Ranges as NetworkPolicies have them; those of protocols without ports are left out."""
    out: list[dict[str, Any]] = []
    for r in claim.ports:
        if (name := NAMES.get(r.protocol, "").upper()) in ("TCP", "UDP", "SCTP"):
            port: dict[str, Any] = {"protocol": name}
            if (r.first, r.last) != (0, MAX_PORT):
                port["port"] = r.first
                port |= {"endPort": r.last} if r.last > r.first else {}
            out.append(port)
    return out
