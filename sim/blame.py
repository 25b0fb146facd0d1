"""Whom to blame: from a packet that should not pass (or should) to one line of the input.

An unexpected *allow* has accomplices: a route, and a permit in every group at both ends. Blamed is
a cause that is *necessary* (without it the packet would be stopped); of several, the one that most
likely said more than it meant:

1. a route that no declared intent explains (a raw route target);
2. where zone 0 is one end, the zone's rule; else a NetworkPolicy's rule, then a zone's rule;
3. a leak or peering; last the tenant's own VRF.

An unexpected *deny* has one cause, the step that stopped the packet. When that is a default, the
rule that came nearest is blamed if it fails on one field only, else the narrowest policy that
selects the endpoint, else the VRF that lacks the route.
"""

from __future__ import annotations

from dataclasses import dataclass

from compiler.ir import Action, Direction, Origin, Packet, Stage
from compiler.tables import Entry, Program
from compiler.walk import entry_matches
from fabric.diagnostics import Span
from fabric.intents import Intent, intents
from fabric.network import Network
from sim.nearest import Near, nearest, selecting, title, wanted
from sim.reasons import Reason
from sim.trace import Side, Trace

ORDER = ("route", "NetworkPolicy", "zone rule", "boot service", "leak", "peering", "zone", "tenant")


@dataclass(frozen=True, slots=True)
class Cause:
    """Something in the input that has a part in a verdict; `part` says which."""

    title: str
    part: str
    span: Span | None = None
    kind: str = ""

    def __str__(self) -> str:
        return f"{self.title}{f' ({self.span})' if self.span else ''}: {self.part}"


@dataclass(frozen=True, slots=True)
class Blame:
    """`culprit` is the line to look at first; `others` had a part too."""

    culprit: Cause
    others: tuple[Cause, ...] = ()


def blame(network: Network, program: Program, found: Trace, target: int | None = None) -> Blame:
    """Whom to blame for what happened to a packet that was meant for endpoint `target`."""
    if found.reason is Reason.DELIVERED and target in (None, found.target):
        return for_allow(network, program, found)
    return for_deny(network, program, found, target)


def for_allow(network: Network, program: Program, found: Trace) -> Blame:
    """The necessary permits and routes of a delivered packet, the likeliest mistake first."""
    causes = [cause for _, cause in crossings(network, found)]
    necessary = [_without_intent(network, found, back) for back in (False, True)]
    ranked = [(0, cause) for cause in necessary if cause]
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
    for group in program.bound(packet.direction, packet.local):
        left = (e for e in group.entries if e.origin != origin and entry_matches(e, packet))
        action = next(left, group.default_entry).action
        if action is not Action.PERMIT:
            return action is Action.PERMIT_FINAL
    return True


def _permits(program: Program, side: Side | None) -> list[Entry]:
    """Entries that let the packet pass, defaults left out."""
    return (
        [entry for group, entry in side.steps if entry is not group.default_entry] if side else []
    )


def _rank(network: Network, found: Trace, origin: Origin) -> int:
    kinds = list(ORDER)
    ends = [network.endpoints[e].zone for e in (found.source, found.target) if e is not None]
    if 0 in ends:
        kinds = ["route", "zone rule", "boot service", "NetworkPolicy", *ORDER[4:]]
    return kinds.index(origin.kind) if origin.kind in kinds else len(kinds)


def crossings(network: Network, found: Trace) -> list[tuple[str, Cause]]:
    """The way there and the way back, where they cross VRFs."""
    out: list[tuple[str, Cause]] = []
    source = network.endpoints[found.source] if found.source is not None else None
    if source and found.route and found.next_hop and found.next_hop.vrf != source.vrf:
        there = network.vrfs[found.next_hop.vrf].name
        text = f"routes {found.route.prefix} to {there} ({found.route.reason})"
        out.append(("there", Cause(_route_title(found.route), text, found.route.origin, "route")))
    if found.back and found.next_hop and found.seen not in (None, found.next_hop.vrf):
        here = network.vrfs[found.seen or 0].name
        text = f"routes {found.back.prefix} back to {here} ({found.back.reason})"
        out.append(("back", Cause(_route_title(found.back), text, found.back.origin, "route")))
    return out


def _route_title(route: object) -> str:
    intent = getattr(route, "intent", None)
    return f"intent {intent}" if intent else "route target without intent"


