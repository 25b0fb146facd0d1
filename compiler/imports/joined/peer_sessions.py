"""BGP sessions of devices and the cables that they run over: who is at the other end of each.

Rules that hold here:

1. A session on an interface is with whoever is cabled to that port; `p0_if` is port `p0`, a bond is
   its members. One with an address is with the device that has it, else with whoever is cabled to
   the interface in whose network it lies.
2. A session is *definite* where both ends have it, over a cable, in both families (IPv4 and EVPN),
   between two AS numbers that fit `remote-as`, filters of neither end keep back any VTEP's address,
   or any EVPN route that comes in, and nothing else may keep it down or change paths
   (`session_doubts`). A node in transit has the other end of every session.
3. Where the other device is given and has no such session, there is none, and that is a finding.
4. Everything else is *undecided*, for both ends: routes may pass there, or not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_network

from compiler.imports.device_facts import (
    DEFAULT_VRF,
    Device,
    FilterUse,
    PeerSession,
    told,
)
from compiler.imports.joined.device_places import DevicePlaces
from compiler.imports.joined.session_doubts import (
    OTHER_AS,
    Address,
    SessionEnd,
    Why,
    beside,
    by_itself,
    ip_of,
    setting_of,
    together,
)
from compiler.imports.sites.announcements import OwnRoute, own_routes, passes
from fabric.diagnostics import FINDING, Diagnostic, Diagnostics, Span
from fabric.wiring.topology import Role

HOW = ("ip-prefix-list", "type")
"""Conditions of route maps that say the same of a route wherever it comes from."""


@dataclass(slots=True)
class PeerSessions:
    """What became of all sessions. `definite` are cables (indices) that routes pass; `undecided`
    nodes with a session of which nobody knows where it leads or what passes, each with why and the
    line; `in_vrf` the sessions inside of VRFs, by (device, VRF); `asn` the AS numbers of nodes in
    transit, as tables say them, else as a session wants them."""

    definite: set[int] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)
    undecided: dict[int, tuple[str, Span]] = field(default_factory=dict)
    in_vrf: dict[tuple[int, str], PeerSession] = field(default_factory=dict)
    asn: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FarEnd:
    """Where a session leads: a cable, the node there and its port; -1 without."""

    link: int
    node: int
    port: str


class SessionMatcher:
    """The sessions of all devices against cables and each other."""

    def __init__(
        self, places: DevicePlaces, found: Diagnostics, written: Mapping[str, int]
    ) -> None:
        self.places, self.found = places, found
        nodes = places.fabric.nodes
        said = {n: written[nodes[n].name] for n in places.transit if nodes[n].name in written}
        self.out = PeerSessions(asn=said)
        self.cables: dict[tuple[int, str], FarEnd] = {}
        for link in places.fabric.links:
            if link.kind != "host":
                self.cables[link.a, plain(link.a_port)] = FarEnd(link.index, link.b, link.b_port)
                self.cables[link.b, plain(link.b_port)] = FarEnd(link.index, link.a, link.a_port)
        self.owners: dict[Address, tuple[int, str]] = {}
        for number, device in enumerate(places.devices):
            for interface in device.interfaces:
                for address in interface.addresses:
                    self.owners.setdefault(address.at.ip, (number, interface.name))
            if device.vtep is not None:
                self.owners.setdefault(device.vtep, (number, "lo"))
        self.vteps = [d.vtep for d in places.devices if isinstance(d.vtep, IPv4Address)]
        self._passing: dict[str, bool] = {}
        self._ports = [ports_of(device) for device in places.devices]

    def matched(self) -> PeerSessions:
        """All of them."""
        self.ends = [dict(self.by_port(n)) for n in range(len(self.places.devices))]
        for number, device in enumerate(self.places.devices):
            for session in device.sessions:
                if session.down:
                    continue
                if session.vrf != DEFAULT_VRF:
                    self.out.in_vrf.setdefault((number, session.vrf), session)
                else:
                    self.one(number, device, session)
        self.out.definite -= self.out.refused
        return self.out

    def by_port(self, number: int) -> Iterator[tuple[str, PeerSession]]:
        """The sessions of the global table by the port that they run over."""
        device = self.places.devices[number]
        for session in device.sessions:
            if session.vrf == DEFAULT_VRF and not session.down:
                for port in self.local_ports(number, device, session):
                    yield port, session

    def local_ports(self, number: int, device: Device, session: PeerSession) -> list[str]:
        """The ports by which a session leaves a device (rule 1)."""
        name = session.peer if session.unnumbered else beside(device, session.peer)
        if name is None or ((at := device.interface(name)) is not None and not at.up):
            return []
        return [plain(port) for port in self._ports[number].get(name, (name,))]

    def one(self, number: int, device: Device, session: PeerSession) -> None:
        """What a session of the global table comes to."""
        node = self.places.node_of[number]
        at = device.interface(session.peer) if session.unnumbered else None
        if at is not None and not at.up:
            return
        ports = self.local_ports(number, device, session)
        ways = [self.cables[node, port] for port in ports if (node, port) in self.cables]
        if not ways:
            why = f"no cable is known at {session.peer}"
            if not session.unnumbered:
                why = f"no device that is given has {session.peer}"
                if (owner := self.owners.get(ip_of(session.peer))) is not None:
                    there = self.places.devices[owner[0]].name
                    why = f"the session with {there} follows no cable, and is not followed here"
            self.doubt(node, why, session.span)
            return
        for way in ways:
            self.over(number, device, session, way)

    def over(self, number: int, device: Device, session: PeerSession, way: FarEnd) -> None:
        """A session over one cable (rules 2 to 4)."""
        node = self.places.node_of[number]
        there = self.places.device_at.get(way.node)
        if there is None:
            name = self.places.fabric.nodes[way.node].name
            if way.node in self.places.unknown:
                self.doubt(node, f"the configuration of {name} is not given", session.span)
            elif (other := self.transit_as(session, device, way.node)) is not None:
                what = f"{device.name} wants AS {session.remote_as} of {name}, which has {other}"
                self.found.items.append(
                    Diagnostic("C847", what, session.span, "tables or a session say so", FINDING)
                )
                self.unsettled(node, way, (what, session.span))
            else:
                self.decide(node, device, session, way)
            return
        far = self.places.devices[there]
        back = self.ends[there].get(plain(way.port))
        if back is None:
            what = (
                f"{device.name} has a BGP session over {self.places.fabric.links[way.link].name}, "
                f"and {far.name} has none at {way.port}"
            )
            self.found.items.append(
                Diagnostic("C847", what, session.span, f"its configuration: {far.span}", FINDING)
            )
        elif (wrong := other_as(session, back, device, far)) is not None:
            what = f"{device.name} wants AS {wrong} of {far.name}, which has {far.asn}"
            hint = f"its number: {far.asn_span or far.span}"
            self.found.items.append(Diagnostic("C847", what, session.span, hint, FINDING))
            self.out.refused.add(way.link)
        else:
            near, far_end = self.end(number, session), self.end(there, back)
            self.decide(node, device, session, way, together(near, far_end))

    def transit_as(self, session: PeerSession, device: Device, node: int) -> int | None:
        """The AS number of a node in transit, where a session wants another one."""
        wanted = session.remote_as or ""
        if wanted.isdecimal():
            said = self.out.asn.setdefault(node, int(wanted))
            return None if said == int(wanted) else said
        same = wanted == "external" and self.out.asn.get(node, -1) == device.asn
        return device.asn if same else None

    def end(self, number: int, session: PeerSession) -> SessionEnd:
        """One end of a session."""
        device = self.places.devices[number]
        return SessionEnd(device, session, tuple(self.local_ports(number, device, session)))

    def decide(
        self,
        node: int,
        device: Device,
        session: PeerSession,
        way: FarEnd,
        apart: Why | None = None,
    ) -> None:
        """A session that has another end: definite from here, or undecided."""
        why = apart or by_itself(self.end(self.places.device_at[node], session))
        if why is None and (held := self.held_back(node, device, session)):
            why = held, session.span
        if why is not None:
            self.unsettled(node, way, why)
        else:
            self.out.definite.add(way.link)

    def unsettled(self, node: int, way: FarEnd, why: Why) -> None:
        """A session of which one end does not know whether it is there."""
        for end in (node, way.node):
            self.doubt(end, *why)
        self.out.refused.add(way.link)

    def held_back(self, node: int, device: Device, session: PeerSession) -> str:
        """Why a session may not carry everything; nothing where it does."""
        v4, evpn = session.family("ipv4"), session.family("evpn")
        if v4 is None or evpn is None:
            return f"the session with {session.peer} is not of both IPv4 and EVPN"
        if session.remote_as == "internal" or session.remote_as == str(device.asn):
            return f"the session with {session.peer} is an internal one"
        if session.strict and not all((v4.inbound, v4.outbound, evpn.inbound, evpn.outbound)):
            return f"the session with {session.peer} passes nothing without filters"
        own = self.places.fabric.nodes[node].role is Role.DPU
        if own and not announces_itself(device, v4.outbound):
            return f"what {device.name} tells {session.peer} of its VTEP is not known"
        if not own and not self.all_pass(device, v4.outbound):
            return f"a filter towards {session.peer} may hold back addresses of VTEPs"
        if not self.all_pass(device, v4.inbound):
            return f"a filter from {session.peer} may hold back addresses of VTEPs"
        if evpn.inbound or (not own and evpn.outbound):
            return f"EVPN routes with {session.peer} go through a filter"
        return ""

    def all_pass(self, device: Device, uses: Sequence[FilterUse]) -> bool:
        """Whether filters let the address of every VTEP through, whoever announces it."""
        if not uses:
            return True
        key = repr([filter_said(device, use) for use in uses])
        if key not in self._passing:
            self._passing[key] = all(of_prefixes(device, use) for use in uses) and all(
                passes(device, uses, host_route(vtep, device.span)) == "permit"
                for vtep in self.vteps
            )
        return self._passing[key]

    def doubt(self, node: int, why: str, span: Span) -> None:
        """The first reason of a node counts."""
        self.out.undecided.setdefault(node, (why, span))


def plain(port: str) -> str:
    """A port as cables have it.

    >>> plain("p0_if"), plain("swp1")
    ('p0', 'swp1')
    """
    return port.removesuffix("_if")


def ports_of(device: Device) -> dict[str, tuple[str, ...]]:
    """The ports of every bond."""
    out: dict[str, tuple[str, ...]] = {}
    for interface in device.interfaces:
        if interface.bond:
            out[interface.bond] = (*out.get(interface.bond, ()), interface.name)
    return out


def other_as(session: PeerSession, back: PeerSession, device: Device, far: Device) -> str | None:
    """The AS number that a session wants of a device that has another one, there as elsewhere."""
    if setting_of(session, OTHER_AS) or setting_of(back, OTHER_AS):
        return None
    wanted = session.remote_as
    if wanted is not None and wanted.isdigit():
        return wanted if int(wanted) != far.asn else None
    if wanted == "external" and device.asn is not None and device.asn == far.asn:
        return "external"
    return None


def host_route(vtep: IPv4Address, span: Span) -> OwnRoute:
    """The address of a VTEP as a route."""
    return OwnRoute(ip_network(vtep), "network", "", span)


def announces_itself(device: Device, outbound: Sequence[FilterUse]) -> bool:
    """Whether a DPU tells its neighbours where its VTEP is."""
    facts = device.vrf(DEFAULT_VRF)
    if facts is None or not isinstance(device.vtep, IPv4Address):
        return False
    mine = [r for r in own_routes(device, facts) if r.prefix == ip_network(device.vtep)]
    return any(passes(device, outbound, route) == "permit" for route in mine if not route.unsure)


def of_prefixes(device: Device, use: FilterUse) -> bool:
    """Whether a filter asks nothing of a route but its prefix."""
    if use.kind == "prefix-list":
        return True
    rules = next((m.rules for m in device.route_maps if m.name == use.name), ())
    return bool(rules) and all(match.kind in HOW for rule in rules for match in rule.matches)


def filter_said(device: Device, use: FilterUse) -> list[object]:
    """What a filter says, equal for filters of several devices that say the same."""
    lists = {use.name} if use.kind == "prefix-list" else set[str]()
    maps = [m for m in device.route_maps if m.name == use.name] if use.kind == "route-map" else []
    lists |= {match.value for m in maps for rule in m.rules for match in rule.matches}
    found = [told(f) for f in device.prefix_filters if f.name in lists]
    return [use.kind, [told(m) for m in maps], found]
