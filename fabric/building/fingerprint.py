"""A digest of everything that routing decides, so that two worlds can be told apart by it.

It covers every entry of every FIB with its next hops, every next hop of the underlay towards every
VTEP, and what has failed, all by name: the same network built again has the same digest, a network
in which another spine is down has another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np

from fabric.building.network import Network
from fabric.control.fib import NextHop


def fingerprint(network: Network) -> str:
    """SHA-256 of the routing state. Cost: FIB entries + nodes × VTEPs."""
    found = hashlib.sha256()
    for lines in _lines(network):
        found.update("".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass"))
    return found.hexdigest()


def _lines(network: Network) -> Iterator[Iterable[str]]:
    """The lines of each instance and node; what many routes have in common is written once."""
    nodes = [node.name for node in network.fabric.nodes]
    vrfs = [vrf.name for vrf in network.vrfs]
    yield [f"down {sorted(network.fabric.failed)!r}"]
    prefix, hops = cache(str), cache(lambda hops: repr(sorted(_hop(nodes, vrfs, h) for h in hops)))
    for vtep, vrf in network.fib.instances:
        yield [f"instance {nodes[vtep]!r} {vrfs[vrf]!r}"]
        yield (f"{prefix(r.prefix)} {hops(r.nexthops)}" for r in network.fib.routes(vtep, vrf))
    vteps = sorted({vtep for vtep, _ in network.fib.instances})
    ways = cache(lambda ways: repr(sorted(nodes[to] for to in ways)))
    for node, name in enumerate(nodes):
        count, to, _ = network.underlay.next_hops(np.full(len(vteps), node), np.array(vteps, int))
        found = np.split(to, np.cumsum(count))
        at = zip(vteps, (tuple(hops.tolist()) for hops in found), strict=False)
        yield (f"{name!r} to {nodes[vtep]!r} {ways(hops)}" for vtep, hops in at)


def _hop(nodes: list[str], vrfs: list[str], hop: NextHop) -> tuple[str, str, int, str]:
    return nodes[hop.vtep], vrfs[hop.vrf], hop.vni, str(hop.router_mac)
