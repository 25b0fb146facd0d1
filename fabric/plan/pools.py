"""Pools: the values that allocations may take, in the order in which they are drawn.

Values come lowest first. Networks' own addresses are not drawn as loopbacks, nor a block's network,
gateway and broadcast address as an endpoint's.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network

from fabric.values.inventory import Prefix
from fabric.values.ip import MANY

FIRST_RD, LAST_RD = 1024, 65535
FIRST_DRAWN_RD = 32768
FIRST_INTENT_RT, LAST_INTENT_RT = 40000, 65535


def numbers(text: str) -> range:
    """A range of integers as pools write it.

    >>> numbers("10001-10003")
    range(10001, 10004)
    """
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def host_addresses(text: str) -> Iterator[str]:
    """Addresses of a loopback pool.

    >>> next(host_addresses("10.255.0.0/16"))
    '10.255.0.1'
    """
    return (str(address) for address in ip_network(text).hosts())


def mac_bounds(text: str) -> tuple[int, int]:
    """First and last address of a MAC pool as integers, zero excluded."""
    base, _, length = text.partition("/")
    first = int(base.replace(":", ""), 16)
    return first + 1, first + (1 << 48 - int(length or 24)) - 1


def macs(text: str) -> Iterator[str]:
    """Addresses of a MAC pool.

    >>> next(macs("02:c1:00:00:00:00/24"))
    '02:c1:00:00:00:01'
    """
    first, last = mac_bounds(text)
    for number in range(first, last + 1):
        yield number.to_bytes(6, "big").hex(":")


@lru_cache(MANY)
def network(version: int, first: int, length: int) -> Prefix:
    """The prefix that starts at an integer address: one object, as VRFs have the same ones."""
    return IPv4Network((first, length)) if version == 4 else IPv6Network((first, length))


def bounds(prefix: Prefix) -> tuple[int, int]:
    """First and last address as integers."""
    first = int(prefix.network_address)
    return first, first + (1 << prefix.max_prefixlen - prefix.prefixlen) - 1


_bounds = lru_cache(MANY)(bounds)


def usable(block: Prefix) -> range:
    """Addresses of a block that an endpoint may get, as integers.

    >>> len(usable(ip_network("10.0.0.0/26"))), len(usable(ip_network("10.0.0.7/32")))
    (61, 1)
    """
    first, last = _bounds(block)
    if last - first < 3:
        return range(first, last + 1)
    return range(first + 2, last if block.version == 4 else last + 1)


class FreeSpace:
    """Taken intervals of an address space; finds the next aligned gap in a prefix. Intervals that
    touch are one, so that drawing many in a row does not walk over all of them."""

    def __init__(self) -> None:
        self.taken: list[tuple[int, int]] = []

    def add(self, first: int, last: int) -> None:
        """Mark an interval as taken; it may overlap others."""
        low = self._before(first - 1)
        while low < len(self.taken) and self.taken[low][0] <= last + 1:
            other = self.taken.pop(low)
            first, last = min(first, other[0]), max(last, other[1])
        insort(self.taken, (first, last))

    def _before(self, address: int) -> int:
        """Index of the first interval that ends at or after an address."""
        place = bisect_right(self.taken, (address, 1 << 130))
        return place - 1 if place and self.taken[place - 1][1] >= address else place

    def overlaps(self, first: int, last: int) -> bool:
        """Whether any of it is taken."""
        place = self._before(first)
        return place < len(self.taken) and self.taken[place][0] <= last

    def draw(self, prefix: Prefix, length: int) -> Prefix | None:
        """Take the lowest free subnet of that length, or None when there is none."""
        bits, taken = prefix.max_prefixlen, self.taken
        size = 1 << (bits - max(length, prefix.prefixlen))
        first, end = _bounds(prefix)
        while first + size - 1 <= end:
            place = self._before(first)
            if place == len(taken) or taken[place][0] > first + size - 1:
                if place and taken[place - 1][1] == first - 1 and place == len(taken):
                    taken[-1] = taken[-1][0], first + size - 1
                else:
                    self.add(first, first + size - 1)
                return network(prefix.version, first, bits - size.bit_length() + 1)
            first = -(-(taken[place][1] + 1) // size) * size
        return None
