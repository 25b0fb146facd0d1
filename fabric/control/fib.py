"""The FIB: what the control plane leaves behind, per (VTEP, VRF) longest prefix → next hops.

Rules that hold here:

1. Of several origins of one prefix the own (VTEP, VRF) wins, then those by no drained node, then
   the shortest AS path (with what the origin prepends), then all equal ones share the load, but no
   more than `ECMP_WIDTH`, in order of router-ids (FRR's `bgp bestpath compare-routerid`). An origin
   without an underlay path does not count.
2. A prefix without a usable origin is not in the FIB: the next shorter one answers.
3. A next hop names the VRF at the far end, found by its VNI there, so a leaked packet carries the
   exporter's VNI.

Prefixes, their nesting and their origins are the same for every instance of a VRF (`VrfRoutes`) and
survive failures; only the chosen next-hop set per (instance, prefix) depends on the underlay
(`fabric.control.fib_filling`). Instances of a VRF that choose alike share the array.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from fabric.control.evpn import Import, Imports, Type5, prefix_key, why_imported
from fabric.control.lpm import Segments, nest
from fabric.diagnostics import Span
from fabric.values.inventory import Prefix
from fabric.values.memo import Memo

I32 = NDArray[np.int32]
Wide = dict[tuple[int, int, Prefix], int]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, order=True)
class NextHop:
    """Where a packet leaves the fabric: VTEP and VRF indices, VNI and inner destination MAC."""

    vtep: int
    vrf: int
    vni: int
    router_mac: str


@dataclass(frozen=True, slots=True)
class Route:
    """One FIB entry. `reason` says how it came to be, `origin` is the line that asked for it."""

    prefix: Prefix
    nexthops: tuple[NextHop, ...]
    reason: str
    origin: Span | None
    intent: str | None


@dataclass(frozen=True)
class VrfRoutes:
    """What all instances of a VRF share: the imported rows in order of prefix, the prefixes, and
    for each prefix the next shorter one around it (`parent`, -1 at the top)."""

    rows: NDArray[np.int64]
    first: NDArray[np.int64]
    prefixes: tuple[Prefix, ...]

    @cached_property
    def number(self) -> dict[Prefix, int]:
        """VRF-local number of each prefix."""
        return {prefix: number for number, prefix in enumerate(self.prefixes)}

    @cached_property
    def nesting(self) -> tuple[I32, Segments, Segments]:
        """`parent`, and the segments of IPv4 and IPv6."""
        return nest(self.prefixes)


@dataclass(frozen=True, slots=True, eq=False)
class Fib:
    """All instances. `chosen[i]` maps VRF-local prefixes to next-hop sets for instance i (-1 none);
    `nexthop_sets` starts with the single next hop to every instance, in order of instances. Where
    nodes differ in their version, `versions` are the old and the new one, which is at `new_at`.
    `wide` says of prefixes of (VTEP, VRF) with more equal origins than one installs how many."""

    instances: tuple[tuple[int, int], ...]
    nexthop_sets: tuple[tuple[NextHop, ...], ...]
    vrf_routes: tuple[VrfRoutes, ...]
    chosen: tuple[I32, ...]
    routes_in: Type5 = field(repr=False)
    imports: Imports = field(repr=False)
    index: dict[tuple[int, int], int] = field(repr=False)
    versions: tuple[Fib, ...] = field(default=(), repr=False)
    new_at: frozenset[int] = frozenset()
    wide: Wide = field(default_factory=dict, repr=False)
    _memo: Memo = field(default_factory=Memo, init=False, repr=False)

    def once(self, make: Callable[[Fib], T]) -> T:
        """What a module makes of these routes, made when it is first asked for."""
        return self._memo.of(self, make)

    def keep(self, make: Callable[[Fib], T], made: T) -> Fib:
        """Have `once` say this, which was made in another way and is the same."""
        self._memo.keep(make, made)
        return self

    def mixed(self, new: Fib, nodes: Collection[int]) -> Fib:
        """These routes, but at `nodes` those of `new`, as while a change is rolled out. Both are of
        the same instances. What is equal is shared: prefixes of a VRF that has the same in both,
        and arrays of nodes that stay as they are."""
        assert new.instances == self.instances, "two versions of other instances"
        pairs = zip(self.vrf_routes, new.vrf_routes, strict=True)
        tables = tuple(a if a.prefixes == b.prefixes else joined(a, b) for a, b in pairs)
        known = {hops: number for number, hops in enumerate(self.nexthop_sets)}
        numbers = [known.setdefault(hops, len(known)) for hops in new.nexthop_sets]
        of_new = np.array([*numbers, -1], np.int32)
        chosen = []
        for (vtep, vrf), here, there in zip(self.instances, self.chosen, new.chosen, strict=True):
            old = new if vtep in nodes else self
            row = of_new[there] if old is new else here
            if old.vrf_routes[vrf].prefixes != tables[vrf].prefixes:
                wide = np.full(len(tables[vrf].prefixes), -1, np.int32)
                wide[[tables[vrf].number[p] for p in old.vrf_routes[vrf].prefixes]] = row
                row = wide
            chosen.append(here if np.array_equal(row, here) else row)
        return replace(
            self,
            nexthop_sets=tuple(known),
            vrf_routes=tables,
            chosen=tuple(chosen),
            versions=(self, new),
            new_at=frozenset(nodes),
        )

    def version(self, vtep: int) -> Fib:
        """The routes as the VTEP has them, of versions that are mixed."""
        return self.versions[vtep in self.new_at].version(vtep) if self.versions else self

    def instance(self, vtep: int, vrf: int) -> int:
        """Number of an instance, -1 when this VTEP has no such VRF."""
        return self.index.get((vtep, vrf), -1)

    def vrfs_at(self, vtep: int) -> list[int]:
        """The VRFs of which a VTEP has an instance, sorted."""
        first, end = (bisect_left(self.instances, (at, -1)) for at in (vtep, vtep + 1))
        return [vrf for _, vrf in self.instances[first:end]]

    def boundaries(self, vrf: int) -> tuple[list[int], list[int]]:
        """IPv4 and IPv6 addresses from which on another prefix may answer; both start with 0."""
        _, v4, v6 = self.vrf_routes[vrf].nesting
        return v4.starts, v6.starts

    def segments(self, vrf: int, version: int, ips: Sequence[int]) -> I32:
        """The most specific prefix (VRF-local number, -1 none) of each address, for
        `sets_of_prefixes`: look addresses up once, then gather per instance."""
        _, v4, v6 = self.vrf_routes[vrf].nesting
        return (v4 if version == 4 else v6).find(ips)

    def sets_of_prefixes(self, vtep: int, vrf: int) -> I32:
        """Next-hop set that answers for each prefix of the VRF at this VTEP, with a last element
        -1, so that segment -1 gathers -1."""
        chosen = np.append(self.chosen[self.index[vtep, vrf]], np.int32(-1))
        parent = np.append(self.vrf_routes[vrf].nesting[0], np.int32(-1))
        missing = np.flatnonzero(chosen[:-1] < 0)
        up = parent[missing]
        while ((chosen[up] < 0) & (up >= 0)).any():
            up = np.where((chosen[up] < 0) & (up >= 0), parent[up], up)
        chosen[missing] = chosen[up]
        return chosen

    def lookup_many(self, vtep: int, vrf: int, version: int, ips: Sequence[int]) -> I32:
        """Next-hop set of each address, -1 where there is no route."""
        if (vtep, vrf) not in self.index:
            return np.full(len(ips), -1, np.int32)
        return self.sets_of_prefixes(vtep, vrf)[self.segments(vrf, version, ips)]

    def lookup_starts(
        self, vrf: int, vteps: Sequence[int], v4: Sequence[int], v6: Sequence[int]
    ) -> list[I32]:
        """`lookup_many` of the same IPv4, then IPv6 addresses at several VTEPs of a VRF."""
        if not vteps:
            return []
        at = np.concatenate([self.segments(vrf, 4, v4), self.segments(vrf, 6, v6)])
        return [self.sets_of_prefixes(vtep, vrf)[at] for vtep in vteps]

    def lookup(self, vtep: int, vrf: int, version: int, ip: int) -> Route | None:
        """The route that an address takes, or None."""
        place = self.instance(vtep, vrf)
        if place < 0:
            return None
        parent = self.vrf_routes[vrf].nesting[0]
        number = int(self.segments(vrf, version, [ip])[0])
        while number >= 0 and self.chosen[place][number] < 0:
            number = int(parent[number])
        return self._route(place, number) if number >= 0 else None

    def routes(self, vtep: int, vrf: int) -> tuple[Route, ...]:
        """Every entry of an instance, by prefix."""
        place = self.instance(vtep, vrf)
        if place < 0:
            return ()
        return tuple(self._route(place, int(n)) for n in np.flatnonzero(self.chosen[place] >= 0))

    def why_hop(self, vtep: int, vrf: int, route: Route, hop: NextHop) -> Import:
        """The import behind one next hop of a VTEP's route: several may come for different
        reasons."""
        mine = self.version(vtep)
        return mine.why(vrf, mine.vrf_routes[vrf].number[route.prefix], hop)

    def _route(self, place: int, number: int) -> Route:
        vtep, vrf = self.instances[place]
        table = self.vrf_routes[vrf]
        if self.versions:
            mine = self.version(vtep)
            return mine._route(place, mine.vrf_routes[vrf].number[table.prefixes[number]])
        chosen = int(self.chosen[place][number])
        hops = self.nexthop_sets[chosen]
        local = (hops[0].vtep, hops[0].vrf) == (vtep, vrf)
        known, key = self.once(_no_routes_made), (vrf, number, chosen, local)
        if key not in known:
            known[key] = self._chosen(vrf, number, hops, local)
        return known[key]

    def _chosen(self, vrf: int, number: int, hops: tuple[NextHop, ...], local: bool) -> Route:
        """A route as every VTEP has it that chose the same next hops."""
        prefix = self.vrf_routes[vrf].prefixes[number]
        if local:
            native = next(iter(self.imports[vrf].values()))[0]
            return Route(prefix, hops, "local", native.span, None)
        why = self.why(vrf, number, hops[0])
        return Route(prefix, hops, str(why), why.span, why.intent or None)

    def why(self, vrf: int, number: int, hop: NextHop) -> Import:
        """The import that brought a next hop's route in."""
        table, routes = self.vrf_routes[vrf], self.routes_in
        end = table.first[number + 1] if number + 1 < len(table.first) else len(table.rows)
        for row in table.rows[table.first[number] : end]:
            if (routes.vtep[row], routes.vrf[row]) == (hop.vtep, hop.vrf):
                return why_imported(self.imports[vrf], routes.rt_sets[routes.rts[row]], hop.vrf)
        raise KeyError(hop)


