"""Which origins of its prefixes the instances of a VRF choose: rule 1 of `fabric.control.fib`.

What an instance chooses for a prefix depends on how far away the origins of that prefix are, and on
nothing else. So instances at one point of the underlay (`fabric.control.attachments`) choose alike,
but for prefixes of which one of them is an origin itself: a choice is made once per point, and once
more for each instance that has an own origin, where that is another one.

Where distances differ something may be chosen otherwise in two parts: by the instances from which
most is at another distance, for all prefixes; and by the others, for prefixes with an origin that
is at another distance from one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fabric.control.path_tables import ECMP_WIDTH
from fabric.control.underlay import Underlay
from fabric.plan.addressing import Plan
from fabric.wiring.budget import afford_choices

I32 = NDArray[np.int32]
Index = NDArray[np.int64]
Flags = NDArray[np.bool_]
FAR, TAGGED = np.int32(1 << 20), np.int32(1 << 16)


@dataclass(frozen=True, slots=True)
class Origins:
    """Routes that a VRF imports, as columns, prefix by prefix, where each begins at `first`: the
    VTEP that originates it, the number of its instance, whether that is one of the VRF's own, and
    by how much its AS path is longer than the way."""

    first: Index
    vtep: Index
    instance: Index
    own: Flags
    prepended: I32

    @property
    def size(self) -> Index:
        """How many there are of each prefix."""
        return np.diff(self.first, append=len(self.vtep))

    def of(self, prefixes: Index) -> Origins:
        """Those of some prefixes, in this order; a prefix may stand several times."""
        size = self.size[prefixes]
        start = np.cumsum(size) - size
        rows = np.arange(size.sum()) + np.repeat(self.first[prefixes] - start, size)
        columns = self.vtep, self.instance, self.own, self.prepended
        return Origins(start, *(column[rows] for column in columns))


@dataclass(frozen=True, slots=True)
class VrfPart:
    """Some instances of a VRF, by number and by VTEP, and some of its prefixes, by number, with
    their origins. VTEPs ascend."""

    members: Index
    vteps: Index
    prefixes: Index
    origins: Origins


@dataclass(frozen=True, slots=True)
class Several:
    """Equally good origins of a prefix, found at `row` and `column` of a part's choices: how many
    there are, and the instances that are installed. `member` is the first that chooses them, in the
    order of the VRF."""

    member: int
    prefix: int
    row: int
    column: int
    installed: tuple[int, ...]
    known: int


@dataclass(frozen=True, slots=True)
class OriginChoices:
    """What the members of a part choose: `rows[row_of[m], p]` of prefix p, as the number of an
    instance or -1 for none, but for members that are origins themselves: `own[i]` chooses
    `own_value[i]` for `own_prefix[i]`. `several` are cells of `rows`, `own_several` elements of
    `own_value` (their `row`), that stand for several origins."""

    rows: I32
    row_of: Index
    several: list[Several]
    own: Index
    own_prefix: Index
    own_value: I32
    own_several: list[Several]


@dataclass(frozen=True, slots=True)
class Differing:
    """Where distances differ, as flags by node: `anew` are VTEPs from which most of the others are
    at another distance; `to` are those that are at another one from a VTEP that is not `anew`."""

    anew: Flags
    to: Flags

    @staticmethod
    def among(vteps: Sequence[int], before: Underlay, after: Underlay) -> Differing | None:
        """Of some VTEPs in two underlays of one fabric; None where no distance differs. Who shares
        a point in both is asked about once."""
        nodes = np.array(vteps, np.int64)
        keys = before.points.of[nodes].astype(np.int64) * len(after.points) + after.points.of[nodes]
        _, group, size = np.unique(keys, return_inverse=True, return_counts=True)
        order = np.argsort(group, kind="stable")
        start = np.cumsum(size) - size
        first, other = nodes[order[start]], nodes[order[np.minimum(start + 1, start + size - 1)]]
        apart = _differs(before, after, first[:, None], first)
        own = apart.diagonal().copy()
        beside = _differs(before, after, first, other) & (size > 1)
        if not apart.any() and not beside.any():
            return None
        np.fill_diagonal(apart, False)
        most = (apart @ size + own + beside * (size - 1)) * 2 > len(nodes)
        still = ~most
        there = apart[still].any(axis=0) | (still & (own | beside))
        anew, to = (np.zeros(after.n, np.bool_) for _ in range(2))
        anew[nodes], to[nodes] = most[group], there[group]
        return Differing(anew, to)

    def parts(self, vteps: Index, origins: Origins) -> Iterator[VrfPart]:
        """The parts of a VRF of which `vteps` has the instances."""
        anew = self.anew[vteps]
        if anew.any():
            yield whole(np.flatnonzero(anew), vteps, origins)
        at = self.to[origins.vtep]
        if len(at) and not anew.all() and at.any():
            others = np.flatnonzero(~anew)
            prefixes = np.flatnonzero(np.logical_or.reduceat(at, origins.first))
            yield VrfPart(others, vteps[others], prefixes, origins.of(prefixes))


def _differs(before: Underlay, after: Underlay, a: Index, b: Index) -> Flags:
    """Whether routes may be chosen otherwise for what is between nodes (broadcast)."""
    found = np.asarray(before.lengths(a, b) != after.lengths(a, b))
    was, now = before.tags(a, b), after.tags(a, b)
    if was is not None or now is not None:
        none = np.zeros_like(found)
        found |= (none if was is None else was) != (none if now is None else now)
    return found


def whole(members: Index, vteps: Index, origins: Origins) -> VrfPart:
    """All prefixes at some instances."""
    return VrfPart(members, vteps[members], np.arange(len(origins.first)), origins)


def best_origins(part: VrfPart, underlay: Underlay, plan: Plan) -> OriginChoices:
    """The origins that the members of a part choose for its prefixes."""
    origins, points = part.origins, underlay.points
    at, row_of = np.unique(points.of[part.vteps], return_inverse=True)
    row_of = row_of.reshape(-1)
    none = np.zeros(0, np.int64)
    if not len(origins.vtep):
        empty = np.zeros((len(at), 0), np.int32)
        return OriginChoices(empty, row_of, [], none, none, none.astype(np.int32), [])
    afford_choices(len(at) * len(origins.vtep))
    rank = _ranks(origins, *underlay.towards_others(at, origins.vtep))
    rows, ties = _best(rank, origins)
    member, prefix = _own_cells(part, rows, row_of, underlay)
    mine = origins.of(prefix)
    who = np.repeat(member, mine.size)
    rank = _ranks(mine, *underlay.distances(part.vteps[who], mine.vtep))
    itself = part.vteps[who] == mine.vtep
    rank = np.where(itself & mine.own & (rank < FAR), -1, rank)
    values, own_ties = _best(rank[None], mine)
    among = _Equal(part, plan)
    several = [
        among.cell(teller, row, column, origins.instance[there], row)
        for row, column, there in ties
        if (teller := _teller(np.flatnonzero(row_of == row), member[prefix == column])) >= 0
    ]
    own_several = [
        among.cell(int(member[n]), n, int(prefix[n]), mine.instance[there], n)
        for _, n, there in own_ties
    ]
    return OriginChoices(rows, row_of, several, member, prefix, values[0], own_several)


def _own_cells(part: VrfPart, rows: I32, row_of: Index, underlay: Underlay) -> tuple[Index, Index]:
    """Members and prefixes of which the member is an origin, each pair once; but for prefixes with
    one origin, where that is chosen anyway."""
    origins, size = part.origins, part.origins.size
    place = np.minimum(np.searchsorted(part.vteps, origins.vtep), len(part.vteps) - 1)
    mine = part.vteps[place] == origins.vtep
    prefix = np.repeat(np.arange(len(size)), size)
    # alone, and chosen by those beside it: who is up chooses it too, who is down is elsewhere
    mine &= ~((size[prefix] == 1) & (rows[row_of[place], prefix] == origins.instance))
    pairs = np.unique(place[mine] * len(size) + prefix[mine])
    member, column = np.divmod(pairs, len(size))
    return member, column


def _ranks(origins: Origins, length: NDArray[np.int16], tagged: Flags | None) -> I32:
    """The lower the better; from `FAR` on there is no path."""
    rank = np.where(length < 0, FAR, length + origins.prepended)
    if tagged is not None:
        rank += np.where(tagged & (rank < FAR), TAGGED, 0)
    return rank.astype(np.int32)


def _best(rank: I32, origins: Origins) -> tuple[I32, list[tuple[int, int, Index]]]:
    """The best origin of each prefix (the last of equal ones, -1 for none), [rows, prefixes]; row,
    prefix and the places of origins where several are equal."""
    if not len(origins.vtep):
        return np.zeros((len(rank), 0), np.int32), []
    best = np.minimum.reduceat(rank, origins.first, axis=1)
    usable = (rank == np.repeat(best, origins.size, axis=1)) & (rank < FAR)
    count = np.add.reduceat(usable, origins.first, axis=1, dtype=np.int32)
    last = np.maximum.reduceat(np.where(usable, origins.instance, -1), origins.first, axis=1)
    ties, sizes = [], origins.size
    for row, column in np.argwhere(count > 1).tolist():
        begin, size = int(origins.first[column]), int(sizes[column])
        ties.append((row, column, begin + np.flatnonzero(usable[row, begin : begin + size])))
    return np.where(count > 0, last, -1).astype(np.int32), ties


def _teller(members: Index, but: Index) -> int:
    """The first of some members that is none of the others, -1 where there is none."""
    left = members[~np.isin(members, but)]
    return int(left[0]) if len(left) else -1


@dataclass(frozen=True, slots=True)
class _Equal:
    """Equal origins of a prefix, of which no more than `ECMP_WIDTH` are installed."""

    part: VrfPart
    plan: Plan

    def cell(self, member: int, row: int, column: int, found: Index, at: int) -> Several:
        """What is installed of the instances that were found."""
        instances = sorted(found.tolist())
        known = len(instances)
        if known > ECMP_WIDTH:
            loopback, places = self.plan.loopback, self.plan.instances
            instances.sort(key=lambda i: (loopback[places[i][0]], i))
        installed = tuple(sorted(instances[:ECMP_WIDTH]))
        place = int(self.part.members[member]), int(self.part.prefixes[column])
        return Several(*place, at, column, installed, known)
