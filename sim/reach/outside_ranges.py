"""Ranges of addresses of the outside: those that fare alike together, and in words."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

Range = tuple[int, int, int, tuple[int, ...]]
"""IP version, first and last address, and what applies to them."""


def joined(ranges: list[Range], wanted: tuple[int, ...]) -> Iterator[str]:
    """The ranges with the wanted sets, neighbours joined: what lies between is not outside."""
    runs: list[tuple[int, int, int]] = []
    before: tuple[int, tuple[int, ...]] = (0, ())
    for version, first, last, sets in ranges:
        if sets == wanted:
            together = before == (version, wanted)
            runs.append((version, runs.pop()[1] if together else first, last))
        before = (version, sets)
    for run in runs:
        yield from range_words(*run)


def range_words(version: int, first: int, last: int) -> Iterator[str]:
    """A range as one prefix if it is one, else as `first-last`.

    >>> [*range_words(4, 0, 2**32 - 1), *range_words(4, 1, 3)]
    ['0.0.0.0/0', '0.0.0.1-0.0.0.3']
    """
    width, make = (32, IPv4Address) if version == 4 else (128, IPv6Address)
    size = last - first + 1
    if size & (size - 1) or first & (size - 1):
        yield f"{make(first)}-{make(last)}"
    else:
        yield f"{make(first)}/{width + 1 - size.bit_length()}"
