"""Which tuples a table has: the steps of either side, and the sets of tuples of its prefixes.

Sets are words of 64 bits. While steps are chosen, bit `STEPS * i + j` stands for the tuple of
source step i and destination step j; afterwards tuples are ranked, best rule first, and bits are
ranks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.classify.axes.address_axis import Nest
from sim.classify.axes.lists import numbered
from sim.classify.ruleset import I64
from sim.classify.tuple_space.prefix_rows import PrefixRows
from sim.classify.tuple_space.steps import best_steps, sharing, step_of

STEPS = 8
MAX_SETS = 1 << 15
LENGTHS = 33
ONE_TUPLE = 4
"""Pairs of sets where there is one tuple: none of it or all, on either side."""
NONE = 0xFFFFFFFF
TUPLE = np.uint32(0xFFF)

U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]


class TupleSets(NamedTuple):
    """Distinct sets of tuples of a side, sorted, and the set of each prefix and of no prefix."""

    words: U64
    of_prefix: I64
    outside: int


class Tuples(NamedTuple):
    """Tuples, best rule first: their names and best rules, the tuple of each row, and the sets that
    can hold a rule for an address in each prefix of either side."""

    name: U32
    least: I64
    of_row: I64
    sets: tuple[TupleSets, TupleSets]


def tuples_of(fine: PrefixRows, nests: tuple[Nest, Nest], most_pairs: int) -> Tuples:
    """The tuples of rows, with the most steps for which there are at most `most_pairs` pairs of
    sets; one tuple if there always are more."""
    lengths = [nest.length[own] for nest, own in zip(nests, fine[1:], strict=True)]
    held = [_held(*side) for side in zip(nests, fine[1:], lengths[::-1], strict=True)]
    options = [
        best_steps(sharing(nest.first[own], length), STEPS)
        for nest, own, length in zip(nests, fine[1:], lengths, strict=True)
    ]
    bits = [np.empty(len(nest.first), np.uint64) for nest in nests]
    most = max(most_pairs, ONE_TUPLE)
    for shape in _shapes():
        src, dst = (own[n - 1] for own, n in zip(options, shape, strict=True))
        n = _count(nests[0], held[0], src, dst, (STEPS, 1), most // 2, bits[0])
        if n and _count(nests[1], held[1], dst, src, (1, STEPS), most // n, bits[1]):
            break
    of_length = step_of(np.arange(LENGTHS), src) * STEPS, step_of(np.arange(LENGTHS), dst)
    bit = of_length[0][lengths[0]] + of_length[1][lengths[1]]
    least = np.full(STEPS * STEPS, NONE, np.int64)
    least[bit[::-1]] = fine.rule[::-1]
    best = np.argsort(least, kind="stable")[: np.count_nonzero(least != NONE)]
    rank = np.zeros(STEPS * STEPS, np.int64)
    rank[best] = np.arange(len(best))
    i, j = np.divmod(best, STEPS)
    name = (32 - src[i]) << 6 | (32 - dst[j])
    sets = _sets(bits[0], best), _sets(bits[1], best)
    return Tuples(name.astype(np.uint32), least[best], rank[bit], sets)


def _held(nest: Nest, own: I64, other_length: NDArray[np.uint8]) -> U64:
    """For each prefix the lengths of the other side's prefixes with which it has rows, as bits."""
    from sim.kernels.match.paint import gather_lengths

    out = np.zeros(len(nest.first), np.uint64)
    gather_lengths(own, other_length, out)
    return out


def _count(
    nest: Nest, held: U64, own: I64, other: I64, stride: tuple[int, int], most: int, bits: U64
) -> int:
    """Write the sets of a side's prefixes to `bits`, of which `stride` tells the places of its own
    steps and of the other side's. How many there are, with that of no prefix; 0 if more than
    `most`."""
    from sim.kernels.match.paint import count_sets

    most = min(most, MAX_SETS, len(held) + 1)
    lengths = np.arange(LENGTHS)
    reach = np.bitwise_or.reduceat(np.uint64(1) << lengths.astype(np.uint64), other)
    reach[0] |= np.uint64((1 << int(other[0])) - 1)
    slots = np.zeros(1 << (2 * most).bit_length(), np.uint64)
    step = step_of(lengths, own)
    return int(count_sets(nest.parent, nest.length, held, step, reach, *stride, most, slots, bits))


def _sets(bits: U64, best: I64) -> TupleSets:
    """Sets of bits as sets of ranks."""
    ids, rep = numbered(np.append(bits, np.uint64(0)))
    distinct = np.append(bits, np.uint64(0))[rep]
    words = np.zeros(len(rep), np.uint64)
    for rank, bit in enumerate(best.tolist()):
        words |= (distinct >> np.uint64(bit) & np.uint64(1)) << np.uint64(rank)
    order = np.argsort(words)
    number = np.empty(len(order), np.int64)
    number[order] = np.arange(len(order))
    of = number[ids]
    return TupleSets(words[order], of[:-1], int(of[-1]))


def pair_lists(tuples: Tuples, up: int) -> tuple[U32, U32]:
    """For each pair of sets where the list of their common tuples begins; the lists of items
    (`sim.kernels.match.tuples`), each with an end mark."""
    from sim.kernels.match.paint import list_tuples, pair_sets

    src, dst = (sets.words for sets in tuples.sets)
    pairs = np.empty((len(src), len(dst)), np.uint32)
    words = np.empty(pairs.size, np.uint64)
    slots, n = 1 << 12, -1
    while n < 0:
        n = int(pair_sets(src, dst, np.full(slots, -1, np.int32), words, pairs))
        slots <<= 3
    words = words[:n]
    start = np.empty(n, np.uint32)
    items = np.empty(n + int(np.bitwise_count(words).sum(dtype=np.int64)), np.uint32)
    item = (tuples.least << up).astype(np.uint32) & ~TUPLE | tuples.name
    list_tuples(words, item, start, items)
    flat = pairs.reshape(-1)
    np.take(start, flat, out=flat, mode="clip")
    return flat, items


def _shapes() -> list[tuple[int, int]]:
    """How many steps to try for either side, most tuples first."""
    shapes = [(a, b) for a in range(1, STEPS + 1) for b in range(1, STEPS + 1)]
    return sorted(shapes, key=lambda shape: (-shape[0] * shape[1], abs(shape[0] - shape[1])))
