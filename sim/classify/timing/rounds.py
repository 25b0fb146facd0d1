"""`measure`: contenders in interleaved rounds on one core, the only comparison that a shared
machine allows. Minimum and median are kept.

While a contender runs, the thread is pinned and, where the machine permits, of real-time priority;
both are put back.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

ROUNDS = 9
LEAST_SECONDS = 0.01
"""A shorter run is repeated within its round until it takes about as long."""
PRIORITY = 50
MOST_REPEATS = 1000


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of one run."""

    least: float
    median: float


def measure(
    contenders: Mapping[str, Callable[[], object]], rounds: int = ROUNDS
) -> dict[str, Timing]:
    """Seconds per run of each contender; each is run once before anything counts.

    >>> found = measure({"a": lambda: sum(range(100)), "b": lambda: sum(range(3000))}, rounds=3)
    >>> found["b"].median > found["a"].median
    True
    """
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    repeats = {name: _repeats(run) for name, run in contenders.items()}
    for _ in range(rounds):
        for name, run in contenders.items():
            with alone():
                begin = time.perf_counter()
                for _ in range(repeats[name]):
                    run()
                seconds[name].append((time.perf_counter() - begin) / repeats[name])
    return {name: Timing(min(found), statistics.median(found)) for name, found in seconds.items()}


@contextmanager
def alone() -> Iterator[None]:
    """On one core, before everyone else where that is permitted."""
    affinity = os.sched_getaffinity(0)
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    os.sched_setaffinity(0, {max(affinity)})
    try:
        if realtime():
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
        yield
    finally:
        os.sched_setscheduler(0, policy, parameters)
        os.sched_setaffinity(0, affinity)


def realtime() -> bool:
    """Whether this process may have real-time priority."""
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    except PermissionError:
        return False
    os.sched_setscheduler(0, policy, parameters)
    return True


def _repeats(run: Callable[[], object]) -> int:
    """How often a run fits into a round; warms everything up on the way."""
    run()
    begin = time.perf_counter()
    run()
    taken = time.perf_counter() - begin
    return max(1, min(MOST_REPEATS, round(LEAST_SECONDS / max(taken, 1e-9))))
