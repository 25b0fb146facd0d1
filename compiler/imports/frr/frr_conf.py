"""The reader of FRR: `frr.conf`, or what `show running-config` prints.

What FRR takes from the kernel does not stand there (VTEPs, VXLAN devices, most interfaces): it is
told as not known where it matters.

Source: FRR user guide, Basics, Zebra, BGP, EVPN, Static.
"""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

from compiler.imports.accounting import ConfigText, IgnoredLine, Reading
from compiler.imports.device_facts import (
    DEFAULT_VRF,
    Device,
    InterfaceFacts,
    NotKnown,
    OwnAddress,
    VrfFacts,
    WrittenRoute,
)
from compiler.imports.frr.frr_bgp import BgpBlock, vrf_of
from compiler.imports.frr.frr_lines import (
    FrrBlock,
    FrrFile,
    FrrLine,
    IgnoredBlock,
    harmless,
    read_lines,
)
from compiler.imports.frr.frr_policy import FrrPolicy, counted
from fabric.diagnostics import Diagnostics, Span

BEGINS = re.compile(
    r"^(frr version |frr defaults |router bgp \d|vrf \S+$|ip prefix-list "
    r"|route-map \S+ (permit|deny) )",
    re.MULTILINE,
)
MOST_VNI = (1 << 24) - 1
MACHINE = "says how the daemons run"
HARMLESS = {
    "log": MACHINE, "service": MACHINE, "debug": MACHINE, "password": MACHINE, "enable": MACHINE,
    "username": MACHINE, "banner": MACHINE, "agentx": MACHINE, "frr version": MACHINE,
    "zebra nexthop-group": MACHINE, "zebra": MACHINE, "ip forwarding": MACHINE,
    "ipv6 forwarding": MACHINE, "ip router-id": MACHINE, "ipv6 router-id": MACHINE,
    "fpm": MACHINE, "allow-external-route-update": MACHINE, "netns": MACHINE,
    "domainname": MACHINE, "build": MACHINE, "Current configuration:": MACHINE,
    "Building configuration...": MACHINE, "bgp no-rib": MACHINE, "bgp send-extra-data": MACHINE,
}  # fmt: skip
INTERFACE_HARMLESS = {
    "description": "says what an interface is for", "bandwidth": "weighs paths",
    "ipv6 nd": "says how neighbors find each other", "link-detect": MACHINE, "multicast": MACHINE,
}  # fmt: skip
ROUTERS = ("ospf", "ospf6", "isis", "rip", "ripng", "eigrp", "babel", "pim", "pim6", "openfabric")
BEGIN_BLOCKS = frozenset(("vrf", "router", "route-map", "interface", "line", "key", "pbr-map"))


def claims(head: str) -> bool:
    """Whether a file begins like a configuration of FRR."""
    return BEGINS.search(head) is not None


def read(
    name: str,
    texts: tuple[ConfigText, ...],
    found: Diagnostics,
    kept: dict[object, Any] | None = None,
) -> Reading | None:
    """The device of these files, one after the other."""
    conf = FrrConf()
    ignored: list[IgnoredLine] = []
    unknowns: list[NotKnown] = []
    leftover: list[int] = []
    lines = 0
    for source in texts:
        file = read_lines(source, conf, found)
        ignored += file.book.ignored
        leftover += file.book.leftover
        unknowns += file.unknowns
        lines += len(file.book.lines)
    if not lines:
        return None
    device = conf.device(name, Span(texts[0].file, 1), unknowns)
    return Reading(device, tuple(ignored), lines, tuple(leftover))


