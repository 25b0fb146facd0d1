"""Further fields in the IP header of captured and crafted packets, where their rows say.

A field begins at bit `at[version]` of the header and is `bits` wide (`compiler.policy.fields`). Of
the header itself the first 20 or 40 bytes were captured, or there is no packet.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from compiler.policy.fields import Field, Values, further
from fabric.diagnostics import Diagnostic, UndecidedError

Column = NDArray[np.int64]


def place(row: Field, version: int) -> tuple[int, int, int]:
    """The first of four bytes that hold a field, by how much it is shifted there, and its mask;
    `UndecidedError` C863 when no IP header carries it."""
    if row.at is None:
        message = f"rules match on {row.name}, which no captured packet shows"
        hint = "generated traffic has a packet of every value"
        raise UndecidedError(Diagnostic("C863", message, None, hint, "unknown"))
    first, begin = divmod(row.at[version], 8)
    return first, 32 - begin - row.bits, (1 << row.bits) - 1


def read(data: NDArray[np.uint8], at: Column, version: NDArray[np.uint8], row: Field) -> Column:
    """The field of packets whose IP headers begin `at` these places of a file."""
    out = np.zeros(len(at), np.int64)
    for family, size in ((4, 20), (6, 40)):
        rows = np.flatnonzero(version == family)
        first, shift, mask = place(row, family)
        word = np.zeros(len(rows), np.int64)
        for number in range(first, first + 4):
            octet = data[at[rows] + number].astype(np.int64) if number < size else 0
            word = word << 8 | octet
        out[rows] = word >> shift & mask
    return out


def written(header: bytes, version: int, values: Values) -> bytes:
    """An IP header with these values, and its checksum right; what no header carries is left."""
    out = bytearray(header)
    for row, value in _carried(values):
        first, shift, mask = place(row, version)
        held = out[first : first + 4].ljust(4, b"\0")
        word = int.from_bytes(held, "big") & ~(mask << shift) | value << shift
        out[first : first + 4] = word.to_bytes(4, "big")
        del out[len(header) :]
    if version == 4:
        out[10:12] = bytes(2)
        out[10:12] = _checksum(bytes(out[: (out[0] & 15) * 4])).to_bytes(2, "big")
    return bytes(out)


def _carried(values: Values) -> Iterable[tuple[Field, int]]:
    rows = ((further(name), value) for name, value in values)
    return ((row, value) for row, value in rows if row.at is not None)


def _checksum(header: bytes) -> int:
    """RFC 1071."""
    total = sum(int.from_bytes(header[i : i + 2], "big") for i in range(0, len(header), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
