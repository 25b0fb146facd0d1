"""Addresses of two VRFs on one axis.

A packet that crosses from VRF `a` into VRF `b` is told apart by the address atoms of both. The
*spans* of (a, b) are the common refinement: each lies in one atom of `a` and in one atom of `b`.

Spans that nothing distinguishes form a *place*: a set of address ranges with one id in `Spans`, so
that an integer column can name the addresses of any pair. The gaps between the prefixes that a
default route leads to are thousands of spans and a handful of places.

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
    """Spans of one pair: IPv4 first. `atom_a` and `atom_b` are VRF-local atoms."""

    n_v4: int
    starts: tuple[list[int], list[int]]
    atom_a: I64
    atom_b: I64

    def __len__(self) -> int:
        return len(self.atom_a)

    def bounds(self, span: int) -> tuple[int, int, int]:
        """(version, first, last) of a span."""
        version, starts = 4, self.starts[0]
        if span >= self.n_v4:
            span, version, starts = span - self.n_v4, 6, self.starts[1]
        last = starts[span + 1] - 1 if span + 1 < len(starts) else TOP[version]
        return version, starts[span], last


@dataclass(frozen=True, slots=True)
class Places:
    """Some spans of a refinement, by place: place `base + g` is `spans[first[g]:first[g + 1]]`."""

    base: int
    ref: Refinement
    spans: I64
    first: I64

    def __len__(self) -> int:
        return len(self.first) - 1

    @property
    def samples(self) -> I64:
        """One span of each place."""
        return self.spans[self.first[:-1]]


@dataclass(slots=True)
class Spans:
    """All refinements and places that were asked for; ids are handed out in that order."""

    atoms: AddressAtoms
    also: Mapping[int, Iterable[int]] = field(default_factory=dict)
    known: dict[tuple[int, int], Refinement] = field(default_factory=dict)
    bases: list[int] = field(default_factory=list)
    parts: list[Places] = field(default_factory=list)
    size: int = 0

    def of(self, a: int, b: int) -> Refinement:
        """The refinement of VRFs `a` and `b`."""
        if (a, b) not in self.known:
            self.known[a, b] = self._refine(a, b)
        return self.known[a, b]

    def places(self, ref: Refinement, key: I64) -> Places:
        """Join spans with equal keys into places; those with key -1 are left out."""
        order = np.argsort(key, kind="stable")
        order = order[key[order] >= 0]
        new = np.diff(key[order], prepend=-1) != 0
        part = Places(self.size, ref, order, np.r_[np.flatnonzero(new), len(order)])
        self.bases.append(self.size)
        self.parts.append(part)
        self.size += len(part)
        return part

    def bounds(self, place: int) -> tuple[int, int, int]:
        """(version, first, last) of one address range of a place."""
        part, number = self._find(place)
        return part.ref.bounds(int(part.spans[part.first[number]]))

    def ranges(self, place: int) -> tuple[tuple[int, int], ...]:
        """All address ranges of a place, sorted and joined."""
        part, number = self._find(place)
        out: list[tuple[int, int]] = []
        for span in part.spans[part.first[number] : part.first[number + 1]].tolist():
            _, first, last = part.ref.bounds(span)
            if out and out[-1][1] + 1 == first:
                out[-1] = (out[-1][0], last)
            else:
                out.append((first, last))
        return tuple(out)

    def spans_of(self, places: I64) -> I64:
        """One span of each place; all places must come from one refinement."""
        if not len(places):
            return places
        part, _ = self._find(int(places[0]))
        return part.samples[places - part.base]

    def _find(self, place: int) -> tuple[Places, int]:
        part = self.parts[bisect_right(self.bases, place) - 1]
        return part, place - part.base

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
        return Refinement(
            len(starts[0]),
            (starts[0], starts[1]),
            np.concatenate(atoms_a),
            np.concatenate(atoms_b),
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
