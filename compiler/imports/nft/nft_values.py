"""Values of nftables as ranges of integers, or as text for devices and states of connections.

Values come as libnftables-json(5) has them: numbers, words, `prefix` and `range`. `ValueError` says
what cannot be read, `UnknownWordError` what depends on the machine: the name of a mark, or of a
service of which nobody told here.

Source: nft(8), DATA TYPES.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

from compiler.imports.nft.rule_set import Range


class UnknownWordError(ValueError):
    """A word that means something on another machine, or to a kernel that is not modelled."""


PROTOCOL_NUMBERS = {
    "ip": 0, "icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "dccp": 33, "gre": 47, "esp": 50,
    "ah": 51, "icmpv6": 58, "ipv6-icmp": 58, "ospf": 89, "ospfigp": 89, "comp": 108, "pim": 103,
    "vrrp": 112, "sctp": 132, "udplite": 136, "ipv6": 41, "ipencap": 4, "ipip": 4,
}  # fmt: skip
FAMILIES = {"ipv4": 4, "ipv6": 6, "ip": 4, "ip6": 6}
SERVICES = {
    "ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "domain": 53, "bootps": 67, "bootpc": 68,
    "tftp": 69, "http": 80, "pop3": 110, "sunrpc": 111, "ntp": 123, "imap2": 143, "snmp": 161,
    "snmp-trap": 162, "bgp": 179, "ldap": 389, "https": 443, "syslog": 514, "ldaps": 636,
    "imaps": 993, "pop3s": 995, "nfs": 2049, "bfd-control": 3784, "vxlan": 4789,
}  # fmt: skip
STATES = ("new", "established", "related", "invalid", "untracked")
TOP = {
    "family": 255, "protocol": 255, "saddr4": 2**32 - 1, "daddr4": 2**32 - 1,
    "saddr6": 2**128 - 1, "daddr6": 2**128 - 1, "sport": 65535, "dport": 65535,
    "mark": 2**32 - 1, "smac": 2**48 - 1, "dmac": 2**48 - 1,
}  # fmt: skip
"""The last value of each axis."""


def ranged(axis: str, value: Any) -> Range | str:
    """A value, a prefix or a range of an axis.

    >>> ranged("dport", {"range": [80, 90]})
    (80, 90)
    >>> ranged("saddr4", {"prefix": {"addr": "10.0.0.0", "len": 8}})
    (167772160, 184549375)
    >>> ranged("protocol", "tcp"), ranged("iif", "vf*"), ranged("dport", "ssh")
    ((6, 6), 'vf*', (22, 22))
    """
    if axis in ("iif", "oif", "state"):
        return _word(axis, value)
    if isinstance(value, dict):
        if [*value] == ["range"] and isinstance(value["range"], list) and len(value["range"]) == 2:
            low, high = (one(axis, end) for end in value["range"])
            if low > high:
                raise ValueError(f"{value['range'][0]}-{value['range'][1]} ends before it begins")
            return low, high
        if [*value] == ["prefix"] and axis[1:5] == "addr":
            return _prefix(axis, value["prefix"])
        raise ValueError(f"{_short(value)} is no value of a {axis}")
    number = one(axis, value)
    return number, number


def _word(axis: str, value: Any) -> str:
    if not isinstance(value, str) or (axis == "state" and value not in STATES):
        raise ValueError(f"{_short(value)} is no {'state' if axis == 'state' else 'device'}")
    return value


def _prefix(axis: str, value: Any) -> Range:
    if not isinstance(value, dict) or not isinstance(value.get("len"), int):
        raise ValueError(f"{_short(value)} is no prefix")
    text = f"{value.get('addr')}/{value['len']}"
    net = IPv4Network(text, strict=False) if axis[-1] == "4" else IPv6Network(text, strict=False)
    return int(net[0]), int(net[-1])


def one(axis: str, value: Any) -> int:
    """One value of an axis as an integer."""
    if isinstance(value, bool):
        raise ValueError(f"{value} is no value of a {axis}")
    number = value if isinstance(value, int) else _named(axis, value)
    if not 0 <= number <= TOP[axis]:
        raise ValueError(f"{value} is no value of a {axis}")
    return number


def _named(axis: str, value: Any) -> int:
    if not isinstance(value, str):
        raise ValueError(f"{_short(value)} is no value of a {axis}")
    if axis[1:5] == "addr":
        return address(axis[-1] == "4", value)
    if axis in ("smac", "dmac"):
        parts = value.split(":")
        if len(parts) != 6 or not all(len(p) == 2 for p in parts):
            raise ValueError(f'"{_short(value)}" is no Ethernet address')
        return int("".join(parts), 16)
    words = {
        "family": FAMILIES, "protocol": PROTOCOL_NUMBERS, "sport": SERVICES, "dport": SERVICES,
    }.get(axis, {})  # fmt: skip
    if value in words:
        return words[value]
    try:
        return int(value, 0)
    except ValueError:
        raise UnknownWordError(f'"{_short(value)}" is no {axis} that is known here') from None


@lru_cache(2**16)
def address(four: bool, text: str) -> int:
    """An address of IPv4, or of IPv6, as an integer: the same ones stand in many sets."""
    return int(IPv4Address(text) if four else IPv6Address(text))


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."
