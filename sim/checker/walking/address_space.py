"""Address space of a VRF, cut wherever a prefix of anything that may matter begins or ends.

What may matter to packets of a VRF: the endpoints and the routes of that VRF, of the VRFs in which
its packets may arrive (at once, or passed on by VRFs that permit hairpins), and of those behind
which their source may be seen; and every prefix that any rule names. Between two cuts all addresses
have the same owner, route and rules, at both ends.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.policy.ir import Policy
from fabric.building.network import Network
from fabric.values.inventory import Endpoint, Prefix
from sim.checker.document.form import TOP

Hop = tuple[int, int]
"""A VTEP and a VRF there."""
Column = NDArray[Any]
Cut = tuple[int, int]
"""A family, and an address from which on something else may hold."""
Painted = tuple[int, int, int, int, int]
"""(family, prefix length, first address, behind the last one, value)."""


@dataclass(frozen=True)
class Axis:
    """Where the atoms of a family begin, from 0."""

    version: int
    starts: list[int]

    def ranges(self) -> Iterator[tuple[int, int]]:
        """(first, last) of each atom."""
        return zip(self.starts, [*(x - 1 for x in self.starts[1:]), TOP[self.version]], strict=True)

    @cached_property
    def place(self) -> dict[int, int]:
        """The number of the atom that begins at an address; behind the last one, of all."""
        cuts = *self.starts, TOP[self.version] + 1
        return {cut: number for number, cut in enumerate(cuts)}

    def paint(self, prefixes: Iterable[Painted]) -> Column:
        """Per atom the value of the most specific prefix around it, -1 for none."""
        out = np.full(len(self.starts), -1, np.int32)
        for family, _, first, end, value in prefixes:
            if family == self.version:
                out[self.place[first] : self.place[end]] = value
        return out


class AddressSpace:
    """Axes of all VRFs, owners of all addresses, and where they are routed."""

    def __init__(self, network: Network, policy: Policy) -> None:
        self.network = network
        self.named = list(_prefixes_of(policy))
        self.leads: dict[int, set[int]] = {vrf.index: set() for vrf in network.vrfs}
        self.vteps: dict[int, list[int]] = {vrf.index: [] for vrf in network.vrfs}
        self.sets: list[tuple[Hop, ...]] = []
        """Distinct next hops of routes, in their order."""
        self._cuts: dict[int, set[Cut]] = {vrf.index: set() for vrf in network.vrfs}
        self._routes: dict[Hop, list[Painted]] = {}
        self._read_routes()
        self._owners: dict[int, dict[tuple[int, int], dict[int, int]]] = {}
        for endpoint in network.endpoints:
            self._add(endpoint)
        self._axes: dict[tuple[frozenset[int], int], Axis] = {}
        self.near, self.met = cache(self._near), cache(self._meets)
        self._known: dict[Any, Any] = {}

    def _read_routes(self) -> None:
        known: dict[tuple[Hop, ...], int] = {}
        for vtep, vrf in self.network.fib.instances:
            mine = self._routes[vtep, vrf] = []
            self.vteps[vrf].append(vtep)
            for route in self.network.fib.routes(vtep, vrf):
                hops = tuple((hop.vtep, hop.vrf) for hop in route.nexthops)
                number = known.setdefault(hops, len(known))
                family, length = route.prefix.version, route.prefix.prefixlen
                first, end = ends(route.prefix)
                mine.append((family, length, first, end, number))
                self._cuts[vrf] |= {(family, first), (family, end)}
            mine.sort()
        self.sets = list(known)
        for vtep, vrf in self._routes:
            used = {number for *_, number in self._routes[vtep, vrf]}
            self.leads[vrf].update(hop[1] for number in used for hop in self.sets[number])

    def _add(self, endpoint: Endpoint) -> None:
        mine = self._owners.setdefault(endpoint.vrf, {})
        for prefix in endpoint.prefixes:
            same_length = mine.setdefault((prefix.version, prefix.prefixlen), {})
            same_length.setdefault(int(prefix.network_address), endpoint.index)
            self._cuts[endpoint.vrf] |= {(prefix.version, end) for end in ends(prefix)}

    def owner(self, vrf: int, version: int, ip: int) -> int:
        """Whose an address is, -1: nobody's."""
        axis = self.axis(vrf, version)
        return int(self.owners(vrf, axis)[bisect_right(axis.starts, ip) - 1])

    def axis(self, vrf: int, version: int) -> Axis:
        """The axis of a VRF; VRFs of which the same matters share one."""
        near = self.near(vrf)
        if (near, version) not in self._axes:
            named = {(p.version, end) for p in self.named for end in ends(p)}
            found = named.union(*(self._cuts[other] for other in near))
            cuts = {x for family, x in found if family == version and x <= TOP[version]}
            self._axes[near, version] = Axis(version, sorted({0, *cuts}))
        return self._axes[near, version]

    def _meets(self, vrf: int) -> frozenset[int]:
        """VRFs in which packets of one may arrive."""
        near = {vrf} | self.leads[vrf]
        passed: set[int] = set()
        while more := {far for far in near - passed if self.network.vrfs[far].hairpin}:
            passed |= more
            near |= {far for via in more for far in self.leads[via]}
        return frozenset(near)

    def _near(self, vrf: int) -> frozenset[int]:
        """All VRFs that matter to packets of one."""
        near = {*self.met(vrf)}
        near |= {far for other in near for far in self.leads[other]}
        return frozenset(near)

    def owners(self, vrf: int, axis: Axis) -> Column:
        """Whose each atom is in a VRF, -1: nobody's. The most specific prefix wins, then the
        first."""

        def made() -> Column:
            bits = TOP[axis.version].bit_length()
            return axis.paint(
                (version, length, first, first + (1 << (bits - length)), owner)
                for (version, length), found in sorted(self._owners.get(vrf, {}).items())
                if version == axis.version
                for first, owner in found.items()
            )

        return self._column(("owners", vrf, id(axis)), made)

    def routes(self, vtep: int, vrf: int, axis: Axis) -> Column:
        """The number in `sets` of the next hops of each atom, -1: no route."""
        return self._column(
            ("routes", vtep, vrf, id(axis)),
            lambda: axis.paint(self._routes.get((vtep, vrf), ())),
        )

    def leading(self, vrf: int) -> Column:
        """Per number in `sets` whether a next hop leads to a VRF; the last one stands for none."""
        return self._column(
            ("leading", vrf),
            lambda: np.array([*(any(hop[1] == vrf for hop in hops) for hops in self.sets), False]),
        )

    def led(self, vrf: int, axis: Axis) -> list[Column]:
        """Which atoms the VTEPs of a VRF lead away from themselves: columns that differ."""

        def made() -> list[Column]:
            return distinct(
                self.away(self.routes(vtep, vrf, axis), (vtep, vrf)) for vtep in self.vteps[vrf]
            )

        columns: list[Column] = self._once(("led", vrf, id(axis)), made)
        return columns

    def away(self, routes: Column, at: Hop) -> Column:
        """Whether routes of a place lead away from there."""

        def made() -> Column:
            here = np.zeros(len(self.sets) + 1, np.bool_)
            number, vtep, vrf = self._once("hops", self._hops)
            here[number[(vtep == at[0]) & (vrf == at[1])]] = True
            here[-1] = True
            return here

        away: Column = ~self._column(("here", at), made)[routes]
        return away

    def behind(self, outer: int, true_vrf: int) -> Column:
        """Per number in `sets` the VRF behind which packets that a VTEP sent are seen: that of a
        next hop which leads to this VTEP, the one it sent them from first. -1: no such way."""

        def made() -> Column:
            found = np.full(len(self.sets) + 1, -1)
            number, vtep, vrf = self._once("hops", self._hops)
            via = np.flatnonzero(vtep == outer)
            of, first = np.unique(number[via], return_index=True)
            found[of] = vrf[via[first]]
            found[number[via[vrf[via] == true_vrf]]] = true_vrf
            return found

        return self._column(("behind", outer, true_vrf), made)

    def _hops(self) -> Column:
        """Each next hop of `sets`, in order: number, VTEP and VRF."""
        rows = [(number, *hop) for number, hops in enumerate(self.sets) for hop in hops]
        return np.array(rows, np.int64).reshape(-1, 3).T

    def atom_of(self, axis: Axis, cuts: Iterable[Cut]) -> Column:
        """Atoms by the cuts (of any family) that they lie between."""
        new = np.zeros(len(axis.starts) + 1, np.int64)
        new[[axis.place[cut] for family, cut in cuts if family == axis.version]] = 1
        return np.cumsum(new[:-1])

    def _column(self, key: Any, made: Callable[[], Column]) -> Column:
        found: Column = self._once(key, made)
        return found

    def _once(self, key: Any, made: Callable[[], Any]) -> Any:
        if key not in self._known:
            self._known[key] = made()
        return self._known[key]


def distinct(columns: Iterable[Column]) -> list[Column]:
    """The columns that differ."""
    return list({column.tobytes(): column for column in columns}.values())


def ends(prefix: Prefix) -> tuple[int, int]:
    first = int(prefix.network_address)
    return first, first + prefix.num_addresses


def _prefixes_of(policy: Policy) -> Iterator[Prefix]:
    """Every prefix that a rule names for its remote side."""
    for rule in policy.rules:
        for matcher in rule.remote:
            yield from matcher.cuts()
