"""Where two sets of regions tell different stories: packets that show it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address
from itertools import islice
from typing import NamedTuple

from fabric.values.ports import NAMES
from sim.checker.document.fields import PROTOCOLS
from sim.checker.document.partitions import PORTED
from sim.checker.document.regions import Box, Choice, Regions, Row

Header = tuple[int, int, int]
"""Protocol (as numbered in boxes), source port, destination port."""
MOST_BOXES, MOST_CORNERS = 600, 5000
"""No packet is looked for among more; that two sides differ is told nevertheless."""
Fates = tuple[tuple[str, int, int], ...]
"""What ECMP may lead to: reason, and the endpoint and VRF that get or would get the packet."""


class _Story(NamedTuple):
    """Regions with their maps by the source addresses of each endpoint and family. `content` has
    a number for each profile, equal for equal profiles of both sides."""

    regions: Regions
    maps: dict[tuple[int, int], list[tuple[int, int]]]
    starts: list[list[int]]
    content: list[int]

    def row(self, number: int, address: int) -> Row:
        """The range of a map that holds an address."""
        return self.regions.maps[number][bisect_right(self.starts[number], address) - 1]

    def map_of(self, end: tuple[int, int], address: int) -> int:
        """The map of a source address of an endpoint and family, which has it."""
        found = self.maps[end]
        return found[bisect_right(found, (address, len(self.starts))) - 1][1]

    def fates(self, choices: Iterable[Choice], header: Header) -> Fates:
        """What becomes of a packet."""
        found = {(self._reason(c.profile, header), c.endpoint, c.vrf) for c in choices}
        return tuple(sorted(found))

    def _reason(self, profile: int, header: Header) -> str:
        protocol, sport, dport = header
        return next(
            reason
            for (a, b, c, d, e, f), reason in self.regions.profiles[profile]
            if a <= protocol <= b and c <= dport <= d and e <= sport <= f
        )


def otherwise(theirs: Regions, ours: Regions) -> Iterator[str]:
    """A packet of each source of which any fares otherwise in `ours` than `theirs` says. Both are
    partitions and speak of the same addresses of the same endpoints."""
    contents: dict[tuple[tuple[Box, str], ...], int] = {}
    said, true = _story(theirs, contents), _story(ours, contents)
    alike: dict[tuple[int, int], tuple[int, Header | None] | None] = {}
    for end in sorted(true.maps):
        for first in sorted({low for story in (said, true) for low, _ in story.maps[end]}):
            pair = said.map_of(end, first), true.map_of(end, first)
            if pair not in alike:
                alike[pair] = _differing(said, true, *pair)
            found = alike[pair]
            if found is not None:
                dst, header = found
                name = ours.parties[end[0]].name
                told = "its regions are others"
                if header is not None:
                    claimed, real = (
                        _words(ours, story.fates(story.row(number, dst).choices, header))
                        for story, number in zip((said, true), pair, strict=True)
                    )
                    packet = _shown(ours, end[1], first, dst, header)
                    told = f"{packet} is {real}, the certificate says {claimed}"
                yield f"maps[{pair[0]}]: {name}: {told}"
                break


def _story(regions: Regions, contents: dict[tuple[tuple[Box, str], ...], int]) -> _Story:
    maps: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for source in regions.sources:
        mine = maps.setdefault((source.endpoint, source.version), [])
        mine += [(first, source.map) for first, _ in source.ranges]
    for mine in maps.values():
        mine.sort()
    starts = [[row.first for row in rows] for rows in regions.maps]
    content = [contents.setdefault(tuple(p), len(contents)) for p in regions.profiles]
    return _Story(regions, maps, starts, content)


def _differing(
    said: _Story, true: _Story, theirs: int, ours: int
) -> tuple[int, Header | None] | None:
    """The first destination of which two maps tell different things, with a header to show it."""
    for dst in sorted({*said.starts[theirs], *true.starts[ours]}):
        claimed, real = said.row(theirs, dst).choices, true.row(ours, dst).choices
        if _content(said, claimed) != _content(true, real):
            corners = _corners([(said, claimed), (true, real)])
            differ = (
                h
                for h in islice(corners, MOST_CORNERS)
                if said.fates(claimed, h) != true.fates(real, h)
            )
            return dst, next(differ, None)
    return None


def _content(story: _Story, choices: Sequence[Choice]) -> list[tuple[int, int, int]]:
    return sorted((story.content[c.profile], c.endpoint, c.vrf) for c in choices)


def _corners(sides: Sequence[tuple[_Story, Sequence[Choice]]]) -> Iterator[Header]:
    """First packets of all boxes, among which there is one that differs, if any does."""
    profiles = [story.regions.profiles[c.profile] for story, choices in sides for c in choices]
    if sum(map(len, profiles)) > MOST_BOXES:
        return
    boxes = [box for profile in profiles for box, _ in profile]
    protocols, dports, sports = ({box[i] for box in boxes} for i in (0, 2, 4))
    for protocol in sorted(protocols, key=lambda p: (p % PROTOCOLS not in PORTED, p)):
        plain = protocol % PROTOCOLS not in PORTED
        for dport in (0,) if plain else sorted(dports):
            for sport in (0,) if plain else sorted(sports):
                yield protocol, sport, dport


def _words(regions: Regions, fates: Fates) -> str:
    def told(reason: str, endpoint: int, vrf: int) -> str:
        if vrf < 0:
            return reason
        end = regions.parties[endpoint].name if endpoint >= 0 else f"nobody in {regions.vrfs[vrf]}"
        return f"{reason} ({end})"

    return " or ".join(told(*fate) for fate in fates)


def _shown(regions: Regions, version: int, src: int, dst: int, header: Header) -> str:
    """A packet as people write it."""
    (part, protocol), sport, dport = divmod(header[0], PROTOCOLS), *header[1:]
    name = NAMES.get(protocol, str(protocol))
    ends = [(src, sport), (dst, dport)]
    if version == 4:
        shown = [f"{IPv4Address(ip)}:{port}" for ip, port in ends]
    else:
        shown = [f"[{IPv6Address(ip)}]:{port}" for ip, port in ends]
    besides = "".join(f", {of} {value}" for of, value in regions.fields.packet(part))
    return f"{' -> '.join(shown)}/{name}{besides}"
