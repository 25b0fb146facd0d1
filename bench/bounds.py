"""What the machine could do at best, as work on random IPv4 columns; see
`sim.kernels.match.bounds`."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from sim.classify.columns import Columns
from sim.classify.timing.timed import bounds as bounds_on


def best(rounds: int, **work: Callable[[], object]) -> dict[str, float]:
    """Least CPU seconds of this thread per piece of work, rounds interleaved."""
    least = dict.fromkeys(work, float("inf"))
    for _ in range(rounds + 1):
        for name, run in work.items():
            start = time.thread_time()
            run()
            least[name] = min(least[name], time.thread_time() - start)
    return least


def bounds(n: int) -> dict[str, Callable[[], object]]:
    """The bounds as work on `n` packets."""
    rng = np.random.default_rng(0)
    src, dst = rng.integers(0, 1 << 32, (2, n), np.uint32)
    sport, dport = rng.integers(0, 1 << 16, (2, n), np.uint16)
    found = bounds_on(Columns(src, dst, sport, dport, rng.integers(0, 256, n, np.uint8)))
    return {"stream 13+4 B": found["stream"], "12 gathers": found["gather12"]}