class FrrConf(FrrBlock):
    """Everything that stands in no block."""

    def __init__(self) -> None:
        self.policy = FrrPolicy()
        self.hostname: str | None = None
        self.traditional = True
        self.vrfs: dict[str, VrfBlock] = {}
        self.bgp: dict[str, BgpBlock] = {}
        self.interfaces: dict[str, InterfaceBlock] = {}
        self.sayings: list[tuple[str, str]] = []

    def take(self, line: FrrLine, file: FrrFile) -> bool:
        """A line of no block."""
        words = line.words
        if line.begins("frr", "defaults") and len(words) == 3:
            self.traditional = words[2] != "datacenter"
            self.sayings.append(("defaults", words[2]))
            return file.use(line)
        if words[0] == "hostname" and len(words) == 2 and not line.no:
            self.hostname = words[1]
            return file.use(line)
        if words[0] == "vrf" and len(words) == 2 and not line.no:
            return file.enter(line, self._vrf(words[1], line.span))
        if line.begins("router", "bgp") and not line.no:
            return self._router(line, file)
        if words[0] == "interface" and len(words) > 1 and not line.no:
            vrf = words[3] if words[2:3] == ("vrf",) and len(words) > 3 else DEFAULT_VRF
            block = InterfaceBlock(words[1], vrf, line.span)
            return file.enter(line, self.interfaces.setdefault(words[1], block))
        if words[:2] in (("ip", "route"), ("ipv6", "route")):
            vrf = line.after("vrf") or DEFAULT_VRF
            return static(line, file, self._vrf(vrf, line.span))
        if words[:2] in (("ip", "nht"), ("ipv6", "nht")):
            self.sayings.append((" ".join(words), "off" if line.no else "on"))
            return file.use(line)
        if line.begins("bgp", "no-rib") and not line.no:
            return file.unknown(line, "routes of BGP that do not go into tables")
        if words in (("ip", "forwarding"), ("ipv6", "forwarding")) and line.no:
            return file.unknown(line, "a device that hands nothing on", "", "forwarding")
        if self.policy.take(line, file) or harmless(line, file, HARMLESS):
            return True
        return self._other_block(line, file)

    def _other_block(self, line: FrrLine, file: FrrFile) -> bool:
        words = line.words
        if words[0] == "line":
            file.ignore(line, MACHINE)
            file.blocks.append(IgnoredBlock(MACHINE, begins_block))
            return True
        if words[0] == "router" and len(words) > 1:
            what = f"the protocol {words[1]}" if words[1] in ROUTERS else "a protocol"
            file.unknown(line, f"{what}, which is not modelled")
            file.blocks.append(IgnoredBlock("a protocol that is not modelled", begins_block))
            return True
        return False

    def _vrf(self, name: str, span: Span) -> VrfBlock:
        return self.vrfs.setdefault(name, VrfBlock(name, span))

    def _router(self, line: FrrLine, file: FrrFile) -> bool:
        words, vrf = line.words, vrf_of(line.words)
        try:
            asn = dotted(words[2]) if len(words) > 2 else 0
        except ValueError as error:
            return file.wrong(line, str(error))
        if not asn or (len(words) > 3 and words[3] not in ("vrf", "as-notation")):
            return file.unknown(line, "an instance of BGP that is not read")
        block = self.bgp.setdefault(vrf, BgpBlock(asn, vrf, line.span))
        if block.asn != asn:
            return file.wrong(line, f"BGP of VRF {vrf} has AS {block.asn} already")
        return file.enter(line, block)

    def device(self, name: str, span: Span, unknowns: list[NotKnown]) -> Device:
        """All facts."""
        main = self.bgp.get(DEFAULT_VRF)
        all_vni = any(bgp.all_vni for bgp in self.bgp.values())
        names = [DEFAULT_VRF, *self.vrfs, *self.bgp, *(i.vrf for i in self.interfaces.values())]
        vrfs = [self._facts(vrf, all_vni, span) for vrf in dict.fromkeys(names)]
        what = "interfaces with their addresses and tunnels, which FRR takes from the kernel"
        out = [*unknowns, NotKnown("interfaces", "forwarding", "", "", what, None)]
        sayings = [*self.policy.sayings, *self.sayings]
        sayings += [(f"{vrf}: {k}", v) for vrf, bgp in self.bgp.items() for k, v in bgp.sayings]
        sessions = [s for bgp in self.bgp.values() for s in bgp.sessions(self.traditional)]
        return Device(
            name=name,
            format="frr",
            span=span,
            hostname=self.hostname,
            asn=main.asn if main else next((bgp.asn for bgp in self.bgp.values()), None),
            router_id=main.router_id if main else None,
            interfaces=tuple(block.made() for block in self.interfaces.values()),
            vrfs=tuple(vrfs),
            sessions=tuple(sessions),
            prefix_filters=self.policy.filters(),
            route_maps=self.policy.route_maps(),
            unknowns=tuple(out),
            sayings=tuple(sayings),
        )

    def _facts(self, name: str, all_vni: bool, span: Span) -> VrfFacts:
        block = self.vrfs.get(name) or VrfBlock(name, span)
        bgp = self.bgp.get(name) or BgpBlock(0, name, block.span)
        evpn = all_vni and block.vni is not None
        leaks = tuple(
            replace(leak, route_map=bgp.leak_maps.get(leak.family, (None,))[0])
            for leak in bgp.leaks
        )
        told = tuple(bgp.announced[f] for f in ("ipv4", "ipv6") if evpn and f in bgp.announced)
        loopback = self.interfaces.get("lo") if name == DEFAULT_VRF else None
        return VrfFacts(
            name=name,
            vni=block.vni,
            evpn=evpn,
            rd=bgp.rd,
            imports=tuple(bgp.imports),
            exports=tuple(bgp.exports),
            announces=tuple(one.family for one in told),
            loopbacks=tuple(loopback.addresses) if loopback else (),
            statics=tuple(block.statics),
            networks=tuple(bgp.networks.values()),
            redistributes=tuple(bgp.redistributes),
            leaks=leaks,
            span=block.span if name in self.vrfs else bgp.span,
            speaks=tuple(bgp.families),
            announced_by=tuple(one for one in told if one.route_map),
        )


def begins_block(line: FrrLine) -> bool:
    """Whether a line begins a block, or stands in none."""
    return line.words[0] in BEGIN_BLOCKS or line.words[:2] == ("ip", "prefix-list")


def dotted(text: str) -> int:
    """An AS number, also as two halves with a dot.

    >>> dotted("65001"), dotted("1.10")
    (65001, 65546)
    """
    high, dot, low = text.partition(".")
    if dot:
        return (counted(high, 65535) << 16) | counted(low, 65535)
    return counted(text, 2**32 - 1)


