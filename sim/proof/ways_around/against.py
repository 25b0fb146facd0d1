"""Detours that are told of one expectation at a time: those that only a failure opens, and those of
a tenant's own nodes.

Other detours (`sim.proof.ways_around.detours`) are part of what is not evaluated of a network,
whatever is asked. These here are told where an expectation forbids what they let happen.

Rules that hold here:

1. An expectation is spoken against when it denies packets (`deny`, `only`) of a pair for which a
   Service is a detour: a sender and a pod behind it, in an IP version. Services and workloads of
   which something is told anyway are not asked about.
2. As the network stands, senders are the tenant's own nodes. Each may open connections to its own
   pods and is led to those of another one.
3. Under a failure senders are newcomers: addresses from which somebody gets in where a Service
   takes packets, and does not as the network stands. Whoever gets in already is led around nothing
   as things are: his packets get to the pod anyway, and what denies that fails without a failure.
4. Endpoints that nobody expects to answer under a failure neither send nor get anything then.
5. Where there are too many pairs to list all of them (`sim.proof.crowded`), whoever may be led on
   by a Service is taken to be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from compiler.program.space import subtract
from fabric.building.network import Network
from fabric.kubernetes.unmodelled.unevaluated import Touching, Unevaluated, accepting
from sim.names.service_ways import ServiceWay, service_ways
from sim.proof.expectations.expect import Claim, pairs_of
from sim.proof.pairs.reachability import Reach
from sim.proof.routes.paths import Column
from sim.proof.ways_around.detours import (
    TOO_MANY,
    Door,
    Entering,
    Ranges,
    door,
    record,
    record_key,
    way_key,
)
from sim.why.pod_classes import workload
from sim.wording.verdicts import DETOUR, touched_by

Found = dict[int, tuple[Unevaluated, ...]]
"""What speaks against expectations, by their numbers."""


Senders = Mapping[int, Ranges | None]
"""As `Entering.senders` has them, with the addresses that are meant; None: all that get in."""


@dataclass(frozen=True, slots=True)
class _PairsAndWays:
    """The pairs of an expectation, sorted (`sim.proof.expectations.expect.pairs_of`), and the ways
    to its pods, of these those of tenants whose nodes are among its senders."""

    pairs: Column
    ways: tuple[ServiceWay, ...]
    of_nodes: tuple[ServiceWay, ...]


class Against:
    """Services of a world that nothing tells of anyway, asked about for expectations."""

    def __init__(self, reach: Reach, claims: Iterable[Claim]) -> None:
        network = self.network = reach.network
        self.stand_ins = reach.stand_ins
        told = {record_key(r) for r in network.not_evaluated if r.category in ("door", DETOUR)}
        ways = [way for way in service_ways(network) if way_key(way) not in told]
        denying = [claim for claim in claims if claim.kind != "allow"] if ways else []
        self.asked = {
            claim.number: self._asked(pairs_of(claim, network, self.stand_ins), ways)
            for claim in denying
        }
        led = self.stand_ins is None and any(a.ways for a in self.asked.values())
        self.here = Entering(reach) if led else None

    @property
    def asked_of_all(self) -> bool:
        """Whether what anybody reaches matters, and not just the pairs of expectations."""
        return self.here is not None

    def _asked(self, pairs: Column, ways: Sequence[ServiceWay]) -> _PairsAndWays:
        endpoints = self.network.endpoints
        columns = np.divmod(pairs // 2, len(endpoints))
        senders, ends = (set(self._everybody(column).tolist()) for column in columns)
        mine = tuple(way for way in ways if way.endpoint.index in ends)
        tenants = {endpoints[i].tenant for i in senders if endpoints[i].kind == "node"}
        return _PairsAndWays(pairs, mine, tuple(way for way in mine if way.tenant in tenants))

    def _everybody(self, ends: Column) -> Column:
        """Some endpoints once each, with whomever they stand for."""
        if self.stand_ins is None:
            return np.unique(ends)
        of = self.stand_ins.of
        return np.flatnonzero(np.isin(of, of[ends]))

    def as_things_are(self) -> Found:
        """What own nodes of tenants are led on by (rule 2)."""
        here, endpoints = self.here, self.network.endpoints
        met: dict[int, Senders] = {}
        if self.stand_ins is not None:
            return self._taken_to_be()
        if here is None:
            return {}

        def nodes(way: ServiceWay) -> Senders:
            if id(way) not in met:
                rest = ((key, endpoints[key // 2]) for key in here.rest(way).tolist())
                own = [key for key, e in rest if (e.kind, e.tenant) == ("node", way.tenant)]
                met[id(way)] = dict.fromkeys(own)
            return met[id(way)]

        ways = {number: (asked.pairs, asked.of_nodes) for number, asked in self.asked.items()}
        return self._found(here, ways, nodes)

    def _taken_to_be(self) -> Found:
        """What own nodes of tenants may be led on by (rule 5)."""
        out: Found = {}
        for number, asked in self.asked.items():
            ways = {way_key(way): way for way in asked.of_nodes}
            if told := [record(way, TOO_MANY) for way in ways.values()]:
                out[number] = accepting(told, self.network.accepts)
        return out

    def under(self, there: Reach, gone: Sequence[int], concerned: Iterable[Claim]) -> Found:
        """What newcomers are led on by in the world of a failure (rules 3 and 4), of the
        expectations that it concerns; `gone` are the endpoints that are exempt."""
        here, met = self.here, dict[Door, Senders]()
        if here is None:
            return {}
        world = Entering(there)

        def newcomers(way: ServiceWay) -> Senders:
            if way.endpoint.index in gone:
                return {}
            if (at := door(way)) not in met:
                keys = world.senders(way)
                rest = keys[~np.isin(keys, np.intersect1d(here.senders(way), here.lone))].tolist()
                new = {k: subtract(world.ranges(k, way), here.ranges(k, way)) for k in rest}
                met[at] = {k: new[k] for k in rest if new[k] and k // 2 not in gone}
            return met[at]

        asked = {c.number: self.asked[c.number] for c in concerned if c.number in self.asked}
        ways = {number: (found.pairs, found.ways) for number, found in asked.items()}
        return self._found(world, ways, newcomers)

    def _found(
        self,
        world: Entering,
        asked: Mapping[int, tuple[Column, tuple[ServiceWay, ...]]],
        senders: Callable[[ServiceWay], Senders],
    ) -> Found:
        out: Found = {}
        for number, (pairs, ways) in asked.items():
            told: dict[tuple[str, ...], Unevaluated] = {}
            for way in ways:
                key = way_key(way)
                if key not in told and (who := self._first(world, way, senders(way), pairs)):
                    told[key] = record(way, who)
            if told:
                out[number] = accepting(told.values(), self.network.accepts)
        return out

    def _first(self, world: Entering, way: ServiceWay, found: Senders, pairs: Column) -> str | None:
        """The first of these senders for whom a way is a detour to what an expectation is about,
        those beyond the tenant before others."""
        endpoints = self.network.endpoints
        for key in sorted(found, key=lambda k: (endpoints[k // 2].tenant == way.tenant, k)):
            pair = (key // 2 * len(endpoints) + way.endpoint.index) * 2 + key % 2
            place = int(np.searchsorted(pairs, pair))
            if place < len(pairs) and pairs[place] == pair:
                sources = found[key]
                sources = world.ranges(key, way) if sources is None else sources
                if world.around(key, way, sources):
                    return workload(endpoints[key // 2])
        return None


def if_failing(
    network: Network, claims: Iterable[Claim]
) -> list[tuple[int, tuple[Unevaluated, ...]]]:
    """What is not evaluated as soon as something fails, of expectations that something gets through
    all the same."""
    found = Touching(network.if_failing, network.endpoints)
    asked = [c for c in claims if c.hold_under and c.kind != "deny"] if found else []
    return [(c.number, touched_by(found, network, c.source, c.target)) for c in asked]


def only_under(failure: str, found: Unevaluated) -> Unevaluated:
    """A record of what is so in the world of a failure alone ("without leaf1")."""
    return replace(found, what=f"{found.what}, {failure}", under=failure)
