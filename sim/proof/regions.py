"""Regions: every source × every destination address × every protocol and port, with its verdict.

The same legs as `sim.proof.reachability`, but nothing is left out: also what has no route, what is
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
from sim.blocks.onward import kept
from sim.packets.reasons import Reason, reasons
from sim.proof.legs import Column, Legs, LegSpace, legs
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
        """The profile of one leg: OUT policy, the way, IN policy."""
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
    egress = {vrf: _egresses(reach.leg_space, vrf) for vrf in range(n)}
    spans = Spans.over(reach.blocks.addresses, egress)
    space = replace(reach.leg_space, spans=spans, joined=False, known={}, crossings={})
    for vrf in range(n):
        yield from _of_vrf(space, profiles, vrf)


def _egresses(space: LegSpace, vrf: int) -> list[int]:
    """Other VRFs in which packets of a VRF may arrive."""
    _, sets = space.routes(vrf)
    return [other for other in space.egresses(sets) if other != vrf]


def _of_vrf(space: LegSpace, profiles: Profiles, vrf: int) -> Iterator[Sender]:
    """Sources of one VRF; all its spans have the same bounds, so local span numbers compare."""
    ref = space.spans.of(vrf, vrf)
    rows = Legs.concat([_localised(space, part) for part in legs(space, vrf)])
    rows = rows.take(np.lexsort((rows.hop, rows.dst_place, rows.src_place, rows.src)))
    members, sets = space.routes(vrf)
    owner = space.blocks.addresses.endpoint[space.blocks.addresses.base[vrf] + ref.atom_a]
    none = profiles.constant(Reason.NO_ROUTE_DROP), -1, -1
    held = kept(space.blocks, vrf)[ref.atom_a]
    for number, endpoint in enumerate(members.tolist()):
        own = profiles.constant(SELF), endpoint, vrf
        hops = space.closure.width(sets[number][ref.atom_a])
        first, last = np.searchsorted(rows.src, [endpoint, endpoint + 1])
        mine = rows.take(np.arange(first, last))
        for version, spans in ((4, np.arange(ref.n_v4)), (6, np.arange(ref.n_v4, len(ref)))):
            starts = ref.starts(int(version == 6))
            blank = [own if n else none for n in hops[spans].tolist()]
            yield from _of_endpoint(
                *(space, profiles, endpoint, version, starts, spans, mine, blank),
                *(owner == endpoint, ~held),
            )


def _localised(space: LegSpace, part: Legs) -> Legs:
    """Span numbers instead of places, of which each has one span here."""
    src, dst = (space.spans.spans_of(x) for x in (part.src_place, part.dst_place))
    return replace(part, src_place=src, dst_place=dst)


def _of_endpoint(
    space: LegSpace,
    profiles: Profiles,
    endpoint: int,
    version: int,
    starts: list[int],
    spans: Column,
    rows: Legs,
    blank: list[Choice],
    mine: Column,
    away: Bits,
) -> Iterator[Sender]:
    """Own spans that fare alike are one source; what its VTEP routes `away` sends nothing."""
    nothing = ((0, TOP[version], ((profiles.constant(Reason.SPOOF_DROP), -1, -1),)),)
    alike: dict[tuple[Stretch, ...], list[tuple[int, int]]] = {}
    ends = [*(s - 1 for s in starts[1:]), TOP[version]]
    for span in spans[mine[spans]].tolist():
        first, last = np.searchsorted(rows.src_place, [span, span + 1])
        there = rows.take(np.arange(first, last))
        known = space, profiles, there, spans, blank, starts, ends
        found = nothing if away[span] else _stretches(*known)
        local = span - int(spans[0])
        alike.setdefault(found, []).append((starts[local], ends[local]))
    for found, ranges in alike.items():
        yield Sender(endpoint, version, union(ranges), found)


def _stretches(
    space: LegSpace,
    profiles: Profiles,
    rows: Legs,
    spans: Column,
    blank: list[Choice],
    starts: list[int],
    ends: list[int],
) -> tuple[Stretch, ...]:
    """Destination ranges in order; neighbours that fare alike are joined. A next hop without a leg
    leads back to the sender."""
    ways = space.closure
    there = (rows.dst >= 0) & (space.blocks.endpoint_vtep[rows.dst] == ways.vtep[rows.hop])
    there &= rows.drop != Reason.HAIRPIN_DROP
    relayed = (ways.via_vtep[rows.hop] >= 0) & (rows.drop == Reason.UNDERLAY_DROP)
    there &= ~relayed & (ways.drop[rows.hop] == 0)
    home = space.blocks.endpoint_vtep[rows.src]
    early = relayed & ~space.underlay[home, ways.first_vtep[rows.hop]]
    keys = zip(
        (rows.dst_place - spans[0]).tolist() if len(spans) else [],
        rows.hops.tolist(),
        rows.drop.tolist(),
        rows.out_key.tolist(),
        rows.in_key.tolist(),
        np.where(there, rows.dst, -1).tolist(),
        np.where(early, ways.first_vrf[rows.hop], ways.vrf[rows.hop]).tolist(),
        strict=True,
    )
    choices: list[list[Choice]] = [[] for _ in starts]
    left = [1] * len(starts)
    for span, hops, drop, out_key, in_key, dst, egress in keys:
        left[span] = hops if not choices[span] else left[span]
        choices[span].append((profiles.of(drop, out_key, in_key), dst, egress))
    out: list[Stretch] = []
    for first, last, found, hops, other in zip(starts, ends, choices, left, blank, strict=True):
        distinct = {*found, *([other] if len(found) < hops else [])}
        what = tuple(sorted(distinct))
        if out and out[-1][2] == what:
            out[-1] = (out[-1][0], last, what)
        else:
            out.append((first, last, what))
    return tuple(out)
