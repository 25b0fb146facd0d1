"""Addresses and prefixes from texts, each text read once: a large lock file has tens of thousands,
and its checks, the draws and the endpoint table all read them.

Raises what `ipaddress` raises.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from fabric.values.inventory import Prefix

Address = IPv4Address | IPv6Address
MANY = 2**17
"""Texts that are remembered."""


@lru_cache(MANY)
def address(text: str) -> Address:
    """As `ip_address`.

    >>> address("10.0.0.1"), address("fd00::1")
    (IPv4Address('10.0.0.1'), IPv6Address('fd00::1'))
    """
    try:
        return IPv6Address(text) if ":" in text else IPv4Address(text)
    except ValueError:
        return ip_address(text)


@lru_cache(MANY)
def prefix(text: str) -> Prefix:
    """As `ip_network`.

    >>> prefix("10.0.0.0/8"), prefix("fd00::1")
    (IPv4Network('10.0.0.0/8'), IPv6Network('fd00::1/128'))
    """
    try:
        return IPv6Network(text) if ":" in text else IPv4Network(text)
    except ValueError:
        return ip_network(text)


@lru_cache(MANY)
def text(value: Address | Prefix) -> str:
    """The one form in which an address or a prefix is written.

    >>> text(address("FD00:0::1")), text(prefix("10.0.0.0"))
    ('fd00::1', '10.0.0.0/32')
    """
    return str(value)


def canonical_address(written: str) -> str:
    """The same address in the one form.

    >>> canonical_address("FD00:0::1")
    'fd00::1'
    """
    return text(address(written))


def canonical_prefix(written: str) -> str:
    """The same prefix in the one form."""
    return text(prefix(written))
