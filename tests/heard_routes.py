"""The routes of a network, worked out by hand from what is announced, cabled and up. No FIB, no
converged underlay; everything is looked for anew, in plain lists:

* who reaches whose loopback: announcements of eBGP from neighbour to neighbour (RFC 4271 §9.1),
  until nobody hears anything new; `lengths`;
* which routes a VTEP has for a VRF: those that carry a route target that the VRF imports (RFC 4364
  §4.3.1) and whose next hop it reaches (RFC 4271 §9.1.2.1); `has`;
* which of them answers for an address: of the longest prefix (RFC 4632 §5.1) its own, else those
  over the shortest AS path, all that are equally short; who is a second choice says his number
  ten times more; `look_up`;
* at which of its borders what an endpoint sends comes in: those that are up, and of these not a
  second choice if there is another; `entries`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from fabric.building.network import Network
from fabric.control.evpn import Type5Route
from fabric.values.inventory import Endpoint
from fabric.wiring.topology import Role

Hop = tuple[int, int]
"""A VTEP and a VRF there."""
Lengths = dict[tuple[int, int], int]
WIDTHS = {4: 32, 6: 128}


class Announced(NamedTuple):
    """A route as whoever has it announces it: of `vrf` at `vtep`."""

    version: int
    first: int
    length: int
    targets: frozenset[str]
    vtep: int
    vrf: int
    more: int

    def holds(self, version: int, ip: int) -> bool:
        host = WIDTHS[self.version] - self.length
        return self.version == version and ip >> host == self.first >> host


class Routes:
    """Those of a network of which `down` nodes and cables have failed, by name."""

    def __init__(self, network: Network, down: Sequence[str] = ()) -> None:
        self.network = network
        fabric = network.fabric
        self.down_nodes = {n.index for n in fabric.nodes if n.name in down}
        self.down_links = {x.index for x in fabric.links if x.name in down}
        self._found: dict[tuple[int, int, int, int], tuple[Hop, ...]] = {}

    @cached_property
    def lengths(self) -> Lengths:
        """How many AS hops it is from a node to a loopback that it has a route for."""
        out: Lengths = {}
        ends = {vtep for e in self.network.endpoints for vtep in e.vteps}
        for origin in sorted(ends | self._announcers):
            if origin not in self.down_nodes:
                out |= {(node, origin): n for node, n in self._heard(origin).items()}
        return out

    @cached_property
    def _announcers(self) -> set[int]:
        return {route.vtep for route in self.announced}

    @cached_property
    def _sessions(self) -> list[tuple[int, int, int]]:
        """(who hears, at which port, from whom) of every session that is up."""
        network, found = self.network, []
        for link in network.fabric.links:
            ends = {link.a, link.b}
            hosts = {n for n in ends if network.fabric.nodes[n].role is Role.HOST}
            if hosts or link.index in self.down_links or ends & self.down_nodes:
                continue
            if network.plan.asn[link.a] != network.plan.asn[link.b]:
                ports = int(link.a_port.removeprefix("swp")), int(link.b_port.removeprefix("swp"))
                found += [(link.a, ports[0], link.b), (link.b, ports[1], link.a)]
        return found

    def _heard(self, origin: int) -> dict[int, int]:
        """Lengths of everybody's best AS path to one loopback: announcements go round until nobody
        changes his mind. Whoever finds himself on a path does not believe it; a DPU announces
        nothing but itself; of the shortest paths that from the lowest router, and there by the
        lowest port, is told on."""
        plan, nodes = self.network.plan, self.network.fabric.nodes
        best: dict[int, tuple[int, ...]] = {origin: ()}
        while True:
            heard: dict[int, list[tuple[int, int, int, tuple[int, ...]]]] = {}
            for node, port, peer in self._sessions:
                told = best.get(peer)
                silent = nodes[peer].role is Role.DPU and peer != origin
                if node == origin or told is None or silent:
                    continue
                path = (plan.asn[peer], *told)
                if plan.asn[node] not in path:
                    heard.setdefault(node, []).append((len(path), plan.loopback[peer], port, path))
            after = {node: min(paths)[3] for node, paths in heard.items()} | {origin: ()}
            if after == best:
                return {node: len(path) for node, path in best.items()}
            best = after

    @cached_property
    def announced(self) -> list[Announced]:
        """Every route that is announced, by whoever is up or not."""
        return [
            Announced(
                route.prefix.version,
                int(route.prefix.network_address),
                route.prefix.prefixlen,
                frozenset(route.rts),
                route.vtep,
                route.vrf,
                10 if self._second(route) else 0,
            )
            for route in self.network.routes
        ]

    def _second(self, route: Type5Route) -> bool:
        """Whether all who have this prefix here, or else addresses in it, say so; of a default
        route that nobody has here, who is first in the zone."""
        there = [e for e in self.network.endpoints if e.vrf == route.vrf]
        here = [e for e in there if route.vtep in e.vteps]
        mine = [e for e in here if route.prefix in e.prefixes]
        if not mine and route.prefix.prefixlen == 0:
            return route.vtep in there[0].backups
        mine = mine or [
            e
            for e in here
            for p in e.prefixes
            if p.version == route.prefix.version and p.overlaps(route.prefix)
        ]
        return bool(mine) and all(route.vtep in e.backups for e in mine)

    def entries(self, end: Endpoint) -> list[int]:
        """The VTEPs at which what an endpoint sends may come in."""
        up = [vtep for vtep in end.vteps if vtep not in self.down_nodes]
        first = [vtep for vtep in up if vtep not in end.backups]
        return first or up or list(end.vteps)

    @cached_property
    def imports(self) -> dict[int, set[str]]:
        """Route targets by VRF: its own, what others offer it, and those that it writes down."""
        network = self.network
        out: dict[int, set[str]] = {}
        for vrf in network.vrfs:
            mine = {network.plan.native_rt[vrf.index]}
            for intent in network.intents:
                offers = [o for o in intent.offers if o.importer == vrf.name]
                mine |= {network.plan.intent_rt[o.key] for o in offers}
            tenant = network.spec.tenants.get(vrf.tenant)
            written = tenant.vrfs.get(vrf.name.partition("/")[2]) if tenant else None
            out[vrf.index] = mine | {*(written.import_rts if written else ())}
        return out

    @cached_property
    def has(self) -> dict[Hop, list[Announced]]:
        """The routes that each VTEP has in each of its VRFs, longest prefixes first."""
        places = {(vtep, e.vrf) for e in self.network.endpoints for vtep in e.vteps}
        places |= {(route.vtep, route.vrf) for route in self.announced}
        return {
            (vtep, vrf): sorted(
                (
                    route
                    for route in self.announced
                    if route.targets & self.imports[vrf] and (vtep, route.vtep) in self.lengths
                ),
                key=lambda route: -route.length,
            )
            for vtep, vrf in places
        }

    def look_up(self, vtep: int, vrf: int, version: int, ip: int) -> tuple[Hop, ...]:
        """Where a VTEP sends what is for an address in one of its VRFs; nowhere without a route."""
        key = vtep, vrf, version, ip
        if key not in self._found:
            mine = [r for r in self.has.get((vtep, vrf), ()) if r.holds(version, ip)]
            longest = [r for r in mine if r.length == mine[0].length]
            own = [r for r in longest if (r.vtep, r.vrf) == (vtep, vrf)]
            far = {r: self.lengths[vtep, r.vtep] + r.more for r in longest}
            close = own or [r for r in longest if far[r] == min(far.values())]
            self._found[key] = tuple(sorted({(r.vtep, r.vrf) for r in close}))
        return self._found[key]

    def elsewhere(self, vtep: int, vrf: int, version: int, ip: int) -> bool:
        """Whether a VTEP's own route for an address leads away from there."""
        hops = self.look_up(vtep, vrf, version, ip)
        return bool(hops) and (vtep, vrf) not in hops
