"""Single points of failure: who no longer gets where, once one node or one cable is gone, or all
that shares one risk.

Every node, cable and risk group that may fail is taken away alone
(`sim.proof.availability.failures`), and the pairs of that world that may lose something are
compared with those of the network as it stands.

Rules that hold here:

1. Access is lost where no packet of some port gets from an endpoint to another any more, whatever
   its addresses and whatever ECMP chooses. What slows down or moves is not lost.
2. Tenants' endpoints on what failed are left out, as everywhere: they are gone with it. What
   zones have behind a border is not.
3. All access counts, whether an expectation asks for it or not.
4. A Service whose pods are all behind what failed goes with it. It is named beside the losses and
   is none: where its pods would be started again is Kubernetes' business.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fabric.building.network import Network
from fabric.file.expect.held_under import KINDS
from fabric.wiring.budget import afford_failures
from sim.blocks.numbering import distinct
from sim.names.services import known
from sim.proof.availability.failures import Failures, Key, Noticed, vrfs_of
from sim.proof.expectations.expect import keys_of
from sim.proof.pairs.reachability import Reach, reachability
from sim.proof.routes.paths import Column
from sim.sweep.runner import SERIAL, Runner
from sim.worlds.axes import sweep
from sim.worlds.failed_parts import DOWN
from sim.worlds.world import World

SINGLE = tuple(k.name for k in KINDS.values() if (k.axis, k.most) == (DOWN.name, 1))
"""Kinds of failures that are one thing each."""


@dataclass(frozen=True, slots=True)
class Lost:
    """What is lost from one group (a tenant or zone) to another without `failure`, a value of
    `kind`. `pairs` counts pairs of endpoints and IP versions; `src` and `dst` are the first of
    them, and `ports` says what that one loses."""

    kind: str
    failure: str
    source: str
    target: str
    pairs: int
    src: int
    dst: int
    version: int
    ports: str


@dataclass(frozen=True, slots=True)
class Emptied:
    """A Service of which no pod is left without `failure`, a value of `kind`; it has `pods`."""

    kind: str
    failure: str
    service: str
    pods: int


@dataclass(frozen=True, slots=True)
class Spof:
    """All losses, in order of failures, how many failures were `tried`, and the Services that go
    with one of these."""

    network: Network
    lost: tuple[Lost, ...]
    tried: int
    emptied: tuple[Emptied, ...] = ()

    @property
    def points(self) -> tuple[str, ...]:
        """The failures that take access from somebody."""
        return tuple(dict.fromkeys(found.failure for found in self.lost))


class Losses:
    """What is lost without single failures. It is pickled as what it is made of."""

    def __init__(self, failures: Failures) -> None:
        self.failures, self.keys = failures, keys_of(failures.reach)
        self.known: dict[tuple[Key, tuple[int, ...]], tuple[Lost, ...]] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return _losses, (self.failures.reach.portable(),)

    def without(self, kind: str, values: tuple[str, ...]) -> tuple[Lost, ...]:
        """What is lost without one; of those that no packet can tell apart it is computed once."""
        here = self.failures.reach
        noticed = self.failures.noticed(kind, values)
        if noticed is None:
            return ()
        key = noticed.key, noticed.exempt(here.world)
        if key not in self.known:
            self.known[key] = self._lost(noticed)
        return tuple(replace(one, kind=kind, failure=noticed.name) for one in self.known[key])

    def _lost(self, noticed: Noticed) -> tuple[Lost, ...]:
        here = self.failures.reach
        rows = np.flatnonzero(self.failures.touched(noticed).rows(self.keys, losing=True))
        if not len(rows):
            return ()
        there = self.failures.reached(noticed, np.unique(vrfs_of(here, self.keys[rows])))
        return tuple(_grouped(here, there, _lost(here, there, rows)))


def lost_without(shared: Losses, piece: tuple[str, tuple[str, ...]]) -> tuple[Lost, ...]:
    """One piece of a sweep."""
    return shared.without(*piece)


def spof(world: World, tell: Callable[[str], None], runner: Runner = SERIAL) -> Spof:
    """Try every single failure."""
    counted = sum(sweep(kind)[1].count(world) for kind in SINGLE)
    afford_failures(world.network.fabric, counted)
    tell("reachability")
    failures = Failures(reachability(world), tell)
    pieces = [(kind, values) for kind in SINGLE for values in failures.values(kind)]
    results = runner.run(lost_without, Losses(failures), pieces)
    out: list[Lost] = []
    for kind, values in pieces:
        failures.begin(kind, values)
        out += next(results)
    return Spof(world.network, tuple(out), counted, tuple(_emptied(world)))


def _losses(reach: Reach) -> Losses:
    return Losses(Failures(reach))


def _emptied(world: World) -> Iterator[Emptied]:
    """Rule 4, in order of failures."""
    services = dict(sorted(known(world.network)))
    behind: dict[int, list[str]] = {}
    for service, pods in services.items():
        for end in pods:
            behind.setdefault(end, []).append(service)
    for kind in SINGLE:
        for name in sweep(kind)[1].single(world):
            gone = Counter(s for e in DOWN.exempt(world, name) for s in behind.get(e, ()))
            for service in sorted(s for s, n in gone.items() if n == len(services[s])):
                yield Emptied(kind, name, service, gone[service])


def _lost(here: Reach, there: Reach, rows: Column) -> Column:
    """Those of some rows of `here.pairs` from which some port is gone."""
    combined = here.pairs.some[rows] * len(there.sets) + _sets_of(there, keys_of(here)[rows])
    of, sample = distinct(combined)
    before, after = np.divmod(combined[sample], len(there.sets))
    gone = np.asarray((here.sets[before] & ~there.sets[after]).any(axis=1))
    lost: Column = rows[gone[of]]
    return lost


def _sets_of(reach: Reach, keys: Column) -> Column:
    """The set of each pair, 0 (nothing) of one that is not listed."""
    known = keys_of(reach)
    if not len(known):
        return np.zeros(len(keys), np.int64)
    place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.where(known[place] == keys, reach.pairs.some[place], 0)


def _grouped(here: Reach, there: Reach, rows: Column) -> Iterator[Lost]:
    """The losses of a failure, whatever it is called, by who loses what."""
    endpoints = here.network.endpoints
    groups: dict[tuple[str, ...], list[int]] = {}
    for row in rows.tolist():
        ends = (endpoints[int(end[row])].tenant for end in (here.pairs.src, here.pairs.dst))
        groups.setdefault(tuple(ends), []).append(row)
    for (source, target), members in sorted(groups.items()):
        first = here.pairs.take(np.array(members[:1]))
        src, dst, version = (int(c[0]) for c in (first.src, first.dst, first.version))
        after = there.sets[_sets_of(there, keys_of(here)[members[:1]])[0]]
        gone = here.sets[first.some[0]] & ~after
        ports = here.space.text(here.space.of_version(gone, version))
        yield Lost("", "", source, target, len(members), src, dst, version, ports)
