"""References and order inside a certificate: every number names something, everything is named, and
nothing could stand elsewhere.

Profiles, maps and sources are sorted and distinct, neighbours in a map differ: a proof has one
certificate. Whoever adds, doubles, drops or moves an item breaks one of these rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from sim.checker.form import REASONS
from sim.checker.regions import as_number, ranges


def problems(certificate: Any, names: tuple[str, ...] = REASONS) -> Iterator[str]:
    """What is wrong with the references and the order of a certificate of good form."""
    wrong = [*_references(certificate), *_families(certificate)]
    yield from wrong
    if not wrong:
        yield from _order(certificate, names)
        yield from _unused(certificate)


def _references(certificate: Any) -> Iterator[str]:
    outcomes, profiles, maps, endpoints = (
        len(certificate[key]) for key in ("outcomes", "profiles", "maps", "endpoints")
    )
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
    for place, rows in enumerate(certificate["maps"]):
        if any(row[2] >= profiles for row in rows):
            yield f"maps[{place}]: a range has an unknown profile"
        elif any(len(ends) != width[row[2]] for row in rows for ends in row[3:]):
            yield f"maps[{place}]: a range has more or fewer endpoints or VRFs than reasons"
        if any(endpoint >= endpoints for row in rows for endpoint in row[3]):
            yield f"maps[{place}]: a range leads to an unknown endpoint"
        if any(vrf >= len(certificate["vrfs"]) for row in rows for vrf in row[4]):
            yield f"maps[{place}]: a range leads to an unknown VRF"
    if any(endpoint["vrf"] not in certificate["vrfs"] for endpoint in certificate["endpoints"]):
        yield "vrfs: an endpoint lives in none of them"
    for place, (endpoint, _, _, target) in enumerate(certificate["sources"]):
        if endpoint >= endpoints:
            yield f"sources[{place}]: an unknown endpoint"
        if target >= maps:
            yield f"sources[{place}]: an unknown map"


def _families(certificate: Any) -> Iterator[str]:
    """A map serves one family, whose addresses it has."""
    of: dict[int, int] = {}
    for place, (_, version, _, target) in enumerate(certificate["sources"]):
        if of.setdefault(target, version) != version:
            yield f"sources[{place}]: maps[{target}] serves two families"
    for place, rows in enumerate(certificate["maps"]):
        kind = int if of.get(place, 4) == 4 else str
        if any(type(end) is not kind for row in rows for end in row[:2]):
            yield f"maps[{place}]: addresses of the wrong family"


def _order(certificate: Any, known: tuple[str, ...]) -> Iterator[str]:
    reasons = [list(map(known.index, o["reasons"])) for o in certificate["outcomes"]]
    lists: list[tuple[str, list[Any]]] = [("outcomes", reasons)]
    lists += [(key, certificate[key]) for key in ("profiles", "down", "exempt")]
    left_out = [[str(row[key]) for key in sorted(row)] for row in certificate["not_evaluated"]]
    lists.append(("not_evaluated", left_out))
    lists.append(("sources", [(e, v, ranges(found)) for e, v, found, _ in certificate["sources"]]))
    lists.append(("maps", [[comparable(row) for row in rows] for rows in certificate["maps"]]))
    for place, boxes in enumerate(certificate["profiles"]):
        lists.append((f"profiles[{place}]", boxes))
    for name, found in lists:
        if not all(map(_before, found, found[1:])):
            yield f"{name}: not sorted, or something is there twice"
    for place, rows in enumerate(certificate["maps"]):
        if any(a[2:] == b[2:] for a, b in pairwise(rows)):
            yield f"maps[{place}]: two neighbours are one range"
        if any(sorted(ends := [*zip(*row[3:], strict=True)]) != ends for row in rows):
            yield f"maps[{place}]: endpoints of a range are not sorted"
    names = [endpoint["name"] for endpoint in certificate["endpoints"]]
    for key, found in (("endpoints", names), ("vrfs", certificate["vrfs"])):
        if len(set(found)) < len(found):
            yield f"{key}: a name is there twice"


def _before(a: Any, b: Any) -> bool:
    return bool(a < b)


def comparable(row: Any) -> list[Any]:
    """A range of a map as maps are sorted by: IPv4 first, ends as numbers."""
    return [type(row[0]) is str, *map(as_number, row[:2]), *row[2:]]


def _unused(certificate: Any) -> Iterator[str]:
    used = {
        "maps": {place for *_, place in certificate["sources"]},
        "profiles": {row[2] for rows in certificate["maps"] for row in rows},
        "outcomes": {box[6] for boxes in certificate["profiles"] for box in boxes},
    }
    for key, found in used.items():
        left = sorted(set(range(len(certificate[key]))) - found)
        if left:
            yield f"{key}[{left[0]}]: nothing refers to it"
