"""Longest prefix match over a sorted set of prefixes, as elementary segments.

Prefixes nest or are disjoint. A sweep cuts each address family where the most specific prefix
changes; a lookup is one binary search. `parent` gives the next shorter prefix around each, for
tables in which some prefixes are unusable.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fabric.plan.pools import bounds
from fabric.values.inventory import Prefix

I32 = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Segments:
    """One family: from `starts[i]` on, `prefix[i]` is the most specific prefix's number or -1."""

    version: int
    starts: list[int]
    prefix: I32

    def find(self, ips: Sequence[int]) -> I32:
        """The most specific prefix of each address."""
        if self.version == 4:
            starts = np.array(self.starts, np.int64)
            return self.prefix[np.searchsorted(starts, np.asarray(ips, np.int64), "right") - 1]
        places = np.array([bisect_right(self.starts, ip) - 1 for ip in ips], np.intp)
        return self.prefix[places]


def nest(prefixes: Sequence[Prefix]) -> tuple[I32, Segments, Segments]:
    """`parent`, IPv4 and IPv6 segments of prefixes sorted by family, address and length.

    >>> from ipaddress import ip_network
    >>> parent, v4, v6 = nest([ip_network("10.0.0.0/8"), ip_network("10.1.0.0/16")])
    >>> parent.tolist(), v4.prefix.tolist(), v6.prefix.tolist()
    ([-1, 0], [-1, 0, 1, 0, -1], [-1])
    """
    parent = np.full(len(prefixes), -1, np.int32)
    v4, v6 = (_sweep(prefixes, version, parent) for version in (4, 6))
    return parent, v4, v6


def _sweep(prefixes: Sequence[Prefix], version: int, parent: I32) -> Segments:
    top = 1 << (32 if version == 4 else 128)
    cuts = {0: -1}
    stack: list[tuple[int, int]] = []

    def close(upto: int) -> None:
        while stack and stack[-1][0] < upto:
            last, _ = stack.pop()
            cuts[last + 1] = stack[-1][1] if stack else -1

    for number, prefix in enumerate(prefixes):
        if prefix.version == version:
            first, last = bounds(prefix)
            close(first)
            parent[number] = stack[-1][1] if stack else -1
            stack.append((last, number))
            cuts[first] = number
    close(top)
    cuts.pop(top, None)
    starts = sorted(cuts)
    return Segments(version, starts, np.array([cuts[start] for start in starts], np.int32))
