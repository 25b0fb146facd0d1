"""The outside: one fixed set of addresses, compared address by address.

Zone endpoints, and whatever else owns whole prefixes, are compared by address within their VRF,
whoever is called the owner in either world. Seen from a VRF, an address is not outside but *taken*
when in either world

1. it leads to a pod or node of the VRF itself: it is theirs, and what becomes of it is accounted to
   them; or
2. it leads nowhere else and to nobody in the VRF, whose prefixes hold it: the free part of a block,
   which a new pod brings along;

or where in both worlds it leads to one and the same other tenant's VRF. It is outside all the same
where the new world leads it through a route into another VRF to the outside: a block that a host
leaves to the default route is the outside's from then on, and who may send there gains it. The
block of a host that comes is those pods': it takes nothing from anybody. What only one world leads
to another tenant is outside in the other one, whoever has it there: a new leak that hides a part of
the outside takes it away, and one that ends gives it back. A zone endpoint with single addresses
that moves to others which were nobody's is found again by its name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import reduce

import numpy as np

from compiler.program.space import intersect, union
from fabric.building.network import Network
from fabric.values.interval_sets import cut
from sim.diff.peers import Joint
from sim.diff.side_by_side import NOTHING, OutsideLine, Ranges, Side, Sides
from sim.diff.stood_for import is_outside, outer_ends
from sim.proof.pairs.reachability import Bits, Reach
from sim.proof.routes.paths import Column, owns_prefix
from sim.proof.routes.refinements import TOP

HOST: Ranges = ((-1, -1),)
"""Stands for the addresses of a class: what matters is whose they are."""
Piece = tuple[int, int, int, int]
"""Source first, last; destination first, last; -1 for a class."""
Drawn = tuple[Ranges, Ranges, int, int]
"""Source ranges, destination ranges, what may and what must pass."""
Families = dict[int, Ranges]


@dataclass(frozen=True, slots=True)
class Outside:
    """What is outside of two worlds."""

    old: Reach
    new: Reach
    moved: dict[tuple[str, int, int], int]
    known: dict[object, object] = field(default_factory=dict)

    @staticmethod
    def of(old: Reach, new: Reach) -> Outside:
        """The outside of two worlds."""
        return Outside(old, new, dict(_moves(old.network, new.network)))

    def taken_by(self, sides: Sides, joint: Joint) -> Ranges:
        """Addresses that are not outside as a joint class sees them: a class that both worlds have
        from its VRF in each, and one that only one world has from that VRF in both."""
        old, new = (
            side.classes[number].key.vrf if number >= 0 else None
            for side, number in zip((sides.old, sides.new), joint[2:], strict=True)
        )
        vrfs = (old or new or "", new or old or "")
        if vrfs not in self.known:
            self.known[vrfs] = self._taken(*vrfs)
        known = self.known[vrfs]
        assert isinstance(known, dict)
        ranges: Ranges = known[joint.version]
        return ranges

    def _taken(self, *vrfs: str) -> Families:
        """Addresses that are not outside as seen from a VRF of each world (see the module)."""
        views = [
            _View.of(reach, vrf) for reach, vrf in zip((self.old, self.new), vrfs, strict=True)
        ]
        there = [view for view in views if view is not None]
        prefixes = [
            p
            for reach in (self.old, self.new)
            for v in reach.network.vrfs
            if v.name in vrfs
            for p in v.prefixes
        ]
        others = set.intersection(*({*view.others} for view in there))
        found: Families = {}
        for family in (4, 6):
            inside = union(
                (int(p.network_address), int(p.broadcast_address))
                for p in prefixes
                if p.version == family
            )
            free = union(*(view.free[family] for view in there))
            owned = union(*(view.owned[family] for view in there))
            led = [[view.others[name][family] for view in there] for name in sorted(others)]
            both = (reduce(intersect, ranges) for ranges in led)
            taken = union(owned, intersect(free, inside), *both)
            if (now := views[1]) is not None:
                own = union(now.owned[family], now.free[family])
                taken = without(taken, without(now.outer[family], own, family), family)
            found[family] = taken
        return found

    def drawn(
        self, old: bool, lines: Iterable[OutsideLine], vrfs: tuple[str, str], side: Side
    ) -> tuple[Drawn, ...]:
        """Lines with the addresses of their places in these VRFs; of the old world, those that move
        as they are in the new one."""
        return tuple(
            (
                self._class(side, line.src, vrfs[0], old),
                self._class(side, line.dst, vrfs[1], old),
                line.may,
                line.must,
            )
            for line in lines
        )

    def _class(self, side: Side, cls: int, vrf: str, old: bool) -> Ranges:
        if cls < 0:
            return HOST
        key = "class", old, cls, vrf
        if key not in self.known:
            found = side.reach.refinements.ranges(cls)
            if old and len(found) == 1 and found[0][0] == found[0][1]:
                version = side.reach.refinements.bounds(cls)[0]
                ip = self.moved.get((vrf, version, found[0][0]), found[0][0])
                found = ((ip, ip),)
            self.known[key] = found
        ranges = self.known[key]
        assert isinstance(ranges, tuple)
        return ranges

    def by_owner(self, old: bool, vrf: str, version: int) -> dict[str, Ranges]:
        """Outside endpoints of a VRF and what they own."""
        key = "owners", old, vrf, version
        if key not in self.known:
            owned: dict[str, list[tuple[int, int]]] = defaultdict(list)
            for first, last, name in self._owners(old, vrf, version):
                owned[name].append((first, last))
            self.known[key] = {name: union(ranges) for name, ranges in sorted(owned.items())}
        found = self.known[key]
        assert isinstance(found, dict)
        return found

    def _owners(self, old: bool, vrf: str, version: int) -> Iterator[tuple[int, int, str]]:
        reach = self.old if old else self.new
        number = next((v.index for v in reach.network.vrfs if v.name == vrf), None)
        if number is None:
            return
        atoms = reach.blocks.addresses
        owner = atoms.endpoint[atoms.base[number] : atoms.base[number + 1]]
        for i in np.flatnonzero(owner >= 0).tolist():
            endpoint = reach.network.endpoints[int(owner[i])]
            family, first, last = atoms.bounds(number, i)
            if family == version and is_outside(endpoint):
                if old and first == last:
                    first = last = self.moved.get((vrf, version, first), first)
                yield first, last, endpoint.name


@dataclass(frozen=True, slots=True)
class _View:
    """What a VRF of one world sees in tenants' VRFs: of its own, addresses that somebody owns and
    addresses that nobody owns; and what leads to each of the others, or to the outside."""

    owned: Families
    free: Families
    others: dict[str, Families]
    outer: Families

    @staticmethod
    def of(reach: Reach, name: str) -> _View | None:
        """The view of a VRF; None when this world lacks it."""
        network, blocks = reach.network, reach.blocks
        vrf = next((v.index for v in network.vrfs if v.name == name), None)
        if vrf is None:
            return None
        instances = blocks.inst_of[:, vrf]
        first = blocks.fib_off[instances[instances >= 0]]
        routes = reach.path_space.closure.fib
        sets = routes[first[:, None] + np.arange(blocks.addresses.count(vrf))]
        owned, free, outer = _no_ranges(), _no_ranges(), _no_ranges()
        others: dict[str, _Found] = defaultdict(_no_ranges)
        outside = reach.world.once(outer_ends)
        for egress in reach.path_space.egresses(sets):
            ref = reach.refinements.of(vrf, egress)
            owner = reach.path_space.owners(egress)[ref.atom_b]
            there = _leading(reach, sets, egress)[ref.atom_a]
            if egress != vrf:
                there_outside = np.flatnonzero(there & (owner >= 0) & outside[owner])
                for version, low, high in ref.runs(there_outside):
                    outer[version].append((low, high))
            if network.vrfs[egress].zone != 1:
                continue
            theirs = np.asarray(there & (owner >= 0) & ~outside[owner])
            other = others[network.vrfs[egress].name] if egress != vrf else None
            for into, chosen in ((owned, theirs), (free, np.asarray(there & (owner < 0)))):
                for version, low, high in ref.runs(np.flatnonzero(chosen)):
                    (into if other is None else other)[version].append((low, high))
        led = {of: _ranges(found) for of, found in others.items()}
        return _View(_ranges(owned), _ranges(free), led, _ranges(outer))


_Found = dict[int, list[tuple[int, int]]]


def _no_ranges() -> _Found:
    return {4: [], 6: []}


def _ranges(found: _Found) -> Families:
    return {version: union(spans) for version, spans in found.items()}


def _leading(reach: Reach, sets: Column, egress: int) -> Bits:
    """The atoms of which some way, from some VTEP, ends in VRF `egress`."""
    ways = reach.path_space.closure
    hops = np.repeat(np.arange(len(ways.off) - 1), np.diff(ways.off))
    holds = np.zeros(len(ways.off), np.bool_)
    holds[hops[ways.vrf == egress]] = True
    return np.asarray(holds[sets].any(axis=0))


def _moves(old: Network, new: Network) -> Iterator[tuple[tuple[str, int, int], int]]:
    """Addresses of zone endpoints that moved: (VRF, family, before) and after."""
    here, there = (_OutsideEnds(network) for network in (old, new))
    for name, before in here.single.items():
        after = there.single.get(name)
        if after is None:
            continue
        vrf = old.vrfs[before.vrf].name
        if vrf != new.vrfs[after.vrf].name:
            continue
        for version in (4, 6):
            was, now = (
                sorted(int(p.network_address) for p in e.prefixes if p.version == version)
                for e in (before, after)
            )
            if len(was) == len(now):
                for a, b in zip(was, now, strict=True):
                    free = not there.held(vrf, version, a) and not here.held(vrf, version, b)
                    if a != b and free:
                        yield (vrf, version, a), b


class _OutsideEnds:
    """Outside endpoints of a world: `single` are those that own single addresses, by name."""

    def __init__(self, network: Network) -> None:
        ends = [e for e in network.endpoints if is_outside(e)]
        self.single = {e.name: e for e in ends if not owns_prefix(e)}
        self.prefixes = [
            (network.vrfs[e.vrf].name, p.version, int(p.network_address), int(p.broadcast_address))
            for e in ends
            for p in e.prefixes
        ]

    def held(self, vrf: str, version: int, address: int) -> bool:
        """Whether an outside endpoint of the VRF owns the address."""
        return any(
            (v, family) == (vrf, version) and low <= address <= high
            for v, family, low, high in self.prefixes
        )


def pieces(
    old: Iterable[Drawn], new: Iterable[Drawn]
) -> Iterator[tuple[Piece, tuple[int, int], tuple[int, int]]]:
    """Cut two worlds' lines against each other; what differs, with (may, must) in both."""
    before, after = tuple(old), tuple(new)
    both = (*before, *after)
    src, dst = (
        sorted(cut((r for line in both for r in line[0]), 1 << 128)),
        sorted(cut((r for line in both for r in line[1]), 1 << 128)),
    )
    painted = [_paint(lines, src, dst) for lines in (before, after)]
    for i, j in sorted(painted[0].keys() | painted[1].keys()):
        was, now = (found.get((i, j), (NOTHING, NOTHING)) for found in painted)
        if was != now:
            yield (src[i], src[i + 1] - 1, dst[j], dst[j + 1] - 1), was, now


def without(ranges: Ranges, less: Ranges, version: int) -> Ranges:
    """Addresses of `ranges` that are not in `less` (both sorted)."""
    if not less:
        return ranges
    ends = [-1, *(high for _, high in less)]
    starts = [*(low for low, _ in less), TOP[version] + 1]
    rest = tuple((a + 1, b - 1) for a, b in zip(ends, starts, strict=True) if a + 1 < b)
    return intersect(ranges, rest)


def _paint(
    lines: Iterable[Drawn], src: list[int], dst: list[int]
) -> dict[tuple[int, int], tuple[int, int]]:
    place_src, place_dst = ({x: i for i, x in enumerate(cuts)} for cuts in (src, dst))
    return {
        (i, j): (may, must)
        for sources, targets, may, must in lines
        for s_low, s_high in sources
        for d_low, d_high in targets
        for i in range(place_src[s_low], place_src[s_high + 1])
        for j in range(place_dst[d_low], place_dst[d_high + 1])
    }
