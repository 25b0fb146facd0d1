"""A digest of everything that routing decides, so that two worlds can be told apart by it.

It covers every entry of every FIB with its next hops, every next hop of the underlay towards every
VTEP, and what has failed, all by name: the same network built again has the same digest, a network
in which another spine is down has another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from fabric.network import Network


def fingerprint(network: Network) -> str:
    """SHA-256 of the routing state. Cost: FIB entries + nodes × VTEPs."""
    found = hashlib.sha256()
    for line in _lines(network):
        found.update(f"{line}\n".encode("utf-8", "surrogatepass"))
    return found.hexdigest()


def _lines(network: Network) -> Iterator[str]:
    nodes = [node.name for node in network.fabric.nodes]
    vrfs = [vrf.name for vrf in network.vrfs]
    yield f"down {sorted(network.fabric.failed)!r}"
    for vtep, vrf in network.fib.instances:
        yield f"instance {nodes[vtep]!r} {vrfs[vrf]!r}"
        for route in network.fib.routes(vtep, vrf):
            hops = sorted(
                (nodes[h.vtep], vrfs[h.vrf], h.vni, str(h.router_mac)) for h in route.nexthops
            )
            yield f"{route.prefix} {hops!r}"
    vteps = sorted({vtep for vtep, _ in network.fib.instances})
    for node, name in enumerate(nodes):
        for vtep in vteps:
            ways = sorted(nodes[to] for to, _ in network.underlay.ecmp(node, vtep))
            yield f"{name!r} to {nodes[vtep]!r} {ways!r}"
