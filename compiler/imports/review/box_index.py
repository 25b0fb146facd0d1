"""Which entries of a list have packets in common with one of them, without looking at each pair.

>>> from compiler.imports.review.header_boxes import everything
>>> web = (*everything(4)[:5], (80, 80), *everything(4)[6:])
>>> index = BoxIndex([[everything(4)], [everything(6)], [web]])
>>> index.before(2), index.before(1)
([0], [])

Cost: bounds of each field are numbered in their order once; then one comparison of columns per box.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from compiler.imports.review.header_boxes import Box

I32 = NDArray[np.int32]


class BoxIndex:
    """The boxes of all entries in order, as columns. `low` and `high` [fields, boxes] are numbers
    of bounds; `entry` [boxes] is whose box it is, `first` [entries + 1] where those of each
    begin."""

    def __init__(self, boxes: Sequence[Sequence[Box]]) -> None:
        every = [box for mine in boxes for box in mine]
        counts = [len(mine) for mine in boxes]
        self.entry = np.repeat(np.arange(len(boxes), dtype=np.int32), counts)
        self.first = np.cumsum([0, *counts])
        fields = len(every[0]) if every else 0
        self.low = np.empty((fields, len(every)), np.int32)
        self.high = np.empty((fields, len(every)), np.int32)
        for field in range(fields):
            ranges = [box[field] for box in every]
            number = {at: n for n, at in enumerate(sorted({end for r in ranges for end in r}))}
            self.low[field] = [number[low] for low, _ in ranges]
            self.high[field] = [number[high] for _, high in ranges]

    def before(self, entry: int) -> list[int]:
        """The entries before one that have packets in common with it, in their order."""
        end = int(self.first[entry])
        found = np.zeros(end, np.bool_)
        low, high = self.low[:, :end], self.high[:, :end]
        for box in range(end, int(self.first[entry + 1])):
            found |= _touch(low, high, self.low[:, box], self.high[:, box])
        together: list[int] = np.unique(self.entry[:end][found]).tolist()
        return together


def _touch(low: I32, high: I32, first: I32, last: I32) -> NDArray[np.bool_]:
    """Which of some boxes have anything in common with one."""
    begins, ends = low <= last[:, None], high >= first[:, None]
    return np.asarray((begins & ends).all(axis=0))
