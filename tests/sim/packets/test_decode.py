"""Headers that lie about their length."""

from __future__ import annotations

from dataclasses import fields
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.packets import decode as decoding
from sim.packets.capfile import CapturedFrames
from sim.packets.decode import decode

RAW = 101


def frame(total: int) -> bytes:
    """An IPv4 header that states this length."""
    return bytes([0x45, 0]) + total.to_bytes(2, "big") + bytes(5) + b"\x11" + bytes(10)


@pytest.mark.parametrize(
    ("total", "original", "length"),
    [(20, 20, 20), (60, 20, 60), (0, 20, 20), (0, 9000, 9000), (0, 1, 1), (0, 0, 0)],
)
def test_a_length_of_none_is_what_was_on_the_wire(total: int, original: int, length: int) -> None:
    """Zero is stated by senders that leave the length to their hardware; a capture may say that
    less was on the wire than it holds."""
    data = np.frombuffer(frame(total), np.uint8)
    one = np.ones(1, np.int64)
    records = CapturedFrames(
        one * 0, one * len(data), one * original, one, np.full(1, RAW, np.int32)
    )
    assert decode(data, records).length.tolist() == [length]


@given(st.integers(0, 2**32).map(Random))
def test_numbers_are_read_at_once_as_byte_by_byte(chance: Random) -> None:
    data = np.frombuffer(chance.randbytes(200), np.uint8).copy()
    count = chance.randrange(1, 6)
    offset = np.array([chance.randrange(100) for _ in range(count)], np.int64)
    room = 40 if chance.random() < 0.5 else 2
    captured = np.array([chance.randrange(room, 100) for _ in range(count)], np.int64)
    for at in offset.tolist():  # some of it is IP
        data[at : at + 1] = chance.choice([0x45, 0x46, 0x60, 0])
    link = np.full(count, chance.choice([1, 101, 113]), np.int32)
    frames = CapturedFrames(offset, captured, captured + 9, np.zeros(count, np.int64), link)
    at_once = decode(data, frames)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding._Bytes, "_whole", lambda *_: None)
        byte_by_byte = decode(data, frames)
    for field in fields(at_once):
        mine, theirs = getattr(at_once, field.name), getattr(byte_by_byte, field.name)
        assert mine.dtype == theirs.dtype
        assert mine.tolist() == theirs.tolist()
