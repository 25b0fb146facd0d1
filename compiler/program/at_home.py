"""What of its prefixes an endpoint has: the addresses that it owns (`compiler.program.ownership`);
and what of these is at home at its own VTEP, which routes others on (`sim.forwarding.one_step`).

It owns less than its prefixes where one of them goes around addresses of others: a border's
0.0.0.0/0 ends where another endpoint's prefix begins, whether or not that one has a route at the
moment. What is at home follows the routes, so it is another set while something is down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from compiler.policy.domain import Domain
from compiler.program.ownership import owned_addresses
from compiler.program.program import Intervals
from compiler.program.space import of_prefixes, subtract
from fabric.building.network import Network
from fabric.control.fib import ranges, stays
from fabric.values.inventory import Endpoint

# Addresses per endpoint, by its index, and family (4, 6).
Addresses = Mapping[int, Mapping[int, Intervals]]


def held(domain: Domain, endpoints: Sequence[Endpoint]) -> Addresses:
    """What each of them owns."""
    wide = any(p.num_addresses > 1 for e in endpoints for p in e.prefixes)
    owned = domain.once(owned_addresses) if wide else {}
    found: dict[int, dict[int, Intervals]] = {}
    for e in endpoints:
        mine = owned[e.index] if wide else tuple(of_prefixes(e.prefixes, v) for v in (4, 6))
        found[e.index] = dict(zip((4, 6), mine, strict=True))
    return found


def at_home(
    network: Network, endpoints: Sequence[Endpoint], has: Addresses, node: int | None = None
) -> Addresses:
    """What of it each of them sends from and is reached at, at a node where all of them live, or
    each at its first."""
    known: dict[tuple[int, int, int], Intervals] = {}
    single: dict[tuple[int, int, int], list[tuple[int, Intervals]]] = {}
    found: dict[int, dict[int, Intervals]] = {}
    for e in endpoints:
        found[e.index] = {}
        for version, mine in has[e.index].items():
            key = e.vtep if node is None else node, e.vrf, version
            found[e.index][version] = ()
            if len(mine) == 1 and mine[0][0] == mine[0][1]:
                single.setdefault(key, []).append((e.index, mine))
            elif mine:
                if key not in known:
                    known[key] = _led_on(network, *key)
                found[e.index][version] = subtract(mine, known[key])
    for key, ones in single.items():
        sets = network.fib.lookup_many(*key, [mine[0][0] for _, mine in ones])
        for (end, mine), number in zip(ones, sets.tolist(), strict=True):
            if number < 0 or not _away(network, key[0], key[1], number):
                found[end][key[2]] = mine
    return found


def others(endpoint: Endpoint, mine: Mapping[int, Intervals], version: int) -> Intervals:
    """Addresses inside an endpoint's prefixes that are not among its own."""
    return subtract(of_prefixes(endpoint.prefixes, version), mine[version])


def _led_on(network: Network, node: int, vrf: int, version: int) -> Intervals:
    """Addresses for which the routes of a node lead out of the VRF there."""
    found = list(ranges(network.fib, node, vrf, version))
    sets = {number for _, number in found}
    away = {number for number in sets if _away(network, node, vrf, number)}
    return tuple(span for span, number in found if number in away)


def _away(network: Network, node: int, vrf: int, number: int) -> bool:
    """Whether a next-hop set leads out of the VRF at a node."""
    return not stays(network.fib.nexthop_sets[number], node, vrf)
