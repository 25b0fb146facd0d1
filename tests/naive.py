"""The whole datapath, slowly: one packet, straight from the policy objects and the routes.

The twin of `sim.proof.reachability` and `compiler.program.walk`: no atoms, no tables, no program.
Each outcome is one choice that ECMP may make.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from compiler.policy.fields import Values
from compiler.policy.ir import Cidr, Direction, Packet, Policy, Verdict
from compiler.policy.semantics import decide, owners
from fabric.inventory import Endpoint
from fabric.network import Network
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
    reason: Reason
    dst: int
    hop: tuple[int, int] | None = None


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
    if leads_on(network, source.vtep, source.vrf, header.version, header.src):
        return [Outcome(Reason.SPOOF_DROP, -1)]
    route = network.fib.lookup(source.vtep, source.vrf, header.version, header.dst)
    if route is None:
        return [Outcome(Reason.NO_ROUTE_DROP, -1)]
    return [
        _through(policy, network, src, header, hop.vtep, hop.vrf, judge) for hop in route.nexthops
    ]


def _through(
    policy: Policy, network: Network, src: int, header: Header, vtep: int, vrf: int, judge: Judge
) -> Outcome:
    source, hop = network.endpoints[src], (vtep, vrf)
    l4 = header[3:]
    out = judge(policy, network, Packet(Direction.OUT, src, header.version, header.dst, vrf, *l4))
    if out.stage is not None:
        return Outcome(reasons(policy.stages).of[out.stage], -1, hop)
    if not network.underlay.reachable(source.vtep, vtep):
        return Outcome(Reason.UNDERLAY_DROP, -1, hop)
    if leads_on(network, vtep, vrf, header.version, header.dst):
        return Outcome(Reason.HAIRPIN_DROP, -1, hop)
    there = owners(network, vrf, header.version, header.dst)
    target = next((end for end in there if end.vtep == vtep), None)
    if target is None:
        return Outcome(Reason.ENI_MISS_DROP, -1, hop)
    back = network.fib.lookup(vtep, vrf, header.version, header.src)
    vrfs = [h.vrf for h in sorted(back.nexthops) if h.vtep == source.vtep] if back else []
    if not vrfs:
        return Outcome(Reason.PA_VALIDATION_DROP, target.index, hop)
    seen = source.vrf if source.vrf in vrfs else vrfs[0]
    into = judge(
        policy, network, Packet(Direction.IN, target.index, header.version, header.src, seen, *l4)
    )
    if into.stage is not None:
        return Outcome(reasons(policy.stages).of[into.stage], target.index, hop)
    return Outcome(Reason.DELIVERED, target.index, hop)


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
    an address that the other end has a route for into somebody else's VRF is somebody else's, and
    so is one of either end that its own VTEP has a route away for."""
    if target not in owners(network, target.vrf, version, dst):
        return False
    for end, ip in ((source, src), (target, dst)):
        wide = any(p.num_addresses > 1 for p in end.prefixes)
        if wide and leads_on(network, end.vtep, end.vrf, version, ip):
            return False
    for mine, other, ip in ((target, source, dst), (source, target, src)):
        route = network.fib.lookup(other.vtep, other.vrf, version, ip)
        wide = any(p.num_addresses > 1 for p in mine.prefixes)
        if wide and route and all(hop.vrf != mine.vrf for hop in route.nexthops):
            return False
    return True
