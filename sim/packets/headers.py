"""Packet headers as NumPy columns: what traffic, captures, kernels and reports exchange.

Rules that hold here:

1. A row is one header; `count` says how many packets it stands for, `length` how long each is
   (bytes of the inner IP packet).
2. Addresses are two 64-bit halves. An IPv4 address sits in the low half, with a high half of zero.
3. `vrf` is the VRF in which the packet enters the fabric. `src_endpoint` is -1 when only the header
   is known; the datapath then binds the source by its address. `vrf` -1 is an unknown source.
4. Protocols without ports carry port 0.
5. `fields` has a column for each further field (`compiler.policy.fields`) that somebody asks about;
   where there is none, it is 0.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as attribute
from ipaddress import IPv4Address, IPv6Address
from typing import Any, get_type_hints

import numpy as np
from numpy.typing import NDArray

from compiler.policy.fields import Values, further, shown, value_of

LOW = 2**64 - 1
Column = NDArray[Any]
Row = tuple[Column, ...]
"""What a `row_type` makes."""


@dataclass(frozen=True, slots=True)
class Flow:
    """One header, addresses as integers; `Packets.of` makes columns of several.

    >>> str(Flow(0, 4, 0x0A000001, 0x0A000002, 6, 40000, 443))
    '10.0.0.1:40000 -> 10.0.0.2:443 protocol 6'
    """

    vrf: int
    version: int
    src: int
    dst: int
    protocol: int
    sport: int = 0
    dport: int = 0
    src_endpoint: int = -1
    length: int = 64
    count: int = 1
    fields: Values = ()

    def __str__(self) -> str:
        source, target = (self._host(ip, port) for ip, port in self._ends())
        return f"{source} -> {target} protocol {self.protocol}{shown(self.fields)}"

    def _ends(self) -> tuple[tuple[int, int], tuple[int, int]]:
        return (self.src, self.sport), (self.dst, self.dport)

    def _host(self, ip: int, port: int) -> str:
        return f"{IPv4Address(ip)}:{port}" if self.version == 4 else f"[{IPv6Address(ip)}]:{port}"

    @property
    def src_hi(self) -> int:
        """As the column has it, like the others."""
        return self.src >> 64

    @property
    def src_lo(self) -> int:
        """See rule 2."""
        return self.src & LOW

    @property
    def dst_hi(self) -> int:
        """See rule 2."""
        return self.dst >> 64

    @property
    def dst_lo(self) -> int:
        """See rule 2."""
        return self.dst & LOW

    def reply(self, vrf: int, src_endpoint: int = -1) -> Flow:
        """The header of an answer, entering the fabric in `vrf`."""
        return Flow(
            vrf,
            self.version,
            self.dst,
            self.src,
            self.protocol,
            self.dport,
            self.sport,
            src_endpoint,
            self.length,
            self.count,
            self.fields,
        )


@dataclass(frozen=True, slots=True)
class HeaderColumns:
    """What an IP header says (`HEADER`) and how long its packet is: the one list of it, which
    packets and what captures are decoded to have in common."""

    version: NDArray[np.uint8]
    src_hi: NDArray[np.uint64]
    src_lo: NDArray[np.uint64]
    dst_hi: NDArray[np.uint64]
    dst_lo: NDArray[np.uint64]
    protocol: NDArray[np.uint8]
    sport: NDArray[np.uint16]
    dport: NDArray[np.uint16]
    length: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.version)

    def header(self) -> dict[str, Column]:
        """The columns of `HEADER` by name, for `Packets.make`."""
        return {name: getattr(self, name) for name in HEADER}


@dataclass(frozen=True, slots=True)
class Packets(HeaderColumns):
    """Columns of equal length; dtypes are those of `DTYPES`, of `fields` those of their rows.
    `ValueError` names a column that is not so."""

    src_endpoint: NDArray[np.int32]
    vrf: NDArray[np.int32]
    count: NDArray[np.uint32]
    fields: Mapping[str, Column] = attribute(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.version)
        dtypes = DTYPES | {name: further(name).dtype for name in self.fields}
        for name, column in self.columns().items():
            dtype = dtypes[name]
            if column.dtype != dtype:
                wanted = np.dtype(dtype)
                raise ValueError(f"column {name} must be {wanted}, not {column.dtype}")
            if column.shape != (n,):
                raise ValueError(f"column {name} has shape {column.shape}, wanted ({n},)")
            if not column.flags.c_contiguous:
                raise ValueError(f"column {name} must be contiguous")
        for name, column in self.fields.items():
            if n and int(column.max()) > further(name).last:
                raise ValueError(f"column {name}: {further(name).last} is the largest")

    def __getitem__(self, rows: slice) -> Packets:
        """A view of consecutive rows."""
        return self._of({name: column[rows] for name, column in self.columns().items()})

    def columns(self) -> dict[str, Column]:
        """The columns by name, those of further fields last."""
        return {name: getattr(self, name) for name in DTYPES} | dict(self.fields)

    @staticmethod
    def _of(columns: Mapping[str, Column]) -> Packets:
        own: Any = {name: columns[name] for name in DTYPES}
        return Packets(**own, fields={n: c for n, c in columns.items() if n not in DTYPES})

    def take(self, rows: NDArray[np.integer[Any]] | NDArray[np.bool_]) -> Packets:
        """The rows that an index or mask array selects, copied."""
        return self._of({name: column[rows] for name, column in self.columns().items()})

    def carrying(self, fields: Mapping[str, Column | int]) -> Packets:
        """The same packets with other further fields; a constant is that of all of them."""
        made = {n: _column(n, value, further(n).dtype, len(self)) for n, value in fields.items()}
        return replace(self, fields=made)

    def flow(self, row: int) -> Flow:
        """One row as integers."""
        c = {name: int(column[row]) for name, column in self.columns().items()}
        src, dst = c.pop("src_hi") << 64 | c.pop("src_lo"), c.pop("dst_hi") << 64 | c.pop("dst_lo")
        fields = tuple((name, c.pop(name)) for name in sorted(self.fields))
        return Flow(src=src, dst=dst, **c, fields=fields)

    @property
    def bytes(self) -> int:
        """Bytes of all packets together."""
        return int(np.dot(self.length.astype(np.uint64), self.count.astype(np.uint64)))

    @staticmethod
    def make(version: Column, **columns: Column | int) -> Packets:
        """Columns from arrays or constants of any integer type; what is missing is the default:
        unknown endpoint, VRF 0, address and port 0, 64 bytes, one packet."""
        n = len(version)
        unknown = columns.keys() - DTYPES.keys()
        if unknown:
            raise ValueError(f"unknown columns: {', '.join(sorted(unknown))}")
        default = {"src_endpoint": -1, "length": 64, "count": 1}
        given = {"version": version, **columns}
        return Packets._of(
            {
                name: _column(name, given.get(name, default.get(name, 0)), dtype, n)
                for name, dtype in DTYPES.items()
            }
        )

    @staticmethod
    def of(flows: Sequence[Flow]) -> Packets:
        """Columns of single headers; `ValueError` if a value does not fit its column. There is one
        of each further field that any of them names."""
        names = sorted({name for f in flows for name, _ in f.fields})
        return Packets._of(
            {
                name: _checked(name, [getattr(f, name) for f in flows], dtype)
                for name, dtype in DTYPES.items()
            }
            | {
                name: _checked(name, [value_of(f.fields, name) for f in flows], further(name).dtype)
                for name in names
            }
        )

    @staticmethod
    def concat(parts: Sequence[Packets]) -> Packets:
        """All rows, in order."""
        if not parts:
            return Packets.of([])
        names = sorted({name for part in parts for name in part.fields})
        none = {name: further(name).dtype for name in names}
        columns = [
            part.columns()
            | {n: np.zeros(len(part), none[n]) for n in names if n not in part.fields}
            for part in parts
        ]
        return Packets._of(
            {name: np.concatenate([c[name] for c in columns]) for name in [*DTYPES, *names]}
        )


def row_type(name: str, columns: Iterable[str], module: str) -> Any:
    """A named tuple of columns, which is how kernels take them: made of names that are listed
    elsewhere. numba knows compiled code by the `name` that it has in a `module`."""
    return namedtuple(name, tuple(columns), module=module)


def _dtypes(columns: type) -> dict[str, Any]:
    """The types of columns, as they are annotated."""
    hints = get_type_hints(columns).items()
    return {name: hint.__args__[1].__args__[0] for name, hint in hints if name != "fields"}


def _column(name: str, value: Column | int, dtype: Any, n: int) -> Column:
    if isinstance(value, int):
        return np.full(n, value, dtype)
    if value.shape != (n,):
        raise ValueError(f"column {name} has shape {value.shape}, wanted ({n},)")
    return np.ascontiguousarray(value, dtype)


def _checked(name: str, values: Sequence[int], dtype: Any) -> Column:
    limits = np.iinfo(dtype)
    for value in values:
        if not limits.min <= value <= limits.max:
            raise ValueError(f"{value} does not fit column {name} ({np.dtype(dtype)})")
    return np.array(values, dtype)


DTYPES = _dtypes(Packets)
"""Every column but those of further fields, in order."""
HEADER = tuple(name for name in _dtypes(HeaderColumns) if name != "length")
"""What tells flows apart within a VRF."""
