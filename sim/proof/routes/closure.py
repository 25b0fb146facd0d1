"""The closure of single steps: where routes lead in the end, for columns of addresses.

Where VRFs permit hairpins a next hop need not be the end: whoever takes the packet out of the
tunnel may pass it on (`sim.pipeline.ways`, of which this is the twin on arrays). A header class
changes nothing on the way, so where a packet goes is a function of place (VTEP, VRF) and
destination alone. Each next-hop set therefore becomes a *way set*, once per class of destinations
that all VRFs which permit hairpins route alike: the composition of one relation per place.

A way keeps what matters to its ends: the first hop (the sender's policy asks for its VRF), the
place from which the last tunnel comes (the receiver validates that), and the last hop. Without
hairpins a way is a next hop, and nothing is computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.blocks.blocks import Blocks
from sim.blocks.numbering import distinct, expand, same_bytes
from sim.packets.reasons import Reason
from sim.packets.ttl import LAST

Column = NDArray[Any]
Hop = tuple[int, int]
"""A VTEP and a VRF there."""
Row = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Closure:
    """Way sets in CSR form (`off`), and `fib`, the number of one per instance and atom, laid out as
    `Blocks.fib`. Of each way `vtep` and `vrf` are its end, `first_*` its first hop, `via_*` where
    its last tunnel comes from, -1 for the sender itself; `drop` is the reason why it ends on the
    way, 0 for none."""

    fib: Column
    off: Column
    vtep: Column
    vrf: Column
    first_vtep: Column
    first_vrf: Column
    via_vtep: Column
    via_vrf: Column
    drop: Column

    @staticmethod
    def of(blocks: Blocks, underlay: NDArray[np.bool_]) -> Closure:
        """That of the routes of blocks; `underlay[a, b]`: node b is reachable from node a."""
        b = blocks
        sender, none = np.full(len(b.set_vtep), -1), np.zeros(len(b.set_vtep), np.int64)
        ends = b.set_vtep, b.set_vrf
        plain = Closure(b.fib, b.set_off, *ends, *ends, sender, sender, none)
        hairpins = [v.index for v in b.program.network.vrfs if v.hairpin]
        return _Walks(b, underlay, hairpins).extend(plain) if hairpins and len(b.fib) else plain

    def width(self, sets: Column) -> Column:
        """How many ways each set has, 0 for none (-1)."""
        return np.append(np.diff(self.off), 0)[sets]


class _Walks:
    """Ways of one network, walked once per next-hop set and class of destinations."""

    def __init__(self, blocks: Blocks, underlay: NDArray[np.bool_], hairpins: list[int]) -> None:
        self.blocks, self.underlay, self.hairpins = blocks, underlay, hairpins
        b = blocks
        nodes, vrf = np.nonzero(b.inst_of[:, hairpins] >= 0)
        self.places: list[Hop] = [
            *zip(nodes.tolist(), np.array(hairpins)[vrf].tolist(), strict=True)
        ]
        self.number = {place: row for row, place in enumerate(self.places)}
        ends = zip(b.set_vtep.tolist(), b.set_vrf.tolist(), strict=True)
        self.hops: list[Hop] = [*ends]
        self.place_of = np.array([self.number.get(hop, -1) for hop in self.hops], np.int64)
        self.known: dict[tuple[int, bytes], int] = {}
        self.sets: dict[tuple[Row, ...], int] = {}

    def extend(self, plain: Closure) -> Closure:
        """With way sets for what is passed on, behind the next-hop sets."""
        b, fib = self.blocks, plain.fib.copy()
        size = len(b.set_off) - 1
        for vrf in range(b.inst_of.shape[1]):
            vteps = np.flatnonzero(b.inst_of[:, vrf] >= 0)
            if not len(vteps):
                continue
            count = b.addresses.count(vrf)
            cells = b.fib_off[b.inst_of[vteps, vrf]][:, None] + np.arange(count)
            fib[cells] = self._ways(b.fib[cells], *self._classes(vrf), size)
        rows = [row for found in self.sets for row in found]
        ends = np.cumsum([len(found) for found in self.sets])
        old = [plain.vtep, plain.vrf, plain.first_vtep, plain.first_vrf]
        old += [plain.via_vtep, plain.via_vrf, plain.drop]
        columns = np.array(rows, np.int64).reshape(-1, len(old)).T
        joined = (np.concatenate(pair) for pair in zip(old, columns, strict=True))
        return Closure(fib, np.r_[plain.off, plain.off[-1] + ends].astype(np.int64), *joined)

    def _classes(self, vrf: int) -> tuple[Column, Column]:
        """Atoms of a VRF by how the places that may pass packets on route them, and the next-hop
        set of each place in each class, [classes, places]."""
        b = self.blocks
        starts = b.addresses.starts
        table = np.full((b.addresses.count(vrf), len(self.places)), -1, np.int32)
        for via in self.hairpins:
            there = [
                np.searchsorted(starts[via][family], starts[vrf][family], "right") - 1
                for family in (0, 1)
            ]
            atoms = np.r_[there[0], there[1] + len(starts[via][0])]
            for column, (node, of) in enumerate(self.places):
                if of == via:
                    table[:, column] = b.fib[b.fib_off[b.inst_of[node, of]] + atoms]
        of_atom, sample = same_bytes(table)
        return of_atom, table[sample]

    def _ways(self, sets: Column, of_atom: Column, classes: Column, size: int) -> Column:
        """The way set of each next-hop set, [VTEPs, atoms]."""
        b, out = self.blocks, sets.copy()
        passes = self._passes(classes)
        n = len(classes)
        keys = np.where(sets >= 0, sets.astype(np.int64) * n + of_atom, -1).ravel()
        where, sample = distinct(keys)
        used = keys[sample]
        number, of = np.divmod(np.maximum(used, 0), n)
        row, hop = expand(b.set_off[number], b.set_off[number + 1] - b.set_off[number])
        place = self.place_of[hop]
        hit = np.zeros(len(used), np.bool_)
        hit[row[(place >= 0) & passes[of[row], place]]] = True
        after = np.where(used >= 0, number, -1)
        for pair in np.flatnonzero(hit & (used >= 0)).tolist():
            after[pair] = size + self._walked(int(number[pair]), classes[of[pair]])
        out[:] = after[where].reshape(sets.shape)
        return out

    def _passes(self, classes: Column) -> NDArray[np.bool_]:
        """Which places pass packets of a class on: their route leads to other places alone."""
        b = self.blocks
        sizes = np.diff(b.set_off)
        of_set = np.repeat(np.arange(len(sizes)), sizes)
        out: NDArray[np.bool_] = classes >= 0
        for row in range(len(self.places)):
            out[:, row] &= ~np.isin(classes[:, row], of_set[self.place_of == row])
        return out

    def _walked(self, number: int, routes: Column) -> int:
        """The way set of a next-hop set, of destinations for which places have these routes."""
        key = number, routes.tobytes()
        if key not in self.known:
            found = dict.fromkeys(
                row for first in self._members(number) for row in self._from(first, routes)
            )
            self.known[key] = self.sets.setdefault(tuple(found), len(self.sets))
        return self.known[key]

    def _members(self, number: int) -> list[Hop]:
        b = self.blocks
        return self.hops[int(b.set_off[number]) : int(b.set_off[number + 1])]

    def _next(self, here: Hop, routes: Column) -> list[Hop] | None:
        """Where a place passes packets on to, None if it does not."""
        row = self.number.get(here, -1)
        number = int(routes[row]) if row >= 0 else -1
        hops = self._members(number) if number >= 0 else [here]
        return None if here in hops else hops

    def _from(self, first: Hop, routes: Column) -> Iterator[Row]:
        """The ways over a first hop, as columns of `Closure`."""
        if self._next(first, routes) is None:
            yield (*first, *first, -1, -1, 0)
            return
        layer, known, fresh = {first}, {first}, {first}
        for number in range(2, LAST + 2):
            after: set[Hop] = set()
            for here in sorted(layer):
                for hop in self._next(here, routes) or ():
                    if not self.underlay[here[0], hop[0]]:
                        if here in fresh:
                            yield (*hop, *first, *here, int(Reason.UNDERLAY_DROP))
                    elif number > LAST:
                        yield (*first, *first, *first, int(Reason.TTL_DROP))
                    elif self._next(hop, routes) is not None:
                        after.add(hop)
                    elif here in fresh:
                        yield (*hop, *first, *here, 0)
            fresh = after - known
            layer, known = after, known | fresh
