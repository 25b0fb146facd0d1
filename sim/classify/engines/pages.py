"""One stretch of memory for all tables of an engine.

A table that is gathered from at random is up to a third faster on pages of 2 MiB. The kernel gives
them to fresh, aligned mappings that ask for them; memory that an allocator hands out again keeps
its small ones. So all tables of an engine share one mapping of their own.
"""

from __future__ import annotations

import mmap
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

PAGE = 2 << 20
LINE = 64

T = TypeVar("T", bound=NamedTuple)


def pack(tables: T) -> T:
    """The same tuple with every array moved into one arena; scalars stay."""
    arrays = [value for value in tables if isinstance(value, np.ndarray)]
    size = sum(_room(array) for array in arrays)
    memory = _mapped(-(-size // PAGE) * PAGE + PAGE)
    at = -memory.ctypes.data % PAGE
    out: list[Any] = []
    for value in tables:
        if isinstance(value, np.ndarray):
            place = memory[at : at + _room(value)].view(value.dtype)
            place[: value.size] = value.reshape(-1)
            out.append(place[: value.size].reshape(value.shape))
            at += _room(value)
        else:
            out.append(value)
    return type(tables)(*out)


def _mapped(size: int) -> NDArray[np.uint8]:
    """Fresh zeroed memory, on large pages where the kernel has them."""
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):
            memory.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(memory, np.uint8)


def nbytes(tables: Any) -> int:
    """Bytes of the tables themselves."""
    return sum(int(value.nbytes) for value in tables if isinstance(value, np.ndarray))


def _room(array: NDArray[Any]) -> int:
    return -(-array.nbytes // LINE) * LINE
