"""A table that is ready to be asked: its arrays and the kernels that read them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.classify.columns import Columns

LANES = 8
SCRATCH = 17, 840


class Headers32(NamedTuple):
    """Columns as kernels read them; those that a table does not look at may be empty."""

    src: NDArray[np.uint32]
    dst: NDArray[np.uint32]
    sport: NDArray[np.uint16]
    dport: NDArray[np.uint16]
    protocol: NDArray[np.uint8]
    state: NDArray[np.uint8]
    dscp: NDArray[np.uint8]
    vni: NDArray[np.uint32]
    direction: NDArray[np.uint8]
    endpoint: NDArray[np.uint32]


class Lookup(NamedTuple):
    """`wide` does eight packets at a time and `narrow` one; both do the same."""

    tables: Any
    narrow: Callable[..., None]
    wide: Callable[..., None] | None

    def match(self, headers: Headers32, begin: int, end: int, out: NDArray[np.int32]) -> None:
        """Rule ids of packets `begin..end`; releases the GIL."""
        scratch = np.empty(SCRATCH, np.uint32)
        middle = begin
        if self.wide is not None:
            middle = begin + (end - begin) // LANES * LANES
            self.wide(self.tables, headers, begin, middle, scratch, out)
        self.narrow(self.tables, headers, middle, end, scratch, out)


def headers(columns: Columns, src: NDArray[np.uint32], dst: NDArray[np.uint32]) -> Headers32:
    """Kernel columns with these addresses."""

    def present(column: Any, kind: Any) -> Any:
        return np.zeros(LANES, kind) if column is None else _writable(column)

    return Headers32(
        _writable(src),
        _writable(dst),
        _writable(columns.sport),
        _writable(columns.dport),
        _writable(columns.protocol),
        present(columns.state, np.uint8),
        present(columns.dscp, np.uint8),
        present(columns.vni, np.uint32),
        present(columns.direction, np.uint8),
        present(columns.endpoint, np.uint32),
    )


def _writable(column: NDArray[Any]) -> NDArray[Any]:
    """numba compiles anew for read-only arrays, such as mapped files."""
    return column if column.flags.writeable else column.copy()
