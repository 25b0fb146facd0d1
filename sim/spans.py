"""Addresses of two VRFs on one axis.

A packet that crosses from VRF `a` into VRF `b` is told apart by the address atoms of both. The
*spans* of (a, b) are the common refinement: each lies in one atom of `a` and in one atom of `b`.
Span ids are unique in a `Spans`, so that one integer column names an address range of any pair.
With `also[a]`, spans of every (a, …) are cut by those VRFs too, and so have the same bounds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.atoms import AddressAtoms

I64 = NDArray[np.int64]
TOP = {4: 2**32 - 1, 6: 2**128 - 1}


@dataclass(frozen=True, slots=True)
class Refinement:
    """Spans of one pair: IPv4 first. `atom_a` and `atom_b` are VRF-local atoms; spans of atom `x`
    of VRF a are `off[x]:off[x+1]`. `base` is the id of the first span."""

    base: int
    n_v4: int
    starts: tuple[list[int], list[int]]
    atom_a: I64
    atom_b: I64
    off: I64

    def __len__(self) -> int:
        return len(self.atom_a)


@dataclass(slots=True)
class Spans:
    """All refinements that were asked for; ids are handed out in that order."""

    atoms: AddressAtoms
    also: Mapping[int, Iterable[int]] = field(default_factory=dict)
    known: dict[tuple[int, int], Refinement] = field(default_factory=dict)
    bases: list[int] = field(default_factory=list)
    parts: list[Refinement] = field(default_factory=list)
    size: int = 0

    def of(self, a: int, b: int) -> Refinement:
        """The refinement of VRFs `a` and `b`."""
        if (a, b) not in self.known:
            part = self._refine(a, b)
            self.known[a, b] = part
            self.bases.append(part.base)
            self.parts.append(part)
            self.size += len(part)
        return self.known[a, b]

    def bounds(self, span: int) -> tuple[int, int, int]:
        """(version, first, last) of a span."""
        part = self.parts[bisect_right(self.bases, span) - 1]
        local = span - part.base
        version, starts = 4, part.starts[0]
        if local >= part.n_v4:
            local, version, starts = local - part.n_v4, 6, part.starts[1]
        last = starts[local + 1] - 1 if local + 1 < len(starts) else TOP[version]
        return version, starts[local], last

    def _refine(self, a: int, b: int) -> Refinement:
        starts: list[list[int]] = []
        atoms_a: list[NDArray[Any]] = []
        atoms_b: list[NDArray[Any]] = []
        for family in (0, 1):
            of_a, of_b = self.atoms.starts[a][family], self.atoms.starts[b][family]
            more = {x for vrf in self.also.get(a, ()) for x in self.atoms.starts[vrf][family]}
            merged = of_a if a == b and not more else sorted({*of_a, *of_b, *more})
            starts.append(merged)
            shift_a, shift_b = (len(self.atoms.starts[v][0]) * family for v in (a, b))
            atoms_a.append(_atom_at(of_a, merged) + shift_a)
            atoms_b.append(_atom_at(of_b, merged) + shift_b)
        atom_a = np.concatenate(atoms_a)
        off = np.searchsorted(atom_a, np.arange(self.atoms.count(a) + 1))
        return Refinement(
            self.size,
            len(starts[0]),
            (starts[0], starts[1]),
            atom_a,
            np.concatenate(atoms_b),
            off.astype(np.int64),
        )


def _atom_at(starts: list[int], points: list[int]) -> I64:
    """Which atom (by `starts`, beginning at 0) holds each of the sorted points."""
    if starts is points:
        return np.arange(len(points), dtype=np.int64)
    cuts = set(starts)
    here = np.fromiter((p in cuts for p in points), np.int64, len(points))
    return np.cumsum(here) - 1


def expand(first: NDArray[Any], count: NDArray[Any]) -> tuple[I64, I64]:
    """Rows repeated `count` times, and the values first, first+1, … of each.

    >>> [x.tolist() for x in expand(np.array([5, 9]), np.array([2, 1]))]
    [[0, 0, 1], [5, 6, 9]]
    """
    row = np.repeat(np.arange(len(count)), count)
    begin = np.cumsum(count) - count
    return row, np.arange(len(row)) - begin[row] + first[row]
