"""What of a session over a cable may keep it down, hold routes back, or change their paths.

Each is a reason with its line, and makes the session undecided. Rules that hold here:

1. A setting that nobody models (`PeerSetting`) makes it undecided, whatever it says. A password,
   and a limit to the hops, both ends must have; that passwords are equal nobody can tell.
2. The interface is in the global table. With an address the other end has it there, and vice versa:
   both ends are by interface, or both by address. One of them at least begins. Both say which AS
   number they want, and have one; they are two routers.
3. A filter changes no path: what it sets is harmless, or it sets nothing.
4. Lists about what is for the device itself let BGP through, and VXLAN where there is a VTEP.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from compiler.imports.acl_verdict import AclPacket, bound, verdict_of
from compiler.imports.device_facts import (
    DEFAULT_VRF,
    Device,
    FilterUse,
    InterfaceFacts,
    PeerSession,
)
from fabric.diagnostics import Span

Address = IPv4Address | IPv6Address
Why = tuple[str, Span]
BOTH_ENDS = {"password": "a password", "ttl-security": "a limit to the hops (ttl-security)"}
COVERS = frozenset(("default-originate",))
"""Settings that announce more than there is, and hold back nothing."""
OTHER_AS = frozenset(("local-as",))
"""Settings with which a device has another AS number in a session than it has."""
HARMLESS = frozenset(("large-community", "metric", "origin", "tag", "ext-community-rt"))
"""What a map may set while neither the way nor the length of its path is another one."""
NO_COMMUNITY = ("", "additive", "none")
TCP, UDP = 6, 17
BGP, VXLAN, ANY_PORT = 179, 4789, 50_000
LINK_LOCAL = ip_address("fe80::1"), ip_address("fe80::2")


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """One end of a session: its device, and the ports by which it leaves."""

    device: Device
    session: PeerSession
    ports: tuple[str, ...]

    @property
    def interfaces(self) -> list[InterfaceFacts]:
        """The interfaces that it runs over, as far as they are described."""
        names = {*self.ports, self.session.peer} if self.session.unnumbered else {*self.ports}
        if (near := beside(self.device, self.session.peer)) is not None:
            names.add(near)
        return [i for i in self.device.interfaces if i.name in names]


def by_itself(end: SessionEnd) -> Why | None:
    """Why one end alone makes a session undecided."""
    session = end.session
    for setting in session.settings:
        if setting.kind not in BOTH_ENDS and setting.kind not in COVERS:
            what = f"`{setting.kind}` of the session with {session.peer} is not followed"
            return what, setting.span
    if end.device.asn is None:
        return f"{end.device.name} says no AS number of its own", end.device.span
    wanted = session.remote_as or ""
    if not wanted.isdecimal() and wanted not in ("external", "internal"):
        return f"the session with {session.peer} says no AS number", session.span
    if session.unnumbered:
        at = end.device.interface(session.peer)
        if at is not None and at.vrf != DEFAULT_VRF:
            return f"{at.name} is in VRF {at.vrf}, and its session in the global table", at.span
    for family in session.families:
        if family.on:
            for use in (*family.inbound, *family.outbound):
                if (odd := changes_paths(end.device, use)) is not None:
                    return odd
    return kept_out(end)


def together(mine: SessionEnd, far: SessionEnd) -> Why | None:
    """Why two ends that are given may not be one session."""
    here, there = mine.session, far.session
    for kind, what in BOTH_ENDS.items():
        asked = [next((s for s in e.settings if s.kind == kind), None) for e in (here, there)]
        found = asked[0] or asked[1]
        if found is not None and None in asked:
            without = far.device if asked[0] else mine.device
            return f"{without.name} has not {what}, and the other end wants it", found.span
    if mine.device.router_id is not None and mine.device.router_id == far.device.router_id:
        what = f"{mine.device.name} and {far.device.name} are both router {far.device.router_id}"
        return what, here.span
    if here.passive and there.passive:
        return f"neither {mine.device.name} nor {far.device.name} begins", here.span
    if here.unnumbered != there.unnumbered:
        return "one end is known by its interface, the other one by an address", here.span
    if not here.unnumbered:
        for near, other in ((mine, far), (far, mine)):
            if not has_address(other.device, near.session.peer):
                what = f"{other.device.name} has not {near.session.peer} in its global table"
                return what, near.session.span
    return None


def has_address(device: Device, text: str) -> bool:
    """Whether an address is one of a device's global table."""
    address = ip_of(text)
    found = (i for i in device.interfaces if i.vrf == DEFAULT_VRF and i.up)
    return any(own.at.ip == address and not own.shared for i in found for own in i.addresses)


