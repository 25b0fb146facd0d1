"""Which addresses an endpoint sends from and is reached at: of its prefixes those that it owns
(`compiler.program.ownership`), but for what its own VTEP routes on (`sim.pipeline.forwarding`).

That is less than its prefixes where a prefix goes around addresses of others: a border's 0.0.0.0/0
ends where another endpoint's prefix begins, whether or not that one has a route at the moment.
"""

from __future__ import annotations

from collections.abc import Sequence

from compiler.program.ownership import owned_addresses
from compiler.program.program import Intervals
from compiler.program.space import of_prefixes, subtract
from fabric.control.fib import spans
from fabric.inventory import Endpoint
from fabric.network import Network


def at_home(network: Network, endpoints: Sequence[Endpoint]) -> dict[int, dict[int, Intervals]]:
    """Per endpoint, by its index, the addresses of each family (4, 6)."""
    wide = any(p.num_addresses > 1 for e in endpoints for p in e.prefixes)
    owned = owned_addresses(network) if wide else {}
    known: dict[tuple[int, int, int], Intervals] = {}
    found: dict[int, dict[int, Intervals]] = {}
    for e in endpoints:
        mine = owned[e.index] if wide else tuple(of_prefixes(e.prefixes, v) for v in (4, 6))
        found[e.index] = {}
        for version, held in zip((4, 6), mine, strict=True):
            key = e.vtep, e.vrf, version
            if held and key not in known:
                known[key] = _led_on(network, *key)
            found[e.index][version] = subtract(held, known[key]) if held else ()
    return found


def not_at_home(endpoint: Endpoint, home: dict[int, Intervals], version: int) -> Intervals:
    """Addresses of its prefixes that are none of an endpoint's, given those that are."""
    return subtract(of_prefixes(endpoint.prefixes, version), home[version])


def _led_on(network: Network, node: int, vrf: int, version: int) -> Intervals:
    """Addresses for which the routes of a node lead out of the VRF there."""
    away = (
        span
        for span, hops in spans(network.fib, node, vrf, version)
        if all((hop.vtep, hop.vrf) != (node, vrf) for hop in hops)
    )
    return tuple(away)
