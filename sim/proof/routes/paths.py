"""Paths: every way in which the routes carry an address range from a source to a VTEP.

One row per (source, destination, way) that has a route, per source VRF; addresses are classes
(`sim.proof.routes.refinements`). This is steps 1 to 3 of the datapath without the policies:

1. the source's FIB maps the destination to a set of next hops (VTEP, VRF), and whoever permits
   hairpins passes it on from there (`sim.proof.routes.closure`): to a set of ways;
2. the underlay carries the packet to the VTEP at their end, or drops it;
3. there the destination must have no route that leads on, and belong to an endpoint that lives at
   this VTEP, and nothing may rewrite it; the source address must have a route back through the
   VTEP that sent the packet, and that route names the VRF behind which the source is seen.

`drop` is a `Reason`: DELIVERED up to the receiving policy, or SPOOF_DROP, UNDERLAY_DROP,
HAIRPIN_DROP, TTL_DROP, ENI_MISS_DROP, PA_VALIDATION_DROP. A path holds one class of source
addresses as well as one of destinations.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.policy.ir import Direction
from fabric.building.network import Network
from fabric.values.inventory import Endpoint
from sim.blocks.blocks import Blocks
from sim.blocks.numbering import expand, rows_that_differ, same_bytes, same_rows
from sim.blocks.onward import kept, leads_on, rewritten
from sim.packets.reasons import Reason
from sim.proof.routes.closure import Closure
from sim.proof.routes.refinements import PairClasses, Refinement, Refinements
from sim.proof.routes.stand_ins import AskedAbout, StandIns

Column = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Paths:
    """Columns. A packet comes in at the VTEP `entry`; `hop` indexes the ways of `Closure`, `hops`
    is the size of its set, over all entries (1 for one without a route); `dst` is -1 when nobody
    owns the destination there; `out_key` and `in_key` name rows of the policy blocks."""

    src: Column
    dst: Column
    version: Column
    src_class: Column
    dst_class: Column
    entry: Column
    hop: Column
    hops: Column
    drop: Column
    out_key: Column
    in_key: Column

    def __len__(self) -> int:
        return len(self.src)

    def take(self, rows: Column) -> Paths:
        """The rows that an index or mask selects."""
        return Paths(*(getattr(self, f.name)[rows] for f in fields(self)))

    @staticmethod
    def concat(parts: list[Paths]) -> Paths:
        """All rows, in order."""
        if not parts:
            return Paths(*(np.zeros(0, np.int64) for _ in fields(Paths)))
        return Paths(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Paths)))


@dataclass(frozen=True, slots=True)
class Crossing:
    """What packets from VRF `vrf` to VRF `egress` can tell apart: destinations by who owns them,
    how they are routed and what policies say; sources likewise. `source_key` has the owner and
    family of each source class, sorted; `by_key` lists source classes in that order."""

    vrf: int
    egress: int
    ref: Refinement
    targets: PairClasses
    sources: PairClasses
    source_key: Column
    by_key: Column


@dataclass(frozen=True, slots=True)
class PathSpace:
    """What paths are computed from. `underlay[a, b]`: node b is reachable from node a. Without
    `joined` every atom is a class of its own. `sharers` are the owners of anycast atoms, as
    `AddressAtoms.sharers`. With `stand_ins` these alone are asked about."""

    network: Network
    blocks: Blocks
    refinements: Refinements
    underlay: NDArray[np.bool_]
    wide: NDArray[np.bool_]
    closure: Closure
    joined: bool = True
    sharers: tuple[Column, Column] = (np.zeros(0, np.int64), np.zeros(0, np.int64))
    stand_ins: AskedAbout | None = None
    known: dict[tuple[int, int], Column] = field(default_factory=dict)
    crossings: dict[tuple[int, int], Crossing] = field(default_factory=dict)

    @staticmethod
    def of(network: Network, blocks: Blocks, stand_ins: AskedAbout | None = None) -> PathSpace:
        """That of a network and its compiled policy; maybe of those alone who stand in for all."""
        wide = np.array([owns_prefix(e) for e in network.endpoints], np.bool_)
        refinements, sharers = Refinements.over(blocks.addresses), blocks.addresses.sharers()
        underlay = _underlay(network)
        closure = Closure.of(blocks, underlay)
        fixed = network, blocks, refinements, underlay, wide, closure
        return PathSpace(*fixed, sharers=sharers, stand_ins=stand_ins)

    def rerouted(self, network: Network, blocks: Blocks) -> PathSpace:
        """That of the same endpoints and policy with other routes; what does not hang on routes is
        shared."""
        same = network.endpoints is self.network.endpoints
        if not (same and blocks.addresses is self.blocks.addresses):
            return PathSpace.of(network, blocks)
        refinements, underlay = self.refinements.anew(), _underlay(network)
        closure = Closure.of(blocks, underlay)
        return PathSpace(
            network, blocks, refinements, underlay, self.wide, closure, sharers=self.sharers
        )

    def tables(self, vrf: int) -> tuple[Column, Column]:
        """Where endpoints of a VRF live, and the way sets there by atom, [VTEPs, atoms], -1 for
        none."""
        b, fib = self.blocks, self.closure.fib
        members = np.flatnonzero(b.endpoint_vrf == vrf)
        vteps = np.unique(b.homes.everywhere(members, b.endpoint_vtep[members])[1])
        instance = b.inst_of[vteps, vrf][:, None]
        cells = b.fib_off[instance] + np.arange(b.addresses.count(vrf))
        if not len(fib):
            return vteps, np.full(cells.shape, -1)
        return vteps, np.where(instance >= 0, np.take(fib, cells, mode="clip"), -1)

    def routes(self, vrf: int) -> tuple[Column, Column, Column, Column]:
        """Senders of a VRF, where what they send comes in (one row for each), the way sets of its
        VTEPs by atom, [VTEPs, atoms], -1 for none, and at which of these each row comes in."""
        members = np.flatnonzero(self.blocks.endpoint_vrf == vrf)
        if self.stand_ins is not None:
            members = members[self.stand_ins.sends(members)]
        row, entry = self.blocks.homes.entries(members, self.blocks.endpoint_vtep[members])
        vteps, sets = self.tables(vrf)
        return members[row], entry, sets, np.searchsorted(vteps, entry)

    def egresses(self, sets: Column) -> list[int]:
        """VRFs to which any of these way sets lead."""
        ways, used = self.closure, np.flatnonzero(np.bincount(sets.ravel() + 1)[1:])
        _, hop = expand(ways.off[used], ways.width(used))
        found: list[int] = np.unique(ways.vrf[hop]).tolist()
        return found

    def owners(self, vrf: int) -> Column:
        """Owner of each atom of a VRF, -1 for none."""
        base = self.blocks.addresses.base
        owner: Column = self.blocks.addresses.endpoint[base[vrf] : base[vrf + 1]]
        return owner

    def owner_at(self, vrf: int, atom: Column, vtep: Column) -> Column:
        """The owner of each atom that lives at a VTEP: the first one's where there is none."""
        owner = self.owners(vrf)[atom].astype(np.int64)
        of, ends = self.sharers
        base = int(self.blocks.addresses.base[vrf])
        for number in np.unique(of).tolist():
            mine = ends[of == number].astype(np.int64)
            for row in np.flatnonzero(atom + base == number).tolist():
                here = mine[self.blocks.endpoint_vtep[mine] == vtep[row]]
                owner[row] = here[0] if len(here) else owner[row]
        return owner

    def shared(self, vrf: int, atom: Column) -> tuple[Column, Column]:
        """Rows of atoms that have several owners, and the owners but for the first of each."""
        of, ends = self.sharers
        if not len(of):
            return of, ends
        base, first = int(self.blocks.addresses.base[vrf]), self.owners(vrf)[atom]
        row, sharer = np.nonzero((atom + base)[:, None] == of[None, :])
        more = ends[sharer] != first[row]
        return row[more], ends[sharer[more]].astype(np.int64)

    def classes(self, vrf: int, direction: Direction) -> Column:
        """Atoms of a VRF that its routes and its policies of a direction treat alike, numbered."""
        if (vrf, direction) not in self.known:
            b = self.blocks
            size, width = b.addresses.count(vrf), int(b.remote_count[vrf])
            members = np.flatnonzero(b.endpoint_vrf == vrf)
            if not len(members):
                return np.zeros(size, np.int64)
            _, sets = self.tables(vrf)
            ways = rows_that_differ(sets.astype(np.int32))
            finer = same_rows([*b.told_apart(vrf).T, *ways])
            rows = [ways[:, finer.sample]]
            blocks = np.unique(b.ep_block[direction, members])
            for first in np.unique(b.cell_off[blocks]).tolist():
                table = b.cell_class[first : first + size * width].reshape(size, width)
                rows.append(rows_that_differ(table[finer.sample].T.astype(np.int32)))
            number = same_bytes(np.concatenate(rows).T).of.astype(np.int64)
            self.known[vrf, direction] = number[finer.of]
        return self.known[vrf, direction]

    def crossing(self, vrf: int, egress: int) -> Crossing:
        """The classes of packets from one VRF to another, always the same ones."""
        if (vrf, egress) not in self.crossings:
            self.crossings[vrf, egress] = self._crossing(vrf, egress)
        return self.crossings[vrf, egress]

    def _crossing(self, vrf: int, egress: int) -> Crossing:
        ref = self.refinements.of(vrf, egress)
        owner_there, owner_here = self.owners(egress)[ref.atom_b], self.owners(vrf)[ref.atom_a]
        targets = self._class_keys(ref, owner_there, vrf, Direction.OUT, ref.atom_a)
        sources = self._class_keys(ref, owner_here, egress, Direction.IN, ref.atom_b)
        if self.joined:
            targets = targets * 2 + kept(self.blocks, egress)[ref.atom_b]
            targets = targets * 2 + rewritten(self.blocks, vrf)[ref.atom_a]
            sources = sources * 2 + kept(self.blocks, vrf)[ref.atom_a]
        there = self.refinements.classes(ref, targets)
        here = self.refinements.classes(ref, np.where(owner_here < 0, -1, sources))
        key = owner_here[here.samples] * 2 + (here.samples >= ref.n_v4)
        more, others = self.shared(vrf, ref.atom_a[here.samples])
        key = np.r_[key, others * 2 + (here.samples[more] >= ref.n_v4)]
        order = np.argsort(key, kind="stable")
        cls = np.r_[np.arange(len(here.samples)), more]
        return Crossing(vrf, egress, ref, there, here, key[order], cls[order])

    def _class_keys(
        self, ref: Refinement, owner: Column, vrf: int, direction: Direction, atom: Column
    ) -> Column:
        """Equal for atoms of one class. Addresses of hosts are classes of their own."""
        number = np.arange(len(ref))
        alone = (owner >= 0) & ~self.wide[owner]
        if not self.joined or alone.all():
            return number
        classes = self.classes(vrf, direction)
        alike = (owner + 1) * (int(classes.max()) + 1) + classes[atom]
        alike = alike * 2 + (number >= ref.n_v4)
        key: Column = np.where(alone, number, len(ref) + alike)
        return key


