"""What happens to a packet, step by step, in words: of a trace, with what decided each step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address

from compiler.policy.points import where
from compiler.program.program import Program
from fabric.building.network import Network
from fabric.control.adj_rib_in import AdjRibIn
from fabric.control.fib import NextHop, Route
from sim.packets.headers import Flow
from sim.packets.reasons import Reason
from sim.packets.ttl import TTL
from sim.pipeline.trace import EndTrace, Trace, UnderlayHop, underlay_path
from sim.why.step import Step, entry_step, line_of
from sim.worlds.world import World


def steps(world: World, found: Trace) -> Iterator[Step]:
    """What happens to a packet, in order."""
    network, program = world.network, world.program
    if found.source is None:
        yield Step("source", "endpoint", found.reason.label, *_no_sender(network, found))
        return
    assert found.entry is not None
    at = found.entry
    yield from _route(network, found, at)
    if found.out:
        yield from _policy(network, program, found.out)
    yield from _tunnel(network, found, at)
    yield from _further(network, found)
    if found.egress is None or found.reason is Reason.TTL_DROP:
        return
    there = network.fabric.nodes[found.egress.vtep].name
    if found.onward is not None:
        yield _onward(network, found, there)
        return
    if found.target is None:
        text = "no endpoint with this address lives here"
        yield Step(there, "endpoint", Reason.ENI_MISS_DROP.label, text)
        return
    yield Step(there, "endpoint", network.endpoints[found.target].name)
    yield from _way_back(network, found, there)
    if found.into:
        yield from _policy(network, program, found.into)
        yield _reply(network, found)


def _route(network: Network, found: Trace, at: int) -> Iterator[Step]:
    name = network.fabric.nodes[at].name
    vrf = network.vrfs[found.flow.vrf].name
    if found.route is None or found.next_hop is None:
        text = f"{vrf} has no route to {_ip(found.flow)}"
        yield Step(name, "route", Reason.NO_ROUTE_DROP.label, text)
        return
    hop = found.next_hop
    to = f"{network.fabric.nodes[hop.vtep].name} {network.vrfs[hop.vrf].name} vni {hop.vni}"
    why = f"{found.route.prefix} in {vrf}: {found.route.reason}"
    if len(found.route.nexthops) > 1:
        why += f"; one of {len(found.route.nexthops)} next hops"
    yield Step(name, "route", f"to {to}", why, line_of(found.route.origin))


def _policy(network: Network, program: Program, side: EndTrace) -> Iterator[Step]:
    name = network.fabric.nodes[side.vtep].name
    local = network.endpoints[side.packet.local]
    for group, entry in side.steps:
        at = where(group.at, local, (side.vtep, side.remote), network)
        yield entry_step(program, at, group, entry, side.packet)
    if not side.steps:
        yield Step(name, f"{side.packet.direction.name} policy", "permit", "no group is bound")


def _tunnel(network: Network, found: Trace, at: int) -> Iterator[Step]:
    if found.next_hop is not None:
        yield from _carried(network, found, at, found.next_hop, found.underlay)


def _carried(
    network: Network, found: Trace, at: int, hop: NextHop, hops: Sequence[UnderlayHop]
) -> Iterator[Step]:
    """The tunnel from a node to a next hop, if that is not the node itself."""
    if hop.vtep == at:
        return
    names = [node.name for node in network.fabric.nodes]
    if not hops:
        text = f"no path to {names[hop.vtep]}"
        yield Step(names[at], "underlay", Reason.UNDERLAY_DROP.label, text)
        return
    path = " - ".join([names[at], *(names[step.to] for step in hops)])
    ways = len(network.underlay.paths(at, hop.vtep))
    text = f"VXLAN vni {hop.vni}, UDP source port {found.outer_sport}; one of {ways} paths"
    missed = "".join(f"; {said}" for said in _missed(network, hop.vtep, hops))
    yield Step(names[at], "underlay", path, text + missed)


def _missed(network: Network, target: int, hops: Sequence[UnderlayHop]) -> Iterator[str]:
    """Paths as short as the one that was taken, and why nodes on it do not use them."""
    names = network.fabric.nodes
    for step in hops if network.underlay.ends else ():
        rib = AdjRibIn.of(network.fabric, network.underlay, step.node)
        for heard in rib.about(target):
            if heard.missed:
                peer = names[heard.session.peer].name
                yield f"{names[step.node].name} does not use {peer}: {heard.why}"


def _further(network: Network, found: Trace) -> Iterator[Step]:
    """The steps behind the first: VTEPs that pass on what they took out of a tunnel."""
    if found.way is None:
        return
    names = [node.name for node in network.fabric.nodes]
    steps = found.way.steps
    for before, step, hops in zip(steps, steps[1:], found.further, strict=False):
        here = before.to
        text = _leads_on(network, step.route, network.vrfs[here.vrf].name)
        to = f"to {names[step.hop.vtep]} {network.vrfs[step.hop.vrf].name} vni {step.hop.vni}"
        line = line_of(step.route.origin)
        yield Step(names[here.node], "hairpin", to, f"{text}; hairpins are permitted", line)
        yield from _carried(network, found, here.node, step.hop, hops)
    if found.way.ends is Reason.TTL_DROP:
        circle = any(step.to == steps[-1].to for step in steps[:-1])
        text = "it has been there before" if circle else f"its TTL of {TTL} is used up"
        yield Step(names[found.way.end.node], "TTL", Reason.TTL_DROP.label, text)


def _onward(network: Network, found: Trace, there: str) -> Step:
    """Where the packet would go next, if what came out of a tunnel went into another one."""
    assert found.egress is not None
    assert found.onward is not None
    text = _leads_on(network, found.onward, network.vrfs[found.egress.vrf].name)
    return Step(there, "hairpin", Reason.HAIRPIN_DROP.label, text, line_of(found.onward.origin))


def _no_sender(network: Network, found: Trace) -> tuple[str, str | None]:
    if found.onward is None:
        return "no endpoint there has this address", None
    vrf = network.vrfs[found.flow.vrf].name
    return _leads_on(network, found.onward, vrf), line_of(found.onward.origin)


def _leads_on(network: Network, route: Route, vrf: str) -> str:
    hop = route.nexthops[0]
    to = f"{network.fabric.nodes[hop.vtep].name} {network.vrfs[hop.vrf].name}"
    return f"{route.prefix} in {vrf} leads on to {to}: {route.reason}"


def _way_back(network: Network, found: Trace, there: str) -> Iterator[Step]:
    assert found.egress is not None
    vrf = network.vrfs[found.egress.vrf].name
    if found.back is None or found.seen is None:
        text = f"{vrf} has no route to the source through the VTEP that sent this"
        if found.back is not None:
            text += f" ({found.back.prefix}: {found.back.reason})"
        yield Step(there, "source check", Reason.PA_VALIDATION_DROP.label, text)
        return
    text = f"way back {found.back.prefix} in {vrf}: {found.back.reason}"
    seen = f"comes from {network.vrfs[found.seen].name}"
    yield Step(there, "source check", seen, text, line_of(found.back.origin))


def _reply(network: Network, found: Trace) -> Step:
    """What an answer would do: skip the groups, take the route that admitted the packet."""
    assert found.egress is not None
    assert found.outer is not None
    here, back = found.egress.vtep, found.outer[0]
    name = network.fabric.nodes[here].name
    if found.reason is not Reason.DELIVERED:
        return Step(name, "reply", "none", "there is nothing to reply to")
    path = underlay_path(network, here, back, found.outer_sport or 0) or ()
    names = [network.fabric.nodes[step.to].name for step in path]
    text = "an established flow skips the policy groups, both ways"
    sides = [side for side in (found.out, found.into) if side is not None]
    if any(not group.stage.stateful for side in sides for group, _ in side.steps):
        text = "the lists at both ends keep no state and are asked again: nothing is said of that"
    return Step(name, "reply", " - ".join([name, *names]), text)


def _ip(flow: Flow) -> str:
    return str((IPv4Address if flow.version == 4 else IPv6Address)(flow.dst))
