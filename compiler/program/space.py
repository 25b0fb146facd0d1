"""The axes of the header space: addresses as sets of integers (`fabric.values.interval_sets`)."""

from __future__ import annotations

from collections.abc import Iterable

from compiler.program.program import ALL_V4, ALL_V6, Intervals
from fabric.values.interval_sets import intersect as intersect
from fabric.values.interval_sets import subtract as subtract
from fabric.values.interval_sets import union as union
from fabric.values.inventory import Prefix


def interval(prefix: Prefix) -> tuple[int, int]:
    """First and last address of a prefix."""
    return int(prefix.network_address), int(prefix.broadcast_address)


def of_prefixes(prefixes: Iterable[Prefix], version: int) -> Intervals:
    """The addresses of one family."""
    return union(interval(p) for p in prefixes if p.version == version)


def everything(version: int) -> Intervals:
    """The whole axis of a family."""
    return ALL_V4 if version == 4 else ALL_V6
