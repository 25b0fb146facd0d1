"""Connectivity of a cluster by workload: who may open which connections to whom, because of what.

Rules that hold here:

1. Pods of a workload share a row. `partial` says that not every pair of pods is allowed all of the
   row's ports. IP versions share a row if they fare alike; else each that is allowed anything has
   its own, and `versions` are those that both ends have.
2. What lies outside appears as address ranges: those that fare alike towards a workload share a
   row. Addresses of the cluster itself are not outside; ranges are not cut at them.
3. Causes are all rules that allow some of the row's packets, at either side. Where no policy
   selects the pod there is none.
4. A row is *assumed* when a rule behind it goes by the address of a pod whose address is not in the
   manifests but drawn by us: with another address the row could be another.
5. A pod that is asked about by its own name has rows of its own beside those of its workload.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, summarize_address_range

import numpy as np

from compiler.policy.ir import Action, Direction, Origin
from compiler.policy.stages import Owner
from compiler.program.program import L4Range, goes_by_address
from compiler.program.walk import inside
from fabric.phases import phase
from sim.names.cluster_names import ClusterNames
from sim.numbering import same_rows
from sim.proof.legs import Column
from sim.proof.reachability import Bits, Reach, reachability
from sim.world import World

Range = tuple[int, int, int, tuple[int, ...]]


@dataclass(frozen=True, slots=True, order=True)
class Peer:
    """A workload, or the outside: kind External with the ranges that are meant."""

    kind: str
    namespace: str = ""
    name: str = ""
    ranges: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ", ".join(self.ranges) or f"{self.namespace}/{self.name}[{self.kind}]"


OUTSIDE = Peer("External")


@dataclass(frozen=True, slots=True)
class Connection:
    """`source` may open connections to `target` on `ports`, a set of L4 atoms of `Reach.space`."""

    source: Peer
    target: Peer
    ports: Bits
    families: tuple[int, ...]
    partial: bool
    causes: tuple[tuple[Direction, Origin], ...]
    assumed: bool = False
    versions: tuple[int, ...] = ()

    @property
    def only(self) -> str:
        """The IP version that the row is about, where both ends have another one too."""
        some = {*self.versions} - {*self.families}
        return f"IPv{self.families[0]} only" if some and len(self.families) == 1 else ""


@dataclass(frozen=True, slots=True)
class Connectivity:
    """Every connection that is possible, sorted; `workloads` lists everybody in the cluster, `pods`
    are those with rows of their own, and `members` maps them and the outside to their endpoints."""

    reach: Reach
    workloads: tuple[Peer, ...]
    connections: tuple[Connection, ...]
    members: Mapping[Peer, tuple[int, ...]]
    pods: frozenset[Peer] = frozenset()


@phase("find who reaches whom")
def connectivity(world: World, asked: Collection[Peer] = ()) -> Connectivity:
    """All pairs of workloads of a `fabric.cluster` network, and the outside; also of pods that are
    asked about (rule 5)."""
    reach = reachability(world, covered=False)
    names = ClusterNames(world.network)
    groups: dict[int, list[Peer]] = defaultdict(list)
    for pod, end in names.labelled:
        peer = Peer(pod.workload_kind, pod.namespace, pod.workload)
        if peer not in groups[end.endpoint.index]:
            groups[end.endpoint.index].append(peer)
    everybody = sorted({peer for peers in groups.values() for peer in peers})
    pods = frozenset(asked).difference(everybody)
    for pod, end in names.labelled:
        if (own := Peer("Pod", pod.namespace, pod.name)) in pods:
            groups[end.endpoint.index].append(own)
    found = _Rows(reach, groups, names.external.index)
    rows = sorted(
        (*found.between_workloads(), *found.outside()),
        key=lambda c: (c.source, c.target, c.families),
    )
    own_rows = (*everybody, *sorted(pods))
    members = {p: tuple(i for i, peers in groups.items() if p in peers) for p in own_rows}
    members[OUTSIDE] = (names.external.index,)
    return Connectivity(reach, tuple(everybody), tuple(rows), members, pods)


class _Rows:
    """Rows of one reach; `groups` maps endpoints to the workloads they answer for."""

    def __init__(self, reach: Reach, groups: dict[int, list[Peer]], external: int) -> None:
        self.reach, self.groups, self.external = reach, groups, external
        self.causes = _Causes(reach)

    def between_workloads(self) -> Iterator[Connection]:
        """Rule 1."""
        pairs = self.reach.pairs
        members: dict[tuple[Peer, Peer], list[int]] = defaultdict(list)
        within = (pairs.src != self.external) & (pairs.dst != self.external)
        for row in np.flatnonzero(within).tolist():
            for source in self.groups.get(int(pairs.src[row]), ()):
                for target in self.groups.get(int(pairs.dst[row]), ()):
                    members[source, target].append(row)
        for (source, target), rows in members.items():
            chosen = np.array(rows)
            versions = tuple(np.unique(pairs.version[chosen]).tolist())
            for part in self.families(chosen):
                sets = pairs.some[part]
                if sets.any():
                    spans = zip(pairs.first[part].tolist(), pairs.last[part].tolist(), strict=True)
                    legs = np.array([leg for span in spans for leg in range(*span)])
                    one = self.connection(source, target, sets, legs, pairs.version[part])
                    yield replace(one, versions=versions)

    def families(self, rows: Column) -> list[Column]:
        """Pairs of two workloads by IP version; all together if the versions fare alike."""
        pairs = self.reach.pairs
        version = pairs.version[rows]
        parts = [rows[version == v] for v in np.unique(version)]
        fates = {tuple(np.unique(pairs.some[part]).tolist()) for part in parts}
        return [rows] if len(fates) == 1 else parts

    def outside(self) -> Iterator[Connection]:
        """Rule 2, both ways."""
        legs = self.reach.legs
        for direction, here, there, place in (
            (Direction.IN, legs.dst, legs.src, legs.src_place),
            (Direction.OUT, legs.src, legs.dst, legs.dst_place),
        ):
            members: dict[Peer, list[int]] = defaultdict(list)
            for leg in np.flatnonzero(there == self.external).tolist():
                for peer in self.groups.get(int(here[leg]), ()):
                    members[peer].append(leg)
            for peer, found in members.items():
                for ranges, chosen in self.alike(np.array(found), place):
                    other = Peer("External", ranges=ranges)
                    ends = (other, peer) if direction is Direction.IN else (peer, other)
                    yield self.connection(
                        *ends, self.reach.leg_set[chosen], chosen, legs.version[chosen]
                    )

    def alike(self, legs: Column, place: Column) -> Iterator[tuple[tuple[str, ...], Column]]:
        """Legs towards outside addresses for which the same sets apply, with the ranges."""
        legs = legs[np.argsort(place[legs], kind="stable")]
        places, first = np.unique(place[legs], return_index=True)
        parts = np.split(legs, first[1:])
        sets = [tuple(sorted({*self.reach.leg_set[part].tolist()})) for part in parts]
        spans = self.reach.spans
        ranges = sorted(
            (spans.bounds(p)[0], *bounds, s)
            for p, s in zip(places.tolist(), sets, strict=True)
            for bounds in spans.ranges(p)
        )
        for wanted in dict.fromkeys(sets):
            if any(wanted):
                chosen = [part for part, s in zip(parts, sets, strict=True) if s == wanted]
                yield tuple(joined(ranges, wanted)), np.concatenate(chosen)

    def connection(
        self, source: Peer, target: Peer, sets: Column, legs: Column, versions: Column
    ) -> Connection:
        """One row from the sets of its members and their legs."""
        distinct = np.unique(sets)
        causes, assumed = self.causes.of(legs)
        return Connection(
            source,
            target,
            self.reach.sets[distinct].any(axis=0),
            tuple(np.unique(versions[sets > 0]).tolist()),
            len(distinct) > 1,
            causes,
            assumed,
        )


class _Causes:
    """Rules that allow, worked out once per enforcement point, remote class and set."""

    def __init__(self, reach: Reach) -> None:
        self.reach = reach
        self.known: dict[tuple[int, int, int], tuple[tuple[Origin, bool], ...]] = {}
        self.drawn = np.array(["address" in e.assumed for e in reach.network.endpoints], np.bool_)
        self.masks: dict[tuple[L4Range, ...], Bits] = {}

    def of(self, legs: Column) -> tuple[tuple[tuple[Direction, Origin], ...], bool]:
        """The causes behind these legs (rule 3), and whether they are assumed (rule 4)."""
        rows, chosen = self.reach.legs, self.reach.leg_set[legs]
        found: dict[tuple[Direction, Origin], None] = {}
        assumed = False
        for direction, key, local, remote, place in (
            (Direction.OUT, rows.out_key, rows.src, rows.dst, rows.dst_place),
            (Direction.IN, rows.in_key, rows.dst, rows.src, rows.src_place),
        ):
            drawn = self.drawn[remote[legs]]
            for i in same_rows([key[legs], chosen, drawn]).sample.tolist():
                leg, number = int(legs[i]), int(chosen[i])
                if number:
                    where = (direction, int(key[leg]), number)
                    if where not in self.known:
                        self.known[where] = tuple(
                            self.allowing(direction, int(local[leg]), int(place[leg]), number)
                        )
                    causes = self.known[where]
                    found.update(dict.fromkeys((direction, origin) for origin, _ in causes))
                    assumed |= bool(drawn[i]) and any(by_address for _, by_address in causes)
        return tuple(sorted(found, key=lambda c: (c[0], c[1].rank))), assumed

    def allowing(
        self, direction: Direction, local: int, place: int, number: int
    ) -> Iterator[tuple[Origin, bool]]:
        """Permits of the cluster's policies that match the place and some packet of the set: their
        origins, and whether they go by address."""
        program, bits = self.reach.program, self.reach.sets[number]
        version, address, _ = self.reach.spans.bounds(place)
        for group in program.bound(direction, local):
            for entry in group.entries if group.stage.owner is Owner.CLUSTER else ():
                if entry.action is Action.DENY:
                    continue
                regions = (r.v4 if version == 4 else r.v6 for r in entry.regions)
                if any(inside(r, address) for r in regions) and (self.mask(entry.l4) & bits).any():
                    yield program.origins[entry.origin], goes_by_address(entry)

    def mask(self, l4: tuple[L4Range, ...]) -> Bits:
        """The L4 atoms of an entry."""
        if l4 not in self.masks:
            self.masks[l4] = self.reach.blocks.l4.mask(l4)
        return self.masks[l4]


def joined(ranges: list[Range], wanted: tuple[int, ...]) -> Iterator[str]:
    """The ranges with the wanted sets, neighbours joined: what lies between is not outside."""
    runs: list[tuple[int, int, int]] = []
    before: tuple[int, tuple[int, ...]] = (0, ())
    for version, first, last, sets in ranges:
        if sets == wanted:
            together = before == (version, wanted)
            runs.append((version, runs.pop()[1] if together else first, last))
        before = (version, sets)
    for run in runs:
        yield from range_words(*run)


def range_words(version: int, first: int, last: int) -> Iterator[str]:
    """A range as one prefix if it is one, else as `first-last`.

    >>> [*range_words(4, 0, 2**32 - 1), *range_words(4, 1, 3)]
    ['0.0.0.0/0', '0.0.0.1-0.0.0.3']
    """
    make = IPv4Address if version == 4 else IPv6Address
    prefixes = list(summarize_address_range(make(first), make(last)))
    yield str(prefixes[0]) if len(prefixes) == 1 else f"{make(first)}-{make(last)}"
