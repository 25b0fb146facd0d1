"""Capture files as record tables: pcap (draft-ietf-opsawg-pcap) and pcapng (…-pcapng).

Reads headers only: a batch of `CapturedFrames` says where in the file each captured frame lies.
Both byte orders, microseconds and nanoseconds, several sections and interfaces.

Files are hostile until shown otherwise: every length is checked against what is left of the file
before it is used; memory follows the number of records in a batch, never a number in the file. A
file that is cut short or damaged yields the records before the damage, and `Problem` says where.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BATCH = 1 << 18
MAX_INTERFACES = 1 << 12
PCAP_MAGICS = {
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}
"""Magic → byte order and nanoseconds per tick."""
SECTION, INTERFACE, OLD_PACKET, SIMPLE_PACKET, PACKET = 0x0A0D0D0A, 1, 2, 3, 6
SECTION_MAGIC = b"\x0a\x0d\x0d\x0a"
OPTION_RESOLUTION, OPTION_OFFSET = 9, 14


class Problem(NamedTuple):
    """Where reading stopped, and why."""

    offset: int
    what: str


class NotACaptureError(ValueError):
    """The file begins like no capture format that we read."""


@dataclass(frozen=True, slots=True)
class CapturedFrames:
    """Frames of one batch: `offset` into the file, bytes `captured` there, bytes `original` on the
    wire, `time` in ns since 1970, and link types (`LINKTYPE_*`)."""

    offset: NDArray[np.int64]
    captured: NDArray[np.int64]
    original: NDArray[np.int64]
    time: NDArray[np.int64]
    link: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.offset)


Row = tuple[int, int, int, int, int]


def records(data: NDArray[np.uint8], problems: list[Problem]) -> Iterator[CapturedFrames]:
    """Batches of at most `BATCH` records; damage is appended to `problems`."""
    view = memoryview(data)  # type: ignore[arg-type]
    magic = bytes(view[:4])
    if magic in PCAP_MAGICS:
        rows = _pcap(view, *PCAP_MAGICS[magic], problems)
    elif magic == SECTION_MAGIC:
        rows = _pcapng(view, problems)
    else:
        raise NotACaptureError("neither pcap nor pcapng")
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield _table(batch)
            batch = []
    if batch:
        yield _table(batch)


def _table(batch: list[Row]) -> CapturedFrames:
    table = np.array(batch, np.int64)
    offset, captured, original, time, link = np.ascontiguousarray(table.T)
    return CapturedFrames(offset, captured, original, time, link.astype(np.int32))


def _pcap(view: memoryview, order: str, tick: int, problems: list[Problem]) -> Iterator[Row]:
    if len(view) < 24:
        problems.append(Problem(0, "file header cut short"))
        return
    link = struct.unpack_from(f"{order}I", view, 20)[0] & 0xFFFF
    header = struct.Struct(f"{order}IIII")
    at, size = 24, len(view)
    while at + 16 <= size:
        seconds, ticks, captured, original = header.unpack_from(view, at)
        if captured > size - at - 16:
            problems.append(Problem(at, "record longer than the rest of the file"))
            return
        yield at + 16, captured, original, seconds * 10**9 + ticks * tick, link
        at += 16 + captured
    if at < size:
        problems.append(Problem(at, "record header cut short"))


class _Interface(NamedTuple):
    link: int
    snaplen: int
    per_second: int
    offset: int

    def time(self, ticks: int) -> int:
        ns = ticks * 10**9 // self.per_second + self.offset
        return ns if -(2**63) <= ns < 2**63 else (2**63 - 1 if ns > 0 else -(2**63))


class _Layout(NamedTuple):
    """The fixed parts of blocks in one byte order."""

    order: str
    block: struct.Struct
    packet: struct.Struct
    old_packet: struct.Struct

    @staticmethod
    def of(order: str) -> _Layout:
        return _Layout(order, *(struct.Struct(order + fields) for fields in LAYOUT))


LAYOUT = ("II", "IIIII", "HHIIII")


def _pcapng(view: memoryview, problems: list[Problem]) -> Iterator[Row]:
    at, size, layout = 0, len(view), _Layout.of("<")
    interfaces: list[_Interface] = []
    while at + 12 <= size:
        kind, length = layout.block.unpack_from(view, at)
        if kind == SECTION:
            layout, interfaces = _Layout.of("<" if view[at + 8] == 0x4D else ">"), []
            length = layout.block.unpack_from(view, at)[1]
        if length < 12 or length % 4 or length > size - at:
            problems.append(Problem(at, f"block of {length} bytes does not fit the file"))
            return
        try:
            if kind in (PACKET, OLD_PACKET):
                yield _packet(view, at, length, kind, layout, interfaces)
            elif kind == SIMPLE_PACKET:
                yield _simple(view, at, length, layout, interfaces[0])
            elif kind == INTERFACE and len(interfaces) < MAX_INTERFACES:
                interfaces.append(_interface(view[at + 8 : at + length - 4], layout.order))
        except (struct.error, IndexError):
            problems.append(Problem(at, f"damaged block of type {kind:#x}"))
            return
        at += length
    if at < size:
        problems.append(Problem(at, "block header cut short"))


def _packet(
    view: memoryview,
    at: int,
    length: int,
    kind: int,
    layout: _Layout,
    interfaces: list[_Interface],
) -> Row:
    """A packet block as a row; IndexError when it is longer than its block says."""
    if kind == PACKET:
        number, high, low, captured, original = layout.packet.unpack_from(view, at + 8)
    else:
        number, _, high, low, captured, original = layout.old_packet.unpack_from(view, at + 8)
    interface = interfaces[number]
    if captured > length - 32:
        raise IndexError(captured)
    return at + 28, captured, original, interface.time(high << 32 | low), interface.link


def _simple(view: memoryview, at: int, length: int, layout: _Layout, interface: _Interface) -> Row:
    """A simple packet block as a row: no time, and a length that the interface limits."""
    if length < 16:
        raise IndexError(length)
    original = layout.block.unpack_from(view, at + 8)[0]
    captured = min(original, interface.snaplen or original, length - 16)
    return at + 12, captured, original, 0, interface.link


def _interface(body: memoryview, order: str) -> _Interface:
    link, _, snaplen = struct.unpack_from(f"{order}HHI", body)
    per_second, offset, at = 10**6, 0, 8
    while at + 4 <= len(body):
        option, length = struct.unpack_from(f"{order}HH", body, at)
        if option == OPTION_RESOLUTION and length == 1:
            value = body[at + 4]
            per_second = 2 ** (value & 127) if value & 128 else 10 ** min(value, 38)
        elif option == OPTION_OFFSET and length == 8:
            offset = struct.unpack_from(f"{order}q", body, at + 4)[0]
        elif option == 0:
            break
        at += 4 + (length + 3) // 4 * 4
    return _Interface(link, snaplen, per_second, offset * 10**9)
