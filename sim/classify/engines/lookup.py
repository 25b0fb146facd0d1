"""A table that is ready to be asked: its arrays and the kernels that read them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.classify.columns import DTYPES, Columns
from sim.packets.headers import Row, row_type

LANES = 8
SCRATCH = 17, 840


Headers32 = row_type("Headers32", (n for n in DTYPES if not n.endswith("_lo")), __name__)
"""Columns as kernels read them; those that a table does not look at may be empty."""


class Lookup(NamedTuple):
    """`wide` does eight packets at a time and `narrow` one; both do the same."""

    tables: Any
    narrow: Callable[..., None]
    wide: Callable[..., None] | None

    def match(self, headers: Row, begin: int, end: int, out: NDArray[np.int32]) -> None:
        """Rule ids of packets `begin..end`; releases the GIL."""
        scratch = np.empty(SCRATCH, np.uint32)
        middle = begin
        if self.wide is not None:
            middle = begin + (end - begin) // LANES * LANES
            self.wide(self.tables, headers, begin, middle, scratch, out)
        self.narrow(self.tables, headers, middle, end, scratch, out)


def headers(columns: Columns, src: NDArray[np.uint32], dst: NDArray[np.uint32]) -> Row:
    """Kernel columns, `Headers32`, with these addresses."""
    own = {"src": src, "dst": dst}
    found = ((name, own.get(name, getattr(columns, name))) for name in Headers32._fields)
    made: Row = Headers32(
        *(np.zeros(LANES, DTYPES[n]) if c is None else _writable(c) for n, c in found)
    )
    return made


def _writable(column: NDArray[Any]) -> NDArray[Any]:
    """numba compiles anew for read-only arrays, such as mapped files."""
    return column if column.flags.writeable else column.copy()
