"""Addresses that Kubernetes reports: each lies in the VRF of whoever has it, and is nobody else's.

What does not fit is an error. An address that was made up in its place would answer questions about
a packet that nobody sends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address

from fabric.diagnostics import Diagnostics, Span
from fabric.values import ip
from fabric.values.inventory import Prefix

Address = IPv4Address | IPv6Address
Claim = tuple[str, Address, Span | None]


def claims(name: str, texts: Iterable[str], span: Span | None) -> list[Claim]:
    """What one endpoint reports, each address once."""
    return [(name, address, span) for address in dict.fromkeys(map(ip.address, texts))]


def inside(address: Address, prefixes: Iterable[Prefix]) -> bool:
    """Whether an address lies in one of the prefixes."""
    return any(address.version == p.version and address in p for p in prefixes)


def outside(where: str, prefixes: Sequence[Prefix], made: Iterable[Claim], to: Diagnostics) -> None:
    """C453, once per IP version."""
    outside: dict[int, list[Claim]] = defaultdict(list)
    for claim in made:
        if not inside(claim[1], prefixes):
            outside[claim[1].version].append(claim)
    for found in outside.values():
        name, address, span = found[0]
        more = f" ({len(found) - 1} more such addresses)" if len(found) > 1 else ""
        listed = ", ".join(map(str, prefixes[:6])) or "none"
        what = f"{name} reports {address}, which lies in no prefix of {where}{more}"
        hint = f"its prefixes: {listed}; add the one that {address} is from"
        to.error("C453", what, span, hint)


def twice(where: str, made: Iterable[Claim], to: Diagnostics) -> None:
    """C428: two endpoints have one address in one address space."""
    owner: dict[Address, str] = {}
    told: set[tuple[str, str]] = set()
    for name, address, span in made:
        other = owner.setdefault(address, name)
        if other != name and (other, name) not in told:
            told.add((other, name))
            what = f"{name} has {address}, which {other} has too, in {where}"
            to.error("C428", what, span, "each needs its own; leave out the one that is gone")
