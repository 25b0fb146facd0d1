"""What a failure touches: pairs of endpoints of which a packet may fare otherwise.

A packet from one endpoint to another meets three routes (`sim.proof.routes.paths`): at the source's
VTEP the one for its destination, at the destination's VTEP the one back to its source, and at the
VTEP of either end the one for that end's own address. So where an instance has another route for
some addresses, these pairs are touched, and nobody else:

1. endpoints at that instance, with whoever owns one of the addresses: in a VRF, or at a VTEP, to
   which the old route led or the new one leads, or anywhere where there is a route no more, or
   again, and the owner has a whole prefix (`sim.proof.pairs.counted_addresses`, rule 1);
2. who owns such an address there, with everybody, if the own VTEP routes it on now and did not, or
   did and does not (`sim.blocks.onward`);
3. endpoints whose VTEPs reach each other no more, or again;
4. endpoints at several VTEPs, with everybody: another of these may take in what they send.

Nothing is lost where only the new route leads to an owner, nor where an owner's VTEP keeps what it
routed on before.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fabric.building.network import Network
from fabric.control.fib import Fib
from fabric.control.fib_changes import alike, moved, numbers_kept, renumbered
from fabric.values.address_sets import AddressSet
from sim.proof.pairs.narrow import Limits
from sim.proof.pairs.reachability import Bits, Reach
from sim.proof.routes.paths import Column

I32 = NDArray[np.int32]
Places = frozenset[tuple[int, int]]
"""(VTEP, VRF)s to which routes lead."""


@dataclass(frozen=True, slots=True)
class Touch:
    """Packets between `these` endpoints and `those` (bool[endpoints]), either way, where the
    address of the latter is in `atoms` of a VRF. `loses`: some may get through no more."""

    these: Bits
    those: Bits
    vrf: int
    atoms: Bits
    loses: bool


@dataclass(frozen=True, slots=True)
class _Other:
    """Instances of a VRF, at VTEPs, that have other routes for the same prefixes (by number, the
    last stands for none): `was` and `now` are next-hop sets, by VTEP and such prefix."""

    vteps: tuple[int, ...]
    prefixes: Bits
    was: I32
    now: I32


@dataclass
class Standing:
    """What is known of routes as the network stands; it is asked again for every failure."""

    reach: Reach
    at: dict[int, I32] = field(default_factory=dict)
    sets: dict[tuple[int, int], I32] = field(default_factory=dict)
    limits: dict[tuple[int, Limits], tuple[Bits, Bits]] = field(default_factory=dict)

    @property
    def network(self) -> Network:
        """The network as it stands."""
        return self.reach.network

    @cached_property
    def vteps(self) -> dict[int, list[int]]:
        """Where VRFs have instances."""
        found: dict[int, list[int]] = {}
        for vtep, vrf in self.network.fib.instances:
            found.setdefault(vrf, []).append(vtep)
        return found

    def prefix_of(self, vrf: int) -> I32:
        """The most specific prefix of each atom of a VRF, -1 for none."""
        if vrf not in self.at:
            fib, starts = self.network.fib, self.reach.blocks.addresses.starts[vrf]
            found = [fib.segments(vrf, v, x) for v, x in zip((4, 6), starts, strict=True)]
            self.at[vrf] = np.concatenate(found)
        return self.at[vrf]

    def chosen(self, vtep: int, vrf: int) -> I32:
        """The next-hop set of each prefix of an instance."""
        if (vtep, vrf) not in self.sets:
            self.sets[vtep, vrf] = self.network.fib.sets_of_prefixes(vtep, vrf)
        return self.sets[vtep, vrf]

    def limited(self, vrf: int, limits: Limits) -> tuple[Bits, Bits]:
        """Atoms of a VRF in which addresses are that sources and destinations are limited to."""
        if (vrf, limits) not in self.limits:
            found = self._inside(vrf, limits.source), self._inside(vrf, limits.target)
            self.limits[vrf, limits] = found
        return self.limits[vrf, limits]

    def _inside(self, vrf: int, addresses: AddressSet | None) -> Bits:
        starts = self.reach.blocks.addresses.starts[vrf]
        found = np.full(sum(map(len, starts)), addresses is None)
        for version in addresses.versions if addresses else ():
            mine, shift = (starts[0], 0) if version == 4 else (starts[1], len(starts[0]))
            for first, last in addresses.of(version) if addresses else ():
                at = slice(bisect_right(mine, first) - 1 + shift, bisect_right(mine, last) + shift)
                found[at] = True
        return found


class AskedPairs:
    """Pairs of endpoints (keys as of `sim.proof.expectations.expect.pairs_of`) about which alone it
    is asked whether they are touched: what cannot touch one of them is not looked at."""

    def __init__(self, standing: Standing, pairs: Column) -> None:
        self.standing, vrf_of = standing, standing.reach.blocks.endpoint_vrf
        src, dst = np.divmod(pairs // 2, len(vrf_of))
        self.ends = np.zeros(len(vrf_of), np.bool_)
        self.ends[src] = self.ends[dst] = True
        met = np.zeros((len(standing.network.vrfs),) * 2, np.bool_)
        met[vrf_of[src], vrf_of[dst]] = met[vrf_of[dst], vrf_of[src]] = True
        np.fill_diagonal(met, met.any(axis=0))
        self.met = met
        self.known: dict[int, tuple[Column, Column]] = {}

    def prefixes(self, vrf: int, gone: Bits) -> tuple[Bits, Column]:
        """Which prefixes of a VRF answer for an address of an end, not `gone`, that counts there:
        of its own, and of those that its own are compared with (the last stands for none); and the
        numbers of these prefixes and of all around them."""
        prefix, end = self._answering(vrf)
        table = self.standing.network.fib.vrf_routes[vrf]
        found = np.zeros(len(table.prefixes) + 1, np.bool_)
        found[prefix[~gone[end]]] = True
        around, up = np.zeros_like(found), np.flatnonzero(found[:-1])
        while len(up):
            around[up] = True
            above = table.nesting[0][up]
            up = np.flatnonzero(np.bincount(above[above >= 0]))
        return found, np.flatnonzero(around)

    def _answering(self, vrf: int) -> tuple[Column, Column]:
        """The prefixes that answer for addresses of ends, and whose these are."""
        if vrf not in self.known:
            space, at = self.standing.reach.path_space, self.standing.prefix_of(vrf)
            found = [(np.zeros(0, np.int64),) * 2]
            for home in np.flatnonzero(self.met[vrf]).tolist():
                ref, owner = space.refinements.of(vrf, home), space.owners(home)
                atom, more = space.shared(home, ref.atom_b)
                atom, of = np.r_[np.arange(len(ref)), atom], np.r_[owner[ref.atom_b], more]
                mine = (of >= 0) & self.ends[of]
                found.append((at[ref.atom_a[atom[mine]]], of[mine]))
            prefix, end = (np.concatenate(column) for column in zip(*found, strict=True))
            self.known[vrf] = prefix, end
        return self.known[vrf]


class Touched:
    """The pairs that are touched in `there`, the network of a failure, but for those of endpoints
    that are `gone`; all others where it is not known (None). `asked` are pairs beyond which nothing
    is said."""

    def __init__(
        self,
        standing: Standing,
        there: Network | None,
        gone: Sequence[int],
        asked: AskedPairs | None = None,
    ) -> None:
        here, blocks = standing.network, standing.reach.blocks
        self.standing, self.n, self.asked = standing, len(here.endpoints), asked
        self.vrf, self.vtep = blocks.endpoint_vrf, blocks.endpoint_vtep
        self.several = blocks.homes.several >= 0
        self.gone = np.zeros(self.n, np.bool_)
        self.gone[list(gone)] = True
        self.every, self.touches = True, tuple[Touch, ...]()
        if there is None or not alike(here.fib, there.fib):
            return
        tables = zip(here.fib.vrf_routes, there.fib.vrf_routes, strict=True)
        if all(a is b for a, b in tables):
            self.before, self.after = ways(here), ways(there)
            self.cut = bool((self.before != self.after).any())
            self.every, self.touches = False, tuple(self._touches(there.fib))

    def rows(self, pairs: Column, limits: Limits | None = None, *, losing: bool = False) -> Bits:
        """Which of these pairs (keys as of `sim.proof.expectations.expect.pairs_of`) are touched,
        within limits of addresses; with `losing` those that may lose something."""
        src, dst = np.divmod(pairs // 2, self.n)
        if self.every:
            return np.asarray(~(self.gone[src] | self.gone[dst]))
        found = np.zeros(len(pairs), np.bool_)
        for touch in self.touches:
            if touch.loses or not losing:
                out, into = self._within(touch, limits)
                found |= touch.these[src] & touch.those[dst] & into
                found |= touch.those[src] & touch.these[dst] & out
        if self.cut:
            ends = self.vtep[src], self.vtep[dst]
            was, now = self.before[ends], self.after[ends]
            found |= was > now if losing else was != now
        found |= self.several[src] | self.several[dst]
        return np.asarray(found & ~(self.gone[src] | self.gone[dst]))

    def _within(self, touch: Touch, limits: Limits | None) -> tuple[bool, bool]:
        """Whether addresses that are touched are within limits of sources, of destinations."""
        if not limits:
            return True, True
        ends = self.standing.limited(touch.vrf, limits)
        return bool((ends[0] & touch.atoms).any()), bool((ends[1] & touch.atoms).any())

    def _touches(self, fib: Fib) -> Iterator[Touch]:
        before = self.standing.network.fib
        number, places = renumbered(before, fib), (_Places(before), _Places(fib))
        for vrf in sorted(moved(before, fib)):
            if self.asked and not self.asked.met[vrf].any():
                continue
            at = self.standing.prefix_of(vrf)
            for other in self._others(vrf, fib, number):
                atoms = other.prefixes[at]
                yield from self._with_owners(vrf, other, atoms, places)
                yield from self._at_own(vrf, other, places)

    def _others(self, vrf: int, fib: Fib, number: I32) -> Iterator[_Other]:
        """Instances of a VRF by the prefixes for which they have other routes."""
        found: dict[bytes, list[tuple[int, Column, Column]]] = {}
        wanted, vteps = None, self.standing.vteps[vrf]
        if self.asked:
            wanted, around = self.asked.prefixes(vrf, self.gone)
            vteps = self._other_at(vrf, fib, number, around)
        for vtep in vteps:
            was, now = self.standing.chosen(vtep, vrf), fib.sets_of_prefixes(vtep, vrf)
            differs = number[was] != now
            if (differs if wanted is None else differs & wanted).any():
                rows = vtep, was[differs], now[differs]
                found.setdefault(differs.tobytes(), []).append(rows)
        for key, members in found.items():
            places = tuple(vtep for vtep, _, _ in members)
            was, now = (np.stack([member[i] for member in members]) for i in (1, 2))
            yield _Other(places, np.frombuffer(key, np.bool_), was, now)

    def _other_at(self, vrf: int, fib: Fib, number: I32, prefixes: Column) -> list[int]:
        """The VTEPs at which an instance of a VRF chooses otherwise for any of these prefixes."""
        before, kept = self.standing.network.fib, numbers_kept(self.standing.network.fib, fib)
        at = [(vtep, fib.index[vtep, vrf]) for vtep in self.standing.vteps[vrf]]
        at = [(v, i) for v, i in at if not (kept and before.chosen[i] is fib.chosen[i])]
        if not at:
            return []
        was, now = (np.stack([one.chosen[i][prefixes] for _, i in at]) for one in (before, fib))
        return [at[row][0] for row in np.flatnonzero((number[was] != now).any(axis=1)).tolist()]

    def _with_owners(
        self, vrf: int, other: _Other, atoms: Bits, places: tuple[_Places, _Places]
    ) -> Iterator[Touch]:
        """Rule 1."""
        these = (self.vrf == vrf) & np.isin(self.vtep, other.vteps) & ~self.gone
        if not these.any():
            return
        old, new = places[0].of(other.was), places[1].of(other.now)
        lost, more = self._led_to(old), self._led_to(new)
        if ((other.was < 0) != (other.now < 0)).any():
            more |= self.standing.reach.path_space.wide
        among = ~self.gone
        if self.asked:
            among &= self.asked.ends & self.asked.met[vrf][self.vrf]
        for ends, loses in ((lost, True), (more & ~lost, False)):
            those = self._owning(vrf, atoms, ends & among)
            if those.any():
                yield Touch(these, those, vrf, atoms, loses)

    def _at_own(self, vrf: int, other: _Other, places: tuple[_Places, _Places]) -> Iterator[Touch]:
        """Rule 2."""
        sets = zip(places, (other.was, other.now), strict=True)
        was, now = (at.away(other.vteps, vrf, some) for at, some in sets)
        flips = (was != now).any(axis=0)
        if not flips.any():
            return
        prefixes = other.prefixes.copy()
        prefixes[np.flatnonzero(prefixes)] = flips
        atoms = prefixes[self.standing.prefix_of(vrf)]
        those = self._owning(vrf, atoms, self.vrf == vrf)
        if (those & np.isin(self.vtep, other.vteps)).any():
            everybody = np.ones(self.n, np.bool_)
            yield Touch(everybody, those, vrf, atoms, bool((was < now).any()))

    def _led_to(self, places: Places) -> Bits:
        """Endpoints of the VRFs, or at the VTEPs, of some places."""
        vteps, vrfs = ([place[i] for place in places] for i in (0, 1))
        return np.asarray(np.isin(self.vrf, vrfs) | np.isin(self.vtep, vteps))

    def _owning(self, vrf: int, atoms: Bits, among: Bits) -> Bits:
        """Those of some endpoints that own an address in atoms of a VRF."""
        space, found = self.standing.reach.path_space, np.zeros(self.n, np.bool_)
        for home in np.unique(self.vrf[among]).tolist():
            ref = space.refinements.of(vrf, home)
            there = np.unique(ref.atom_b[atoms[ref.atom_a]])
            owner = space.owners(home)[there]
            found[owner[owner >= 0]] = True
            found[space.shared(home, there)[1]] = True
        return np.asarray(found & among)


class _Places:
    """Where next-hop sets of a FIB lead, -1 nowhere."""

    def __init__(self, fib: Fib) -> None:
        self.fib = fib

    def of(self, sets: I32) -> Places:
        """All of them."""
        known = self.fib.nexthop_sets
        used: Iterable[int] = np.unique(sets[sets >= 0]).tolist()
        return frozenset((hop.vtep, hop.vrf) for number in used for hop in known[number])

    def away(self, vteps: Sequence[int], vrf: int, sets: I32) -> Bits:
        """Which of the sets in each row lead away from the instance at that VTEP."""
        found = sets >= 0
        for row, vtep in enumerate(vteps):
            for number in np.unique(sets[row][found[row]]).tolist():
                hops = self.fib.nexthop_sets[number]
                if any((hop.vtep, hop.vrf) == (vtep, vrf) for hop in hops):
                    found[row] &= sets[row] != number
        return found


def ways(network: Network) -> Bits:
    """Which nodes reach which others, bool[nodes, nodes]."""
    return network.underlay.reaching()
