"""Two clusters side by side, class by class: pods that fare alike are compared once.

A class of `sim.diff.peers` is within one workload. Here those are put together whose members stand
for each other in either world (`sim.proof.routes.stand_ins`), whatever workload they are of, and
tables of classes × classes say what may and must pass. What differs there is said of each pair of
workloads; a witness is looked for when its row is shown.

That is so where every member of a class of a peer is of one class of stand-ins, has one address of
a family, and no node of the world runs pods that are endpoints of their own (what such a pod's own
node may do is a relation, and no class). All else is compared by pairs, of many by stand-ins
(`Sides.between`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import ClassVar

import numpy as np

from fabric.building.cluster import is_cluster
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, UndecidedError
from sim.blocks.common_ports import common
from sim.blocks.numbering import same_rows
from sim.blocks.port_sets import L4
from sim.diff.peers import Joint, Peer, Peers
from sim.diff.side_by_side import NOTHING, Pair, Side, Sides
from sim.diff.stood_for import is_outside, outer_ends
from sim.proof.pairs.reachability import MAX_PAIRS, Bits, L4Sets, Reach, reach_between
from sim.proof.routes.paths import Column, PathSpace
from sim.proof.routes.stand_ins import Between, StandIns
from sim.worlds.world import World

Spaces = tuple[PathSpace, PathSpace]


@dataclass(frozen=True, slots=True)
class _ClassTable:
    """One world. `of` is the class of stand-ins of each class of a peer; `may`, `must` and `routed`
    are tables [version, class, class] with a last row and column for nobody."""

    of: Column
    may: Column
    must: Column
    routed: Column


@dataclass(frozen=True, slots=True)
class ByClass(Sides):
    """Both worlds, of which the sides know what the stand-ins do, and ways to the outside."""

    whole: ClassVar[bool] = False
    spaces: Spaces
    tables: tuple[_ClassTable, _ClassTable]
    atoms: tuple[Column, Column]

    def compared(self) -> Iterator[tuple[Joint, Joint, bool, tuple[int, int], tuple[int, int]]]:
        """As of any two sides."""
        joints = self.peers.joints
        packets: list[L4 | None] = []
        for i, j in sorted((*self._apart(), *self._related())):
            a, b = joints[i], joints[j]
            both = Pair(a.old, b.old, False), Pair(a.new, b.new, False)
            values = [
                self._known(side, table, pair, a.version)
                for side, table, pair in zip((self.old, self.new), self.tables, both, strict=True)
            ]
            if found := self.decided((a, b), both, values, packets):
                yield a, b, False, *found

    def _known(
        self, side: Side, table: _ClassTable, pair: Pair, version: int
    ) -> tuple[int, int] | None:
        """What passes between two classes; None when they have no members for it."""
        if pair.src < 0 or pair.dst < 0:
            return NOTHING, NOTHING
        if not side.count(pair):
            return None
        at = int(version == 6), table.of[pair.src], table.of[pair.dst]
        return int(table.may[at]), int(table.must[at])

    def _apart(self) -> Iterator[tuple[int, int]]:
        """Joints of different peers, of which one is no node, between which something differs."""
        joints = self.peers.joints
        for version in (4, 6):
            mine = [n for n, joint in enumerate(joints) if joint.version == version]
            if not mine:
                continue
            ends = np.array([self._classes(joints[n]) for n in mine])
            alike = same_rows([*ends.T])
            kinds = ends[alike.sample]
            members: dict[int, list[int]] = defaultdict(list)
            for n, k in zip(mine, alike.of.tolist(), strict=True):
                members[k].append(n)
            pairs = np.argwhere(self._differ(kinds, int(version == 6))).tolist()
            refuse_parts(sum(len(members[a]) * len(members[b]) for a, b in pairs))
            for a, b in pairs:
                for i, j in product(members[a], members[b]):
                    if not self._close(joints[i], joints[j]):
                        yield i, j

    def _classes(self, joint: Joint) -> tuple[int, int]:
        """The classes of stand-ins of a joint in both worlds, -1 for nobody."""
        old, new = (table.of for table in self.tables)
        return (
            int(old[joint.old]) if joint.old >= 0 else -1,
            int(new[joint.new]) if joint.new >= 0 else -1,
        )

    def _differ(self, kinds: Column, family: int) -> Column:
        """Between which kinds of joints something passes in one world alone, [kinds, kinds]."""
        old, new = self.tables
        here, there = (np.ix_(ends, ends) for ends in kinds.T)
        may: Column = old.may[family][here] != new.may[family][there]
        must: Column = old.must[family][here] != new.must[family][there]
        return may | must

    def _related(self) -> Iterator[tuple[int, int]]:
        """Pairs of joints that may have no members, or be one endpoint: of one peer; and nodes."""
        fellows: dict[tuple[Peer | None, int], list[int]] = defaultdict(list)
        for number, joint in enumerate(self.peers.joints):
            fellows[joint.peer, joint.version].append(number)
            if self._is_node(joint):
                fellows[None, joint.version].append(number)
        found = {pair for mine in fellows.values() for pair in product(mine, repeat=2)}
        for i, j in found:
            a, b = self.peers.joints[i], self.peers.joints[j]
            alike = a.peer == b.peer and -1 not in (*a[2:], *b[2:])
            if alike or any(self._routed(a, b)):
                yield i, j

    def _routed(self, a: Joint, b: Joint) -> Iterator[bool]:
        """Whether a route leads from one to another, in either world."""
        for table, src, dst in zip(self.tables, self._classes(a), self._classes(b), strict=True):
            yield bool(table.routed[int(a.version == 6), src, dst])

    def _close(self, a: Joint, b: Joint) -> bool:
        """Whether `_related` is about two joints."""
        return a.peer == b.peer or (self._is_node(a) and self._is_node(b))

    def _is_node(self, joint: Joint) -> bool:
        ends = (self.old, joint.old), (self.new, joint.new)
        return any(n >= 0 and side.classes[n].key.kind == "node" for side, n in ends)

    def detail(self, source: Joint | None, target: Joint | None) -> Sides:
        """Both worlds, of those alone who are asked about: the first two of each class."""
        sides = []
        for side, space, atoms in zip((self.old, self.new), self.spaces, self.atoms, strict=True):
            numbers = [
                None if end is None else end.new if side is self.new else end.old
                for end in (source, target)
            ]
            asked = Between(*(_asked(side, number) for number in numbers))
            vrf = side.reach.network.vrfs[0].name
            reach = reach_between(side.reach.world, replace(space, stand_ins=asked), [(vrf, vrf)])
            made = Side(reach, side.classes, self.sets, _numbered(self, reach, atoms))
            made.fold({number for number in numbers if number is not None and number >= 0})
            sides.append(made)
        return Sides(self.space, self.sets, self.peers, *sides)


def refuse_parts(count: int) -> None:
    """Differences are listed one by one: say so before the memory is gone."""
    if count > MAX_PAIRS:
        message = (
            f"{count:,} pairs of workloads fare differently; more than {MAX_PAIRS:,} are too many "
            "to list"
        )
        raise UndecidedError(Diagnostic("C717", message, None, "compare smaller edits", "unknown"))


def _asked(side: Side, number: int | None) -> Bits:
    """The first two endpoints of a class, by flags; without a number, those of the outside."""
    if number is None:
        return side.reach.world.once(outer_ends)
    found = np.zeros(len(side.reach.network.endpoints), np.bool_)
    units = side.classes[number].units if number >= 0 else ()
    found[sorted({unit.endpoint for unit in units})[:2]] = True
    return found


def _numbered(sides: Sides, reach: Reach, atoms: Column) -> Column:
    """The numbers of a reach's sets in the space of both worlds."""
    return sides.sets.intern(reach.sets[:, atoms] & sides.space.real())


