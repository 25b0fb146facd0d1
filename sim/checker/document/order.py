"""References and order inside a certificate: every number names something, everything is named, and
nothing could stand elsewhere.

Profiles, maps and sources are sorted and distinct, neighbours in a map differ: a proof has one
certificate. Whoever adds, doubles, drops or moves an item breaks one of these rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from sim.checker.document.regions import as_number, ranges
from sim.checker.document.shared_rows import Numbered, numbered


def problems(certificate: Any, names: tuple[str, ...]) -> Iterator[str]:
    """What is wrong with the references and the order of a certificate of good form."""
    maps = numbered(certificate["maps"])
    wrong = [*_references(certificate, maps), *_families(certificate, maps)]
    yield from wrong
    if not wrong:
        yield from _order(certificate, names, maps)
        yield from _unused(certificate, maps)


def _references(certificate: Any, maps: Numbered) -> Iterator[str]:
    outcomes, endpoints = len(certificate["outcomes"]), len(certificate["endpoints"])
    width: list[int] = []
    for place, boxes in enumerate(certificate["profiles"]):
        if any(box[6] >= outcomes for box in boxes):
            yield f"profiles[{place}]: a box has an unknown outcome"
            return
        widths = {len(certificate["outcomes"][box[6]]["reasons"]) for box in boxes}
        if len(widths) != 1:
            yield f"profiles[{place}]: outcomes with unlike numbers of reasons, or none"
            return
        width += widths
    unknown = [row[2] >= len(width) for row in maps.rows]
    unlike = [
        not no and any(len(ends) != width[row[2]] for ends in row[3:])
        for row, no in zip(maps.rows, unknown, strict=True)
    ]
    vrfs = len(certificate["vrfs"])
    found = [
        (unknown, "a range has an unknown profile"),
        (unlike, "a range has more or fewer endpoints or VRFs than reasons"),
        (
            [max(row[3], default=-1) >= endpoints for row in maps.rows],
            "a range leads to an unknown endpoint",
        ),
        ([max(row[4], default=-1) >= vrfs for row in maps.rows], "a range leads to an unknown VRF"),
    ]
    for flags, why in found:
        yield from (f"maps[{place}]: {why}" for place in maps.maps_with(flags))
    if any(endpoint["vrf"] not in certificate["vrfs"] for endpoint in certificate["endpoints"]):
        yield "vrfs: an endpoint lives in none of them"
    for place, (endpoint, _, _, target) in enumerate(certificate["sources"]):
        if endpoint >= endpoints:
            yield f"sources[{place}]: an unknown endpoint"
        if target >= len(maps.of):
            yield f"sources[{place}]: an unknown map"


def _families(certificate: Any, maps: Numbered) -> Iterator[str]:
    """A map serves one family, whose addresses it has."""
    of: dict[int, int] = {}
    for place, (_, version, _, target) in enumerate(certificate["sources"]):
        if of.setdefault(target, version) != version:
            yield f"sources[{place}]: maps[{target}] serves two families"
    for version, kind in ((4, int), (6, str)):
        flags = [any(type(end) is not kind for end in row[:2]) for row in maps.rows]
        for place in maps.maps_with(flags):
            if of.get(place, 4) == version:
                yield f"maps[{place}]: addresses of the wrong family"


def _order(certificate: Any, known: tuple[str, ...], maps: Numbered) -> Iterator[str]:
    reasons = [list(map(known.index, o["reasons"])) for o in certificate["outcomes"]]
    lists: list[tuple[str, Sequence[Any]]] = [("outcomes", reasons)]
    lists += [(key, certificate[key]) for key in ("profiles", "down", "exempt")]
    left_out = [[str(row[key]) for key in sorted(row)] for row in certificate["not_evaluated"]]
    lists.append(("not_evaluated", left_out))
    lists.append(("sources", [(e, v, ranges(found)) for e, v, found, _ in certificate["sources"]]))
    rank = ranks([comparable(row) for row in maps.rows])
    lists.append(("maps", [rank[of].tobytes() for of in maps.of]))
    for place, boxes in enumerate(certificate["profiles"]):
        lists.append((f"profiles[{place}]", boxes))
    for name, found in lists:
        if not all(map(_before, found, found[1:])):
            yield f"{name}: not sorted, or something is there twice"
    ends = ranks([row[2:] for row in maps.rows])
    for place, of in enumerate(maps.of):
        if (ends[of[1:]] == ends[of[:-1]]).any():
            yield f"maps[{place}]: two neighbours are one range"
    unsorted = [sorted(e := [*zip(*row[3:], strict=True)]) != e for row in maps.rows]
    for place in maps.maps_with(unsorted):
        yield f"maps[{place}]: endpoints of a range are not sorted"
    names = [endpoint["name"] for endpoint in certificate["endpoints"]]
    for key, found in (("endpoints", names), ("vrfs", certificate["vrfs"])):
        if len(set(found)) < len(found):
            yield f"{key}: a name is there twice"


def ranks(values: Sequence[Any]) -> Any:
    """Numbers in the order of values, equal for equal ones; their bytes are in that order too."""
    order = sorted(range(len(values)), key=values.__getitem__)
    new = [n > 0 and values[order[n]] != values[order[n - 1]] for n in range(len(order))]
    out = np.zeros(len(values), ">u4")
    out[order] = np.cumsum(np.array(new, np.int64))
    return out


def _before(a: Any, b: Any) -> bool:
    return bool(a < b)


def comparable(row: Any) -> list[Any]:
    """A range of a map as maps are sorted by: IPv4 first, ends as numbers."""
    return [type(row[0]) is str, *map(as_number, row[:2]), *row[2:]]


def _unused(certificate: Any, maps: Numbered) -> Iterator[str]:
    used = {
        "maps": {place for *_, place in certificate["sources"]},
        "profiles": {row[2] for row in maps.rows},
        "outcomes": {box[6] for boxes in certificate["profiles"] for box in boxes},
    }
    for key, found in used.items():
        left = sorted(set(range(len(certificate[key]))) - found)
        if left:
            yield f"{key}[{left[0]}]: nothing refers to it"
