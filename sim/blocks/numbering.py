"""Numbering: which values, rows or columns are alike. The one place for it.

A `Numbering` is a partition: `of[i]` is the class of element i, `sample[c]` an element of class c,
and two elements have one class exactly if they are equal in everything that was asked. Classes are
numbered from 0 without gaps.

* `distinct`: values of one array; in order of values.
* `same_rows`: equal in each of several arrays; in the order of the first array, then the second, …
* `combine`: the same for small numbers, faster; in that order.
* `same_bytes`: rows of a table of numbers, `same_sets` of flags; in the order of the rows as bytes.
* `partition`: columns of a table of flags that no row tells apart; in no order that matters.

Of equal elements the first is the sample, but for `combine`. Cost: one sort of the elements per
array, none of them where `combine` counts. What comes one by one is numbered by whoever keeps it,
in a dictionary. Tables of a million rules are numbered by hash tables and radix sort instead
(`sim.classify.axes.lists`), in order of appearance, and a law holds both together. They stay two:
with this one engines take up to 1.7 times as long to build (`acl-100k`: 104 ms, not 63), and
loading the kernels of that one takes 200 ms, in verbs that need none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.bool_]
POWERS = 1 << np.arange(63)
SMALL = 1 << 14
ATTEMPTS = 16
SUMS = 4


class Numbering(NamedTuple):
    """`of[i]` is the class of element i, `sample[c]` an element of class c."""

    of: NDArray[Any]
    sample: NDArray[Any]


def distinct(keys: NDArray[Any]) -> Numbering:
    """By value. The sort need not be stable, which makes it three times as fast."""
    order = keys.argsort()
    new, of = _runs([keys], order)
    return Numbering(of, np.minimum.reduceat(order, np.flatnonzero(new)))


def same_rows(columns: Sequence[NDArray[Any]]) -> Numbering:
    """By all columns together, of any integers.

    >>> of, sample = same_rows([np.array([7, 7, 0, 7]), np.array([2, 1, 9, 2])])
    >>> of.tolist(), sample.tolist()
    ([2, 1, 0, 2], [2, 1, 0])
    """
    telling = [c for c in columns if len(c) and (c != c[0]).any()]
    if not telling:
        n = len(columns[0])
        return Numbering(np.zeros(n, np.int32), np.zeros(min(n, 1), np.int64))
    order = np.lexsort(telling[::-1])
    new, of = _runs(telling, order)
    return Numbering(of, order[new])


def same_bytes(rows: NDArray[Any]) -> Numbering:
    """By all that a row holds, of whatever type; in the order of the rows as bytes.

    >>> same_bytes(np.array([[7, 1], [0, 1], [7, 1]])).of.tolist()
    [1, 0, 1]
    """
    rows = np.ascontiguousarray(rows)
    if not rows.shape[1]:
        return same_rows([np.zeros(len(rows), np.int8)])
    return distinct(rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel())


def rows_that_differ(rows: NDArray[Any]) -> NDArray[Any]:
    """The rows of a table that differ, as they stand: the first of each kind.

    >>> rows_that_differ(np.array([[7, 1], [0, 1], [7, 1]])).tolist()
    [[7, 1], [0, 1]]
    """
    differing: NDArray[Any] = rows[np.sort(same_bytes(rows).sample)]
    return differing


def same_sets(rows: Bits) -> Numbering:
    """By the flags in each row; in the order of the rows as bytes."""
    return same_bytes(np.packbits(rows, axis=1))


def _runs(
    columns: Sequence[NDArray[Any]], order: NDArray[np.int64]
) -> tuple[Bits, NDArray[np.int32]]:
    """Elements of equal columns, which `order` puts side by side: where each class begins there,
    and the class of each element."""
    new = np.zeros(len(order), np.bool_)
    new[:1] = True
    for column in columns:
        ordered = column[order]
        new[1:] |= ordered[1:] != ordered[:-1]
    of = np.empty(len(order), np.int32)
    of[order] = np.cumsum(new, dtype=np.int32) - 1
    return new, of


def combine(columns: Sequence[NDArray[Any]]) -> Numbering:
    """By all columns together, of small numbers that are not negative.

    >>> of, sample = combine([np.array([0, 0, 2]), np.array([1, 1, 1])])
    >>> of.tolist(), len(sample)
    ([0, 0, 1], 2)
    """
    code, size = columns[0].astype(np.int64), int(columns[0].max()) + 1
    for column in columns[1:]:
        radix = int(column.max()) + 1
        if size * radix > 2**62:
            code = distinct(code).of.astype(np.int64)
            size = int(code.max()) + 1
        code, size = code * radix + column, size * radix
    return _counted(code, size) if size <= SMALL else distinct(code)


def _counted(code: NDArray[np.int64], size: int) -> Numbering:
    """`distinct` of numbers below `size`, without sorting."""
    place = np.full(size, -1, np.int64)
    place[code] = np.arange(len(code))
    used = place >= 0
    number = np.cumsum(used, dtype=np.int32) - 1
    return Numbering(number[code], place[used])


def weights(n: int) -> Iterator[NDArray[np.uint64]]:
    """Sequences of `n` odd 64-bit weights, the same in every run (splitmix64)."""
    for seed in range(1, ATTEMPTS + 1):
        z = np.arange(n * seed, n * (seed + 1), dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        yield (z ^ (z >> np.uint64(31))) | np.uint64(1)
    raise AssertionError("sixteen independent 64-bit signatures collided")


def partition(rows: Bits, coarse: NDArray[np.int32] | None = None) -> Numbering:
    """Columns that agree in every row and, if given, in `coarse`. They are compared by a
    pseudo-random 64-bit sum, which is then checked; sorted where no sum tells them apart.

    >>> of, sample = partition(np.array([[True, False, True], [False, False, False]]))
    >>> of[0] == of[2] != of[1], len(sample)
    (np.True_, 2)
    """
    if coarse is None and len(rows) <= len(POWERS):
        return distinct(POWERS[: len(rows)] @ rows)
    packed = np.packbits(rows, axis=0)
    first = _runs_of(packed, coarse)
    words = _words(packed[:, first], None if coarse is None else coarse[first])
    found = _of_words(words)
    length = np.diff(first, append=rows.shape[1])
    return Numbering(np.repeat(found.of, length), first[found.sample])


def _runs_of(packed: NDArray[np.uint8], coarse: NDArray[np.int32] | None) -> NDArray[np.int64]:
    """Where columns begin that differ from those before them: neighbours are mostly alike, and one
    of each run is all that has to be sorted."""
    new = np.ones(packed.shape[1], np.bool_)
    new[1:] = coarse[1:] != coarse[:-1] if coarse is not None else False
    for row in packed:
        new[1:] |= row[1:] != row[:-1]
    return np.flatnonzero(new)


def _of_words(words: NDArray[np.uint64]) -> Numbering:
    """Columns of words that are equal."""
    # Whatever it is multiplied with, the highest bit alone stays what it is: it goes lower as well.
    spread = words ^ (words >> np.uint64(32))
    for weight in islice(weights(len(words)), SUMS):
        found = distinct((spread * weight[:, None]).sum(axis=0, dtype=np.uint64))
        if (words[:, found.sample][:, found.of] == words).all():
            return found
    return same_rows(list(words))


def _words(packed: NDArray[np.uint8], coarse: NDArray[np.int32] | None) -> NDArray[np.uint64]:
    """Columns of bytes as 64-bit words, [words, columns]."""
    spare = -len(packed) % 8
    if spare:
        packed = np.concatenate([packed, np.zeros((spare, packed.shape[1]), np.uint8)])
    words = np.ascontiguousarray(packed.T).view(np.uint64).T
    return words if coarse is None else np.concatenate([words, coarse[None].astype(np.uint64)])


def expand(first: NDArray[Any], count: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows repeated `count` times, and the values first, first+1, … of each.

    >>> [x.tolist() for x in expand(np.array([5, 9]), np.array([2, 1]))]
    [[0, 0, 1], [5, 6, 9]]
    """
    row = np.repeat(np.arange(len(count)), count)
    value = np.arange(len(row))
    value += np.repeat(first - (np.cumsum(count) - count), count)
    return row, value
