"""All the addresses of an endpoint, as the other end sees them: what `allow` has to cover.

A pod or a node has a few addresses, and each of them counts. An endpoint that owns whole prefixes
counts with everything that it owns, but for what is somebody else's in the eyes of the other end:

1. a destination to which the source's routes lead into another VRF than the endpoint's, over all
   hairpins that are permitted (the tenant's own prefixes inside 0.0.0.0/0, or a service that is
   leaked to it);
2. a source for which the destination only has routes into another VRF: a packet from there would
   be an impostor's;
3. at either end, an address that the endpoint's own VTEP routes on;
4. a destination that is rewritten to another one.

Of an end at several VTEPs each where what it sends comes in has to say so.

An address without any route is not somebody else's: there the connection fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.blocks.numbering import distinct, same_rows
from sim.blocks.onward import kept, rewritten
from sim.proof.routes.paths import Column, PathSpace

Bits = NDArray[np.bool_]
Key = tuple[int, int, int, int]


@dataclass(slots=True)
class CountedAddresses:
    """Classes (`sim.proof.routes.refinements`) that count, by other end; what was worked out is
    kept. Unless `strict` somebody else's do too."""

    space: PathSpace
    targets: dict[Key, Column] = field(default_factory=dict)
    sources: dict[Key, Column] = field(default_factory=dict)
    strict: bool = True
    delivered: dict[int, Bits] = field(default_factory=dict)
    led: dict[int, Bits] = field(default_factory=dict)
    first: Column | None = None

    def to(self, src: int, dst: int, version: int) -> Column:
        """Classes of `dst`'s addresses that count for packets from `src`."""
        return self._of(dst, src, version, sends=False)

    def of(self, src: int, dst: int, version: int) -> Column:
        """Classes of `src`'s addresses that count for packets to `dst`."""
        return self._of(src, dst, version, sends=True)

    def _of(self, mine: int, other: int, version: int, *, sends: bool) -> Column:
        """Classes of an endpoint's addresses that count in the eyes of the other end, which sends
        to it or is what it sends to."""
        known = self.sources if sends else self.targets
        vrf, at = self._instance(other)
        key = vrf, at, mine, version
        if key not in known:
            self._look(known, mine, vrf, version, sends=sends)
        return known[key]

    def _look(
        self, known: dict[Key, Column], mine: int, vrf: int, version: int, *, sends: bool
    ) -> None:
        """What `_of` says of an endpoint, for all instances of a VRF at once."""
        home, b = int(self.space.blocks.endpoint_vrf[mine]), self.space.blocks
        crossing = self.space.crossing(*((home, vrf) if sends else (vrf, home)))
        classes = crossing.sources if sends else crossing.targets
        atom, atoms = classes.samples, (crossing.ref.atom_a, crossing.ref.atom_b)
        at_home, there = atoms if sends else atoms[::-1]
        found = self._mine(mine, home, at_home[atom], atom < crossing.ref.n_v4, version)
        atom, cls = atom[found], found + classes.base
        members = np.flatnonzero(b.endpoint_vrf == vrf)
        _, instance = self._instances(members)
        row, vtep = b.homes.entries(members, b.endpoint_vtep[members])
        seen = same_rows([instance[row], vtep]).sample
        here, entry = instance[row[seen]], vtep[seen]
        loose = not (self.strict and self.space.wide[mine])
        chosen = self._routes(entry, vrf, there[atom])
        counts = (chosen < 0) | self._leads(chosen, entry, home)
        counts &= self._kept(home)[at_home[atom]]
        if not sends:
            counts &= ~rewritten(b, home)[at_home[atom]]
        for at in np.unique(instance).tolist():
            known[vrf, at, mine, version] = cls[counts[here == at].any(axis=0) | loose]

    def classes(self, src: int, dst: int, version: int) -> Iterator[tuple[int, int]]:
        """Every (source class, destination class) that counts for a pair."""
        for a in self.of(src, dst, version).tolist():
            for b in self.to(src, dst, version).tolist():
                yield a, b

    def count(self, src: Column, dst: Column, version: Column) -> Column:
        """How many of them each pair has; of an endpoint without whole prefixes each address."""
        senders = self._sizes(src, dst, version, sends=True)
        return senders * self._sizes(dst, src, version, sends=False)

    def _sizes(self, mine: Column, other: Column, version: Column, *, sends: bool) -> Column:
        """How many classes of one end count, by row. Of those that own prefixes `_of` is asked once
        for each instance of the others."""
        cls, sample = distinct(mine)
        out: Column = self._addresses(mine[sample])[cls, (version == 6).astype(np.int64)]
        loose = np.flatnonzero(self.space.wide[mine])
        mine, other, version = mine[loose], other[loose], version[loose]
        alike = same_rows([*self._instances(other), mine, version])
        ends = zip(*(c[alike.sample].tolist() for c in (mine, other, version)), strict=True)
        found = [len(self._of(*end, sends=sends)) for end in ends]
        out[loose] = np.array(found, np.int64)[alike.of]
        return out

    def among(self, src: Column, dst: Column, src_class: Column, dst_class: Column) -> Bits:
        """Which of these combinations of classes count; `count` was asked about their pairs."""
        wide = self.space.wide
        ends = (src, src_class, dst, self.sources), (dst, dst_class, src, self.targets)
        out = np.ones(len(src), np.bool_)
        for mine, cls, other, known in ends:
            loose = np.flatnonzero(wide[mine])
            wanted = [self._keys(vrf, at, classes) for (vrf, at, *_), classes in known.items()]
            keys = self._keys(*self._instances(other[loose]), cls[loose])
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

    def _keys(self, vrf: Any, at: Any, cls: Column) -> Column:
        """Classes as the instance of the other end sees them, as single integers."""
        homes = len(self.space.underlay) + len(self.space.blocks.homes.lives)
        vrfs = len(self.space.network.vrfs)
        keys: Column = (cls.astype(np.int64) * vrfs + vrf) * homes + at
        return keys

    def _addresses(self, ends: Column) -> Column:
        """How many addresses of each family some endpoints have."""
        found = [self.space.network.endpoints[number].prefixes for number in ends.tolist()]
        counts = [[sum(p.version == v for p in prefixes) for v in (4, 6)] for prefixes in found]
        return np.array(counts, np.int64).reshape(-1, 2)

    def _mine(self, endpoint: int, vrf: int, atoms: Column, is_v4: Bits, version: int) -> Column:
        """Which classes hold addresses of an endpoint, of one family."""
        own = self.space.owners(vrf)[atoms] == endpoint
        rows, others = self.space.shared(vrf, atoms)
        own[rows[others == endpoint]] = True
        mine: Column = np.flatnonzero(own & (is_v4 == (version == 4)))
        return mine

    def _routes(self, vteps: Column, vrf: int, atoms: Column) -> Column:
        """The way set of each atom at instances of a VRF, [VTEPs, atoms], -1 for none."""
        b, fib = self.space.blocks, self.space.closure.fib
        instance = b.inst_of[vteps, vrf][:, None]
        cells = b.fib_off[instance] + atoms
        if not len(fib):
            return np.full(cells.shape, -1)
        return np.where(instance >= 0, np.take(fib, cells, mode="clip"), -1)

    def _kept(self, vrf: int) -> Bits:
        """Which atoms of a VRF the VTEP of their owner delivers."""
        if vrf not in self.delivered:
            self.delivered[vrf] = kept(self.space.blocks, vrf)
        return self.delivered[vrf]

    def _leads(self, chosen: Column, vteps: Column, vrf: int) -> Bits:
        """Whether any way of each set leads a VTEP into a VRF, [VTEPs, sets]; -1 leads nowhere.
        A way that the underlay cuts off ends where its first tunnel does."""
        ways, underlay = self.space.closure, self.space.underlay
        found = self._into(vrf, ways.vrf)[chosen]
        for row in np.flatnonzero(~underlay[vteps][:, self._firsts()].all(axis=1)).tolist():
            begins = underlay[vteps[row], ways.first_vtep]
            ends = np.where(begins, ways.vrf, ways.first_vrf)
            found[row] = self._of_sets(ends == vrf)[chosen[row]]
        return found

    def _into(self, vrf: int, ends: Column) -> Bits:
        if vrf not in self.led:
            self.led[vrf] = self._of_sets(ends == vrf)
        return self.led[vrf]

    def _of_sets(self, ways: Bits) -> Bits:
        """Which way sets have one of these ways, and False for no set, last."""
        off = self.space.closure.off
        out = np.zeros(len(off), np.bool_)
        out[np.searchsorted(off, np.flatnonzero(ways), "right") - 1] = True
        return out

    def _firsts(self) -> Column:
        if self.first is None:
            self.first = np.unique(self.space.closure.first_vtep)
        return self.first
