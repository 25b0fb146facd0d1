"""One flow through the datapath, step by step, with what decided each step.

Built from the FIB's routes and the groups' entries, not from atoms, blocks or kernels: besides
serving `explain` it is an independent account of what `sim.kernels.pipeline.path` computes. Steps
are those of `sim.pipeline.datapath`; all of them are taken that can be, also after a policy has
denied the flow, and `reason` is the first that ends it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from compiler.policy.ir import Action, Direction, Packet
from compiler.policy.semantics import owners
from compiler.program.program import Entry, Group, Program
from compiler.program.walk import walk
from fabric.network import Network
from sim.packets.ecmp import choose, flow_hash, outer_hash, outer_port, seed
from sim.packets.headers import Flow
from sim.packets.reasons import Reason, reasons
from sim.pipeline.forwarding import Place, leads_on, onward, receivers, sender, way_back
from sim.world import World

if TYPE_CHECKING:
    from fabric.control.fib import NextHop, Route


@dataclass(frozen=True, slots=True)
class EndTrace:
    """The policy groups about one end, which lives at `vtep`, and packets from or to the node
    `remote`: `steps` are the groups walked with the entry that decided;
    `reason` is DELIVERED if they permit, else the drop reason of the stage that denied."""

    packet: Packet
    vtep: int
    remote: int
    steps: tuple[tuple[Group, Entry], ...]
    reason: Reason


@dataclass(frozen=True, slots=True)
class UnderlayHop:
    """A packet leaves `node` over `link` for `to` (indices); it chose among `width` next hops."""

    node: int
    link: int
    to: int
    width: int


@dataclass(frozen=True, slots=True)
class Trace:
    """What is None was not reached. `onward` is the egress VRF's route to the destination if that
    leads away from there, or the owner's route to the source if that does. `back` is the egress
    VRF's route to the source, `seen` the VRF behind which it puts the source. `underlay` is empty
    when both ends share a VTEP."""

    flow: Flow
    reason: Reason
    source: int | None = None
    route: Route | None = None
    next_hop: NextHop | None = None
    outer_sport: int | None = None
    out: EndTrace | None = None
    underlay: tuple[UnderlayHop, ...] = ()
    target: int | None = None
    onward: Route | None = None
    back: Route | None = None
    seen: int | None = None
    into: EndTrace | None = None


def trace(world: World, flow: Flow, choice: int | None = None) -> Trace:
    """Follow one flow; `choice` overrides which of the next steps its hash takes. Cost: a scan over
    endpoints and the entries of the groups bound to two."""
    network, program = world.network, world.program
    if not 0 <= flow.vrf < len(network.vrfs) or flow.version not in (4, 6):
        return Trace(flow, Reason.UNKNOWN_SOURCE)
    bound = sender(network, flow)
    if bound is None:
        spoofs = 0 <= flow.src_endpoint < len(network.endpoints)
        reason = Reason.SPOOF_DROP if spoofs else Reason.UNKNOWN_SOURCE
        return Trace(flow, reason, onward=_elsewhere(network, flow))
    hashed = flow_hash(flow)
    sport = outer_port(hashed)
    ways = onward(world, Place(bound.vtep, flow.vrf, flow))
    if not ways:
        return Trace(flow, Reason.NO_ROUTE_DROP, bound.index, outer_sport=sport)
    if choice is None:
        choice = choose(hashed, seed(bound.vtep), len(ways))
    route, hop, there = ways[choice]
    sent = there.header
    out = _side(
        program, Direction.OUT, bound.index, (bound.vtep, hop.vtep), sent, sent.dst, hop.vrf
    )
    hops = underlay_path(network, bound.vtep, hop.vtep, sport)
    away = leads_on(network, there.node, there.vrf, there.header.version, there.header.dst)
    target = next(iter(receivers(network, there)), None)
    back, seen = way_back(world, there, bound.vtep)
    into = None
    if hops is not None and target is not None and seen is not None:
        into = _side(
            program, Direction.IN, target.index, (hop.vtep, bound.vtep), sent, sent.src, seen
        )
    return Trace(
        flow,
        _reason(out, hops is not None, away is None, target is not None, into),
        bound.index,
        route,
        hop,
        sport,
        out,
        hops or (),
        target.index if target is not None else None,
        away,
        back,
        seen,
        into,
    )


def _elsewhere(network: Network, flow: Flow) -> Route | None:
    """The route by which an owner's own VTEP has a source address elsewhere."""
    ip, claimed = (flow.version, flow.src), flow.src_endpoint
    found = (e for e in owners(network, flow.vrf, *ip) if claimed in (e.index, -1))
    return next((r for e in found if (r := leads_on(network, e.vtep, e.vrf, *ip))), None)


def underlay_path(
    network: Network, source: int, target: int, outer_sport: int
) -> tuple[UnderlayHop, ...] | None:
    """The hops of one outer header between two VTEPs; None when the underlay has no way."""
    hashed = outer_hash(outer_sport, source, target)
    node, hops = source, list[UnderlayHop]()
    while node != target:
        choices = network.underlay.ecmp(node, target)
        if not choices:
            return None
        to, link = choices[choose(hashed, seed(node), len(choices))]
        hops.append(UnderlayHop(node, link, to, len(choices)))
        node = to
    return tuple(hops)


def _side(
    program: Program,
    direction: Direction,
    local: int,
    nodes: tuple[int, int],
    flow: Flow,
    remote_ip: int,
    remote_vrf: int,
) -> EndTrace:
    l4 = flow.protocol, flow.sport, flow.dport, flow.fields
    packet = Packet(direction, local, flow.version, remote_ip, remote_vrf, *l4)
    steps = tuple(walk(program, packet))
    reason = Reason.DELIVERED
    if steps and steps[-1][1].action is Action.DENY:
        reason = reasons(program.stages).of[steps[-1][0].stage]
    return EndTrace(packet, *nodes, steps, reason)


def _reason(out: EndTrace, tunnel: bool, stays: bool, bound: bool, into: EndTrace | None) -> Reason:
    if out.reason is not Reason.DELIVERED:
        return out.reason
    if not tunnel:
        return Reason.UNDERLAY_DROP
    if not stays:
        return Reason.HAIRPIN_DROP
    if not bound:
        return Reason.ENI_MISS_DROP
    return Reason.PA_VALIDATION_DROP if into is None else into.reason
