"""Answers about several worlds beside each other, on the atoms that all of them share.

Each world has cut addresses and layer 4 in its own way. Side by side they are asked about the
coarsest atoms that lie in one atom of each: rows about wide atoms are told of every part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sim.blocks.common_ports import common
from sim.blocks.numbering import expand, same_rows
from sim.blocks.port_sets import L4Space
from sim.proof.pairs.reachability import Bits
from sim.proof.routes.paths import Column
from sim.proof.routes.refinements import TOP

Starts = tuple[list[int], list[int]]
"""First addresses of the atoms of a VRF, IPv4 and IPv6; atoms are numbered in this order."""


@dataclass(frozen=True, slots=True, eq=False)
class PairAnswers:
    """What a world says of packets: one row per (source, destination, IP version, source atom,
    destination atom), the `keys`: the sets that may and must arrive, as rows of `bits` over
    `space`. Atoms are those of the VRF of the source (`starts`); `vrf` is by endpoint."""

    keys: tuple[Column, ...]
    may: Column
    must: Column
    bits: Bits
    space: L4Space
    starts: dict[int, Starts]
    vrf: Column


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """Answers row by row: keys that any of them has; per world the sets that may and must arrive,
    none where it lacks a row; and all sets."""

    keys: tuple[Column, ...]
    may: tuple[Column, ...]
    must: tuple[Column, ...]
    bits: Bits
    space: L4Space
    starts: dict[int, Starts]

    def address(self, vrf: int, version: int, atom: int) -> int:
        """An address of an atom, not the first one where it has others."""
        v4, v6 = self.starts[vrf]
        starts, place = (v4, atom) if version == 4 else (v6, atom - len(v4))
        end = starts[place + 1] - 1 if place + 1 < len(starts) else TOP[version]
        return min(starts[place] + 1, end)


def beside(*answers: PairAnswers) -> Beside:
    """Several worlds side by side."""
    space, rows = _spaces(answers)
    starts = {
        vrf: _joined([found.starts[vrf] for found in answers if vrf in found.starts])
        for vrf in {vrf for found in answers for vrf in found.starts}
    }
    cut = [_cut(found, starts) for found in answers]
    columns = [np.concatenate(column) for column in zip(*(c.keys for c in cut), strict=True)]
    bits = np.concatenate(rows)
    if not len(columns[0]):
        return Beside(tuple(columns), (), (), bits, space, starts)
    of, sample = same_rows(columns)
    may, must = list[Column](), list[Column]()
    first = base = 0
    for found, own in zip(cut, rows, strict=True):
        there = of[first : first + len(found.may)]
        for out, sets in ((may, found.may), (must, found.must)):
            column = np.full(len(sample), base, np.int64)
            column[there] = base + sets
            out.append(column)
        first, base = first + len(found.may), base + len(own)
    keys = tuple(column[sample] for column in columns)
    return Beside(keys, tuple(may), tuple(must), bits, space, starts)


def _spaces(answers: Sequence[PairAnswers]) -> tuple[L4Space, list[Bits]]:
    """The space that all are unions of, and the sets of each in it."""
    space, rows = answers[0].space, [answers[0].bits]
    for found in answers[1:]:
        if found.space is space:
            rows.append(found.bits)
            continue
        space, ours, theirs = common(space, found.space)
        rows = [*(bits[:, ours] for bits in rows), found.bits[:, theirs]]
    return space, rows


def _joined(every: Sequence[Starts]) -> Starts:
    """The atoms of a VRF that lie in one atom of each world."""
    if all(starts == every[0] for starts in every):
        return every[0]
    v4, v6 = (sorted(set[int]().union(*(starts[family] for starts in every))) for family in (0, 1))
    return v4, v6


def _cut(found: PairAnswers, starts: dict[int, Starts]) -> PairAnswers:
    """The same rows about finer atoms."""
    if all(found.starts.get(vrf, at) == at for vrf, at in starts.items()):
        return found
    *keys, src, dst = found.keys
    vrf = found.vrf[keys[0]]
    out = []
    for column in (src, dst):
        first, count = np.zeros((2, len(column)), np.int64)
        for number in np.unique(vrf).tolist():
            mine = vrf == number
            begin, width = _parts(found.starts[number], starts[number])
            first[mine], count[mine] = begin[column[mine]], width[column[mine]]
        out.append((first, count))
    (src_first, src_count), (dst_first, dst_count) = out
    rows, src = expand(src_first, src_count)
    row, dst = expand(dst_first[rows], dst_count[rows])
    rows, src = rows[row], src[row]
    columns = (*(column[rows] for column in keys), src, dst)
    return replace(found, keys=columns, may=found.may[rows], must=found.must[rows])


def _parts(coarse: Starts, fine: Starts) -> tuple[Column, Column]:
    """Per atom the first of the finer ones that it holds, and how many there are."""
    begin, width, base = list[Column](), list[Column](), 0
    for ours, theirs in zip(coarse, fine, strict=True):
        place = {start: number for number, start in enumerate(theirs)}
        at = np.array([place[start] for start in ours], np.int64)
        begin.append(base + at)
        width.append(np.diff(np.append(at, len(theirs))))
        base += len(theirs)
    return np.concatenate(begin), np.concatenate(width)
