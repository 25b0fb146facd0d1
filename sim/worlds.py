"""Two worlds side by side: the same pairs, the same L4 atoms, the same addresses.

`Sides` matches pairs by the names of their endpoints and the family, and translates both worlds'
sets of L4 atoms into one space, so that equal access has equal set numbers in both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from fabric.inventory import Endpoint
from sim.l4 import L4Space, common
from sim.legs import Column
from sim.reachability import Bits, Reach, owns_prefix

Row = tuple[int, int, int, int, int, int]
"""Source first, last; destination first, last; set that may pass; set that surely passes. A host's
addresses are -1, -2, …: what matters is whose they are, and they may differ between the worlds."""
HOST = (-1, -1)


@dataclass(frozen=True, slots=True)
class Side:
    """One world in common terms. `key` is sorted: the pair's number by names and family; `row` its
    row in `reach.pairs`; `number` translates set ids; `wide` marks pairs with a whole prefix."""

    reach: Reach
    key: Column
    row: Column
    number: Column
    wide: Bits

    def placing(self, row: int) -> Callable[[int, int], tuple[int, int, int, int]]:
        """Turns a source and a destination span of a pair into the first four of a `Row`."""
        pairs, endpoints = self.reach.pairs, self.reach.network.endpoints
        version = int(pairs.version[row])
        hosts = [_hosts(endpoints[int(end[row])], version) for end in (pairs.src, pairs.dst)]

        def place(src: int, dst: int) -> tuple[int, int, int, int]:
            (_, *a), (_, *b) = self.reach.spans.bounds(src), self.reach.spans.bounds(dst)
            low, high = (hosts[0].get(a[0], x) for x in a)
            return low, high, *(hosts[1].get(b[0], x) for x in b)  # type: ignore[return-value]

        return place


def _hosts(endpoint: Endpoint, version: int) -> dict[int, int]:
    """Numbers of an endpoint's single addresses; none when it owns a whole prefix."""
    if owns_prefix(endpoint):
        return {}
    found = sorted(int(p.network_address) for p in endpoint.prefixes if p.version == version)
    return {address: -1 - i for i, address in enumerate(found)}


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
            if differ[place] or self.rows(self.old, key) != self.rows(self.new, key):
                yield key

    def rows(self, side: Side, key: int) -> list[Row]:
        """The addresses of a pair and what passes between them, empty ones left out."""
        place = int(np.searchsorted(side.key, key))
        if place == len(side.key) or side.key[place] != key:
            return []
        reach, row = side.reach, int(side.row[place])
        if not side.wide[place]:
            some, sure = reach.pairs.some[row], reach.pairs.sure[row]
            found = [(*HOST, *HOST, int(side.number[some]), int(side.number[sure]))]
        else:
            found = list(self._spans(side, row))
        return [line for line in found if line[4] != self.nothing]

    def _spans(self, side: Side, row: int) -> Iterator[Row]:
        cells = side.reach.cells
        first, last = np.searchsorted(cells.pair, [row, row + 1])
        place = side.placing(row)
        for i in range(int(first), int(last)):
            ends = place(int(cells.src_span[i]), int(cells.dst_span[i]))
            some, sure = side.number[cells.some[i]], side.number[cells.sure[i]]
            yield (*ends, int(some), int(sure))


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


def pieces(old: list[Row], new: list[Row], nothing: int) -> Iterator[tuple[Row, Row]]:
    """Cut two lists of rectangles against each other; yields the pieces that differ."""
    src = _cuts([(row[0], row[1]) for row in (*old, *new)])
    dst = _cuts([(row[2], row[3]) for row in (*old, *new)])
    before, after = (_paint(rows, src, dst, nothing) for rows in (old, new))
    for i, j in sorted(before.keys() | after.keys()):
        was, now = (found.get((i, j), (nothing, nothing)) for found in (before, after))
        if was != now:
            ends = (src[i], src[i + 1] - 1, dst[j], dst[j + 1] - 1)
            yield (*ends, *was), (*ends, *now)


def _cuts(ranges: list[tuple[int, int]]) -> list[int]:
    return sorted({low for low, _ in ranges} | {high + 1 for _, high in ranges})


def _paint(
    rows: list[Row], src: list[int], dst: list[int], nothing: int
) -> dict[tuple[int, int], tuple[int, int]]:
    place_src, place_dst = ({x: i for i, x in enumerate(cuts)} for cuts in (src, dst))
    return {
        (i, j): (some, sure)
        for s_low, s_high, d_low, d_high, some, sure in rows
        for i in range(place_src[s_low], place_src[s_high + 1])
        for j in range(place_dst[d_low], place_dst[d_high + 1])
    }
