"""Frames → header columns, all frames of a batch at once.

Ethernet with up to four VLAN tags (802.1Q, 802.1ad), Linux cooked v1 and v2, BSD loopback, raw IP;
IPv4; IPv6 with extension headers (RFC 8200 §4); ports of TCP, UDP, SCTP; VXLAN (RFC 7348) one level
deep. No byte outside a frame's captured bytes is ever looked at: reads beyond it give zero, and
what was cut off is marked.

A length field of zero (segmentation offload, RFC 2675 jumbograms, BIG TCP) is replaced by what the
capture says was on the wire.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabric.values.ports import WITH_PORTS
from sim.packets.capfile import ETHERNET, CapturedFrames
from sim.packets.headers import HeaderColumns
from sim.packets.icmp import ERROR, OTHER, PROTOCOL, marks_of
from sim.packets.plain_frames import NETWORK, SIZES, plain_frames

VXLAN_PORT = 4789
SLL, SLL2 = 113, 276
RAW = (12, 14, 101, 228, 229)
LOOPBACK = (0, 108)
IPV4, IPV6 = 0x0800, 0x86DD
TAGS = (0x8100, 0x88A8, 0x9100)
SKIPPED = (0, 43, 60, 135, 139, 140)
"""Extension headers that are `next, length in 8 bytes - 1, …`."""
FRAGMENT, AUTHENTICATION = 44, 51
MAX_EXTENSIONS = 16

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Decoded(HeaderColumns):
    """One row per frame. `version` 0: no IP header found; then `cut` says that too little of the
    frame was captured to know. `ported`: the ports were there to read. `fragment` is the
    datagram's identification + 1 if this is a fragment, negative if not its first; 0 otherwise.
    `vni` is -1 without VXLAN; `payload` is where in the file the VXLAN payload begins, or what an
    ICMP error quotes. `mark` is what `sim.packets.icmp` makes of an ICMP header, 0 elsewhere; `ip`
    where in the file the IP header begins."""

    ported: Mask
    cut: Mask
    fragment: Ints
    vni: NDArray[np.int32]
    payload: Ints
    mark: NDArray[np.uint32]
    ip: Ints

    def take(self, rows: Ints) -> Decoded:
        """Some rows."""
        return Decoded(*(getattr(self, f.name)[rows] for f in fields(self)))

    def those(self, mask: Mask) -> Decoded:
        """The rows of a mask; itself, if these are all."""
        return self if mask.all() else self.take(np.flatnonzero(mask))


class _Bytes:
    """Reads of big-endian numbers at one place per frame; zero beyond `end`."""

    def __init__(self, data: NDArray[np.uint8], end: Ints) -> None:
        self.data, self.end = data, end
        self.last = max(len(data) - 1, 0)

    def u8(self, at: Ints) -> Ints:
        if not len(self.data):
            return np.zeros(len(at), np.int64)
        if (at < self.end).all():
            return self.data[at].astype(np.int64)
        return np.where(at < self.end, self.data[np.minimum(at, self.last)], 0).astype(np.int64)

    def u16(self, at: Ints) -> Ints:
        if (found := self._whole(at, 2)) is not None:
            return found.astype(np.int64)
        return self.u8(at) << 8 | self.u8(at + 1)

    def u32(self, at: Ints) -> Ints:
        if (found := self._whole(at, 4)) is not None:
            return found.astype(np.int64)
        return self.u16(at) << 16 | self.u16(at + 2)

    def u64(self, at: Ints) -> NDArray[np.uint64]:
        if (found := self._whole(at, 8)) is not None:
            return found.astype(np.uint64)
        return self.u32(at).astype(np.uint64) << np.uint64(32) | self.u32(at + 4).astype(np.uint64)

    def _whole(self, at: Ints, size: int) -> NDArray[Any] | None:
        """Numbers of so many bytes at once, where no frame ends before; else None."""
        if len(self.data) < size or not (at + size <= self.end).all():
            return None
        shape = (len(self.data) - size + 1,)
        everywhere = np.ndarray(shape, f">u{size}", self.data.data, strides=(1,))
        found: NDArray[Any] = everywhere[at]
        return found

    def rows(self, keep: Ints) -> _Bytes:
        return _Bytes(self.data, self.end[keep])


def decode(
    data: NDArray[np.uint8], frames: CapturedFrames, vxlan_port: int = VXLAN_PORT
) -> Decoded:
    """The outermost IP header of each frame."""
    parts, others = list[tuple[Ints, Decoded]](), np.ones(len(frames), np.bool_)
    for rows, header in plain_frames(data, frames):
        begin, end = frames.offset[rows], frames.offset[rows] + frames.captured[rows]
        parts.append((rows, _plain(_Bytes(data, end), begin + NETWORK, header, vxlan_port)))
        others[rows] = False
    if others.any():
        rows = np.flatnonzero(others)
        parts.append((rows, decode_any(data, frames.take(rows), vxlan_port)))
    return _merged(parts, len(frames))


def _merged(parts: list[tuple[Ints, Decoded]], n: int) -> Decoded:
    """Rows of all parts as one."""
    whole = next((found for rows, found in parts if len(rows) == n), None)
    if whole is not None:
        return whole
    columns = dict[str, NDArray[Any]]()
    for f in fields(Decoded):
        columns[f.name] = np.empty(n, getattr(parts[0][1], f.name).dtype)
        for rows, found in parts:
            columns[f.name][rows] = getattr(found, f.name)
    return Decoded(**columns)


def decode_any(data: NDArray[np.uint8], frames: CapturedFrames, vxlan_port: int) -> Decoded:
    """The same of frames of any kind."""
    read = _Bytes(data, frames.offset + frames.captured)
    kind, network = _link(read, frames.offset, frames.link)
    return _ip(read, kind, network, frames.offset + frames.original, vxlan_port)


def _plain(read: _Bytes, at: Ints, header: HeaderColumns, vxlan_port: int) -> Decoded:
    """What is known of plain frames whose IP headers begin there."""
    l4, none = at + np.where(header.version == 4, SIZES[4], SIZES[6]), np.zeros(len(at), np.bool_)
    own: dict[str, Any] = {f.name: getattr(header, f.name) for f in fields(header)}
    return Decoded(
        **own,
        ported=~none,
        cut=none,
        fragment=np.zeros(len(at), np.int64),
        vni=_vni(read, header.protocol, header.dport, l4, vxlan_port),
        payload=l4 + 16,
        mark=np.zeros(len(at), np.uint32),
        ip=at,
    )


def inner(data: NDArray[np.uint8], frames: CapturedFrames, outer: Decoded) -> tuple[Ints, Decoded]:
    """Which frames carry VXLAN, and the IP header inside each of them."""
    rows = np.flatnonzero(outer.vni >= 0)
    at, captured = outer.payload[rows], frames.offset[rows] + frames.captured[rows]
    original = frames.original[rows] - (at - frames.offset[rows])
    ethernet = np.full(len(rows), ETHERNET, np.int32)
    inside = CapturedFrames(at, captured - at, original, frames.time[rows], ethernet)
    return rows, decode(data, inside, vxlan_port=-1)


def _link(read: _Bytes, at: Ints, link: NDArray[np.int32]) -> tuple[Ints, Ints]:
    """EtherType (-1: too little captured) and offset of the network header."""
    header = np.select(
        [link == ETHERNET, link == SLL, link == SLL2, np.isin(link, LOOPBACK)], [14, 16, 20, 4], 0
    )
    network = at + header
    where = np.select([link == ETHERNET, link == SLL], [at + 12, at + 14], at)
    kind = read.u16(where)
    for _ in range(4):
        tagged = np.isin(kind, TAGS)
        if not tagged.any():
            break
        kind = np.where(tagged, read.u16(network + 2), kind)
        network = np.where(tagged, network + 4, network)
    nibble = read.u8(network) >> 4
    bare = np.isin(link, RAW + LOOPBACK)
    by_nibble = np.select([nibble == 4, nibble == 6], [IPV4, IPV6], 0)
    known = bare | np.isin(link, (ETHERNET, SLL, SLL2))
    kind = np.where(bare, by_nibble, np.where(known, kind, 0))
    return np.where(network >= read.end, -1, kind), network


def _ip(read: _Bytes, kind: Ints, at: Ints, wire_end: Ints, vxlan_port: int) -> Decoded:
    n = len(at)
    first = read.u8(at)
    nibble, head = first >> 4, (first & 15) * 4
    is4 = (kind == IPV4) & (nibble == 4) & (head >= 20) & (at + 20 <= read.end)
    is6 = (kind == IPV6) & (nibble == 6) & (at + 40 <= read.end)
    cut = ~is4 & ~is6 & ((kind == -1) | np.isin(kind, (IPV4, IPV6)))
    six, four = np.flatnonzero(is6), np.flatnonzero(is4)
    behind = read.rows(six)
    src_hi, src_lo, dst_hi, dst_lo = np.zeros((4, n), np.uint64)
    for column, place in ((src_hi, 8), (src_lo, 16), (dst_hi, 24), (dst_lo, 32)):
        column[six] = behind.u64(at[six] + place)
    for column, place in ((src_lo, 12), (dst_lo, 16)):
        column[four] = read.rows(four).u32(at[four] + place)
    protocol, l4, fragment = read.u8(at + 9), at + head, np.zeros(n, np.int64)
    fragment[four] = _fragment_v4(read.rows(four), at[four])
    protocol[six], l4[six], fragment[six] = _extensions(behind, at[six])
    stated = read.u16(np.where(is4, at + 2, at + 4))
    length = np.where(is6, stated + 40, stated)
    length = np.where(stated == 0, np.maximum(wire_end - at, 0), length)
    ip = is4 | is6
    ports = ip & np.isin(protocol, list(WITH_PORTS)) & (fragment >= 0) & (l4 + 4 <= read.end)
    sport, dport = (np.where(ports, read.u16(l4 + shift), 0) for shift in (0, 2))
    version = np.select([is4, is6], [4, 6], 0)
    mark = _icmp(read, version, protocol, l4, fragment)
    error = mark >> 24 == ERROR
    transport = np.where(ports & (fragment == 0), protocol, 0)
    return Decoded(
        version.astype(np.uint8),
        src_hi,
        src_lo,
        dst_hi,
        dst_lo,
        np.where(ip, protocol, 0).astype(np.uint8),
        sport.astype(np.uint16),
        dport.astype(np.uint16),
        np.where(ip, np.clip(length, 0, 2**32 - 1), 0).astype(np.uint32),
        ports,
        cut,
        fragment,
        _vni(read, transport, dport, l4, vxlan_port),
        np.where(error, l4 + 8, l4 + 16),
        mark,
        at,
    )


def _vni(read: _Bytes, protocol: Any, dport: Any, l4: Ints, vxlan_port: int) -> NDArray[np.int32]:
    """The VNI of whole packets that carry VXLAN, -1 of others."""
    rows = np.flatnonzero((protocol == 17) & (dport == vxlan_port) & (l4 + 16 <= read.end))
    rows = rows[read.rows(rows).u8(l4[rows] + 8) & 8 > 0]
    vni = np.full(len(l4), -1, np.int32)
    vni[rows] = read.rows(rows).u32(l4[rows] + 12) >> 8
    return vni


def quoted(data: NDArray[np.uint8], frames: CapturedFrames, rows: Ints, errors: Decoded) -> Decoded:
    """The packets that the ICMP errors in these rows of a batch quote."""
    at = errors.payload
    end = frames.offset[rows] + frames.captured[rows]
    original = frames.original[rows] - (at - frames.offset[rows])
    link = np.full(len(rows), RAW[0], np.int32)
    inside = CapturedFrames(at, np.maximum(end - at, 0), original, frames.time[rows], link)
    return decode(data, inside, vxlan_port=-1)


def _icmp(
    read: _Bytes, version: Ints, protocol: Ints, l4: Ints, fragment: Ints
) -> NDArray[np.uint32]:
    """What each packet's ICMP header says; of headers that are cut off nothing is known."""
    mine = ((version == 4) & (protocol == PROTOCOL[4])) | (
        (version == 6) & (protocol == PROTOCOL[6])
    )
    whole = np.flatnonzero(mine & (fragment >= 0) & (l4 + 8 <= read.end))
    found = np.where(mine, OTHER << 24, 0).astype(np.uint32)
    behind, place = read.rows(whole), l4[whole]
    found[whole] = marks_of(version[whole], behind.u8(place), behind.u16(place + 4))
    return found


