"""Sets of addresses as people write and outputs print them: `10.0.0.0/8`, `10.0.0.1-10.0.0.9`,
`0.0.0.0/0, ::/0`, `0.0.0.0/0 except 10.0.0.0/8`.

IPv4 addresses inside IPv6 ones (`::ffff:10.1.0.1`, RFC 4291) are no packets' addresses: who writes
them means the IPv4 ones, and what is asked of the others says nothing about these. So they are
refused wherever somebody writes them (`refusal`, `mapped`).
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
    summarize_address_range,
)

from fabric.diagnostics import Diagnostic, Span
from fabric.values.interval_sets import Intervals, subtract, union

Address = IPv4Address | IPv6Address
Interval = tuple[int, int]
MAPPED = IPv6Network("::ffff:0:0/96")


@dataclass(frozen=True, slots=True)
class AddressSet:
    """Some addresses, of one IP version or both, and how they were written."""

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


def address_in(text: str) -> Address | None:
    """The address that a text is; None when it is a name or more than one address.

    >>> address_in("ip:10.1.0.1"), address_in("[fd00::5]"), address_in("10.1.0.1/32")
    (IPv4Address('10.1.0.1'), IPv6Address('fd00::5'), IPv4Address('10.1.0.1'))
    >>> address_in("10.1.0.0/31"), address_in("web/16")
    (None, None)
    """
    block = _block(bare(text))
    return block.network_address if block is not None and block.num_addresses == 1 else None


def set_in(text: str) -> AddressSet | None:
    """The addresses that a text is, if it is several.

    >>> set_in("0.0.0.0/31, 0.0.0.4-0.0.0.5").v4
    ((0, 1), (4, 5))
    >>> set_in("0.0.0.0/0, ::/0").versions, set_in("10.1.0.1/32"), set_in("web/16"), set_in("a-b")
    ((4, 6), None, None, None)
    """
    found = addresses_in(text)
    several = found is not None and sum(b - a + 1 for a, b in found.v4 + found.v6) > 1
    return found if several else None


def addresses_in(text: str) -> AddressSet | None:
    """The addresses that a text is, one or several; None when it is a name.

    >>> addresses_in("0.0.0.0/29 except 0.0.0.0/30 except 0.0.0.5/32").v4
    ((4, 4), (6, 7))
    >>> addresses_in("0.0.0.9-0.0.0.9").v4, addresses_in("acme/*")
    (((9, 9),), None)
    """
    written = bare(text)
    v4, v6 = list[Interval](), list[Interval]()
    for part in written.split(","):
        spans = [_span(word.strip()) for word in part.split(" except ")]
        known = [span for span in spans if span is not None]
        if len(known) < len(spans) or len({version for version, *_ in known}) > 1:
            return None
        first, *others = (((low, high),) for _, low, high in known)
        (v4 if known[0][0] == 4 else v6).extend(subtract(first, union(*others)))
    found = AddressSet(written, union(v4), union(v6))
    return found if found.versions else None


def refusal(text: str, span: Span | None = None) -> Diagnostic | None:
    """What is wrong with addresses that are IPv4 ones inside IPv6; None where none is.

    >>> print(refusal("[::ffff:10.1.0.0/112]"))
    error[C706]: "::ffff:10.1.0.0/112" has IPv4 addresses written as IPv6 ones
      hint: write 10.1.0.0/16
    >>> refusal("::/0, ::/0 except ::ffff:0:0/96"), refusal("acme/*")
    (None, None)
    """
    found = addresses_in(text)
    meant = [
        str(block)
        for low, high in (found.v6 if found else ())
        if IPv6Address(low) in MAPPED and IPv6Address(high) in MAPPED
        for block in summarize_address_range(_inside(low), _inside(high))
    ]
    if found is None or not meant:
        return None
    message = f'"{found.text}" has IPv4 addresses written as IPv6 ones'
    return Diagnostic("C706", message, span, f"write {', '.join(meant)}")


def mapped(address: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one is written for.

    >>> mapped(ip_address("::ffff:10.1.0.1")), mapped(ip_address("fd00::1"))
    (IPv4Address('10.1.0.1'), None)
    """
    return address.ipv4_mapped if isinstance(address, IPv6Address) else None


def _inside(mapped_address: int) -> IPv4Address:
    return IPv4Address(mapped_address & 0xFFFFFFFF)


def bare(text: str) -> str:
    """Addresses without what may stand around them."""
    return text.strip().removeprefix("ip:").strip("[]").strip()


def _span(text: str) -> tuple[int, int, int] | None:
    """IP version, first and last address of one part."""
    block = _block(text)
    if block is not None:
        return block.version, int(block.network_address), int(block.broadcast_address)
    first, dash, last = text.partition("-")
    try:
        low, high = ip_address(first.strip()), ip_address(last.strip())
    except ValueError:
        return None
    if not dash or low.version != high.version or int(low) > int(high):
        return None
    return low.version, int(low), int(high)


def _block(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None
