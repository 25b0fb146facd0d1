"""Failures: the worlds in which something is otherwise, such as a link that failed.

Every set of values that a kind of `hold_under` means is tried (`sim.worlds.axes`), or none of them
where the budget does not have what that takes. Most failures change nothing that a packet could
notice, because next hops are VTEPs and paths are many: worlds with the same routes, the same
reachable VTEPs and the same policy have one key. Endpoints that an axis exempts, such as the
tenants' on the failed node, are not expected to answer.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fabric.building.network import Network
from fabric.control.fib import Fib, NextHop
from fabric.control.fib_changes import alike, numbers_kept
from fabric.file.expect.held_under import KINDS
from fabric.values.door_names import door_in
from fabric.wiring.budget import too_many_failures
from sim.names.services import full_name
from sim.proof.availability.touched import AskedPairs, Standing, Touched, ways
from sim.proof.expectations.expect import Claim, pairs_of, without
from sim.proof.pairs.reachability import Reach, reach_among, reachability
from sim.proof.routes.paths import Column
from sim.worlds.axes import sweep
from sim.worlds.world import World
from sim.worlds.world_axis import WorldAxis

Key = tuple[object, ...]
KEPT = 8
"""Worlds of which it is kept what gets where."""


def quiet(_: str) -> None:
    """Tell nobody what is being done."""


@dataclass(frozen=True, slots=True)
class Noticed:
    """A failure that some packet notices: values of an axis, and the world with them. Worlds that
    no packet can tell apart have one `key`."""

    axis: WorldAxis
    values: tuple[str, ...]
    key: Key
    world: World

    @property
    def name(self) -> str:
        """How reports call it."""
        return " and ".join(self.values)

    def exempt(self, here: World) -> tuple[int, ...]:
        """Who is not expected to answer, of the world as it stands."""
        gone = {e for value in self.values for e in self.axis.exempt(here, value)}
        return tuple(sorted(gone))


def kinds() -> tuple[str, ...]:
    """What an expectation can ask to hold under, in the order in which it is tried."""
    return tuple(KINDS)


class Failures:
    """The worlds of failures beside one that is known: `tried` has those that were made, `untried`
    says by kind why its failures were not. Of what gets where in them a few are kept."""

    def __init__(self, reach: Reach, tell: Callable[[str], None] = quiet) -> None:
        self.reach, self.tell = reach, tell
        self.tried: set[tuple[str, ...]] = set()
        self.untried: dict[str, str] = {}
        self._shared: dict[Key, tuple[object, ...]] = {}
        self._kept: OrderedDict[Key, Reach] = OrderedDict()
        self._standing = Standing(reach)
        self._beside = _beside(reach.world)

    def afford(self, asked: Iterable[str]) -> None:
        """Leave kinds out that the budget does not have enough for: several failures at once do not
        take it from single ones."""
        found = {kind: sweep(kind)[1] for kind in asked}
        fabric, world = self.reach.network.fabric, self.reach.world
        for most in {meant.most: None for meant in found.values()}:
            total = sum(meant.count(world) for meant in found.values() if meant.most <= most)
            if said := too_many_failures(fabric, total):
                self.untried |= {kind: said for kind, m in found.items() if m.most == most}

    def values(self, kind: str) -> tuple[tuple[str, ...], ...]:
        """The values of every failure of a kind; none where all would be too many."""
        if kind in self.untried:
            return ()
        return tuple(sweep(kind)[1].values(self.reach.world))

    def begin(self, kind: str, values: tuple[str, ...]) -> None:
        """Say that a failure is tried."""
        axis, _ = sweep(kind)
        self.tried.add((axis.name, *values))
        self.tell(f"{axis.word} {' and '.join(values)}")

    def each(self, kind: str) -> Iterator[Noticed]:
        """Every failure of a kind that some packet notices."""
        for values in self.values(kind):
            self.begin(kind, values)
            if noticed := self.noticed(kind, values):
                yield noticed

    def noticed(self, kind: str, values: tuple[str, ...]) -> Noticed | None:
        """A failure that some packet notices, or None."""
        here, (axis, _) = self.reach.world, sweep(kind)
        world = axis.move(here, (*axis.values(here), *values))
        key = self._key(world)
        return None if key == self._as_it_is else Noticed(axis, values, key, world)

    @cached_property
    def _as_it_is(self) -> Key:
        return self._key(self.reach.world)

    def _key(self, world: World) -> Key:
        """Equal for worlds that no packet can tell apart, whoever asks, as long as nothing but
        routes differs; otherwise what is shared is kept, so that nothing else gets its number."""
        here = self.reach.world
        routes = signature(world.network, of_routes(world.network.fib, here.network.fib))
        if (beside := _beside(world)) == self._beside:
            return (routes,)
        self._shared.setdefault(beside, _shared(world))
        return routes, *beside

    def reached(self, noticed: Noticed, among: Column | None = None) -> Reach:
        """What gets where in the world of a failure; `among` has pairs of VRFs (`vrfs_of`),
        beyond which nothing is said."""
        n = len(self.reach.network.vrfs)
        pairs = None if among is None else tuple(divmod(pair, n) for pair in among.tolist())
        key = pairs, *noticed.key
        if key not in self._kept:
            self._kept[key] = (
                reachability(noticed.world)
                if pairs is None
                else reach_among(noticed.world, self.reach, pairs)
            )
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return self._kept[key]

    def asked(self, pairs: Column) -> AskedPairs:
        """Pairs of endpoints about which `touched` is asked, of many failures."""
        return AskedPairs(self._standing, pairs)

    def touched(self, noticed: Noticed, asked: AskedPairs | None = None) -> Touched:
        """Whose packets may fare otherwise, but for who is exempt: anybody's, where VTEPs pass on
        what they take out of tunnels. Of `asked` pairs alone, or of all."""
        here, there = self.reach.world, noticed.world
        exempt = noticed.exempt(here)
        passed_on = any(vrf.hairpin for vrf in here.network.vrfs)
        if passed_on or _beside(there) != self._beside:
            return Touched(self._standing, None, exempt)
        return Touched(self._standing, there.network, exempt, asked)


def vrfs_of(reach: Reach, pairs: Column) -> Column:
    """The VRFs of pairs of endpoints (keys as of `pairs_of`) as single integers: that of the source
    times the number of VRFs, and that of the destination."""
    src, dst = np.divmod(pairs // 2, len(reach.network.endpoints))
    vrf = reach.blocks.endpoint_vrf.astype(np.int64)
    return np.asarray(vrf[src] * len(reach.network.vrfs) + vrf[dst])


def left_out(world: World, claims: tuple[Claim, ...]) -> dict[str, tuple[int, ...]]:
    """By what may fail the endpoints of these claims that nobody expects to answer then."""
    found: dict[str, tuple[int, ...]] = {}
    for kind in kinds():
        asking = [pairs_of(claim, world.network) for claim in claims if kind in claim.hold_under]
        if asking:
            ends = np.divmod(np.concatenate(asking) // 2, len(world.network.endpoints))
            concerned = set(np.unique(np.concatenate(ends)).tolist())
            axis, meant = sweep(kind)
            for value in meant.single(world):
                gone = tuple(e for e in axis.exempt(world, value) if e in concerned)
                found |= {value: gone} if gone else {}
    return found


def emptied(world: World, claims: tuple[Claim, ...]) -> dict[str, tuple[str, ...]]:
    """By failure the Services (and other doors) of these claims of which no pod is left then: of
    access to them nobody expects anything. (Several at once are links, which no pod is on.)"""
    found: dict[str, set[str]] = {}
    for kind in kinds():
        asked = [
            (pods, full_name(world.network, name))
            for claim in claims
            if kind in claim.hold_under and claim.kind != "deny"
            for name in [door_in(claim.target)]
            for pods in [{end for part in claim.parts for end in part.pods or ()}]
            if name is not None and pods
        ]
        axis, meant = sweep(kind)
        for value in meant.single(world) if asked else ():
            gone = set(axis.exempt(world, value))
            if names := {name for pods, name in asked if pods <= gone}:
                found.setdefault(value, set()).update(names)
    return {value: tuple(sorted(names)) for value, names in found.items()}


def nothing_left(world: World, claims: tuple[Claim, ...]) -> tuple[tuple[Claim, str], ...]:
    """Claims, and kinds of failures under each of which they ask nothing: whatever of the kind
    fails, an end of every pair fails with it."""
    found: list[tuple[Claim, str]] = []
    for kind in kinds():
        asking = [claim for claim in claims if kind in claim.hold_under]
        axis, meant = sweep(kind)
        exempt = [axis.exempt(world, value) for value in meant.single(world)] if asking else []
        if exempt and meant.most == 1 and all(exempt):
            every = [(claim, pairs_of(claim, world.network)) for claim in asking]
            found += [
                (claim, kind)
                for claim, pairs in every
                if not any(len(without(pairs, world.network, gone)) for gone in exempt)
            ]
    return tuple(found)


def _beside(world: World) -> Key:
    """What tells worlds apart besides routes."""
    return *map(id, _shared(world)), *sorted(world.at.items()), *world.network.rewrites


def _shared(world: World) -> tuple[object, ...]:
    """What packets meet beside routes."""
    program, network = world.program, world.network
    return program.groups, program.bindings, network.endpoints, network.vrfs


def signature(network: Network, routes: bytes | None = None) -> bytes:
    """Equal for two worlds of one network when no packet can tell them apart: which next hops
    answer for each prefix (`routes`, if that is known), and which VTEPs reach each other."""
    vteps = sorted({vtep for vtep, _ in network.fib.instances})
    met = np.ascontiguousarray(ways(network)[np.ix_(vteps, vteps)])
    found = of_routes(network.fib) if routes is None else routes
    return hashlib.sha256(found + met.tobytes()).digest()


def of_routes(fib: Fib, beside: Fib | None = None) -> bytes:
    """Equal for two FIBs of one network that send every packet the same ways; of those that were
    refilled from one that is `beside` them, what is equal to that is left out."""
    digest = hashlib.sha256()
    if beside is None or not (alike(beside, fib) and numbers_kept(beside, fib)):
        digest.update(_names(fib.nexthop_sets))
        for chosen in fib.chosen:
            digest.update(np.ascontiguousarray(chosen).tobytes())
        return digest.digest()
    # sets that are new have numbers in the order in which routes were chosen anew
    digest.update(_names(fib.nexthop_sets[len(beside.nexthop_sets) :]))
    for number, (was, chosen) in enumerate(zip(beside.chosen, fib.chosen, strict=True)):
        if was is not chosen and (now := chosen.tobytes()) != was.tobytes():
            digest.update(number.to_bytes(8, "little") + now)
    return digest.digest()


def _names(sets: Iterable[tuple[NextHop, ...]]) -> bytes:
    return repr([[(hop.vtep, hop.vrf) for hop in hops] for hops in sets]).encode()