def _underlay(network: Network) -> NDArray[np.bool_]:
    reach = network.underlay.reaching()
    return np.asarray(reach | np.eye(len(reach), dtype=bool))


def owns_prefix(endpoint: Endpoint) -> bool:
    """Whether an endpoint owns more than single addresses."""
    return any(p.num_addresses > 1 for p in endpoint.prefixes)


def paths(space: PathSpace, vrf: int, only: int | None = None) -> Iterator[Paths]:
    """The paths of every source in `vrf`, per VRF in which they arrive (or in `only` one)."""
    members, entry, sets, at_vtep = space.routes(vrf)
    for egress in space.egresses(sets) if only is None else [only]:
        crossing = space.crossing(vrf, egress)
        targets = _asked(space, crossing)
        chosen = sets[:, crossing.ref.atom_a[crossing.targets.samples[targets]]][at_vtep]
        hops = _hops(space.closure, members, chosen)
        at, to = np.nonzero(chosen >= 0)
        ends = members[at], targets[to], entry[at]
        found = _arrive(space, crossing, *ends, chosen[at, to], hops[at, to])
        if space.stand_ins is not None:
            found = found.take(space.stand_ins.meet(found.src, found.dst))
        if isinstance(space.stand_ins, StandIns) and space.stand_ins.own is not None:
            found = Paths.concat([found, _between_own(space, crossing, *space.stand_ins.own_pairs)])
        yield _with_sources(space, crossing, found)


