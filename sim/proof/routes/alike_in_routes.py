"""Endpoints that routes do not tell apart (`sim.proof.routes.stand_ins`, rules 1 and 3).

An address is seen from every VRF that may meet its own: by which regions of entries hold it there,
and where each VTEP sends what is for it. That its own VTEP alone gets it is the same of all
addresses, whatever the VTEP; where that is one of several that get it, it matters which. VTEPs are
alike for a VRF if they send all of its addresses the same ways and the underlay connects both with
the same VTEPs, so with each other.

Where some VRF permits hairpins a packet may be passed on by any VTEP, and each is one by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.blocks.blocks import Blocks
from sim.blocks.numbering import distinct, same_bytes, same_rows
from sim.blocks.onward import rewritten
from sim.proof.routes.refinements import Refinements

Column = NDArray[Any]


def alike_in_routes(blocks: Blocks) -> tuple[Column, Column]:
    """Two numbers for each endpoint, which are equal for endpoints of one VRF that routes do not
    tell apart: of its VTEP, and of its addresses."""
    alone = _alone(blocks)
    hairpins = any(vrf.hairpin for vrf in blocks.program.network.vrfs)
    vteps = blocks.endpoint_vtep if hairpins else _places(blocks)
    return vteps, np.where(alone, -1 - np.arange(len(alone)), _addresses(blocks, alone, hairpins))


def _alone(blocks: Blocks) -> Column:
    """Which endpoints live at several VTEPs, share an address or own a whole prefix."""
    ends = blocks.program.network.endpoints
    own = (
        bool(e.anycast or e.also_at) or any(p.num_addresses > 1 for p in e.prefixes) for e in ends
    )
    return np.fromiter(own, np.bool_, len(ends))


def _places(blocks: Blocks) -> Column:
    """The number of each endpoint's VTEP among those that are alike for its VRF."""
    met = _met(blocks)
    out = np.zeros(len(blocks.endpoint_vrf), np.int64)
    for vrf, members in _by_vrf(blocks):
        here = blocks.endpoint_vtep[members]
        of, sample = distinct(here)
        vteps = here[sample]
        _, ways = _ways(blocks, vrf, vteps)
        out[members] = same_rows([met[vteps], ways]).of[of]
    return out


def _met(blocks: Blocks) -> Column:
    """A number for each node, equal for VTEPs that the underlay connects with the same ones."""
    reach = np.asarray(blocks.program.network.underlay.reaching())
    vteps = np.flatnonzero((blocks.inst_of >= 0).any(axis=1))
    among = reach[np.ix_(vteps, vteps)] | np.eye(len(vteps), dtype=np.bool_)
    out = np.arange(len(reach), dtype=np.int64) + len(vteps)
    if among.all():
        out[vteps] = 0
    else:
        out[vteps] = same_bytes(np.packbits(np.concatenate([among, among.T], axis=1), axis=1)).of
    return out


def _by_vrf(blocks: Blocks) -> Iterator[tuple[int, Column]]:
    """The endpoints of each VRF that has some."""
    order = np.argsort(blocks.endpoint_vrf, kind="stable")
    ends = np.cumsum(np.bincount(blocks.endpoint_vrf))
    for vrf, members in enumerate(np.split(order, ends[:-1]) if len(order) else ()):
        if len(members):
            yield vrf, members


def _ways(blocks: Blocks, vrf: int, vteps: Column) -> tuple[Column, Column]:
    """The ways in which some VTEPs send a VRF's addresses, [ways, atoms], -1 for none; and the way
    of each VTEP, -1 of one that has no route."""
    b, width = blocks, np.arange(blocks.addresses.count(vrf))
    instance = b.inst_of[vteps, vrf]
    known: dict[bytes, int] = {}
    rows: list[Column] = []
    of: dict[int, int] = {-1: -1}
    for number in np.unique(instance[instance >= 0]).tolist():
        row = b.fib[b.fib_off[number] + width]
        of[number] = known.setdefault(row.tobytes(), len(known))
        if of[number] == len(rows):
            rows.append(row)
    table = np.array(rows, b.fib.dtype).reshape(len(rows), len(width))
    return table, np.array([of[number] for number in instance.tolist()], np.int64)


def _addresses(blocks: Blocks, alone: Column, hairpins: bool) -> Column:
    """Equal for endpoints of one VRF whose addresses are alike, as a multiset; of those that are
    not `alone`."""
    out = np.zeros(len(alone), np.int64)
    seen = _Seen(blocks, hairpins)
    for vrf, _ in _by_vrf(blocks):
        owner = seen.owners(vrf)
        owned = np.flatnonzero((owner >= 0) & ~alone[owner])
        if len(owned):
            ends, number = _multisets(owner[owned], same_rows([*seen.columns(vrf, owned)]).of)
            out[ends] = number + 1
    return out


