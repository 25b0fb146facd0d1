"""Arrays that grow: appended to, and never changed where somebody already looks.

Whoever took `view` keeps seeing what was there, whatever is appended later. That is what makes an
update of compiled tables atomic without copying them: a new version shares the old one's memory and
looks further.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Arena:
    """One array; with a `width`, rows of that many elements."""

    def __init__(self, dtype: Any, width: int | None = None, capacity: int = 1024) -> None:
        self._tail = () if width is None else (width,)
        self._data: NDArray[Any] = np.zeros((capacity, *self._tail), dtype)
        self.used = 0

    @property
    def view(self) -> NDArray[Any]:
        """Everything so far."""
        return self._data[: self.used]

    def append(self, values: NDArray[Any]) -> int:
        """Where the values now begin."""
        first, end = self.used, self.used + len(values)
        if end > len(self._data):
            grown = np.zeros((max(end, self.used * 3 // 2), *self._tail), self._data.dtype)
            grown[:first] = self._data[:first]
            self._data = grown
        self._data[first:end] = values
        self.used = end
        return first


class Lanes:
    """Distinct rows of equal length which grow in both directions; equal rows are stored once.

    A row has room for `stride` elements; when that is used up, all rows move to a wider array.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self.stride = width + width // 2 + 16
        self._rows: NDArray[np.uint16] = np.zeros((64, self.stride), np.uint16)
        self._known: dict[bytes, int] = {}
        self.used = 0

    @property
    def view(self) -> NDArray[np.uint16]:
        """All rows, flat: row `i` begins at `i * stride`."""
        return self._rows[: self.used].reshape(-1)

    def intern(self, row: NDArray[np.uint16]) -> int:
        """The number of a row."""
        key = row.tobytes()
        if key not in self._known:
            self._known[key] = self.used
            if self.used == len(self._rows):
                self._move(self.used * 2, self.stride)
            self._rows[self.used, : self.width] = row
            self.used += 1
        return self._known[key]

    def extend(self, parent: NDArray[np.int64]) -> None:
        """New elements at the end of every row: copies of the elements that `parent` names."""
        width = self.width + len(parent)
        if width > self.stride:
            self._move(len(self._rows), width + width // 2)
        for at, source in enumerate(parent.tolist(), self.width):
            self._rows[: self.used, at] = self._rows[: self.used, source]
        self.width = width
        self._known.clear()

    def _move(self, rows: int, stride: int) -> None:
        grown = np.zeros((rows, stride), np.uint16)
        grown[: self.used, : self.width] = self._rows[: self.used, : self.width]
        self._rows, self.stride = grown, stride
