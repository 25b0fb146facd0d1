"""Concrete packets for what the proof says about sets.

A witness is one packet and one choice of ECMP. Its trace comes from routes and table entries
(`sim.pipeline.trace`), not from the arrays that the proof walks: if they disagreed, a finding would
show it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fabric.building.network import Network
from fabric.diagnostics import Span
from fabric.values.interval_sets import Intervals, intersect
from fabric.values.inventory import Endpoint, Prefix
from fabric.values.ports import PortRange
from sim.blocks.port_sets import L4
from sim.forwarding.one_step import steps_at
from sim.packets.headers import Flow
from sim.packets.nobodys import NOBODYS
from sim.packets.notation import show
from sim.packets.reasons import Reason
from sim.pipeline.trace import Trace, trace
from sim.pipeline.ways import WholeWay, entered
from sim.proof.pairs.counted_addresses import CountedAddresses
from sim.proof.pairs.narrow import Ends, Limits, inside
from sim.proof.pairs.reachability import Bits, Reach
from sim.proof.routes.closure import Closure

ANYTHING = (PortRange(),)
ANYWHERE = Limits()
EVERYWHERE: Ends = (None, None)


@dataclass(frozen=True, slots=True)
class Witness:
    """A packet from endpoint `src` to endpoint `dst`; `choice` is the next hop that ECMP takes."""

    src: int
    dst: int
    flow: Flow
    choice: int | None = None

    def trace(self, reach: Reach) -> Trace:
        """What happens to it."""
        return trace(reach.world, self.flow, self.choice)


def reached(
    reach: Reach,
    paths: Sequence[int],
    ranges: Sequence[PortRange] = ANYTHING,
    inverse: bool = False,
    limits: Limits = ANYWHERE,
) -> Witness | None:
    """A packet inside (with `inverse`: outside) `ranges` that one of these paths delivers."""
    for path in paths:
        classes = int(reach.paths.src_class[path]), int(reach.paths.dst_class[path])
        if not inside(reach, limits, *classes):
            continue
        version, *_ = reach.refinements.bounds(int(reach.paths.src_class[path]))
        l4 = reach.space.pick(reach.sets[reach.path_set[path]], ranges, inverse, version)
        if l4 is not None:
            return on_path(reach, path, l4, limits.of(version))
    return None


def on_path(reach: Reach, path: int, l4: L4, inside: Ends = EVERYWHERE) -> Witness:
    """The packet with these ports and fields on one path; `inside` narrows its source and
    destination addresses."""
    rows = reach.paths
    src = reach.network.endpoints[int(rows.src[path])]
    version, source, target = path_ends(reach, path, inside)
    flow = Flow(src.vrf, version, source, target, *l4[:3], src_endpoint=src.index, fields=l4[3])
    taken = (
        n
        for n, (entry, way, _) in enumerate(entered(reach.world, src, flow))
        if way is not None
        and entry == rows.entry[path]
        and _takes(reach.path_space.closure, rows.hop[path], way)
    )
    return Witness(src.index, int(rows.dst[path]), flow, next(taken, None))


def _takes(closure: Closure, hop: int, way: WholeWay) -> bool:
    """Whether this is the way of a path."""
    first = int(closure.first_vtep[hop]), int(closure.first_vrf[hop])
    circles = Reason.TTL_DROP in (closure.drop[hop], way.ends)
    if circles:
        return way.steps[0].to[:2] == first and closure.drop[hop] == way.ends
    via = int(closure.via_vtep[hop]), int(closure.via_vrf[hop])
    outer = way.before[:2] if len(way.steps) > 1 else (-1, -1)
    end = int(closure.vtep[hop]), int(closure.vrf[hop])
    return (way.steps[0].to[:2], outer, way.end[:2]) == (first, via, end)


def path_ends(reach: Reach, path: int, inside: Ends = EVERYWHERE) -> tuple[int, int, int]:
    """Family, a source and a destination address of a path."""
    classes = int(reach.paths.src_class[path]), int(reach.paths.dst_class[path])
    version, *_ = reach.refinements.bounds(classes[0])
    source, target = (
        _inside(reach.refinements.ranges(cls), limits, version)
        for cls, limits in zip(classes, inside, strict=True)
    )
    return version, source, target


def _inside(ranges: Intervals, limit: Intervals | None, version: int) -> int:
    """An address of the ranges within the limit; where there is a choice one that a host can have,
    and not the network's own."""
    if limit is not None:
        ranges = intersect(ranges, limit)
    for low, high in ranges:
        found = min(low + 1, high)
        for first, last in NOBODYS[version]:
            found = last + 2 if first <= found <= last else found
        if found <= high:
            return found
    low, high = ranges[0]
    return min(low + 1, high)