def _without_intent(network: Network, found: Trace, back: bool) -> Cause | None:
    route = found.back if back else found.route
    if route is None or route.intent is not None:
        return None
    wanted_way = "back" if back else "there"
    return next((cause for way, cause in crossings(network, found) if way == wanted_way), None)


def for_deny(network: Network, program: Program, found: Trace, target: int | None) -> Blame:
    """What stopped a packet, and what came nearest to letting it pass."""
    stray = _without_intent(network, found, back=False)
    if stray:
        return Blame(stray, tuple(_stop(network, found, target)))
    side = found.out if found.out and found.out.reason.by_policy else found.into
    if not found.reason.by_policy or side is None:
        causes = _stop(network, found, target)
        return Blame(causes[0], tuple(causes[1:]))
    group, entry = side.steps[-1]
    origin = program.origins[entry.origin]
    denies = _of_origin(origin, f"denies it {_where(network, side)}")
    if entry is not group.default_entry and origin.kind != "zone":
        return Blame(denies)
    near = nearest(network, program, side.packet, group.stage)
    policy = _narrowest(network, program, side, group.stage)
    return _blame_default(network, side, denies, near, policy)


def _blame_default(
    network: Network, side: Side, denies: Cause, near: Near | None, policy: Cause | None
) -> Blame:
    closest = None
    if near:
        text = f"nearest to permitting it, fails on {' and '.join(near.fails)}"
        closest = _of_origin(near.rule.origin, f"{text}: {wanted(side.packet)}")
    alone = near is not None and len(near.fails) == 1
    ours = policy is None or (near is not None and policy.title == _policy_title(near.rule.origin))
    culprit = closest if closest and alone and ours else policy or denies
    others = [c for c in (closest, policy, denies) if c and c.title != culprit.title]
    return Blame(culprit, tuple(dict.fromkeys(others)))


def _narrowest(network: Network, program: Program, side: Side, stage: Stage) -> Cause | None:
    """The NetworkPolicy that isolates the endpoint and was written for the fewest others."""
    if stage is not Stage.WORKLOAD:
        return None
    found = selecting(network, program, side.packet, stage)
    if not found:
        return None
    text = f"isolates it {_where(network, side)} and has no rule {wanted(side.packet)}"
    return _of_origin(found[0].origin, text)


def _stop(network: Network, found: Trace, target: int | None) -> list[Cause]:
    """Why routing or the tunnel stopped a packet."""
    if found.source is None:
        return [Cause("the source address", "belongs to no endpoint that sends it")]
    source = network.endpoints[found.source]
    vrf = network.vrfs[source.vrf]
    egress = found.next_hop.vrf if found.next_hop else source.vrf
    meant = network.endpoints[target].vrf if target is not None else egress
    near = _intents(network, vrf.name, network.vrfs[meant].name)
    there = network.vrfs[egress]
    match found.reason:
        case Reason.NO_ROUTE_DROP:
            text = f"has no route to {network.vrfs[meant].name} for this address"
            return [*near, Cause(f"VRF {vrf.name}", text, vrf.span)]
        case Reason.UNDERLAY_DROP:
            at = network.fabric.nodes[source.vtep].name
            return [Cause(f"underlay of {at}", "no path to the next hop")]
        case Reason.PA_VALIDATION_DROP:
            return [*near, Cause(f"VRF {there.name}", f"no route back to {vrf.name}", there.span)]
        case _:
            text = "routes the address, but to another endpoint or to none"
            return [Cause(f"VRF {there.name}", text, there.span)]


def _intents(network: Network, a: str, b: str) -> list[Cause]:
    """The declared intents that join two VRFs."""
    declared = intents(network.spec, network.vrfs) if network.spec and a != b else ()
    return [_of_intent(i) for i in declared if {i.a, i.b} == {a, b}]


def _of_intent(intent: Intent) -> Cause:
    text = f"joins {intent.a} and {intent.b}, but not for these addresses"
    return Cause(f"{intent.kind} {intent.name}", text, intent.span, intent.kind)


def _of_origin(origin: Origin, part: str) -> Cause:
    return Cause(title(origin), part, origin.span, origin.kind)


def _policy_title(origin: Origin) -> str:
    return f"{origin.kind} {origin.name}"


def _where(network: Network, side: Side | None) -> str:
    if side is None:
        return ""
    way = "out of" if side.packet.direction is Direction.OUT else "into"
    return f"{way} {network.endpoints[side.packet.local].name}"
