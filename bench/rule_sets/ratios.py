"""How many times as fast: by the least and by the median seconds, and both must hold for a claim to
hold (`sim.classify.timing.rounds`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sim.classify.timing.rounds import Timing


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as fast: by the least and by the median seconds."""

    least: float
    median: float


def ratio(slower: Timing, faster: Timing) -> Ratio:
    """How many times the first takes of what the second takes."""
    return Ratio(slower.least / faster.least, slower.median / faster.median)


def best(timings: Mapping[str, Timing]) -> Timing:
    """The least of the minima and the least of the medians: the best of several algorithms."""
    return Timing(
        min(timing.least for timing in timings.values()),
        min(timing.median for timing in timings.values()),
    )
