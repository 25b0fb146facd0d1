"""Boxes of protocols and ports against ports as people write them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from fabric.values.ports import ANY, ICMP4, ICMP6, PortRange, sent
from sim.checker.document.fields import plain
from sim.checker.document.partitions import PORTED
from sim.checker.document.regions import Box


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
            if any(r.first <= d <= r.last and r.source_first <= s <= r.source_last for r in mine):
                covered += size
        some, others = some or covered > 0, others or covered < area
    return some, others


def _told_apart(box: Box, ports: Sequence[PortRange]) -> Iterator[int]:
    """Protocols of a box, one for all that the ports do not tell apart."""
    special = {*PORTED, ICMP4, ICMP6, *(r.protocol for r in ports)}
    for first, last in plain(*box[:2]):
        yield from sorted(p for p in special if first <= p <= last)
        rest = next((p for p in range(first, last + 1) if p not in special), None)
        if rest is not None:
            yield rest


def _pieces(box: Box, ports: Sequence[PortRange]) -> Iterator[tuple[int, int, int]]:
    """Destination port, source port and size of rectangles that no range cuts."""
    d = _cut(box[2], box[3], [(r.first, r.last) for r in ports])
    s = _cut(box[4], box[5], [(r.source_first, r.source_last) for r in ports])
    for d_first, d_end in itertools.pairwise(d):
        for s_first, s_end in itertools.pairwise(s):
            yield d_first, s_first, (d_end - d_first) * (s_end - s_first)


def _cut(first: int, last: int, ranges: Sequence[tuple[int, int]]) -> list[int]:
    """Where atoms of `first` to `last` begin, and the end."""
    cuts = {x for low, high in ranges for x in (low, high + 1) if first < x <= last}
    return [first, *sorted(cuts), last + 1]
