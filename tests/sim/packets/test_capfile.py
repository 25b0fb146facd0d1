"""Records of captures: runs that are read at once against blocks that are read one by one."""

from __future__ import annotations

import struct
from io import BytesIO
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.packets import capfile
from sim.packets.capfile import Problem, records
from sim.packets.pcap import CaptureWriter

SEEDED = st.integers(0, 2**32).map(Random)


def capture(chance: Random) -> bytes:
    """A pcapng file with frames on several links, and blocks of other kinds between them."""
    file = BytesIO()
    writer = CaptureWriter(file)
    for _ in range(chance.randrange(60)):
        if chance.random() < 0.1:
            body = chance.randbytes(4 * chance.randrange(4))
            kind, size = chance.choice([2, 3, 4, 5, 7]), len(body) + 12
            file.write(struct.pack("<II", kind, size) + body + struct.pack("<I", size))
        else:
            frame = chance.choice([chance.randbytes, looking])(chance.randrange(40))
            time = chance.choice([0, 1, 2**62, chance.getrandbits(60)])
            writer.write(
                frame, time=time, comment="", original=99, link=chance.choice([1, 101, 113])
            )
    return file.getvalue()


def looking(size: int) -> bytes:
    """A frame in which a packet block seems to be."""
    whole = max(32, size // 4 * 4)
    return struct.pack("<II", 6, whole) + bytes(whole - 12) + struct.pack("<I", whole)


def broken(data: bytes, chance: Random) -> bytes:
    """The file with some bytes of it changed, or cut short."""
    found = bytearray(data)
    for _ in range(chance.choice([0, 1, 1, 4])):
        found[chance.randrange(4, len(found))] = chance.choice([0, 1, 4, 28, 255])
    return bytes(found[: chance.choice([len(found), chance.randrange(4, len(found) + 1)])])


def read(data: bytes) -> tuple[list[list[int]], list[Problem]]:
    """All rows, and what is wrong."""
    problems: list[Problem] = []
    rows: list[list[int]] = []
    for batch in records(np.frombuffer(data, np.uint8), problems):
        assert 0 < len(batch) <= capfile.BATCH
        columns = batch.offset, batch.captured, batch.original, batch.time, batch.link
        rows += np.column_stack(columns).tolist()
    return rows, problems


@given(SEEDED)
def test_runs_are_read_as_blocks_are(chance: Random) -> None:
    data = broken(capture(chance), chance)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(capfile, "SHORT", 1 << 30)
        one_by_one = read(data)
        patch.setattr(capfile, "BATCH", chance.choice([1, 3, 8, 1 << 18]))
        patch.setattr(capfile, "SHORT", chance.choice([1, 2, 8]))
        assert read(data) == one_by_one


class Asked(np.ndarray):  # type: ignore[type-arg]
    """A table that counts how often its size is asked for."""

    times = 0

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]
        Asked.times += 1
        return super().shape


def test_short_runs_are_not_counted_again_for_each_that_follows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A file may be made of nothing else, such as sections of a few packets."""
    tables = [np.zeros((5, 8), np.int64).view(Asked) for _ in range(300)]
    monkeypatch.setattr(capfile, "_tables", lambda rows: iter(tables))
    rows, _ = read(capfile.SECTION_MAGIC)
    assert len(rows) == 8 * 300
    assert Asked.times < 3 * 300


@given(SEEDED, st.sampled_from(["<", ">"]), st.sampled_from([1, 1000]))
def test_records_of_pcap_are_what_the_format_says(chance: Random, order: str, tick: int) -> None:
    magic = next(m for m, of in capfile.PCAP_MAGICS.items() if of == (order, tick))
    data, rows = magic + struct.pack(f"{order}HHIIII", 2, 4, 0, 0, 65535, 113), []
    for _ in range(chance.randrange(20)):
        seconds, ticks, frame = chance.getrandbits(32), chance.getrandbits(20), b"x" * 7
        rows.append([len(data) + 16, len(frame), 99, seconds * 10**9 + ticks * tick, 113])
        data += struct.pack(f"{order}IIII", seconds, ticks, len(frame), 99) + frame
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(capfile, "BATCH", chance.choice([1, 3, 1 << 18]))
        assert read(data) == (rows, [])
        cut = chance.randrange(24, len(data) + 1)
        found, problems = read(data[:cut])
    whole = [row for row in rows if row[0] + row[1] <= cut]
    end = whole[-1][0] + 7 if whole else 24
    what = (
        "record header cut short" if cut < end + 16 else "record longer than the rest of the file"
    )
    assert found == whole
    assert problems == ([] if cut == end else [Problem(end, what)])


@pytest.mark.parametrize("resolution", [6, 9, 3, 12, 0x80 | 20, 0])
def test_ticks_are_nanoseconds_at_once_as_one_by_one(resolution: int) -> None:
    per_second = 2 ** (resolution & 127) if resolution & 128 else 10**resolution
    for offset in (0, 10**9, -(10**18), 2**62, 9 * 10**27):
        interface = capfile._Interface(1, 0, per_second, offset)
        high = np.array([0, 1, 2**10, 2**32 - 1], np.int64)
        low = np.array([2**32 - 1, 0, 7, 2**32 - 1], np.int64)
        one_by_one = [interface.time(int(a) << 32 | int(b)) for a, b in zip(high, low, strict=True)]
        assert interface.times(high, low).tolist() == one_by_one
        assert interface.times(high[:2], low[:2]).tolist() == one_by_one[:2]
