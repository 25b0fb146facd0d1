"""Runs on an axis of ports, how many of them tables hold, and which ports lie in ranges as people
write them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabric.diagnostics import CloisonError
from fabric.values.ports import ANY, MAX_PORT, WITH_PORTS, PortRange, port_atoms

Bits = NDArray[np.bool_]


def countable(n: int) -> None:
    """Say so when atoms have more numbers than their tables hold."""
    if n > MAX_PORT + 1:
        raise CloisonError(f"rules tell {n:,} sets of ports apart, {MAX_PORT + 1:,} at most")


def runs(row: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where runs of equal values begin, and the value of each."""
    first = np.flatnonzero(np.r_[True, row[1:] != row[:-1]])
    return first, row[first].astype(np.int64)


def bounds(first: NDArray[np.int64]) -> list[tuple[int, int]]:
    """First and last port of runs that begin at these."""
    ends = [*(first[1:] - 1).tolist(), MAX_PORT]
    return list(zip(first.tolist(), ends, strict=True))


def consecutive(numbers: list[int]) -> list[tuple[int, int]]:
    """Sorted numbers as first and last of those that follow each other.

    >>> consecutive([1, 2, 5])
    [(1, 2), (5, 5)]
    """
    array = np.array(numbers)
    breaks = np.flatnonzero(np.diff(array) != 1)
    first = array[np.r_[0, breaks + 1]] if len(array) else array
    last = array[np.r_[breaks, len(array) - 1]] if len(array) else array
    return list(zip(first.tolist(), last.tolist(), strict=True))


def openers(protocol: int, ranges: Sequence[PortRange]) -> Iterator[tuple[tuple[int, int], Bits]]:
    """Source ports that the ranges do not tell apart, with the destination ports of each."""
    mine = [r for r in ranges if r.protocol in (ANY, protocol)]
    if protocol not in WITH_PORTS:
        yield (0, 0), ports_of(protocol, mine)
        return
    for first, last in port_atoms((r.source_first, r.source_last) for r in mine):
        here = [r for r in mine if r.source_first <= first and last <= r.source_last]
        yield (first, last), ports_of(protocol, here)


def ports_of(protocol: int, ranges: Sequence[PortRange]) -> Bits:
    """Which destination ports of a protocol lie in `ranges`; one element without ports."""
    ports = np.zeros(65536 if protocol in WITH_PORTS else 1, np.bool_)
    for wanted in ranges:
        if wanted.protocol in (ANY, protocol):
            if protocol in WITH_PORTS:
                ports[wanted.first : wanted.last + 1] = True
            else:
                ports[:] = True
    return ports