def _between_own(space: PathSpace, crossing: Crossing, src: Column, dst: Column) -> Paths:
    """The paths of these pairs alone, of those whose ends are in the VRFs of a crossing."""
    b, ref, atoms = space.blocks, crossing.ref, crossing.targets.samples
    mine = (b.endpoint_vrf[src] == crossing.vrf) & (b.endpoint_vrf[dst] == crossing.egress)
    src, dst = src[mine], dst[mine]
    owner = space.owners(crossing.egress)[ref.atom_b[atoms]]
    order = np.argsort(owner, kind="stable")
    first, last = (np.searchsorted(owner[order], dst, side) for side in ("left", "right"))
    pair, position = expand(first, last - first)
    src, target, (vteps, sets) = src[pair], order[position], space.tables(crossing.vrf)
    entry = b.endpoint_vtep[src]
    chosen = sets[np.searchsorted(vteps, entry), ref.atom_a[atoms[target]]]
    some = np.flatnonzero(chosen >= 0)
    ends = src[some], target[some], entry[some], chosen[some]
    return _arrive(space, crossing, *ends, space.closure.width(chosen[some]))


def _asked(space: PathSpace, crossing: Crossing) -> Column:
    """The classes of a crossing's targets that are asked about."""
    number: Column = np.arange(len(crossing.targets))
    if space.stand_ins is None:
        return number
    there = crossing.ref.atom_b[crossing.targets.samples]
    owner = space.owners(crossing.egress)[there]
    nobodys = (owner < 0) & space.stand_ins.unowned
    return number[nobodys | ((owner >= 0) & space.stand_ins.takes(owner))]


