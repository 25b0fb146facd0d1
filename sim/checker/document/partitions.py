"""Whether regions hold every packet exactly once.

Boxes are counted by their corners: a sum of boxes is the whole space if and only if their corners,
with alternating signs, add up to those of the space. That is one pass over the boxes, however they
lie. TCP, UDP and SCTP have 2³² packets (destination port × source port), other protocols one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_network
from itertools import product

import numpy as np

from sim.checker.document.fields import PROTOCOLS
from sim.checker.document.form import TOP
from sim.checker.document.regions import Box, Party, Ranges, Regions

PORTED = (6, 17, 132)
LAST_PROTOCOL, LAST_PORT = 255, 65535


def problems(regions: Regions) -> Iterator[str]:
    """What is left out or said twice, as `field: why`."""
    for number, boxes in enumerate(regions.profiles):
        if not fills([box for box, _ in boxes], regions.fields.size):
            yield f"profiles[{number}]: boxes do not hold every protocol and port exactly once"
    families = {source.map: source.version for source in regions.sources}
    for number in _gaps(regions, families):
        yield f"maps[{number}]: ranges do not hold every destination address exactly once"
    yield from _sources(regions)
    yield from _owners(regions.parties)


def space(parts: int = 1) -> Iterator[Box]:
    """Every packet, as few boxes of each part (`sim.checker.document.fields`)."""
    for begin in range(0, parts * PROTOCOLS, PROTOCOLS):
        first = begin
        for protocol in (*(begin + ported for ported in PORTED), begin + PROTOCOLS):
            if first < protocol:
                yield first, protocol - 1, 0, 0, 0, 0
            if protocol < begin + PROTOCOLS:
                yield protocol, protocol, 0, LAST_PORT, 0, LAST_PORT
            first = protocol + 1


def fills(boxes: Sequence[Box], parts: int = 1) -> bool:
    """Whether boxes are a partition of all protocols and ports of all parts."""
    if any(a > b or c > d or e > f for a, b, c, d, e, f in boxes):
        return False
    sums: Counter[tuple[int, int, int]] = Counter()
    for sign, found in ((1, boxes), (-1, tuple(space(parts)))):
        for a, b, c, d, e, f in found:
            corners = product(((a, 1), (b + 1, -1)), ((c, 1), (d + 1, -1)), ((e, 1), (f + 1, -1)))
            for (p, s), (q, t), (r, u) in corners:
                sums[p, q, r] += sign * s * t * u
    return not any(sums.values())


def _gaps(regions: Regions, families: Mapping[int, int]) -> Iterator[int]:
    """Maps whose ranges do not follow each other from the first to the last address; each address
    at which a range begins, or behind which one ends, has a number."""
    rows, maps = regions.numbered
    known = {0: 0, TOP[4] + 1: 1, TOP[6] + 1: 2}
    begin, after = (
        np.array([known.setdefault(at, len(known)) for at in found], np.int64)
        for found in ([row.first for row in rows], [row.last + 1 for row in rows])
    )
    wrong = np.array([row.last < row.first for row in rows], np.bool_)
    for number, of in enumerate(maps):
        top = known[TOP[families[number]] + 1]
        ends = len(of) and begin[of[0]] == known[0] and after[of[-1]] == top
        if not ends or (begin[of[1:]] != after[of[:-1]]).any() or wrong[of].any():
            yield number


def joined(ranges: Sequence[tuple[int, int]]) -> Ranges | None:
    """Sorted and joined; None when they overlap or are none."""
    out: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if high < low or (out and low <= out[-1][1]):
            return None
        if out and low == out[-1][1] + 1:
            out[-1] = (out[-1][0], high)
        else:
            out.append((low, high))
    return tuple(out)


def _sources(regions: Regions) -> Iterator[str]:
    """The sources of an endpoint are the addresses that it owns, each once."""
    spoken: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for number, source in enumerate(regions.sources):
        if joined(source.ranges) != source.ranges:
            yield f"sources[{number}]: ranges are not sorted and joined"
        spoken.setdefault((source.endpoint, source.version), []).extend(source.ranges)
    for number, party in enumerate(regions.parties):
        for family, version in enumerate((4, 6)):
            if joined(spoken.get((number, version), [])) != party.owned[family]:
                yield f"sources: not the IPv{version} addresses of {party.name}, each once"


def _owners(parties: Sequence[Party]) -> Iterator[str]:
    """Whose an address is follows from the prefixes: the most specific, then the first."""
    for family, version in enumerate((4, 6)):
        owned = _owned(parties, version)
        for number, party in enumerate(parties):
            if owned[number] != party.owned[family]:
                yield (
                    f"endpoints[{number}].v{version}: not the addresses that {party.name} owns by "
                    "its prefixes"
                )


def _owned(parties: Sequence[Party], version: int) -> list[Ranges]:
    """The addresses of each endpoint, joined."""
    first_of: dict[str, dict[tuple[int, int], int]] = {}
    for number, party in enumerate(parties):
        for prefix in map(ip_network, party.prefixes):
            if prefix.version == version:
                ends = int(prefix.network_address), int(prefix.broadcast_address)
                first_of.setdefault(party.vrf, {}).setdefault(ends, number)
    found: list[list[tuple[int, int]]] = [[] for _ in parties]
    for prefixes in first_of.values():
        for first, last, number in _runs(prefixes):
            if first <= last:
                found[number].append((first, last))
    return [joined(ranges) or () for ranges in found]


def _runs(prefixes: Mapping[tuple[int, int], int]) -> Iterator[tuple[int, int, int]]:
    """(first, last, owner) in order. Prefixes nest or are apart, so the owner of what comes next is
    on top of a stack."""
    inside: list[tuple[int, int]] = []
    at = 0
    for (first, last), number in sorted(prefixes.items(), key=lambda p: (p[0][0], -p[0][1])):
        while inside and inside[-1][0] < first:
            end, owner = inside.pop()
            yield at, end, owner
            at = end + 1
        if inside:
            yield at, first - 1, inside[-1][1]
        at = first
        inside.append((last, number))
    while inside:
        end, owner = inside.pop()
        yield at, end, owner
        at = end + 1
