"""Transients of a change: packets of which a mixture of versions makes what neither version does.

A packet that both versions deliver has to arrive in every mixture of them, and one that neither
delivers in none: then whatever holds of both versions, expectations and isolation too, holds at
every transient in between. What the versions themselves disagree about may be either.

Rules that hold here:

1. A packet is asked about with every pair of versions that the devices at its ends may have, and
   with all versions of those that pass it on (`sim.diff.rollout.devices`). Where both ends have one
   version and nothing between them differs, it fares as in that world, which is not asked again.
2. Answers are compared address atom by address atom, of all endpoints whose ends differ: what *may*
   arrive, by some choice of ECMP, and what *must*, by all of them and without conditions.
3. `gained`: may arrive and could not in either version. `lost`: may not arrive and could in both,
   or need not and had to in both.
4. What may arrive on conditions is asked in every case (`sim.diff.asked_ways`): whether something
   gets through that gets through in neither version is then undecided, because conditions are no
   more than words here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from compiler.program.program import conditions_of
from fabric.building.network import Network, refuse_anycast
from fabric.diagnostics import Diagnostic, UndecidedError
from sim.blocks.numbering import same_rows
from sim.diff.asked_ways import Asking, WaysAsked, Word, words_of
from sim.diff.rollout.answers import Beside, PairAnswers, beside
from sim.diff.rollout.devices import Changing
from sim.packets.headers import Flow
from sim.packets.notation import show
from sim.packets.reasons import Reason
from sim.pipeline.trace import Trace, trace
from sim.pipeline.ways import entered
from sim.proof.availability.failures import quiet
from sim.proof.pairs.reachability import MAX_PAIRS, Bits, Reach, reach_by
from sim.proof.routes.paths import Column, Paths, PathSpace, paths
from sim.proof.routes.refinements import Refinements
from sim.worlds.world import World

Flags = NDArray[np.bool_]
GAINED, LOST = "gained", "lost"


@dataclass(frozen=True, slots=True)
class Transient:
    """What happens while the nodes `newer` have the new version and `older` the old one: `kind` is
    gained or lost, `pairs` counts pairs of endpoints, `flow` is a packet from `src` to `dst`, one
    of them, of which `world` makes what neither version does."""

    newer: tuple[int, ...]
    older: tuple[int, ...]
    kind: str
    pairs: int
    src: int
    dst: int
    flow: Flow
    world: World

    def trace(self) -> Trace:
        """What happens to the packet, on a way on which it goes wrong."""
        ways = entered(self.world, self.world.network.endpoints[self.src], self.flow)
        found = [trace(self.world, self.flow, n) for n in range(len(ways))]
        arrives = [t.reason is Reason.DELIVERED and t.target == self.dst for t in found]
        wrong = self.kind == GAINED
        return found[arrives.index(wrong)] if wrong in arrives else trace(self.world, self.flow)


@dataclass(frozen=True, slots=True, eq=False)
class Across:
    """Senders and takers whose devices have different versions, of which `newer` flags nodes (None:
    whatever they have); with `every`, because somebody passes packets on, all endpoints."""

    unowned: ClassVar[bool] = False
    senders: Flags
    takers: Flags
    vtep: Column
    newer: Flags | None
    every: bool

    def sends(self, endpoint: Column) -> Column:
        """Which endpoints are asked as senders."""
        found: Column = self.senders[endpoint] | self.every
        return found

    def takes(self, endpoint: Column) -> Column:
        """Which endpoints are asked as receivers."""
        found: Column = self.takers[endpoint] | self.every
        return found

    def meet(self, src: Column, dst: Column) -> Column:
        """Which pairs of endpoints are asked about."""
        found: Column = (dst >= 0) & self.takes(dst)
        if self.every:
            return found
        a, b = self.vtep[src], self.vtep[dst]
        apart: Column = a != b if self.newer is None else self.newer[a] != self.newer[b]
        return found & apart


class Transients:
    """The transients of a change from one world to another, which are versions of one network (C855
    where they are not). `tried` counts the mixtures that were looked at."""

    def __init__(self, old: World, new: World, tell: Callable[[str], None] = quiet) -> None:
        for world in (old, new):
            refuse_anycast(world.network, "a rollout")
        self.tell, self.tried, self._given = tell, 0, (old, new)
        every = [node.name for node in old.network.fabric.nodes]
        self.old, self.new = old.mixed(new, ()), old.mixed(new, every)
        self.changing = Changing.of(self.old, self.new)
        self._vtep: Column = np.array([e.vtep for e in old.network.endpoints], np.int64)

    @property
    def network(self) -> Network:
        """What both versions have."""
        return self.old.network

    def names(self, nodes: Iterable[int]) -> list[str]:
        """Names of nodes, in order."""
        return [self.network.fabric.nodes[node].name for node in sorted(nodes)]

    def mixed(self, nodes: Iterable[int]) -> World:
        """The world in which these nodes have the new version."""
        old, new = self._given
        return old.mixed(new, self.names(nodes))

    def ends(self, transient: Transient) -> tuple[int, int]:
        """The devices of both ends of what a transient is about."""
        return int(self._vtep[transient.src]), int(self._vtep[transient.dst])

    def found(self) -> Iterator[Transient]:
        """The transients at which something goes wrong, one of each set of devices and kind."""
        _refuse_too_many(self._across(None))
        seen = set()
        mixtures = list(self.changing.mixtures())
        for number, mixture in enumerate(mixtures, 1):
            self.tell(f"mixture {number} of {len(mixtures)}")
            self.tried += 1
            self._refuse_other_ways(mixture)
            for transient in self._wrong(mixture):
                key = transient.newer, transient.older, transient.kind
                if key not in seen:
                    seen.add(key)
                    yield transient

    def _wrong(self, mixture: frozenset[int]) -> Iterator[Transient]:
        newer = np.zeros(len(self.network.fabric.nodes), np.bool_)
        newer[list(mixture)] = True
        world = self.mixed(mixture)
        table = beside(*self._versions, self._answers(world, newer))
        keys, may, must = table.keys, table.may, table.must
        if not len(keys[0]):
            return
        alike = same_rows([*may, *must])
        sides = ([*table.bits[np.stack(c)[:, alike.sample]]] for c in (may, must))
        for kind, sets in going_wrong(*sides).items():
            rows = np.flatnonzero(np.asarray(sets.any(axis=1))[alike.of])
            rows = rows[self._apart(keys, rows, newer)]
            for members in self._by_devices(keys, rows):
                row = int(members[0])
                flow = self._packet(table, row, sets[alike.of[row]])
                src, dst = (int(keys[n][row]) for n in (0, 1))
                ends = {int(self._vtep[src]), int(self._vtep[dst]), *self.changing.between}
                ends &= {*self.changing.devices}
                apart = (tuple(sorted(ends & mixture)), tuple(sorted(ends - mixture)))
                assert all(apart), "it hangs on devices that nobody knows of"
                pairs = same_rows([keys[0][members], keys[1][members]])
                yield Transient(*apart, kind, len(pairs.sample), src, dst, flow, world)

    @cached_property
    def _versions(self) -> tuple[PairAnswers, PairAnswers]:
        """What both versions say about all packets of which a mixture may make something else."""
        return self._answers(self.old, None), self._answers(self.new, None)

    @cached_property
    def _also(self) -> dict[int, set[int]]:
        """By VRF of senders the VRFs to which its routes lead in either version; all of them where
        packets are passed on, because then mixtures may lead elsewhere."""
        number = {int(vrf) for vrf in self.old.blocks.endpoint_vrf[self._asked()]}
        if self.changing.between:
            return {vrf: set(range(len(self.network.vrfs))) for vrf in number}
        spaces = [PathSpace.of(w.network, w.blocks) for w in (self.old, self.new)]
        return {
            vrf: {egress for s in spaces for egress in s.egresses(s.tables(vrf)[1])}
            for vrf in number
        }

    def _asked(self) -> Column:
        """Endpoints that are asked as senders."""
        found: Column = np.flatnonzero(self.changing.senders | bool(self.changing.between))
        return found

    def _across(self, newer: Flags | None) -> Across:
        change = self.changing
        return Across(change.senders, change.takers, self._vtep, newer, bool(change.between))

    def _refuse_other_ways(self, mixture: frozenset[int]) -> None:
        """Nothing, unless a way of a mixture asks for less than one of either version (4):
        `UndecidedError` C878."""
        newer = np.zeros(len(self.network.fabric.nodes), np.bool_)
        newer[list(mixture)] = True
        worlds = self.old, self.new, self.mixed(mixture)
        if not any(conditions_of(world.program) for world in worlds):
            return
        asking, across = Asking(worlds), (None, None, newer)
        reaches = [self._reach(world, of) for world, of in zip(worlds, across, strict=True)]
        ways = [
            WaysAsked.of(reach, asking, says)
            for reach, says in zip(reaches, asking.says, strict=True)
        ]
        every = frozenset[Word]().union(*asking.met)
        told: Bits | None = None
        for case in dict.fromkeys((every, *asking.met)):
            table = beside(*(self._said(way.passing(asking, [case])) for way in ways))
            if not len(table.keys[0]):
                return
            a, b, here = (table.bits[column] for column in table.may)
            gained = here & ~a & ~b
            told = gained if told is None else told
            rows = np.flatnonzero((gained & ~told).any(axis=1))
            for row in rows[self._apart(table.keys, rows, newer)].tolist():
                flow = self._packet(table, row, (gained & ~told)[row])
                names = " and ".join(self.names(mixture))
                message = (
                    f"with the new version on {names} alone, a way asks "
                    f"for less than in either version: {words_of(case)} ({show(flow)})"
                )
                hint = "explain says what is asked on the way of a packet"
                raise UndecidedError(Diagnostic("C878", message, None, hint, "unknown"))

    def _answers(self, world: World, newer: Flags | None) -> PairAnswers:
        return self._said(self._reach(world, newer))

    def _reach(self, world: World, newer: Flags | None) -> Reach:
        refinements = Refinements.over(world.blocks.addresses, self._also)
        space = PathSpace.of(world.network, world.blocks, self._across(newer))
        space = replace(space, refinements=refinements, joined=False)
        return reach_by(world, space, self._paths(space))

    def _said(self, reach: Reach) -> PairAnswers:
        blocks, refinements = reach.blocks, reach.path_space.refinements
        cells, none = reach.cells, np.zeros(0, np.int64)
        atom = np.concatenate([none, *(part.samples for part in refinements.parts)])
        columns = (getattr(reach.pairs, name)[cells.pair] for name in ("src", "dst", "version"))
        keys = (*columns, atom[cells.src_class], atom[cells.dst_class])
        starts = {
            vrf: (ref.starts(0), ref.starts(1)) for (vrf, _), ref in refinements.known.items()
        }
        vrfs = blocks.endpoint_vrf.astype(np.int64)
        return PairAnswers(keys, cells.some, cells.sure, reach.sets, reach.space, starts, vrfs)

    def _paths(self, space: PathSpace) -> Iterator[Paths]:
        """The paths of all who are asked, into VRFs where somebody is asked about."""
        change, vrf_of = self.changing, self.old.blocks.endpoint_vrf
        takers = {int(vrf) for vrf in vrf_of[change.takers | bool(change.between)]}
        for vrf in sorted(self._also):
            for egress in space.egresses(space.tables(vrf)[1]):
                if egress in takers:
                    yield from paths(space, vrf, egress)

    def _apart(self, keys: tuple[Column, ...], rows: Column, newer: Flags) -> Flags:
        """Which rows are of pairs that this mixture has apart, and not of one endpoint twice."""
        src, dst = keys[0][rows], keys[1][rows]
        found: Flags = self._across(newer).meet(src, dst) & (src != dst)
        return found

    def _by_devices(self, keys: tuple[Column, ...], rows: Column) -> Iterator[Column]:
        """Rows by the devices of both ends."""
        if len(rows):
            of, _ = same_rows([self._vtep[keys[0][rows]], self._vtep[keys[1][rows]]])
            order = np.argsort(of, kind="stable")
            yield from np.split(rows[order], np.cumsum(np.bincount(of))[:-1])

    def _packet(self, table: Beside, row: int, bits: Bits) -> Flow:
        src, _, version, *atoms = (int(column[row]) for column in table.keys)
        vrf = self.network.endpoints[src].vrf
        source, target = (table.address(vrf, version, atom) for atom in atoms)
        l4 = table.space.pick(bits, version=version)
        assert l4 is not None, "a set without a packet"
        return Flow(vrf, version, source, target, *l4[:3], src_endpoint=src, fields=l4[3])


def going_wrong(may: Sequence[Bits], must: Sequence[Bits]) -> dict[str, Bits]:
    """What of a mixture is as in neither version (rule 3), by kind: of the old world, the new one
    and the mixture what may and what must arrive.

    >>> no, yes = np.zeros(1, np.bool_), np.ones(1, np.bool_)
    >>> {k: bool(v[0]) for k, v in going_wrong([no, no, yes], [no, no, no]).items()}
    {'gained': True, 'lost': False}
    """
    (a, b, here), (c, d, sure) = may, must
    return {GAINED: here & ~a & ~b, LOST: (a & b & ~here) | (c & d & ~sure)}


def _refuse_too_many(asked: Across) -> None:
    every = np.arange(len(asked.vtep))
    pairs = int(asked.sends(every).sum()) * int(asked.takes(every).sum())
    if pairs > MAX_PAIRS:
        message = f"{pairs:,} pairs of endpoints may be concerned, more than {MAX_PAIRS:,}"
        raise UndecidedError(Diagnostic("C717", message, None, None, "unknown"))
