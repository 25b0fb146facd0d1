"""`hold_under`: the claims of a world in which something is otherwise, such as a link that failed.

Every set of values that a kind of `hold_under` means is tried (`sim.axes`), or none of them where
the budget does not have what that takes. Most failures change nothing that a packet could notice,
because next hops are VTEPs and paths are many: worlds with the same routes, the same reachable
VTEPs and the same policy are proven once. Endpoints that an axis exempts, such as the tenants' on
the failed node, are not expected to answer.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from fabric.budget import too_many_failures
from fabric.control.fib import Fib, NextHop
from fabric.control.fib_changes import alike, numbers_kept
from fabric.door_names import door_in
from fabric.kubernetes.unevaluated import Unevaluated
from fabric.network import Network
from sim.axes import WorldAxis, axes, sweep
from sim.names.services import full_name
from sim.proof.against import Against, only_under
from sim.proof.expect import Claim, Outcome, check_claim, pairs_of, without
from sim.proof.legs import Column
from sim.proof.machines import Machines
from sim.proof.reachability import Reach, reach_among, reachability
from sim.proof.touched import Standing, Touched, ways
from sim.world import World

Key = tuple[object, ...]
KEPT = 8
"""Worlds of which it is kept what gets where."""


@dataclass(frozen=True, slots=True)
class Failed:
    """An outcome in the world of a failure, that world, and the Services that may break it there
    and not as the network stands."""

    outcome: Outcome
    reach: Reach
    detours: tuple[Unevaluated, ...] = ()


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
    return tuple(kind for axis in axes() for kind in axis.sweeps)


def check_failures(
    failures: Failures, claims: tuple[Claim, ...], against: Against
) -> Iterator[Failed]:
    """Outcomes of the claims that must hold under failures, failure by failure. A failure that no
    packet can notice has no outcome of its own, nor one that no packet can tell from an earlier
    one with the same exemptions. Where nothing is asked but the pairs of claims, a claim of which
    no pair of VRFs is touched fares as it does without the failure, and no other pairs are proven:
    of claims about names those that are touched, of claims about addresses all, since these decide
    together which of their addresses count (`sim.proof.narrow`)."""
    here, network = failures.reach.world, failures.reach.network
    machines = Machines(network)
    wanted = {claim.number: pairs_of(claim, network) for claim in claims if claim.hold_under}
    told: dict[tuple[object, ...], set[int]] = {}
    alone = not (against.asked_of_all or machines.apart)
    vrfs = {number: vrfs_of(failures.reach, pairs) for number, pairs in wanted.items()}
    narrow = {claim.number for claim in claims if any(one.limits for one in claim.each)}
    failures.afford(kind for kind in kinds() if any(kind in claim.hold_under for claim in claims))
    for kind in kinds():
        concerned = [claim for claim in claims if kind in claim.hold_under]
        for noticed in failures.each(kind) if concerned else ():
            exempt = noticed.exempt(here)
            known = told.setdefault((noticed.key, *exempt), set())
            news = [claim for claim in concerned if claim.number not in known]
            known.update(claim.number for claim in news)
            rows = {claim.number: np.ones(len(wanted[claim.number]), np.bool_) for claim in news}
            if alone:
                touched = failures.touched(noticed)
                rows = {c.number: touched.rows(wanted[c.number], c.limits) for c in news}
                news = [claim for claim in news if rows[claim.number].any()]
                rows |= {number: np.ones_like(rows[number]) for number in narrow & rows.keys()}
            if not news:
                continue
            asked = np.unique(np.concatenate([vrfs[c.number][rows[c.number]] for c in news]))
            found = failures.reached(noticed, asked if alone else None)
            word = noticed.axis.word
            led = against.under(found, exempt, news), machines.against(found, news, exempt)
            for claim in news:
                every = wanted[claim.number]
                left = without(every[rows[claim.number]], network, exempt)
                outcome = check_claim(found, claim, left, noticed.name)
                if not outcome.holds:
                    outcome = replace(outcome, pairs=len(without(every, network, exempt)))
                opened = [r for records in led for r in records.get(claim.number, ())]
                detours = tuple(only_under(f"{word} {noticed.name}", record) for record in opened)
                yield Failed(replace(outcome, word=word), found, detours)


class Failures:
    """The worlds of failures beside one that is known: `tried` has those that were made, `untried`
    says by kind why its failures were not. Of what gets where in them a few are kept."""

    def __init__(self, reach: Reach, tell: Callable[[str], None]) -> None:
        self.reach, self.tell = reach, tell
        self.tried: set[tuple[str, ...]] = set()
        self.untried: dict[str, str] = {}
        self._shared: dict[Key, tuple[object, ...]] = {}
        self._kept: OrderedDict[Key, Reach] = OrderedDict()
        self._standing = Standing(reach)

    def afford(self, asked: Iterable[str]) -> None:
        """Leave kinds out that the budget does not have enough for: several failures at once do not
        take it from single ones."""
        found = {kind: sweep(kind)[1] for kind in asked}
        fabric, world = self.reach.network.fabric, self.reach.world
        for most in {meant.most: None for meant in found.values()}:
            total = sum(meant.count(world) for meant in found.values() if meant.most <= most)
            if said := too_many_failures(fabric, total):
                self.untried |= {kind: said for kind, m in found.items() if m.most == most}

    def each(self, kind: str) -> Iterator[Noticed]:
        """Every failure of a kind that some packet notices; none where all would be too many."""
        here = self.reach.world
        axis, meant = sweep(kind)
        fib = here.network.fib
        as_it_is = _key(here, of_routes(fib, fib))
        for values in meant.values(here) if kind not in self.untried else ():
            self.tried.add(values)
            world = axis.move(here, (*axis.values(here), *values))
            key = _key(world, of_routes(world.network.fib, fib))
            self._shared.setdefault(key, _shared(world))
            noticed = Noticed(axis, values, key, world)
            self.tell(f"{axis.word} {noticed.name}")
            if key != as_it_is:
                yield noticed

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

    def touched(self, noticed: Noticed) -> Touched:
        """Whose packets may fare otherwise, but for who is exempt."""
        here, there = self.reach.world, noticed.world
        exempt = noticed.exempt(here)
        if _beside(there) != _beside(here):
            return Touched(self._standing, None, exempt)
        return Touched(self._standing, there.network, exempt)


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


def _key(world: World, routes: bytes | None = None) -> Key:
    """Equal for worlds that no packet can tell apart; what they share is the same object. (What
    they share is kept, so that nothing else gets an object's number.)"""
    return signature(world.network, routes), *_beside(world)


def _beside(world: World) -> Key:
    """What tells worlds apart besides routes."""
    return *map(id, _shared(world)), *sorted(world.at.items()), *world.rewrites


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
        if was is not chosen and len(at := np.flatnonzero(was != chosen)):
            digest.update(np.r_[number, len(at), at, chosen[at]].tobytes())
    return digest.digest()


def _names(sets: Iterable[tuple[NextHop, ...]]) -> bytes:
    return repr([[(hop.vtep, hop.vrf) for hop in hops] for hops in sets]).encode()
