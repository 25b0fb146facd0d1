"""What passes of protocols and ports as a list of rules of which the first match decides.

Where rules know single ports alone, a range costs a rule for each of its ports, and a pair of
ranges one for each pair. So of each protocol that is written which is less: what passes or what
does not, before a rule for the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from compiler.targets.nvue.flat_policy import EVERY_PORT, Band, Bands, Openings
from fabric.values.interval_sets import Intervals, subtract
from fabric.values.ports import ANY, MAX_PORT

SCTP = 132


@dataclass(frozen=True, slots=True)
class RuleLimits:
    """What rules can say. `ranges`: of a range of ports what they say of one; `sctp`: anything of
    ports of SCTP, without which none of it passes that is not open on all."""

    ranges: bool
    sctp: bool


class L4Rule(NamedTuple):
    """A rule; ports are first and last, None is any."""

    permit: bool
    protocol: int = ANY
    sport: tuple[int, int] | None = None
    dport: tuple[int, int] | None = None


def port_rules(openings: Openings, limits: RuleLimits) -> Iterator[L4Rule]:
    """The rules of some openings; the last one matches everything."""
    for protocol, bands in openings.named:
        permit, listed, rest = shorter(said(protocol, bands, limits), openings.others, limits)
        for first, last, dports in listed:
            for sport in parts(first, last, limits):
                for dport in (part for span in dports for part in parts(*span, limits)):
                    yield L4Rule(permit, protocol, sport, dport)
        if rest:
            yield L4Rule(not permit, protocol)
    yield L4Rule(openings.others)


def count(openings: Openings, limits: RuleLimits) -> int:
    """How many rules that makes, without making them."""
    chosen = (
        shorter(said(protocol, bands, limits), openings.others, limits)
        for protocol, bands in openings.named
    )
    return 1 + sum(cost(listed, limits) + rest for _, listed, rest in chosen)


def said(protocol: int, bands: Bands, limits: RuleLimits) -> Bands:
    """What can be said of the ports of a protocol."""
    return bands if protocol != SCTP or limits.sctp or bands == EVERY_PORT else ()


def shorter(bands: Bands, others: bool, limits: RuleLimits) -> tuple[bool, Bands, bool]:
    """What to write of a protocol before the rules for all others: whether it permits, what it
    lists, and whether a rule about the rest of the protocol follows."""
    stopping = complement(bands)
    ways = (True, bands, others and bool(stopping)), (False, stopping, not others and bool(bands))
    return min(ways, key=lambda way: cost(way[1], limits) + way[2])


def cost(bands: Bands, limits: RuleLimits) -> int:
    """How many rules some ports take."""
    return sum(
        wide(first, last, limits) * sum(wide(*span, limits) for span in dports)
        for first, last, dports in bands
    )


def wide(first: int, last: int, limits: RuleLimits) -> int:
    """How many rules a range of ports takes: all of them are one."""
    return 1 if limits.ranges or (first, last) == (0, MAX_PORT) else last - first + 1


def parts(first: int, last: int, limits: RuleLimits) -> Iterator[tuple[int, int] | None]:
    """The rules of a range of ports."""
    if (first, last) == (0, MAX_PORT):
        yield None
    elif limits.ranges:
        yield first, last
    else:
        yield from ((port, port) for port in range(first, last + 1))


def complement(bands: Bands) -> Bands:
    """The ports that are not in bands.

    >>> complement(((0, 65535, ((80, 80),)),))
    ((0, 65535, ((0, 79), (81, 65535))),)
    """
    every: Intervals = ((0, MAX_PORT),)
    out: list[Band] = [(*gap, every) for gap in subtract(every, tuple((a, b) for a, b, _ in bands))]
    for first, last, dports in bands:
        if left := subtract(every, dports):
            out.append((first, last, left))
    return tuple(sorted(out))