def _no_routes_made(_: Fib) -> dict[tuple[int, int, int, bool], Route]:
    """By VRF, prefix, next-hop set and whether it is the VTEP's own: none yet."""
    return {}


def ranges(fib: Fib, vtep: int, vrf: int, version: int) -> Iterator[tuple[tuple[int, int], int]]:
    """Disjoint address ranges (first, last) of an instance that have a route, with the numbers of
    their next-hop sets, in order; neighbours that fare alike are one."""
    starts = fib.boundaries(vrf)[0 if version == 4 else 1]
    chosen = fib.lookup_many(vtep, vrf, version, starts)
    first = [0, *(np.flatnonzero(chosen[1:] != chosen[:-1]) + 1).tolist()]
    ends = [*(starts[at] for at in first[1:]), 1 << (32 if version == 4 else 128)]
    for at, number, end in zip(first, chosen[first].tolist(), ends, strict=True):
        if number >= 0:
            yield (starts[at], end - 1), number


def stays(hops: Iterable[NextHop], vtep: int, vrf: int) -> bool:
    """Whether a route that a VTEP's VRF has leads to that very place: what came out of a tunnel
    there goes into no other one."""
    return any((hop.vtep, hop.vrf) == (vtep, vrf) for hop in hops)


def no_routes() -> VrfRoutes:
    """Those of a VRF that imports nothing."""
    return VrfRoutes(np.zeros(0, np.int64), np.zeros(0, np.int64), ())


def joined(one: VrfRoutes, other: VrfRoutes) -> VrfRoutes:
    """The prefixes of two versions of a VRF; rows are those of neither."""
    prefixes = sorted({*one.prefixes, *other.prefixes}, key=prefix_key)
    return VrfRoutes(np.zeros(0, np.int64), np.zeros(len(prefixes), np.int64), tuple(prefixes))
