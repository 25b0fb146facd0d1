"""Addresses of two VRFs on one axis.

A packet that crosses from VRF `a` into VRF `b` is told apart by the address atoms of both. The
atoms of the pair are the common *refinement*: each lies in one atom of `a` and in one of `b`.

Atoms of a pair that nothing distinguishes form a *class*: a set of address ranges with one id in
`Refinements`, so that an integer column can name the addresses of any pair. The gaps between the
prefixes that a default route leads to are thousands of atoms and a handful of classes.

With `also[a]`, atoms of every (a, …) are cut by those VRFs too, and so have the same bounds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sim.blocks.atoms import AddressAtoms

I64 = NDArray[np.int64]
TOP = {4: 2**32 - 1, 6: 2**128 - 1}


@dataclass(frozen=True, slots=True)
class Refinement:
    """The atoms of one pair, IPv4 first. `atom_a` and `atom_b` are VRF-local ones; atom i of a
    family begins at `axes[family][cuts[family][i]]`."""

    axes: tuple[list[int], list[int]]
    cuts: tuple[I64, I64]
    atom_a: I64
    atom_b: I64

    def __len__(self) -> int:
        return len(self.atom_a)

    @property
    def n_v4(self) -> int:
        """Number of IPv4 atoms."""
        return len(self.cuts[0])

    def starts(self, family: int) -> list[int]:
        """First addresses of the IPv4 (0) or IPv6 (1) atoms."""
        axis = self.axes[family]
        return [axis[cut] for cut in self.cuts[family].tolist()]

    def bounds(self, atom: int) -> tuple[int, int, int]:
        """(version, first, last) of an atom."""
        family = int(atom >= self.n_v4)
        axis, cuts, version = self.axes[family], self.cuts[family], 6 if family else 4
        local = atom - self.n_v4 * family
        last = axis[cuts[local + 1]] - 1 if local + 1 < len(cuts) else TOP[version]
        return version, axis[cuts[local]], last

    def runs(self, atoms: I64) -> Iterator[tuple[int, int, int]]:
        """(version, first, last) of neighbours among sorted atoms, as one."""
        if len(atoms):
            ends = np.flatnonzero((np.diff(atoms) != 1) | (atoms[1:] == self.n_v4))
            firsts, lasts = atoms[np.r_[0, ends + 1]], atoms[np.r_[ends, len(atoms) - 1]]
            for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True):
                version, low, _ = self.bounds(first)
                yield version, low, self.bounds(last)[2]


@dataclass(frozen=True, slots=True)
class PairClasses:
    """Some atoms of a refinement, by class: class `base + g` is `atoms[first[g]:first[g + 1]]`."""

    base: int
    ref: Refinement
    atoms: I64
    first: I64

    def __len__(self) -> int:
        return len(self.first) - 1

    @property
    def samples(self) -> I64:
        """One atom of each class."""
        return self.atoms[self.first[:-1]]


@dataclass(slots=True)
class Refinements:
    """All refinements and classes that were asked for; ids are handed out in that order. `axes` has
    the starts of all VRFs' atoms per family, `ranks[vrf]` where those of one VRF stand there."""

    axes: tuple[list[int], list[int]]
    ranks: list[tuple[I64, I64]]
    also: Mapping[int, Iterable[int]] = field(default_factory=dict)
    known: dict[tuple[int, int], Refinement] = field(default_factory=dict)
    bases: list[int] = field(default_factory=list)
    parts: list[PairClasses] = field(default_factory=list)
    size: int = 0

    @staticmethod
    def over(
        addresses: AddressAtoms, also: Mapping[int, Iterable[int]] | None = None
    ) -> Refinements:
        """Refinements of these atoms."""
        v4, v6 = (sorted({x for vrf in addresses.starts for x in vrf[family]}) for family in (0, 1))
        rank = [{x: i for i, x in enumerate(axis)} for axis in (v4, v6)]
        ranks = [
            (np.array([rank[0][x] for x in a]), np.array([rank[1][x] for x in b]))
            for a, b in addresses.starts
        ]
        return Refinements((v4, v6), ranks, also or {})

    def anew(self) -> Refinements:
        """Of the same atoms, of which no classes were asked for; refinements are shared."""
        return Refinements(self.axes, self.ranks, self.also, self.known)

    def of(self, a: int, b: int) -> Refinement:
        """The refinement of VRFs `a` and `b`."""
        if (a, b) not in self.known:
            self.known[a, b] = self._refine(a, b)
        return self.known[a, b]

    def classes(self, ref: Refinement, key: I64) -> PairClasses:
        """Join atoms with equal keys into classes; those with key -1 are left out."""
        order = np.flatnonzero(key >= 0)
        key = key[order]
        if (np.diff(key) < 0).any():
            by_key = np.argsort(key, kind="stable")
            order, key = order[by_key], key[by_key]
        new = np.diff(key, prepend=-1) != 0
        part = PairClasses(self.size, ref, order, np.r_[np.flatnonzero(new), len(order)])
        self.bases.append(self.size)
        self.parts.append(part)
        self.size += len(part)
        return part

    def bounds(self, cls: int) -> tuple[int, int, int]:
        """(version, first, last) of one address range of a class."""
        part, number = self._find(cls)
        return part.ref.bounds(int(part.atoms[part.first[number]]))

    def ranges(self, cls: int) -> tuple[tuple[int, int], ...]:
        """All address ranges of a class, sorted and joined."""
        part, number = self._find(cls)
        out: list[tuple[int, int]] = []
        for atom in part.atoms[part.first[number] : part.first[number + 1]].tolist():
            _, first, last = part.ref.bounds(atom)
            if out and out[-1][1] + 1 == first:
                out[-1] = (out[-1][0], last)
            else:
                out.append((first, last))
        return tuple(out)

    def numbers(self, classes: I64) -> I64:
        """The number of each class in its refinement; all classes must come from one."""
        return classes - self._find(int(classes[0]))[0].base if len(classes) else classes

    def _find(self, cls: int) -> tuple[PairClasses, int]:
        part = self.parts[bisect_right(self.bases, cls) - 1]
        return part, cls - part.base

    def _refine(self, a: int, b: int) -> Refinement:
        cuts, atoms_a, atoms_b = [], [], []
        for family in (0, 1):
            of_a, of_b = self.ranks[a][family], self.ranks[b][family]
            merged = self._merged([a, b, *self.also.get(a, ())], family)
            shift_a, shift_b = (len(self.ranks[vrf][0]) * family for vrf in (a, b))
            cuts.append(merged)
            atoms_a.append(np.searchsorted(of_a, merged, "right") - 1 + shift_a)
            atoms_b.append(np.searchsorted(of_b, merged, "right") - 1 + shift_b)
        return Refinement(
            self.axes, (cuts[0], cuts[1]), np.concatenate(atoms_a), np.concatenate(atoms_b)
        )

    def _merged(self, vrfs: list[int], family: int) -> I64:
        """Where atoms of any of these VRFs begin (np.union1d would hash them)."""
        if len(vrfs) > 2:
            cut = np.zeros(len(self.axes[family]), np.bool_)
            for vrf in vrfs:
                cut[self.ranks[vrf][family]] = True
            return np.flatnonzero(cut)
        both = np.sort(np.concatenate([self.ranks[vrf][family] for vrf in vrfs]), kind="stable")
        merged: I64 = both[np.diff(both, prepend=-1) != 0]
        return merged