def _fragment_v4(read: _Bytes, at: Ints) -> Ints:
    field, ident = read.u16(at + 6), read.u16(at + 4) + 1
    return np.select([field & 0x1FFF != 0, field & 0x2000 != 0], [-ident, ident], 0)


def _extensions(read: _Bytes, at: Ints) -> tuple[Ints, Ints, Ints]:
    """Protocol, transport offset and `fragment` behind the IPv6 extension headers."""
    protocol, place, fragment = read.u8(at + 6), at + 40, np.zeros(len(at), np.int64)
    for _ in range(MAX_EXTENSIONS):
        inside = (place + 2 <= read.end) & (fragment >= 0)
        plain = inside & np.isin(protocol, SKIPPED)
        split = inside & (protocol == FRAGMENT)
        signed = inside & (protocol == AUTHENTICATION)
        walking = plain | split | signed
        if not walking.any():
            break
        ident = read.u32(place + 4) + 1
        offset = read.u16(place + 2)
        whole = (offset & 0xFFF9) == 0
        fragment = np.where(
            split, np.where(offset >> 3 != 0, -ident, np.where(whole, 0, ident)), fragment
        )
        units = read.u8(place + 1)
        step = np.select([plain, split, signed], [(units + 1) * 8, 8, (units + 2) * 4], 0)
        protocol = np.where(walking, read.u8(place), protocol)
        place = place + step
    return protocol, place, fragment
