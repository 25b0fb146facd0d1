"""The definition (`compiler.policy.semantics`, `tests/naive.py`) as formulas over bit vectors, for
z3.

Straight from policy objects and routes: no compiler, no atoms. A formula stands for all packets.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import z3
from naive import Header, entries

from compiler.policy.ir import (
    Action,
    Cidr,
    Direction,
    Everyone,
    InVrf,
    Matcher,
    Policy,
    Rule,
    Selection,
    Stage,
)
from compiler.policy.selectors import selects
from compiler.policy.stages import To
from fabric.building.network import Network
from fabric.values.inventory import Endpoint, Prefix
from fabric.values.ports import ANY, WITH_PORTS
from sim.diff.changes import ChangedRegion

Formula = Any
WIDTH = {4: 32, 6: 128}


class Symbols(NamedTuple):
    """A packet nobody has chosen yet."""

    version: int
    src: Formula
    dst: Formula
    protocol: Formula
    sport: Formula
    dport: Formula

    @staticmethod
    def of(version: int) -> Symbols:
        names = (("src", WIDTH[version]), ("dst", WIDTH[version]), ("protocol", 8), ("sport", 16),
                 ("dport", 16))  # fmt: skip
        return Symbols(version, *(z3.BitVec(name, bits) for name, bits in names))

    def real(self) -> Formula:
        """Protocols without ports have port 0."""
        ported = z3.Or(*(self.protocol == p for p in WITH_PORTS))
        return z3.Or(ported, z3.And(self.sport == 0, self.dport == 0))

    def chosen(self, solver: Any) -> Header:
        """A packet that satisfies what the solver holds."""
        model = solver.model()
        values = (model.eval(x, model_completion=True).as_long() for x in self[1:])
        return Header(self.version, *values)


def between(x: Formula, first: int, last: int) -> Formula:
    return z3.And(z3.UGE(x, first), z3.ULE(x, last))


def inside(x: Formula, prefix: Prefix) -> Formula:
    return between(x, int(prefix.network_address), int(prefix.broadcast_address))


def owns(network: Network, vrf: int, version: int, ip: Formula) -> list[tuple[Endpoint, Formula]]:
    """When each endpoint of a VRF owns an address: the longest prefix, then the first."""
    claims = sorted(
        (-p.prefixlen, e.index, p)
        for e in network.endpoints
        for p in e.prefixes
        if e.vrf == vrf and p.version == version
    )
    found, taken = [], z3.BoolVal(False)
    for _, index, prefix in claims:
        found.append((network.endpoints[index], z3.And(inside(ip, prefix), z3.Not(taken))))
        taken = z3.Or(taken, inside(ip, prefix))
    return found


def permits(
    policy: Policy, network: Network, direction: Direction, local: int, vrf: int, p: Symbols
) -> Formula:
    """When one end permits; the remote is behind VRF `vrf`."""
    remote = p.dst if direction is Direction.OUT else p.src
    owners = owns(network, vrf, p.version, remote)
    end = network.endpoints[local]
    out: Formula = z3.BoolVal(True)
    after: dict[To | str, Formula] = {}
    for stage in reversed(policy.stages):
        rules = sorted(
            (r for r in policy.rules if _concerns(r, stage, direction, end, network)),
            key=lambda r: (stage.rank(r.action), r.order),
        )
        chosen = [s for s in policy.selections if _concerns(s, stage, direction, end, network)]
        if not rules and not chosen and stage.silent:
            after[stage.name] = out
            continue
        said = [s.default for s in chosen] or [stage.default]
        goes: dict[To | str, Formula] = {
            To.NEXT: out,
            To.END: z3.BoolVal(True),
            To.DROP: z3.BoolVal(False),
        }
        does = {d.action: (goes | after)[d.to] for d in stage.does}
        out = does[Action.DENY if Action.DENY in said else said[0]]
        for rule in reversed(rules):
            peer = z3.Or(*(_peer(m, network, vrf, p.version, remote, owners) for m in rule.remote))
            ports = z3.Or(*(_ports(l4, p) for l4 in rule.l4)) if rule.l4 else z3.BoolVal(True)
            out = z3.If(z3.And(peer, ports), does[rule.action], out)
        after[stage.name] = out
    return out


def _concerns(
    item: Rule | Selection, stage: Stage, direction: Direction, end: Endpoint, network: Network
) -> bool:
    return (item.stage, item.direction) == (stage, direction) and any(
        selects(m, end, network) for m in item.local
    )


def _peer(
    matcher: Matcher, network: Network, vrf: int, version: int, ip: Formula, owners: Any
) -> Formula:
    match matcher:
        case Everyone():
            return z3.BoolVal(True)
        case InVrf(vrfs, None):
            return z3.BoolVal(network.vrfs[vrf].name in vrfs)
        case Cidr(prefix, (), True):
            return inside(ip, prefix) if prefix.version == version else z3.BoolVal(False)
        case _:
            return z3.Or(*(when for end, when in owners if selects(matcher, end, network)))


def _ports(l4: Any, p: Symbols) -> Formula:
    return z3.And(
        z3.BoolVal(True) if l4.protocol == ANY else p.protocol == l4.protocol,
        between(p.sport, l4.source_first, l4.source_last),
        between(p.dport, l4.first, l4.last),
    )


def lies(region: ChangedRegion, network: Network, local: str, vrf: int, p: Symbols) -> Formula:
    """When a packet of an endpoint lies in a region."""
    remote = p.dst if region.direction is Direction.OUT else p.src
    if local not in region.endpoints:
        return z3.BoolVal(False)
    spans = [
        between(remote, *span)
        for m in region.remotes
        if network.vrfs[vrf].name in m.vrfs
        for span in (m.v4 if p.version == 4 else m.v6)
    ]
    boxes = [
        z3.And(between(p.protocol, *b.protocols), between(p.sport, *b.sport),
               between(p.dport, *b.dport))
        for b in region.ports
    ]  # fmt: skip
    return z3.And(z3.Or(*spans), z3.Or(*boxes))


def taken(network: Network, vtep: int, vrf: int, p: Symbols, ip: Formula) -> list[Any]:
    """Routes of an instance, and when an address takes each."""
    found, before = [], z3.BoolVal(False)
    rows = network.fib.routes(vtep, vrf)
    for route in sorted(rows, key=lambda r: -r.prefix.prefixlen):
        if route.prefix.version == p.version:
            here = inside(ip, route.prefix)
            found.append((route, z3.And(here, z3.Not(before))))
            before = z3.Or(before, here)
    return found


def delivered(policy: Policy, network: Network, a: int, b: int, p: Symbols) -> Formula:
    """When a packet from an endpoint of VRF `a` may arrive at one of VRF `b`, for some choice."""
    ways = []
    for source, sent in owns(network, a, p.version, p.src):
        ways += [
            z3.And(sent, goes, _arrives(policy, network, (source, entry), hop, p))
            for entry in entries(network, source)
            for route, goes in taken(network, entry, a, p, p.dst)
            for hop in route.nexthops
            if hop.vrf == b and network.underlay.reachable(entry, hop.vtep)
        ]
    return z3.Or(*ways)


def _arrives(
    policy: Policy, network: Network, sent: tuple[Endpoint, int], hop: Any, p: Symbols
) -> Formula:
    """When what came in at a VTEP arrives by a next hop."""
    (source, entry), ways = sent, []
    out = permits(policy, network, Direction.OUT, source.index, hop.vrf, p)
    for target, bound in owns(network, hop.vrf, p.version, p.dst):
        if hop.vtep in target.vteps:
            stays = z3.Not(_led_on(network, (hop.vtep, hop.vrf), p, p.dst))
            stays = z3.And(stays, z3.Not(_led_on(network, (entry, source.vrf), p, p.src)))
            arrives = _accepted(policy, network, sent, (target, hop.vtep), p)
            ways.append(z3.And(out, stays, bound, arrives))
    return z3.Or(*ways)


def _led_on(network: Network, home: tuple[int, int], p: Symbols, ip: Formula) -> Formula:
    """When a VTEP has a route away for an address of one of its VRFs."""
    return z3.Or(
        *(
            taking
            for route, taking in taken(network, *home, p, ip)
            if home not in [(h.vtep, h.vrf) for h in route.nexthops]
        )
    )


def _accepted(
    policy: Policy,
    network: Network,
    sent: tuple[Endpoint, int],
    to: tuple[Endpoint, int],
    p: Symbols,
) -> Formula:
    (source, entry), (target, vtep), ways = sent, to, []
    for route, back in taken(network, vtep, target.vrf, p, p.src):
        behind = [h.vrf for h in sorted(route.nexthops) if h.vtep == entry]
        if behind:
            seen = source.vrf if source.vrf in behind else behind[0]
            into = permits(policy, network, Direction.IN, target.index, seen, p)
            ways.append(z3.And(back, into))
    return z3.Or(*ways)