def by_class(
    old: World, new: World, spaces: Spaces, where: Collection[tuple[str, str]], found: Peers
) -> ByClass | None:
    """Two worlds by classes; None where pairs have to be compared one by one."""
    reaches: list[Reach] = []
    of: list[Column] = []
    for world, space, classes in zip((old, new), spaces, (found.old, found.new), strict=True):
        if not (is_cluster(world.network) and _simple(world.network)):
            return None
        stand_ins = StandIns.among(world.blocks)
        numbers = [{int(stand_ins.of[u.endpoint]) for u in one.units} for one in classes]
        if any(len(several) > 1 for several in numbers):
            return None
        of.append(np.array([number for one in numbers for number in one], np.int64))
        reaches.append(reach_between(world, replace(space, stand_ins=stand_ins), where))
    l4, *atoms = common(reaches[0].space, reaches[1].space)
    sets, real = L4Sets(l4.size), l4.real()
    old_side, new_side = (
        Side(reach, classes, sets, sets.intern(reach.sets[:, held] & real))
        for reach, classes, held in zip(reaches, (found.old, found.new), atoms, strict=True)
    )
    for side, mine in zip((old_side, new_side), of, strict=True):
        _fold_outside(side, mine)
    tables = _table(old_side, of[0]), _table(new_side, of[1])
    return ByClass(l4, sets, found, old_side, new_side, spaces, tables, (atoms[0], atoms[1]))


