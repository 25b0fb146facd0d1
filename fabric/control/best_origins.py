"""Which origins of its prefixes the instances of a VRF choose: rule 1 of `fabric.control.fib`.

What an instance chooses for a prefix depends on how far away the origins of that prefix are, and on
nothing else. So where distances differ something may be chosen otherwise in two parts: by the
instances from which most is at another distance, for all prefixes; and by the others, for prefixes
with an origin that is at another distance from one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fabric.control.evpn import Type5
from fabric.control.underlay import ECMP_WIDTH, Underlay

I32 = NDArray[np.int32]
Index = NDArray[np.int64]
FAR, TAGGED = np.int32(1 << 20), np.int32(1 << 16)


@dataclass(frozen=True, slots=True)
class VrfPart:
    """Some instances of a VRF, by number and by VTEP, and some of its prefixes, by number; `rows`
    are the routes of these prefixes, and `first` says where those of each begin."""

    members: Index
    vteps: Index
    prefixes: Index
    rows: Index
    first: Index


@dataclass(frozen=True, slots=True)
class Several:
    """Equally good origins of a prefix at an instance, both by number in the VRF: the instances
    that are installed, and how many there are. They are found at `row` and `column` of a part."""

    member: int
    prefix: int
    row: int
    column: int
    installed: tuple[int, ...]
    known: int


@dataclass(frozen=True, slots=True)
class Differing:
    """Where distances differ, as flags by node: `anew` are VTEPs from which most of the others are
    at another distance; `to` are those that are at another one from a VTEP that is not `anew`."""

    anew: NDArray[np.bool_]
    to: NDArray[np.bool_]

    @staticmethod
    def among(vteps: Sequence[int], differs: NDArray[np.bool_]) -> Differing | None:
        """Of some VTEPs, given bool[nodes, nodes]; None where no distance differs."""
        found = differs[np.ix_(vteps, vteps)]
        if not found.any():
            return None
        most = found.sum(axis=1) * 2 > len(vteps)
        anew, to = (np.zeros(len(differs), np.bool_) for _ in range(2))
        anew[vteps], to[vteps] = most, found[~most].any(axis=0)
        return Differing(anew, to)

    def parts(self, vteps: Index, rows: Index, first: Index, origin: I32) -> Iterator[VrfPart]:
        """The parts of a VRF of which `vteps` has the instances, and `rows` and `first` the routes;
        they are from the VTEPs `origin`."""
        anew = self.anew[vteps]
        if anew.any():
            yield whole(np.flatnonzero(anew), vteps, rows, first)
        at = self.to[origin]
        if len(rows) and not anew.all() and at.any():
            others = np.flatnonzero(~anew)
            prefixes = np.flatnonzero(np.logical_or.reduceat(at, first))
            size = np.diff(first, append=len(rows))[prefixes]
            start = np.cumsum(size) - size
            chosen = np.arange(size.sum()) + np.repeat(first[prefixes] - start, size)
            yield VrfPart(others, vteps[others], prefixes, rows[chosen], start)


def whole(members: Index, vteps: Index, rows: Index, first: Index) -> VrfPart:
    """All prefixes at some instances."""
    return VrfPart(members, vteps[members], np.arange(len(first)), rows, first)


def best_origins(
    part: VrfPart, vrf: int, routes: Type5, underlay: Underlay, instance: Index
) -> tuple[I32, list[Several]]:
    """The origin that each member of a part chooses for each of its prefixes, as the number of an
    instance (-1 for none), [members, prefixes], and where there are several. `instance` has those
    of all (VTEP, VRF)s."""
    if not len(part.rows):
        return np.zeros((len(part.members), 0), np.int32), []
    far_vtep, first = routes.vtep[part.rows], part.first
    origin = instance[far_vtep, routes.vrf[part.rows]]
    here = part.vteps[:, None]
    length = underlay.length[here, far_vtep].astype(np.int32)
    own = (here == far_vtep) & (routes.vrf[part.rows] == vrf)
    length = np.where(length < 0, FAR, length + routes.prepended[part.rows])
    if underlay.tagged is not None:
        length += np.where(underlay.tagged[here, far_vtep] & (length < FAR), TAGGED, 0)
    rank = np.where(own & (length < FAR), -1, length)
    best = np.minimum.reduceat(rank, first, axis=1)
    size = np.diff(first, append=len(part.rows))
    usable = (rank == np.repeat(best, size, axis=1)) & (rank < FAR)
    count = np.add.reduceat(usable, first, axis=1, dtype=np.int32)
    last = np.maximum.reduceat(np.where(usable, origin, -1), first, axis=1)
    out = np.where(count > 0, last, -1).astype(np.int32)
    several = []
    for row, column in np.argwhere(count > 1).tolist():
        span = slice(first[column], first[column] + size[column])
        members = sorted(origin[span][usable[row, span]].tolist())
        known = len(members)
        if known > ECMP_WIDTH:
            loopback, places = routes.plan.loopback, routes.plan.instances
            members.sort(key=lambda i: (loopback[places[i][0]], i))
        place = int(part.members[row]), int(part.prefixes[column]), row, column
        several.append(Several(*place, tuple(sorted(members[:ECMP_WIDTH])), known))
    return out, several
