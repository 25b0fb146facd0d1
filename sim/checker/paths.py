"""Every packet's way through a network, stretch by stretch, from routes and policies.

For each endpoint, each stretch of its own addresses and each stretch of destinations: look the
route up; on each of its next hops ask the sender's policies, the underlay, whether the route there
leads on (where the packet ends), who owns the destination there, whether the way back leads through
the sender's VTEP, and the receiver's policies. One address of a stretch speaks for all of it
(`address_space`), one cell for all its packets (`l4_space`).

Cost: for each VRF its endpoints' stretches × stretches of its axis.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np

from compiler.policy.ir import Direction, Policy
from fabric.interval_sets import union
from fabric.inventory import Endpoint
from fabric.network import Network
from sim.checker.address_space import AddressSpace, Axis, owned
from sim.checker.decisions import DELIVERED, Cells, Decisions
from sim.checker.form import TOP, reasons_of
from sim.checker.guests import workloads
from sim.checker.l4_space import Space
from sim.checker.regions import Choice, Party, Ranges, Regions, Row, Sender


class Paths:
    """The ways of all packets of a network under a policy. `visited` counts packets decided, one
    for each choice of ECMP and cell; `stray` collects pairs of VRFs between which packets get
    without a declared intent."""

    def __init__(
        self, network: Network, policy: Policy, decisions: Decisions | None = None
    ) -> None:
        """`decisions` are those of the same endpoints and policy, whatever the routes."""
        self.network = network
        self.where = AddressSpace(network, policy)
        if decisions is None:
            space = Space.of(policy, network.endpoints)
            decisions = Decisions(network, policy, space, self.where)
        self.decisions, self.space = decisions, decisions.space
        self.names = reasons_of(policy.stages)
        self.profiles: dict[bytes, int] = {}
        self.values: list[Cells] = []
        self.stray: set[tuple[int, int]] = set()
        self.visited = 0
        self.hops = cache(self._hops)
        self.seen_behind = cache(self._seen_behind)
        self.constant = cache(self._constant)
        self.combined = cache(self._combined)

    def regions(self, only: Iterable[int] | None = None) -> Regions:
        """The regions of all endpoints, or of these as senders."""
        senders = self.network.endpoints if only is None else map(self._endpoint, sorted(set(only)))
        maps: dict[tuple[Row, ...], int] = {}
        sources: list[Sender] = []
        for endpoint in senders:
            for version in (4, 6):
                for ranges, rows in self._of(endpoint, version):
                    number = maps.setdefault(rows, len(maps))
                    sources.append(Sender(endpoint.index, version, ranges, number))
        vrfs = [vrf.name for vrf in self.network.vrfs]
        return Regions(vrfs, self._parties(), self._boxes(), list(maps), sources, self.space.fields)

    def _endpoint(self, index: int) -> Endpoint:
        return self.network.endpoints[index]

    def _of(self, endpoint: Endpoint, version: int) -> Iterator[tuple[Ranges, tuple[Row, ...]]]:
        """Own stretches that fare alike are one source."""
        axis = self.where.axis(endpoint.vrf, version)
        alike: dict[tuple[Row, ...], list[tuple[int, int]]] = {}
        for first, last in owned(axis, self.where, endpoint.vrf, endpoint.index):
            alike.setdefault(self._rows(endpoint, first, axis), []).append((first, last))
        for rows, found in alike.items():
            yield union(found), rows

    def _rows(self, endpoint: Endpoint, src: int, axis: Axis) -> tuple[Row, ...]:
        """What becomes of packets from one address, destination by destination. What the endpoint's
        own VTEP routes on is none of its addresses."""
        home = endpoint.vtep, endpoint.vrf
        onward = self.hops(*home, axis.version, src)
        if onward and home not in onward:
            return (Row(0, TOP[axis.version], (Choice(self.constant("spoof_drop"), -1, -1),)),)
        out: list[Row] = []
        for first, last in axis.spans():
            choices = self._choices(endpoint, axis.version, src, first)
            if out and out[-1].choices == choices:
                out[-1] = out[-1]._replace(last=last)
            else:
                out.append(Row(first, last, choices))
        return tuple(out)

    def _choices(self, endpoint: Endpoint, version: int, src: int, dst: int) -> tuple[Choice, ...]:
        hops = self.hops(endpoint.vtep, endpoint.vrf, version, dst)
        self.visited += max(1, len(hops)) * self.space.size
        if not hops:
            return (Choice(self.constant("no_route_drop"), -1, -1),)
        return tuple(sorted({self._on(endpoint, version, src, dst, *hop) for hop in hops}))

    def _on(
        self, endpoint: Endpoint, version: int, src: int, dst: int, vtep: int, vrf: int
    ) -> Choice:
        """What becomes of a packet on one next hop."""
        owner = self.where.owner(vrf, version, dst)
        if owner == endpoint.index and vtep == endpoint.vtep:
            return Choice(self.constant("self"), owner, vrf)
        lives_there = owner >= 0 and self.network.endpoints[owner].vtep == vtep
        target = owner if lives_there else -1
        out = Direction.OUT, endpoint.index, version, vrf, dst
        if not self.network.underlay.reachable(endpoint.vtep, vtep):
            return Choice(self.combined(out, "underlay_drop"), target, vrf)
        onward = self.hops(vtep, vrf, version, dst)
        if onward and (vtep, vrf) not in onward:
            return Choice(self.combined(out, "hairpin_drop"), -1, vrf)
        if target < 0:
            return Choice(self.combined(out, "eni_miss_drop"), target, vrf)
        seen = self.seen_behind(vtep, vrf, version, src, endpoint.vtep, endpoint.vrf)
        if seen is None:
            return Choice(self.combined(out, "pa_validation_drop"), target, vrf)
        into = Direction.IN, target, version, seen, src
        return Choice(self.combined(out, into), target, vrf)

    def _hops(self, vtep: int, vrf: int, version: int, dst: int) -> tuple[tuple[int, int], ...]:
        route = self.network.fib.lookup(vtep, vrf, version, dst)
        return () if route is None else tuple((hop.vtep, hop.vrf) for hop in route.nexthops)

    def _seen_behind(
        self, vtep: int, vrf: int, version: int, src: int, outer: int, true_vrf: int
    ) -> int | None:
        """The VRF behind which the receiver sees a source: that of a next hop of the way back which
        leads to the VTEP that sent the packet, the true one first. None: no such way."""
        back = self.network.fib.lookup(vtep, vrf, version, src)
        vrfs = [hop.vrf for hop in back.nexthops if hop.vtep == outer] if back else []
        return true_vrf if true_vrf in vrfs else next(iter(vrfs), None)

    def _constant(self, reason: str) -> int:
        return self._number(np.full(self.space.size, self.names.index(reason), np.int16))

    def _combined(
        self,
        out: tuple[Direction, int, int, int, int],
        then: tuple[Direction, int, int, int, int] | str,
    ) -> int:
        """The profile of the sender's decision, then the receiver's or a drop on the way."""
        first = self.decisions.decide(*out)
        if isinstance(then, str):
            lost = np.int16(self.names.index(then))
            return self._number(np.where(first.passes, lost, first.reasons))
        second = self.decisions.decide(*then)
        reasons = np.where(first.passes, second.reasons, first.reasons)
        asks = first.passes & (first.reasons != DELIVERED) & (second.reasons == DELIVERED)
        reasons = np.where(asks, first.reasons, reasons)
        src, dst = (self.network.endpoints[end[1]].vrf for end in (out, then))
        undeclared = ~(first.declared & second.declared)
        if src != dst and (first.passes & second.passes & undeclared).any():
            self.stray.add((src, dst))
        return self._number(reasons)

    def _number(self, reasons: Cells) -> int:
        key = reasons.tobytes()
        if key not in self.profiles:
            self.profiles[key] = len(self.values)
            self.values.append(reasons)
        return self.profiles[key]

    def _boxes(self) -> list[list[tuple[tuple[int, int, int, int, int, int], str]]]:
        return [
            [(box, self.names[value]) for box, value in self.space.boxes(reasons.tolist())]
            for reasons in self.values
        ]

    def _parties(self) -> list[Party]:
        return [
            Party(
                e.name,
                e.workload,
                (*e.aliases, *workloads(self.network, e), *e.also),
                e.tenant,
                self.network.vrfs[e.vrf].name,
                tuple(map(str, e.prefixes)),
                self._owned(e),
            )
            for e in self.network.endpoints
        ]

    def _owned(self, endpoint: Endpoint) -> tuple[Ranges, Ranges]:
        four, six = (
            union(
                owned(
                    self.where.axis(endpoint.vrf, version),
                    self.where,
                    endpoint.vrf,
                    endpoint.index,
                )
            )
            for version in (4, 6)
        )
        return four, six
