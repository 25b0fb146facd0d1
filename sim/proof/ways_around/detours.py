"""Detours of a fabric: Services that take packets of somebody to pods that he does not reach.

DPUs decide about packets to a node at the node's address; what the node then hands on to a pod, it
sends itself, or on its own host where no DPU sees it. So who reaches the node gets to the pod,
whatever zones, isolation and policies say about the two.

Rules that hold here:

1. A Service is told of when somebody, from some of his addresses, gets a packet to an endpoint
   where the Service takes packets (`sim.names.service_ways`), and not every packet of that address
   gets to the pod at the port where the Service leads, whatever ECMP chooses.
2. Senders are everybody beyond the tenant and the tenant's pods. What its nodes are led to, and
   what a failure opens, is told of the expectations that forbid it
   (`sim.proof.ways_around.against`).
3. Which Services contradict policies alone is told without routes (`compiler.sources.doors`).
4. Where there are too many pairs to look at, whoever reaches a node may get further.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from compiler.program.space import interval, subtract, union
from fabric.diagnostics import UndecidedError
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated
from fabric.values.ports import PortRange
from sim.names.service_ways import ServiceWay, service_ways
from sim.proof.pairs.counted_addresses import CountedAddresses
from sim.proof.pairs.pairs_into import PairsInto
from sim.proof.pairs.reachability import Bits, Reach, reach_within
from sim.proof.routes.paths import Column
from sim.why.pod_classes import workload
from sim.wording.verdicts import DETOUR, detour
from sim.worlds.world import World

TOO_MANY = "somebody, of whom there are too many to ask"
Ranges = tuple[tuple[int, int], ...]
Door = tuple[tuple[int, ...], PortRange, tuple[int, ...]]
"""Where a Service takes packets: endpoints, the port there, IP versions."""


def detours(world: World, known: Iterable[Unevaluated]) -> Iterator[Unevaluated]:
    """A record per Service and workload that is not among the `known` ones."""
    network = world.network
    told = {record_key(r) for r in known if r.category == "door"}
    ways = [way for way in service_ways(network) if way_key(way) not in told]
    if not ways:
        return
    vrfs = {network.endpoints[i].vrf for way in ways for i in (*way.at, way.endpoint.index)}
    found: Entering | None = None
    with suppress(UndecidedError):
        found = Entering(reach_within(world, into=vrfs))
    for way in ways:
        if way_key(way) in told:
            continue
        who = TOO_MANY
        if found is not None:
            sender = found.first(way)
            if sender is None:
                continue
            who = workload(network.endpoints[sender])
        told.add(way_key(way))
        yield record(way, who)


def is_detour(record: Unevaluated) -> bool:
    """Whether a record was told of here."""
    return record.category == DETOUR


def record_key(found: Unevaluated) -> tuple[str, ...]:
    """Which object, of whatever kind, and which workload a record of a door is about."""
    kind = found.api_version, found.kind
    return *kind, found.tenant, found.namespace, found.name, found.workload


def way_key(way: ServiceWay) -> tuple[str, ...]:
    """As `record_key`, of a way."""
    service = way.service
    return "v1", "Service", way.tenant, service.namespace, service.name, way.workload or ""


def record(way: ServiceWay, who: str) -> Unevaluated:
    """What is told of a way that leads somebody on."""
    what = f"leads {who} from {way.port} of a node on to pods that it does not reach itself"
    return detour(way, what)


def door(way: ServiceWay) -> Door:
    """Where a way begins; many ways share it."""
    return way.at, way.port, way.versions


@dataclass(slots=True)
class Entering:
    """Who reaches what in a world, asked about ways."""

    reach: Reach
    coverage: CountedAddresses = field(init=False)
    into: PairsInto = field(init=False)
    lone: Column = field(init=False)
    """Senders with a single address."""
    opened: dict[Door, Column] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.coverage = CountedAddresses(self.reach.path_space)
        self.into = PairsInto.sorted(self.reach.pairs)
        wide, endpoints = self.reach.path_space.wide, self.reach.network.endpoints
        counts = (
            (e.index * 2 + (v == 6), sum(p.version == v for p in e.prefixes))
            for e in endpoints
            for v in (4, 6)
        )
        alone = [key for key, count in counts if count == 1 and not wide[key // 2]]
        self.lone = np.array(alone, np.int64)

    def first(self, way: ServiceWay) -> int | None:
        """The first sender for whom a way is a detour, those beyond the tenant before others."""
        endpoints = self.reach.network.endpoints
        for key in sorted(
            self.rest(way).tolist(), key=lambda k: (endpoints[k // 2].tenant == way.tenant, k)
        ):
            end = endpoints[key // 2]
            own_node = end.kind == "node" and end.tenant == way.tenant
            if not own_node and self.around(key, way, self.ranges(key, way)):
                return int(end.index)
        return None

    def rest(self, way: ServiceWay) -> Column:
        """Of the senders those that may not all get to where a way ends."""
        pairs, rows = self.reach.pairs, self.into.rows(way.endpoint.index)
        mask = self.reach.space.touching([way.target])
        passing = ~np.asarray((mask & ~self.reach.sets).any(axis=1))
        whole = rows[passing[pairs.sure[rows]]]
        known = self._keys(whole[~self.reach.path_space.wide[pairs.src[whole]]])
        opened = self.senders(way)
        rest: Column = opened[~np.isin(opened, known)]
        return rest

    def around(self, key: int, way: ServiceWay, sources: Ranges) -> bool:
        """Whether a way is a detour for a sender (endpoint and IP version) from these addresses."""
        sender, version = key // 2, 6 if key % 2 else 4
        speaks = any(p.version == version for p in way.endpoint.prefixes)
        return (
            speaks
            and sender != way.endpoint.index
            and bool(subtract(sources, self._sure(sender, way, version)))
        )

    def senders(self, way: ServiceWay) -> Column:
        """Who gets to where a way begins: twice an endpoint, plus one for IPv6, sorted."""
        key = door(way)
        if key not in self.opened:
            pairs, reach = self.reach.pairs, self.reach
            open_ = np.asarray((reach.sets & reach.space.touching([way.port])).any(axis=1))
            rows = np.concatenate([np.zeros(0, np.int64), *map(self.into.rows, way.at)])
            rows = rows[open_[pairs.some[rows]] & np.isin(pairs.version[rows], way.versions)]
            self.opened[key] = np.unique(np.r_[self._keys(rows), self._sharing(way)])
        return self.opened[key]

    def _sharing(self, way: ServiceWay) -> Column:
        """Nodes of other tenants where a way begins: they are there already."""
        endpoints = self.reach.network.endpoints
        others = [endpoints[i] for i in way.at if endpoints[i].tenant != way.tenant]
        keys = [
            e.index * 2 + (version == 6)
            for e in others
            for version in way.versions
            if any(p.version == version for p in e.prefixes)
        ]
        return np.array(keys, np.int64)

    def _keys(self, rows: Column) -> Column:
        pairs = self.reach.pairs
        keys: Column = pairs.src[rows] * 2 + (pairs.version[rows] == 6)
        return keys

    def ranges(self, key: int, way: ServiceWay) -> Ranges:
        """The addresses from which a sender gets to where a way begins."""
        sender, version = key // 2, 6 if key % 2 else 4
        mask = self.reach.space.touching([way.port])
        out: list[tuple[int, int]] = []
        own = self.reach.network.endpoints[sender]
        if sender in way.at and own.tenant != way.tenant:
            out += [interval(p) for p in own.prefixes if p.version == version]
        for end in way.at:
            cells = self.reach.cells_of(sender, end, version, every=True)
            out += self._ranges(cells[self._touch(self.reach.cells.some[cells], mask)])
        return union(tuple(sorted(out)))

    def _sure(self, sender: int, way: ServiceWay, version: int) -> Ranges:
        """The addresses from which all packets get to where a way ends."""
        reach, end = self.reach, way.endpoint.index
        mask = reach.space.touching([way.target])
        cells = reach.cells_of(sender, end, version, every=True)
        good = cells[~self._touch(reach.cells.sure[cells], mask, inverse=True)]
        if not len(good):
            return ()
        needed = set(self.coverage.to(sender, end, version).tolist())
        met: dict[int, set[int]] = {}
        for src, dst in reach.classes(good):
            met.setdefault(src, set()).add(dst)
        ranges = (reach.refinements.ranges(src) for src, dst in met.items() if needed <= dst)
        return union(tuple(sorted(r for found in ranges for r in found)))

    def _touch(self, sets: Column, mask: Bits, inverse: bool = False) -> Bits:
        """Whether each of some sets shares a packet with a mask (`inverse`: lacks one of it)."""
        bits = self.reach.sets[sets]
        found: Bits = np.asarray((mask & (~bits if inverse else bits)).any(axis=1))
        return found

    def _ranges(self, cells: Column) -> Sequence[tuple[int, int]]:
        classes = dict.fromkeys(self.reach.cells.src_class[cells].tolist())
        return [r for cls in classes for r in self.reach.refinements.ranges(cls)]
