"""Two worlds side by side: the same pairs, the same L4 atoms, the same addresses.

`Sides` matches pairs by the names of their endpoints and the family, and translates both worlds'
sets of L4 atoms into one space, so that equal access has equal set numbers in both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from sim.l4 import L4Space, common
from sim.legs import Column, owns_prefix
from sim.reachability import Bits, Reach

Ranges = tuple[tuple[int, int], ...]
Line = tuple[Ranges, Ranges, int, int]
"""Source ranges, destination ranges, the set that may pass, the set that surely passes. A host's
addresses are -1, -2, …: what matters is whose they are, and they may differ between the worlds."""
Piece = tuple[int, int, int, int]
"""Source first, last; destination first, last."""
HOST: Ranges = ((-1, -1),)


@dataclass(frozen=True, slots=True)
class Side:
    """One world in common terms. `key` is sorted: the pair's number by names and family; `row` its
    row in `reach.pairs`; `number` translates set ids; `wide` marks pairs with a whole prefix."""

    reach: Reach
    key: Column
    row: Column
    number: Column
    wide: Bits
    known: dict[tuple[int, int], Ranges] = field(default_factory=dict)

    def place(self, endpoint: int, version: int, place: int) -> Ranges:
        """The addresses of a place as they stand in a `Line`."""
        owner = self.reach.network.endpoints[endpoint]
        if (endpoint, place) not in self.known:
            found = self.reach.spans.ranges(place)
            if not owns_prefix(owner):
                mine = sorted(
                    int(p.network_address) for p in owner.prefixes if p.version == version
                )
                number = -1 - mine.index(found[0][0])
                found = ((number, number),)
            self.known[endpoint, place] = found
        return self.known[endpoint, place]

    def lines(self, key: int, nothing: int) -> tuple[Line, ...]:
        """What passes between the addresses of a pair; what passes nothing is left out."""
        at = int(np.searchsorted(self.key, key))
        if at == len(self.key) or self.key[at] != key:
            return ()
        pairs, cells, row = self.reach.pairs, self.reach.cells, int(self.row[at])
        if not self.wide[at]:
            some, sure = (int(self.number[column[row]]) for column in (pairs.some, pairs.sure))
            return ((HOST, HOST, some, sure),) if some != nothing else ()
        src, dst, version = (int(c[row]) for c in (pairs.src, pairs.dst, pairs.version))
        first, last = np.searchsorted(cells.pair, [row, row + 1])
        found = (
            (
                self.place(src, version, int(cells.src_place[i])),
                self.place(dst, version, int(cells.dst_place[i])),
                int(self.number[cells.some[i]]),
                int(self.number[cells.sure[i]]),
            )
            for i in range(int(first), int(last))
        )
        return tuple(sorted(line for line in found if line[2] != nothing))


@dataclass(frozen=True, slots=True)
class Sides:
    """Both worlds. `names` are the endpoints that both have; `sets[i]` is a set over `space`."""

    space: L4Space
    sets: Bits
    names: tuple[str, ...]
    old: Side
    new: Side

    @staticmethod
    def of(old: Reach, new: Reach) -> Sides:
        """Match two worlds."""
        space, of_old, of_new = common(old.space, new.space)
        bits = np.concatenate([old.sets[:, of_old], new.sets[:, of_new]])
        packed = np.packbits(bits, axis=1)
        _, first, number = np.unique(packed, axis=0, return_index=True, return_inverse=True)
        number = number.ravel()
        here, there = ({e.name for e in r.network.endpoints} for r in (old, new))
        names = tuple(sorted(here & there))
        n = len(old.sets)
        return Sides(
            space,
            bits[first],
            names,
            _side(old, names, number[:n]),
            _side(new, names, number[n:]),
        )

    @property
    def nothing(self) -> int:
        """The number of the empty set."""
        return int(self.old.number[0])

    def pair(self, key: int) -> tuple[str, str, int]:
        """Source name, destination name, family of a key."""
        ends, v6 = divmod(key, 2)
        src, dst = divmod(ends, len(self.names))
        return self.names[src], self.names[dst], 6 if v6 else 4

    def differing(self) -> Iterator[int]:
        """Keys of the pairs that are not equal in both worlds."""
        keys = np.union1d(self.old.key, self.new.key)
        some: list[Column] = []
        sure: list[Column] = []
        wide = np.zeros(len(keys), np.bool_)
        for side in (self.old, self.new):
            at = np.searchsorted(keys, side.key)
            for column, out in ((side.reach.pairs.some, some), (side.reach.pairs.sure, sure)):
                values = np.full(len(keys), self.nothing)
                values[at] = side.number[column[side.row]]
                out.append(values)
            wide[at] |= side.wide
        differ = (some[0] != some[1]) | (sure[0] != sure[1])
        for place in np.flatnonzero(differ | wide):
            key = int(keys[place])
            if differ[place] or self.lines(key)[0] != self.lines(key)[1]:
                yield key

    def lines(self, key: int) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
        """What passes between the addresses of a pair, in both worlds."""
        return self.old.lines(key, self.nothing), self.new.lines(key, self.nothing)


def _side(reach: Reach, names: tuple[str, ...], number: Column) -> Side:
    index = {name: i for i, name in enumerate(names)}
    known = np.array([index.get(e.name, -1) for e in reach.network.endpoints], np.int64)
    wide = np.array([owns_prefix(e) for e in reach.network.endpoints], np.bool_)
    pairs = reach.pairs
    src, dst = known[pairs.src], known[pairs.dst]
    row = np.flatnonzero((src >= 0) & (dst >= 0))
    key = (src * len(names) + dst)[row] * 2 + (pairs.version[row] == 6)
    order = np.argsort(key)
    row = row[order]
    return Side(reach, key[order], row, number, wide[pairs.src[row]] | wide[pairs.dst[row]])


def pieces(
    old: tuple[Line, ...], new: tuple[Line, ...], nothing: int
) -> Iterator[tuple[Piece, tuple[int, int], tuple[int, int]]]:
    """Cut two lists of lines against each other; what differs, with (may, surely) in both."""
    src = _cuts(r for line in (*old, *new) for r in line[0])
    dst = _cuts(r for line in (*old, *new) for r in line[1])
    before, after = (_paint(lines, src, dst) for lines in (old, new))
    for i, j in sorted(before.keys() | after.keys()):
        was, now = (found.get((i, j), (nothing, nothing)) for found in (before, after))
        if was != now:
            yield (src[i], src[i + 1] - 1, dst[j], dst[j + 1] - 1), was, now


def _cuts(ranges: Iterable[tuple[int, int]]) -> list[int]:
    return sorted({end for low, high in ranges for end in (low, high + 1)})


def _paint(
    lines: tuple[Line, ...], src: list[int], dst: list[int]
) -> dict[tuple[int, int], tuple[int, int]]:
    place_src, place_dst = ({x: i for i, x in enumerate(cuts)} for cuts in (src, dst))
    return {
        (i, j): (some, sure)
        for sources, targets, some, sure in lines
        for s_low, s_high in sources
        for d_low, d_high in targets
        for i in range(place_src[s_low], place_src[s_high + 1])
        for j in range(place_dst[d_low], place_dst[d_high + 1])
    }
