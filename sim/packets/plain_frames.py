"""Headers of plain frames, which are nearly all: their fields stand at the same places in each, so
that one copy of their first bytes is all that is read of the file.

A frame is plain if it is Ethernet without a tag, IPv4 of 20 bytes that is no fragment or IPv6
without extension headers, states its length, and has ports, which were captured. What
`sim.packets.decode` says of any frame is the definition; a law holds that both say the same.

Cost: one line of the file per frame, and a pass over them per column.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabric.values.ports import WITH_PORTS
from sim.packets.capfile import ETHERNET, CapturedFrames, bytes_at
from sim.packets.headers import DTYPES, HeaderColumns

Ints = NDArray[np.int64]
ROOM = 64
"""Bytes that are copied of each."""
NETWORK = 14
"""Where the IP header begins."""
SIZES = {4: 20, 6: 40}
"""Bytes of an IP header."""
START = {4: (0xFFFFFF00, 0x08004500), 6: (0xFFFFF000, 0x86DD6000)}
"""Of the EtherType and the first bytes behind it the bits that count, and what they must be."""
FRAGMENT = 0x3FFF
"""Bits that tell fragments, of the word that has them."""
FIELDS = {
    4: {"stated": (2, ">u2"), "fragment": (6, ">u2"), "protocol": (9, "u1"), "src_lo": (12, ">u4"),
        "dst_lo": (16, ">u4"), "sport": (20, ">u2"), "dport": (22, ">u2")},
    6: {"stated": (4, ">u2"), "protocol": (6, "u1"), "src_hi": (8, ">u8"), "src_lo": (16, ">u8"),
        "dst_hi": (24, ">u8"), "dst_lo": (32, ">u8"), "sport": (40, ">u2"), "dport": (42, ">u2")},
}  # fmt: skip
"""Where what stands in an IP header and behind it (RFC 791 §3.1, RFC 8200 §3)."""


def _layout(version: int) -> np.dtype[Any]:
    """A frame's first bytes as a record."""
    places = {"start": (-2, ">u4"), **FIELDS[version]}
    return np.dtype(
        {
            "names": [*places],
            "offsets": [NETWORK + at for at, _ in places.values()],
            "formats": [kind for _, kind in places.values()],
            "itemsize": ROOM,
        }
    )


LAYOUTS = {version: _layout(version) for version in FIELDS}
PORTED = np.isin(np.arange(256), [*WITH_PORTS])


def plain_frames(
    data: NDArray[np.uint8], frames: CapturedFrames
) -> Iterator[tuple[Ints, HeaderColumns]]:
    """The plain frames of each IP version, in order, and their headers."""
    whole = np.flatnonzero((frames.link == ETHERNET) & (frames.offset + ROOM <= len(data)))
    heads = bytes_at(data, frames.offset[whole], ROOM)
    start = heads.view(LAYOUTS[4])["start"].astype(np.uint32)
    for version, (bits, first) in START.items():
        mine = np.flatnonzero(start & np.uint32(bits) == first)
        own, rows = heads[mine].view(LAYOUTS[version]), whole[mine]
        plain = _plain(own, frames.captured[rows], version)
        if not plain.all():
            own, rows = own[plain], rows[plain]
        yield rows, _header(own, version)


def _plain(heads: NDArray[Any], captured: Ints, version: int) -> NDArray[np.bool_]:
    """Which frames of a version are plain."""
    known = heads["fragment"] & FRAGMENT == 0 if version == 4 else True
    known &= (captured >= NETWORK + SIZES[version] + 4) & (heads["stated"] > 0)
    plain: NDArray[np.bool_] = known & PORTED[heads["protocol"]]
    return plain


def _header(heads: NDArray[Any], version: int) -> HeaderColumns:
    """The columns of plain frames. What IPv6 states is without its header."""
    own = {name: heads[name].astype(DTYPES[name]) for name in FIELDS[version] if name in DTYPES}
    more = np.uint32(SIZES[6] if version == 6 else 0)
    constant = {"version": version, "src_hi": 0, "dst_hi": 0}
    return HeaderColumns(
        **{name: np.full(len(heads), value, DTYPES[name]) for name, value in constant.items()}
        | own
        | {"length": heads["stated"] + more}
    )
