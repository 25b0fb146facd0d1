"""Classes of addresses that fare alike in every respect that a certificate tells.

Of one VRF, whose packets may arrive in some others (`egresses`):

* destinations: routed alike wherever endpoints of the VRF live, told apart by none of their
  policies, and in each VRF where they arrive of one owner and led on by the same VTEPs;
* sources, which have an owner: led on by the same VTEPs of their VRF, and in each VRF where they
  arrive routed alike and told apart by no policy.

Classes (`sim.proof.routes.refinements`) ask for less: of what is not delivered they do not say why.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from compiler.policy.ir import Direction
from sim.blocks.numbering import Numbering, distinct, partition, rows_that_differ, same_rows
from sim.blocks.onward import leads_on
from sim.proof.pairs.reachability import Bits
from sim.proof.routes.paths import Column, Crossing, PathSpace
from sim.proof.routes.refinements import Refinement


@dataclass(frozen=True, slots=True)
class AtomClasses:
    """Classes of atoms, IPv4 first: `of[i]` is the class of atom i, -1 for none; `sample` has one
    atom of each class; `v4` of them are IPv4."""

    of: Column
    sample: Column
    v4: int

    def of_family(self, family: int) -> range:
        """The classes of IPv4 (0) or IPv6 (1)."""
        return range(self.v4, len(self.sample)) if family else range(self.v4)


@dataclass(frozen=True, slots=True)
class VrfClasses:
    """Those of one VRF; `ref` are its atoms, and `owner` has the endpoint of each source."""

    space: PathSpace
    vrf: int
    ref: Refinement
    sources: AtomClasses
    targets: AtomClasses
    owner: Column
    by_source: Column
    first_source: Column

    @property
    def source_atoms(self) -> Column:
        """An atom of each class of sources."""
        return self.ref.atom_a[self.sources.sample]

    @property
    def target_atoms(self) -> Column:
        """An atom of each class of destinations."""
        return self.ref.atom_a[self.targets.sample]

    def leads_on(self, vtep: Column, atom: Column) -> Bits:
        """Whether a VTEP routes an atom of this VRF away from itself."""
        return leads_on(self.space.blocks, vtep, self.vrf, atom)

    def runs(self, family: int) -> tuple[Column, Column]:
        """Where neighbouring atoms of a family are of another class, as classes of its axis, and
        the class that begins there."""
        first = self.ref.n_v4 if family else 0
        of = self.targets.of[first : first + len(self.ref.cuts[family])]
        new = np.flatnonzero(np.diff(of, prepend=-1))
        return self.ref.cuts[family][new], of[new]

    def ranges(self, source: int) -> list[tuple[int, int]]:
        """The address ranges of a class of sources."""
        atoms = self.by_source[self.first_source[source] : self.first_source[source + 1]]
        return [self.ref.bounds(atom)[1:] for atom in atoms.tolist()]


class AddressClasses:
    """Those of all VRFs of a path space, whose atoms of a VRF all have the same bounds."""

    def __init__(self, space: PathSpace) -> None:
        self.space = space
        self._led = cache(self._lead)
        self._policies = cache(space.blocks.told_apart)
        self._routes = cache(self._route)
        self.hairpins = space.closure.fib is not space.blocks.fib

    def of(self, vrf: int, egresses: Sequence[int]) -> VrfClasses:
        """The classes of a VRF; from now on its paths have a class for each of them."""
        space = self.space
        ref = space.refinements.of(vrf, vrf)
        across = {egress: space.refinements.of(vrf, egress) for egress in egresses}
        targets = self._targets(vrf, ref, across)
        owner = space.owners(vrf)[ref.atom_a]
        owned = np.flatnonzero(owner >= 0)
        told = self._sources(vrf, ref, across, owned)
        of = np.full(len(ref), -1)
        of[owned] = told.of
        sample = owned[told.sample]
        sources = AtomClasses(of, sample, int(np.count_nonzero(sample < ref.n_v4)))
        for egress, crossed in across.items():
            space.crossings[vrf, egress] = _crossing(space, vrf, egress, crossed, sources, targets)
        by_source = owned[np.argsort(told.of, kind="stable")]
        first = np.r_[0, np.cumsum(np.bincount(told.of, minlength=len(sample)))]
        return VrfClasses(space, vrf, ref, sources, targets, owner[sample], by_source, first)

    def _targets(self, vrf: int, ref: Refinement, across: dict[int, Refinement]) -> AtomClasses:
        """Destinations; where no route leads to a VRF, that does not matter."""
        six = np.arange(len(ref)) >= ref.n_v4
        of_atom, atom = distinct(self.space.classes(vrf, Direction.OUT))
        _, sets = self.space.tables(vrf)
        ways = self.space.closure
        set_of = np.repeat(np.arange(len(ways.off) - 1), np.diff(ways.off))
        columns = [six, of_atom[ref.atom_a]]
        for egress, crossed in across.items():
            leads = np.zeros(len(ways.off), np.bool_)
            leads[set_of[ways.vrf == egress]] = True
            there = np.any(leads[sets[:, atom]], axis=0)[of_atom[ref.atom_a]]
            owner, led = self.space.owners(egress), self._led(egress)
            columns += (np.where(there, told[crossed.atom_b], -2) for told in (owner, led))
        told = same_rows(columns)
        return AtomClasses(told.of, told.sample, int(np.count_nonzero(~six[told.sample])))

    def _sources(
        self, vrf: int, ref: Refinement, across: dict[int, Refinement], owned: Column
    ) -> Numbering:
        """Addresses that somebody owns."""
        columns = [owned >= ref.n_v4, self.space.owners(vrf)[ref.atom_a[owned]]]
        told = same_rows(columns)
        if len(told.sample) == len(owned):
            return told
        columns.append(self._led(vrf)[ref.atom_a[owned]])
        for egress, crossed in across.items():
            columns += self._seen(vrf, egress, crossed.atom_b[owned])
        return same_rows(columns)

    def _seen(self, vrf: int, egress: int, atoms: Column) -> Iterator[Column]:
        """How a VRF sees sources of another one: behind which VRFs, and what its policies say of
        them there."""
        b, routes = self.space.blocks, self._routes(egress)[1][:, atoms]
        policies = self._policies(egress)[atoms]
        if self.hairpins:
            yield from policies.T
            yield from rows_that_differ(routes)
            return
        members = np.flatnonzero(b.endpoint_vrf == vrf)
        _, entries = b.homes.everywhere(members, b.endpoint_vtep[members])
        backs = [self._back(v, vrf)[routes] for v in np.unique(entries).tolist()]
        seen = rows_that_differ(np.concatenate(backs))
        yield from seen
        behind = np.unique(np.concatenate([np.zeros(0, np.int64), *seen]))
        behind = behind[behind >= 0]
        yield from policies[:, np.unique(b.remote_index[egress, behind])].T

    def _back(self, entry: int, vrf: int) -> Column:
        """The VRF behind which a next-hop set has what comes from a VTEP and a VRF, -1 for none."""
        b = self.space.blocks
        sets = np.repeat(np.arange(len(b.set_off) - 1), np.diff(b.set_off))
        out = np.full(len(b.set_off), -1)
        via = np.flatnonzero(b.set_vtep == entry)
        first = np.unique(sets[via], return_index=True)[1]
        out[sets[via[first]]] = b.set_vrf[via[first]]
        out[sets[via[b.set_vrf[via] == vrf]]] = vrf
        return out

    def _lead(self, vrf: int) -> Column:
        """Atoms of a VRF by which VTEPs lead them on."""
        b = self.space.blocks
        nodes, routes = self._routes(vrf)
        if not len(nodes):
            return np.zeros(b.addresses.count(vrf), np.int64)
        sets = np.repeat(np.arange(len(b.set_off) - 1), np.diff(b.set_off))
        number = np.full(b.inst_of.shape[0], -1)
        number[nodes] = np.arange(len(nodes))
        row = np.where(b.set_vrf == vrf, number[b.set_vtep], -1)
        ends = np.zeros((len(nodes), len(b.set_off)), np.bool_)
        ends[row[row >= 0], sets[row >= 0]] = True
        away = (routes >= 0) & ~np.take_along_axis(ends, np.maximum(routes, 0), axis=1)
        return partition(away).of

    def _route(self, vrf: int) -> tuple[Column, Column]:
        """VTEPs with routes of a VRF, and their next-hop sets by atom, [VTEPs, atoms]."""
        b = self.space.blocks
        nodes = np.flatnonzero(b.inst_of[:, vrf] >= 0) if len(b.fib) else np.zeros(0, np.int64)
        atoms = np.arange(b.addresses.count(vrf))
        return nodes, b.fib[b.fib_off[b.inst_of[nodes, vrf]][:, None] + atoms]


def _crossing(
    space: PathSpace,
    vrf: int,
    egress: int,
    ref: Refinement,
    sources: AtomClasses,
    targets: AtomClasses,
) -> Crossing:
    """From one VRF to another, with a class for each class."""
    there, here = (space.refinements.classes(ref, alike.of) for alike in (targets, sources))
    key = space.owners(vrf)[ref.atom_a[here.samples]] * 2 + (here.samples >= ref.n_v4)
    order = np.argsort(key, kind="stable")
    return Crossing(vrf, egress, ref, there, here, key[order], order)
