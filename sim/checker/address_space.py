"""Address space of a VRF, cut wherever a prefix of anything that may matter begins or ends.

What may matter to packets of a VRF: the endpoints and the routes of that VRF, of the VRFs in which
its packets may arrive (at once, or passed on by VRFs that permit hairpins), and of those behind
which their source may be seen; and every prefix that any rule names. Between two cuts all addresses
have the same owner, route and rules, at both ends.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from compiler.policy.ir import Policy
from fabric.inventory import Endpoint, Prefix
from fabric.network import Network
from sim.checker.form import TOP


class Axis(NamedTuple):
    """Where the stretches of a family begin, from 0."""

    version: int
    starts: list[int]

    def spans(self) -> Iterator[tuple[int, int]]:
        """(first, last) of each stretch."""
        return zip(self.starts, [*(x - 1 for x in self.starts[1:]), TOP[self.version]], strict=True)

    def inside(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """The stretches of a range that begins and ends at cuts."""
        place = bisect_right(self.starts, first) - 1
        while place < len(self.starts) and self.starts[place] <= last:
            after = (
                self.starts[place + 1] if place + 1 < len(self.starts) else TOP[self.version] + 1
            )
            yield max(first, self.starts[place]), min(last, after - 1)
            place += 1


class AddressSpace:
    """Axes of all VRFs, and owners of all addresses."""

    def __init__(self, network: Network, policy: Policy) -> None:
        self.network = network
        self.named = list(_prefixes_of(policy))
        self.leads: dict[int, set[int]] = {vrf.index: set() for vrf in network.vrfs}
        self.routed: dict[int, set[Prefix]] = {vrf.index: set() for vrf in network.vrfs}
        for vtep, vrf in network.fib.instances:
            for route in network.fib.routes(vtep, vrf):
                self.routed[vrf].add(route.prefix)
                self.leads[vrf].update(hop.vrf for hop in route.nexthops)
        self._owners: dict[int, dict[tuple[int, int], dict[int, int]]] = {}
        for endpoint in network.endpoints:
            self._add(endpoint)
        self.axis = cache(self._axis)
        self.owner = cache(self._owner)

    def _add(self, endpoint: Endpoint) -> None:
        mine = self._owners.setdefault(endpoint.vrf, {})
        for prefix in endpoint.prefixes:
            same_length = mine.setdefault((prefix.version, prefix.prefixlen), {})
            same_length.setdefault(int(prefix.network_address), endpoint.index)

    def _owner(self, vrf: int, version: int, ip: int) -> int:
        """Whose an address is, -1: nobody's. The most specific prefix wins, then the first."""
        bits = TOP[version].bit_length()
        for (family, length), found in sorted(self._owners.get(vrf, {}).items(), reverse=True):
            if family == version:
                network = ip >> (bits - length) << (bits - length)
                if network in found:
                    return found[network]
        return -1

    def _axis(self, vrf: int, version: int) -> Axis:
        near = {vrf} | self.leads[vrf]
        passed: set[int] = set()
        while more := {far for far in near - passed if self.network.vrfs[far].hairpin}:
            passed |= more
            near |= {far for via in more for far in self.leads[via]}
        near |= {far for other in near for far in self.leads[other]}
        prefixes = {*self.named, *(p for other in near for p in self.routed[other])}
        prefixes |= {p for e in self.network.endpoints if e.vrf in near for p in e.prefixes}
        cuts = {x for p in prefixes if p.version == version for x in _ends(p)}
        return Axis(version, sorted({0, *(x for x in cuts if x <= TOP[version])}))


def _ends(prefix: Prefix) -> tuple[int, int]:
    first = int(prefix.network_address)
    return first, first + prefix.num_addresses


def _prefixes_of(policy: Policy) -> Iterator[Prefix]:
    """Every prefix that a rule names for its remote side."""
    for rule in policy.rules:
        for matcher in rule.remote:
            yield from matcher.cuts()


def owned(axis: Axis, addresses: AddressSpace, vrf: int, endpoint: int) -> list[tuple[int, int]]:
    """The stretches of an axis that an endpoint owns in its VRF."""
    return [
        (first, last)
        for first, last in axis.spans()
        if addresses.owner(vrf, axis.version, first) == endpoint
    ]
