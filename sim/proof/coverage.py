"""All the addresses of an endpoint, as the other end sees them: what `allow` has to cover.

A pod or a node has a few addresses, and each of them counts. An endpoint that owns whole prefixes
counts with everything that it owns, but for what is somebody else's in the eyes of the other end:

1. a destination to which the source's routes lead into another VRF than the endpoint's, over all
   hairpins that are permitted (the tenant's own prefixes inside 0.0.0.0/0, or a service that is
   leaked to it);
2. a source for which the destination only has routes into another VRF: a packet from there would
   be an impostor's;
3. at either end, an address that the endpoint's own VTEP routes on.

Of an end at several VTEPs each where what it sends comes in has to say so.

An address without any route is not somebody else's: there the connection fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.blocks.onward import kept
from sim.proof.legs import Column, LegSpace

Bits = NDArray[np.bool_]
Key = tuple[int, int, int, int]


@dataclass(slots=True)
class Coverage:
    """Places (`sim.proof.spans`) that count, by other end; what was worked out is kept. Unless
    `strict` somebody else's do too."""

    space: LegSpace
    targets: dict[Key, Column] = field(default_factory=dict)
    sources: dict[Key, Column] = field(default_factory=dict)
    strict: bool = True
    delivered: dict[int, Bits] = field(default_factory=dict)

    def to(self, src: int, dst: int, version: int) -> Column:
        """Places of `dst`'s addresses that count for packets from `src`."""
        return self._of(dst, src, version, sends=False)

    def of(self, src: int, dst: int, version: int) -> Column:
        """Places of `src`'s addresses that count for packets to `dst`."""
        return self._of(src, dst, version, sends=True)

    def _of(self, mine: int, other: int, version: int, *, sends: bool) -> Column:
        """Places of an endpoint's addresses that count in the eyes of the other end, which sends
        to it or is what it sends to."""
        known = self.sources if sends else self.targets
        (vrf, at), (home, _) = map(self._instance, (other, mine))
        key = vrf, at, mine, version
        if key not in known:
            crossing = self.space.crossing(*((home, vrf) if sends else (vrf, home)))
            places = crossing.sources if sends else crossing.targets
            span, atoms = places.samples, (crossing.ref.atom_a, crossing.ref.atom_b)
            at_home, there = atoms if sends else atoms[::-1]
            is_v4 = span < crossing.ref.n_v4
            found = self._mine(mine, home, at_home[span], is_v4, version)
            counts = np.zeros(len(found), np.bool_)
            for vtep in self._entries(other):
                chosen = self._routes(vtep, vrf, there[span[found]])
                counts |= (chosen < 0) | self._leads(chosen, vtep, home)
            counts &= self._kept(home)[at_home[span[found]]]
            counts |= not (self.strict and self.space.wide[mine])
            known[key] = found[counts] + places.base
        return known[key]

    def places(self, src: int, dst: int, version: int) -> Iterator[tuple[int, int]]:
        """Every (source place, destination place) that counts for a pair."""
        for a in self.of(src, dst, version).tolist():
            for b in self.to(src, dst, version).tolist():
                yield a, b

    def count(self, src: Column, dst: Column, version: Column) -> Column:
        """How many of them each pair has."""
        family = (version == 6).astype(np.int64)
        present, place = np.unique(np.r_[src, dst], return_inverse=True)
        host = self._addresses(present)
        out: Column = host[place[: len(src)], family] * host[place[len(src) :], family]
        loose = np.flatnonzero(self.space.wide[src] | self.space.wide[dst])
        ends = zip(*(c[loose].tolist() for c in (src, dst, version)), strict=True)
        out[loose] = [len(self.of(*pair)) * len(self.to(*pair)) for pair in ends]
        return out

    def among(self, src: Column, dst: Column, src_place: Column, dst_place: Column) -> Bits:
        """Which of these combinations of places count; `count` was asked about their pairs."""
        wide = self.space.wide
        ends = (src, src_place, dst, self.sources), (dst, dst_place, src, self.targets)
        out = np.ones(len(src), np.bool_)
        for mine, place, other, known in ends:
            loose = np.flatnonzero(wide[mine])
            wanted = [self._keys(vrf, at, places) for (vrf, at, *_), places in known.items()]
            keys = self._keys(*self._instances(other[loose]), place[loose])
            out[loose] &= np.isin(keys, np.concatenate([np.zeros(0, np.int64), *wanted]))
        return out

    def _instance(self, endpoint: int) -> tuple[int, int]:
        vrf, at = self._instances(np.array(endpoint))
        return int(vrf), int(at)

    def _instances(self, endpoint: Column) -> tuple[Column, Column]:
        """VRFs, and VTEPs by number; what lives at several has a number of its own behind them."""
        b = self.space.blocks
        row, nodes = b.homes.several[endpoint], len(self.space.underlay)
        return b.endpoint_vrf[endpoint], np.where(row < 0, b.endpoint_vtep[endpoint], nodes + row)

    def _entries(self, endpoint: int) -> list[int]:
        b, one = self.space.blocks, np.array([endpoint])
        found: list[int] = b.homes.entries(one, b.endpoint_vtep[one])[1].tolist()
        return found

    def _keys(self, vrf: Any, at: Any, place: Column) -> Column:
        """Places as the instance of the other end sees them, as single integers."""
        homes = len(self.space.underlay) + len(self.space.blocks.homes.lives)
        vrfs = len(self.space.network.vrfs)
        keys: Column = (place.astype(np.int64) * vrfs + vrf) * homes + at
        return keys

    def _addresses(self, ends: Column) -> Column:
        """How many addresses of each family some endpoints have."""
        found = [self.space.network.endpoints[number].prefixes for number in ends.tolist()]
        counts = [[sum(p.version == v for p in prefixes) for v in (4, 6)] for prefixes in found]
        return np.array(counts, np.int64).reshape(-1, 2)

    def _mine(self, endpoint: int, vrf: int, atoms: Column, is_v4: Bits, version: int) -> Column:
        """Which places hold addresses of an endpoint, of one family."""
        own = self.space.owners(vrf)[atoms] == endpoint
        rows, others = self.space.shared(vrf, atoms)
        own[rows[others == endpoint]] = True
        mine: Column = np.flatnonzero(own & (is_v4 == (version == 4)))
        return mine

    def _routes(self, vtep: int, vrf: int, atoms: Column) -> Column:
        """The way set of each atom at an instance, -1 for none."""
        b = self.space.blocks
        instance = int(b.inst_of[vtep, vrf])
        if instance < 0:
            return np.full(len(atoms), -1)
        chosen: Column = self.space.closure.fib[b.fib_off[instance] + atoms].astype(np.int64)
        return chosen

    def _kept(self, vrf: int) -> Bits:
        """Which atoms of a VRF the VTEP of their owner delivers."""
        if vrf not in self.delivered:
            self.delivered[vrf] = kept(self.space.blocks, vrf)
        return self.delivered[vrf]

    def _leads(self, chosen: Column, vtep: int, vrf: int) -> Bits:
        """Whether any way of each set leads a VTEP into a VRF."""
        ways = self.space.closure
        known: dict[int, bool] = {-1: False}
        for number in np.unique(chosen[chosen >= 0]).tolist():
            hops = slice(int(ways.off[number]), int(ways.off[number + 1]))
            begins = self.space.underlay[vtep, ways.first_vtep[hops]]
            ends = np.where(begins, ways.vrf[hops], ways.first_vrf[hops])
            known[number] = bool((ends == vrf).any())
        return np.array([known[number] for number in chosen.tolist()], np.bool_)
