"""Expectations, judged by regions alone.

    deny   no packet of its ports gets from any source to any destination
    allow  all of its ports get from every address of every source to every address of every
           destination, whatever ECMP chooses
    only   `allow` of its ports, `deny` of all others

The words are those of `sim.proof.expectations.expect`; nothing else of it is used. Rules that hold
here:

1. Packets that no host sends (ICMPv6 inside IPv4 and the reverse) are asked nowhere.
2. What selects nobody as a pattern may be a VRF, which is everybody in it, or a host, which is its
   nodes. An end that is addresses is whoever owns any of them, and these alone; two ends that are,
   those of the IP versions that both have.
3. What is delivered under a condition that no header shows gets through and is stopped: it breaks a
   `deny` and an `allow`.
4. What is said of a Service is said of each pod behind it, at the ports where that pod gets what
   the Service is sent (`sim.checker.expectations.service_targets`).
5. Of an endpoint that owns whole prefixes, `allow` needs what is not somebody else's in the eyes of
   the other end: what its routes lead to that endpoint's VRF, or nowhere at all; and what the
   endpoint reaches of its own without leaving its VTEP.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from fabric.file.expect.claims import parse_claim
from fabric.values.address_sets import AddressSet, addresses_in
from fabric.values.door_names import door_in
from fabric.values.names import matches, nodes_of
from fabric.values.ports import PortRange, sent
from sim.checker.document.boxes import within
from sim.checker.document.index import Index, inside
from sim.checker.document.regions import Choice, Ranges, Regions, Row, Sender
from sim.checker.document.work import Budget

KINDS = ("allow", "deny", "only")
A_STEP = 50
"""So many ranges are looked at in one step."""


class Claim(NamedTuple):
    """One expectation, read. `blocks` has the addresses of its ends where they are such. One about
    a Service has `parts`: claims about the endpoints `pods`, at ports of their own."""

    kind: str
    source: str
    target: str
    both_ways: bool
    ports: tuple[PortRange, ...]
    blocks: tuple[AddressSet | None, AddressSet | None]
    pods: frozenset[int] | None = None
    parts: tuple[Claim, ...] | None = None

    @property
    def each(self) -> tuple[Claim, ...]:
        """Claims with one set of ports, all of which it needs."""
        return (self,) if self.parts is None else self.parts

    @property
    def versions(self) -> tuple[int, ...]:
        """The IP versions that it is about."""
        given = [set(block.versions) for block in self.blocks if block is not None]
        return tuple(sorted({4, 6}.intersection(*given)))

    def within(self, end: int, version: int) -> Ranges | None:
        """The addresses that one end is limited to."""
        block = self.blocks[end]
        return None if block is None else block.of(version)


class Judgement(NamedTuple):
    """How many (source, destination, IP version) a claim compares; whether a packet gets through
    that must not, and whether one is stopped that must get through."""

    pairs: int
    leaks: bool
    stopped: bool

    @property
    def holds(self) -> bool:
        """Neither."""
        return not self.leaks and not self.stopped

    def __bool__(self) -> bool:
        """Whether it holds; a tuple that is not empty would always be true."""
        return self.holds


def read(text: str, targets: Sequence[Any] | None = None) -> Claim:
    """The claim of `kind: A -> B:PORTS`; `ValueError` if it is none. `targets` are as certificates
    have them: who is behind a Service, at which ports."""
    kind, colon, rest = text.partition(": ")
    if kind not in KINDS or not colon:
        raise ValueError("it is neither allow, deny nor only")
    source, target, both_ways, ports = parse_claim(rest)
    blocks = addresses_in(source), addresses_in(target)
    claim = Claim(kind, source, target, both_ways, ports, blocks)
    if not claim.versions:
        raise ValueError("it compares addresses of two IP versions")
    if door_in(target) is None:
        return claim
    parts = (
        claim._replace(
            ports=tuple(PortRange(*port) for port in row["ports"]), pods=frozenset(row["endpoints"])
        )
        for row in targets or ()
    )
    return claim._replace(parts=tuple(parts))


class Judge:
    """Judges claims by the regions of one world."""

    def __init__(self, regions: Regions, budget: Budget | None = None) -> None:
        """With a budget for regions that somebody else wrote."""
        self.regions = regions
        self.index = Index(regions)
        self.spend = budget.spend if budget else lambda steps: None
        self.selected, self.entering = cache(self._selected), cache(self._entering)
        self._seen: dict[tuple[int, tuple[PortRange, ...], int], tuple[bool, bool, bool]] = {}

    def judge(self, claim: Claim, left_out: Set[int] = frozenset()) -> Judgement:
        """One claim, without the endpoints that are left out. A Service with nobody behind it is
        reached by nobody."""
        if claim.parts is not None:
            found = [self.judge(part, left_out) for part in claim.parts]
            stopped = not found or any(part.stopped for part in found)
            every, leaks = sum(part.pairs for part in found), any(part.leaks for part in found)
            return Judgement(every, leaks, stopped)
        pairs, leaks, stopped = 0, False, False
        for version, a, b in self.compared(claim, left_out):
            asked = any(sent(r.protocol, version) for r in claim.ports)
            both = len(a & b)
            pairs += len(a) * len(b) - both
            if claim.both_ways:
                pairs += len(a) * len(b) - both**2
            for src, dst in ((a, b), (b, a)) if claim.both_ways else ((a, b),):
                if claim.kind != "allow":
                    leaks = leaks or self.leaks(claim, src, dst, version)
                if claim.kind != "deny" and asked:
                    stopped = stopped or self._stopped(claim, src, dst, version)
        return Judgement(pairs, leaks, stopped)

    def compared(
        self, claim: Claim, left_out: Set[int] = frozenset()
    ) -> Iterator[tuple[int, frozenset[int], frozenset[int]]]:
        """Both ends of a claim, in each IP version that it is about."""
        for version in claim.versions:
            asked = any(sent(r.protocol, version) for r in claim.ports)
            if not (asked or claim.kind == "only"):
                continue
            able = self.index.speaks[version == 6] - left_out
            a, b = (self.at(claim, end, version) & able for end in (0, 1))
            yield version, a, b

    def at(self, claim: Claim, end: int, version: int) -> frozenset[int]:
        """Whom one end of a claim with one set of ports stands for."""
        if end and claim.pods is not None:
            return claim.pods
        name = (claim.source, claim.target)[end]
        return self.selected(name, claim.within(end, version), version)

    def _selected(self, pattern: str, block: Ranges | None, version: int) -> frozenset[int]:
        """Endpoints that an end names, or that own addresses of it."""
        self.spend(2 * len(self.regions.parties))
        parties = enumerate(self.regions.parties)
        if block is not None:
            return frozenset(n for n, p in parties if inside(p.owned[version == 6], block))
        names = [pattern] if "/" in pattern else [pattern, nodes_of(pattern)]
        by_name = [
            frozenset(
                number
                for number, party in enumerate(self.regions.parties)
                if matches(name, party.name, party.workload)
                or any(matches(name, other, None) for other in party.others)
            )
            for name in names
        ]
        in_vrf = frozenset(number for number, party in parties if party.vrf == pattern)
        return by_name[0] or in_vrf or by_name[-1]

    def leaks(self, claim: Claim, src: Set[int], dst: Set[int], version: int) -> bool:
        """Whether a packet that a claim forbids gets from one of these to one of those."""
        outside = claim.kind == "only"
        return any(
            self.view(choice.profile, claim.ports, version)[1 if outside else 0]
            for endpoint in sorted(src)
            for source in self.index.sources.get((endpoint, version), ())
            if inside(source.ranges, claim.within(0, version))
            for target, row in self._towards(source.map, dst - {endpoint})
            if inside(((row.first, row.last),), claim.within(1, version))
            for choice in row.choices
            if choice.endpoint == target
        )

    def _towards(self, number: int, ends: Set[int]) -> Iterator[tuple[int, Row]]:
        """The ranges of a map that lead to any of these endpoints."""
        self.spend(len(ends) + len(self.regions.numbered.of[number]) // A_STEP)
        found = self.index.towards(number, ends)
        self.spend(len(found))
        yield from found

    def _entering(
        self, ends: frozenset[int], ports: tuple[PortRange, ...], version: int
    ) -> frozenset[int]:
        """The maps in which a packet of these ports gets to any of these endpoints."""
        flat, rows = self.regions.flat, len(self.regions.numbered.rows)
        profiles = range(len(self.regions.profiles))
        delivers = np.array([self.view(p, ports, version)[0] for p in profiles], np.bool_)
        hit = delivers[flat.profile] & np.isin(
            flat.endpoint, np.fromiter(ends, np.int64, len(ends))
        )
        row = np.repeat(np.arange(rows), np.diff(flat.first))
        return frozenset(self.regions.numbered.maps_with(np.bincount(row[hit], minlength=rows) > 0))

    def _stopped(self, claim: Claim, src: Set[int], dst: Set[int], version: int) -> bool:
        pairs = ((a, b) for a in sorted(src) for b in sorted(dst) if a != b)
        if claim.blocks == (None, None):
            return not all(self._passes(claim, a, b, version) for a, b in pairs)
        self.spend(len(src) * len(dst))
        met = list(pairs)
        strict = any(self.needed(claim, a, b, version, True) for a, b in met)
        return not all(
            self._sure(row, claim.ports, b, version)
            for a, b in met
            for row in self.needed(claim, a, b, version, strict)
        )

    def _passes(self, claim: Claim, a: int, b: int, version: int) -> bool:
        """Whether all of its ports get from one endpoint to another one."""
        wide = [self.index.wide[end] for end in (a, b)]
        owned = [self.index.owns_all(end, version) for end in (a, b)]
        if not any(wide) and not all(owned):
            return False
        rows = self.needed(claim, a, b, version, True)
        return bool(rows) and all(self._sure(row, claim.ports, b, version) for row in rows)

    def needed(self, claim: Claim, a: int, b: int, version: int, strict: bool) -> list[Row]:
        """The ranges of all sources of `a` with addresses of `b` that an `allow` needs; unless
        `strict`, also those that are somebody else's in the eyes of the other end."""
        self.spend(10)
        found = [
            row
            for source in self.index.sources.get((a, version), ())
            if self._counts_as_source(claim, source, b, strict)
            for row in self.index.rows(source.map, b, version, claim.within(1, version))
            if not (strict and self.index.wide[b])
            or (self._leads(row.choices, b) and self._keeps(b, row, claim, version))
        ]
        self.spend(len(found))
        return found

    def _counts_as_source(self, claim: Claim, source: Sender, b: int, strict: bool) -> bool:
        a, version = source.endpoint, source.version
        if not strict or not self.index.wide[a]:
            return inside(source.ranges, claim.within(0, version))
        return self._sends(source) and any(
            self._leads(row.choices, a)
            for other in self._sending(b, version)[:1]
            for first, last in source.ranges
            for row in self.index.between(other.map, first, last)
            if inside(((max(first, row.first), min(last, row.last)),), claim.within(0, version))
        )

    def _sending(self, end: int, version: int) -> list[Sender]:
        """The addresses of an endpoint that are not elsewhere by its own routes."""
        return [s for s in self.index.sources.get((end, version), ()) if self._sends(s)]

    def _sends(self, source: Sender) -> bool:
        profile = self.regions.maps[source.map][0].choices[0].profile
        return any(reason != "spoof_drop" for _, reason in self.regions.profiles[profile])

    def _keeps(self, end: int, row: Row, claim: Claim, version: int) -> bool:
        """Whether an endpoint's own routes lead to it for some addresses of a range."""
        return any(
            choice.endpoint == end
            for source in self._sending(end, version)[:1]
            for first, last in self.regions.parties[end].owned[version == 6]
            for there in self.index.between(source.map, max(first, row.first), min(last, row.last))
            if inside(
                ((max(first, row.first, there.first), min(last, row.last, there.last)),),
                claim.within(1, version),
            )
            for choice in there.choices
        )

    def _leads(self, choices: tuple[Choice, ...], end: int) -> bool:
        """Whether routes lead into the VRF of an endpoint, or there is none."""
        home = self.index.vrf[end]
        return any(choice.vrf in (-1, home) for choice in choices)

    def _sure(self, row: Row, ports: tuple[PortRange, ...], b: int, version: int) -> bool:
        """Whether every choice leads to `b`, which gets all of these ports."""
        return all(
            choice.endpoint == b and not self.view(choice.profile, ports, version)[2]
            for choice in row.choices
        )

    def view(
        self, profile: int, ports: tuple[PortRange, ...], version: int
    ) -> tuple[bool, bool, bool]:
        """Of a profile: whether it delivers a packet of these ports, whether it delivers another
        one, and whether it stops a packet of these ports."""
        key = profile, ports, version
        if key not in self._seen:
            self.spend(4 * len(self.regions.profiles[profile]))
            inner = outer = stops = False
            for box, reason in self.regions.profiles[profile]:
                some, others = within(box, ports, version)
                if reason in ("delivered", "delivered_if"):
                    inner, outer = inner or some, outer or others
                if reason != "delivered":
                    stops = stops or some
            self._seen[key] = inner, outer, stops
        return self._seen[key]


def opens(regions: Regions, version: int, budget: Budget | None = None) -> list[bool]:
    """Per profile whether it delivers any packet that hosts send inside an IP version."""
    judge = Judge(regions, budget)
    return [judge.view(i, (PortRange(),), version)[0] for i in range(len(regions.profiles))]
