"""Who is behind the interfaces of a device: hosts, with the addresses that they may have.

Rules that hold here:

1. Behind an interface with addresses is a host that may have every address of its networks but the
   device's own, the networks' own and their broadcasts. Behind an SVI it is behind the port that is
   in its VLAN; several ports are one end, since nothing says which has which address.
2. What static routes lead to over an interface is a host's behind it too, also where the interface
   has no address of its own.
3. Lists that speak of some of its addresses alone cut an end into several, which fare alike within.
4. The longest way counts: what one leads to the host behind another interface is not this one's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, ip_address, summarize_address_range

from compiler.imports.acl_verdict import bound
from compiler.imports.device_facts import (
    Device,
    InterfaceFacts,
    Networks,
    VrfFacts,
    WrittenRoute,
)
from compiler.imports.sites.announcements import interfaces_of
from fabric.diagnostics import Span
from fabric.values.interval_sets import Intervals, intersect, subtract, union
from fabric.values.inventory import Prefix

MOST_CUTS = 400
"""Networks of lists that cut the addresses of one interface; with more it stays whole."""
SERVES = ("port", "svi", "bond")


@dataclass(frozen=True, slots=True)
class HostEnd:
    """A host, or a part of its addresses. `ports` are where it is (rule 1). `whole`: lists speak of
    parts of its addresses that it was not cut by."""

    name: str
    vrf: str
    interface: str
    ports: tuple[str, ...]
    v4: Intervals
    v6: Intervals
    span: Span
    whole: bool = True

    @property
    def port(self) -> str:
        """The port whose lists are asked."""
        return self.ports[0]

    @property
    def prefixes(self) -> tuple[Prefix, ...]:
        """Its addresses."""
        return (*as_prefixes(self.v4, 4), *as_prefixes(self.v6, 6))


def host_ends(device: Device, vrf: VrfFacts) -> Iterator[HostEnd]:
    """Everybody behind a VRF of a device."""
    serving = [i for i in interfaces_of(device, vrf.name) if i.kind in SERVES]
    claims = [(i, claimed(vrf, i)) for i in serving]
    shared = sum(bool(mine) for _, mine in claims) > 1
    for interface, mine in claims:
        if mine:
            others = [c for i, some in claims if i is not interface for c in some] if shared else []
            yield from cut(device, one_end(device, vrf, interface, mine, others))


Claims = list[tuple[Prefix, Intervals]]
"""Ways to a host, and the addresses that it has of each."""


def claimed(vrf: VrfFacts, interface: InterfaceFacts) -> Claims:
    """What leads to the host behind an interface (rules 1 and 2)."""
    out: Claims = []
    for version in (4, 6):
        networks = [a.at.network for a in interface.addresses if a.at.version == version]
        around = beside(interface, version)
        out += [(network, intersect(around, (span_of(network),))) for network in networks]
    for route in vrf.statics:
        if leads_to(route, interface):
            out.append((route.prefix, (span_of(route.prefix),)))
    return out


def leads_to(route: WrittenRoute, interface: InterfaceFacts) -> bool:
    """Whether a static route leads to the host behind an interface: by its name, or by an address
    of its networks. What else it is called by leads nowhere that is known."""
    if route.kind == "interface":
        return route.via == interface.name
    networks = (a.at.network for a in interface.addresses)
    return route.kind == "address" and any(on_network(route.via, n) for n in networks)


def ways(device: Device, vrf: VrfFacts) -> Iterator[Prefix]:
    """The prefixes that a VRF of a device itself leads to hosts, or into nothing: the networks of
    its interfaces as far as hosts have them, and static routes as they stand."""
    serving = [i for i in interfaces_of(device, vrf.name) if i.kind in SERVES]
    for interface in serving:
        for version in (4, 6):
            yield from as_prefixes(beside(interface, version), version)
    for route in vrf.statics:
        if followed(serving, route):
            yield route.prefix


def followed(serving: Sequence[InterfaceFacts], route: WrittenRoute) -> bool:
    """Whether a static route leads to a host behind one of these interfaces, or into nothing."""
    return route.kind == "blackhole" or any(leads_to(route, one) for one in serving)


def led_elsewhere(device: Device, vrf: VrfFacts) -> Iterator[WrittenRoute]:
    """The static routes of a VRF that lead neither to its hosts nor into nothing."""
    serving = [i for i in interfaces_of(device, vrf.name) if i.kind in SERVES]
    yield from (r for r in vrf.statics if r.kind != "vrf" and not followed(serving, r))


def one_end(
    device: Device, vrf: VrfFacts, interface: InterfaceFacts, mine: Claims, others: Claims
) -> HostEnd:
    """The host behind an interface, but for what a longer way leads to others (rule 4)."""
    ports = ports_of(device, interface)
    found: dict[int, Intervals] = {4: (), 6: ()}
    for prefix, addresses in mine:
        longer = union(
            span_of(p)
            for p, _ in others
            if p.version == prefix.version and p.prefixlen > prefix.prefixlen
        )
        found[prefix.version] = union(found[prefix.version], subtract(addresses, longer))
    name = ports[0] if len(ports) == 1 else interface.name
    return HostEnd(name, vrf.name, interface.name, ports, found[4], found[6], interface.span)


def on_network(via: str, network: Prefix) -> bool:
    """Whether a next hop lies on a network; what is no address lies on none."""
    try:
        return ip_address(via) in network
    except ValueError:
        return False


def ports_of(device: Device, interface: InterfaceFacts) -> tuple[str, ...]:
    """Where hosts behind an interface are."""
    if interface.kind != "svi" or interface.vlan is None:
        return (interface.name,)
    found = tuple(i.name for i in device.interfaces if i.access == interface.vlan and i.up)
    return found or (interface.name,)


def beside(interface: InterfaceFacts, version: int) -> Intervals:
    """The addresses of an interface's networks that are not the device's, nor a network's own."""
    mine = [a.at for a in interface.addresses if a.at.version == version]
    around = union(span_of(address.network) for address in mine)
    taken = [(int(address.ip), int(address.ip)) for address in mine]
    for address in mine:
        first, last = span_of(address.network)
        if version == 4 and address.network.prefixlen < 31:
            taken += [(first, first), (last, last)]
    return subtract(around, union(taken))