def _simple(network: Network) -> bool:
    """Whether nobody has two addresses of a family, and no node runs pods with endpoints."""
    ends = [e for e in network.endpoints if not is_outside(e)]
    hosts = [
        {(e.tenant, e.host) for e in ends if (e.kind == "node") is node} for node in (True, False)
    ]
    shared = {host for _, host in hosts[0] & hosts[1]} - {None}
    return not shared and all(len({p.version for p in e.prefixes}) == len(e.prefixes) for e in ends)


def _fold_outside(side: Side, of: Column) -> None:
    """Fill what passes from and to the outside: of one class of each kind, and of all by that."""
    first = _stand_ins(side).first
    one: dict[tuple[int, int], int] = {}
    for number, found in enumerate(side.classes):
        if any(unit.endpoint == first[of[number]] for unit in found.units):
            one.setdefault((int(of[number]), found.version), number)
    asked = []
    for (mine, _), number in one.items():
        units = side.classes[number].units
        unit = next(unit for unit in units if unit.endpoint == first[mine])
        asked.append(replace(side.classes[number], units=(unit,)))
    space = replace(side.reach.path_space, stand_ins=None)
    bare = replace(side, classes=tuple(asked), reach=replace(side.reach, path_space=space))
    bare.fold(inside=False)
    places = {key: place for place, key in enumerate(one)}
    named: dict[int, list[int]] = defaultdict(list)
    for number, found in enumerate(side.classes):
        named[places[int(of[number]), found.version]].append(number)
    ways = dict(side.ways)
    side.ways.clear()
    for way, lines in ways.items():
        side.ways.update((way._replace(member=number), lines) for number in named[way.member])


def _table(side: Side, of: Column) -> _ClassTable:
    """What passes between stand-ins that are not outside."""
    cells, pairs, stand_ins = side.reach.cells, side.reach.pairs, _stand_ins(side)
    apart = side.reach.world.once(outer_ends)
    src, dst = pairs.src[cells.pair], pairs.dst[cells.pair]
    rows = np.flatnonzero(~apart[src] & ~apart[dst])
    family = (pairs.version[cells.pair[rows]] == 6).astype(np.int64)
    at = family, stand_ins.of[src[rows]], stand_ins.of[dst[rows]]
    shape = 2, len(stand_ins) + 1, len(stand_ins) + 1
    may, must, routed = (
        np.zeros(shape, np.int32),
        np.zeros(shape, np.int32),
        np.zeros(shape, np.bool_),
    )
    may[at], must[at] = side.number[cells.some[rows]], side.number[cells.sure[rows]]
    routed[at] = True
    return _ClassTable(of, may, must, routed)


def _stand_ins(side: Side) -> StandIns:
    found = side.reach.path_space.stand_ins
    assert isinstance(found, StandIns)
    return found
