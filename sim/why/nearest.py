"""What came closest to allowing a packet that was denied, and on which field it fails.

Rules are asked one by one with the words of `compiler.policy.semantics`, so that rules which
compile to nothing (a selector that selects nobody) are still candidates.

A candidate is a permitting rule of the stage that denied. It fails on `endpoint` (it is about
others than this one), `peer` or `port`, or several; where only what else the packet carries is
wrong, on the names of these fields. Fewer failures are nearer; a policy about few
endpoints is nearer than one about many, because it was written for this one. What tenants and zones
may do among themselves comes last: nobody would change that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address

from compiler.passes.resolve import Resolver, resolver_of
from compiler.policy.fields import shown
from compiler.policy.ir import L4, Action, Direction, Origin, Packet, Rule, Selection, Stage
from compiler.policy.selectors import selects
from compiler.policy.semantics import l4_matches, owners, remote_matches
from compiler.policy.stages import Owner
from fabric.values.ports import WITH_PORTS, PortRange, name_of
from sim.worlds.world import World

FIELDS = ("endpoint", "peer", "port")


@dataclass(frozen=True, slots=True)
class Near:
    """A rule, and the fields on which it does not match."""

    rule: Rule
    fails: tuple[str, ...]

    def __str__(self) -> str:
        where = f" ({self.rule.origin.span})" if self.rule.origin.span else ""
        return f"{title(self.rule.origin)}{where} fails on {' and '.join(self.fails)}"


def nearest(world: World, packet: Packet, stage: Stage) -> Near | None:
    """The closest permit of a stage for a packet that no permit of it matches."""
    network = world.network
    local = network.endpoints[packet.local]
    remotes = owners(network, packet.remote_vrf, packet.version, packet.remote_ip) or (None,)
    nearest_first: dict[tuple[bool, int], list[tuple[bool, Near]]] = {}
    for rule in world.once(_permits).get((stage, packet.direction), ()):
        here = any(selects(m, local, network) for m in rule.local)
        if not here and stage.owner is Owner.CLUSTER:
            continue
        plain = [replace(l4, fields=()) for l4 in rule.l4]
        peer, there = max(
            (
                any(remote_matches(m, packet, local, remote, network) for m in rule.remote),
                [l4_matches(l4, packet, local, remote) for l4 in plain],
            )
            for remote in remotes
        )
        port = not rule.l4 or any(there)
        fails = tuple(f for f, good in zip(FIELDS, (here, peer, port), strict=True) if not good)
        fails += carried([l4 for l4, good in zip(rule.l4, there, strict=True) if good], packet)
        if not fails:
            continue
        rank = rule.origin.kind.own, len(fails)
        nearest_first.setdefault(rank, []).append((here, Near(rule, fails)))
    if not nearest_first:
        return None
    alike = nearest_first[min(nearest_first)]
    if len(alike) == 1:
        return alike[0][1]
    everybody = len(network.endpoints)
    ranked = (
        (breadth(world, near.rule) if here else everybody, "peer" in near.fails, number)
        for number, (here, near) in enumerate(alike)
    )
    return alike[min(ranked)[2]][1]


def _permits(world: World) -> dict[tuple[Stage, Direction], list[Rule]]:
    """Permitting rules by their stage and direction, in order."""
    found: dict[tuple[Stage, Direction], list[Rule]] = defaultdict(list)
    for rule in world.program.policy.rules:
        if rule.action is not Action.DENY:
            found[rule.stage, rule.direction].append(rule)
    return found


def carried(ranges: Sequence[L4], packet: Packet) -> tuple[str, ...]:
    """The further fields on which all of these ranges fail, those of the one that fails on
    fewest."""
    wrong = [[w.name for w in l4.fields if not w.holds(packet.fields)] for l4 in ranges]
    fewest = sorted(wrong, key=len)[:1]
    return tuple(dict.fromkeys(name for names in fewest for name in names))


def breadth(world: World, item: Rule | Selection) -> int:
    """How many endpoints a rule or selection is about."""
    return len(world.once(_resolver).locals(item.local))


def _resolver(world: World) -> Resolver:
    return resolver_of(world.network, world.program.policy.stages)


def selecting(world: World, packet: Packet, stage: Stage) -> list[Selection]:
    """What makes the stage deny by default for this endpoint, the narrowest first."""
    network, program = world.network, world.program
    local = network.endpoints[packet.local]
    found = [
        s
        for s in program.policy.selections
        if (s.stage, s.direction, s.default) == (stage, packet.direction, Action.DENY)
        and any(selects(m, local, network) for m in s.local)
    ]
    return sorted(found, key=lambda s: breadth(world, s))


def title(origin: Origin) -> str:
    """The kind and name of a cause, without its place."""
    rule = "" if origin.rule is None else f" rule {origin.rule}"
    return f"{origin.kind} {origin.name}{rule}"


def wanted(packet: Packet) -> str:
    """What a rule would have to match, in a few words."""
    ip = (IPv4Address if packet.version == 4 else IPv6Address)(packet.remote_ip)
    port = str(PortRange(packet.protocol, packet.dport, packet.dport))
    if packet.protocol not in WITH_PORTS:
        port = name_of(packet.protocol, packet.version)
    way = "to" if packet.direction is Direction.OUT else "from"
    return f"{way} {ip} on {port}{shown(packet.fields)}"
