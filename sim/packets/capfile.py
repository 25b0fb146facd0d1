"""Capture files as record tables: pcap (draft-ietf-opsawg-pcap) and pcapng (…-pcapng).

Reads headers only: a batch of `CapturedFrames` says where in the file each captured frame lies.
Both byte orders, microseconds and nanoseconds, several sections and interfaces.

Files are hostile until shown otherwise: every length is checked against what is left of the file
before it is used; memory follows the number of records in a batch, never a number in the file. A
file that is cut short or damaged yields the records before the damage, and `Problem` says where.

Records follow one another: where a run of pcapng blocks begins and ends is found by looking for
words that look like the first of one, and keeping those to which the lengths before them lead; in
pcap it is found one record at a time. The rest is read of all at once. Blocks that are not in a run
(pcapng in the other byte order, or of other kinds) are read one by one, and so is the first one of
a run that is damaged: what is wrong is said in one place.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

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
ETHERNET = 1
"""The link type of most captures."""


class Problem(NamedTuple):
    """Where reading stopped, and why."""

    offset: int
    what: str


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

    def take(self, rows: NDArray[np.int64]) -> CapturedFrames:
        """Some rows."""
        return CapturedFrames(*(getattr(self, f.name)[rows] for f in fields(self)))


Row = tuple[int, int, int, int, int]
"""Offset, captured, original, time, link."""
I64 = NDArray[np.int64]
Table = I64
"""What a `Row` says of each frame, [5, frames]."""
TIME, LINK = 3, 4
BLOCK = np.dtype([(name, "=u4") for name in (
    "kind", "length", "interface", "high", "low", "captured", "original"
)])  # fmt: skip
"""A packet block, of which each word is here in our own order."""
SHORT = 8
"""Runs of fewer blocks are quicker read one by one."""
STEPS, WINDOWS = 64, (1 << 12, 1 << 20)
"""How many blocks are followed one by one where looking for them fails; and the words that are
looked at together, at first and at most: twice as many each time, so that no file costs more than
some times its size."""
NATIVE = "<" if sys.byteorder == "little" else ">"


def begins(data: NDArray[np.uint8]) -> bool:
    """Whether a file begins as a capture does that we read."""
    magic = data[:4].tobytes()
    return magic in PCAP_MAGICS or magic == SECTION_MAGIC


def records(data: NDArray[np.uint8], problems: list[Problem]) -> Iterator[CapturedFrames]:
    """Batches of at most `BATCH` records of a file that `begins`; damage is appended to
    `problems`."""
    view = memoryview(data)  # type: ignore[arg-type]
    magic = bytes(view[:4])
    if magic in PCAP_MAGICS:
        rows = _pcap(view, *PCAP_MAGICS[magic], problems)
    else:
        rows = _pcapng(view, problems)
    batch: list[Table] = []
    count = 0
    for table in _tables(rows):
        batch.append(table)
        count += table.shape[1]
        if count >= BATCH:
            whole = np.concatenate(batch, axis=1)
            for first in range(0, count - BATCH + 1, BATCH):
                yield _frames(whole[:, first : first + BATCH])
            batch = [whole[:, count - count % BATCH :]]
            count %= BATCH
    if count:
        yield _frames(np.concatenate(batch, axis=1))


def _tables(rows: Iterator[Row | Table]) -> Iterator[Table]:
    """Runs as they are, and what comes between them as tables of at most `BATCH` rows."""
    single: list[Row] = []
    for row in rows:
        if not isinstance(row, tuple):
            if single:
                yield np.array(single, np.int64).T
                single = []
            yield row
            continue
        single.append(row)
        if len(single) == BATCH:
            yield np.array(single, np.int64).T
            single = []
    if single:
        yield np.array(single, np.int64).T


def _frames(table: Table) -> CapturedFrames:
    offset, captured, original, time, link = np.ascontiguousarray(table)
    return CapturedFrames(offset, captured, original, time, link.astype(np.int32))


def _pcap(
    view: memoryview, order: str, tick: int, problems: list[Problem]
) -> Iterator[Row | Table]:
    if len(view) < 24:
        problems.append(Problem(0, "file header cut short"))
        return
    link = struct.unpack_from(f"{order}I", view, 20)[0] & 0xFFFF
    length = struct.Struct(f"{order}I").unpack_from
    at, size = 24, len(view)
    while at + 16 <= size:
        found = list[int]()
        while at + 16 <= size and len(found) < BATCH:
            (captured,) = length(view, at + 8)
            if captured > size - at - 16:
                break
            found.append(at)
            at += 16 + captured
        if found:
            yield _pcap_run(view, np.array(found), order, tick, link)
        if len(found) < BATCH and at + 16 <= size:
            problems.append(Problem(at, "record longer than the rest of the file"))
            return
    if at < size:
        problems.append(Problem(at, "record header cut short"))


def _pcap_run(view: memoryview, at: I64, order: str, tick: int, link: int) -> Table:
    """Records that begin there, all of them whole."""
    words = bytes_at(np.frombuffer(view, np.uint8), at, 16).view(f"{order}u4").reshape(-1, 4)
    seconds, ticks, captured, original = words.T.astype(np.int64)
    return np.stack([at + 16, captured, original, seconds * 10**9 + ticks * tick, 0 * at + link])


def bytes_at(data: NDArray[Any], at: I64, size: int) -> NDArray[Any]:
    """So many bytes from each of these elements on, which end where the data does or before."""
    if not len(at):
        return np.zeros(0, f"V{size}")
    n = (data.nbytes - size) // data.itemsize + 1
    everywhere = np.ndarray((n,), f"V{size}", data.data, strides=(data.itemsize,))
    found: NDArray[Any] = everywhere[at]
    return found


class _Interface(NamedTuple):
    link: int
    snaplen: int
    per_second: int
    offset: int

    def times(self, high: I64, low: I64) -> I64:
        """As `time` of each: at once where a tick is some nanoseconds and none is far away."""
        tick, rest = divmod(10**9, self.per_second)
        most = (int(high.max()) << 32) + 2**32
        if not rest and most * tick + abs(self.offset) < 2**63:
            return np.asarray(((high << 32) + low) * tick + self.offset, np.int64)
        ticks = zip(high.tolist(), low.tolist(), strict=True)
        return np.array([self.time(a << 32 | b) for a, b in ticks], np.int64)

    def time(self, ticks: int) -> int:
        ns = ticks * 10**9 // self.per_second + self.offset
        return ns if -(2**63) <= ns < 2**63 else (2**63 - 1 if ns > 0 else -(2**63))


class _ByteOrder(NamedTuple):
    """The fixed parts of blocks in one byte order."""

    order: str
    block: struct.Struct
    packet: struct.Struct
    old_packet: struct.Struct

    @staticmethod
    def of(order: str) -> _ByteOrder:
        return _ByteOrder(order, *(struct.Struct(order + fields) for fields in LAYOUT))


LAYOUT = ("II", "IIIII", "HHIIII")


def _pcapng(view: memoryview, problems: list[Problem]) -> Iterator[Row | Table]:
    at, size, layout = 0, len(view), _ByteOrder.of("<")
    interfaces: list[_Interface] = []
    words, looked = view[: size // 4 * 4].cast("I"), 0
    while at + 12 <= size:
        if layout.order == NATIVE and at >= looked:
            found = _run(words, at // 4)
            if len(found) >= SHORT and (table := _packets(words, found, interfaces)).size:
                yield table
                last = int(found[table.shape[1] - 1])
                at = 4 * last + words[last + 1]
                continue
            looked = 4 * int(found[-1]) + 1 if len(found) else at + 1
        kind, length = layout.block.unpack_from(view, at)
        if kind == SECTION:
            layout, interfaces = _ByteOrder.of("<" if view[at + 8] == 0x4D else ">"), []
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


def _run(words: memoryview, at: int) -> I64:
    """Where packet blocks begin that follow one another, in words of four bytes."""
    parts, count, window = list[I64](), 0, WINDOWS[0]
    while count < BATCH:
        part, window = _leaps(words, at, window), min(2 * window, WINDOWS[1])
        if len(part) < SHORT:
            part, window = _steps(words, at), WINDOWS[0]
        if not len(part):
            break
        parts.append(part[: BATCH - count])
        count += len(parts[-1])
        last = int(parts[-1][-1])
        at = last + (words[last + 1] >> 2)
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def _steps(words: memoryview, at: int) -> I64:
    """The same, some of them, each found by the length of the one before."""
    found, end = list[int](), len(words) - 2
    while at < end and len(found) < STEPS:
        length = words[at + 1]
        if words[at] != PACKET or length < 32 or length & 3 or length >> 2 > end + 2 - at:
            break
        found.append(at)
        at += length >> 2
    return np.array(found, np.int64)


def _leaps(words: memoryview, first: int, window: int) -> I64:
    """The same, of those that begin in a window: of all words that look like blocks, which end as
    they begin, those to which blocks before lead."""
    here = np.asarray(words)[first:]
    seem = np.flatnonzero(here[: min(window, max(len(here) - 7, 0))] == PACKET)
    length = here[seem + 1].astype(np.int64)
    whole = (length >= 32) & (length & 3 == 0) & (length >> 2 <= len(here) - seem)
    seem, length = seem[whole], length[whole]
    ends = here[seem + (length >> 2) - 1] == length
    seem, after = seem[ends], (seem + (length >> 2))[ends]
    if not len(seem) or seem[0] != 0:
        return np.zeros(0, np.int64)
    breaks = [*np.flatnonzero(after[:-1] != seem[1:]).tolist(), len(seem) - 1]
    led, at = list[I64](), 0
    for last in breaks:
        if last >= at:
            led.append(seem[at : last + 1])
            at = int(np.searchsorted(seem, after[last]))
            if at == len(seem) or seem[at] != after[last]:
                break
    return np.concatenate(led) + first


def _packets(words: memoryview, at: I64, interfaces: list[_Interface]) -> Table:
    """Blocks that begin at these words, up to the first that is damaged."""
    known = bytes_at(np.asarray(words), at, BLOCK.itemsize).view(BLOCK)
    captured, number = known["captured"].astype(np.int64), known["interface"]
    bad = np.flatnonzero((number >= len(interfaces)) | (captured > known["length"] - 32))
    good = int(bad[0]) if len(bad) else len(at)
    known, number = known[:good], number[:good]
    table = np.empty((5, good), np.int64)
    table[:3] = 4 * at[:good] + 28, captured[:good], known["original"]
    for index in np.unique(number).tolist():
        interface, mine = interfaces[index], number == index
        high, low = (known[name][mine].astype(np.int64) for name in ("high", "low"))
        table[TIME, mine] = interface.times(high, low)
        table[LINK, mine] = interface.link
    return table


def _packet(
    view: memoryview,
    at: int,
    length: int,
    kind: int,
    layout: _ByteOrder,
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


def _simple(
    view: memoryview, at: int, length: int, layout: _ByteOrder, interface: _Interface
) -> Row:
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
