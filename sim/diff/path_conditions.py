"""What has to hold on a way besides what a header tells, compared like what passes.

That a way asks for something (`sim.diff.asked_ways`) is told by what may and what must pass
(`sim.diff.side_by_side`); what it is, is compared here. Rules that hold here:

1. What may and what must pass is compared in each case that a way of either world asks for, and in
   each where all holds but one thing. A set of (case, L4 atom) takes the place of a set of L4
   atoms, all else is as for packets: peers, outside, members that fare differently.
2. What differs there without a difference of packets, of the same ends and ports, leaves two worlds
   undecided: whether other words let other requests pass is no question of packets.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from compiler.policy.ir import Verdict
from compiler.program.program import conditions_of
from compiler.requests.request_changes import changed_text
from fabric.diagnostics import Diagnostic, UndecidedError
from sim.blocks.common_ports import common
from sim.blocks.port_sets import L4Space
from sim.diff.access_regions import AccessRegion, beyond, region, regions
from sim.diff.asked_ways import Asking, Case, WaysAsked, words_of
from sim.diff.outside import Outside
from sim.diff.parts import Outer, Part, parts
from sim.diff.peers import Class, Peers, peers
from sim.diff.side_by_side import Side, Sides
from sim.diff.stood_for import reach_of_classes
from sim.proof.pairs.reachability import Bits, L4Sets, Reach
from sim.proof.routes.paths import Column, PathSpace
from sim.worlds.world import World

CELLS = 1 << 26
"""How many (way, case, atom) are looked at together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SideInCases(Side):
    """One world, in which sets are of (case, atom)."""

    asking: Asking
    cases: list[Case]

    def passing(self, said: Sequence[Verdict]) -> Sequence[bool]:
        """Whether a packet passes of which both ends say this, in each case."""
        if not said or not all(v.permit for v in said):
            return [False] * len(self.cases)
        label = self.asking.of(*(v.conditions for v in said))
        return [label <= case for case in self.cases]

    def known_as(self, rows: Bits) -> tuple[int, int]:
        """The number of what passes in which case: nothing else is asked for in one."""
        (number,) = self.sets.intern(rows.reshape(1, -1)).tolist()
        return number, number


class AskedPart(NamedTuple):
    """A part of what differs, as packets; and, by case and atom, whether it passes there."""

    packets: AccessRegion
    part: Part
    cases: list[Case]
    bits: Bits

    @property
    def ends(self) -> tuple[object, ...]:
        """Between whom, whichever world it is told of."""
        named = (
            end.vrf if isinstance(end, Outer) else end
            for end in (self.part.source, self.part.target)
        )
        return self.part.version, self.part.own, *named

    def at(self, atom: int) -> Iterator[Case]:
        """The cases that differ for an atom."""
        yield from (self.cases[n] for n in np.flatnonzero(self.bits[:, atom]).tolist())


def refuse_other_ways(
    worlds: tuple[World, World],
    spaces: tuple[PathSpace, PathSpace],
    where: Collection[tuple[str, str]],
    sides: Sides,
) -> None:
    """Nothing, unless ways ask for other things in either world where packets fare alike:
    `UndecidedError` C878 (rule 2)."""
    if not where or not any(conditions_of(world.program) for world in worlds):
        return
    told = [_side(one) for one in regions(sides)]
    space, found = _differing(worlds, spaces, where, sides)
    for one in found:
        for left in beyond([_side(one.packets)], told):
            box = left.ports[0]
            fields = tuple((limit.name, limit.first) for limit in box.fields)
            atom = space.atom(box.protocols[0], box.sport[0], box.dport[0], fields)
            alike = [other for other in found if other.ends == one.ends]
            raise UndecidedError(_told(one.part, str(box), alike, atom))


def _side(one: AccessRegion) -> AccessRegion:
    """A region of packets without what became of them."""
    return replace(one, kind="now" if one.kind in ("gained", "steady") else "before")


def _told(part: Part, ports: str, alike: list[AskedPart], atom: int) -> Diagnostic:
    """What differs, in a sentence."""
    was, now = (
        min(
            (case for one in alike if one.part.passes_now is after for case in one.at(atom)),
            key=lambda case: (len(case), sorted(case)),
            default=None,
        )
        for after in (False, True)
    )
    if was is not None and now is not None:
        said = f"{words_of(was)} before, {words_of(now)} now"
        more = changed_text([word for _, word in was], [word for _, word in now])
        said = f"{said}: {more}" if more else said
    elif now is not None:
        said = f"it is enough now, and was not: {words_of(now)}"
    else:
        said = f"it was enough, and is no more: {words_of(was or frozenset())}"
    source, target = (
        end.owner if isinstance(end, Outer) else end.peer.name for end in (part.source, part.target)
    )
    message = f"permits on the way ask for other things: {said} ({source} -> {target} on {ports})"
    hint = "explain says what is asked on the way of a packet"
    return Diagnostic("C878", message, None, hint, "unknown")


def _differing(
    worlds: tuple[World, World],
    spaces: tuple[PathSpace, PathSpace],
    where: Collection[tuple[str, str]],
    sides: Sides,
) -> tuple[L4Space, list[AskedPart]]:
    """Everything that differs in some case, and the L4 atoms of both worlds."""
    asking, found = Asking(worlds), sides.peers
    reaches: list[Reach] = []
    if sides.whole:
        reaches = [sides.old.reach, sides.new.reach]
    while True:
        if not reaches:
            asked = zip(worlds, spaces, (found.old, found.new), strict=True)
            reaches = [reach_of_classes(*one, where) for one in asked]
        ways = [
            WaysAsked.of(reach, asking, says)
            for reach, says in zip(reaches, asking.says, strict=True)
        ]
        cases, size = asking.cases(), max(1, *(way.labels.size for way in ways))
        step = max(1, CELLS // size)
        every = [
            _in_cases(ways, asking, cases[n : n + step], found) for n in range(0, len(cases), step)
        ]
        uneven = frozenset(p for s in every for side in (s.old, s.new) for p in side.uneven)
        if found is not sides.peers or not uneven:
            break
        policies = worlds[0].program.policy, worlds[1].program.policy
        found = peers(worlds[0].network, worlds[1].network, policies, uneven)
        reaches = []
    return sides.space, [one for s in every for one in _asked_parts(s)]


def _in_cases(ways: list[WaysAsked], asking: Asking, cases: list[Case], found: Peers) -> Sides:
    """Both worlds in some cases."""
    space, *held = common(ways[0].reach.space, ways[1].reach.space)
    sets, real = L4Sets(len(cases) * space.size), space.real()

    def side(way: WaysAsked, classes: tuple[Class, ...], atoms: Column) -> Side:
        reach = way.passing(asking, cases)
        rows = reach.sets.reshape(len(reach.sets), len(cases), -1)[:, :, atoms] & real
        number = sets.intern(rows.reshape(len(rows), -1))
        made = SideInCases(reach, classes, sets, number, asking=asking, cases=cases)
        made.fold()
        return made

    old, new = map(side, ways, (found.old, found.new), held)
    return Sides(space, sets, found, old, new)


def _asked_parts(sides: Sides) -> Iterator[AskedPart]:
    assert isinstance(sides.old, SideInCases)
    cases = sides.old.cases
    for part in parts(sides, Outside.of(sides.old.reach, sides.new.reach)):
        bits = np.frombuffer(part.bits, np.bool_).reshape(len(cases), -1)
        flat = replace(part, bits=np.asarray(bits.any(axis=0)).tobytes())
        yield AskedPart(region(sides, flat), part, cases, bits)
