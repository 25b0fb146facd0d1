"""What is wrong with route targets, addresses, names that lead nowhere, and sizes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, ip_address

from compiler.imports.device_facts import DEFAULT_VRF, Device, InterfaceFacts, VrfFacts
from compiler.imports.review.asked_lists import asked_lists
from compiler.imports.review.list_checks import denies_whole
from compiler.imports.review.review_finding import ReviewFinding
from compiler.imports.sites.import_targets import WILDCARD, exported, imported, in_evpn
from fabric.diagnostics import Span

GIVEN = "the configurations that are given: others may say more"
AS_WRITTEN = "nothing but the configuration"
RESERVED = {0: "RFC 7607", 23456: "RFC 6793", 65535: "RFC 7300", 4294967295: "RFC 7300"}
VXLAN_BYTES = 50
USUAL_MTU = 9216
HOSTS = ("hpf", "vf")
SPEAKERS = "any speaker whose routes reach this device"


def vrfs_in_evpn(devices: Sequence[Device]) -> list[tuple[Device, VrfFacts]]:
    """VRFs that take part in EVPN."""
    return [(d, v) for d in devices for v in d.vrfs if in_evpn(d, v)]


def forged_targets(device: Device) -> Iterator[ReviewFinding]:
    """VRFs that take over whatever anybody announces under their VNI."""
    for vrf in device.vrfs:
        if not in_evpn(device, vrf):
            continue
        for wanted in imported(vrf):
            if wanted.text.startswith(f"{WILDCARD}:"):
                how = "imports `auto`" if wanted.written else "imports by default"
                others = [t.text for t in vrf.imports if t.text != "auto"]
                own = f", beside {', '.join(others[:4])}" if others else ""
                what = (
                    f"VRF {vrf.name} {how}: a route under any AS number and VNI {vrf.vni} comes in"
                    f"{own}, whoever announces it"
                )
                packet = f"a Type-5 route of a foreign VTEP under 64999:{vrf.vni} is taken over"
                yield ReviewFinding(
                    "forgeable-target", "finding", device.name, what, (wanted.span,), SPEAKERS,
                    packet,
                )  # fmt: skip


def one_way_targets(devices: Sequence[Device]) -> Iterator[ReviewFinding]:
    """Two VRFs of which one takes over the other's routes and not the other way round."""
    every = vrfs_in_evpn(devices)
    exports = [(d, v, set(exported(d, v))) for d, v in every]
    told: set[tuple[str, str]] = set()
    for device, vrf in every:
        for other, theirs, targets in exports:
            if theirs.name == vrf.name or (vrf.name, theirs.name) in told:
                continue
            taken = [w for w in imported(vrf) if w.written and takes_one(w.text, targets)]
            mine = set(exported(device, vrf))
            back = [w for w in imported(theirs) if takes_one(w.text, mine)]
            if taken and not back:
                told.add((vrf.name, theirs.name))
                own = ", ".join(sorted(mine))
                what = (
                    f"VRF {vrf.name} imports {taken[0].text} of {theirs.name} on {other.name}, "
                    f"which imports none of {own}: there is a way there and none back"
                )
                yield ReviewFinding(
                    "one-way-import", "finding", device.name, what, (taken[0].span, theirs.span),
                    GIVEN,
                )  # fmt: skip


def takes_one(text: str, targets: set[str]) -> bool:
    """Whether a target that is imported is among those that are exported."""
    if text.startswith(f"{WILDCARD}:"):
        return any(t.rpartition(":")[2] == text.rpartition(":")[2] for t in targets)
    return text in targets


def imports_of_nobody(devices: Sequence[Device]) -> Iterator[ReviewFinding]:
    """Route targets that are imported and that nobody exports."""
    every = vrfs_in_evpn(devices)
    targets = {t for d, v in every for t in exported(d, v)}
    for device, vrf in every:
        lost = [w for w in imported(vrf) if w.written and not takes_one(w.text, targets)]
        if lost:
            names = ", ".join(w.text for w in lost)
            what = f"VRF {vrf.name} imports {names}, which no device here exports"
            yield ReviewFinding(
                "import-without-export", "doubt", device.name, what,
                tuple(w.span for w in lost), GIVEN, "", len(lost),
            )  # fmt: skip


