"""An independent reader of certificates: does what is written there cover everything, once?

Works on parsed JSON alone and shares no code with what writes certificates. It checks that

1. the digest fits the content, and inputs and failures are named as they should be;
2. every profile's boxes are disjoint and fill the space of protocols and ports, where TCP, UDP and
   SCTP have 2³² packets and every other protocol has one;
3. every map's ranges fill the address space of its family without gaps or overlaps;
4. the sources of every endpoint are exactly the addresses that it owns, each once;
5. the cells are what the regions say.

`sample` draws packets with the verdict that the certificate gives, for whoever wants to compare.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, NamedTuple

PORTED = (6, 17, 132)
PORTS = 65536
KEYS = ("inputs", "down", "assumptions", "exempt", "replies", "endpoints", "outcomes", "profiles",
        "maps", "sources", "cells", "claims", "digest")  # fmt: skip
Ranges = Sequence[tuple[int, int]]


class Sample(NamedTuple):
    """A packet and what a certificate says about it: the reasons that ECMP may lead to."""

    endpoint: str
    version: int
    src: int
    dst: int
    protocol: int
    sport: int
    dport: int
    reasons: tuple[str, ...]


def check(certificate: Any) -> list[str]:
    """Everything that is wrong with a certificate; an empty list when nothing is."""
    try:
        if certificate["schema"] != "cloison/certificate/1":
            return [f"unknown schema {certificate['schema']!r}"]
        missing = [key for key in KEYS if key not in certificate]
        if missing:
            return [f"missing: {', '.join(missing)}"]
        return [
            *_check_digest(certificate),
            *_check_world(certificate),
            *_check_profiles(certificate),
            *_check_maps(certificate),
            *_check_sources(certificate),
            *_check_cells(certificate),
        ]
    except (KeyError, IndexError, TypeError, ValueError) as error:
        return [f"malformed: {type(error).__name__}: {error}"]


def _check_digest(certificate: Any) -> Iterator[str]:
    body = {key: value for key, value in certificate.items() if key != "digest"}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    if hashlib.sha256(text.encode()).hexdigest() != certificate["digest"]:
        yield "the digest does not fit the content"


def _check_world(certificate: Any) -> Iterator[str]:
    named = [entry[key] for entry in certificate["inputs"] for key in ("path", "sha256")]
    if not all(isinstance(text, str) for text in [*named, *certificate["down"]]):
        yield "inputs or failures are not names"


def _check_profiles(certificate: Any) -> Iterator[str]:
    outcomes = len(certificate["outcomes"])
    for number, boxes in enumerate(certificate["profiles"]):
        if any(not 0 <= box[6] < outcomes for box in boxes):
            yield f"profile {number}: unknown outcome"
        for protocol, rectangles in _by_protocol(boxes):
            side = PORTS if protocol in PORTED else 1
            if not _fills(rectangles, side):
                yield f"profile {number}: boxes of protocol {protocol} are not a partition"
                break


def _by_protocol(boxes: Any) -> Iterator[tuple[int, list[tuple[int, int, int, int]]]]:
    """Rectangles (dport first, last, sport first, last) of one protocol of each alike set."""
    starts = sorted({0, *PORTED, *(p + 1 for p in PORTED)} | {box[0] for box in boxes}
                    | {box[1] + 1 for box in boxes})  # fmt: skip
    for protocol in (start for start in starts if start < 256):
        yield protocol, [tuple(box[2:6]) for box in boxes if box[0] <= protocol <= box[1]]


def _fills(rectangles: list[tuple[int, int, int, int]], side: int) -> bool:
    """Whether the rectangles tile a square of this side: right area, no overlap."""
    area = 0
    columns: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for d_first, d_last, s_first, s_last in rectangles:
        if not (0 <= d_first <= d_last < side and 0 <= s_first <= s_last < side):
            return False
        area += (d_last - d_first + 1) * (s_last - s_first + 1)
        columns[d_first, d_last].append((s_first, s_last))
    rows = sorted(columns)
    if all(_covers(sorted(columns[row]), 0, side - 1) for row in rows):
        return _covers(rows, 0, side - 1)
    return area == side * side and not _overlap(rectangles)


def _covers(ranges: Ranges, first: int, last: int) -> bool:
    """Whether sorted ranges follow each other from `first` to `last`."""
    expected = first
    for low, high in ranges:
        if low != expected or high < low:
            return False
        expected = high + 1
    return expected == last + 1


def _overlap(rectangles: list[tuple[int, int, int, int]]) -> bool:
    return any(
        a[0] <= b[1] and b[0] <= a[1] and a[2] <= b[3] and b[2] <= a[3]
        for i, a in enumerate(rectangles)
        for b in rectangles[:i]
    )


def _check_maps(certificate: Any) -> Iterator[str]:
    families = {number: version for _, version, _, number in certificate["sources"]}
    profiles, endpoints = len(certificate["profiles"]), len(certificate["endpoints"])
    for number, rows in enumerate(certificate["maps"]):
        top = 2**32 - 1 if families.get(number) == 4 else 2**128 - 1
        if not _covers([(_int(row[0]), _int(row[1])) for row in rows], 0, top):
            yield f"map {number}: destination ranges are not a partition"
        if any(not 0 <= row[2] < profiles for row in rows):
            yield f"map {number}: unknown profile"
        if any(not 0 <= e < endpoints for row in rows for e in row[3]):
            yield f"map {number}: unknown endpoint"


def _int(address: int | str) -> int:
    return address if isinstance(address, int) else int(address, 16)


def _check_sources(certificate: Any) -> Iterator[str]:
    families: dict[int, set[int]] = defaultdict(set)
    spoken: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for endpoint, version, ranges, number in certificate["sources"]:
        families[number].add(version)
        spoken[endpoint, version] += [(_int(low), _int(high)) for low, high in ranges]
    if any(len(versions) > 1 for versions in families.values()):
        yield "a map serves two families"
    for number, endpoint in enumerate(certificate["endpoints"]):
        for version in (4, 6):
            owned = [(_int(low), _int(high)) for low, high in endpoint[f"v{version}"]]
            if _merged(owned) != _merged(spoken.pop((number, version), [])):
                yield f"{endpoint['name']}: sources are not its IPv{version} addresses, each once"
    if spoken:
        yield "sources of unknown endpoints"
    yield from _check_owners(certificate["endpoints"])


def _merged(ranges: Ranges) -> list[tuple[int, int]] | None:
    """Sorted and joined; None when they overlap."""
    out: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if out and low <= out[-1][1]:
            return None
        if out and low == out[-1][1] + 1:
            out[-1] = (out[-1][0], high)
        else:
            out.append((low, high))
    return out


def _check_owners(endpoints: Any) -> Iterator[str]:
    """No address of a VRF has two owners."""
    for version in (4, 6):
        by_vrf: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for endpoint in endpoints:
            by_vrf[endpoint["vrf"]] += [(_int(a), _int(b)) for a, b in endpoint[f"v{version}"]]
        for vrf, ranges in sorted(by_vrf.items()):
            if _merged(ranges) is None:
                yield f"{vrf}: two endpoints own the same IPv{version} address"


def _check_cells(certificate: Any) -> Iterator[str]:
    verdicts = [outcome["verdict"] for outcome in certificate["outcomes"]]
    opens = [any(verdicts[box[6]] in ("allow", "depends") for box in boxes)
             for boxes in certificate["profiles"]]  # fmt: skip
    groups = [endpoint["group"] for endpoint in certificate["endpoints"]]
    reached = [
        {groups[e] for row in rows if opens[row[2]] for e in row[3]} for rows in certificate["maps"]
    ]
    found = {(groups[e], group) for e, _, _, number in certificate["sources"]
             for group in reached[number]}  # fmt: skip
    for src, dst, state in certificate["cells"]:
        if (state == "open") != ((src, dst) in found):
            yield f"cell {src} → {dst} is called {state}, its regions say otherwise"
        found.discard((src, dst))
    if found:
        yield f"cells are missing: {sorted(found)}"


def sample(certificate: Any, random: Random, count: int) -> Iterator[Sample]:
    """Packets drawn by source, destination range and box: small regions as often as large ones."""
    for _ in range(count):
        endpoint, version, ranges, number = random.choice(certificate["sources"])
        low, high = random.choice(ranges)
        first, last, profile, _ = random.choice(certificate["maps"][number])
        box = random.choice(certificate["profiles"][profile])
        yield Sample(
            certificate["endpoints"][endpoint]["name"],
            version,
            random.randint(_int(low), _int(high)),
            random.randint(_int(first), _int(last)),
            random.randint(box[0], box[1]),
            random.randint(box[4], box[5]),
            random.randint(box[2], box[3]),
            tuple(certificate["outcomes"][box[6]]["reasons"]),
        )
