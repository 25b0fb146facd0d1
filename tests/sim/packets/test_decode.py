"""Headers that lie about their length."""

from __future__ import annotations

import numpy as np
import pytest

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