def _multisets(owner: Column, alike: Column) -> tuple[Column, Column]:
    """Owners, and numbers that are equal for those with the same numbers, as often."""
    order = np.lexsort((alike, owner))
    ends, first, count = np.unique(owner[order], return_index=True, return_counts=True)
    table = np.full((len(ends), int(count.max())), -1, np.int64)
    row = np.repeat(np.arange(len(ends)), count)
    table[row, np.arange(len(order)) - np.repeat(first, count)] = alike[order]
    return ends, same_rows([*table.T]).of


class _Seen:
    """How VRFs see each other's addresses."""

    def __init__(self, blocks: Blocks, hairpins: bool) -> None:
        self.blocks = blocks
        self.hairpins = hairpins
        self.refinements: Refinements | None = None
        self.ways: dict[int, Column] = {}
        self.near = self._near()
        width = np.diff(blocks.set_off)
        self.nodes = len(blocks.inst_of)
        sets = np.repeat(np.arange(len(width), dtype=np.int64), width)
        self.ends = sets * self.nodes + blocks.set_vtep
        first = np.minimum(blocks.set_off[:-1], max(0, len(blocks.set_vtep) - 1))
        self.only_vtep = np.where(width == 1, blocks.set_vtep[first], -1)
        self.only_vrf = blocks.set_vrf[first]

    def owners(self, vrf: int) -> Column:
        """Owner of each atom of a VRF, -1 for none."""
        base = self.blocks.addresses.base
        owner: Column = self.blocks.addresses.endpoint[base[vrf] : base[vrf + 1]]
        return owner

    def columns(self, vrf: int, owned: Column) -> Iterator[Column]:
        """What tells these atoms of a VRF apart: family, regions, and ways, in the eyes of every
        VRF that may meet it."""
        b = self.blocks
        n_v4 = int(np.diff(b.addresses.v4_off)[vrf])
        home = b.endpoint_vtep[self.owners(vrf)[owned]]
        family = owned >= n_v4
        yield family
        for other in self.near[vrf]:
            at = owned if other == vrf else self._found(vrf, other, owned - n_v4 * family, family)
            told = b.told_apart(other)
            yield from told[at].T
            yield rewritten(b, other)[at]
            yield from self._sent(other, at, home)

    def _sent(self, vrf: int, at: Column, home: Column) -> Iterator[Column]:
        """Where a VRF's VTEPs send atoms, [VTEPs that differ, atoms]: to their home and nowhere
        else is one number, whatever the home is; which it is counts where it is one of several."""
        size = len(self.only_vtep)
        chosen = self._ways(vrf)[:, at]
        homeward = np.zeros(chosen.shape, np.bool_)
        if size:
            homeward = (chosen >= 0) & (self.only_vtep[chosen] == home)
            chosen = np.where(homeward, size + self.only_vrf[chosen], chosen)
        yield from chosen
        among = ~homeward & np.isin(chosen.astype(np.int64) * self.nodes + home, self.ends)
        yield np.where(among.any(axis=0), home, -1)

    def _ways(self, vrf: int) -> Column:
        if vrf not in self.ways:
            vteps = np.flatnonzero(self.blocks.inst_of[:, vrf] >= 0)
            self.ways[vrf] = _ways(self.blocks, vrf, vteps)[0]
        return self.ways[vrf]

    def _near(self) -> list[list[int]]:
        """The VRFs that each VRF may meet: itself, those that routes lead to and from; all of them
        where packets may be passed on."""
        b, vrfs = self.blocks, range(len(self.blocks.addresses.base) - 1)
        if self.hairpins:
            return [[*vrfs] for _ in vrfs]
        found = [{vrf} for vrf in vrfs]
        for vrf in vrfs:
            used = np.unique(self._ways(vrf))
            for number in used[used >= 0].tolist():
                for other in b.set_vrf[b.set_off[number] : b.set_off[number + 1]].tolist():
                    found[vrf].add(other)
                    found[other].add(vrf)
        return [sorted(some) for some in found]

    def _found(self, home: int, vrf: int, local: Column, family: Column) -> Column:
        """The atoms of a VRF that hold the first addresses of another one's (by family)."""
        if self.refinements is None:
            self.refinements = Refinements.over(self.blocks.addresses)
        ranks = self.refinements.ranks
        out = np.zeros(len(local), np.int64)
        for version in (0, 1):
            mine = np.flatnonzero(family == version)
            rank = ranks[home][version][local[mine]]
            at = np.searchsorted(ranks[vrf][version], rank, "right") - 1
            out[mine] = at + version * len(ranks[vrf][0])
        return out
