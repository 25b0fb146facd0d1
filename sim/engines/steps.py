"""Steps of prefix lengths: the few lengths to which a side's prefixes are cut for hashing.

A prefix of length 29 that is hashed by its first 28 bits shares its key with at most one other /29:
little is lost, and one table does for both lengths. The steps are those that lose the fewest bits
over all prefixes, found by dynamic programming over the 33 lengths.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compiler.ruleset import I64

LENGTHS = 33


def best_steps(length: NDArray[np.uint8], most: int) -> I64:
    """At most `most` lengths, ascending; the first is that of the shortest prefix.

    >>> best_steps(np.array([0, 24, 24, 25, 32, 32, 32], np.uint8), 3).tolist()
    [0, 24, 32]
    """
    count = np.bincount(length, minlength=LENGTHS).astype(np.int64)
    present = np.flatnonzero(count).tolist() or [0]
    loss = {
        (i, j): sum(int(count[n]) * (n - present[i]) for n in present[i:j])
        for i in range(len(present))
        for j in range(i + 1, len(present) + 1)
    }
    end = len(present)
    best = {(end, 0): (0, end)}
    for steps in range(1, most + 1):
        for i in range(end - 1, -1, -1):
            options = [
                (loss[i, j] + best[j, steps - 1][0], j)
                for j in range(i + 1, end + 1)
                if (j, steps - 1) in best
            ]
            if options:
                best[i, steps] = min(options)
    steps = min(range(1, most + 1), key=lambda n: (best.get((0, n), (1 << 62, 0))[0], n))
    out, at = [], 0
    while at < end:
        out.append(present[at])
        at, steps = best[at, steps][1], steps - 1
    return np.array(out, np.int64)


def step_of(length: NDArray[np.uint8], steps: I64) -> I64:
    """Which step each length is cut to."""
    number: I64 = np.searchsorted(steps, length, "right") - 1
    return number
