"""Values as NVUE writes them: addresses, networks, protocols, ports.

Sources: NVIDIA's OpenAPI of NVUE (as `nvueschema` 0.1 models it, releases 5.0 to 5.18), the command
reference of Cumulus Linux 5.x, and the guide to the DOCA HBN service. HBN writes ports below
`match ip`, Cumulus from 5.8 on below `match ip tcp` and `match ip udp`.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv6Address,
    IPv6Interface,
    ip_address,
    ip_interface,
    ip_network,
)
from typing import TypeVar

from compiler.imports.nvue.nvue_tree import Branch
from fabric.values.inventory import Prefix
from fabric.values.ports import ANY, MAX_PORT

T = TypeVar("T")
PROTOCOLS = {
    "icmp": 1, "igmp": 2, "ipip": 4, "tcp": 6, "udp": 17, "gre": 47, "esp": 50, "ah": 51,
    "icmpv6": 58, "ipv6-icmp": 58, "icmp6": 58, "ospf": 89, "pim": 103, "vrrp": 112, "sctp": 132,
}  # fmt: skip
NAMED_PORTS = {
    "ftp-data": 20, "ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "domain": 53, "tftp": 69,
    "http": 80, "pop3": 110, "ntp": 123, "imap2": 143, "snmp": 161, "snmp-trap": 162, "bgp": 179,
    "imap3": 220, "ldap": 389, "https": 443, "ldaps": 636, "imaps": 993, "pop3s": 995,
    "msdp": 639, "bfd": 3784, "bfd-multihop": 4784, "bfd-echo": 3785, "vxlan": 4789,
    "dhcp-server": 67, "dhcp-client": 68, "clag": 5342,
}  # fmt: skip
ANYTHING = frozenset(("any", "ANY"))


def parsed(branch: Branch, text: str, read: Callable[[str], T], what: str) -> T | None:
    """A value of `ipaddress`, or None and a diagnostic."""
    try:
        return read(text)
    except ValueError:
        shown = text[:60]
        message = f'{branch.name}: "{shown}" is not {what}'
        branch.file.found.error("C831", message, branch.span, "write it as `nv config show` does")
        return None


def interface_address(branch: Branch, text: str) -> IPv4Interface | IPv6Interface | None:
    """An address with the length of its network."""
    return parsed(branch, text, ip_interface, "an address with a prefix length")


def address(branch: Branch, text: str) -> IPv4Address | IPv6Address | None:
    """An address."""
    return parsed(branch, text, ip_address, "an address")


def network(branch: Branch, text: str) -> tuple[Prefix | None, str]:
    """A network, as devices read it: bits behind the mask do not count. Beside it the text, where
    it has some there: what stands in the file is not what it means."""
    found = parsed(branch, text, lambda t: ip_network(t, strict=False), "a network")
    if found is None:
        return None, ""
    wanted = text if "/" in text else f"{text}/{found.max_prefixlen}"
    try:
        exact = ip_network(wanted) == found
    except ValueError:
        exact = False
    return found, "" if exact else text


def protocol(text: str) -> int | None:
    """An IANA number; None for what this does not know. NVUE writes rules for iptables, where zero
    is every protocol (iptables(8), `-p`), and not that of hop-by-hop options.

    >>> protocol("tcp"), protocol("89"), protocol("any"), protocol("0"), protocol("frob")
    (6, 89, -1, -1, None)
    """
    if text in ANYTHING:
        return ANY
    if text.isascii() and text.isdigit() and len(text) <= 3 and int(text) < 256:
        return int(text) or ANY
    return PROTOCOLS.get(text.lower())


def port(text: str) -> tuple[int, int] | None:
    """A port or a range of them; None for what this does not know.

    >>> port("80"), port("80-90"), port("https"), port("ANY"), port("90-80")
    ((80, 80), (80, 90), (443, 443), (0, 65535), None)
    """
    if text in ANYTHING:
        return 0, MAX_PORT
    parts = [part.strip() for part in text.replace(":", "-").split("-")]
    if len(parts) <= 2 and all(p.isascii() and p.isdigit() and len(p) <= 5 for p in parts):
        first, last = int(parts[0]), int(parts[-1])
        return (first, last) if first <= last <= MAX_PORT else None
    known = NAMED_PORTS.get(text.lower())
    return None if known is None else (known, known)
