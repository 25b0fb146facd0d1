"""A packet that shows a part of a difference, and why each world treats it as it does.

The packet passes in one world. In the other, the member of the same name sends it (or another of
the class), from its address there; outside addresses stay what they are. Where a world lacks one of
the ends, that is why.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from compiler.policy.ir import Condition
from compiler.policy.semantics import owner
from fabric.building.network import Network
from fabric.values.inventory import Endpoint
from sim.blocks.port_sets import L4
from sim.diff.merged import display
from sim.diff.outside import Outside
from sim.diff.parts import Outer, Part, side_where
from sim.diff.peers import Joint, Unit
from sim.diff.side_by_side import Pair, Side, Sides, Way
from sim.diff.stood_for import alike
from sim.packets.headers import Flow
from sim.packets.reasons import Reason
from sim.pipeline.trace import trace
from sim.pipeline.ways import entered
from sim.proof.expectations.request_ways import conditions
from sim.proof.pairs.witness import Witness, failing, on_path
from sim.proof.routes.paths import Column
from sim.why.blame import Blame, Cause, blame


@dataclass(frozen=True, slots=True)
class Shown:
    """The packet, which `passed` in the old world or passes in the new one, who is to blame in both
    worlds, and the endpoints at both ends there; `conditions` are what must hold besides where it
    passes."""

    flow: Flow
    passed: bool
    old: Blame
    new: Blame
    ends: tuple[tuple[Endpoint | None, Endpoint | None], tuple[Endpoint | None, Endpoint | None]]
    conditions: tuple[Condition, ...] = ()


def shown(sides: Sides, outside: Outside, part: Part) -> Shown:
    """Show a part."""
    here, there = side_where(sides, part)
    l4 = sides.space.pick(np.frombuffer(part.bits, np.bool_), version=part.version)
    assert l4 is not None
    stopped = _stopped(sides, there, part, l4) if part.kind in ("unsteady", "steady") else None
    passing = _passing(sides, here, part, l4)
    if passing is None:
        passing_ends: tuple[Endpoint | None, Endpoint | None] = _ends(sides, here, part)
    else:
        passing_ends = _named(here.reach.network, passing)
    if stopped is None:
        stopped = _same_packet(sides, outside, there, part, l4, passing, passing_ends)
    flow = passing.flow if passing else stopped.flow if stopped else None
    assert flow is not None, "a difference that no packet shows"
    stops = _blame(there, stopped) or _missing(sides, there, part)
    passes = _blame(here, passing) or Blame(_imagined(part))
    passes = _about(passes, stops.culprit)
    stopped_ends = _named(there.reach.network, stopped) if stopped else _ends(sides, there, part)
    besides = () if passing is None else conditions(passing.trace(here.reach), passing.dst)
    if here is sides.new:
        return Shown(flow, False, stops, passes, (stopped_ends, passing_ends), besides)
    return Shown(flow, True, passes, stops, (passing_ends, stopped_ends), besides)


def _named(network: Network, found: Witness) -> tuple[Endpoint | None, Endpoint | None]:
    src, dst = (network.endpoints[e] if e >= 0 else None for e in (found.src, found.dst))
    return src, dst


def _blame(side: Side, found: Witness | None) -> Blame | None:
    if found is None:
        return None
    target = found.dst if found.dst >= 0 else None
    return blame(side.reach.world, found.trace(side.reach), target)


def _about(passes: Blame, stops: Cause) -> Blame:
    """What lets the packet pass, led by the rule or policy that stops it in the other world: of
    all that must permit it, that is what differs. What a zone or tenant denies by default says
    nothing about what differs."""
    if stops.own:
        return passes
    everyone = (passes.culprit, *passes.others)
    rule = [c for c in everyone if c.title == stops.title]
    policy = [c for c in everyone if c.declaration == stops.declaration]
    first = next(iter(rule or policy), passes.culprit)
    return Blame(first, tuple(c for c in everyone if c != first))


def _imagined(part: Part) -> Cause:
    """Why a packet passes between members that are not there."""
    assert isinstance(part.source, Joint)
    assert isinstance(part.target, Joint)
    return Cause("no rule", "would stop it between two of them; there is one")


def _missing(sides: Sides, side: Side, part: Part) -> Blame:
    """Why there is no such packet in a world."""
    for end in (part.source, part.target):
        if isinstance(end, Joint) and _number(sides, side, end) < 0:
            known = any(c.peer == end.peer for c in side.classes)
            what = f"has no IPv{part.version} address here" if known else "is not in this world"
            return Blame(Cause(_display(sides, end), what, kind="peer"))
    return Blame(Cause("the packet", "has no sender or receiver in this world"))


def _display(sides: Sides, joint: Joint) -> str:
    every = (c for side in (sides.old, sides.new) for c in side.classes if c.peer == joint.peer)
    return display(joint.peer, {unit.name for one in every for unit in one.units})


def _number(sides: Sides, side: Side, joint: Joint) -> int:
    return joint.new if side is sides.new else joint.old


def _passing(sides: Sides, side: Side, part: Part, l4: L4) -> Witness | None:
    """A packet of the part that passes; None where nobody is there to send it."""
    inside = [-1, -1, -1, -1]
    for cells in _cells(sides, side, part, inside):
        for cell in cells.tolist():
            path = _path(side, cell, sides.space.atom(*l4), side.reach.space.atom(*l4))
            if path is not None:
                ends = zip(inside[::2], inside[1::2], strict=True)
                source, target = (((a, b),) if a >= 0 else None for a, b in ends)
                found = on_path(side.reach, path, l4, (source, target))
                return _meant(sides, side, part, found, passes=True)
    return None


def _meant(sides: Sides, side: Side, part: Part, found: Witness, *, passes: bool) -> Witness:
    """A packet between two for whom the stand-ins of another packet stand, where these are a node
    and a pod of its own and the part is about others, or the other way round."""
    ends, stand_ins = side.reach.network.endpoints, side.reach.stand_ins
    source, target = part.source, part.target
    if stand_ins is None or not (isinstance(source, Joint) and isinstance(target, Joint)):
        return found
    if same_host(ends[found.src], ends[found.dst]) == part.own:
        return found
    units = (
        [
            u
            for u in side.classes[_number(sides, side, joint)].units
            if stand_ins.of[u.endpoint] == stand_ins.of[stand_in] and u.version == part.version
        ]
        for joint, stand_in in ((source, found.src), (target, found.dst))
    )
    for a, b in product(*units):
        here, there = ends[a.endpoint], ends[b.endpoint]
        if here is there or same_host(here, there) != part.own:
            continue
        flow = replace(
            found.flow, vrf=here.vrf, src=a.address, dst=b.address, src_endpoint=here.index
        )
        if not passes:
            return Witness(here.index, there.index, flow, failing(side.reach, there.index, flow))
        for choice in range(len(entered(side.reach.world, here, flow))):
            taken = trace(side.reach.world, flow, choice)
            if taken.reason is Reason.DELIVERED and taken.target == there.index:
                return Witness(here.index, there.index, flow, choice)
    return found


def _path(side: Side, cell: int, atom: int, own_atom: int) -> int | None:
    """A path of a cell on which an atom passes."""
    cells, pairs, paths = side.reach.cells, side.reach.pairs, side.reach.paths
    if not side.sets.bits[side.number[cells.some[cell]], atom]:
        return None
    pair = int(cells.pair[cell])
    span = slice(int(pairs.first[pair]), int(pairs.last[pair]))
    mine = (paths.src_class[span] == cells.src_class[cell]) & (
        paths.dst_class[span] == cells.dst_class[cell]
    )
    passes = side.reach.sets[side.reach.path_set[span], own_atom]
    found = np.flatnonzero(mine & passes)
    return int(found[0]) + span.start if len(found) else None


def _cells(sides: Sides, side: Side, part: Part, inside: list[int]) -> Iterator[Column]:
    """Cells of a world that a part may be seen in; `inside` is told which addresses are meant."""
    source, target = part.source, part.target
    if isinstance(source, Joint) and isinstance(target, Joint):
        pair = Pair(_number(sides, side, source), _number(sides, side, target), part.own)
        if pair in side.cells_of:
            yield side.cells_of[pair]
        return
    for end, at in ((source, 0), (target, 2)):
        if isinstance(end, Outer):
            inside[at : at + 2] = end.ranges[0]
    if isinstance(source, Joint) or isinstance(target, Joint):
        joint, outer = (source, target) if isinstance(source, Joint) else (target, source)
        assert isinstance(joint, Joint)
        assert isinstance(outer, Outer)
        inward = isinstance(target, Joint)
        way = Way(_number(sides, side, joint), outer.vrf, inward)
        for line in side.ways.get(way, ()):
            cls = line.src if inward else line.dst
            if _holds(side, cls, outer.ranges[0][0]):
                yield side.cells_of[way, cls]
        return
    assert isinstance(source, Outer)
    assert isinstance(target, Outer)
    key = source.vrf, target.vrf, part.version
    for line in side.through.get(key, ()):
        if _holds(side, line.src, inside[0]) and _holds(side, line.dst, inside[2]):
            yield side.cells_of[key, (line.src, line.dst)]


def _holds(side: Side, cls: int, address: int) -> bool:
    return any(low <= address <= high for low, high in side.reach.refinements.ranges(cls))


def _stopped(sides: Sides, side: Side, part: Part, l4: L4) -> Witness | None:
    """A packet of the part that some choice of ECMP, or some pair of members, stops although others
    pass; None when only the packet that passes in the other world will do."""
    inside = [-1, -1, -1, -1]
    atom = sides.space.atom(*l4)
    cells = side.reach.cells
    routed: set[tuple[int, ...]] = set()
    for found in _cells(sides, side, part, inside):
        for cell in found.tolist():
            if not side.sets.bits[side.number[cells.sure[cell]], atom]:
                return _meant(sides, side, part, _at_cell(side, cell, l4, inside), passes=False)
            pair = int(cells.pair[cell])
            ends = int(side.reach.pairs.src[pair]), int(side.reach.pairs.dst[pair])
            routed.add(alike(side.reach, *ends))
    return _unrouted(sides, side, part, l4, routed)


def _unrouted(
    sides: Sides, side: Side, part: Part, l4: L4, routed: set[tuple[int, ...]]
) -> Witness | None:
    """A packet between two members that no route joins."""
    source, target = part.source, part.target
    if not isinstance(source, Joint) or not isinstance(target, Joint):
        return None
    ends = side.reach.network.endpoints
    src, dst = (side.classes[_number(sides, side, joint)].units for joint in (source, target))
    for a in src:
        for b in dst:
            here, there = ends[a.endpoint], ends[b.endpoint]
            if a.endpoint == b.endpoint or alike(side.reach, a.endpoint, b.endpoint) in routed:
                continue
            if same_host(here, there) == part.own:
                flow = Flow(
                    here.vrf, part.version, a.address, b.address, *l4[:3], here.index, fields=l4[3]
                )
                return Witness(
                    here.index, there.index, flow, failing(side.reach, there.index, flow)
                )
    return None


def _at_cell(side: Side, cell: int, l4: L4, inside: list[int]) -> Witness:
    reach = side.reach
    pair = int(reach.cells.pair[cell])
    src, dst, version = (
        int(c[pair]) for c in (reach.pairs.src, reach.pairs.dst, reach.pairs.version)
    )
    classes = int(reach.cells.src_class[cell]), int(reach.cells.dst_class[cell])
    ips = []
    for cls, at in zip(classes, (0, 2), strict=True):
        low, high = reach.refinements.ranges(cls)[0]
        ips.append(inside[at] if inside[at] >= 0 else min(low + 1, high))
    vrf = reach.network.endpoints[src].vrf
    flow = Flow(vrf, version, ips[0], ips[1], *l4[:3], src_endpoint=src, fields=l4[3])
    return Witness(src, dst, flow, failing(reach, dst, flow))


def _same_packet(
    sides: Sides,
    outside: Outside,
    side: Side,
    part: Part,
    l4: L4,
    passing: Witness | None,
    names: tuple[Endpoint | None, Endpoint | None],
) -> Witness | None:
    """The same packet in the other world; None when nobody there could send or take it."""
    network, version = side.reach.network, part.version
    ends: list[tuple[Endpoint | None, int]] = []
    avoid: int | None = None
    for end, at in ((part.source, 0), (part.target, 1)):
        if isinstance(end, Joint):
            number = _number(sides, side, end)
            known = names[at]
            unit = _unit(side, number, known.name if known else "", avoid) if number >= 0 else None
            if unit is None:
                return None
            avoid = unit.endpoint
            ends.append((network.endpoints[unit.endpoint], unit.address))
        else:
            given = passing.flow.src if passing and not at else passing.flow.dst if passing else 0
            if side is sides.new:
                given = outside.moved.get((end.vrf, version, given), given)
            vrf = next((v.index for v in network.vrfs if v.name == end.vrf), None)
            found = None if vrf is None else owner(network, vrf, version, given)
            ends.append((found, given))
    (source, src), (target, dst) = ends
    if source is None:
        return None
    flow = Flow(source.vrf, version, src, dst, *l4[:3], src_endpoint=source.index, fields=l4[3])
    aim = -1 if target is None else target.index
    return Witness(source.index, aim, flow, failing(side.reach, aim, flow))


def _unit(side: Side, number: int, name: str, avoid: int | None) -> Unit | None:
    """The unit of a class whose endpoint has a name, else another than `avoid`."""
    units = side.classes[number].units
    ends = side.reach.network.endpoints
    namesakes = (u for u in units if ends[u.endpoint].name == name and u.endpoint != avoid)
    others = (u for u in units if u.endpoint != avoid)
    return next(namesakes, None) or next(others, None)


def _ends(sides: Sides, side: Side, part: Part) -> tuple[Endpoint | None, Endpoint | None]:
    """Some members of the classes of a part in a world."""
    out: list[Endpoint | None] = []
    for end in (part.source, part.target):
        number = _number(sides, side, end) if isinstance(end, Joint) else -1
        units = side.classes[number].units if number >= 0 else ()
        out.append(side.reach.network.endpoints[units[0].endpoint] if units else None)
    return out[0], out[1]


def same_host(a: Endpoint, b: Endpoint) -> bool:
    """Whether two endpoints are a node and a pod that it runs."""
    at = a.tenant, a.host
    return (
        (a.kind == "node") != (b.kind == "node") and a.host is not None and at == (b.tenant, b.host)
    )
