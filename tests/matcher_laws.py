"""What every matcher owes to those who ask it and not its class: it reads what it says that it
reads, and means the addresses that it says."""

from __future__ import annotations

from dataclasses import fields
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from compiler.policy.ir import Direction, Packet
from compiler.policy.matcher import Matcher
from fabric.building.network import Network
from fabric.values.inventory import Endpoint

FIELDS = frozenset(f.name for f in fields(Endpoint))


class Watched:
    """An endpoint that remembers which of its fields were read."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint, self.read = endpoint, set[str]()

    def __getattr__(self, name: str) -> Any:
        if name in FIELDS:
            self.read.add(name)
        return getattr(self.endpoint, name)


def reads_no_more_than_it_says(matcher: Matcher, network: Network) -> None:
    """Raise AssertionError where `selects` reads a field that is not among `looks`."""
    for endpoint in network.endpoints:
        seen: Any = Watched(endpoint)
        matcher.selects(seen, network)
        assert seen.read <= matcher.looks(), (matcher, seen.read - matcher.looks())


EDGES = ("0.0.0.0", "255.255.255.255", "::", "ffff::1", "192.0.2.7", "2001:db8::7")


def means_the_addresses_that_it_says(matcher: Matcher, network: Network) -> None:
    """Raise AssertionError where `addresses` says otherwise than `means` of an address that nobody
    has; who speaks of endpoints means none of them."""
    said, local = matcher.addresses(), network.endpoints[0]
    kind, _ = matcher.inside() or ("", frozenset())
    ends = [p for prefix in matcher.cuts() for p in (prefix[0], prefix[-1])]
    near = (ip_address(int(a) + step) for a in ends for step in (-1, 0, 1) if int(a) + step > 0)
    asked: list[IPv4Address | IPv6Address] = [*map(ip_address, EDGES), *ends, *near]
    for address in asked:
        packet = Packet(Direction.IN, local.index, address.version, int(address), 0, 6, 1, 1)
        meant = matcher.means(packet, local, None, network)
        if said is not None:
            assert meant == said.holds(address) or (matcher.near and not meant), address
        elif kind != "vrf":
            assert not meant, address
    assert (matcher.by_labels() is None) or said is None