def span_of(network: Prefix) -> tuple[int, int]:
    """First and last address."""
    return int(network.network_address), int(network.broadcast_address)


def as_prefixes(intervals: Intervals, version: int) -> Iterator[Prefix]:
    """Addresses as prefixes."""
    kind = IPv4Address if version == 4 else IPv6Address
    for first, last in intervals:
        yield from summarize_address_range(kind(first), kind(last))


def own_side(device: Device, end: HostEnd) -> Networks:
    """The networks that lists at an end ask of its own addresses."""
    out: dict[Prefix, None] = {}
    for direction in ("in", "out"):
        for binding in bound(device, end.port, direction):
            acl = device.acl(binding.acl)
            for entry in acl.entries if acl else ():
                out |= dict.fromkeys(entry.source if direction == "in" else entry.destination)
    return tuple(out)


def cut(device: Device, end: HostEnd) -> Iterator[HostEnd]:
    """The end in parts that lists tell apart (rule 3), the one with the most addresses first."""
    networks = own_side(device, end)
    if len(networks) > MOST_CUTS:
        yield replace(end, whole=False)
        return
    v4, v6 = (
        parts(i, [n for n in networks if n.version == v]) for i, v in ((end.v4, 4), (end.v6, 6))
    )
    for number in range(max(len(v4), len(v6))):
        mine = [some[number] if number < len(some) else () for some in (v4, v6)]
        name = end.name if number == 0 else f"{end.name}~{number + 1}"
        yield replace(end, name=name, v4=mine[0], v6=mine[1])


def parts(addresses: Intervals, networks: Sequence[Prefix]) -> list[Intervals]:
    """Addresses by the networks that hold them."""
    spans = [span_of(network) for network in networks]
    edges = sorted({first for first, _ in spans} | {last + 1 for _, last in spans})
    groups: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    for piece in pieces(addresses, edges):
        key = tuple(n for n, (low, high) in enumerate(spans) if low <= piece[0] <= high)
        groups.setdefault(key, []).append(piece)
    found = [union(some) for some in groups.values()]
    return sorted(found, key=lambda some: (-sum(b - a for a, b in some), some))


def pieces(addresses: Intervals, edges: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Intervals, parted at edges."""
    every = list(edges)
    for first, last in addresses:
        at = first
        for edge in every:
            if at < edge <= last:
                yield at, edge - 1
                at = edge
        yield at, last
