"""What has to hold on a way besides what a header tells, compared like what passes.

Permits at both ends of a way may ask for something (`sim.blocks.conditions`); a packet gets through
where all of it holds. That something is asked for is told by what may and what must pass
(`sim.diff.side_by_side`); what it is, is compared here. Rules that hold here:

1. A *case* says what holds, and that nothing else does. What may and what must pass is compared in
   each case that a way of either world asks for, and in each where all holds but one thing: ways
   that ask for different things pass in different cases. A set of (case, L4 atom) takes the place
   of a set of L4 atoms, all else is as for packets: peers, outside, members that fare differently.
2. What differs there without a difference of packets, of the same ends and ports, leaves two worlds
   undecided: whether other words let other requests pass is no question of packets.
3. It does not matter at which end something is asked, unless proxies end TLS there or read paths in
   several ways.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compiler.program.program import conditions_of
from compiler.requests.request_bounds import ended, looks
from compiler.requests.request_changes import changed_text
from fabric.diagnostics import Diagnostic, UndecidedError
from sim.blocks.common_ports import common
from sim.blocks.conditions import Conditions, conditional, demanded
from sim.blocks.numbering import distinct, same_rows
from sim.blocks.port_sets import L4, L4Space
from sim.diff.access_regions import AccessRegion, beyond, region, regions
from sim.diff.by_class import ByClass
from sim.diff.outside import Outside
from sim.diff.parts import Outer, Part, parts
from sim.diff.peers import Class, Peers, peers
from sim.diff.side_by_side import NOTHING, Pair, Side, Sides
from sim.diff.stood_for import reach_of_classes
from sim.proof.pairs.reachability import Bits, L4Sets, Reach, decisions, pairs_of
from sim.proof.routes.paths import Column, PathSpace
from sim.worlds.world import World

CELLS = 1 << 26
"""How many (way, case, atom) are looked at together."""
Word = tuple[str, str]
"""Of which end (empty where that does not matter), and what must hold."""
Case = frozenset[Word]
Labels = NDArray[np.int64]


class Asking:
    """What ways of some worlds ask for, numbered as it is met."""

    def __init__(self, worlds: tuple[World, World]) -> None:
        words, readings = set[str](), set[str]()
        for world in worlds:
            words |= {*conditions_of(world.program)}
            spec = world.network.spec
            readings |= {t.http_paths for t in spec.tenants.values()} if spec else {"normalised"}
        self.apart = looks(words) and len(readings) > 1
        blocks = tuple(world.blocks for world in worlds)
        self.conditions: list[Conditions] = [(), ("something",)]
        if all(conditions_of(world.program) for world in worlds):
            self.conditions, self.says = demanded(blocks)
        else:
            asks = [conditional(b).astype(np.int64) for b in blocks]
            self.says = [np.where(b.dec_permit, a, -1) for b, a in zip(blocks, asks, strict=True)]
        self.met: dict[Case, int] = {}

    def of(self, out: Conditions, into: Conditions) -> Case:
        """What a way asks for (rule 3)."""
        if self.apart or ended((*out, *into)):
            return frozenset((*(("out", c) for c in out), *(("in", c) for c in into)))
        return frozenset(("", c) for c in (*out, *into))

    def ends(self, code: int) -> tuple[Conditions, Conditions]:
        """What both ends of a way ask for, of a number of both."""
        out, into = divmod(code, len(self.conditions))
        return self.conditions[out], self.conditions[into]

    def number(self, case: Case) -> int:
        """Of what a way asks for."""
        return self.met.setdefault(case, len(self.met))

    def cases(self) -> list[Case]:
        """The cases of rule 1, of ways that were met."""
        every = frozenset[Word]().union(*self.met)
        return [*dict.fromkeys((*self.met, *(every - {word} for word in sorted(every))))]


@dataclass(frozen=True, slots=True)
class WaysAsked:
    """What the paths of a world ask for: a row of `labels` (by L4 atom, -1 where one end denies)
    for each path."""

    reach: Reach
    labels: Labels
    row: Column

    @staticmethod
    def of(reach: Reach, asking: Asking, says: Labels) -> WaysAsked:
        """Those of everything that is reachable."""
        paths, space = reach.paths, reach.space
        alike = same_rows([paths.version, paths.out_key, paths.in_key])
        version, out, into = (
            column[alike.sample] for column in (paths.version, paths.out_key, paths.in_key)
        )
        width = len(asking.conditions)
        codes = np.full((len(version), space.size), -1, np.int64)
        for n in range(len(version)):
            a, b = says[decisions(reach.blocks, np.array([out[n], into[n]]))]
            both = np.where((a >= 0) & (b >= 0), a * width + b, -1)
            codes[n] = space.of_version(both[None], int(version[n]))[0]
        at, sample = distinct(codes.ravel())
        labels = [
            -1 if code < 0 else asking.number(asking.of(*asking.ends(code)))
            for code in codes.ravel()[sample].tolist()
        ]
        return WaysAsked(reach, np.array(labels, np.int64)[at].reshape(codes.shape), alike.of)

    def passing(self, asking: Asking, cases: list[Case]) -> Reach:
        """What passes in some cases, as sets of (case, atom)."""
        passes = np.zeros((len(asking.met) + 1, len(cases)), np.bool_)
        for label, number in asking.met.items():
            passes[number] = [label <= case for case in cases]
        wide = passes[self.labels].transpose(0, 2, 1).reshape(len(self.labels), -1)
        sets = L4Sets(len(cases) * self.reach.space.size)
        path_set = sets.intern(wide)[self.row] if len(wide) else self.row
        pairs, cells = pairs_of(self.reach.paths, path_set, path_set, sets, alike=False)
        return replace(self.reach, path_set=path_set, sets=sets.bits, pairs=pairs, cells=cells)


@dataclass(frozen=True, slots=True, kw_only=True)
class SideInCases(Side):
    """One world, in which sets are of (case, atom)."""

    asking: Asking
    cases: list[Case]

    def imagined(self, pair: Pair, space: L4Space, packets: list[L4 | None]) -> tuple[int, int]:  # type: ignore[override]
        """How one more member would fare, in each case."""
        passes = np.zeros((len(self.cases), len(packets)), np.bool_)
        for atom, (out, into) in self.verdicts(pair, packets):
            if out.permit and into.permit:
                label = self.asking.of(out.conditions, into.conditions)
                passes[:, atom] = [label <= case for case in self.cases]
        found = space.of_version(passes, self.classes[pair.src].version) & space.real()
        number = int(self.sets.intern(found.reshape(1, -1))[0])
        return (number, number) if found.any() else (NOTHING, NOTHING)


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
        said = f"{_words(was)} before, {_words(now)} now"
        more = changed_text([word for _, word in was], [word for _, word in now])
        said = f"{said}: {more}" if more else said
    elif now is not None:
        said = f"it is enough now, and was not, that {_words(now)}"
    else:
        said = f"it was enough, and is no more, that {_words(was or frozenset())}"
    source, target = (
        end.owner if isinstance(end, Outer) else end.peer.name for end in (part.source, part.target)
    )
    message = f"permits on the way ask for other things: {said} ({source} -> {target} on {ports})"
    hint = "explain says what is asked on the way of a packet"
    return Diagnostic("C878", message, None, hint, "unknown")


def _words(case: Case) -> str:
    return " and ".join(sorted({str(word) for _, word in case})) or "nothing holds besides"


def _differing(
    worlds: tuple[World, World],
    spaces: tuple[PathSpace, PathSpace],
    where: Collection[tuple[str, str]],
    sides: Sides,
) -> tuple[L4Space, list[AskedPart]]:
    """Everything that differs in some case, and the L4 atoms of both worlds."""
    asking, found = Asking(worlds), sides.peers
    reaches: list[Reach] = []
    if not isinstance(sides, ByClass):
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
