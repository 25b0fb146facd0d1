"""Which endpoint owns which addresses of a VRF: the most specific prefix wins, then the first; an
anycast address is that of all who say so.

The same rule as `semantics.owners`, for all addresses at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from compiler.policy.domain import Domain
from compiler.program.program import Intervals, Region
from compiler.program.space import interval, subtract, union
from fabric.values.inventory import Prefix

Owned = dict[int, tuple[Intervals, Intervals]]


def owned_addresses(network: Domain) -> Owned:
    """Per endpoint the IPv4 and IPv6 addresses that it owns in its own VRF."""
    v4, v6 = (_one_family(network, version) for version in (4, 6))
    return {e.index: (v4.get(e.index, ()), v6.get(e.index, ())) for e in network.endpoints}


def _one_family(network: Domain, version: int) -> dict[int, Intervals]:
    claims: dict[int, list[tuple[int, int, Prefix]]] = defaultdict(list)
    for endpoint in network.endpoints:
        for prefix in endpoint.prefixes:
            if prefix.version == version:
                claims[endpoint.vrf].append((-prefix.prefixlen, endpoint.index, prefix))
    owned: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for vrf_claims in claims.values():
        longest_first = sorted(vrf_claims, key=lambda claim: claim[:2])
        single = 32 if version == 4 else 128
        hosts: set[int] = set()
        anycast: set[Prefix] = set()
        taken: Intervals = ()
        for position, (length, owner, prefix) in enumerate(longest_first):
            if -length == single:
                address = int(prefix.network_address)
                shared = prefix in network.endpoints[owner].anycast
                if address not in hosts or (shared and prefix in anycast):
                    if shared:
                        anycast.add(prefix)
                    hosts.add(address)
                    owned[owner].append((address, address))
                continue
            if position and -longest_first[position - 1][0] == single:
                taken = union((h, h) for h in hosts)
            span = (interval(prefix),)
            owned[owner].extend(subtract(span, taken))
            taken = union(taken, span)
    return {
        owner: union(ranges) if len(ranges) > 1 else tuple(ranges)
        for owner, ranges in owned.items()
    }


def regions_of(network: Domain, owned: Owned, endpoints: Iterable[int]) -> tuple[Region, ...]:
    """The addresses of these endpoints as regions, one per VRF, sorted."""
    by_vrf: dict[int, list[int]] = defaultdict(list)
    for index in endpoints:
        by_vrf[network.endpoints[index].vrf].append(index)
    return tuple(
        Region(vrf, union(*(owned[i][0] for i in members)), union(*(owned[i][1] for i in members)))
        for vrf, members in sorted(by_vrf.items())
    )
