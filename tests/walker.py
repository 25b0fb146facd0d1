"""A packet carried by hand: from the definition of policy, the routes that are announced, and what
is cabled and up. No blocks, no atoms, no FIB, no converged underlay.

Everything is looked for anew, in plain lists:

* who reaches whose loopback: announcements of eBGP from neighbour to neighbour (RFC 4271 §9.1),
  until nobody hears anything new; `reaches`;
* which routes a VTEP has for a VRF: those that carry a route target that the VRF imports (RFC 4364
  §4.3.1) and whose next hop it reaches (RFC 4271 §9.1.2.1); `has`;
* which of them answers for an address: of the longest prefix (RFC 4632 §5.1) its own, else those
  over the shortest AS path, all that are equally short; who is a second choice says his number
  ten times more; `look_up`;
* at which of its borders what an endpoint sends comes in: those that are up, and of these not a
  second choice if there is another; `entries`;
* who takes a packet out of a tunnel looks it up again (RFC 9136 §4.4.1), and sends it on where its
  VRF permits hairpins, as long as the packet's TTL lasts (RFC 1812 §5.3.1); `_ways`;
* what endpoints may send and get: `compiler.policy.semantics.decide`; `outcomes`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from naive import Header, Outcome, numbered

from compiler.policy.ir import Cidr, Direction, InVrf, Packet, Policy
from compiler.policy.selectors import selects
from compiler.policy.semantics import decide
from fabric.control.evpn import Type5Route
from fabric.inventory import Endpoint, Prefix
from fabric.network import Network
from fabric.topology import Role
from sim.packets.reasons import Reason, reasons

Hop = tuple[int, int]
"""A VTEP and a VRF there."""
Lengths = dict[tuple[int, int], int]
WIDTHS = {4: 32, 6: 128}
TTL = 64


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


@dataclass(frozen=True)
class Way:
    """Where choices of ECMP take a packet: over a first hop to a last one. `reason` is what ends it
    there, if its sender's policy lets it out; `seen` is the VRF from which the receiver sees it
    come. Without a hop there is no route, or nobody may send that."""

    hop: Hop | None
    reason: Reason | None
    target: int
    seen: int
    last: Hop = (-1, -1)


class Judge:
    """The definition of policy, asked about each packet once. Which endpoints there are and what
    they may does not depend on what is down, so one of these serves all failures."""

    def __init__(self, policy: Policy, network: Network) -> None:
        self.policy, self.network = policy, network
        self.of_stage = reasons(policy.stages).of
        self._about: dict[tuple[Direction, int], Policy] = {}
        self._said: dict[Packet, Reason | None] = {}

    def drops(self, packet: Packet) -> Reason | None:
        """For what reason, or None if it is permitted."""
        if packet not in self._said:
            about = self._about_end(packet.direction, packet.local)
            stage = decide(about, self.network, packet).stage
            self._said[packet] = None if stage is None else self.of_stage[stage]
        return self._said[packet]

    def _about_end(self, direction: Direction, end: int) -> Policy:
        """The rules that are about one end of packets in one direction."""
        if (direction, end) not in self._about:
            local = self.network.endpoints[end]
            rules, selections = (
                tuple(
                    item
                    for item in items
                    if item.direction is direction
                    and any(selects(m, local, self.network) for m in item.local)
                )
                for items in (self.policy.rules, self.policy.selections)
            )
            self._about[direction, end] = Policy(rules, selections, self.policy.stages)
        return self._about[direction, end]


class Walker:
    """Packets in a network of which `down` nodes and cables have failed, by name."""

    def __init__(self, network: Network, judge: Judge, down: Sequence[str] = ()) -> None:
        self.network, self.judge = network, judge
        fabric = network.fabric
        self.down_nodes = {n.index for n in fabric.nodes if n.name in down}
        self.down_links = {x.index for x in fabric.links if x.name in down}
        self._found: dict[tuple[int, int, int, int], tuple[Hop, ...]] = {}
        self._owners: dict[tuple[int, int, int], Endpoint | None] = {}

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
        """Whether all who have this prefix here, or else addresses in it, say so."""
        here = [e for e in self.network.endpoints if e.vrf == route.vrf and route.vtep in e.vteps]
        mine = [e for e in here if route.prefix in e.prefixes] or [
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

    def owner(self, vrf: int, version: int, ip: int) -> Endpoint | None:
        """Whose an address is: of the longest prefix around it, and of these the first."""
        key = vrf, version, ip
        if key not in self._owners:
            host, ends = WIDTHS[version], self.network.endpoints
            found = [
                (-p.prefixlen, e.index)
                for e in ends
                if e.vrf == vrf
                for p in e.prefixes
                if p.version == version
                and ip >> (host - p.prefixlen) == int(p.network_address) >> (host - p.prefixlen)
            ]
            self._owners[key] = ends[min(found)[1]] if found else None
        return self._owners[key]

    def ways(self, source: Endpoint, version: int, src: int, dst: int) -> list[Way]:
        """What becomes of a packet that its sender's policy lets out, by where it comes in and by
        next hop. It may send from its own addresses, that the VTEP does not have elsewhere."""
        found = []
        for entry in self.entries(source):
            home = entry, source.vrf
            if self.elsewhere(*home, version, src):
                found.append(Way(None, Reason.SPOOF_DROP, -1, -1))
                continue
            hops = self.look_up(*home, version, dst)
            found += [
                self._way(version, src, dst, hop, *end)
                for hop in hops
                for end in self.ends(home, hop, version, dst)
            ]
            found += [Way(None, Reason.NO_ROUTE_DROP, -1, -1)] if not hops else []
        return found

    def ends(
        self, home: Hop, first: Hop, version: int, dst: int
    ) -> list[tuple[Hop, Hop, Reason | None]]:
        """By which tunnels, from where to where, packets over a first hop come to their end; and
        why there, if not for want of a receiver. Everywhere that a packet may be, step by step:
        each VTEP takes one from its TTL, and passes on what has some left."""
        found: list[tuple[Hop, Hop, Reason | None]] = []
        now: list[tuple[Hop, Hop]] = [(home, first)]
        left = TTL - 1
        while now:
            then: list[tuple[Hop, Hop]] = []
            for before, here in now:
                if (before[0], here[0]) not in self.lengths:
                    found.append((before, here, Reason.UNDERLAY_DROP))
                elif left < 2:
                    found.append((first, first, Reason.TTL_DROP))
                elif not self.elsewhere(*here, version, dst):
                    found.append((before, here, None))
                elif self.network.vrfs[here[1]].hairpin:
                    then += [(here, hop) for hop in self.look_up(*here, version, dst)]
                else:
                    found.append((before, here, Reason.HAIRPIN_DROP))
            now, left = [*dict.fromkeys(then)], left - 1
        return [*dict.fromkeys(found)]

    def _way(
        self,
        version: int,
        src: int,
        dst: int,
        hop: Hop,
        before: Hop,
        last: Hop,
        reason: Reason | None,
    ) -> Way:
        if reason is not None:
            return Way(hop, reason, -1, -1, last)
        target = self.owner(last[1], version, dst)
        if target is None or last[0] not in target.vteps:
            return Way(hop, Reason.ENI_MISS_DROP, -1, -1, last)
        back = [vrf for vtep, vrf in self.look_up(*last, version, src) if vtep == before[0]]
        if not back:
            return Way(hop, Reason.PA_VALIDATION_DROP, target.index, -1, last)
        return Way(hop, None, target.index, before[1] if before[1] in back else back[0], last)

    def outcomes(self, src: int, header: Header) -> list[Outcome]:
        """What can become of a packet that endpoint `src` sends, one of these for each choice."""
        return next(self.fates(src, [header]))

    def fates(self, src: int, headers: Sequence[Header]) -> Iterator[list[Outcome]]:
        """The same of packets that differ behind their addresses alone."""
        source, (version, a, b, *_) = self.network.endpoints[src], headers[0]
        if self.owner(source.vrf, version, a) is not source:
            yield from ([Outcome(Reason.SPOOF_DROP, -1)] for _ in headers)
            return
        ways = self.ways(source, version, a, b)
        for header in headers:
            yield [self._outcome(src, header, way) for way in ways]

    def _outcome(self, src: int, header: Header, way: Way) -> Outcome:
        version, l4 = header.version, (*header[3:6], header.fields)
        if way.hop is None:
            assert way.reason is not None
            return Outcome(way.reason, -1)
        out = Packet(Direction.OUT, src, version, header.dst, way.hop[1], *l4)
        if (said := self.judge.drops(out)) is not None:
            return Outcome(said, -1, way.hop)
        if way.reason is not None:
            return Outcome(way.reason, way.target, way.hop)
        into = Packet(Direction.IN, way.target, version, header.src, way.seen, *l4)
        return Outcome(self.judge.drops(into) or Reason.DELIVERED, way.target, way.hop)

    def _foreign(self, home: Hop, version: int, ip: int, vrf: int) -> bool:
        """Whether routes lead an address into other VRFs alone."""
        hops = self.look_up(*home, version, ip)
        ends = {end[1][1] for hop in hops for end in self.ends(home, hop, version, ip)}
        return bool(ends) and vrf not in ends

    def meant(self, source: Endpoint, target: Endpoint, version: int, src: int, dst: int) -> bool:
        """Whether a packet between these addresses is one between these endpoints: of a whole
        prefix an address that the other end's routes lead into somebody else's VRF for is somebody
        else's, and so is an address of either end that its own VTEP has a route away for. Of an end
        with several VTEPs all of those say so where what it sends comes in."""
        if self.owner(target.vrf, version, dst) is not target:
            return False
        for end, ip in ((source, src), (target, dst)):
            at = self.entries(end)
            if wide(end) and all(self.elsewhere(vtep, end.vrf, version, ip) for vtep in at):
                return False
        for mine, other, ip in ((target, source, dst), (source, target, src)):
            at = [(vtep, other.vrf) for vtep in self.entries(other)] if wide(mine) else []
            if at and all(self._foreign(home, version, ip, mine.vrf) for home in at):
                return False
        return True


def wide(end: Endpoint) -> bool:
    """Whether an endpoint has more addresses than single ones."""
    return any(p.prefixlen < p.max_prefixlen for p in end.prefixes)


def told_apart(network: Network, policy: Policy) -> dict[int, list[int]]:
    """By IP version an address of each range that an endpoint, a route or a rule begins or ends."""
    prefixes: set[Prefix] = {p for e in network.endpoints for p in e.prefixes}
    prefixes |= {route.prefix for route in network.routes}
    for matcher in (m for rule in policy.rules for m in rule.remote):
        if isinstance(matcher, Cidr):
            prefixes.add(matcher.prefix)
        elif isinstance(matcher, InVrf):
            prefixes |= {*(matcher.prefixes or ())}
    out = {}
    for version, host in WIDTHS.items():
        mine = [p for p in prefixes if p.version == version]
        ends = {int(p.network_address) for p in mine} | {0}
        ends |= {int(p.broadcast_address) + 1 for p in mine}
        out[version] = sorted(x for x in ends if x < 1 << host)
    return out


Key = tuple[int, int, int, int]
"""Source, destination, IP version, number of the L4 header."""
Pairs = set[tuple[int, int]]


def all_packets(
    walker: Walker, axes: dict[int, list[int]], asked: Pairs | None = None
) -> tuple[set[Key], set[Key]]:
    """Who may get what from whom, and who surely gets all of it, whatever its addresses; of the
    pairs that are asked for."""
    some: set[Key] = set()
    sure: dict[Key, bool] = {}
    ends = walker.network.endpoints
    if asked is None:
        asked = {(a.index, b.index) for a in ends for b in ends if a is not b}
    for source in ends:
        targets = [e for e in ends if (source.index, e.index) in asked]
        for version, axis in axes.items() if targets else ():
            for src in (x for x in axis if walker.owner(source.vrf, version, x) is source):
                for dst in axis:
                    meant = [e.index for e in targets if walker.meant(source, e, version, src, dst)]
                    headers = [Header(version, src, dst, *l4) for _, l4 in numbered(version)]
                    fates = walker.fates(source.index, headers)
                    for (number, _), found in zip(numbered(version), fates, strict=True):
                        good = {o.dst for o in found if o.reason is Reason.DELIVERED}
                        some |= {(source.index, d, version, number) for d in good}
                        for d in meant:
                            key = source.index, d, version, number
                            fine = all((o.reason, o.dst) == (Reason.DELIVERED, d) for o in found)
                            sure[key] = sure.get(key, True) and fine
    return (
        {key for key in some if key[:2] in asked},
        {key for key, fine in sure.items() if fine and key[:2] in asked},
    )
