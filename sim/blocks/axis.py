"""One axis of a header space, merged: positions that no key tells apart are one class.

A *key* is whatever a rule says about the axis (its regions, its port ranges); it holds a set of
positions (cells, L4 atoms). An `Axis` knows which keys hold which classes, so that rules are tabled
by class: positions only matter when the tables are laid out.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
Bits = NDArray[np.bool_]
CHUNK = 1 << 24
POWERS = 1 << np.arange(63)
SMALL = 1 << 14


@dataclass(frozen=True, slots=True)
class Axis:
    """`of[i]` is the class of position i, `sample[c]` one position of class c; `rows[keys[key]]`
    says which classes a key holds."""

    of: I32
    sample: I64
    keys: dict[Hashable, int]
    rows: Bits

    @staticmethod
    def plain(n: int) -> Axis:
        """All `n` positions alike."""
        zero = np.zeros(1, np.int64)
        return Axis(np.zeros(n, np.int32), zero, {}, np.zeros((0, 1), np.bool_))

    def moved(self, parent: I64) -> Axis:
        """New positions; `parent` names for each the old one that held it, every old one once."""
        of = self.of[parent]
        sample = np.zeros(len(self.sample), np.int64)
        sample[of] = np.arange(len(of))
        return replace(self, of=of, sample=sample)

    def add(self, masks: Iterable[tuple[Hashable, Bits]]) -> Axis:
        """Tell more keys apart; each comes with the positions that it holds."""
        out, waiting, size = self, list[tuple[Hashable, Bits]](), 0
        for key, mask in masks:
            waiting.append((key, mask))
            size += len(mask)
            if size > CHUNK:
                out, waiting, size = out._split(waiting), [], 0
        return out._split(waiting) if waiting else out

    def _split(self, masks: Sequence[tuple[Hashable, Bits]]) -> Axis:
        stacked = np.stack([mask for _, mask in masks])
        of, sample = partition(stacked, self.of)
        if len(sample) == len(self.sample):
            of, sample = self.of, self.sample
        rows = np.concatenate([self.rows[:, self.of[sample]], stacked[:, sample]])
        keys = dict(self.keys)
        keys.update({key: number for number, (key, _) in enumerate(masks, len(keys))})
        return Axis(of, sample, keys, rows)


def partition(rows: Bits, coarse: I32 | None = None) -> tuple[I32, I64]:
    """Merge columns that agree in every row and, if given, in `coarse`.

    Returns the class of each column and a column of each class. Columns are compared by a random
    64-bit sum, which is then checked.

    >>> of, sample = partition(np.array([[True, False, True], [False, False, False]]))
    >>> of[0] == of[2] != of[1], len(sample)
    (np.True_, 2)
    """
    if coarse is None and len(rows) <= len(POWERS):
        return distinct(POWERS[: len(rows)] @ rows)
    words = _words(rows, coarse)
    for seed in range(64):
        chance = np.random.default_rng(seed)
        weights = chance.integers(1, 2**63, len(words), np.uint64) * np.uint64(2) + np.uint64(1)
        of, sample = distinct((words * weights[:, None]).sum(axis=0, dtype=np.uint64))
        if (words[:, sample][:, of] == words).all():
            break
    return of, sample


def distinct(keys: NDArray[Any]) -> tuple[I32, I64]:
    """The number of each element's value, and a place of each value (`np.unique`, without its
    overhead on small arrays)."""
    order = keys.argsort(kind="stable")
    ordered = keys[order]
    new = np.ones(len(keys), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    of = np.empty(len(keys), np.int32)
    of[order] = np.cumsum(new, dtype=np.int32) - 1
    return of, order[new]


def _words(rows: Bits, coarse: I32 | None) -> NDArray[np.uint64]:
    """The columns as 64-bit words, [words, columns]."""
    packed = np.packbits(rows, axis=0)
    spare = -len(packed) % 8
    if spare:
        packed = np.concatenate([packed, np.zeros((spare, packed.shape[1]), np.uint8)])
    words = np.ascontiguousarray(packed.T).view(np.uint64).T
    return words if coarse is None else np.concatenate([words, coarse[None].astype(np.uint64)])


def combine(columns: Sequence[NDArray[Any]]) -> tuple[I32, I64]:
    """Merge positions that agree in every column of small numbers: the class of each position and
    a position of each class.

    >>> of, sample = combine([np.array([0, 0, 2]), np.array([1, 1, 1])])
    >>> of.tolist(), len(sample)
    ([0, 0, 1], 2)
    """
    code, size = columns[0].astype(np.int64), int(columns[0].max()) + 1
    for column in columns[1:]:
        radix = int(column.max()) + 1
        if size * radix > 2**62:
            code = distinct(code)[0].astype(np.int64)
            size = int(code.max()) + 1
        code, size = code * radix + column, size * radix
    return _counted(code, size) if size <= SMALL else distinct(code)


def _counted(code: I64, size: int) -> tuple[I32, I64]:
    """`distinct` of numbers below `size`, without sorting."""
    place = np.full(size, -1, np.int64)
    place[code] = np.arange(len(code))
    used = place >= 0
    number = np.cumsum(used, dtype=np.int32) - 1
    return number[code], place[used]
