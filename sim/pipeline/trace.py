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
from compiler.program.program import Entry, Group, Program
from compiler.program.walk import walk
from fabric.building.network import Network
from fabric.control.weights import members
from sim.forwarding.one_step import as_rewritten, leads_on, receivers, sender, way_back
from sim.packets.ecmp import choose, flow_hash, outer_hash, outer_port, seed
from sim.packets.headers import Flow
from sim.packets.reasons import Reason, reasons
from sim.pipeline.ways import WholeWay, entered, hashed_entry
from sim.worlds.world import World

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
    """What is None was not reached. `entry` is the VTEP where the packet came in. `onward` is the
    egress VRF's route to the destination if that leads away from there and nothing goes on, or the
    entry's route to the source if that does. `back` is the egress VRF's route to the source, `seen`
    the VRF behind which it puts the source. `underlay` is empty when both ends share a VTEP. `way`
    has all steps, with `route` and `next_hop` those of the first, `further` the underlay's hops of
    the others."""

    flow: Flow
    reason: Reason
    source: int | None = None
    entry: int | None = None
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
    way: WholeWay | None = None
    further: tuple[tuple[UnderlayHop, ...], ...] = ()

    @property
    def egress(self) -> NextHop | None:
        """Where the last tunnel leads to: what looks for the receiver."""
        return self.way.steps[-1].hop if self.way else self.next_hop

    @property
    def outer(self) -> tuple[int, int] | None:
        """VTEP and VRF from which the last tunnel comes."""
        return self.way.before[:2] if self.way else None

    def same_way(self, other: Trace) -> bool:
        """Whether both take the same way, of those that are told apart."""
        mine, theirs = ((t.entry, t.way and t.way.key) for t in (self, other))
        return mine == theirs


def trace(world: World, flow: Flow, choice: int | None = None) -> Trace:
    """Follow one flow; `choice` overrides which of its ways (`ways.entered`) its hash takes. Cost:
    a scan over endpoints and the entries of the groups bound to two."""
    network, program = world.network, world.program
    if not 0 <= flow.vrf < len(network.vrfs) or flow.version not in (4, 6):
        return Trace(flow, Reason.UNKNOWN_SOURCE)
    spoofs = 0 <= flow.src_endpoint < len(network.endpoints)
    stranger = Reason.SPOOF_DROP if spoofs else Reason.UNKNOWN_SOURCE
    bound = sender(network, flow)
    if bound is None:
        return Trace(flow, stranger)
    hashed = flow_hash(as_rewritten(network, flow))
    sport = outer_port(hashed)
    if choice is None:
        entry, way, away = hashed_entry(world, bound, flow, hashed)
    else:
        entry, way, away = entered(world, bound, flow)[choice]
    if away is not None:
        return Trace(flow, stranger, onward=away)
    if way is None:
        return Trace(flow, Reason.NO_ROUTE_DROP, bound.index, entry, outer_sport=sport)
    route, hop, there = way.steps[0]
    sent = there.header
    out = _side(program, Direction.OUT, bound.index, (entry, hop.vtep), sent, sent.dst, hop.vrf)
    tunnels = [
        underlay_path(network, here.node, step.to.node, sport)
        for here, step in zip((way.start, *(s.to for s in way.steps)), way.steps, strict=False)
    ]
    end, outer, got = way.end, way.before[:2], way.end.header
    if way.ends in (Reason.HAIRPIN_DROP, Reason.UNDERLAY_DROP):
        away = leads_on(network, end.node, end.vrf, got.version, got.dst)
    target = next(iter(receivers(network, end)), None)
    back, seen = way_back(world.network, end, outer)
    into = None
    if way.ends is None and target is not None and seen is not None:
        into = _side(program, Direction.IN, target.index, (end.node, outer[0]), got, got.src, seen)
    return Trace(
        flow,
        _reason(out, way.ends, target is not None, into),
        bound.index,
        entry,
        route,
        hop,
        sport,
        out,
        tunnels[0] or (),
        target.index if target is not None else None,
        away,
        back,
        seen,
        into,
        way,
        tuple(hops or () for hops in tunnels[1:]),
    )


def underlay_path(
    network: Network, source: int, target: int, outer_sport: int
) -> tuple[UnderlayHop, ...] | None:
    """The hops of one outer header between two VTEPs; None when the underlay has no way."""
    hashed = outer_hash(outer_sport, source, target)
    node, hops = source, list[UnderlayHop]()
    while node != target:
        choices = members(network.underlay, node, target)
        if not choices:
            return None
        to, link = choices[choose(hashed, seed(node), len(choices))]
        hops.append(UnderlayHop(node, link, to, len({hop for _, hop in choices})))
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


def _reason(out: EndTrace, ends: Reason | None, bound: bool, into: EndTrace | None) -> Reason:
    if out.reason is not Reason.DELIVERED:
        return out.reason
    if ends is not None:
        return ends
    if not bound:
        return Reason.ENI_MISS_DROP
    return Reason.PA_VALIDATION_DROP if into is None else into.reason
