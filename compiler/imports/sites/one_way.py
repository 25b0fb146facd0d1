"""Who gets packets from whom without a way back: devices hand such packets on, and nobody says so.

A VTEP that cloison describes takes nothing from a sender to whom it has no route, and lets nobody
send from an address that is elsewhere (`pa_validation_drop`, `spoof_drop`); a device whose
configuration was read asks for neither. So what these checks decide is not known of it. Rules that
hold here:

1. A sender is judged at every address range of its own that routes tell apart, at its own device,
   and at every device and VRF that its VRF has a route to.
2. Tables that are one VRF everywhere (`whole`) lead back as they lead there.
3. With more pairs of tables than are looked at, the rest is taken to have no way back.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.imports.sites.host_ends import span_of
from fabric.control.fib import Fib
from fabric.values.inventory import Endpoint, Prefix

MOST_PAIRS = 200_000
"""Pairs of a sender's table and another one that are looked at: some seconds."""
Place = tuple[int, int]
"""A node and a VRF there."""


@dataclass(frozen=True, slots=True)
class OneWay:
    """`sender` gets packets to those in `vrf` at `nodes`, who have no way back; with `vrf` -1 its
    own device leads its address elsewhere."""

    sender: Endpoint
    vrf: int
    nodes: frozenset[int]


def one_way(
    fib: Fib, ends: Sequence[Endpoint], whole: Collection[int], unseen: int
) -> Iterator[OneWay]:
    """All of them, by sender. What leads to the node `unseen` is somebody else's doubt."""
    at: dict[Place, list[Endpoint]] = defaultdict(list)
    for end in ends:
        if end.vtep is not None and end.vtep != unseen:
            at[end.vtep, end.vrf].append(end)
    sets: dict[Place, NDArray[np.int32]] = {}
    left = MOST_PAIRS
    for (node, vrf), some in sorted(at.items()):
        if (node, vrf) not in fib.index:
            continue
        there = leads_to(fib, node, vrf)
        places = sorted((n, v) for v, n in there if n != unseen and not (v == vrf and v in whole))
        tables: dict[int, list[int]] = defaultdict(list)
        for other, number in places:
            tables[number].append(other)
        for end in lost_ends(fib, sets, (node, vrf), some, (node, vrf)):
            yield OneWay(end, -1, frozenset())
        for number, nodes in tables.items():
            left -= len(nodes)
            lost: dict[int, set[int]] = defaultdict(set)
            for other in nodes:
                place = other, number
                gone = some if left < 0 else lost_ends(fib, sets, place, some, (node, None))
                for end in gone:
                    lost[end.index].add(other)
            for end in some:
                if end.index in lost:
                    yield OneWay(end, number, frozenset(lost[end.index]))


def leads_to(fib: Fib, node: int, vrf: int) -> set[Place]:
    """The (VRF, node) that a table has routes to, but itself."""
    used = np.unique(fib.chosen[fib.index[node, vrf]])
    hops = (hop for number in used[used >= 0].tolist() for hop in fib.nexthop_sets[number])
    return {(hop.vrf, hop.vtep) for hop in hops} - {(vrf, node)}


def lost_ends(
    fib: Fib,
    sets: dict[Place, NDArray[np.int32]],
    at: Place,
    ends: Sequence[Endpoint],
    back: tuple[int, int | None],
) -> list[Endpoint]:
    """The endpoints of which a table does not lead every address to a node, and into a VRF there
    where one is said (`back`)."""
    if at not in sets:
        sets[at] = fib.sets_of_prefixes(*at)
    out: dict[int, Endpoint] = {}
    for version in (4, 6):
        starts = fib.boundaries(at[1])[0 if version == 4 else 1]
        points = [
            (ip, end)
            for end in ends
            for prefix in end.prefixes
            if prefix.version == version
            for ip in points_of(prefix, starts)
        ]
        if not points:
            continue
        numbers = sets[at][fib.segments(at[1], version, [ip for ip, _ in points])].tolist()
        bad = {number for number in set(numbers) if not leads(fib, number, back)}
        if bad:
            out |= {e.index: e for n, (_, e) in zip(numbers, points, strict=True) if n in bad}
    return list(out.values())


def leads(fib: Fib, number: int, back: tuple[int, int | None]) -> bool:
    """Whether a next-hop set has a node, and a VRF there."""
    hops = fib.nexthop_sets[number] if number >= 0 else ()
    return any(hop.vtep == back[0] and back[1] in (None, hop.vrf) for hop in hops)


def points_of(prefix: Prefix, starts: Sequence[int]) -> list[int]:
    """An address of every range of a prefix that routes tell apart."""
    first, last = span_of(prefix)
    return [first, *starts[bisect_left(starts, first + 1) : bisect_left(starts, last + 1)]]
