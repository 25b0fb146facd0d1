"""A packet carried by hand: from the definition of policy and the routes that `heard_routes` works
out. No blocks, no atoms, no FIB.

* who takes a packet out of a tunnel looks it up again (RFC 9136 §4.4.1), and sends it on where its
  VRF permits hairpins, as long as the packet's TTL lasts (RFC 1812 §5.3.1); `ends`;
* what endpoints may send and get: `compiler.policy.semantics.decide`; `outcomes`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from heard_routes import WIDTHS, Hop, Routes
from naive import Header, Outcome, numbered

from compiler.policy.ir import Cidr, Direction, InVrf, Packet, Policy
from compiler.policy.selectors import selects
from compiler.policy.semantics import decide
from fabric.building.network import Network
from fabric.values.inventory import Endpoint, Prefix
from sim.packets.reasons import Reason, reasons

TTL = 64


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


class Walker(Routes):
    """Packets in a network of which `down` nodes and cables have failed, by name."""

    def __init__(self, network: Network, judge: Judge, down: Sequence[str] = ()) -> None:
        super().__init__(network, down)
        self.judge = judge
        self._owners: dict[tuple[int, int, int], Endpoint | None] = {}

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
