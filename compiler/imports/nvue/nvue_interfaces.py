"""Interfaces of NVUE: addresses, VRFs, VLANs, bonds, MTU, and the access lists that they ask.

`inbound` is what comes in by the interface. At a representor that is what its host sends; the guide
to DOCA HBN binds lists of what a host may send there. `inbound control-plane` is asked about what
is for the device itself alone.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Literal

from compiler.imports.device_facts import (
    DEFAULT_VRF,
    AclBinding,
    InterfaceFacts,
    OwnAddress,
    VlanVni,
)
from compiler.imports.nvue.nvue_acl import walk_all
from compiler.imports.nvue.nvue_tree import Branch, NvueFile, all_for, said
from compiler.imports.nvue.nvue_values import interface_address
from compiler.imports.nvue.parts_together import together
from fabric.diagnostics import Span

KINDS = {
    "loopback": "loopback", "svi": "svi", "swp": "port", "bond": "bond", "eth": "port",
    "sub": "port", "peerlink": "bond", "tunnel": "other", "vrf": "other",
}  # fmt: skip
VLAN_NAME = re.compile(r"vlan([0-9]{1,4})\Z")
NO_PACKET = "decides nothing about who reaches whom"
BY_NAME = "says what the name says"
LINK = all_for(
    "speed duplex auto-negotiate fec lanes breakout mac mac-address"
    " flap-protection state-timer eyescope",
    NO_PACKET,
)
IP = all_for("neighbor-discovery igmp mld dhcp-client", NO_PACKET)
INTERFACE = all_for(
    "description lldp qos pluggable ptp synce telemetry led counters sflow device",
    NO_PACKET,
)
BOND = all_for("mode lacp-bypass lacp-rate down-delay up-delay transmit-hash-policy", NO_PACKET) | {
    "mlag": "is told of `mlag` itself"
}
VRR = all_for("mac-address mac-id state", NO_PACKET)
MOST_NAMED = 4096


class Interfaces:
    """What stands below `set interface`, as it is read."""

    def __init__(self, file: NvueFile) -> None:
        self.file = file
        self.facts: list[InterfaceFacts] = []
        self.bindings: list[AclBinding] = []
        self.members: dict[str, str] = {}

    def read(self, branch: Branch) -> None:
        """All of them, in order of the file; `swp1-4,swp9` is several. What stands under several
        keys for one name counts together."""
        named: dict[str, list[Branch]] = {}
        for text, below in branch.each():
            for name in dict.fromkeys(expanded(text)):
                named.setdefault(name, []).append(below)
        for name, parts in named.items():
            whole, unlike = together(parts)
            if unlike:
                what = f"{name} stands under several keys, which say otherwise of `{unlike}`"
                self.file.not_known("Interface", "forwarding", what, parts[0].span)
            self.one(name, whole)
        bonds = self.members
        self.facts = [
            replace(one, bond=bonds[one.name]) if one.name in bonds else one for one in self.facts
        ]

    def one(self, name: str, branch: Branch) -> None:
        """One interface."""
        kind = self.kind(name, branch)
        ip = branch["ip"]
        vrf = ip["vrf"].text() or DEFAULT_VRF
        addresses = [*self.addresses(ip["address"], False)]
        vrr = ip["vrr"]
        if vrr and vrr.enabled(True):
            addresses += self.addresses(vrr["address"], True)
        else:
            vrr.skip("address", "no address is shared while `vrr` is off")
        vrr.close(VRR, "routes", vrf, name)
        self.forwarding(ip, vrf, name)
        link = branch["link"]
        mtu = link["mtu"].number(68, 65535)
        states = [key for key, _ in link["state"].each()]
        up = "down" not in states and not link["protodown"].flag(False)
        link.close(LINK, "forwarding", vrf, name)
        access, bridge = self.bridged(branch["bridge"], name)
        vlan = self.vlan(name, kind, branch["vlan"])
        base = branch["base-interface"].text()
        if base:
            what = f"{name} is a part of {base}, whose other VLANs are not followed"
            self.file.not_known("SubInterface", "forwarding", what, branch.span, vrf, name)
        for member, _ in branch["bond"]["member"].each():
            self.members[member] = name
        branch["bond"].close(BOND, "forwarding", vrf, name)
        self.lists(branch["acl"], name)
        self.others(branch, vrf, name)
        self.facts.append(
            InterfaceFacts(
                name, kind, vrf, tuple(addresses), access, vlan, mtu, up, branch.span, bridge
            )
        )

    def kind(self, name: str, branch: Branch) -> str:
        """What it is: by its type, or by its name where it says none."""
        usual = "loopback" if name == "lo" else "svi" if VLAN_NAME.match(name) else "port"
        type_ = branch["type"]
        text = said(type_.value) if type_ else None
        if text is not None and KINDS.get(text) == usual:
            type_.repeats(BY_NAME)
            return usual
        text = type_.text()
        if text in KINDS:
            return KINDS[text]
        if text is not None:
            what = f"{name} is of type {text[:40]}"
            self.file.not_known("Interface", "forwarding", what, branch.span, "", name)
            return "other"
        return usual

    def vlan(self, name: str, kind: str, branch: Branch) -> int | None:
        """The VLAN for which an SVI routes: by its name, where nothing else is said."""
        named = VLAN_NAME.match(name)
        usual = int(named[1]) if named and kind == "svi" else None
        if branch and usual is not None and said(branch.value) == str(usual):
            branch.repeats(BY_NAME)
            return usual
        found = branch.number(1, 4094)
        return usual if found is None else found

    def addresses(self, branch: Branch, shared: bool) -> list[OwnAddress]:
        """Addresses with their networks."""
        out = []
        for text, below in branch.each():
            if text == "dhcp":
                what = "it asks DHCP for an address"
                self.file.not_known("Address", "routes", what, below.span)
            elif (found := interface_address(below, text)) is not None:
                out.append(OwnAddress(found, shared, below.span))
        return out

    def forwarding(self, ip: Branch, vrf: str, name: str) -> None:
        """What `ip` says besides: gateways, and whether it routes at all."""
        for family in ("ipv4", "ipv6"):
            below = ip[family]
            for key in ("forward", "enable"):
                if below.has(key) and not below[key].flag(True):
                    what = f"`{family} {key}` is off at {name}"
                    self.file.not_known("Forwarding", "forwarding", what, below.span, vrf, name)
            below.close({}, "forwarding", vrf, name)
        gateway = ip["gateway"]
        if gateway:
            walk_all(gateway)
            gateway.use()
            what = f"{name} has a gateway, a default route that is not followed"
            self.file.not_known("Gateway", "routes", what, gateway.span, vrf)
        ip.close(IP, "forwarding", vrf, name)

    def bridged(self, branch: Branch, name: str) -> tuple[int | None, str]:
        """The VLAN that a port of a bridge is in, and the bridge, where it is one."""
        access, bridge = None, ""
        for domain, below in branch["domain"].each():
            bridge = domain
            access = below["access"].number(1, 4094)
            untagged = below["untagged"].number(1, 4094)
            if below.has("vlan"):
                walk_all(below["vlan"])
                what = f"{name} has several VLANs of {domain}; its tags are not followed"
                self.file.not_known("Trunk", "forwarding", what, below.span, "", name)
            access = access or untagged
            below.close({"learning": NO_PACKET, "stp": NO_PACKET}, "forwarding", "", name)
        branch.close({}, "forwarding", "", name)
        return access, bridge

    def lists(self, branch: Branch, name: str) -> None:
        """The access lists that it asks."""
        for acl, below in branch.each():
            bind(self.file, self.bindings, acl, below, name, "")

    def others(self, branch: Branch, vrf: str, name: str) -> None:
        """What else may decide where its packets go."""
        routing = ("pbr", "ospf", "ospf6", "pim", "adaptive-routing", "isis")
        router = branch["router"]
        for key in routing:
            if router.has(key):
                walk_all(router[key])
                what = f"{name} speaks `router {key}`, which is not followed"
                self.file.not_known("Routing", "routes", what, router.span, vrf)
        router.close({}, "routes", vrf)
        for key in ("tunnel", "evpn", "nat"):
            if branch.has(key):
                walk_all(branch[key])
                what = f"`{key}` of {name} is not followed"
                self.file.not_known("Interface", "forwarding", what, branch[key].span, vrf, name)
        branch.close(INTERFACE, "forwarding", vrf, name)


def bind(
    file: NvueFile, into: list[AclBinding], acl: str, branch: Branch, interface: str, vrf: str
) -> None:
    """Where a list is asked. It is asked nowhere until a direction is said."""
    ways: tuple[tuple[str, Literal["in", "out"]], ...] = (("inbound", "in"), ("outbound", "out"))
    for key, direction in ways:
        if branch.has(key):
            below = branch[key]
            control = below.has("control-plane") or not interface
            below["control-plane"].text()
            below.close({}, "acl", vrf, interface)
            into.append(AclBinding(acl, interface, vrf, direction, control, acl, below.span))
    branch.close({}, "acl", vrf, interface)


def expanded(text: str) -> list[str]:
    """Names of a range as NVUE writes them.

    >>> expanded("swp1-3,swp9"), expanded("p0_if"), expanded("swp1s0-1"), expanded("a-b")
    (['swp1', 'swp2', 'swp3', 'swp9'], ['p0_if'], ['swp1s0', 'swp1s1'], ['a-b'])
    """
    out: list[str] = []
    for part in text.split(","):
        found = re.fullmatch(r"(.*?)([0-9]{1,4})-([0-9]{1,4})", part.strip())
        if found and int(found[2]) <= int(found[3]):
            out += [f"{found[1]}{n}" for n in range(int(found[2]), int(found[3]) + 1)]
        else:
            out.append(part.strip())
    return out[:MOST_NAMED]


def read_bridges(file: NvueFile, branch: Branch) -> list[VlanVni]:
    """VLANs of bridges and their L2VNIs."""
    out = []
    reasons = all_for("stp type multicast mac-address ageing encap untagged", NO_PACKET)
    for bridge, domain in branch["domain"].each():
        for text, below in domain["vlan"].each():
            vni: int | None = None
            span: Span = below.span
            for number, one in below["vni"].each():
                if number.isascii() and number.isdigit() and 0 < int(number[:9]) < 2**24:
                    vni, span = int(number), one.span
                elif number != "auto":
                    one.wrong("a VNI")
                one.close({"flooding": NO_PACKET, "mac-learning": NO_PACKET}, "forwarding")
            below.close(dict.fromkeys(("multicast", "ptp"), NO_PACKET), "forwarding")
            for name in expanded(text):
                if name.isascii() and name.isdigit() and 0 < int(name) < 4095:
                    out.append(VlanVni(int(name), vni, span, bridge))
                else:
                    below.wrong("a VLAN")
        domain.close(reasons, "forwarding")
    branch.close({}, "forwarding")
    return out
