"""The first look at an address: between which starts of a VRF it lies, by its top bits."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

TOP_BITS = 12


def top_index(off: NDArray[np.int64], words: Any, width: int) -> NDArray[np.uint32]:
    """Per VRF and top `TOP_BITS` bits: the last start that is not above the first such address,
    counted from the VRF's first.

    Shape [rows, 2**TOP_BITS + 1], with rows to spare for `follow`; a search between one element and
    the next finds every address. `words` are the starts' leading words of `width` bits.
    """
    n = len(off) - 1
    out = np.zeros((n + n // 4 + 16, 2**TOP_BITS + 1), np.uint32)
    for vrf, (first, end) in enumerate(pairwise(off.tolist())):
        out[vrf] = top_row_of(words[first:end], width)
    return out


def top_row_of(words: Any, width: int) -> NDArray[np.int64]:
    bounds = np.arange(2**TOP_BITS, dtype=np.uint64) << np.uint64(width - TOP_BITS)
    found = np.searchsorted(words.astype(np.uint64), bounds, "left") - 1
    return np.append(np.maximum(found, 0), max(0, len(words) - 1))
