"""Sets of addresses in words: `192.0.2.0/25, 198.51.100.7/32 and 3 more blocks`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, summarize_address_range
from typing import Any

from compiler.program.program import Intervals
from compiler.program.space import union

SHOWN = 3


def blocks_of(ranges: Intervals, version: int) -> tuple[str, ...]:
    """Ranges as prefixes.

    >>> blocks_of(((0x0A000000, 0x0A0000FF), (7, 7)), 4)
    ('10.0.0.0/24', '0.0.0.7/32')
    """
    kind: Any = IPv4Address if version == 4 else IPv6Address
    return tuple(str(b) for a, z in ranges for b in summarize_address_range(kind(a), kind(z)))


def listed(blocks: Sequence[str]) -> str:
    """The first few of them.

    >>> listed(["a", "b", "c", "d", "e"]), listed(["a"])
    ('a, b, c and 2 more blocks', 'a')
    """
    left = len(blocks) - SHOWN
    more = f" and {left} more block{'s' if left > 1 else ''}" if left > 0 else ""
    return ", ".join(blocks[:SHOWN]) + more


def from_to(sources: Sequence[str], targets: Sequence[str]) -> str:
    """Where from and where to, as far as either is said.

    >>> from_to(["10.0.0.0/8"], []), from_to(["a"], ["b"]), from_to([], [])
    ('from 10.0.0.0/8', 'from a to b', '')
    """
    ends = (("from", sources), ("to", targets))
    return " ".join(f"{word} {listed(blocks)}" for word, blocks in ends if blocks)


def rectangles(pairs: Iterable[tuple[Intervals, Intervals]]) -> list[tuple[Intervals, Intervals]]:
    """Pairs of sets, put together where each of one has all of the other: what `from_to` may say.

    >>> a, b, c, d = ((1, 1),), ((2, 2),), ((8, 8),), ((9, 9),)
    >>> rectangles([(a, c), (b, c), (a, d), (b, d)])
    [(((1, 2),), ((8, 9),))]
    >>> rectangles([(a, c), (b, c), (b, d)])
    [(((1, 1),), ((8, 8),)), (((2, 2),), ((8, 9),))]
    """
    rows: dict[Intervals, list[tuple[int, int]]] = defaultdict(list)
    for source, target in pairs:
        rows[source] += target
    columns: dict[Intervals, list[tuple[int, int]]] = defaultdict(list)
    for source, targets in rows.items():
        columns[union(targets)] += source
    return sorted((union(sources), targets) for targets, sources in columns.items())
