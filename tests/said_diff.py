"""What a `Diff` says, as facts of `naive_diff`: rows taken at their word, nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from naive_diff import Fact, Twin
from naive_members import Unit, related

from fabric.values.wildcard import ranged
from sim.diff.diff import Change, Diff
from sim.diff.merged import RowEnd


def said(found: Diff, twin: Twin) -> set[Fact]:
    """Every fact that the rows claim."""
    return {fact for change in found.changes for fact in claims(found, change, twin)}


def claims(found: Diff, change: Change, twin: Twin) -> Iterator[Fact]:
    """One row's facts."""
    row = change.row
    atom = found.sides.space.atom
    for version in row.versions:
        numbers = [n for n, l4 in twin.numbered(version) if change.ports[atom(*l4)]]
        sources, targets = (spots(twin, change, end, version) for end in (row.source, row.target))
        for source, target in product(sources, targets):
            if skipped(twin, source, target, version):
                continue
            for own in hosts(twin, change, version):
                for number in numbers:
                    yield row.kind, shown(source), shown(target), own, version, number


Spot = tuple[str, int] | Unit


def shown(spot: Spot) -> object:
    return spot.name if isinstance(spot, Unit) else spot


def spots(twin: Twin, change: Change, end: RowEnd, version: int) -> list[Spot]:
    """Members or addresses that an end of a row stands for."""
    new = change.kind in ("gained", "steady")
    here, there = (1, 0) if new else (0, 1)
    if end.addresses:
        return [
            (end.name, x)
            for x in twin.axis[version]
            if any(v == version and a <= x <= b for v, a, b in end.addresses)
        ]
    for side in (here, there):
        peers = {u.peer for u in twin.units[side] if display(twin, u.peer) == end.name}
        members = [u for u in twin.units[side] if u.peer in peers and u.version == version]
        if any(u.peer in peers for u in twin.units[side]):
            return [u for u in members if not end.members or u.name in end.members]
    raise AssertionError(f"nobody is called {end.name}")


def display(twin: Twin, peer: str) -> str:
    """A peer as people call it: a single host, or one of one world, by its own name."""
    name, _, only = peer.partition(" ")
    if "/@node/" not in name:
        return name
    names = {u.name for side in twin.units for u in side if u.peer == peer}
    first = name.removesuffix("*").partition("*@")[0]
    return first + ranged(n.removeprefix(first) for n in names) if only or len(names) == 1 else name


def hosts(twin: Twin, change: Change, version: int) -> list[bool]:
    """Whether a row is about nodes and pods of the same host, of others, or both."""
    match change.row.hosts:
        case "same":
            return [True]
        case "other":
            return [False]
    if change.row.source.addresses or change.row.target.addresses:
        return [False]
    ends = (change.row.source, change.row.target)
    for side in twin.units:
        a, b = (
            [
                u
                for u in side
                if display(twin, u.peer) == end.name
                and u.version == version
                and (not end.members or u.name in end.members)
            ]
            for end in ends
        )
        if any(related(x, y) for x in a for y in b):
            return [False, True]
    return [False]


def skipped(twin: Twin, source: Spot, target: Spot, version: int) -> bool:
    """Addresses between ranges that are not outside for the member in question."""
    for spot, other in ((source, target), (target, source)):
        if not isinstance(spot, Unit) and isinstance(other, Unit):
            for _, v, a, b in twin.joints:
                if v == version and other in (*a, *b) and twin.taken(a, b, version, spot[1]):
                    return True
    return False
