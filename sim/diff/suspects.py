"""Where two worlds may differ at all: pairs of VRFs, told without listing pairs of endpoints.

Packets from VRF a to VRF b fare alike in both worlds, whoever sends them, unless (a, b) is a
*suspect*. It is one if a route of either world leads from a to b, and

1. others live in a or b, or elsewhere, or are compared with others;
2. a route of a that leads to b differs, or one of b that leads back to addresses of a, or one of
   either that leads on from its own addresses, or a link of the underlay between them;
3. a policy of a decides otherwise about anything in b, or one of b about what it sees a as, or
   permits it where something else holds.

Rows, ranges and witnesses are then looked for among suspects alone. This errs on one side: that the
other end must agree, that nobody has the address, is found there. For the same reason nothing that
a class of `sim.diff.peers` does may be left out: members of a class that fare differently are told
apart, and so pairs where they may (4: not all hosts have the same routes) are listed with suspects
of the same peers. Where a VRF permits hairpins in either world, every pair is a suspect: routes of
others decide.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from itertools import pairwise, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.policy.ir import Direction
from fabric.values.interval_sets import Intervals, intersect, union
from sim.blocks.conditions import conditional, demanded
from sim.diff.changes import BothBlocks, CommonAtoms, blocks_asked
from sim.diff.peers import Class, Peers
from sim.proof.isolation.vrf_pairs import SeenBehind
from sim.proof.routes.paths import PathSpace

I64 = NDArray[np.int64]
Names = tuple[str, str]
HopSet = tuple[Names, ...]
"""Node and VRF of each next hop."""


def suspects(old: PathSpace, new: PathSpace, found: Peers) -> frozenset[Names]:
    """Pairs of VRFs, by name, outside of which nothing differs."""
    if any(vrf.hairpin for space in (old, new) for vrf in space.network.vrfs):
        names = {vrf.name for space in (old, new) for vrf in space.network.vrfs}
        return frozenset((a, b) for a in names for b in names)
    hops: dict[HopSet, int] = {}
    both = _WorldByName(old, found.old, hops), _WorldByName(new, found.new, hops)
    leads = [{vrf for _, vrf in hop_set} for hop_set in hops]
    routed = {(a, b) for world in both for a in world.vrfs for b in _ahead(leads, world.routes(a))}
    moved = _moved(*both, found)
    alike = both[0].vrfs.keys() - moved
    pairs = {pair for pair in routed if not alike.issuperset(pair)}
    pairs |= routed.intersection(_rerouted(*both, alike, leads, routed))
    pairs |= routed.intersection(_underlay(*both, alike))
    pairs |= routed.intersection(_decided(*both, alike, routed))
    return frozenset(pairs | set(_uneven(both, pairs, routed)))


class _WorldByName:
    """One world by names: its VRFs, who lives there, and its next-hop sets, numbered as in both."""

    def __init__(
        self, space: PathSpace, classes: tuple[Class, ...], hops: dict[HopSet, int]
    ) -> None:
        network, b = space.network, space.blocks
        self.space, self.classes = space, classes
        self.nodes = [node.name for node in network.fabric.nodes]
        self.vrfs = {vrf.name: vrf.index for vrf in network.vrfs}
        names = [vrf.name for vrf in network.vrfs]
        ends = zip(b.set_vtep.tolist(), b.set_vrf.tolist(), strict=True)
        named = [(self.nodes[vtep], names[vrf]) for vtep, vrf in ends]
        sets = (tuple(named[i:j]) for i, j in pairwise(b.set_off.tolist()))
        self.sets = np.array([*(hops.setdefault(s, len(hops)) for s in sets), -1], np.int64)
        self.who: dict[str, list[Hashable]] = defaultdict(list)
        self.owned: dict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
        for e in network.endpoints:
            nodes = [(self.nodes[vtep], vtep in e.backups) for vtep in e.vteps]
            at = e.host, tuple(nodes)
            self.who[names[e.vrf]].append((e.name, e.kind, e.tenant, *at, e.prefixes, e.anycast))
            for p in e.prefixes:
                bounds = int(p.network_address), int(p.broadcast_address)
                self.owned[names[e.vrf], p.version].append(bounds)
        self.at: dict[str, list[list[tuple[int, int, int]]]] = defaultdict(list)
        for one in classes:
            vteps = (
                (u.version, u.address, vtep)
                for u in one.units
                for vtep in network.entries(network.endpoints[u.endpoint])
            )
            if len(where := list(vteps)) > 1:
                self.at[one.key.vrf].append(where)
        self._tables: dict[str, tuple[I64, I64]] = {}
        self._uneven: dict[frozenset[str], bool] = {}
        self._led: dict[Names, bool] = {}
        self._ways: dict[tuple[int, int], tuple[int, ...]] = {}

    def tables(self, vrf: str) -> tuple[I64, I64]:
        """VTEPs of a VRF by name, and their own next-hop sets by atom."""
        if vrf not in self._tables:
            vteps, sets = self.space.tables(self.vrfs[vrf])
            order = sorted(range(len(vteps)), key=lambda i: self.nodes[vteps[i]])
            self._tables[vrf] = vteps[order], sets[order]
        return self._tables[vrf]

    def routes(self, vrf: str) -> I64:
        """Next-hop sets of a VRF as numbered in both worlds, [VTEPs, atoms], -1 for none."""
        return self.sets[self.tables(vrf)[1]]

    def sees(self, behind_of: SeenBehind, a: str, b: str) -> set[str]:
        """As what endpoints of `b` see those of `a`."""
        vrfs = self.space.network.vrfs
        return {vrfs[vrf].name for vrf in behind_of.seen(self.vrfs[a], self.vrfs[b])}

    def owns(self, vrf: str, ranges: tuple[Intervals, Intervals]) -> bool:
        """Whether anybody in a VRF has one of these addresses, of either family."""
        owned = (union(self.owned[vrf, version]) for version in (4, 6))
        return any(intersect(mine, r) for mine, r in zip(owned, ranges, strict=True))

    def uneven(self, a: str, b: str) -> bool:
        """Whether members of a class of either VRF may fare differently with the other one. That
        goes both ways: a way there is a way back from there."""
        key = frozenset((a, b))
        if key not in self._uneven:
            (at_a, sets_a), (at_b, sets_b) = self.tables(a), self.tables(b)
            self._uneven[key] = (
                bool((sets_a != sets_a[:1]).any() or (sets_b != sets_b[:1]).any())
                or not self.space.underlay[np.ix_(at_a, at_b)].all()
                or not self.space.underlay[np.ix_(at_b, at_a)].all()
                or any(self._apart(x, y) for x, y in product((a, b), repeat=2))
            )
        return self._uneven[key]

    def _apart(self, vrf: str, other: str) -> bool:
        """Whether routes of a VRF lead otherwise to members of one class of another."""
        if (vrf, other) not in self._led:
            sets = self.tables(vrf)[1]
            there = self.at[other] if len(sets) else ()
            self._led[vrf, other] = any(self._led_apart(vrf, sets[0], units) for units in there)
        return self._led[vrf, other]

    def _led_apart(self, vrf: str, sets: I64, units: list[tuple[int, int, int]]) -> bool:
        """Whether sets of a VRF by atom lead otherwise to some of these members than to others."""
        find, number = self.space.blocks.addresses.find, self.vrfs[vrf]
        keys = {(int(sets[find(number, version, ip)]), vtep) for version, ip, vtep in units}
        return len(keys) > 1 and len({self._way(*key) for key in keys}) > 1

    def _way(self, hop_set: int, vtep: int) -> tuple[int, ...]:
        """How a set leads to a VTEP: of how many hops, and to which VRFs there."""
        key = hop_set, vtep
        if key not in self._ways:
            b = self.space.blocks
            hops = slice(*b.set_off[hop_set : hop_set + 2]) if hop_set >= 0 else slice(0)
            there = b.set_vrf[hops][b.set_vtep[hops] == vtep]
            self._ways[key] = len(b.set_vrf[hops]), *there.tolist()
        return self._ways[key]


def _ahead(leads: list[set[str]], sets: NDArray[Any]) -> set[str]:
    """VRFs that any of these next-hop sets leads to."""
    used = np.unique(sets)
    return set().union(*(leads[number] for number in used[used >= 0].tolist()))


def _moved(old: _WorldByName, new: _WorldByName, found: Peers) -> set[str]:
    """VRFs of which the worlds have other endpoints, or endpoints that are compared otherwise."""
    out = {name for name in {*old.vrfs, *new.vrfs} if old.who.get(name) != new.who.get(name)}
    out |= old.vrfs.keys() ^ new.vrfs.keys()
    for joint in found.joints:
        here = [found.old[joint.old]] if joint.old >= 0 else []
        there = [found.new[joint.new]] if joint.new >= 0 else []
        told = [
            [(u.name, u.number, u.address) for c in side for u in c.units] for side in (here, there)
        ]
        vrfs = {c.key.vrf for c in (*here, *there)}
        if told[0] != told[1] or len(vrfs) > 1:
            out |= vrfs
    return out


def _rerouted(
    old: _WorldByName, new: _WorldByName, alike: set[str], leads: list[set[str]], routed: set[Names]
) -> Iterator[Names]:
    """Pairs between which a route differs, there or back."""
    for vrf in alike:
        starts = (w.space.blocks.addresses.starts[w.vrfs[vrf]] for w in (old, new))
        atoms = CommonAtoms.of(*starts)
        was, now = (w.routes(vrf)[:, at] for w, at in zip((old, new), atoms.of_sides, strict=True))
        differ = was != now
        if differ.any():
            yield from ((vrf, to) for to in _ahead(leads, np.r_[was[differ], now[differ]]))
            where = atoms.intervals(differ.any(axis=0))
            senders = (a for a, b in routed if b == vrf and a in alike)
            own = any(world.owns(vrf, where) for world in (old, new))
            yield from ((a, vrf) for a in senders if own or old.owns(a, where))
            yield from ((a, b) for a, b in routed if own and a == vrf)


def _underlay(old: _WorldByName, new: _WorldByName, alike: set[str]) -> Iterator[Names]:
    """Pairs with nodes between which only one world can carry packets."""
    names = sorted({*old.nodes} & {*new.nodes})
    carries = []
    for world in (old, new):
        place = {name: number for number, name in enumerate(world.nodes)}
        at = [place[name] for name in names]
        carries.append(world.space.underlay[np.ix_(at, at)])
    differ = carries[0] != carries[1]
    if not differ.any():
        return
    number = {name: i for i, name in enumerate(names)}
    at_nodes = {v: [number[old.nodes[n]] for n in old.tables(v)[0].tolist()] for v in alike}
    for a, from_ in at_nodes.items():
        for b, to in at_nodes.items():
            if differ[np.ix_(from_, to)].any():
                yield a, b


def _decided(
    old: _WorldByName, new: _WorldByName, alike: set[str], routed: Iterable[Names]
) -> Iterator[Names]:
    """Pairs about which a policy decides otherwise, at either end."""
    blocks = old.space.blocks, new.space.blocks
    asked, asks = blocks_asked(*blocks), [conditional(b) for b in blocks]
    may = BothBlocks(*blocks)
    cuts = [may]
    if any(a.any() for a in asks):
        must = tuple(b.dec_permit & ~a for b, a in zip(blocks, asks, strict=True))
        cuts.append(BothBlocks(*blocks, (must[0], must[1])))
    if all(a.any() for a in asks):
        _, says = demanded(blocks)
        cuts.append(BothBlocks(*blocks, (says[0], says[1])))
    inward: dict[str, set[str]] = defaultdict(set)
    names = [vrf.name for vrf in old.space.network.vrfs]
    for direction, vrfs, block in asked:
        if (name := names[vrfs[0]]) not in alike:
            continue
        for cut in cuts:
            if cut.equal(vrfs, block):
                continue
            number, found, *_ = cut.differing(vrfs, block)
            if not len(found):
                continue
            columns = zip(cut.columns(vrfs).values(), np.isin(number, found), strict=True)
            for remote in (r for several, differs in columns if differs.any() for r in several):
                if direction is Direction.OUT:
                    yield name, remote
                else:
                    inward[name].add(remote)
    seen_behind = (
        [(world, SeenBehind(world.space.blocks)) for world in (old, new)] if inward else []
    )
    for a, b in routed:
        if a in alike and b in inward:
            if a in inward[b]:
                yield a, b
                continue
            seen = {a}.union(*(world.sees(behind_of, a, b) for world, behind_of in seen_behind))
            if seen & inward[b]:
                yield a, b


def _uneven(
    both: tuple[_WorldByName, _WorldByName], pairs: set[Names], routed: set[Names]
) -> Iterator[Names]:
    """Pairs where members of a peer that a suspect is about may fare differently (4)."""
    touched = {vrf for pair in pairs for vrf in pair}
    classes = [c for world in both for c in world.classes]
    peers = {c.peer for c in classes if c.key.vrf in touched}
    concerned = {c.key.vrf for c in classes if c.peer in peers}
    for pair in routed - pairs:
        if concerned.intersection(pair) and any(world.uneven(*pair) for world in both):
            yield pair