def changes_paths(device: Device, use: FilterUse) -> Why | None:
    """Rule 3; a map that is not there is somebody else's doubt."""
    rules = next((m.rules for m in device.route_maps if m.name == use.name), ())
    for rule in rules if use.kind == "route-map" else ():
        for one in rule.sets if rule.permit else ():
            words = [w for w in re.split(r"[\s,]+", one.value) if w not in NO_COMMUNITY]
            if one.kind == "community" and all(map(is_plain, words)):
                continue
            if one.kind not in HARMLESS and words[:1] != ["rt"]:
                return f"{use.name} sets {one.kind}, and what follows is not known", one.span
    return None


def is_plain(community: str) -> bool:
    """Whether no standard gives a meaning to a community.

    >>> is_plain("65000:1"), is_plain("65535:0"), is_plain("no-export")
    (True, False, False)
    """
    first, _, second = community.partition(":")
    return first.isdecimal() and second.isdecimal() and int(first[:6]) < 65535


def kept_out(end: SessionEnd) -> Why | None:
    """Rule 4."""
    device, session = end.device, end.session
    own, other = addresses_of(end)
    wanted = [
        AclPacket(a, b, TCP, *ports, state)
        for a, b in ((other, own), (own, other))
        for ports, state in (((ANY_PORT, BGP), "new"), ((BGP, ANY_PORT), "established"))
    ]
    asked = [("in", p) for p in wanted[:2]] + [("out", p) for p in wanted[2:]]
    if isinstance(device.vtep, IPv4Address):
        asked.append(("in", AclPacket(far_from(device.vtep), device.vtep, UDP, ANY_PORT, VXLAN)))
    for interface in dict.fromkeys((*end.ports, *(i.name for i in end.interfaces))):
        for way, packet in asked:
            lists = [b for b in bound(device, interface, way, control=True) if b.control]
            if lists and verdict_of(device, interface, way, packet, True).verdict != "permit":
                what = (
                    f"list {lists[0].acl} may keep out what the session with {session.peer} needs"
                )
                return what, lists[0].span
    return None


def addresses_of(end: SessionEnd) -> tuple[Address, Address]:
    """The addresses of a session, one's own first; of one by interface, two of such a link."""
    if end.session.unnumbered:
        return LINK_LOCAL
    peer = ip_of(end.session.peer)
    near = [own.at.ip for i in end.interfaces for own in i.addresses if peer in own.at.network]
    return (near[0] if near else peer), peer


def far_from(vtep: IPv4Address) -> IPv4Address:
    """An address of another VTEP, beside this one."""
    return IPv4Address(int(vtep) ^ 1)


def ip_of(text: str) -> Address:
    """An address; the unspecified one where the text is none."""
    try:
        return ip_address(text)
    except ValueError:
        return IPv4Address(0)


def beside(device: Device, peer: str) -> str | None:
    """The interface of the global table in whose network a neighbour lies."""
    address = ip_of(peer)
    for interface in device.interfaces:
        outer = interface.kind != "loopback" and interface.vrf == DEFAULT_VRF
        if outer and any(address in own.at.network for own in interface.addresses):
            return interface.name
    return None


def setting_of(session: PeerSession, kinds: Iterable[str]) -> Span | None:
    """Where a session has a setting of some kinds."""
    wanted = frozenset(kinds)
    return next((s.span for s in session.settings if s.kind in wanted), None)


def uplinks(device: Device) -> frozenset[str]:
    """The interfaces that sessions of the global table run over, with their ports and VLANs."""
    found: set[str] = set()
    for session in device.sessions:
        if session.vrf == DEFAULT_VRF:
            name = session.peer if session.unnumbered else beside(device, session.peer)
            found |= {name} if name else set()
    vlans = {i.vlan for i in device.interfaces if i.kind == "svi" and i.name in found}
    found |= {i.name for i in device.interfaces if i.bond in found or i.access in vlans - {None}}
    return frozenset(found)
