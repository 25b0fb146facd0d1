"""Further fields in IP headers: what is written is read, wherever a row says, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.policy.fields import FIELDS, LONGEST, Field
from sim.packets import carried

SIZES = {4: 20, 6: 40}
NOT_IPV4 = (0, 8), (80, 96)
"""Version and length of an IPv4 header, and its checksum: bits that no row takes."""


@given(st.data(), st.sampled_from([4, 6]), st.integers(1, LONGEST), st.sampled_from([0, 0, 1, 4]))
def test_what_is_written_is_read_and_nothing_else_changes(
    data: st.DataObject, version: int, bits: int, behind: int
) -> None:
    room = SIZES[version] * 8 - bits
    begin = data.draw(st.integers(0, room) | st.integers(room - 8, room))
    if version == 4 and any(begin < last and first < begin + bits for first, last in NOT_IPV4):
        return
    row = Field("toy", (1 << bits) - 1, False, False, {4: 0, 6: 0} | {version: begin}, ())
    value = data.draw(st.integers(0, row.last))
    head = data.draw(st.binary(min_size=SIZES[version] - 1, max_size=SIZES[version] - 1))
    packet = (b"\x45" if version == 4 else b"\x60") + head + b"\xff" * behind
    with FIELDS.also(row):
        made = carried.written(packet, version, (("toy", value),))
        again = carried.written(made, version, (("toy", value),))
    assert again == made
    assert len(made) == len(packet)
    changed = int.from_bytes(made, "big") ^ int.from_bytes(packet, "big")
    mine = (1 << bits) - 1 << len(packet) * 8 - begin - bits
    checksum = 0xFFFF << len(packet) * 8 - 96 if version == 4 else 0
    assert changed & ~(mine | checksum) == 0
    bytes_of = np.frombuffer(made[: SIZES[version]], np.uint8)
    at, versions = np.zeros(1, np.int64), np.array([version], np.uint8)
    assert carried.read(bytes_of, at, versions, row).tolist() == [value]


@pytest.mark.parametrize("row", [r for r in FIELDS.values() if r.at], ids=lambda r: r.name)
def test_rows_of_this_house_have_their_place(row: Field) -> None:
    for version, size in SIZES.items():
        first, shift, mask = carried.place(row, version)
        assert first < size
        assert mask == row.last
        assert 0 <= shift < 32
