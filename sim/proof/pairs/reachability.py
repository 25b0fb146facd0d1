"""Who can reach whom, for all packets: the blocks of both ends walked over the routes.

`reachability` takes every path (`sim.proof.routes.paths`) and asks both policies for its set of L4
atoms. The sets are few and shared: a path only holds the number of its set. Per (source,
destination, family) there are two answers:

* `some`: the packets that *may* be delivered, for some address of an endpoint that owns a whole
  prefix and for some ECMP choice. Isolation is about these.
* `sure`: the packets that are delivered whatever ECMP chooses, from and to every address that
  counts (`sim.proof.pairs.counted_addresses`), and without conditions. `allow:` is about these.

A pair that is not listed has no route, or no way back. Nothing here loops over pairs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.program.program import Program
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, UndecidedError
from fabric.io.phases import phase
from sim.blocks.blocks import Blocks
from sim.blocks.conditions import conditional
from sim.blocks.numbering import distinct, same_sets
from sim.blocks.port_sets import L4Space
from sim.packets.reasons import Reason
from sim.proof.pairs.counted_addresses import CountedAddresses
from sim.proof.routes.paths import Column, Paths, PathSpace, paths
from sim.proof.routes.refinements import Refinements
from sim.proof.routes.stand_ins import AskedAbout, StandIns
from sim.worlds.world import World

Bits = NDArray[np.bool_]
CHUNK, MAX_PAIRS = 1 << 22, 10_000_000


class L4Sets:
    """Distinct sets of L4 atoms; `bits[i]` is set i, set 0 is empty."""

    def __init__(self, size: int) -> None:
        self.bits: Bits = np.zeros((1, size), np.bool_)
        self._ids: dict[bytes, int] = {self.bits[0].tobytes(): 0}

    def intern(self, rows: Bits) -> NDArray[np.int64]:
        """The id of each row of a boolean matrix, new sets added."""
        found = same_sets(rows)
        ids, fresh = [], []
        for row in rows[found.sample]:
            key = row.tobytes()
            if key not in self._ids:
                self._ids[key] = len(self._ids)
                fresh.append(row)
            ids.append(self._ids[key])
        if fresh:
            self.bits = np.concatenate([self.bits, np.stack(fresh)])
        number: NDArray[np.int64] = np.array(ids, np.int64)[found.of]
        return number


@dataclass(frozen=True, slots=True)
class Pairs:
    """One row per (source, destination, family) with a route; paths `first:last` are its paths."""

    src: Column
    dst: Column
    version: Column
    some: Column
    sure: Column
    first: Column
    last: Column

    def __len__(self) -> int:
        return len(self.src)

    def take(self, rows: Column) -> Pairs:
        """The rows that an index or mask selects."""
        return Pairs(*(getattr(self, f.name)[rows] for f in fields(self)))


@dataclass(frozen=True, slots=True)
class PairCells:
    """One row per (pair, source atom, destination atom), sorted: the two answers per address."""

    pair: Column
    src_class: Column
    dst_class: Column
    some: Column
    sure: Column


@dataclass(frozen=True, slots=True)
class Reach:
    """Everything that is reachable. `paths` holds delivered ones sorted by pair; `path_set` the set
    of L4 atoms that both policies let through on each; `sets[i]` is a boolean row over `space`."""

    world: World
    space: L4Space
    path_space: PathSpace
    paths: Paths
    path_set: Column
    sets: Bits
    pairs: Pairs
    cells: PairCells

    @property
    def network(self) -> Network:
        """What exists."""
        return self.world.network

    @property
    def program(self) -> Program:
        """What is allowed."""
        return self.world.program

    @property
    def blocks(self) -> Blocks:
        """What is allowed, as arrays."""
        return self.world.blocks

    @property
    def stand_ins(self) -> StandIns | None:
        """Who stands for others, unless everybody is asked about."""
        found = self.path_space.stand_ins
        return found if isinstance(found, StandIns) else None

    def counts(self, src: Column, dst: Column) -> Column:
        """How many pairs of endpoints some pairs of ends stand for."""
        if self.stand_ins is None:
            return np.ones(len(src), np.int64)
        return self.stand_ins.pairs(src, dst)

    @property
    def refinements(self) -> Refinements:
        """What `paths` says of addresses."""
        return self.path_space.refinements

    def portable(self, *, pairs: bool = True) -> Reach:
        """The same as a value that can be pickled; maybe without what gets where, for whoever asks
        about other worlds beside this one (`reach_among`)."""
        world = self.world.portable()
        if pairs:
            return replace(self, world=world)
        lasting = PathSpace.of(self.network, self.blocks)
        none = np.zeros(0, np.int64)
        return Reach(
            world, self.space, lasting, Paths.concat([]), none, self.sets[:1],
            Pairs(*(none for _ in fields(Pairs))), PairCells(*(none for _ in fields(PairCells))),
        )  # fmt: skip

    def between(self, src: int, dst: int) -> Pairs:
        """The pairs of two endpoints, at most one per family."""
        first = np.searchsorted(self.pairs.src, src, "left")
        last = np.searchsorted(self.pairs.src, src, "right")
        rows = np.arange(first, last)
        return self.pairs.take(rows[self.pairs.dst[first:last] == dst])

    def cells_of(self, src: int, dst: int, version: int, every: bool = False) -> Column:
        """The cells of two endpoints in a family, of `every` address or of those that count."""
        first = np.searchsorted(self.pairs.src, src, "left")
        last = np.searchsorted(self.pairs.src, src, "right")
        rows: Column = np.arange(first, last)
        rows = rows[(self.pairs.dst[rows] == dst) & (self.pairs.version[rows] == version)]
        if not len(rows):
            return rows
        found: Column = np.arange(*np.searchsorted(self.cells.pair, [rows[0], rows[0] + 1]))
        if every:
            return found
        wanted = set(CountedAddresses(self.path_space).classes(src, dst, version))
        counts: Column = found[np.array([p in wanted for p in self.classes(found)], np.bool_)]
        return counts

    def classes(self, cells: Column) -> list[tuple[int, int]]:
        """Source and destination class of some cells."""
        columns = self.cells.src_class[cells].tolist(), self.cells.dst_class[cells].tolist()
        return list(zip(*columns, strict=True))


@phase("find who reaches whom")
def reachability(world: World, *, covered: bool = True, stand_ins: StandIns | None = None) -> Reach:
    """All pairs × all packets of a world, or of those that stand in for all. Unless `covered`,
    `sure` is known of cells alone."""
    _refuse_too_many(world.network, world.blocks, stand_ins=stand_ins)
    space = PathSpace.of(world.network, world.blocks, stand_ins)
    parts = (part for vrf in range(len(world.network.vrfs)) for part in paths(space, vrf))
    return _reach(world, space, parts, covered)


def reach_from(blocks: Blocks, src: int, dst: int) -> Reach:
    """What endpoints of one VRF can reach in another one, and nothing else."""
    world = World.compiled(blocks.program, blocks)
    space = PathSpace.of(world.network, blocks)
    return _reach(world, space, paths(space, src, dst))


def reach_by(world: World, space: PathSpace, parts: Iterable[Paths]) -> Reach:
    """What gets where by some paths alone. `sure` is known of cells; of pairs nothing is."""
    return _reach(world, space, parts, covered=False)


def reach_within(
    world: World,
    out_of: Iterable[int] | None = None,
    into: Iterable[int] | None = None,
    *,
    covered: bool = True,
    stand_ins: StandIns | None = None,
) -> Reach:
    """What anybody in some VRFs can reach in some others, and nothing else; None stands for all.
    `covered` and `stand_ins` as in `reachability`."""
    every = range(len(world.network.vrfs))
    sources, wanted = (set(every if some is None else some) for some in (out_of, into))
    _refuse_too_many(world.network, world.blocks, sources & wanted, stand_ins)
    space = PathSpace.of(world.network, world.blocks, stand_ins)
    parts = (
        part
        for vrf in sorted(sources)
        for egress in space.egresses(space.tables(vrf)[1])
        if egress in wanted
        for part in paths(space, vrf, egress)
    )
    return _reach(world, space, parts, covered)


@phase("find who reaches whom")
def reach_between(world: World, space: PathSpace, pairs: Iterable[tuple[str, str]]) -> Reach:
    """What anybody in one VRF can reach in another one, for these pairs of names, and nothing
    else. `sure` is known of cells; of pairs nothing is."""
    number = {vrf.name: vrf.index for vrf in world.network.vrfs}
    named = ((number[a], number[b]) for a, b in pairs if a in number and b in number)
    return _among(world, space, named, covered=False)


def reach_among(world: World, beside: Reach, pairs: Iterable[tuple[int, int]]) -> Reach:
    """What anybody in one VRF can reach in another one, for these pairs, and nothing else; `beside`
    is of a world that differs in little."""
    space = beside.path_space.rerouted(world.network, world.blocks)
    return _among(world, space, pairs, covered=True)


def _among(
    world: World, space: PathSpace, pairs: Iterable[tuple[int, int]], covered: bool
) -> Reach:
    chosen = sorted(pairs)
    within = {a for a, b in chosen if a == b}
    _refuse_too_many(world.network, world.blocks, within, space.stand_ins)
    return _reach(world, space, (part for pair in chosen for part in paths(space, *pair)), covered)


def _reach(
    world: World, path_space: PathSpace, parts: Iterable[Paths], covered: bool = True
) -> Reach:
    blocks = world.blocks
    rows = Paths.concat([part.take(part.drop == Reason.DELIVERED) for part in parts])
    rows = rows.take(
        np.lexsort((rows.hop, rows.dst_class, rows.src_class, rows.version, rows.dst, rows.src))
    )
    space = blocks.l4
    sets = L4Sets(space.size)
    path_set = _permitted(blocks, space, sets, rows, blocks.dec_permit)
    if (asks := conditional(blocks)).any():
        must = _permitted(blocks, space, sets, rows, blocks.dec_permit & ~asks)
    else:
        must = path_set
    alike = must is path_set and not len(blocks.homes.lives)
    pairs, cells = pairs_of(rows, path_set, must, sets, alike)
    if covered:
        pairs = replace(pairs, sure=_sure(path_space, pairs, cells, sets))
    return Reach(world, space, path_space, rows, path_set, sets.bits, pairs, cells)


def _refuse_too_many(
    network: Network,
    blocks: Blocks,
    only: Iterable[int] | None = None,
    stand_ins: AskedAbout | None = None,
) -> None:
    """Pairs are listed one by one: say so before the memory is gone."""
    vrf_of = blocks.endpoint_vrf
    if stand_ins is not None:
        vrf_of = vrf_of[stand_ins.sends(np.arange(len(vrf_of)))]
    members = np.bincount(vrf_of, minlength=len(network.vrfs)).astype(np.int64)
    if only is not None:
        members = np.where(np.isin(np.arange(len(members)), list(only)), members, 0)
    largest = int(members.argmax()) if len(members) else 0
    if (members**2).sum() > MAX_PAIRS:
        name, count = network.vrfs[largest].name, int(members[largest])
        whom = "endpoints" if stand_ins is None else "classes of endpoints that fare differently"
        message = (
            f"VRF {name} has {count:,} {whom}; more than {MAX_PAIRS:,} pairs inside VRFs are "
            "too many to list"
        )
        hint = "fewer replicas say the same: pods of one workload fare alike"
        hint = hint if stand_ins is None else "fewer policies that tell workloads or nodes apart"
        raise UndecidedError(Diagnostic("C717", message, None, hint, "unknown"))


def decisions(blocks: Blocks, keys: Column) -> NDArray[np.int32]:
    """Decision ids per block row (see `paths.row_key`) and L4 atom, [rows, atoms]."""
    block, cls = keys >> 16, keys & 0xFFFF
    row = blocks.F_off[block] + cls * blocks.n_l4[block]
    columns = blocks.l4_class[blocks.l4_off[block][:, None] + np.arange(blocks.l4.size)]
    found: NDArray[np.int32] = blocks.F[row[:, None] + columns]
    return found


def _permitted(blocks: Blocks, space: L4Space, sets: L4Sets, rows: Paths, permits: Bits) -> Column:
    """The set of each path that both ends permit (bool[decisions]), as its IP version reads it;
    computed once per distinct pair of block rows."""
    asked = np.r_[rows.out_key, rows.in_key]
    of, sample = distinct(asked)
    keys, number = asked[sample], of.astype(np.int64)
    out, into = number[: len(rows)], number[len(rows) :]
    step = max(1, CHUNK // max(1, blocks.l4.size))
    permit = [permits[decisions(blocks, keys[i : i + step])] for i in range(0, len(keys), step)]
    if not permit:
        return np.zeros(0, np.int64)
    table = np.concatenate(permit)
    found = np.zeros(len(rows), np.int64)
    for version in (4, 6):
        mine = np.flatnonzero(rows.version == version)
        pairs = out[mine] * len(keys) + into[mine]
        path_of, sample = distinct(pairs)
        both = pairs[sample]
        for i in range(0, len(both), step):
            part = both[i : i + step]
            passing = table[part // len(keys)] & table[part % len(keys)]
            ids = sets.intern(space.of_version(passing, version))
            chosen = (path_of >= i) & (path_of < i + step)
            found[mine[chosen]] = ids[path_of[chosen] - i]
    return found


def pairs_of(
    rows: Paths, path_set: Column, path_sure: Column, sets: L4Sets, alike: bool
) -> tuple[Pairs, PairCells]:
    """Pairs and cells of sorted paths with the sets that may and must pass on each."""
    first = _starts(rows.src, rows.dst, rows.version)
    last = np.r_[first[1:], len(rows)].astype(np.int64)
    pair_of = np.repeat(np.arange(len(first)), last - first)
    some = combine(sets, pair_of, path_set, np.logical_or)
    at = _starts(pair_of, rows.src_class, rows.dst_class)
    width = np.diff(np.r_[at, len(rows)])
    cell_of = np.repeat(np.arange(len(at)), width)
    may = combine(sets, cell_of, path_set, np.logical_or)
    single = alike and len(at) == len(rows)
    sure = may if single else combine(sets, cell_of, path_sure, np.logical_and)
    must = np.where(width == rows.hops[at], sure, 0)
    cells = PairCells(pair_of[at], rows.src_class[at], rows.dst_class[at], may, must)
    ends = rows.src[first], rows.dst[first], rows.version[first]
    return Pairs(*ends, some, np.zeros_like(some), first, last), cells


def _sure(space: PathSpace, pairs: Pairs, cells: PairCells, sets: L4Sets) -> Column:
    """Per pair what every address that counts can do."""
    coverage = CountedAddresses(space)
    wanted = coverage.count(pairs.src, pairs.dst, pairs.version)
    classes = cells.src_class, cells.dst_class
    counts = coverage.among(pairs.src[cells.pair], pairs.dst[cells.pair], *classes)
    pair = cells.pair[counts]
    found = np.bincount(pair, minlength=len(pairs))
    strict = np.zeros(len(pairs), np.int64)
    folded = combine(sets, pair, cells.sure[counts], np.logical_and)
    strict[: len(folded)] = folded
    return np.where((found == wanted) & (found > 0), strict, 0)


def _starts(*columns: Column) -> Column:
    """First row of each run of equal rows."""
    n = len(columns[0])
    new = np.zeros(n, np.bool_)
    new[:1] = True
    for column in columns:
        new[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(new)


def combine(sets: L4Sets, group: Column, members: Column, fold: Any) -> Column:
    """Fold the sets of each group (0, 1, …, sorted) into one set id (`fold`: logical_or, …)."""
    n_groups = int(group[-1]) + 1 if len(group) else 0
    ordered = np.sort(group.astype(np.int64) * len(sets.bits) + members, kind="stable")
    distinct = ordered[np.diff(ordered, prepend=-1) != 0]
    owner, member = np.divmod(distinct, len(sets.bits))
    first = np.searchsorted(owner, np.arange(n_groups))
    count = np.diff(np.r_[first, len(owner)])
    out: Column = member[first]
    mixed = np.flatnonzero(count > 1)
    recipes: dict[bytes, list[int]] = {}
    for g in mixed.tolist():
        recipes.setdefault(member[first[g] : first[g] + count[g]].tobytes(), []).append(g)
    if recipes:
        folded = np.stack([fold.reduce(sets.bits[np.frombuffer(r, np.int64)]) for r in recipes])
        for groups, number in zip(recipes.values(), sets.intern(folded).tolist(), strict=True):
            out[groups] = number
    return out
