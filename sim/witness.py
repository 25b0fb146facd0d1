"""Concrete packets for what the proof says about sets.

A witness is one packet and one choice of ECMP. Its trace comes from routes and table entries
(`sim.trace`), not from the arrays that the proof walks: if they disagreed, a finding would show it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

import numpy as np

from fabric.inventory import Endpoint
from fabric.network import Network
from fabric.ports import WITH_PORTS, PortRange, name_of
from sim.packets import Flow
from sim.reachability import Bits, Reach
from sim.reasons import Reason
from sim.trace import Trace, trace

ANYTHING = (PortRange(),)


@dataclass(frozen=True, slots=True)
class Witness:
    """A packet from endpoint `src` to endpoint `dst`; `choice` is the next hop that ECMP takes."""

    src: int
    dst: int
    flow: Flow
    choice: int | None = None

    def trace(self, reach: Reach) -> Trace:
        """What happens to it."""
        return trace(reach.network, reach.program, self.flow, self.choice)


def show(flow: Flow) -> str:
    """A flow as people write it.

    >>> show(Flow(0, 4, 0x0A000001, 0x0A000002, 6, 40000, 443))
    '10.0.0.1:40000 -> 10.0.0.2:443/tcp'
    >>> show(Flow(0, 6, 1, 2, 58))
    '::1 -> [::2]:icmp'
    """
    name = name_of(flow.protocol, flow.version)
    if flow.protocol not in WITH_PORTS:
        return f"{_host(flow, flow.src)} -> {_end(flow, flow.dst, name)}"
    port = f"{flow.dport}/{name}"
    return f"{_end(flow, flow.src, str(flow.sport))} -> {_end(flow, flow.dst, port)}"


def _end(flow: Flow, ip: int, port: str) -> str:
    host = _host(flow, ip)
    return f"{host}:{port}" if flow.version == 4 else f"[{host}]:{port}"


def _host(flow: Flow, ip: int) -> str:
    return str((IPv4Address if flow.version == 4 else IPv6Address)(ip))


def reached(
    reach: Reach, legs: Sequence[int], ranges: Sequence[PortRange] = ANYTHING, inverse: bool = False
) -> Witness | None:
    """A packet inside (with `inverse`: outside) `ranges` that one of these legs delivers."""
    for leg in legs:
        version, *_ = reach.spans.bounds(int(reach.legs.src_place[leg]))
        l4 = reach.space.pick(reach.sets[reach.leg_set[leg]], ranges, inverse, version)
        if l4 is not None:
            return on_leg(reach, leg, l4)
    return None


def on_leg(
    reach: Reach, leg: int, l4: tuple[int, int, int], inside: Sequence[int] = (-1, -1, -1, -1)
) -> Witness:
    """The packet with these ports on one leg; `inside` narrows its source and destination addresses
    (first, last, first, last) where it is not negative."""
    rows, blocks = reach.legs, reach.blocks
    src = reach.network.endpoints[int(rows.src[leg])]
    version, source, target = leg_ends(reach, leg, inside)
    flow = Flow(src.vrf, version, source, target, *l4, src_endpoint=src.index)
    route = reach.network.fib.lookup(src.vtep, src.vrf, version, target)
    hop = int(rows.hop[leg])
    wanted = int(blocks.set_vtep[hop]), int(blocks.set_vrf[hop])
    hops = [(h.vtep, h.vrf) for h in route.nexthops] if route else []
    choice = hops.index(wanted) if wanted in hops else None
    return Witness(src.index, int(rows.dst[leg]), flow, choice)


def leg_ends(
    reach: Reach, leg: int, inside: Sequence[int] = (-1, -1, -1, -1)
) -> tuple[int, int, int]:
    """Family, a source and a destination address of a leg."""
    places = int(reach.legs.src_place[leg]), int(reach.legs.dst_place[leg])
    version, *_ = reach.spans.bounds(places[0])
    source, target = (
        _inside(reach.spans.ranges(place), limits)
        for place, limits in zip(places, (inside[:2], inside[2:]), strict=True)
    )
    return version, source, target


def _inside(ranges: Sequence[tuple[int, int]], limits: Sequence[int]) -> int:
    """An address of the ranges within the limits (unless negative); not the network's own address,
    where there is a choice."""
    if limits[0] >= 0:
        ranges = [(max(a, limits[0]), min(b, limits[1])) for a, b in ranges]
    low, high = next((a, b) for a, b in ranges if a <= b)
    return min(low + 1, high)


def stopped(
    reach: Reach, src: int, dst: int, version: int, ranges: Sequence[PortRange] = ANYTHING
) -> Witness:
    """A packet of `ranges` from `src` to `dst` that some choice of ECMP does not deliver."""
    network = reach.network
    pairs = reach.between(src, dst)
    row = np.flatnonzero(pairs.version == version)
    missing: Bits = np.ones(reach.space.size, np.bool_)
    legs: range = range(0)
    if len(row):
        missing = ~reach.sets[int(pairs.sure[row[0]])]
        legs = range(int(pairs.first[row[0]]), int(pairs.last[row[0]]))
    l4 = reach.space.pick(missing, ranges, version=version) or (6, 40000, 80)
    for leg in legs:
        if not reach.sets[reach.leg_set[leg], reach.space.atom(*l4)]:
            return on_leg(reach, leg, l4)
    source, target = (address(network.endpoints[e], version) for e in (src, dst))
    if len(legs):
        _, source, target = leg_ends(reach, legs[0])
    vrf = network.endpoints[src].vrf
    flow = Flow(vrf, version, source, target, *l4, src_endpoint=src)
    return Witness(src, dst, flow, failing(reach, dst, flow))


def failing(reach: Reach, dst: int, flow: Flow) -> int | None:
    """The first choice of ECMP that does not deliver this packet to `dst`."""
    at = reach.network.endpoints[flow.src_endpoint].vtep
    route = reach.network.fib.lookup(at, flow.vrf, flow.version, flow.dst)
    for choice in range(len(route.nexthops) if route else 0):
        found = trace(reach.network, reach.program, flow, choice)
        if found.reason is not Reason.DELIVERED or found.target != dst:
            return choice
    return None


def address(endpoint: Endpoint, version: int) -> int:
    """An address of the endpoint; of its shortest prefix, the first that is a host's."""
    prefix = min((p for p in endpoint.prefixes if p.version == version), key=lambda p: p.prefixlen)
    return _inside([(int(prefix.network_address), int(prefix.broadcast_address))], (-1, -1))


def label(network: Network, witness: Witness) -> str:
    """The witness with the names of its ends."""
    src, dst = (network.endpoints[e].name for e in (witness.src, witness.dst))
    return f"{src} -> {dst}: {show(witness.flow)}"