def stopped(
    reach: Reach,
    src: int,
    dst: int,
    version: int,
    ranges: Sequence[PortRange] = ANYTHING,
    limits: Limits = ANYWHERE,
) -> Witness:
    """A packet of `ranges` from `src` to `dst` that some choice of ECMP does not deliver."""
    cells = reach.cells_of(src, dst, version, every=True)
    known = dict(zip(reach.classes(cells), cells.tolist(), strict=True))
    wanted = _wanted(reach, src, dst, version, limits)
    sure = {cls: reach.sets[reach.cells.sure[known[cls]]] for cls in wanted if cls in known}
    missing: Bits = np.ones(reach.space.size, np.bool_)
    weak = reach.space.pick(~np.all([missing, *sure.values()], axis=0), ranges, version=version)
    l4 = weak or reach.space.pick(missing, ranges, version=version) or (6, 40000, 80, ())
    atom = reach.space.atom(*l4)
    lost = (p for p in wanted if p not in known)
    cls = next((p for p, bits in sure.items() if not bits[atom]), None) or next(lost, None)
    if cls is None:
        ends = [address(reach.network.endpoints[e], version) for e in (src, dst)]
    else:
        both = zip(cls, limits.of(version), strict=True)
        ends = [_inside(reach.refinements.ranges(at), given, version) for at, given in both]
        for path in _paths_of(reach, src, dst, version):
            here = int(reach.paths.src_class[path]), int(reach.paths.dst_class[path])
            if here == cls and not reach.sets[reach.path_set[path], atom]:
                return on_path(reach, path, l4, limits.of(version))
    vrf = reach.network.endpoints[src].vrf
    flow = Flow(vrf, version, ends[0], ends[1], *l4[:3], src_endpoint=src, fields=l4[3])
    return Witness(src, dst, flow, failing(reach, dst, flow))


def _wanted(
    reach: Reach, src: int, dst: int, version: int, limits: Limits
) -> list[tuple[int, int]]:
    """The classes within the limits that count, those with most addresses first; all of them when
    none does."""
    for strict in (True, False):
        every = CountedAddresses(reach.path_space, strict=strict).classes(src, dst, version)
        found = [classes for classes in every if inside(reach, limits, *classes)]
        if found:
            break
    return sorted(found, key=lambda classes: -_size(reach, classes))


def _size(reach: Reach, classes: tuple[int, int]) -> int:
    """How many pairs of addresses two classes hold."""
    sizes = [sum(b - a + 1 for a, b in reach.refinements.ranges(cls)) for cls in classes]
    return sizes[0] * sizes[1]


def _paths_of(reach: Reach, src: int, dst: int, version: int) -> range:
    pairs = reach.between(src, dst)
    row = np.flatnonzero(pairs.version == version)
    return range(int(pairs.first[row[0]]), int(pairs.last[row[0]])) if len(row) else range(0)


def holding(
    reach: Reach,
    src: int,
    dst: int,
    version: int,
    ranges: Sequence[PortRange],
    limits: Limits = ANYWHERE,
) -> list[tuple[Intervals, Intervals]]:
    """Addresses of source and destination, within the limits, between which all of `ranges`
    passes, of a pair that does not pass them everywhere."""
    cells = reach.cells_of(src, dst, version)
    mask = reach.space.touching(ranges, version=version)
    good = ~np.asarray((mask & ~reach.sets[reach.cells.sure[cells]]).any(axis=1))
    found = [
        (reach.refinements.ranges(a), reach.refinements.ranges(b))
        for a, b in reach.classes(cells[good])
    ]
    return [both for pair in found if all(both := _within(pair, limits.of(version)))]


def _within(pair: tuple[Intervals, Intervals], ends: Ends) -> tuple[Intervals, Intervals]:
    """The part of both sets that is within the limits."""
    source, target = (
        ranges if limit is None else intersect(ranges, limit)
        for ranges, limit in zip(pair, ends, strict=True)
    )
    return source, target


def failing(reach: Reach, dst: int, flow: Flow) -> int | None:
    """The first choice of ECMP that does not deliver this packet to `dst`."""
    source = reach.network.endpoints[flow.src_endpoint]
    for choice in range(len(entered(reach.world, source, flow))):
        found = trace(reach.world, flow, choice)
        if found.reason is not Reason.DELIVERED or found.target != dst:
            return choice
    return None


def address(endpoint: Endpoint, version: int) -> int:
    """An address of the endpoint; of its shortest prefix, the first that is a host's."""
    prefix = min((p for p in endpoint.prefixes if p.version == version), key=lambda p: p.prefixlen)
    ends = int(prefix.network_address), int(prefix.broadcast_address)
    return _inside((ends,), None, version)


def label(network: Network, witness: Witness) -> str:
    """The witness with the names of its ends."""
    src, dst = (network.endpoints[e].name for e in (witness.src, witness.dst))
    return f"{src} -> {dst}: {show(witness.flow)}"


def along_route(reach: Reach, line: Span | None) -> Witness | None:
    """A packet between endpoints that takes a route whose origin is this line."""
    network = reach.network
    for source in network.endpoints:
        for route in steps_at(network, source.vtep, source.vrf).values():
            if route.origin is None or route.origin != line:
                continue
            ours = {hop.vrf for hop in route.nexthops}
            for target in network.endpoints:
                if target.vrf in ours and (found := _towards(source, target, route.prefix)):
                    return found
    return None


def _towards(source: Endpoint, target: Endpoint, prefix: Prefix) -> Witness | None:
    """A packet to an address of `target` inside `prefix`, if both ends speak that IP version."""
    version = prefix.version
    first, last = int(prefix.network_address), int(prefix.broadcast_address)
    within = [
        p
        for p in target.prefixes
        if p.version == version and first <= int(p.network_address) <= last
    ]
    if not within or not any(p.version == version for p in source.prefixes):
        return None
    ends = address(source, version), int(within[0].network_address)
    flow = Flow(source.vrf, version, *ends, 6, 40000, 443, source.index)
    return Witness(source.index, target.index, flow)