class VrfBlock(FrrBlock):
    """`vrf NAME`."""

    def __init__(self, name: str, span: Span) -> None:
        self.name, self.span = name, span
        self.vni: int | None = None
        self.statics: list[WrittenRoute] = []

    def take(self, line: FrrLine, file: FrrFile) -> bool:
        """`vni N`, static routes."""
        words = line.words
        if words[0] == "vni" and len(words) > 1:
            try:
                self.vni = None if line.no else counted(words[1], MOST_VNI)
            except ValueError as error:
                return file.wrong(line, f"VRF {self.name}: {error}")
            return file.use(line)
        if words[:2] in (("ip", "route"), ("ipv6", "route")):
            return static(line, file, self)
        if words[0] == "netns":
            return file.ignore(line, MACHINE)
        return False


def static(line: FrrLine, file: FrrFile, vrf: VrfBlock) -> bool:
    """`ip route PREFIX VIA [tag TAG] [vrf VRF] [nexthop-vrf VRF]`, the prefix also with a mask;
    with anything else, such as a distance or a table, it is not known."""
    words = unmasked(line.words)
    if len(words) < 4 or "/" not in words[2] or line.no or not plain_settings(words):
        return file.unknown(line, "a static route that is not read", vrf.name)
    try:
        prefix = ip_network(words[2], strict=False)
        tag = counted(line.after("tag") or "0", 2**32 - 1)
    except ValueError as error:
        return file.wrong(line, str(error))
    via = words[3]
    kind = "interface"
    if via.lower() in ("blackhole", "reject", "null0"):
        kind = "blackhole"
    elif re.fullmatch(r"[0-9.]+|[0-9a-fA-F:]*:[0-9a-fA-F:.]*", via):
        kind = "address"
        try:
            ip_address(via)
        except ValueError as error:
            return file.wrong(line, str(error))
    if line.after("nexthop-vrf") is not None:
        kind, via = "vrf", str(line.after("nexthop-vrf"))
    vrf.statics.append(WrittenRoute(prefix, via, kind, line.span, tag))
    return file.use(line)


def unmasked(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words of a static route with the mask of its prefix as a length; what is no mask stays.

    >>> unmasked(("ip", "route", "10.0.0.0", "255.255.0.0", "eth1"))
    ('ip', 'route', '10.0.0.0/16', 'eth1')
    >>> unmasked(("ip", "route", "10.0.0.0", "0.0.255.255", "eth1"))[2:4]
    ('10.0.0.0', '0.0.255.255')
    """
    if words[0] != "ip" or len(words) < 4 or "/" in words[2] or words[3] not in MASKS:
        return words
    return (*words[:2], f"{words[2]}/{MASKS[words[3]]}", *words[4:])


MASKS = {str(ip_network((0, length)).netmask): length for length in range(33)}


def plain_settings(words: tuple[str, ...]) -> bool:
    """Whether what stands behind a way says no more than a tag, VRFs, the usual distance, and the
    interface of an address."""
    rest = [*words[4:]]
    address = {".", ":"} & {*words[3]}
    if rest and address and rest[0] not in (*SETTINGS, *OTHER_SETTINGS) and not rest[0].isdigit():
        rest = rest[1:]
    while rest:
        if rest[0] == "1":
            rest = rest[1:]
        elif rest[0] in SETTINGS and len(rest) > 1:
            rest = rest[2:]
        else:
            return False
    return True


SETTINGS = ("tag", "vrf", "nexthop-vrf")
OTHER_SETTINGS = ("label", "table", "onlink", "bfd", "color", "segments")


class InterfaceBlock(FrrBlock):
    """`interface NAME`."""

    def __init__(self, name: str, vrf: str, span: Span) -> None:
        self.name, self.vrf, self.span = name, vrf, span
        self.addresses: list[OwnAddress] = []
        self.up = True

    def take(self, line: FrrLine, file: FrrFile) -> bool:
        """Addresses, and whether it is up."""
        words = line.words
        if words[:2] in (("ip", "address"), ("ipv6", "address")) and len(words) > 2:
            if line.no:
                return file.unknown(line, "an address that is taken back", self.vrf)
            try:
                at = ip_interface(words[2])
            except ValueError as error:
                return file.wrong(line, str(error))
            self.addresses.append(OwnAddress(at, False, line.span))
            return file.use(line)
        if words == ("shutdown",):
            self.up = line.no
            return file.use(line)
        if harmless(line, file, INTERFACE_HARMLESS):
            return True
        elsewhere = words[1:2] in (("prefix-list",), ("route",), ("nht",), ("forwarding",))
        if words[0] in ("ip", "ipv6", "ospf", "isis", "evpn", "mpls") and not elsewhere:
            what = "a setting of an interface that is not modelled"
            return file.unknown(line, what, self.vrf)
        return False

    def made(self) -> InterfaceFacts:
        """The interface."""
        kind = "loopback" if self.name == "lo" else "other"
        return InterfaceFacts(
            self.name, kind, self.vrf, tuple(self.addresses), None, None, None, self.up, self.span
        )
