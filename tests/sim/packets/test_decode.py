"""Headers that lie about their length."""

from __future__ import annotations

import struct
from dataclasses import fields
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.packets import decode as decoding
from sim.packets.capfile import CapturedFrames
from sim.packets.decode import VXLAN_PORT, decode, decode_any

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


def header(chance: Random, version: int) -> bytes:
    """An IP header whose fields are mostly those of whole packets with ports."""
    rarely = lambda *rare: chance.choice([0] * 12 + [*rare])  # noqa: E731
    protocol = chance.choice([6, 17, 17, 132]) if not rarely(1) else chance.choice([1, 58, 44, 0])
    stated = 0 if rarely(1) else chance.randrange(1, 1 << 16)
    if version == 4:
        fragment = rarely(0x2000, 0x4000, 0x0001, 0x3FFF)
        first = bytes([rarely(1) + 0x45, chance.randrange(256)])
        rest = stated, chance.getrandbits(16), fragment, 64, protocol, 0
        return first + struct.pack(">HHHBBH", *rest) + chance.randbytes(8)
    first = bytes([0x60 + chance.randrange(16)]) + chance.randbytes(3)
    return first + struct.pack(">HBB", stated, protocol, 64) + chance.randbytes(32)


@given(st.integers(0, 2**32).map(Random))
def test_plain_frames_say_what_frames_of_any_kind_do(chance: Random) -> None:
    """Frames that are nearly plain among them: tagged, with options, fragments, cut off."""
    data, begin, captured, link = b"", list[int](), list[int](), list[int]()
    for _ in range(chance.randrange(12)):
        version = chance.choice([4, 6])
        kind = b"" if chance.random() < 0.9 else b"\x81\x00\x00\x07"
        kind += {4: b"\x08\x00", 6: b"\x86\xdd"}[
            version if chance.random() < 0.95 else 10 - version
        ]
        ports = struct.pack(">HH", chance.getrandbits(16), chance.choice([80, VXLAN_PORT]))
        one = chance.randbytes(12) + kind + header(chance, version) + ports + chance.randbytes(16)
        captured.append(len(one) if chance.random() < 0.8 else chance.randrange(len(one) + 1))
        begin.append(len(data))
        link.append(1 if chance.random() < 0.95 else 113)
        data += one
    data += chance.randbytes(chance.choice([0, 10, 64]))
    offset, sizes = np.array(begin, np.int64), np.array(captured, np.int64)
    frames = CapturedFrames(offset, sizes, sizes + 9, sizes * 0, np.array(link, np.int32))
    bytes_ = np.frombuffer(data, np.uint8)
    plain, any_ = decode(bytes_, frames), decode_any(bytes_, frames, VXLAN_PORT)
    for field in fields(plain):
        mine, theirs = getattr(plain, field.name), getattr(any_, field.name)
        assert mine.dtype == theirs.dtype
        assert mine.tolist() == theirs.tolist()
