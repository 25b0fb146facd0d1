"""Steps of prefix lengths: the few lengths to which a side's prefixes are cut for hashing.

A prefix of length 29 that is hashed by its first 28 bits shares its key with at most one other /29:
little is lost, and one table does for both lengths. Cutting a /9 to four bits puts hundreds of
rules into one chain. The steps are those with which the fewest pairs of rules share a key, found on
a sample by dynamic programming over the lengths.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.classify.ruleset import I64

SAMPLE = 4096


class Sharing(NamedTuple):
    """`pairs[i, j]`: how many pairs of prefixes share a key if the lengths `lengths[i:j]` are cut
    to the first of them."""

    lengths: I64
    pairs: I64


def sharing(first: NDArray[np.uint32], length: NDArray[np.uint8]) -> Sharing:
    """Count them, on a sample if there are many."""
    from sim.kernels.match.paint import count_sharing

    lengths = np.unique(length).astype(np.int64)
    pairs = np.zeros((len(lengths), len(lengths) + 1), np.int64)
    if len(first) > SAMPLE:
        picked = np.linspace(0, len(first) - 1, SAMPLE).astype(np.int64)
        first, length = first[picked], length[picked]
    order = np.argsort(first, kind="stable")
    length = length[order]
    by_length = np.argsort(length, kind="stable")
    end = np.searchsorted(length[by_length], lengths, "right")
    group, count = np.empty((2, len(first)), np.int64)
    count_sharing(first[order], by_length, end, lengths, group, count, pairs)
    return Sharing(lengths, pairs)


def best_steps(counted: Sharing, most: int) -> list[I64]:
    """For each number up to `most`, at most so many lengths, ascending; the first is that of the
    shortest prefix, 0 without any.

    >>> first = np.array([0, 1 << 8, 2 << 8, 3 << 8, 7, 8, 9], np.uint32)
    >>> counted = sharing(first, np.array([0, 24, 24, 25, 32, 32, 32], np.uint8))
    >>> [steps.tolist() for steps in best_steps(counted, 3)]
    [[0], [0, 24], [0, 24, 32]]
    """
    lengths, pairs = counted
    n = len(lengths)
    if n == 0:
        return [np.zeros(1, np.int64)] * most
    never = np.iinfo(np.int64).max >> 1
    price = np.where(np.arange(n + 1) > np.arange(n)[:, None], pairs, never)
    best = np.append(np.full(n, never), 0)
    following, out = list[I64](), list[I64]()
    for _ in range(most):
        options = price + best
        following.append(options.argmin(axis=1))
        best = np.append(np.minimum(options.min(axis=1), never), 0)
        steps, at = list[int](), 0
        for choice in reversed(following):
            if at < n:
                steps.append(at)
                at = int(choice[at])
        out.append(lengths[steps])
    return out


def step_of(length: NDArray[np.uint8] | I64, steps: I64) -> I64:
    """Which step each length is cut to."""
    number: I64 = np.searchsorted(steps, length, "right") - 1
    return number
