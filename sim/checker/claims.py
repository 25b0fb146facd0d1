"""Expectations, judged by regions alone.

    deny   no packet of its ports gets from any source to any destination
    allow  all of its ports get from every address of every source to every address of every
           destination, whatever ECMP chooses
    only   `allow` of its ports, `deny` of all others

The words are those of `sim.expect`; nothing else of it is used. Packets that no host sends (ICMPv6
inside IPv4 and the reverse) are asked nowhere.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence, Set
from functools import cached_property
from ipaddress import ip_network
from typing import NamedTuple

from fabric.claims import parse_claim
from fabric.names import matches
from fabric.ports import PortRange, sent
from sim.checker.boxes import within
from sim.checker.regions import Party, Regions, Row, Source

KINDS = ("allow", "deny", "only")


class Claim(NamedTuple):
    """One expectation, read."""

    kind: str
    source: str
    target: str
    both_ways: bool
    ports: tuple[PortRange, ...]


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


def read(text: str) -> Claim:
    """The claim of `kind: A -> B:PORTS`; `ValueError` if it is none."""
    kind, colon, rest = text.partition(": ")
    if kind not in KINDS or not colon:
        raise ValueError("it is neither allow, deny nor only")
    return Claim(kind, *parse_claim(rest))


class Judge:
    """Judges claims by the regions of one world."""

    def __init__(self, regions: Regions) -> None:
        self.regions = regions
        self._seen: dict[tuple[int, tuple[PortRange, ...], int], tuple[bool, bool, bool]] = {}

    @cached_property
    def speaks(self) -> tuple[frozenset[int], frozenset[int]]:
        """Endpoints with IPv4, and with IPv6."""
        four, six = (
            frozenset(i for i, party in enumerate(self.regions.parties) if party.speaks(version))
            for version in (4, 6)
        )
        return four, six

    @cached_property
    def sources(self) -> dict[tuple[int, int], list[Source]]:
        """By endpoint and family."""
        found: dict[tuple[int, int], list[Source]] = {}
        for source in self.regions.sources:
            found.setdefault((source.endpoint, source.version), []).append(source)
        return found

    @cached_property
    def targets(self) -> list[dict[int, list[Row]]]:
        """Per map the ranges in which some next hop leads to an endpoint."""
        out: list[dict[int, list[Row]]] = []
        for rows in self.regions.maps:
            found: dict[int, list[Row]] = {}
            for row in rows:
                for endpoint in dict.fromkeys(choice.endpoint for choice in row.choices):
                    found.setdefault(endpoint, []).append(row)
            out.append(found)
        return out

    @cached_property
    def starts(self) -> list[list[int]]:
        """First addresses of the ranges of each map."""
        return [[row.first for row in rows] for rows in self.regions.maps]

    @cached_property
    def addresses(self) -> list[tuple[tuple[int, ...] | None, tuple[int, ...] | None]]:
        """Per endpoint its IPv4 and IPv6 addresses; None for both where it has a whole prefix."""
        return [_addresses(party) for party in self.regions.parties]

    def judge(self, claim: Claim, left_out: Set[int] = frozenset()) -> Judgement:
        """One claim, without the endpoints that are left out."""
        pairs, leaks, stopped = 0, False, False
        for version in (4, 6):
            if not any(sent(r.protocol, version) for r in claim.ports):
                continue
            able = self.speaks[version == 6] - left_out
            a, b = (self.selected(name) & able for name in (claim.source, claim.target))
            both = len(a & b)
            pairs += len(a) * len(b) - both
            if claim.both_ways:
                pairs += len(a) * len(b) - both**2
            for src, dst in ((a, b), (b, a)) if claim.both_ways else ((a, b),):
                if claim.kind != "allow":
                    leaks = leaks or self._leaks(claim, src, dst, version)
                if claim.kind != "deny":
                    stopped = stopped or any(self._stopped(claim.ports, src, dst, version))
        return Judgement(pairs, leaks, stopped)

    def selected(self, pattern: str) -> frozenset[int]:
        """Endpoints that a pattern names."""
        return frozenset(
            number
            for number, party in enumerate(self.regions.parties)
            if matches(pattern, party.name, party.workload)
            or any(matches(pattern, other, None) for other in party.others)
        )

    def _leaks(self, claim: Claim, src: Set[int], dst: Set[int], version: int) -> bool:
        outside = claim.kind == "only"
        return any(
            self.view(choice.profile, claim.ports, version)[1 if outside else 0]
            for endpoint in src
            for source in self.sources.get((endpoint, version), ())
            for target, rows in self.targets[source.map].items()
            if target in dst and target != endpoint
            for row in rows
            for choice in row.choices
            if choice.endpoint == target
        )

    def _stopped(
        self, ports: tuple[PortRange, ...], src: Set[int], dst: Set[int], version: int
    ) -> Iterator[bool]:
        """True for the first pair of which a packet is stopped."""
        for a in sorted(src):
            for b in sorted(dst - {a}):
                if not self._passes(ports, a, b, version):
                    yield True
                    return

    def _passes(self, ports: tuple[PortRange, ...], a: int, b: int, version: int) -> bool:
        """Whether all of these ports get from one endpoint to another one. Of an endpoint that owns
        a whole prefix one address is enough."""
        mine, theirs = (self.addresses[end][version == 6] for end in (a, b))
        sources = self.sources.get((a, version), [])
        if mine is None or theirs is None:
            rows = [row for source in sources for row in self.targets[source.map].get(b, ())]
            return any(self._sure(row, ports, b, version) for row in rows)
        owned = sum(last - first + 1 for s in sources for first, last in s.ranges)
        return owned == len(mine) and all(
            self._sure(self._row(source, address), ports, b, version)
            for source in sources
            for address in theirs
        )

    def _row(self, source: Source, address: int) -> Row:
        place = bisect_right(self.starts[source.map], address) - 1
        return self.regions.maps[source.map][place]

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
            inside = outside = stops = False
            for box, reason in self.regions.profiles[profile]:
                some, others = within(box, ports, version)
                if reason == "delivered":
                    inside, outside = inside or some, outside or others
                else:
                    stops = stops or some
            self._seen[key] = inside, outside, stops
        return self._seen[key]


def _addresses(party: Party) -> tuple[tuple[int, ...] | None, tuple[int, ...] | None]:
    prefixes = [ip_network(prefix) for prefix in party.prefixes]
    if any(prefix.num_addresses > 1 for prefix in prefixes):
        return None, None
    four, six = (
        tuple(int(p.network_address) for p in prefixes if p.version == version)
        for version in (4, 6)
    )
    return four, six


def opens(regions: Regions, version: int) -> Sequence[bool]:
    """Per profile whether it delivers any packet that hosts send inside an IP version."""
    everything = (PortRange(),)
    judge = Judge(regions)
    return [judge.view(i, everything, version)[0] for i in range(len(regions.profiles))]
