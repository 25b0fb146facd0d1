"""Differences as sets of packets: what was approved holds what there is, or it does not.

A region is a kind of change, an IP version, and three sets whose product it is: who sends, who
receives, and layer 4. Ends are addresses of a named owner in a named VRF, so that neither an
address that somebody else has by now, nor a name that stands for other addresses, nor the same
prefix in another VRF is the same packet. Regions are taken from the parts of a comparison, which
are exact, and not from its sentences, which name peers.

Rules that hold here:

1. `beyond` is exact: every packet of what is left is in a region and in none of the others.
2. Regions of other kinds, versions, or of nodes and their own pods (`own`) have no packet in
   common.
3. What further fields of a header limit (`Box.fields`) is in common only where they are the same,
   or where the other side has none: more may be left than there is, never less.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from fabric.values.interval_sets import Intervals, intersect, subtract, union
from fabric.values.ports import ALL_PORTS, WITH_PORTS
from sim.blocks.port_sets import Box
from sim.diff.outside import Outside
from sim.diff.parts import Outer, Part, parts, side_where
from sim.diff.peers import Joint
from sim.diff.side_by_side import Sides

Owner = tuple[str, str]
"""VRF and name."""
End = tuple[tuple[Owner, Intervals], ...]
"""Addresses by owner, sorted; none is empty."""


@dataclass(frozen=True, slots=True)
class AccessRegion:
    """Packets of IP `version` from `source` to `target` on `ports` of which the same became."""

    kind: str
    version: int
    own: bool
    source: End
    target: End
    ports: tuple[Box, ...]

    @property
    def key(self) -> tuple[str, int, bool]:
        """What two regions must have in common to have a packet in common (rule 2)."""
        return self.kind, self.version, self.own


def regions(sides: Sides) -> list[AccessRegion]:
    """Everything that differs in access, sorted."""
    outside = Outside.of(sides.old.reach, sides.new.reach)
    out = [region(sides, part) for part in parts(sides, outside)]
    return sorted(dict.fromkeys(out), key=_order)


def region(sides: Sides, part: Part) -> AccessRegion:
    """A part as sets of packets."""
    return AccessRegion(
        part.kind,
        part.version,
        part.own,
        _end(sides, part, part.source),
        _end(sides, part, part.target),
        tuple(map(_plain, sides.space.allowed(np.frombuffer(part.bits, np.bool_)))),
    )


def _plain(box: Box) -> Box:
    """A box without ports of protocols that have none."""
    first, last = box.protocols
    ported = any(first <= protocol <= last for protocol in WITH_PORTS)
    return box if ported else replace(box, dport=ALL_PORTS, sport=ALL_PORTS)


def _order(region: AccessRegion) -> tuple[object, ...]:
    return (
        region.key,
        region.source,
        region.target,
        [(b.protocols, b.dport, b.sport) for b in region.ports],
    )


def _end(sides: Sides, part: Part, end: Joint | Outer) -> End:
    if isinstance(end, Outer):
        return (((end.vrf, end.owner), union(end.ranges)),)
    for side in side_where(sides, part):
        number = end.new if side is sides.new else end.old
        if number >= 0:
            of = side.classes[number]
            units = (((of.key.vrf, u.name), (u.address, u.address)) for u in of.units)
            return end_of(units)
    return ()


def end_of(found: Iterable[tuple[Owner, tuple[int, int]]]) -> End:
    """Ranges of addresses by owner."""
    by: dict[Owner, list[tuple[int, int]]] = defaultdict(list)
    for owner, span in found:
        by[owner].append(span)
    return tuple(sorted((owner, union(spans)) for owner, spans in by.items()))


def beyond(found: Iterable[AccessRegion], given: Iterable[AccessRegion]) -> list[AccessRegion]:
    """What of regions is in none of those given; rule 1."""
    by: dict[tuple[str, int, bool], list[AccessRegion]] = defaultdict(list)
    for one in given:
        by[one.key].append(one)
    out = []
    for region in found:
        left = [region]
        for less in by[region.key]:
            left = [piece for one in left for piece in _minus(one, less)]
        out += left
    return out


def _minus(region: AccessRegion, less: AccessRegion) -> Iterator[AccessRegion]:
    source, target = _both(region.source, less.source), _both(region.target, less.target)
    ports = [b for a in region.ports for c in less.ports if (b := _common(a, c)) is not None]
    if not (source and target and ports):
        yield region
        return
    if rest := _rest(region.source, less.source):
        yield replace(region, source=rest)
    if rest := _rest(region.target, less.target):
        yield replace(region, source=source, target=rest)
    if boxes := _left(region.ports, less.ports):
        yield replace(region, source=source, target=target, ports=boxes)


def _both(a: End, b: End) -> End:
    theirs = dict(b)
    found = ((owner, intersect(mine, theirs.get(owner, ()))) for owner, mine in a)
    return tuple((owner, ranges) for owner, ranges in found if ranges)


def _rest(a: End, b: End) -> End:
    theirs = dict(b)
    found = ((owner, subtract(mine, theirs.get(owner, ()))) for owner, mine in a)
    return tuple((owner, ranges) for owner, ranges in found if ranges)


def _common(a: Box, b: Box) -> Box | None:
    """Packets of both boxes; rule 3."""
    if b.fields not in ((), a.fields):
        return None
    pairs = ((a.protocols, b.protocols), (a.dport, b.dport), (a.sport, b.sport))
    protocols, dport, sport = ((max(x[0], y[0]), min(x[1], y[1])) for x, y in pairs)
    real = all(low <= high for low, high in (protocols, dport, sport))
    return Box(protocols, dport, sport, a.fields) if real else None


def _left(boxes: Iterable[Box], less: Iterable[Box]) -> tuple[Box, ...]:
    left = list(boxes)
    for other in less:
        left = [piece for box in left for piece in _around(box, other)]
    return tuple(left)


def _around(box: Box, less: Box) -> Iterator[Box]:
    """A box without another one, as boxes."""
    inner = _common(box, less)
    if inner is None:
        yield box
        return
    for axis in ("protocols", "dport", "sport"):
        low, high = getattr(box, axis)
        first, last = getattr(inner, axis)
        if low < first:
            yield replace(box, **{axis: (low, first - 1)})
        if last < high:
            yield replace(box, **{axis: (last + 1, high)})
        box = replace(box, **{axis: (first, last)})
