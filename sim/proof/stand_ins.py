"""Stand-ins: of endpoints that fare alike one is asked about, and a second one about the first.

Two endpoints are of one *class* when nothing that decides about their packets tells them apart:

1. they are in one VRF, at one VTEP, and nowhere else;
2. the same policy groups decide about what they send, and about what they receive (by that their
   labels, names, named ports and hosts have gone into groups already);
3. each owns as many addresses as the other, single ones that are nobody else's, of the same
   families; and in the eyes of every VRF, regions of all entries that are bound there hold both or
   neither, and every VTEP has the same next hops for both;
4. whoever asks tells them apart no further (`told`).

Whatever else one owns is a class by itself. So every pair of different members of two classes (or
of one) passes the same packets, for the same reasons, as the pair of their stand-ins does. Nobody
is paired with itself: a class with one member has no second stand-in, and no pair within.

Cost: VRFs × addresses, no pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.policy.ir import Direction
from sim.blocks.blocks import Blocks
from sim.blocks.numbering import distinct, same_rows
from sim.proof.spans import Spans

Column = NDArray[Any]


@dataclass(frozen=True, slots=True)
class StandIns:
    """`of` is the class of each endpoint, `first` and `second` the stand-ins of each class, -1 for
    none; classes are numbered in the order of their first members."""

    of: Column
    first: Column
    second: Column

    @staticmethod
    def by(classes: Column) -> StandIns:
        """Those of a numbering of endpoints."""
        of, first = distinct(classes)
        rank = np.empty(len(first), np.int64)
        rank[np.argsort(first, kind="stable")] = np.arange(len(first))
        of = rank[of]
        others = np.ones(len(of), np.bool_)
        others[first] = False
        number, at = np.unique(of[others], return_index=True)
        second = np.full(len(first), -1, np.int64)
        second[number] = np.flatnonzero(others)[at]
        return StandIns(of, np.sort(first), second)

    @staticmethod
    def among(blocks: Blocks, told: Sequence[Column] = ()) -> StandIns:
        """Those of all endpoints of a world; `told` are columns by which the asker tells them
        apart."""
        columns = [
            blocks.endpoint_vrf, blocks.endpoint_vtep, *(blocks.ep_block[d] for d in Direction),
            _addresses(blocks), _alone(blocks), *told,
        ]  # fmt: skip
        return StandIns.by(same_rows(columns).of)

    def __len__(self) -> int:
        return len(self.first)

    def members(self) -> list[Column]:
        """The endpoints of each class, sorted."""
        order = np.argsort(self.of, kind="stable")
        return np.split(order, np.cumsum(np.bincount(self.of))[:-1]) if len(order) else []

    def sends(self, endpoint: Column) -> Column:
        """Which endpoints are asked as senders."""
        sends: Column = self.first[self.of[endpoint]] == endpoint
        return sends

    def takes(self, endpoint: Column) -> Column:
        """Which endpoints are asked as receivers."""
        second: Column = self.second[self.of[endpoint]] == endpoint
        return self.sends(endpoint) | second

    def meet(self, src: Column, dst: Column) -> Column:
        """Which pairs of endpoints are asked about; those without a destination are."""
        a, b = self.of[src], self.of[dst]
        asked: Column = np.where(a == b, self.second[b], self.first[b]) == dst
        sent: Column = self.first[a] == src
        return (asked & sent) | (dst < 0)


@dataclass(frozen=True, slots=True)
class Between:
    """Some senders and some receivers, flags by endpoint, of whom each is asked about each."""

    senders: NDArray[np.bool_]
    takers: NDArray[np.bool_]

    def sends(self, endpoint: Column) -> Column:
        """Which endpoints are asked as senders."""
        sends: Column = self.senders[endpoint]
        return sends

    def takes(self, endpoint: Column) -> Column:
        """Which endpoints are asked as receivers."""
        takes: Column = self.takers[endpoint]
        return takes

    def meet(self, src: Column, dst: Column) -> Column:
        """Which pairs of endpoints are asked about; those without a destination are."""
        taken: Column = self.takers[dst] | (dst < 0)
        return taken


def _alone(blocks: Blocks) -> Column:
    """0 for endpoints that may be like others, else a number of their own."""
    ends = blocks.program.network.endpoints
    own = (
        bool(e.anycast or e.also_at) or any(p.num_addresses > 1 for p in e.prefixes) for e in ends
    )
    return np.array([alone * (number + 1) for number, alone in enumerate(own)], np.int64)


def _addresses(blocks: Blocks) -> Column:
    """Equal for endpoints whose addresses are alike, as a multiset."""
    atoms = blocks.addresses
    owned = np.flatnonzero(atoms.endpoint >= 0)
    owner = atoms.endpoint[owned].astype(np.int64)
    vrfs = range(len(atoms.base) - 1)
    spans = Spans.over(atoms) if len(vrfs) > 1 else None
    alike = same_rows([*_seen(blocks, spans, owned, vrfs)]).of
    order = np.lexsort((alike, owner))
    of, begin = np.unique(owner[order], return_index=True)
    known: dict[bytes, int] = {}
    out = np.zeros(len(blocks.endpoint_vrf), np.int64)
    for number, part in zip(of.tolist(), np.split(alike[order], begin[1:]), strict=True):
        out[number] = known.setdefault(part.tobytes(), len(known) + 1)
    return out


def _seen(
    blocks: Blocks, spans: Spans | None, owned: Column, vrfs: Sequence[int]
) -> Iterator[Column]:
    """What tells these atoms (over all VRFs) apart."""
    atoms = blocks.addresses
    home = np.searchsorted(atoms.base, owned, "right") - 1
    local = owned - atoms.base[home]
    family = (local >= np.diff(atoms.v4_off)[home]).astype(np.int64)
    yield family
    for vrf in vrfs:
        at = local if spans is None else _found(spans, home, local, family, vrf)
        width = np.arange(atoms.count(vrf))
        instances = blocks.inst_of[:, vrf]
        ways = {blocks.fib[blocks.fib_off[i] + width].tobytes() for i in instances[instances >= 0]}
        rows = (np.frombuffer(row, blocks.fib.dtype) for row in sorted(ways))
        yield same_rows([*blocks.told_apart(vrf).T, *rows]).of[at]


def _found(spans: Spans, home: Column, local: Column, family: Column, vrf: int) -> Column:
    """The atoms of a VRF that hold the first addresses of atoms of other ones."""
    out = np.zeros(len(home), np.int64)
    for version in (0, 1):
        for other in np.unique(home):
            mine = np.flatnonzero((home == other) & (family == version))
            number = local[mine] - version * len(spans.ranks[other][0])
            rank = spans.ranks[other][version][number]
            at = np.searchsorted(spans.ranks[vrf][version], rank, "right") - 1
            out[mine] = at + version * len(spans.ranks[vrf][0])
    return out
