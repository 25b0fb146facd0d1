"""Boxes of protocols and ports against ports as people write them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from fabric.ports import ANY, MAX_PORT, PortRange
from sim.checker.partitions import PORTED
from sim.checker.regions import Box

ICMP = {1: 4, 58: 6}


def sent(protocol: int, version: int) -> bool:
    """Whether hosts send packets of a protocol inside an IP version (RFC 792, RFC 4443)."""
    return ICMP.get(protocol, version) == version


def within(box: Box, ports: Sequence[PortRange], version: int) -> tuple[bool, bool]:
    """Whether a box has packets of these ports, and whether it has others; of all that hosts send
    inside an IP version."""
    some = others = False
    for protocol in _told_apart(box, ports):
        if not sent(protocol, version):
            continue
        mine = [r for r in ports if r.protocol in (ANY, protocol)]
        if protocol not in PORTED:
            some, others = some or bool(mine), others or not mine
            continue
        area = covered = 0
        for d, s, size in _pieces(box, mine):
            area += size
            if any(r.first <= d <= r.last and _source(r)[0] <= s <= _source(r)[1] for r in mine):
                covered += size
        some, others = some or covered > 0, others or covered < area
    return some, others


def _told_apart(box: Box, ports: Sequence[PortRange]) -> Iterator[int]:
    """Protocols of a box, one for all that the ports do not tell apart."""
    first, last = box[:2]
    special = {*PORTED, *ICMP, *(r.protocol for r in ports)}
    yield from sorted(p for p in special if first <= p <= last)
    rest = next((p for p in range(first, last + 1) if p not in special), None)
    if rest is not None:
        yield rest


def _pieces(box: Box, ports: Sequence[PortRange]) -> Iterator[tuple[int, int, int]]:
    """Destination port, source port and size of rectangles that no range cuts."""
    d = _cut(box[2], box[3], [(r.first, r.last) for r in ports])
    s = _cut(box[4], box[5], [_source(r) for r in ports])
    for d_first, d_end in itertools.pairwise(d):
        for s_first, s_end in itertools.pairwise(s):
            yield d_first, s_first, (d_end - d_first) * (s_end - s_first)


def _cut(first: int, last: int, ranges: Sequence[tuple[int, int]]) -> list[int]:
    """Where stretches of `first` to `last` begin, and the end."""
    cuts = {x for low, high in ranges for x in (low, high + 1) if first < x <= last}
    return [first, *sorted(cuts), last + 1]


def _source(ports: PortRange) -> tuple[int, int]:
    """Source ports of a range; those that say nothing of them mean all."""
    return getattr(ports, "source_first", 0), getattr(ports, "source_last", MAX_PORT)
