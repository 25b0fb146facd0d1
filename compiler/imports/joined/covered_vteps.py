"""What else of the global tables leads to the address of a VTEP, beside what BGP brings there.

Rules that hold here:

1. A route as long as the address itself counts before BGP's, or beside it: who is behind that VTEP
   is nobody's to say. So it is where two devices have the address, which is a finding too.
2. A shorter one counts only where BGP brings nothing: so it makes no way unknown that is there, but
   that there is none. Whoever is connected by sessions may get it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_network

from compiler.imports.device_facts import DEFAULT_VRF, Device
from compiler.imports.joined.device_places import DevicePlaces
from compiler.imports.joined.session_doubts import COVERS, setting_of
from compiler.imports.sites.announcements import interfaces_of
from fabric.diagnostics import FINDING, Diagnostic, Diagnostics, Span
from fabric.values.inventory import Prefix

Why = tuple[str, Span | None]


@dataclass(slots=True)
class CoveredVteps:
    """`lost` are nodes whose VTEP something else leads to (rule 1), `covers` nodes with a shorter
    route (rule 2); each with why and the line."""

    lost: dict[int, Why] = field(default_factory=dict)
    covers: dict[int, Why] = field(default_factory=dict)


def covered(places: DevicePlaces, found: Diagnostics) -> CoveredVteps:
    """All of them. Addresses that two devices have go to `found` (C883)."""
    out = CoveredVteps()
    owners: dict[Prefix, list[int]] = defaultdict(list)
    for number, device in enumerate(places.devices):
        if isinstance(device.vtep, IPv4Address):
            owners[ip_network(device.vtep)].append(number)
    lengths = sorted({prefix.prefixlen for device in places.devices for prefix, *_ in led(device)})
    inside: dict[Prefix, list[Prefix]] = defaultdict(list)
    for vtep in owners:
        for length in lengths:
            if length <= vtep.max_prefixlen:
                inside[vtep.supernet(new_prefix=length)].append(vtep)
    for vtep, some in owners.items():
        for number in some[1:]:
            twice(places, (some[0], number), vtep, out, found)
    for number, device in enumerate(places.devices):
        for prefix, what, span, owns in led(device):
            for vtep in inside.get(prefix, ()):
                others = [n for n in owners[vtep] if n != number]
                if not others or (number in owners[vtep]):
                    continue
                if prefix.prefixlen < vtep.max_prefixlen:
                    out.covers.setdefault(places.node_of[number], (f"{device.name}: {what}", span))
                elif owns:
                    twice(places, (others[0], number), vtep, out, found)
                else:
                    why = f"{device.name} has {what}, which is the VTEP of "
                    for other in others:
                        name = places.devices[other].name
                        out.lost.setdefault(places.node_of[other], (why + name, span))
        for why, span in announced_besides(device):
            out.covers.setdefault(places.node_of[number], (f"{device.name}: {why}", span))
    return out


def led(device: Device) -> Iterator[tuple[Prefix, str, Span, bool]]:
    """The prefixes of a device's global table, each with what it is, the line, and whether it is an
    address of the device itself."""
    facts = device.vrf(DEFAULT_VRF)
    own = [a for i in interfaces_of(device, DEFAULT_VRF) for a in i.addresses]
    for address in (*own, *(facts.loopbacks if facts else ())):
        if address.at.version == 4:
            yield ip_network(address.at.ip), f"address {address.at.ip}", address.span, True
            if address.at.network.prefixlen < 32:
                yield address.at.network, f"a network {address.at.network}", address.span, False
    for route in facts.statics if facts else ():
        short = route.prefix.prefixlen < route.prefix.max_prefixlen
        if route.prefix.version == 4 and not (short and route.kind == "blackhole"):
            yield route.prefix, f"a static route to {route.prefix}", route.span, False
    for statement in facts.networks if facts else ():
        if statement.prefix.version == 4:
            yield statement.prefix, f"`network {statement.prefix}`", statement.span, False


def announced_besides(device: Device) -> Iterator[tuple[str, Span]]:
    """What may lead anywhere: routes of other VRFs, and a default route that it tells others."""
    facts = device.vrf(DEFAULT_VRF)
    for leak in facts.leaks if facts else ():
        yield f"its global table takes over routes of {leak.from_vrf}", leak.span
    for session in device.sessions:
        span = setting_of(session, COVERS)
        if session.vrf == DEFAULT_VRF and not session.down and span is not None:
            yield f"a default route is told {session.peer}", span


def twice(
    places: DevicePlaces, two: tuple[int, int], vtep: Prefix, out: CoveredVteps, found: Diagnostics
) -> None:
    """C883: an address that two devices have."""
    first, second = (places.devices[number] for number in two)
    what = f"{first.name} and {second.name} both have {vtep.network_address}, the address of a VTEP"
    span = second.vtep_span if second.vtep == vtep.network_address else second.span
    item = Diagnostic(
        "C883", what, span, f"the other one: {first.vtep_span or first.span}", FINDING
    )
    if item not in found.items:
        found.items.append(item)
    for number in two:
        out.lost.setdefault(places.node_of[number], (what, span))
