"""Every packet's way through a network, stretch by stretch, from routes and policies.

For each endpoint, each stretch of its own addresses and each stretch of destinations: at each
border where what it sends may come in (of a pod or a node: at its VTEP) look the route up; on each
of its next hops ask the sender's policies, the underlay, whether the route there leads on (where
the packet ends, or is passed on if the VRF permits hairpins), who owns the destination there,
whether the way back leads through the VTEP that sent the packet last, and the receiver's policies.
One address of a stretch speaks for all of it (`address_space`), one cell for all its packets
(`l4_space`).

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

TTL = 64
"""What senders send with; every VTEP takes one away, and passes nothing on that has one left."""
Hop = tuple[int, int]
"""A VTEP and a VRF there."""
Tunnel = tuple[Hop | None, Hop, str | None]


class Paths:
    """The ways of all packets of a network under a policy. `visited` counts packets decided, one
    for each choice of ECMP and cell; `undeclared` collects pairs of VRFs between which packets get
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
        self.undeclared: set[tuple[int, int]] = set()
        self.visited = 0
        self.hops = cache(self._hops)
        self.last_tunnels = cache(self._last_tunnels)
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
        """What becomes of packets from one address, destination by destination. What a VTEP of the
        endpoint routes on is none of its addresses there."""
        spoof = Choice(self.constant("spoof_drop"), -1, -1)
        every = self._entries(endpoint)
        away = [self.leads_on((vtep, endpoint.vrf), axis.version, src) for vtep in every]
        if all(away):
            return (Row(0, TOP[axis.version], (spoof,)),)
        open_ = [vtep for vtep, gone in zip(every, away, strict=True) if not gone]
        out: list[Row] = []
        for first, last in axis.spans():
            found = {c for v in open_ for c in self._choices(endpoint, v, axis.version, src, first)}
            choices = tuple(sorted({*found, *([spoof] if any(away) else [])}))
            if out and out[-1].choices == choices:
                out[-1] = out[-1]._replace(last=last)
            else:
                out.append(Row(first, last, choices))
        return tuple(out)

    def _entries(self, endpoint: Endpoint) -> list[int]:
        """Where what an endpoint sends comes in: at its VTEPs that stand, not at those of second
        choice while there are others; at any of them where none stands."""
        every = [endpoint.vtep, *endpoint.also_at]
        if len(every) == 1:
            return every
        standing = [v for v in every if v not in self.network.fabric.down_nodes]
        first = [v for v in standing if v not in endpoint.backups]
        return first or standing or every

    def _choices(
        self, endpoint: Endpoint, entry: int, version: int, src: int, dst: int
    ) -> list[Choice]:
        hops = self.hops(entry, endpoint.vrf, version, dst)
        self.visited += max(1, len(hops)) * self.space.size
        if not hops:
            return [Choice(self.constant("no_route_drop"), -1, -1)]
        return [
            self._on(endpoint, entry, version, src, dst, hop, *tunnel)
            for hop in hops
            for tunnel in self.last_tunnels(hop, version, dst)
        ]

    def _on(
        self,
        endpoint: Endpoint,
        entry: int,
        version: int,
        src: int,
        dst: int,
        first: Hop,
        before: Hop | None,
        end: Hop,
        lost: str | None,
    ) -> Choice:
        """What becomes of a packet that came in at a VTEP, goes to a first hop and comes to an end,
        over a tunnel from the place before, or straight from there; `lost` on the way for some
        reason."""
        vtep, vrf = end
        owner = self.where.owner(vrf, version, dst)
        there = self.network.endpoints[owner] if owner >= 0 else None
        lives_there = there is not None and vtep in (there.vtep, *there.also_at)
        if owner == endpoint.index and lives_there and lost is None:
            return Choice(self.constant("self"), owner, vrf)
        target = owner if lives_there and lost is None else -1
        out = Direction.OUT, endpoint.index, version, first[1], dst
        if not self.network.underlay.reachable(entry, first[0]):
            straight = before is None
            reached = (target, vrf) if straight else (-1, first[1])
            return Choice(self.combined(out, "underlay_drop"), *reached)
        if lost is not None:
            return Choice(self.combined(out, lost), -1, vrf)
        if self.leads_on(end, version, dst):
            return Choice(self.combined(out, "hairpin_drop"), -1, vrf)
        if target < 0:
            return Choice(self.combined(out, "eni_miss_drop"), target, vrf)
        outer, inner = before or (entry, endpoint.vrf)
        seen = self.seen_behind(vtep, vrf, version, src, outer, inner)
        if seen is None:
            return Choice(self.combined(out, "pa_validation_drop"), target, vrf)
        into = Direction.IN, target, version, seen, src
        return Choice(self.combined(out, into), target, vrf)

    def _hops(self, vtep: int, vrf: int, version: int, dst: int) -> tuple[tuple[int, int], ...]:
        route = self.network.fib.lookup(vtep, vrf, version, dst)
        return () if route is None else tuple((hop.vtep, hop.vrf) for hop in route.nexthops)

    def leads_on(self, at: Hop, version: int, dst: int) -> bool:
        """Whether the route of a VTEP and VRF leads away from there."""
        hops = self.hops(*at, version, dst)
        return bool(hops) and at not in hops

    def _last_tunnels(self, first: Hop, version: int, dst: int) -> tuple[Tunnel, ...]:
        """The last tunnels of packets over a first hop, those of all walks that their TTL allows:
        where each comes from (None: from the sender), where it leads to, and why it does not."""
        found: dict[Tunnel, None] = {}
        walks: dict[tuple[Hop | None, Hop], None] = {(None, first): None}
        for left in range(TTL - 1, 0, -1):
            further: dict[tuple[Hop | None, Hop], None] = {}
            for before, here in walks:
                if before and not self.network.underlay.reachable(before[0], here[0]):
                    found[before, here, "underlay_drop"] = None
                elif left == 1:
                    found[first, first, "ttl_drop"] = None
                elif self.leads_on(here, version, dst) and self.network.vrfs[here[1]].hairpin:
                    further |= {(here, hop): None for hop in self.hops(*here, version, dst)}
                else:
                    found[before, here, None] = None
            walks = further
        return tuple(found)

    def _seen_behind(
        self, vtep: int, vrf: int, version: int, src: int, outer: int, true_vrf: int
    ) -> int | None:
        """The VRF behind which the receiver sees a source: that of a next hop of the way back which
        leads to the VTEP that sent the packet, the one it sent it from first. None: no such way."""
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
            self.undeclared.add((src, dst))
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
