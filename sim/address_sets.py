"""Sets of addresses as outputs print them: `10.0.0.0/8`, `10.0.0.1-10.0.0.9`, `0.0.0.0/0, ::/0`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from compiler.ownership import owned_addresses
from compiler.space import intersect, interval, subtract, union
from compiler.tables import Intervals
from fabric.inventory import Endpoint, Prefix
from fabric.network import Network

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class AddressSet:
    """Several addresses, of one IP version or both, and how they were written."""

    text: str
    v4: Intervals = ()
    v6: Intervals = ()

    def of(self, version: int) -> Intervals:
        """Those of one IP version."""
        return self.v4 if version == 4 else self.v6

    @property
    def versions(self) -> tuple[int, ...]:
        """The IP versions that it has any of."""
        return tuple(version for version in (4, 6) if self.of(version))

    def without(self, address: Address) -> AddressSet:
        """The others, called the same."""
        one = ((int(address), int(address)),)
        if address.version == 4:
            return AddressSet(self.text, subtract(self.v4, one), self.v6)
        return AddressSet(self.text, self.v4, subtract(self.v6, one))

    @staticmethod
    def prefix(block: Prefix) -> AddressSet:
        """The addresses of one prefix."""
        found = (interval(block),)
        return AddressSet(str(block), *((found, ()) if block.version == 4 else ((), found)))


def address_in(text: str) -> Address | None:
    """The address that a text is; None when it is a name or more than one address.

    >>> address_in("ip:10.1.0.1"), address_in("[fd00::5]"), address_in("10.1.0.1/32")
    (IPv4Address('10.1.0.1'), IPv6Address('fd00::5'), IPv4Address('10.1.0.1'))
    >>> address_in("10.1.0.0/31"), address_in("web/16")
    (None, None)
    """
    block = _block(_bare(text))
    return block.network_address if block is not None and block.num_addresses == 1 else None


def set_in(text: str) -> AddressSet | None:
    """The addresses that a text is, if it is several.

    >>> set_in("0.0.0.0/31, 0.0.0.4-0.0.0.5").v4
    ((0, 1), (4, 5))
    >>> set_in("0.0.0.0/0, ::/0").versions, set_in("10.1.0.1/32"), set_in("web/16"), set_in("a-b")
    ((4, 6), None, None, None)
    """
    bare = _bare(text)
    spans = [_span(part.strip()) for part in bare.split(",")]
    known = [span for span in spans if span is not None]
    if len(known) < len(spans):
        return None
    v4, v6 = (_union(known, version) for version in (4, 6))
    return AddressSet(bare, v4, v6) if sum(b - a + 1 for a, b in v4 + v6) > 1 else None


def owning(network: Network, block: AddressSet) -> list[Endpoint]:
    """Whoever has any of these addresses, in any VRF."""
    owned = owned_addresses(network)
    return [
        e
        for e in network.endpoints
        if any(intersect(owned[e.index][v == 6], block.of(v)) for v in block.versions)
    ]


def _union(spans: Iterable[tuple[int, int, int]], version: int) -> Intervals:
    return union((low, high) for own, low, high in spans if own == version)


def _bare(text: str) -> str:
    return text.strip().removeprefix("ip:").strip("[]").strip()


def _span(text: str) -> tuple[int, int, int] | None:
    """IP version, first and last address of one part."""
    block = _block(text)
    if block is not None:
        return block.version, *interval(block)
    first, dash, last = text.partition("-")
    try:
        low, high = ip_address(first.strip()), ip_address(last.strip())
    except ValueError:
        return None
    if not dash or low.version != high.version or int(low) > int(high):
        return None
    return low.version, int(low), int(high)


def _block(text: str) -> Prefix | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None
