"""Regions: every source × every destination address × every protocol and port, with its verdict.

The same paths as `sim.proof.reachability`, but nothing is left out: also what has no route, what is
dropped on the way, and which stage denies. Destination ranges of a source cover the whole address
space of a family. This is what certificates are made of; it costs more than reachability, and is
only computed when a certificate is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from fabric.interval_sets import union
from sim.blocks.blocks import Blocks
from sim.blocks.onward import leads_on
from sim.packets.reasons import Reason, reasons
from sim.proof.paths import Column, Paths, PathSpace, paths
from sim.proof.reachability import Bits, Reach, conditional, decisions
from sim.proof.spans import TOP, Spans

SELF = -1
"""In the place of a reason: to oneself, out of scope."""
CONDITIONAL = -2
"""Delivered if something holds besides that no header shows."""
PASSING = (int(Reason.DELIVERED), CONDITIONAL)
Choice = tuple[int, int, int]
"""(profile, endpoint, VRF) that one next hop leads to, -1: none."""
Stretch = tuple[int, int, tuple[Choice, ...]]
"""(first, last, distinct choices of ECMP) of destination addresses."""


@dataclass(frozen=True, slots=True)
class Sender:
    """One endpoint's addresses `ranges` of a family, and what each destination does to them."""

    endpoint: int
    version: int
    ranges: tuple[tuple[int, int], ...]
    stretches: tuple[Stretch, ...]


@dataclass
class Profiles:
    """Distinct verdicts over L4 atoms; `values[i]` has a reason per atom."""

    blocks: Blocks
    known: dict[object, int] = field(default_factory=dict)
    values: list[Column] = field(default_factory=list)

    def constant(self, reason: int) -> int:
        """The profile with one reason for every packet."""
        return self._intern(np.full(self.blocks.l4.size, reason, np.int64))

    def of(self, drop: int, out_key: int, in_key: int) -> int:
        """The profile of one path: OUT policy, the way, IN policy."""
        key = drop, out_key, in_key
        if key not in self.known:
            reason = np.full(self.blocks.l4.size, drop, np.int64)
            if drop == Reason.DELIVERED:
                reason = self._policy(in_key)
            out = self._policy(out_key)
            both = np.where(np.isin(out, PASSING), reason, out)
            asks = (out == CONDITIONAL) & (both == Reason.DELIVERED)
            self.known[key] = self._intern(np.where(asks, CONDITIONAL, both))
        return self.known[key]

    def _policy(self, key: int) -> Column:
        found = decisions(self.blocks, np.array([key]))[0]
        of = [*reasons(self.blocks.program.stages).of_place, Reason.DELIVERED]
        verdict: Column = np.array(of, np.int64)[self.blocks.dec_stage[found]]
        return np.where(self.asks[found], CONDITIONAL, verdict)

    @cached_property
    def asks(self) -> Bits:
        """Which decisions permit under conditions only."""
        return conditional(self.blocks)

    def _intern(self, values: Column) -> int:
        key = values.tobytes()
        if key not in self.known:
            self.known[key] = len(self.values)
            self.values.append(values)
        return self.known[key]


def regions(reach: Reach) -> tuple[Profiles, Iterator[Sender]]:
    """Profiles (filled while the sources are read) and sources, by endpoint and family."""
    profiles = Profiles(reach.blocks)
    return profiles, _sources(reach, profiles)


def _sources(reach: Reach, profiles: Profiles) -> Iterator[Sender]:
    n = len(reach.network.vrfs)
    egress = {vrf: _egresses(reach.path_space, vrf) for vrf in range(n)}
    spans = Spans.over(reach.blocks.addresses, egress)
    space = replace(reach.path_space, spans=spans, joined=False, known={}, crossings={})
    for vrf in range(n):
        yield from _of_vrf(space, profiles, vrf)


def _egresses(space: PathSpace, vrf: int) -> list[int]:
    """Other VRFs in which packets of a VRF may arrive."""
    _, sets = space.tables(vrf)
    return [other for other in space.egresses(sets) if other != vrf]


def _of_vrf(space: PathSpace, profiles: Profiles, vrf: int) -> Iterator[Sender]:
    """Sources of one VRF; all its spans have the same bounds, so local span numbers compare."""
    ref = space.spans.of(vrf, vrf)
    rows = Paths.concat([_localised(space, part) for part in paths(space, vrf)])
    rows = rows.take(np.lexsort((rows.hop, rows.dst_place, rows.src_place, rows.src)))
    senders, entries, sets, at_vtep = space.routes(vrf)
    b = space.blocks
    owner = b.addresses.endpoint[b.addresses.base[vrf] + ref.atom_a]
    for endpoint in np.unique(senders).tolist():
        here = np.flatnonzero(senders == endpoint)
        chosen = sets[at_vtep[here]][:, ref.atom_a]
        hops = np.where(chosen < 0, 0, space.closure.width(chosen))
        away = [leads_on(b, np.full(len(ref), v), vrf, ref.atom_a) for v in entries[here].tolist()]
        first, last = np.searchsorted(rows.src, [endpoint, endpoint + 1])
        mine = rows.take(np.arange(first, last))
        for version, spans in ((4, np.arange(ref.n_v4)), (6, np.arange(ref.n_v4, len(ref)))):
            starts = ref.starts(int(version == 6))
            ways = _Sending(endpoint, version, vrf, spans, starts, entries[here], hops[:, spans])
            yield from _of_endpoint(
                space, profiles, ways, mine, owner == endpoint, np.array(away, np.bool_)
            )


