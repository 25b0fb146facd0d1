"""Values that people get wrong one at a time: prefixes, ports, ranges, RTs, RDs, MACs.

Each reader returns the value or raises `ValueError` with what is wrong and, after a newline, a
hint. Route targets and distinguishers: RFC 4360 §3.1 and §4, RFC 5668, RFC 4364 §4.2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any

from fabric.checks.known_names import KnownNames
from fabric.diagnostics import Diagnostics
from fabric.file.spec import FabricSpec, Pins, ZoneRule
from fabric.io.visible import visible
from fabric.plan.pools import bounds
from fabric.values import ip
from fabric.values.address_sets import mapped
from fabric.values.inventory import Prefix
from fabric.values.ports import parse_ports

UNFIT = (
    ("224.0.0.0/4", "a multicast address"),
    ("0.0.0.0/32", "the unspecified address"),
    ("127.0.0.0/8", "an address of the loopback network"),
    ("169.254.0.0/16", "a link-local address"),
    ("0.0.0.0/8", "an address of this network (0.0.0.0/8)"),
    ("255.255.255.255/32", "the broadcast address"),
    ("240.0.0.0/4", "a reserved address"),
    ("ff00::/8", "a multicast address"),
    ("::/128", "the unspecified address"),
    ("::1/128", "an address of the loopback network"),
    ("fe80::/10", "a link-local address"),
)
"""Where nobody can be reached, and why; the first that holds an address counts."""
SPANS = [(p.version, *bounds(p), words) for p, words in ((ip.prefix(t), w) for t, w in UNFIT)]
"""The same as IP versions, first and last addresses."""
Path = tuple[str | int, ...]
Reader = Callable[[str], Any]
MAX_ASN, MAX_2_OCTETS, MAX_VNI = 2**32 - 1, 2**16 - 1, 2**24 - 1
MAC = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}")
CLOCK = re.compile(r"[0-9]{1,5}:[0-9]{1,5}")


def prefix(text: str) -> Prefix:
    """A unicast prefix with its length and no host bits.

    >>> prefix("10.0.0.0/8")
    IPv4Network('10.0.0.0/8')
    """
    found = network(text)
    if "/" not in text:
        raise ValueError(f'"{text}" is an address, a prefix is wanted\nwrite its length: {text}/…')
    return found


def network(text: str) -> Prefix:
    """A unicast prefix or a single address."""
    if "%" in text:
        raise ValueError(f'"{text}" has a scope\nleave out the % and what follows')
    try:
        found = ip.prefix(text)
    except ValueError:
        try:
            loose = ip_network(text, strict=False)
        except ValueError:
            raise ValueError(f'"{text}" is not an IPv4 or IPv6 prefix\n{slip(text)}') from None
        raise ValueError(f'"{text}" has host bits set\ndid you mean "{loose}"?') from None
    if inside := mapped(found.network_address):
        length = f"/{found.prefixlen - 96}" if "/" in text else ""
        what = "IPv4 addresses written as IPv6 ones"
        raise ValueError(f'"{text}" has {what}\nwrite {inside}{length}')
    if found.is_multicast or found.is_loopback:
        kind = "multicast" if found.is_multicast else "loopback"
        raise ValueError(f'"{text}" is a {kind} prefix\nunicast prefixes can be routed in a VRF')
    return found


def slip(text: str) -> str:
    """What is probably wrong with something that is no prefix."""
    octets = text.partition("/")[0].split(".")
    if len(octets) == 4 and any(len(o) > 1 and o.startswith("0") for o in octets):
        return "write octets without zeros in front"
    if len(octets) == 4 and any(o.isdecimal() and int(o) > 255 for o in octets):
        return "an octet is at most 255"
    return "write 10.0.0.0/8 or fd00::/64"


def address(text: str) -> IPv4Address | IPv6Address:
    """A single address."""
    try:
        found = ip.address(text)
    except ValueError:
        hint = "write it without a length" if "/" in text else "write 10.0.0.1 or fd00::1"
        raise ValueError(f'"{text}" is not an IPv4 or IPv6 address\n{hint}') from None
    if inside := mapped(found):
        raise ValueError(f'"{text}" is an IPv4 address written as an IPv6 one\nwrite {inside}')
    return found


def loopback(text: str) -> IPv4Address:
    """An address that a node can have: unicast IPv4, and not of a kind that no router forwards."""
    found = address(text)
    if not isinstance(found, IPv4Address):
        raise ValueError(f'"{text}" is an IPv6 address\nVTEPs have IPv4 addresses')
    if kind := unfit(found):
        raise ValueError(f'"{text}" is {kind}\na loopback is a unicast address')
    return found


def loopback_pool(text: str) -> Prefix:
    """A prefix of loopbacks."""
    found = prefix(text)
    if found.version != 4:
        raise ValueError(f'"{text}" is an IPv6 prefix\nVTEPs have IPv4 addresses')
    if kind := unfit(found.network_address) or unfit(found.broadcast_address):
        raise ValueError(f'"{text}" holds {kind}\nloopbacks are unicast addresses')
    return found


def unfit(found: IPv4Address | IPv6Address) -> str | None:
    """Why nobody can be reached at an address, if so."""
    version, number = found.version, int(found)
    for kind, first, last, words in SPANS:
        if first <= number <= last and kind == version:
            return words
    return None


def host_address(text: str) -> IPv4Address | IPv6Address:
    """An address that an endpoint can have."""
    found = address(text)
    if kind := unfit(found):
        raise ValueError(f'"{text}" is {kind}\nan endpoint has a unicast address')
    return found


def port(text: str) -> Any:
    """Port ranges; a time of day gets a hint of its own."""
    try:
        return parse_ports(text)
    except ValueError as error:
        first = text.partition(":")[0]
        hint = f"write {first}/tcp" if CLOCK.fullmatch(text) or text.isdecimal() else ""
        raise ValueError(f"{error}\n{hint}") from None


def numbers(text: str, most: int) -> range:
    """A range `first-last` of whole numbers from 1 to `most`."""
    first, dash, last = text.partition("-")
    if not (_digits(first) and (_digits(last) if dash else True)):
        raise ValueError(f'"{text}" is not a range of numbers\nwrite first-last: 10001-20000')
    low, high = int(first), int(last or first)
    if not 1 <= low <= high <= most:
        raise ValueError(f'"{text}" must lie in 1-{most}, lower end first')
    return range(low, high + 1)


def asns(text: str) -> range:
    """A pool of AS numbers."""
    return numbers(text, MAX_ASN - 1)


def vnis(text: str) -> range:
    """A pool of VNIs."""
    return numbers(text, MAX_VNI)


def route_target(text: str) -> tuple[str, int]:
    """Administrator and local part of `asn2:local32`, `asn4:local16` or `ip4:local16`.

    >>> route_target("65000:10001"), route_target("192.0.2.1:7")
    (('65000', 10001), ('192.0.2.1', 7))
    """
    return _community(text, "route target", "65000:10001, 4200000000:101 or 192.0.2.1:101")


def route_distinguisher(text: str) -> tuple[str, int]:
    """Administrator and assigned number; the three types have the same forms as route targets."""
    return _community(text, "route distinguisher", "192.0.2.1:101 or 65000:101")


def _community(text: str, what: str, examples: str) -> tuple[str, int]:
    administrator, colon, local = text.partition(":")
    if not colon or not _digits(local):
        raise ValueError(f'"{text}" is not a {what}\nwrite {examples}')
    if any(len(part) > 1 and part.startswith("0") for part in (administrator, local)):
        raise ValueError(f'"{text}" has a number with zeros in front\nleave them out')
    wide = True
    if "." in administrator:
        address(administrator)
    elif _digits(administrator) and int(administrator) <= MAX_ASN:
        wide = int(administrator) > MAX_2_OCTETS
    else:
        raise ValueError(f'"{text}" is not a {what}\nwrite {examples}')
    most = MAX_2_OCTETS if wide else MAX_ASN
    if int(local) > most:
        form = "an IPv4 address" if "." in administrator else "a 4-octet AS number"
        hint = f"after {form} it has 16 bits" if wide else "it has 32 bits"
        raise ValueError(f'"{local}" does not fit into the {what} "{text}"\n{hint}')
    return administrator, int(local)


def mac(text: str) -> int:
    """A unicast MAC address."""
    if not MAC.fullmatch(text):
        raise ValueError(f'"{text}" is not a MAC address\nwrite 02:c1:00:00:00:01')
    if not int(text.replace(":", ""), 16):
        raise ValueError(f'"{text}" is the MAC address of nobody\nwrite 02:c1:00:00:00:01')
    if int(text[:2], 16) & 1:
        raise ValueError(f'"{text}" is a multicast MAC address\nits first octet must be even')
    return int(text.replace(":", ""), 16)


def mac_pool(text: str) -> int:
    """A MAC address with the number of bits that are the same for all."""
    base, slash, bits = text.partition("/")
    if slash and not (_digits(bits) and 8 <= int(bits) <= 46):
        raise ValueError(f'"{text}" is not a pool of MAC addresses\nwrite 02:c1:00:00:00:00/24')
    found = mac(base)
    size = 1 << 48 - int(bits or 24)
    if found % size:
        first = ":".join(f"{found - found % size:012x}"[i : i + 2] for i in range(0, 12, 2))
        raise ValueError(f'"{text}" has host bits set\ndid you mean "{first}/{bits or 24}"?')
    return found


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 10


def written(spec: FabricSpec) -> Iterator[tuple[str, Reader, str, Path]]:
    """Every such value of the file: its code, its reader, its text, where it stands."""
    yield from pool_values(spec)
    for tenant, settings in spec.tenants.items():
        for name, vrf in settings.vrfs.items():
            at: Path = ("tenants", tenant, "vrfs", name)
            for i, entry in enumerate(vrf.prefixes):
                cidr = entry if isinstance(entry, str) else entry.cidr
                if cidr is not None:
                    where = (*at, "prefixes", i) + (() if isinstance(entry, str) else ("cidr",))
                    yield "C440", prefix, cidr, where
            for key in ("import_rts", "export_rts"):
                for i, text in enumerate(getattr(vrf, key)):
                    yield "C444", route_target, text, (*at, key, i)
            yield from offered(vrf.advertise, (*at, "advertise"))
    yield from sharing_values(spec)
    yield from node_values(spec)
    yield from zone_values(spec)
    yield from pin_values(spec.pins)


def prefixes(texts: list[str], at: Path) -> Iterator[tuple[str, Reader, str, Path]]:
    """Prefixes in a list."""
    for i, text in enumerate(texts):
        yield "C440", prefix, text, (*at, i)


def offered(texts: list[str], at: Path) -> Iterator[tuple[str, Reader, str, Path]]:
    """Prefixes in a list in which `nodes` may stand too."""
    return (value for value in prefixes(texts, at) if value[2] != "nodes")


def port_list(texts: list[str], at: Path) -> Iterator[tuple[str, Reader, str, Path]]:
    for i, text in enumerate(texts):
        yield "C443", port, text, (*at, i)


def pool_values(spec: FabricSpec) -> Iterator[tuple[str, Reader, str, Path]]:
    pools = spec.pools
    yield "C441", asns, pools.asn, ("pools", "asn")
    yield "C441", vnis, pools.vni, ("pools", "vni")
    yield "C440", loopback_pool, pools.loopbacks, ("pools", "loopbacks")
    yield "C442", mac_pool, pools.router_macs, ("pools", "router_macs")
    for name, texts in pools.prefixes.items():
        yield from prefixes(texts, ("pools", "prefixes", name))


def sharing_values(spec: FabricSpec) -> Iterator[tuple[str, Reader, str, Path]]:
    for i, peering in enumerate(spec.peerings):
        for vrf, texts in peering.prefixes.items():
            yield from offered(texts, ("peerings", i, "prefixes", vrf))
        yield from port_list(peering.ports, ("peerings", i, "ports"))
    for i, leak in enumerate(spec.leaks):
        yield from offered(leak.prefixes, ("leaks", i, "prefixes"))
        yield from offered(leak.clients, ("leaks", i, "clients"))
        yield from port_list(leak.ports, ("leaks", i, "ports"))


def zone_rules(spec: FabricSpec) -> Iterator[tuple[str, str, int, ZoneRule]]:
    """Every zone rule: its zone, its section, its number and itself."""
    zones = spec.zones
    for zone, section, rules in (
        ("zone0", "services", zones.zone0.services),
        ("zone0", "rules", zones.zone0.rules),
        ("zone1", "rules", zones.zone1.rules),
        ("zone2", "rules", zones.zone2.rules),
    ):
        for i, rule in enumerate(rules):
            yield zone, section, i, rule


def node_values(spec: FabricSpec) -> Iterator[tuple[str, Reader, str, Path]]:
    for site, settings in spec.sites.items():
        for name, node in settings.nodes.items():
            if node.loopback is not None:
                yield "C440", loopback, node.loopback, ("sites", site, "nodes", name, "loopback")


def zone_values(spec: FabricSpec) -> Iterator[tuple[str, Reader, str, Path]]:
    yield from prefixes(spec.zones.zone0.prefixes, ("zones", "zone0", "prefixes"))
    for zone, settings in (("zone0", spec.zones.zone0), ("zone2", spec.zones.zone2)):
        for name, endpoint in settings.endpoints.items():
            for i, text in enumerate(endpoint.addresses):
                yield "C440", network, text, ("zones", zone, "endpoints", name, "addresses", i)
    for zone, section, i, rule in zone_rules(spec):
        yield from port_list(rule.ports, ("zones", zone, section, i, "ports"))
        yield from port_list(rule.source_ports, ("zones", zone, section, i, "source_ports"))


def pin_values(pins: Pins) -> Iterator[tuple[str, Reader, str, Path]]:
    """Values in `pins`, or in a lock file, which has the same shape."""
    single: tuple[tuple[str, str, Reader], ...] = (
        ("loopback", "C440", loopback),
        ("rd", "C445", route_distinguisher),
        ("rt", "C444", route_target),
        ("router_mac", "C442", mac),
        ("prefixes", "C440", prefix),
    )
    for section, code, reader in single:
        for key, text in getattr(pins, section).items():
            yield code, reader, text, ("pins", section, key)
    for section, reader in (("blocks", prefix), ("addresses", host_address)):
        for key, texts in getattr(pins, section).items():
            for i, text in enumerate(texts):
                yield "C440", reader, text, ("pins", section, key, i)


def check(spec: FabricSpec, names: KnownNames, found: Diagnostics) -> None:
    """Read every value."""
    for code, reader, text, path in written(spec):
        if wrong := complaint(reader, text):
            found.error(code, wrong[0], spec.at(*path), wrong[1])


def complaint(reader: Reader, text: str) -> tuple[str, str | None] | None:
    """What a reader has against a text, and a hint; characters that hide are escaped in both, or a
    newline of the text would begin the hint.

    >>> complaint(mac, "02:c1:00:00:00:01\\nrun this")[0]
    '"02:c1:00:00:00:01\\\\nrun this" is not a MAC address'
    """
    try:
        reader(text)
    except ValueError:
        try:
            reader(visible(text))
        except ValueError as error:
            message, _, hint = str(error).partition("\n")
            return message, hint or None
        return f'"{visible(text)}" cannot be read', None
    return None
