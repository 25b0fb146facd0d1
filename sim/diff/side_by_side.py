"""Two worlds side by side: the same peers, the same L4 atoms, the same outside addresses.

`Sides` translates both worlds' sets of L4 atoms into one space, so that equal access has equal set
numbers in both, and folds pairs of endpoints into pairs of classes (`sim.diff.peers`). Per pair of
classes there are two sets: what *may* pass, between some members on some path, and what *must*,
between all members on every path.

A pair of classes may have no members to speak of, such as a workload of one pod with itself. Where
the other world has some, `imagined` says how one more would fare: as the pod fares with its own
address, and a node with a pod of another host, whatever policies say of pods and their own nodes.
What a node may do with its own pods is a relation of its own (`own`): a pod that moves takes it
along.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import numpy as np

from compiler.policy.ir import Verdict
from sim.blocks.common_ports import common
from sim.blocks.numbering import distinct, expand
from sim.blocks.port_sets import L4, L4Space
from sim.diff.one_more_member import said_of_one_more
from sim.diff.peers import Class, Joint, Peer, Peers, peers
from sim.diff.stood_for import members_of, outer_ends, reach_of_classes, stood_for
from sim.proof.pairs.reachability import Bits, L4Sets, Reach, combine
from sim.proof.routes.paths import Column, PathSpace
from sim.worlds.world import World

Ranges = tuple[tuple[int, int], ...]
NOTHING = 0
"""The number of the empty set."""


class Pair(NamedTuple):
    """Two classes, and whether members are a node and a pod of the same host."""

    src: int
    dst: int
    own: bool


class Way(NamedTuple):
    """A class and the outside of one VRF; `inward` is from there to the class."""

    member: int
    vrf: str
    inward: bool


class OutsideLine(NamedTuple):
    """Classes of outside addresses (one where the other end is a class), and what passes."""

    src: int
    dst: int
    may: int
    must: int


@dataclass(frozen=True, slots=True)
class Side:
    """One world. `pairs` maps pairs of classes that have a route to (may, must); `ways` and
    `through` say the same about outside addresses. `cells_of` are rows of `reach.cells` behind a
    pair. Members of classes of `uneven` peers do not fare alike."""

    reach: Reach
    classes: tuple[Class, ...]
    sets: L4Sets
    number: Column
    pairs: dict[Pair, tuple[int, int]] = field(default_factory=dict)
    ways: dict[Way, tuple[OutsideLine, ...]] = field(default_factory=dict)
    through: dict[tuple[str, str, int], tuple[OutsideLine, ...]] = field(default_factory=dict)
    cells_of: dict[object, Column] = field(default_factory=dict)
    hosted: dict[int, Counter[tuple[str, str | None]]] = field(default_factory=dict)
    uneven: set[Peer] = field(default_factory=set)

    def count(self, pair: Pair) -> int:
        """How many pairs of units there are."""
        src, dst = self.classes[pair.src], self.classes[pair.dst]
        on_host = src.key.kind == "node", dst.key.kind == "node"
        own = self._own(pair) if any(on_host) and not all(on_host) else 0
        if pair.own:
            return own
        same = self._same(pair) if src.peer == dst.peer or all(on_host) else 0
        return len(src.units) * len(dst.units) - same - own

    def _same(self, pair: Pair) -> int:
        """Pairs of units of one endpoint, which has no business with itself."""
        here, there = (
            Counter(unit.endpoint for unit in self.classes[number].units) for number in pair[:2]
        )
        return sum(here[endpoint] * n for endpoint, n in there.items())

    def _own(self, pair: Pair) -> int:
        """Pairs of a node and a pod of its own host."""
        here, there = (self.hosts(number) for number in pair[:2])
        return sum(here[host] * n for host, n in there.items() if host[1] is not None)

    def hosts(self, number: int) -> Counter[tuple[str, str | None]]:
        """How many units of a class are on each host of a tenant."""
        if number not in self.hosted:
            ends = (self.reach.network.endpoints[u.endpoint] for u in self.classes[number].units)
            self.hosted[number] = Counter((e.tenant, e.host) for e in ends)
        return self.hosted[number]

    def known(self, pair: Pair) -> tuple[int, int] | None:
        """What passes between two classes; None when they have no members for it. A peer that this
        world lacks reaches nothing."""
        if pair.src < 0 or pair.dst < 0:
            return NOTHING, NOTHING
        if pair in self.pairs:
            return self.pairs[pair]
        return (NOTHING, NOTHING) if self.count(pair) else None

    def fold(self, only: Collection[int] | None = None, *, inside: bool = True) -> None:
        """Fill the tables, maybe of some classes only; of pairs of classes if `inside`."""
        cells, of = self.reach.cells, self.reach.pairs
        src, dst = of.src[cells.pair], of.dst[cells.pair]
        apart = self.reach.world.once(outer_ends)
        some, sure = self.number[cells.some], self.number[cells.sure]
        at_src = self._members(cells.src_class, src, apart, only)
        at_dst = self._members(cells.dst_class, dst, apart, only)
        if inside:
            rows = np.flatnonzero(~apart[src] & ~apart[dst])
            for own, pairs in enumerate(stood_for(self.reach)):
                stand = rows[pairs[cells.pair[rows]] > 0]
                counts = pairs[cells.pair]
                self._fold_pairs(stand, at_src, at_dst, some, sure, counts, bool(own))
        for inward in (False, True):
            near, far = (dst, src) if inward else (src, dst)
            rows = np.flatnonzero(~apart[near] & apart[far])
            at = at_dst if inward else at_src
            cls = cells.src_class if inward else cells.dst_class
            self._fold_ways(rows, at, cls, far, some, sure, inward)
        self._fold_through(np.flatnonzero(apart[src] & apart[dst]), src, dst, some, sure)

    def _members(
        self, cls: Column, end: Column, apart: Bits, only: Collection[int] | None
    ) -> tuple[Column, Column, Column]:
        """Per cell the first and number of its classes in a flat list, and the list."""
        known: dict[tuple[int, int, int], list[int]] = defaultdict(list)
        for number in range(len(self.classes)) if only is None else sorted(only):
            for unit in self.classes[number].units:
                known[unit.endpoint, unit.version, unit.address].append(number)
        of, row = distinct(cls)
        flat: list[int] = []
        first, count = np.zeros(len(row), np.int64), np.zeros(len(row), np.int64)
        for i, (p, e) in enumerate(zip(cls[row].tolist(), end[row].tolist(), strict=True)):
            if not apart[e]:
                version, address, _ = self.reach.refinements.bounds(p)
                found = known[e, version, address]
                first[i], count[i] = len(flat), len(found)
                flat += found
        return first[of], count[of], np.array(flat, np.int64)

    def _fold_pairs(
        self,
        rows: Column,
        at_src: tuple[Column, Column, Column],
        at_dst: tuple[Column, Column, Column],
        some: Column,
        sure: Column,
        counts: Column,
        own: bool,
    ) -> None:
        row, cls = expand(at_src[0][rows], at_src[1][rows])
        rows, a = rows[row], at_src[2][cls]
        row, cls = expand(at_dst[0][rows], at_dst[1][rows])
        rows, a, b = rows[row], a[row], at_dst[2][cls]
        key = a * max(1, len(self.classes)) + b
        for number, may, must, mine in self._folded(rows, key, some, sure):
            src, dst = divmod(number, max(1, len(self.classes)))
            pair = Pair(src, dst, own)
            complete = int(counts[mine].sum()) == self.count(pair)
            if may != NOTHING and not (complete and even(some[mine], sure[mine])):
                self.uneven.update((self.classes[src].peer, self.classes[dst].peer))
            self.pairs[pair] = may, must if complete else NOTHING
            self.cells_of[pair] = mine

    def _fold_ways(
        self,
        rows: Column,
        at: tuple[Column, Column, Column],
        cls: Column,
        far: Column,
        some: Column,
        sure: Column,
        inward: bool,
    ) -> None:
        row, position = expand(at[0][rows], at[1][rows])
        rows, member = rows[row], at[2][position]
        n_classes = int(cls.max()) + 1 if len(cls) else 1
        key = member * n_classes + cls[rows]
        near = self.reach.pairs.dst if inward else self.reach.pairs.src
        counts = members_of(self.reach, near[self.reach.cells.pair])
        found: dict[Way, list[OutsideLine]] = defaultdict(list)
        for number, may, must, mine in self._folded(rows, key, some, sure):
            one, p = divmod(number, n_classes)
            complete = int(counts[mine].sum()) == len(self.classes[one].units)
            if may != NOTHING and not (complete and even(some[mine], sure[mine])):
                self.uneven.add(self.classes[one].peer)
            must = must if complete else NOTHING
            way = Way(one, self._vrf(int(far[mine[0]])), inward)
            line = OutsideLine(p, -1, may, must) if inward else OutsideLine(-1, p, may, must)
            self.cells_of[way, p] = mine
            if may != NOTHING:
                found[way].append(line)
        self.ways.update((way, tuple(lines)) for way, lines in found.items())

    def _fold_through(
        self, rows: Column, src: Column, dst: Column, some: Column, sure: Column
    ) -> None:
        cells, version = self.reach.cells, self.reach.pairs.version[self.reach.cells.pair]
        found: dict[tuple[str, str, int], list[OutsideLine]] = defaultdict(list)
        for row in rows.tolist():
            may = int(some[row])
            if may != NOTHING:
                key = self._vrf(int(src[row])), self._vrf(int(dst[row])), int(version[row])
                classes = int(cells.src_class[row]), int(cells.dst_class[row])
                found[key].append(OutsideLine(*classes, may, int(sure[row])))
                self.cells_of[key, classes] = np.array([row])
        self.through.update((key, tuple(sorted(lines))) for key, lines in found.items())

    def _vrf(self, endpoint: int) -> str:
        network = self.reach.network
        return network.vrfs[network.endpoints[endpoint].vrf].name

    def _folded(
        self, rows: Column, key: Column, some: Column, sure: Column
    ) -> Iterator[tuple[int, int, int, Column]]:
        """(key, may, must, cells) of each distinct key."""
        order = np.argsort(key, kind="stable")
        rows, key = rows[order], key[order]
        group, first = distinct(key)
        may = combine(self.sets, group, some[rows], np.logical_or)
        must = combine(self.sets, group, sure[rows], np.logical_and)
        parts = np.split(rows, first[1:]) if len(first) else []
        yield from zip(key[first].tolist(), may.tolist(), must.tolist(), parts, strict=True)

    def imagined(self, pair: Pair, space: L4Space, packets: Sequence[L4 | None]) -> tuple[int, int]:
        """How one more member of either class would fare, where no two are there: see the module.
        `packets` has one of each atom."""
        a, b = self.classes[pair.src].units[0], self.classes[pair.dst].units[0]
        passes = np.zeros((len(self.passing([])), len(packets)), np.bool_)
        if a.endpoint == b.endpoint or pair._replace(own=True) in self.pairs:
            for atom, said in said_of_one_more(self.reach.world, a, b, packets):
                passes[:, atom] = self.passing(said)
        return self.known_as(space.of_version(passes, a.version) & space.real())

    def passing(self, said: Sequence[Verdict]) -> Sequence[bool]:
        """Whether a packet may pass of which both ends say this, and whether it must: what passes
        on a condition need not. Of which nobody says anything, does neither."""
        may = bool(said) and all(v.permit for v in said)
        return may, may and not any(v.conditions for v in said)

    def known_as(self, rows: Bits) -> tuple[int, int]:
        """The numbers of what may and what must pass, rows as of `passing`."""
        may, must = self.sets.intern(rows).tolist()
        return may, must


@dataclass(frozen=True, slots=True)
class Sides:
    """Both worlds; `sets.bits[i]` is a set over `space`. `whole`: the reach of either side has all
    that is compared, and not classes for it."""

    whole: ClassVar[bool] = True
    space: L4Space
    sets: L4Sets
    peers: Peers
    old: Side
    new: Side

    @staticmethod
    def between(
        worlds: tuple[World, World],
        spaces: tuple[PathSpace, PathSpace],
        where: Collection[tuple[str, str]],
        found: Peers,
    ) -> Sides:
        """Two worlds with these peers, in these pairs of VRFs; uneven peers are matched again."""
        old, new = worlds
        here = reach_of_classes(old, spaces[0], found.old, where)
        there = reach_of_classes(new, spaces[1], found.new, where)
        sides = Sides.of(here, there, found)
        uneven = frozenset(sides.old.uneven | sides.new.uneven)
        if not uneven:
            return sides
        policies = old.program.policy, new.program.policy
        found = peers(old.network, new.network, policies, uneven)
        if here.stand_ins is not None:
            here = reach_of_classes(old, spaces[0], found.old, where)
        if there.stand_ins is not None:
            there = reach_of_classes(new, spaces[1], found.new, where)
        return Sides.of(here, there, found)

    @staticmethod
    def of(old: Reach, new: Reach, found: Peers) -> Sides:
        """Two worlds with these peers."""
        space, *atoms = common(old.space, new.space)
        real = space.real()
        sets = L4Sets(space.size)
        sides = []
        for reach, classes, of in ((old, found.old, atoms[0]), (new, found.new, atoms[1])):
            side = Side(reach, classes, sets, sets.intern(reach.sets[:, of] & real))
            side.fold()
            sides.append(side)
        return Sides(space, sets, found, *sides)

    def packets(self) -> list[L4 | None]:
        """A packet of each atom, None for those that hold none."""
        one = np.eye(self.space.size, dtype=np.bool_)
        return [self.space.pick(row) for row in one]

    def compared(self) -> Iterator[tuple[Joint, Joint, bool, tuple[int, int], tuple[int, int]]]:
        """Pairs of joints that may and must pass different sets, with (may, must) in both."""
        of_old, of_new = self._joints()
        keys = {
            (a, b, pair.own)
            for side, of in ((self.old, of_old), (self.new, of_new))
            for pair in side.pairs
            for a in of[pair.src]
            for b in of[pair.dst]
        }
        joints = self.peers.joints
        packets: list[L4 | None] = []
        for i, j, own in sorted(keys | self._strangers()):
            a, b = joints[i], joints[j]
            both = Pair(a.old, b.old, own), Pair(a.new, b.new, own)
            values = [self.old.known(both[0]), self.new.known(both[1])]
            if found := self.decided((a, b), both, values, packets):
                yield a, b, own, *found

    def detail(self, source: Joint | None, target: Joint | None) -> Sides:
        """The sides that know all packets between two joints, None for the outside."""
        return self

    def decided(
        self,
        ends: tuple[Joint, Joint],
        both: tuple[Pair, Pair],
        values: list[tuple[int, int] | None],
        packets: list[L4 | None],
    ) -> tuple[tuple[int, int], tuple[int, int]] | None:
        """What passes between two joints, if that differs; what one world has nobody for is
        imagined, with `packets`, which are filled then."""
        if None in values:
            if both[0].own or values == [None, None] or -1 in (*ends[0][2:], *ends[1][2:]):
                return None
            packets += () if packets else self.packets()
            values = [
                side.imagined(pair, self.space, packets) if value is None else value
                for side, pair, value in zip((self.old, self.new), both, values, strict=True)
            ]
        was, now = values
        return (was, now) if was is not None and now is not None and was != now else None

    def _joints(self) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
        """Numbers of the joints of each class, in both worlds."""
        old, new = defaultdict[int, list[int]](list), defaultdict[int, list[int]](list)
        for number, joint in enumerate(self.peers.joints):
            old[joint.old].append(number)
            new[joint.new].append(number)
        return old, new

    def _strangers(self) -> set[tuple[int, int, bool]]:
        """Pairs of which one world may have no members: within a peer, and nodes with pods."""
        out: set[tuple[int, int, bool]] = set()
        nodes: dict[tuple[str, int], list[int]] = defaultdict(list)
        pods: dict[tuple[str, int], list[int]] = defaultdict(list)
        fellows: dict[tuple[Peer, int], list[int]] = defaultdict(list)
        for number, (peer, version, old, new) in enumerate(self.peers.joints):
            if old >= 0 and new >= 0:
                fellows[peer, version].append(number)
                kinds = self.old.classes[old].key.kind, self.new.classes[new].key.kind
                for where, there in ((nodes, "node" in kinds), (pods, {*kinds} != {"node"})):
                    if there:
                        where[peer.name.partition("/")[0], version].append(number)
        for mine in fellows.values():
            out |= {(a, b, False) for a in mine for b in mine}
        for tenant, mine in nodes.items():
            for node in mine:
                for pod in pods.get(tenant, ()):
                    out |= {(node, pod, False), (pod, node, False)}
        return out


def even(some: Column, sure: Column) -> bool:
    """Whether all cells say the same."""
    return len(some) == 1 or bool((some == some[0]).all() and (sure == sure[0]).all())
