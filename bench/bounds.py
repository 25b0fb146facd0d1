"""What the machine could do at best: kernels that do nothing but move bytes or gather.

`gather12` does twelve independent look-ups per packet into a 256 KiB table, about as many as the
datapath needs, with nothing depending on anything: no classifier of that kind can be faster.
`stream` reads and writes as many bytes per packet as the datapath's columns hold.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

TABLE = np.arange(1 << 16, dtype=np.uint32)


@njit(nogil=True, cache=True)
def gather12(table: Any, keys: Any, out: Any) -> None:
    """Twelve look-ups per key."""
    mask = np.uint64(len(table) - 1)
    for i in range(len(keys)):
        key, total = keys[i], np.uint32(0)
        for k in range(12):
            total += table[(key >> np.uint64(k)) & mask]
        out[i] = total


@njit(nogil=True, cache=True)
def stream(words: Any, out: Any) -> None:
    """Read eight words and write three per packet."""
    for i in range(out.shape[0]):
        out[i, 0] = words[i, 0] + words[i, 1] + words[i, 2]
        out[i, 1] = words[i, 3] + words[i, 4] + words[i, 5]
        out[i, 2] = words[i, 6] + words[i, 7]


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
    keys, out = rng.integers(0, 2**63, n).astype(np.uint64), np.empty(n, np.uint32)
    words, sums = rng.integers(0, 2**63, (n, 8)), np.empty((n, 3), np.int64)
    return {
        "stream 64+24 B": lambda: stream(words, sums),
        "12 gathers": lambda: gather12(TABLE, keys, out),
    }