def _hops(ways: Closure, members: Column, chosen: Column) -> Column:
    """How many ways each member has, of all entries together, [rows, classes]."""
    hops = np.where(chosen < 0, 1, ways.width(chosen))
    first = np.flatnonzero(np.diff(members, prepend=-1))
    if len(first) == len(members):
        return hops
    of = np.cumsum(np.diff(members, prepend=-1) != 0) - 1
    total: Column = np.add.reduceat(hops, first, axis=0)[of]
    return total


def _arrive(
    space: PathSpace,
    crossing: Crossing,
    src: Column,
    cls: Column,
    entry: Column,
    chosen: Column,
    hops: Column,
) -> Paths:
    """Follow the way sets of some rows to where they end in the crossing's egress, bind the
    destination there, and name the row of the sender's policy."""
    b, ref, vrf, ways = space.blocks, crossing.ref, crossing.vrf, space.closure
    row, hop = expand(ways.off[chosen], ways.width(chosen))
    here = np.flatnonzero(ways.vrf[hop] == crossing.egress)
    row, hop = row[here], hop[here]
    src, cls, entry, hops = src[row], cls[row], entry[row], hops[row]
    atom = crossing.targets.samples[cls]
    at = ways.vtep[hop]
    owner = space.owner_at(crossing.egress, ref.atom_b[atom], at)
    bound = (owner >= 0) & b.homes.at(owner, b.endpoint_vtep[owner], at)
    drop = np.where(bound, Reason.DELIVERED, Reason.ENI_MISS_DROP)
    away = leads_on(b, at, crossing.egress, ref.atom_b[atom])
    drop = np.where(away, Reason.HAIRPIN_DROP, drop)
    drop = np.where(rewritten(b, vrf)[ref.atom_a[atom]], Reason.ENI_MISS_DROP, drop)
    drop = np.where(ways.drop[hop] > 0, ways.drop[hop], drop)
    drop = np.where(space.underlay[entry, ways.first_vtep[hop]], drop, Reason.UNDERLAY_DROP)
    cell = ref.atom_a[atom] * int(b.remote_count[vrf]) + b.remote_index[vrf, ways.first_vrf[hop]]
    out_key = row_key(b, b.ep_block[Direction.OUT, src], cell)
    version = np.where(atom < ref.n_v4, 4, 6)
    none = np.full(len(src), -1, np.int64)
    there = cls + crossing.targets.base
    rows = Paths(src, owner, version, none, there, entry, hop, hops, drop, out_key, none)
    back = b.homes.at(src, b.endpoint_vtep[src], at) & (ways.drop[hop] == 0)
    return rows.take((owner != src) | ~back)


