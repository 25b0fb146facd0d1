"""Every packet's way through a network, class by class of addresses, from routes and policies.

For each endpoint, each class of its own addresses and each class of destinations: at each border
where what it sends may come in (of a pod or a node: at its VTEP) look the route up; on each of its
next hops ask the sender's policies, the underlay, whether the route there leads on (where the
packet ends, or is passed on if the VRF permits hairpins), who owns the destination there, whether
the way back leads through the VTEP that sent the packet last, and the receiver's policies
(`sending`). One address of a class speaks for all of it (`address_atoms`), one cell for all its
packets (`l4_space`).

Cost: for each VRF its endpoints' classes × classes of destinations, as columns of numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np

from compiler.policy.ir import Direction, Policy
from fabric.building.network import Network
from fabric.values.interval_sets import union
from fabric.values.inventory import Endpoint
from sim.checker.document.form import reasons_of
from sim.checker.document.regions import Choice, Party, Ranges, Regions, Row, Sender
from sim.checker.document.shared_rows import Numbered
from sim.checker.walking.address_atoms import cuts_of
from sim.checker.walking.address_space import AddressSpace, Cut
from sim.checker.walking.decisions import DELIVERED, Cells, Decisions
from sim.checker.walking.guests import workloads
from sim.checker.walking.l4_space import Space
from sim.checker.walking.sending import Sending


class Paths:
    """The ways of all packets of a network under a policy. `visited` counts packets, one for each
    choice of ECMP, cell, and atom of source and destination addresses; `undeclared` collects
    pairs of VRFs between which packets get without a declared intent."""

    def __init__(
        self, network: Network, policy: Policy, decisions: Decisions | None = None
    ) -> None:
        """`decisions` are those of the same endpoints and policy, whatever the routes."""
        self.network, self.policy = network, policy
        self.where = AddressSpace(network, policy)
        if decisions is None:
            space = Space.of(policy, network.endpoints)
            decisions = Decisions(network, policy, space, self.where)
        self.decisions, self.space = decisions, decisions.space
        self.names = reasons_of(policy.stages)
        self.profiles: dict[bytes, int] = {}
        self.values: list[Cells] = []
        self.several: list[tuple[Choice, ...]] = []
        """Distinct choices of ECMP."""
        self.rows: list[Row] = []
        self.undeclared: set[tuple[int, int]] = set()
        self.visited = 0
        self.constant, self.combined = cache(self._constant), cache(self._combined)
        self.cuts = cache(self._cuts)
        self._several: dict[tuple[int, ...], int] = {}
        self._named: dict[tuple[Direction, frozenset[int]], frozenset[Cut]] = {}
        self._rows: dict[Row, int] = {}
        self._owners: dict[int, list[dict[int, Ranges]]] = {}
        nodes = range(len(network.fabric.nodes))
        self.reached = network.underlay.all_lengths() >= 0
        self.homes = np.array(
            [e.index * len(nodes) + v for e in network.endpoints for v in (e.vtep, *e.also_at)]
        )
        """Where endpoints live: number of the endpoint × nodes + VTEP."""
        self.members: dict[int, list[Endpoint]] = {}
        for endpoint in network.endpoints:
            self.members.setdefault(endpoint.vrf, []).append(endpoint)

    def regions(self, only: Iterable[int] | None = None) -> Regions:
        """The regions of all endpoints, or of these as senders."""
        wanted = None if only is None else set(only)
        maps: dict[bytes, int] = {}
        sources: list[Sender] = []
        for vrf, members in self.members.items():
            senders = [e for e in members if wanted is None or e.index in wanted]
            for version in (4, 6) if senders else ():
                for endpoint, ranges, rows in Sending(self, vrf, version, senders).sources():
                    number = maps.setdefault(rows.tobytes(), len(maps))
                    sources.append(Sender(endpoint, version, ranges, number))
        sources.sort(key=lambda source: source[:2])
        vrfs = [vrf.name for vrf in self.network.vrfs]
        of = [np.frombuffer(key, np.int64) for key in maps]
        lists = [[self.rows[row] for row in found.tolist()] for found in of]
        every = vrfs, self._parties(), self._boxes(), lists, sources, self.space.fields
        return Regions(*every).with_rows(Numbered(self.rows, of))

    def entries(self, endpoint: Endpoint) -> list[int]:
        """Where what an endpoint sends comes in: at its VTEPs that stand, not at those of second
        choice while there are others; at any of them where none stands."""
        every = [endpoint.vtep, *endpoint.also_at]
        if len(every) == 1:
            return every
        standing = [v for v in every if v not in self.network.fabric.down_nodes]
        first = [v for v in standing if v not in endpoint.backups]
        return first or standing or every

    def named(self, direction: Direction, endpoints: Iterable[int]) -> frozenset[Cut]:
        """The cuts of prefixes that rules about these endpoints name."""
        kinds = {self.decisions.groups(direction, index)[1]: index for index in endpoints}
        key = direction, frozenset(kinds)
        if key not in self._named:
            found = (self.cuts(direction, index) for index in kinds.values())
            self._named[key] = frozenset[Cut]().union(*found)
        return self._named[key]

    def _cuts(self, direction: Direction, endpoint: int) -> frozenset[Cut]:
        groups, _ = self.decisions.groups(direction, endpoint)
        numbers = (number for group in groups for number in group.rules)
        return frozenset(cuts_of(map(self.policy.rules.__getitem__, numbers)))

    def row(self, row: Row) -> int:
        """Its number in `rows`."""
        if row not in self._rows:
            self._rows[row] = len(self.rows)
            self.rows.append(row)
        return self._rows[row]

    def code(self, profile: Any, endpoint: Any, vrf: Any) -> Any:
        """One number for a choice, or for each of several."""
        ends, vrfs = len(self.network.endpoints) + 1, len(self.network.vrfs) + 1
        return (profile * ends + endpoint + 1) * vrfs + vrf + 1

    def together(self, codes: list[int]) -> int:
        """The number in `several` of these choices."""
        key = tuple(codes)
        if key not in self._several:
            ends, vrfs = len(self.network.endpoints) + 1, len(self.network.vrfs) + 1
            split = [(*divmod(code // vrfs, ends), code % vrfs) for code in key]
            self._several[key] = len(self.several)
            self.several.append(tuple(Choice(p, e - 1, v - 1) for p, e, v in split))
        return self._several[key]

    def _constant(self, reason: str) -> int:
        return self._number(np.full(self.space.size, self.names.index(reason), np.int16))

    def _combined(self, out: int, then: int, src: int, dst: int) -> int:
        """The profile of the sender's decision, then the receiver's, or -1 - a reason of being
        dropped on the way; between these VRFs."""
        first = self.decisions.made[out]
        if then < 0:
            return self._number(np.where(first.passes, np.int16(-1 - then), first.reasons))
        second = self.decisions.made[then]
        reasons = np.where(first.passes, second.reasons, first.reasons)
        asks = first.passes & (first.reasons != DELIVERED) & (second.reasons == DELIVERED)
        reasons = np.where(asks, first.reasons, reasons)
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
            self._owned_in(version)[endpoint.vrf].get(endpoint.index, ()) for version in (4, 6)
        )
        return four, six

    def _owned_in(self, version: int) -> list[dict[int, Ranges]]:
        """Per VRF the addresses of each endpoint."""
        if version not in self._owners:
            found = self._owners[version] = []
            for vrf in range(len(self.network.vrfs)):
                axis = self.where.axis(vrf, version)
                mine: dict[int, list[tuple[int, int]]] = {}
                owners = self.where.owners(vrf, axis).tolist()
                for one, owner in zip(axis.ranges(), owners, strict=True):
                    if owner >= 0:
                        mine.setdefault(owner, []).append(one)
                found.append({owner: union(ranges) for owner, ranges in mine.items()})
        return self._owners[version]