def one_layer(device: Device) -> Iterator[ReviewFinding]:
    """Hosts that VRFs alone keep apart, or lists alone, or nothing."""
    denying = {
        asked.interface.name
        for asked in asked_lists(device)
        if asked.way == "in" and any(denies_whole(e) for e in asked.entries)
    }
    for interface in device.interfaces:
        if not faces_a_host(device, interface):
            continue
        vrf = vrf_of(device, interface)
        lists, apart = interface.name in denying, vrf != DEFAULT_VRF
        if lists and apart:
            continue
        what, kind = f"{interface.name}: ", "one-layer"
        if lists:
            what += "its host is in the default VRF, and lists alone keep it from others"
        elif apart:
            what += f"VRF {vrf} alone keeps its host from others: no list denies it any network"
        else:
            what += "nothing keeps its host from others: it is in the default VRF, without a list"
            kind = "no-isolation"
        yield ReviewFinding(
            kind, "finding" if kind == "no-isolation" else "doubt", device.name, what,
            (interface.span,), "what is behind the interface is a host of a tenant",
        )  # fmt: skip


def faces_a_host(device: Device, interface: InterfaceFacts) -> bool:
    """Whether a tenant's host is behind an interface: a representor of a PF or VF by its name, or
    a port with an access VLAN, that leads anywhere."""
    if interface.kind not in ("port", "bond") or not interface.up:
        return False
    named = any(part in interface.name for part in HOSTS)
    svis = [i for i in device.interfaces if i.kind == "svi" and i.vlan == interface.access]
    leads = bool(interface.addresses) or (interface.access is not None and bool(svis))
    return leads and (named or interface.access is not None)


def vrf_of(device: Device, interface: InterfaceFacts) -> str:
    """The VRF of a host behind an interface."""
    for other in device.interfaces:
        if other.kind == "svi" and interface.access is not None and other.vlan == interface.access:
            return other.vrf
    return interface.vrf


def names_that_lead_nowhere(device: Device) -> Iterator[ReviewFinding]:
    """Peer groups, filters, interfaces and VRFs that something names and that are not there."""
    for one in device.unknowns:
        if one.kind == "PeerGroup" and one.span is not None:
            yield dangling(device, one.what, one.span)
    filters = {("prefix-list", f.name) for f in device.prefix_filters}
    filters |= {("route-map", m.name) for m in device.route_maps}
    for session in device.sessions:
        for family in session.families:
            for use in (*family.inbound, *family.outbound):
                if use.kind in ("prefix-list", "route-map") and (use.kind, use.name) not in filters:
                    what = (
                        f"neighbour {session.peer} asks {use.kind} {use.name}, which is not there"
                    )
                    yield dangling(device, what, use.span)
        known = tells_interfaces(device)
        if known and session.unnumbered and device.interface(session.peer) is None:
            what = f"neighbour {session.peer} is known by an interface that is not there"
            yield dangling(device, what, session.span)
    names = {i.name for i in device.interfaces}
    for vrf in device.vrfs:
        for route in vrf.statics:
            if tells_interfaces(device) and route.kind == "interface" and route.via not in names:
                what = f"{route.prefix} of VRF {vrf.name} goes over {route.via}, which is not there"
                yield dangling(device, what, route.span)
        for leak in vrf.leaks:
            if device.vrf(leak.from_vrf) is None:
                what = f"VRF {vrf.name} takes over routes of {leak.from_vrf}, which is not there"
                yield dangling(device, what, leak.span)
            if leak.route_map and ("route-map", leak.route_map) not in filters:
                what = f"VRF {vrf.name} leaks by route map {leak.route_map}, which is not there"
                yield dangling(device, what, leak.span)


def tells_interfaces(device: Device) -> bool:
    """Whether the configuration has the device's interfaces: of FRR they are the kernel's."""
    return bool(device.interfaces) and not any(u.kind == "interfaces" for u in device.unknowns)


def dangling(device: Device, what: str, span: Span) -> ReviewFinding:
    """A name that leads nowhere."""
    return ReviewFinding("dangling-name", "finding", device.name, what, (span,), AS_WRITTEN)


def neighbours_elsewhere(device: Device) -> Iterator[ReviewFinding]:
    """Sessions of a VRF with an address that lies behind another VRF of the device."""
    networks = [(i, a.at.network) for i in device.interfaces for a in i.addresses if i.up]
    for session in device.sessions:
        if session.unnumbered:
            continue
        try:
            peer = ip_address(session.peer)
        except ValueError:
            continue
        homes = [i for i, n in networks if n.version == peer.version and peer in n]
        if homes and all(i.vrf != session.vrf for i in homes):
            what = (
                f"VRF {session.vrf} has neighbour {session.peer}, which lies behind "
                f"{homes[0].name} in VRF {homes[0].vrf}"
            )
            yield ReviewFinding(
                "neighbour-elsewhere", "doubt", device.name, what, (session.span, homes[0].span),
                "routes of the other VRF are not leaked into this one",
            )  # fmt: skip