def _with_sources(space: PathSpace, crossing: Crossing, rows: Paths) -> Paths:
    """Join the source's own classes, check the way back, and name the row of the receiver's
    policy."""
    b, ref, egress = space.blocks, crossing.ref, crossing.egress
    wanted = rows.src * 2 + (rows.version == 6)
    first = np.searchsorted(crossing.source_key, wanted, "left")
    last = np.searchsorted(crossing.source_key, wanted, "right")
    row, position = expand(first, last - first)
    cls = crossing.by_key[position]
    atom = ref.atom_b[crossing.sources.samples[cls]]
    joined = rows.take(row)
    back = _way_back(space, crossing.vrf, egress, joined, atom)
    unvalidated = (joined.drop == Reason.DELIVERED) & (back < 0)
    drop = np.where(unvalidated, Reason.PA_VALIDATION_DROP, joined.drop)
    own = ref.atom_a[crossing.sources.samples[cls]]
    away = leads_on(b, joined.entry, crossing.vrf, own)
    drop = np.where(away, Reason.SPOOF_DROP, drop)
    cell = atom * int(b.remote_count[egress]) + b.remote_index[egress, back]
    in_key = np.full(len(drop), -1, np.int64)
    good = drop == Reason.DELIVERED
    in_key[good] = row_key(b, b.ep_block[Direction.IN, joined.dst[good]], cell[good])
    there = cls + crossing.sources.base
    return replace(joined, src_class=there, drop=drop, in_key=in_key)


def _way_back(space: PathSpace, vrf: int, egress: int, rows: Paths, atom: Column) -> Column:
    """The VRF behind which the receiver sees the source, -1 without a route through the VTEP that
    sent the packet. Of several next hops there that VTEP's own VRF is preferred, then the first."""
    b, ways = space.blocks, space.closure
    out = np.full(len(rows), -1, np.int64)
    instance = b.inst_of[ways.vtep[rows.hop], egress]
    direct = ways.via_vtep[rows.hop] < 0
    outer = np.where(direct, rows.entry, ways.via_vtep[rows.hop])
    inner = np.where(direct, vrf, ways.via_vrf[rows.hop])
    known = np.flatnonzero((rows.drop == Reason.DELIVERED) & (instance >= 0))
    chosen = b.fib[b.fib_off[instance[known]] + atom[known]]
    known, chosen = known[chosen >= 0], chosen[chosen >= 0]
    row, hop = expand(b.set_off[chosen], b.set_off[chosen + 1] - b.set_off[chosen])
    via = b.set_vtep[hop] == outer[known[row]]
    row, hop = row[via], hop[via]
    order = np.lexsort((hop, b.set_vrf[hop] != inner[known[row]], row))
    row, hop = row[order], hop[order]
    best = np.r_[True, row[1:] != row[:-1]] if len(row) else np.zeros(0, bool)
    out[known[row[best]]] = b.set_vrf[hop[best]]
    return out


def row_key(blocks: Blocks, block: Column, cell: Column) -> Column:
    """The row of a block that decides a cell, as one integer: block and cell class."""
    cls = blocks.cell_class[blocks.cell_off[block] + cell]
    return (block.astype(np.int64) << 16) | cls
