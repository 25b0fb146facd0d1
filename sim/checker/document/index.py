"""Regions by what is asked of them: sources of an endpoint, ranges that lead to one, ranges between
two addresses."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Set
from functools import cached_property, lru_cache
from ipaddress import ip_network

import numpy as np

from sim.checker.document.regions import Ranges, Regions, Row, Sender
from sim.checker.document.shared_rows import expanded

MOST = 2000
"""Of no more maps is kept what is in them."""


def inside(ranges: Ranges, block: Ranges | None) -> bool:
    """Whether some of these addresses lie in a block; without one all do."""
    if block is None:
        return bool(ranges)
    return any(a <= last and first <= b for first, last in ranges for a, b in block)


class Index:
    """Indexes over the regions of one world, each made at first use."""

    def __init__(self, regions: Regions) -> None:
        self.regions = regions
        self.starts = lru_cache(MOST)(self._starts)

    @cached_property
    def speaks(self) -> tuple[frozenset[int], frozenset[int]]:
        """Endpoints with IPv4, and with IPv6."""
        four, six = (
            frozenset(i for i, party in enumerate(self.regions.parties) if party.speaks(version))
            for version in (4, 6)
        )
        return four, six

    @cached_property
    def sources(self) -> dict[tuple[int, int], list[Sender]]:
        """By endpoint and family."""
        found: dict[tuple[int, int], list[Sender]] = {}
        for source in self.regions.sources:
            found.setdefault((source.endpoint, source.version), []).append(source)
        return found

    def towards(self, number: int, ends: Set[int]) -> list[tuple[int, Row]]:
        """The ranges of a map in which some next hop leads to any of these endpoints, each once for
        each of them."""
        flat, numbered = self.regions.flat, self.regions.numbered
        wanted = np.zeros(len(self.regions.parties) + 1, np.bool_)
        wanted[np.fromiter(ends, np.int64, len(ends))] = True
        of = numbered.of[number]
        row, choice = expanded(flat.first[of], flat.first[of + 1] - flat.first[of])
        end = flat.endpoint[choice]
        met = np.flatnonzero(wanted[end])
        pairs = dict.fromkeys(zip(end[met].tolist(), of[row[met]].tolist(), strict=True))
        return [(end, numbered.rows[row]) for end, row in pairs]

    def _starts(self, number: int) -> list[int]:
        """First addresses of the ranges of a map."""
        return [row.first for row in self.regions.maps[number]]

    @cached_property
    def wide(self) -> list[bool]:
        """Whether each endpoint owns a whole prefix."""
        return [
            any(ip_network(prefix).num_addresses > 1 for prefix in party.prefixes)
            for party in self.regions.parties
        ]

    @cached_property
    def vrf(self) -> list[int]:
        """The VRF of each endpoint, by number."""
        number = {name: place for place, name in enumerate(self.regions.vrfs)}
        return [number[party.vrf] for party in self.regions.parties]

    def owns_all(self, endpoint: int, version: int) -> bool:
        """Whether an endpoint owns as many addresses as it has prefixes."""
        party = self.regions.parties[endpoint]
        owned = sum(last - first + 1 for first, last in party.owned[version == 6])
        return owned == sum(ip_network(p).version == version for p in party.prefixes)

    def between(self, number: int, first: int, last: int) -> Iterator[Row]:
        """The ranges of a map that touch a range."""
        rows = self.regions.maps[number]
        place = bisect_right(self.starts(number), first) - 1
        while place < len(rows) and rows[place].first <= last:
            yield rows[place]
            place += 1

    def rows(self, number: int, endpoint: int, version: int, block: Ranges | None) -> Iterator[Row]:
        """The ranges of a map with addresses that an endpoint owns, inside a block."""
        for first, last in self.regions.parties[endpoint].owned[version == 6]:
            for low, high in block or ((first, last),):
                if low <= last and first <= high:
                    yield from self.between(number, max(first, low), min(last, high))
