"""Which paths of a pair of endpoints are asked about, where ends are addresses and not endpoints.

Rules that hold here:

1. Whoever asks by a name asks about all of a pair's paths; by addresses (`sim.proof.pairs.narrow`)
   about those from and to classes that hold some of these. Addresses of a class fare alike, so what
   passes there passes from and to exactly the part that was asked for.
2. Classes that pass the same make one part, as far as every source of it meets every destination.
3. A part says its addresses only of an end that owns others too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from compiler.program.ownership import Owned, owned_addresses
from fabric.values.interval_sets import Intervals, intersect
from sim.names.address_words import blocks_of, rectangles
from sim.proof.pairs.narrow import Limits, inside
from sim.proof.pairs.reachability import Bits, Reach
from sim.proof.routes.paths import Column

Addresses = tuple[tuple[str, ...], tuple[str, ...]]
"""Of source and destination as prefixes; empty: all that the end has."""
ALL: Addresses = ((), ())


@dataclass(frozen=True, slots=True)
class Asked:
    """Paths of one pair (row of `Reach.pairs`) on which the L4 atoms `bits` pass."""

    pair: int
    bits: Bits
    paths: Column
    addresses: Addresses = ALL


def asked_parts(
    reach: Reach, rows: Sequence[int], masks: Mapping[int, Bits], limits: Limits
) -> Iterator[Asked]:
    """What passes of some pairs, within a mask per IP version."""
    pairs, owned = reach.pairs, reach.network.once(owned_addresses) if limits else {}
    kept: dict[tuple[int, int], Bits] = {}
    for i in rows:
        version = int(pairs.version[i])
        paths: Column = np.arange(pairs.first[i], pairs.last[i])
        if not limits:
            some = int(pairs.some[i]), version
            if some not in kept:
                mask = reach.space.of_version(masks[version], version)
                kept[some] = reach.sets[some[0]] & mask
            yield Asked(i, kept[some], paths)
        elif version in limits.versions:
            mask = reach.space.of_version(masks[version], version)
            yield from _within(reach, i, paths, mask, limits, owned)


def _within(
    reach: Reach, pair: int, paths: Column, mask: Bits, limits: Limits, owned: Owned
) -> Iterator[Asked]:
    version = int(reach.pairs.version[pair])
    by_class: dict[tuple[int, int], list[int]] = defaultdict(list)
    for path in paths.tolist():
        by_class[int(reach.paths.src_class[path]), int(reach.paths.dst_class[path])].append(path)
    alike: dict[bytes, tuple[Bits, list[int], list[tuple[Intervals, Intervals]]]] = {}
    for classes, mine in by_class.items():
        bits: Bits = reach.sets[reach.path_set[mine]].any(axis=0) & mask
        if not bits.any() or not inside(reach, limits, *classes):
            continue
        _, some, ends = alike.setdefault(bits.tobytes(), (bits, [], []))
        some += mine
        source, target = (
            ranges if limit is None else intersect(ranges, limit)
            for ranges, limit in zip(
                map(reach.refinements.ranges, classes), limits.of(version), strict=True
            )
        )
        ends.append((source, target))
    both = int(reach.pairs.src[pair]), int(reach.pairs.dst[pair])
    for bits, some, ends in alike.values():
        for found in rectangles(ends):
            sources, targets = (
                () if ranges == owned[end][version == 6] else blocks_of(ranges, version)
                for end, ranges in zip(both, found, strict=True)
            )
            yield Asked(pair, bits, np.array(some), (sources, targets))