@dataclass(frozen=True, slots=True)
class _Sending:
    """What an endpoint sends comes in at each of `entries`; `hops` says how many next hops these
    have for each span of destinations, [entries, spans]."""

    endpoint: int
    version: int
    vrf: int
    spans: Column
    starts: list[int]
    entries: Column
    hops: Column

    @property
    def ends(self) -> list[int]:
        """The last address of each span."""
        return [*(s - 1 for s in self.starts[1:]), TOP[self.version]]


def _localised(space: PathSpace, part: Paths) -> Paths:
    """Span numbers instead of places, of which each has one span here."""
    src, dst = (space.spans.spans_of(x) for x in (part.src_place, part.dst_place))
    return replace(part, src_place=src, dst_place=dst)


def _of_endpoint(
    space: PathSpace, profiles: Profiles, ways: _Sending, rows: Paths, mine: Column, away: Bits
) -> Iterator[Sender]:
    """Own spans that fare alike are one source; what an entry routes `away` it does not let in."""
    alike: dict[tuple[Stretch, ...], list[tuple[int, int]]] = {}
    for span in ways.spans[mine[ways.spans]].tolist():
        first, last = np.searchsorted(rows.src_place, [span, span + 1])
        there = rows.take(np.arange(first, last))
        found = _stretches(space, profiles, ways, there, away[:, span])
        local = span - int(ways.spans[0])
        alike.setdefault(found, []).append((ways.starts[local], ways.ends[local]))
    for found, ranges in alike.items():
        yield Sender(ways.endpoint, ways.version, union(ranges), found)


def _stretches(
    space: PathSpace, profiles: Profiles, ways: _Sending, rows: Paths, away: Bits
) -> tuple[Stretch, ...]:
    """Destination ranges in order; neighbours that fare alike are joined. A next hop without a path
    leads back to the sender."""
    b, closure = space.blocks, space.closure
    spoof = profiles.constant(Reason.SPOOF_DROP), -1, -1
    own = profiles.constant(SELF), ways.endpoint, ways.vrf
    none = profiles.constant(Reason.NO_ROUTE_DROP), -1, -1
    if away.all():
        return ((0, TOP[ways.version], (spoof,)),)
    rows = rows.take(~np.isin(rows.entry, ways.entries[away]))
    hops = ways.hops[~away]
    at = closure.vtep[rows.hop]
    there = (rows.dst >= 0) & b.homes.at(rows.dst, b.endpoint_vtep[rows.dst], at)
    there &= rows.drop != Reason.HAIRPIN_DROP
    passed_on = (closure.via_vtep[rows.hop] >= 0) & (rows.drop == Reason.UNDERLAY_DROP)
    there &= ~passed_on & (closure.drop[rows.hop] == 0)
    early = passed_on & ~space.underlay[rows.entry, closure.first_vtep[rows.hop]]
    keys = zip(
        (rows.dst_place - ways.spans[0]).tolist() if len(ways.spans) else [],
        rows.drop.tolist(),
        rows.out_key.tolist(),
        rows.in_key.tolist(),
        np.where(there, rows.dst, -1).tolist(),
        np.where(early, closure.first_vrf[rows.hop], closure.vrf[rows.hop]).tolist(),
        strict=True,
    )
    choices: list[list[Choice]] = [[] for _ in ways.starts]
    for span, drop, out_key, in_key, dst, egress in keys:
        choices[span].append((profiles.of(drop, out_key, in_key), dst, egress))
    out: list[Stretch] = []
    counts = zip(hops.sum(axis=0).tolist(), (hops == 0).any(axis=0).tolist(), strict=True)
    for first, last, found, (every, lost) in zip(
        ways.starts, ways.ends, choices, counts, strict=True
    ):
        distinct = {*found, *([spoof] if away.any() else []), *([none] if lost else [])}
        what = tuple(sorted({*distinct, *([own] if len(found) < every else [])}))
        if out and out[-1][2] == what:
            out[-1] = (out[-1][0], last, what)
        else:
            out.append((first, last, what))
    return tuple(out)