def addresses_that_cannot_be(device: Device) -> Iterator[ReviewFinding]:
    """VTEPs that nobody reaches, addresses that are a network's own, reserved AS numbers."""
    if device.vtep is not None and not usable(str(device.vtep)):
        what = f"the VTEP is {device.vtep}, an address that no other device reaches"
        yield ReviewFinding(
            "unreachable-vtep", "finding", device.name, what, (vtep_line(device),), AS_WRITTEN
        )
    if device.asn in RESERVED:
        what = f"AS number {device.asn} is reserved ({RESERVED[device.asn or 0]})"
        yield ReviewFinding(
            "reserved-asn", "finding", device.name, what, (device.span,), AS_WRITTEN
        )
    for interface in device.interfaces:
        for address in interface.addresses:
            network = address.at.network
            if (
                isinstance(network, IPv4Network)
                and network.prefixlen < 31
                and address.at.ip in (network.network_address, network.broadcast_address)
            ):
                what = f"{interface.name} has {address.at}, which is its network's own address"
                yield ReviewFinding(
                    "network-address", "finding", device.name, what, (address.span,), AS_WRITTEN
                )


def usable(text: str) -> bool:
    """Whether a tunnel may end at an address."""
    found = ip_address(text)
    return not (
        found.is_loopback or found.is_multicast or found.is_unspecified or found.is_link_local
    )


def vtep_line(device: Device) -> Span:
    """Where the address of the VTEP stands at an interface; the device where it stands at none."""
    for interface in device.interfaces:
        for address in interface.addresses:
            if address.at.ip == device.vtep:
                return address.span
    return device.span


def packets_too_long(device: Device) -> Iterator[ReviewFinding]:
    """Hosts' packets that do not fit with the VXLAN header behind an uplink."""
    uplinks = {s.peer for s in device.sessions if s.unnumbered}
    ports = [i for i in device.interfaces if i.name in uplinks]
    smallest = min(ports, key=lambda i: i.mtu or USUAL_MTU, default=None)
    if smallest is None or device.vtep is None:
        return
    room = (smallest.mtu or USUAL_MTU) - VXLAN_BYTES
    for interface in device.interfaces:
        if interface.name not in uplinks and interface.mtu is not None and interface.mtu > room:
            what = (
                f"{interface.name} takes packets of {interface.mtu} bytes, and behind "
                f"{smallest.name} (MTU {smallest.mtu or USUAL_MTU}) no more than {room} fit"
            )
            rests = "" if smallest.mtu else f", and on {USUAL_MTU} being the MTU where none is said"
            yield ReviewFinding(
                "mtu", "finding", device.name, what, (interface.span, smallest.span),
                f"an outer header of {VXLAN_BYTES} bytes{rests}",
                f"a packet of {interface.mtu} bytes to another device",
            )  # fmt: skip


def shared_numbers(devices: Sequence[Device]) -> Iterator[ReviewFinding]:
    """Devices with one VTEP address; one VNI for VRFs of two names."""
    vteps: dict[str, list[Device]] = defaultdict(list)
    vnis: dict[int, list[tuple[Device, VrfFacts]]] = defaultdict(list)
    for device in devices:
        if device.vtep is not None:
            vteps[str(device.vtep)].append(device)
        for vrf in device.vrfs:
            if vrf.vni is not None:
                vnis[vrf.vni].append((device, vrf))
    for text, mine in sorted(vteps.items()):
        if len(mine) > 1:
            what = f"{' and '.join(d.name for d in mine[:4])} have one VTEP address, {text}"
            lines = tuple(vtep_line(d) for d in mine[:4])
            yield ReviewFinding("shared-vtep", "finding", mine[0].name, what, lines, SITE)
    for vni, users in sorted(vnis.items()):
        names = dict.fromkeys(vrf.name for _, vrf in users)
        if len(names) > 1:
            what = f"VNI {vni} is of VRFs {' and '.join(names)}"
            lines = tuple(vrf.span for _, vrf in users[:4])
            yield ReviewFinding("shared-vni", "finding", users[0][0].name, what, lines, SITE)


SITE = "the devices being of one site"
