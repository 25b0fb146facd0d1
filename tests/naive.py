"""The whole datapath, slowly: one packet, straight from the policy objects and the routes.

The twin of `sim.proof.pairs.reachability` and `compiler.program.walk`: no atoms, no tables, no
program. Each outcome is one choice that ECMP may make.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from compiler.policy.fields import Values
from compiler.policy.ir import Cidr, Direction, Packet, Policy, Verdict
from compiler.policy.semantics import decide, owners
from fabric.building.network import Network
from fabric.values.inventory import Endpoint
from sim.packets.reasons import Reason, reasons

L4S = [(6, 1000, 80), (6, 40000, 80), (6, 40000, 81), (17, 40000, 80), (17, 1, 53), (1, 0, 0),
       (132, 40000, 443), (99, 0, 0), (6, 40000, 0), (6, 40000, 65535), (6, 1000, 0),
       (6, 1000, 81), (6, 1000, 65535), (58, 0, 0)]  # fmt: skip


def numbered(version: int) -> list[tuple[int, tuple[int, int, int]]]:
    """The L4 headers that hosts send inside an IP version, with their places in `L4S`."""
    never = {4: 58, 6: 1}[version]
    return [(i, l4) for i, l4 in enumerate(L4S) if l4[0] != never]


Judge = Callable[[Policy, Network, Packet], Verdict]


class Outcome(NamedTuple):
    """What becomes of a packet, to whom, over which first and which last hop."""

    reason: Reason
    dst: int
    hop: tuple[int, int] | None = None
    last: tuple[int, int] | None = None


class Header(NamedTuple):
    version: int
    src: int
    dst: int
    protocol: int
    sport: int
    dport: int
    fields: Values = ()


def outcomes(
    policy: Policy, network: Network, src: int, header: Header, judge: Judge = decide
) -> list[Outcome]:
    """What can become of a packet that endpoint `src` sends. `judge` is `decide`, or what answers
    the same."""
    source = network.endpoints[src]
    if source not in owners(network, source.vrf, header.version, header.src):
        return [Outcome(Reason.SPOOF_DROP, -1)]
    found = []
    for entry in entries(network, source):
        home = entry, source.vrf
        route = network.fib.lookup(*home, header.version, header.dst)
        if leads_on(network, *home, header.version, header.src):
            found.append(Outcome(Reason.SPOOF_DROP, -1))
        elif route is None:
            found.append(Outcome(Reason.NO_ROUTE_DROP, -1))
        else:
            found += [
                _through(policy, network, src, header, way, judge)
                for hop in route.nexthops
                for way in _ways(network, header, home, (hop.vtep, hop.vrf))
            ]
    return found


def entries(network: Network, end: Endpoint) -> list[int]:
    """Where what an endpoint sends comes in, in a network of which nothing is down."""
    return [v for v in end.vteps if v not in end.backups] or [*end.vteps]


def hops_of(network: Network, source: Endpoint, version: int, dst: int) -> list[Any]:
    """Next hops of what an endpoint sends, wherever it comes in; None for one without a route."""
    routes = [network.fib.lookup(v, source.vrf, version, dst) for v in entries(network, source)]
    return [hop for route in routes for hop in (route.nexthops if route else (None,))]


Hop = tuple[int, int]
"""A VTEP and a VRF there."""


class Way(NamedTuple):
    """Over which hops a packet comes: first, last but one (its source's own place), last; and why
    it gets no further, if not to an endpoint there."""

    first: Hop
    before: Hop
    last: Hop
    ends: Reason | None


def _ways(network: Network, header: Header, at: Hop, first: Hop) -> list[Way]:
    """Every way over a first hop, by all walks of as many steps as a TTL of 64 allows."""
    found: list[Way] = []
    layer = [(at, first)]
    for number in range(1, 64):
        new = set()
        for before, here in dict.fromkeys(layer):
            ends, on = None, False
            if not network.underlay.reachable(before[0], here[0]):
                ends = Reason.UNDERLAY_DROP
            elif number == 63:
                ends, before, here = Reason.TTL_DROP, first, first
            elif leads_on(network, *here, header.version, header.dst):
                on = network.vrfs[here[1]].hairpin
                ends = Reason.HAIRPIN_DROP
            if on:
                route = network.fib.lookup(*here, header.version, header.dst)
                assert route is not None
                new |= {(here, (h.vtep, h.vrf)) for h in route.nexthops}
            else:
                found.append(Way(first, before, here, ends))
        layer = sorted(new)
    return [*dict.fromkeys(found)]


def _through(
    policy: Policy, network: Network, src: int, header: Header, way: Way, judge: Judge
) -> Outcome:
    hop, (vtep, vrf) = way.first, way.last
    l4 = header[3:]
    out = judge(
        policy, network, Packet(Direction.OUT, src, header.version, header.dst, hop[1], *l4)
    )
    if out.stage is not None:
        return Outcome(reasons(policy.stages).of[out.stage], -1, hop, way.last)
    if way.ends is not None:
        return Outcome(way.ends, -1, hop, way.last)
    there = owners(network, vrf, header.version, header.dst)
    target = next((end for end in there if vtep in end.vteps), None)
    if target is None:
        return Outcome(Reason.ENI_MISS_DROP, -1, hop, way.last)
    back = network.fib.lookup(vtep, vrf, header.version, header.src)
    vrfs = [h.vrf for h in sorted(back.nexthops) if h.vtep == way.before[0]] if back else []
    if not vrfs:
        return Outcome(Reason.PA_VALIDATION_DROP, target.index, hop, way.last)
    seen = way.before[1] if way.before[1] in vrfs else vrfs[0]
    into = judge(
        policy, network, Packet(Direction.IN, target.index, header.version, header.src, seen, *l4)
    )
    if into.stage is not None:
        return Outcome(reasons(policy.stages).of[into.stage], target.index, hop, way.last)
    return Outcome(Reason.DELIVERED, target.index, hop, way.last)


def leads_on(network: Network, vtep: int, vrf: int, version: int, dst: int) -> bool:
    """Whether the routes of whoever took a packet out of a tunnel lead it away again."""
    route = network.fib.lookup(vtep, vrf, version, dst)
    return route is not None and all((h.vtep, h.vrf) != (vtep, vrf) for h in route.nexthops)


def points(network: Network, policy: Policy, version: int) -> list[int]:
    """One address of every range that an endpoint, a route or a rule begins or ends."""
    top = 2 ** (32 if version == 4 else 128)
    prefixes = {p for e in network.endpoints for p in e.prefixes}
    prefixes |= {r.prefix for rows in network.fib.tables.values() for r in rows}  # type: ignore
    prefixes |= {m.prefix for r in policy.rules for m in r.remote if isinstance(m, Cidr)}
    of_family = [p for p in prefixes if p.version == version]
    ends = {int(p.network_address) for p in of_family}
    ends |= {int(p.broadcast_address) + 1 for p in of_family}
    return sorted(x for x in {0, *ends} if x < top)


def theirs(
    network: Network, source: Endpoint, target: Endpoint, version: int, src: int, dst: int
) -> bool:
    """Whether a packet between these addresses is one between these endpoints: of a whole prefix
    an address that the other end's routes lead into somebody else's VRF for is somebody else's, and
    so is one of either end that its own VTEP has a route away for: of several, all where what it
    sends comes in."""
    if target not in owners(network, target.vrf, version, dst):
        return False
    for end, ip in ((source, src), (target, dst)):
        wide = any(p.num_addresses > 1 for p in end.prefixes)
        at = entries(network, end)
        if wide and all(leads_on(network, vtep, end.vrf, version, ip) for vtep in at):
            return False
    for mine, other, ip in ((target, source, dst), (source, target, src)):
        at = entries(network, other)
        wide = any(p.num_addresses > 1 for p in mine.prefixes)
        if wide and all(_foreign(network, (vtep, other.vrf), version, ip, mine.vrf) for vtep in at):
            return False
    return True


def _foreign(network: Network, home: Hop, version: int, ip: int, vrf: int) -> bool:
    """Whether routes lead an address into other VRFs alone."""
    route = network.fib.lookup(*home, version, ip)
    if route is None:
        return False
    header = Header(version, 0, ip, 0, 0, 0)
    hops = [(hop.vtep, hop.vrf) for hop in route.nexthops]
    return vrf not in {way.last[1] for hop in hops for way in _ways(network, header, home, hop)}
