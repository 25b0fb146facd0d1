"""One axis of a header space, merged: positions that no key tells apart are one class.

A *key* is whatever a rule says about the axis (its regions, its port ranges); it holds a set of
positions (cells, L4 atoms). An `Axis` knows which keys hold which classes, so that rules are tabled
by class: positions only matter when the tables are laid out.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sim.blocks.numbering import partition

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
Bits = NDArray[np.bool_]
CHUNK = 1 << 24


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
