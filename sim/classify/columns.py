"""`Columns`: headers to classify, one array per field, checked once at the door."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.policy.fields import classified, looked_up
from fabric.diagnostics import Diagnostic, InputError
from sim.classify.further_columns import with_further


@with_further({row.name: None for row in looked_up()})
@dataclass(frozen=True, slots=True)
class Columns:
    """Packets of one IP version: uint32 addresses for IPv4, for IPv6 two uint64 words each.

    Fields that a rule set does not look at may be None. `state` is an index into
    `compiler.policy.fields.STATES`, `dscp` is 0..63. `InputError` C740 names a column of the wrong
    dtype or length, or one that is not contiguous.
    """

    src: NDArray[np.uint32] | NDArray[np.uint64]
    dst: NDArray[np.uint32] | NDArray[np.uint64]
    sport: NDArray[np.uint16]
    dport: NDArray[np.uint16]
    protocol: NDArray[np.uint8]
    src_lo: NDArray[np.uint64] | None = None
    dst_lo: NDArray[np.uint64] | None = None
    vni: NDArray[np.uint32] | None = None
    direction: NDArray[np.uint8] | None = None
    endpoint: NDArray[np.uint32] | None = None
    state: NDArray[np.uint8] | None = None
    dscp: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        wanted = dict(DTYPES)
        if self.version == 6:
            wanted |= {"src": np.uint64, "dst": np.uint64}
        n = next((len(c) for f in fields(self) if _is_column(c := getattr(self, f.name))), 0)
        halves = [name for name in ("src", "dst") if _is_half(self, name)]
        problems = [
            problem
            for field in fields(self)
            if field.name not in halves
            and (problem := _problem(field.name, getattr(self, field.name), wanted, n))
        ]
        if halves or (self.src_lo is None) != (self.dst_lo is None):
            problems.append("IPv6 needs both src_lo and dst_lo beside src and dst")
        if problems:
            raise InputError(*(Diagnostic("C740", problem, hint=HINT) for problem in problems))

    def __len__(self) -> int:
        return len(self.sport)

    @property
    def version(self) -> int:
        """4 or 6."""
        return 4 if self.src_lo is None and self.dst_lo is None else 6

    def take(self, rows: Any) -> Columns:
        """These rows (indices, mask or slice)."""
        taken: dict[str, Any] = {}
        for field in fields(self):
            column = getattr(self, field.name)
            taken[field.name] = None if column is None else np.ascontiguousarray(column[rows])
        return Columns(**taken)


DTYPES: dict[str, Any] = {
    "src": np.uint32,
    "dst": np.uint32,
    "src_lo": np.uint64,
    "dst_lo": np.uint64,
    "vni": np.uint32,
    "direction": np.uint8,
    "endpoint": np.uint32,
    **{name: field.dtype for name, field in classified().items()},
}
HINT = "one dimension, contiguous, equally long; .astype() makes the right type"
LARGEST = {name: field.last for name, field in classified().items() if not field.tight}
REQUIRED = tuple(column.name for column in fields(Columns) if column.default is MISSING)


def _is_half(columns: Columns, name: str) -> bool:
    """Whether an address is the upper half of an IPv6 one without a lower half."""
    kind = getattr(getattr(columns, name), "dtype", None)
    return columns.version == 4 and bool(kind == np.uint64)


def _is_column(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == 1


def _problem(name: str, column: Any, wanted: dict[str, Any], n: int) -> str | None:
    if column is None:
        return f"column {name} is missing" if name in REQUIRED else None
    if not isinstance(column, np.ndarray) or column.dtype != wanted[name]:
        found = getattr(column, "dtype", type(column).__name__)
        return f"column {name} is {found}, not {np.dtype(wanted[name])}"
    if column.ndim != 1 or not column.flags.c_contiguous:
        return f"column {name} is not one contiguous dimension"
    if len(column) != n:
        return f"column {name} has {len(column):,} rows, the first column has {n:,}"
    if name in LARGEST and n and int(column.max()) > LARGEST[name]:
        return f"column {name} has the value {int(column.max())}, {LARGEST[name]} is the largest"
    return None
