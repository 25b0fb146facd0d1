"""Whom to blame: from a packet that should not pass (or should) to one line of the input.

An unexpected *allow* has accomplices: a route, and a permit in every group at both ends. Blamed is
a cause that is *necessary* (without it the packet would be stopped); of several, the one that most
likely said more than it meant:

1. a route that no declared intent explains (a raw route target);
2. where zone 0 is one end, the zone's rule; else a NetworkPolicy's rule, then a zone's rule;
3. a leak or peering; last the tenant's own VRF.

An unexpected *deny* has one cause, the step that stopped the packet. When that is a default, the
rule that came nearest is blamed if it fails on one field only, else the narrowest policy that
selects the endpoint, else the VRF that lacks the route. Where one VTEP is cut off from the other,
the failure is blamed, or the AS numbers for which BGP drops every path: no route could help.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from compiler.policy.ir import Action, Direction, Origin, Packet, Stage
from compiler.policy.origin_kinds import OriginKind, kind_of
from compiler.policy.stages import Owner
from compiler.program.program import Entry, Program
from compiler.program.walk import behind, walk
from fabric.building.network import Network
from fabric.diagnostics import Span
from fabric.intent.offers import Intent
from sim.packets.headers import Flow
from sim.packets.reasons import Reason
from sim.pipeline.trace import EndTrace, Trace
from sim.why.loops import loop
from sim.why.nearest import Near, nearest, selecting, title, wanted
from sim.worlds.world import World

if TYPE_CHECKING:
    from fabric.control.fib import NextHop, Route


@dataclass(frozen=True, slots=True)
class Cause:
    """Something in the input that has a part in a verdict; `part` says which."""

    title: str
    part: str
    span: Span | None = None
    kind: str = ""

    def __str__(self) -> str:
        return f"{self.title}{f' ({self.span})' if self.span else ''}: {self.part}"

    @property
    def own(self) -> bool:
        """Whether it is what tenants and zones may do among themselves."""
        return self.origin is not None and self.origin.own

    @property
    def origin(self) -> OriginKind | None:
        """The kind, where it is that of an origin of policy."""
        return self.kind if isinstance(self.kind, OriginKind) else None

    @property
    def declaration(self) -> str:
        """What a rule or route belongs to.

        >>> [Cause(t, "").declaration for t in ("NetworkPolicy web/b rule 0", "intent leak a")]
        ['NetworkPolicy web/b', 'leak a']
        """
        return re.sub(r" rule \d+$", "", self.title).removeprefix("intent ")


@dataclass(frozen=True, slots=True)
class Blame:
    """`culprit` is the line to look at first; `others` had a part too."""

    culprit: Cause
    others: tuple[Cause, ...] = ()


def blame(world: World, found: Trace, target: int | None = None) -> Blame:
    """Whom to blame for what happened to a packet that was meant for endpoint `target`, and the
    windows in which those are in force that have a part in it."""
    passed = found.reason is Reason.DELIVERED and target in (None, found.target)
    told = for_allow(world, found) if passed else for_deny(world, found, target)
    spans = {cause.span for cause in (told.culprit, *told.others)}
    return replace(told, others=(*told.others, *_windows(world.network, spans)))


def _windows(network: Network, spans: Collection[Span | None]) -> Iterator[Cause]:
    """Windows of entries that stand at these places."""
    judged = network.spec.judged_at if network.spec else None
    if judged is None:
        return
    for entry in judged.active:
        if (at := judged.whole.at(*entry.place)) is not None and at in spans:
            yield Cause(entry.title, f"is in force {entry.window}", entry.span, "window")


def for_allow(world: World, found: Trace) -> Blame:
    """The necessary permits and routes of a delivered packet, the likeliest mistake first."""
    network, program = world.network, world.program
    causes = [cause for _, cause in crossings(network, found)]
    ranked = [(0, cause) for undeclared, cause in crossings(network, found) if undeclared]
    for side in (found.out, found.into):
        for entry in _permits(program, side):
            origin = program.origins[entry.origin]
            cause = _of_origin(origin, f"permits it {_where(network, side)}")
            causes.append(cause)
            if side and not permits_without(program, side.packet, entry.origin):
                ranked.append((_rank(network, found, origin), cause))
    ranked.sort(key=lambda item: item[0])
    culprit = ranked[0][1] if ranked else (causes or [Cause("no rule", "nothing denies it")])[0]
    return Blame(culprit, tuple(c for c in dict.fromkeys(causes) if c != culprit))


def permits_without(program: Program, packet: Packet, origin: int) -> bool:
    """Whether the groups would still permit a packet if everything of one origin were gone."""
    return all(entry.action is not Action.DENY for _, entry in walk(program, packet, origin))


def _permits(program: Program, side: EndTrace | None) -> list[Entry]:
    """Entries that let the packet pass, defaults left out."""
    if side is None:
        return []
    return [
        entry
        for group, decided in side.steps
        if decided is not group.default_entry
        for entry in behind(group, decided, side.packet)
    ]


def _rank(network: Network, found: Trace, origin: Origin) -> int:
    ends = [network.endpoints[e].zone for e in (found.source, found.target) if e is not None]
    return origin.kind.suspicion[0 in ends]


def crossings(network: Network, found: Trace) -> list[tuple[bool, Cause]]:
    """Where the way there and the way back cross VRFs; True for those that no intent declares."""
    if found.source is None or found.entry is None or found.next_hop is None:
        return []
    source = network.endpoints[found.source]
    out, here = [], (found.entry, source.vrf)
    steps = found.way.steps if found.way else ()
    for route, hop in [(step.route, step.hop) for step in steps]:
        if hop.vrf != here[1]:
            out.append(_crossing(network, here, route, hop, "there"))
        here = hop.vtep, hop.vrf
    if found.back and found.outer and found.seen != here[1]:
        back = (h for h in found.back.nexthops if (h.vtep, h.vrf) == (found.outer[0], found.seen))
        out += [_crossing(network, here, found.back, hop, "back") for hop in back]
    return out


def _crossing(
    network: Network, at: tuple[int, int], route: Route, hop: NextHop, way: str
) -> tuple[bool, Cause]:
    why = network.fib.why_hop(*at, route, hop)
    names = network.vrfs[at[1]].name, network.vrfs[hop.vrf].name
    what = f"intent {why.intent}" if why.intent else f"route target {why.rt} without intent"
    text = f"brings {route.prefix} of {names[1]} into {names[0]}, the way {way}"
    return why.intent is None, Cause(what, text, why.span, "route")


def for_deny(world: World, found: Trace, target: int | None) -> Blame:
    """What stopped a packet, and what came nearest to letting it pass."""
    network, program = world.network, world.program
    if cut := _cut_off(network, found, target):
        return Blame(cut)
    undeclared = [cause for undeclared, cause in crossings(network, found) if undeclared]
    if undeclared:
        return Blame(undeclared[0], tuple(_stop(network, found, target)))
    side = found.out if found.out and found.out.reason.by_policy else found.into
    if not found.reason.by_policy or side is None:
        causes = _stop(network, found, target)
        return Blame(causes[0], tuple(causes[1:]))
    group, entry = side.steps[-1]
    origin = program.origins[entry.origin]
    denies = _of_origin(origin, f"denies it {_where(network, side)}")
    if entry is not group.default_entry and not origin.kind.closing:
        others = dict.fromkeys(program.origins[e.origin] for e in behind(group, entry, side.packet))
        others.pop(origin, None)
        where = f"denies it {_where(network, side)}"
        return Blame(denies, tuple(_of_origin(other, where) for other in others))
    near = nearest(world, side.packet, group.stage)
    policy = _narrowest(world, side, group.stage)
    return _blame_default(network, side, denies, near, policy)


def _cut_off(network: Network, found: Trace, target: int | None) -> Cause | None:
    """What keeps the VTEPs of both ends apart in the underlay, if anything does: what has failed,
    or AS numbers for which BGP drops every path."""
    if found.source is None or target is None or network.spec is None:
        return None
    for end in (network.endpoints[found.source], network.endpoints[target]):
        if len(end.vteps) > 1 and network.fabric.down_nodes.issuperset(end.vteps):
            return _all_down(network, end.vteps)
    at = found.entry if found.entry is not None else network.endpoints[found.source].vtep
    ways = [(at, there) for there in network.endpoints[target].vteps]
    for ends in (ways, [way[::-1] for way in ways]):
        if not any(network.underlay.reachable(*way) for way in ends):
            return _looped(network, *ends[0]) or _unwired(network, *ends[0])
    return None


def _all_down(network: Network, borders: Iterable[int]) -> Cause:
    """The borders of an endpoint, when none of several is up."""
    nodes = [network.fabric.nodes[number] for number in borders]
    span = network.spec.at_key("sites", nodes[0].site) if network.spec else None
    return Cause(" and ".join(node.name for node in nodes), "are down", span, "wiring")


def _looped(network: Network, here: int, there: int) -> Cause | None:
    """The AS numbers, when there is a way along the cables that BGP does not take."""
    found = loop(network, here, there)
    if found is None:
        return None
    text = f"is that of {' and of '.join(found.nodes)}: BGP drops {' - '.join(found.way)}"
    return Cause(f"AS {found.asn}", text, found.span, "wiring")


def _unwired(network: Network, here: int, there: int) -> Cause:
    """The wiring, when what has failed leaves no path."""
    fabric = network.fabric
    node = fabric.nodes[max(here, there, key=lambda n: _lost(network, n))]
    span = network.spec.at_key("sites", node.site) if network.spec else None
    if node.index in fabric.down_nodes:
        return Cause(node.name, "is down", span, "wiring")
    lost = f" without {', '.join(sorted(fabric.failed))}" if fabric.failed else ""
    text = f"{node.name} has no path to the other end{lost}"
    return Cause(f"wiring of site {node.site}", text, span, "wiring")


def _lost(network: Network, node: int) -> int:
    """How many nodes a node cannot reach."""
    return sum(not network.underlay.reachable(node, n.index) for n in network.fabric.nodes)


def _blame_default(
    network: Network, side: EndTrace, denies: Cause, near: Near | None, policy: Cause | None
) -> Blame:
    closest = None
    if near:
        text = f"nearest to permitting it, fails on {' and '.join(near.fails)}"
        closest = _of_origin(near.rule.origin, f"{text}: {wanted(side.packet)}")
    alone = near is not None and len(near.fails) == 1
    ours = policy is None or (near is not None and policy.title == _policy_title(near.rule.origin))
    culprit = closest if closest and alone and ours else policy or denies
    others = {c.title: c for c in (denies, policy, closest) if c and c.title != culprit.title}
    return Blame(culprit, tuple(reversed(others.values())))


def _narrowest(world: World, side: EndTrace, stage: Stage) -> Cause | None:
    """The NetworkPolicy that isolates the endpoint and was written for the fewest others."""
    if stage.owner is not Owner.CLUSTER:
        return None
    found = selecting(world, side.packet, stage)
    if not found:
        return None
    text = f"isolates it {_where(world.network, side)} and has no rule {wanted(side.packet)}"
    return _of_origin(found[0].origin, text)


def _stop(network: Network, found: Trace, target: int | None) -> list[Cause]:
    """Why routing or the tunnel stopped a packet."""
    if found.source is None and found.onward:
        text = f"routes {found.onward.prefix} on: no answer would come back"
        vrf = network.vrfs[found.flow.vrf]
        return [Cause(f"VRF {vrf.name}", text, found.onward.origin)]
    if found.source is None:
        return [Cause("the source address", "belongs to no endpoint that sends it")]
    source = network.endpoints[found.source]
    vrf = network.vrfs[source.vrf]
    egress = found.egress.vrf if found.egress else source.vrf
    meant = network.endpoints[target].vrf if target is not None else egress
    near = _intents(network, vrf.name, network.vrfs[meant].name, found.flow)
    there = network.vrfs[egress]
    match found.reason:
        case Reason.NO_ROUTE_DROP:
            there_too = "" if meant == source.vrf else f" to {network.vrfs[meant].name}"
            text = f"has no route{there_too} for this address"
            return [*near, Cause(f"VRF {vrf.name}", text, vrf.span)]
        case Reason.UNDERLAY_DROP:
            at = network.fabric.nodes[found.entry].name if found.entry is not None else ""
            return [Cause(f"underlay of {at}", "no path to the next hop")]
        case Reason.HAIRPIN_DROP if found.onward:
            text = f"routes {found.onward.prefix} on; what came out of a tunnel goes into no other"
            return [Cause(f"VRF {there.name}", text, found.onward.origin), *near]
        case Reason.TTL_DROP:
            text = "passes it on until its TTL is used up: hairpins are permitted there"
            return [Cause(f"VRF {there.name}", text, there.span), *near]
        case Reason.PA_VALIDATION_DROP if elsewhere := _back_elsewhere(network, found):
            return [elsewhere]
        case Reason.PA_VALIDATION_DROP:
            return [*near, Cause(f"VRF {there.name}", f"no route back to {vrf.name}", there.span)]
        case _:
            text = "routes the address, but to another endpoint or to none"
            return [*near, Cause(f"VRF {there.name}", text, there.span)]


def _back_elsewhere(network: Network, found: Trace) -> Cause | None:
    """The receiver's way back into the source's VRF, where it leads through other VTEPs than the
    one from which the tunnel comes: that is drained, or farther away, or second choice."""
    if found.back is None or found.egress is None or found.outer is None:
        return None
    at, (came, behind_it) = found.egress, found.outer
    hops = found.back.nexthops
    if came in {hop.vtep for hop in hops} or behind_it not in {hop.vrf for hop in hops}:
        return None
    names = {network.fabric.nodes[hop.vtep].name for hop in hops}
    drained = ", which is drained" if came in network.fabric.drained else ""
    text = (
        f"sends to {found.back.prefix} by way of {', '.join(sorted(names))} alone, and takes "
        f"nothing from there by way of {network.fabric.nodes[came].name}{drained}"
    )
    why = network.fib.why_hop(at.vtep, at.vrf, found.back, hops[0])
    return Cause(f"VRF {network.vrfs[at.vrf].name}", text, why.span or network.vrfs[at.vrf].span)


def _intents(network: Network, here: str, meant: str, flow: Flow) -> list[Cause]:
    """The declared intents that join the VRF where a packet starts with that where it should go."""
    declared = network.intents if here != meant else ()
    return [_of_intent(i, meant, flow) for i in declared if {i.a, i.b} == {here, meant}]


def _of_intent(intent: Intent, meant: str, flow: Flow) -> Cause:
    """What an intent lacks: the destination among what its VRF offers, or else some address."""
    address = (IPv4Address if flow.version == 4 else IPv6Address)(flow.dst)
    text, span = f"joins {intent.a} and {intent.b}, but not for these addresses", intent.span
    if not any(address in prefix for prefix in intent.offered(meant)):
        text = f"joins {intent.a} and {intent.b}, but {meant} does not offer {address}"
        span = next((o.span for o in intent.offers if o.exporter == meant and o.span), span)
    return Cause(f"{intent.kind} {intent.name}", text, span, kind_of(intent.kind))


def _of_origin(origin: Origin, part: str) -> Cause:
    return Cause(title(origin), part, origin.span, origin.kind)


def _policy_title(origin: Origin) -> str:
    return f"{origin.kind} {origin.name}"


def _where(network: Network, side: EndTrace | None) -> str:
    if side is None:
        return ""
    way = "out of" if side.packet.direction is Direction.OUT else "into"
    return f"{way} {network.endpoints[side.packet.local].name}"
