"""Regions as sections of a certificate: outcomes, profiles, maps and sources, in the one order that
they have there.

Choices of ECMP are put side by side, by the endpoint and the VRF that they lead to, then by their
boxes; their profiles become one, whose boxes have the reasons of all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sim.checker.document.order import ranks
from sim.checker.document.regions import Box, Choice, Regions, Row, Sender, written
from sim.checker.expectations.follows import verdict_of
from sim.checker.walking.l4_space import overlay

Outcome = tuple[int, ...]
Ends = tuple[int, ...]
Boxes = tuple[tuple[Box, Outcome], ...]


def sections(regions: Regions, names: tuple[str, ...]) -> dict[str, Any]:
    """The sections, made of JSON's types; `names` are all reasons in order."""
    ways = _WayWriter(regions, names)
    rows = [ways.of(row) for row in regions.numbered.rows]
    profiles = sorted({boxes for _, _, boxes, *_ in rows})
    outcomes = sorted({outcome for boxes in profiles for _, outcome in boxes})
    number = {outcome: n for n, outcome in enumerate(outcomes)}
    lists = [[[*box, number[outcome]] for box, outcome in boxes] for boxes in profiles]
    place = {boxes: n for n, boxes in enumerate(profiles)}
    family = {source.map: source.version for source in regions.sources}
    told = [(a, b, place[boxes], e, v) for a, b, boxes, e, v in rows]
    rank = ranks(told)
    keys = [rank[of].tobytes() for of in regions.numbered.of]
    ranked = sorted(range(len(keys)), key=lambda m: (family[m], keys[m]))
    map_of = {m: n for n, m in enumerate(ranked)}
    texts: dict[tuple[int, int], list[Any]] = {}

    def listed(version: int, row: int) -> list[Any]:
        if (version, row) not in texts:
            a, b, p, e, v = told[row]
            texts[version, row] = [*written(version, a, b), p, list(e), list(v)]
        return texts[version, row]

    def key(source: Sender) -> tuple[int, int, Any]:
        return source.endpoint, source.version, source.ranges

    return {
        "outcomes": [_outcome([names[rank] for rank in outcome]) for outcome in outcomes],
        "profiles": lists,
        "maps": [
            [listed(family[m], row) for row in regions.numbered.of[m].tolist()] for m in ranked
        ],
        "sources": [
            [s.endpoint, s.version, [written(s.version, *r) for r in s.ranges], map_of[s.map]]
            for s in sorted(regions.sources, key=key)
        ],
    }


def _outcome(reasons: list[str]) -> dict[str, Any]:
    return {"verdict": verdict_of(reasons), "reasons": reasons}


class _WayWriter:
    """Rows with their choices side by side."""

    def __init__(self, regions: Regions, names: tuple[str, ...]) -> None:
        self.regions, self.names = regions, names
        self.boxes = cache(self._boxes)
        self.together = cache(self._together)

    def of(self, row: Row) -> tuple[int, int, Boxes, Ends, Ends]:
        """First and last address, boxes, endpoints, VRFs."""
        return row.first, row.last, *self.together(row.choices)

    def _together(self, choices: tuple[Choice, ...]) -> tuple[Boxes, Ends, Ends]:
        ordered = sorted(set(choices), key=lambda c: (c.endpoint, c.vrf, self.boxes(c.profile)))
        found: Sequence[Sequence[tuple[Box, int]]] = [self.boxes(c.profile) for c in ordered]
        if len(found) == 1:
            told: Boxes = tuple((box, (rank,)) for box, rank in found[0])
        else:
            told = tuple(overlay(found))
        return told, tuple(c.endpoint for c in ordered), tuple(c.vrf for c in ordered)

    def _boxes(self, profile: int) -> tuple[tuple[Box, int], ...]:
        return tuple((box, self.names.index(why)) for box, why in self.regions.profiles[profile])
