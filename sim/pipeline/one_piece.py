"""Arrays side by side in one piece of memory, so that they lie in large pages.

Tables of a few megabytes each are spread over thousands of small pages, more than the processor
remembers where they are; NumPy asks for large ones only for arrays of 4 MiB and more. So all are
copied into one array of at least that size. Cost: a copy; what is larger has large pages already
and stays where it is.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

LINE = 64
LARGE = 1 << 22
"""Bytes from which on NumPy asks for large pages."""
FEW = 1 << 21
"""Bytes below which small pages are few enough."""
Arrays = TypeVar("Arrays", bound=tuple[Any, ...])


def in_one_piece(arrays: Arrays) -> Arrays:
    """The same named tuple of contiguous arrays, the smaller ones side by side."""
    sizes = [-(-a.nbytes // LINE) * LINE if a.nbytes < LARGE else 0 for a in arrays]
    places = np.cumsum([0, *sizes]).tolist()
    if places[-1] < FEW:
        return arrays
    room = np.zeros(max(places[-1] + LINE, LARGE), np.uint8)
    first = -room.ctypes.data % LINE
    moved = []
    for array, size, at in zip(arrays, sizes, places, strict=False):
        if size:
            there = room[first + at :][: array.nbytes].view(array.dtype).reshape(array.shape)
            there[...] = array
            array = there
        moved.append(array)
    return type(arrays)(*moved)
