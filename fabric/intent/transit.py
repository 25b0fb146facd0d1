"""Transit: what a VRF gets from behind a neighbour.

An intent is derived between two VRFs that have none, along each shortest path of intents that are
all marked `transit`, whatever other intents these VRFs have. Its ports are the intersection along
the path, and a side may open connections when it may do so on every step. Nothing new is exported:
the far side merely imports the route target of an offer that exists already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce

from fabric.intent.offers import Intent, Offer
from fabric.values.ports import ANY, PortRange


def derived(direct: Sequence[Intent]) -> Iterator[Intent]:
    """Intents over shortest paths of two or more transit intents."""
    transit = [intent for intent in direct if intent.transit]
    adjacent: dict[str, list[Intent]] = {}
    for intent in transit:
        adjacent.setdefault(intent.a, []).append(intent)
        adjacent.setdefault(intent.b, []).append(intent)
    for start in sorted(adjacent):
        near = {start} | {i.other(start) for i in direct if start in (i.a, i.b)}
        reached = {start} | {i.other(start) for i in adjacent[start]}
        paths: list[tuple[str, tuple[Intent, ...]]]
        paths = [(i.other(start), (i,)) for i in adjacent[start]]
        while paths:
            paths = [
                (step.other(end), (*path, step))
                for end, path in paths
                for step in adjacent[end]
                if step.other(end) not in reached
            ]
            found = (
                along(start, end, path) for end, path in paths if start < end and end not in near
            )
            yield from (intent for intent in found if intent is not None)
            reached |= {end for end, _ in paths}


def along(start: str, end: str, path: tuple[Intent, ...]) -> Intent | None:
    """What a transit path amounts to between its ends; None when neither may open anything."""
    stops = [start]
    for step in path:
        stops.append(step.other(stops[-1]))
    opens = set()
    if all(here in step.opens for here, step in zip(stops, path, strict=False)):
        opens.add(start)
    if all(there in step.opens for there, step in zip(stops[1:], path, strict=True)):
        opens.add(end)
    common = reduce(intersect_ports, (step.ports for step in path))
    if not opens or not common:
        return None
    offers = tuple(
        Offer(offer.key, near, far, offer.prefixes, offer.span)
        for near, far, step in ((start, end, path[0]), (end, start, path[-1]))
        for offer in step.offers
        if offer.exporter == near
    )
    kind = "leak" if any(step.kind == "leak" for step in path) else "peering"
    via = tuple(step.name for step in path)
    name = " + ".join(via)
    return Intent(kind, name, start, end, offers, frozenset(opens), common, path[0].span, True, via)


def intersect_ports(
    some: tuple[PortRange, ...], others: tuple[PortRange, ...]
) -> tuple[PortRange, ...]:
    """The ranges that both allow.

    >>> list(map(str, intersect_ports((PortRange(),), (PortRange(6, 80, 90),))))
    ['80-90/tcp']
    """
    out = set()
    for a in some:
        for b in others:
            first, last = max(a.first, b.first), min(a.last, b.last)
            low, high = max(a.source_first, b.source_first), min(a.source_last, b.source_last)
            alike = a.protocol == b.protocol or ANY in (a.protocol, b.protocol)
            if first <= last and low <= high and alike:
                out.add(PortRange(max(a.protocol, b.protocol), first, last, low, high))
    return tuple(sorted(out))
