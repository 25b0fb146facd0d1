"""Captures in and out: what was decoded, what was not, and the packets that were dropped.

`read` decodes pcap and pcapng in batches (`sim.packets.capfile`, `sim.packets.decode`);
`CaptureWriter` writes pcapng with a comment per packet. scapy, imported only when called for,
dissects what our decoder does not know and builds frames for packets that never were on a wire.
"""

from __future__ import annotations

import os
import struct
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from fabric.diagnostics import Diagnostic, InputError
from fabric.io.reading import opened
from fabric.values.ports import NAMES
from sim.packets import capfile, decode
from sim.packets.capfile import ETHERNET, INTERFACE, PACKET, SECTION, CapturedFrames, Problem
from sim.packets.carried import written
from sim.packets.decode import VXLAN_PORT, Decoded
from sim.packets.headers import HEADER, Flow
from sim.packets.icmp import OTHER, REPLY, REQUEST

MAX_CAPTURE = 1 << 44
"""Bytes of a file, which is mapped."""
MAX_PIPE = 1 << 30
"""Bytes of standard input."""
ETHER = 14
"""Bytes of an Ethernet header without tags."""
MAX_DATAGRAMS = 1 << 16
"""Fragmented datagrams whose ports are remembered at a time."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive frames. `header` is the one that counts: the inner one of VXLAN frames
    (`tunnel`: rows that are such), the only one of others."""

    data: NDArray[np.uint8]
    records: CapturedFrames
    outer: Decoded
    header: Decoded
    tunnel: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.records)

    def frame(self, row: int) -> bytes:
        """The captured bytes of one frame."""
        at = int(self.records.offset[row])
        return bytes(self.data[at : at + int(self.records.captured[row])])


@dataclass(slots=True)
class Counts:
    """What a capture holds. Outer counts are those that `tcpdump` filters give; `inner` counts the
    headers inside VXLAN; `other` frames hold no IP, `truncated` ones too little to tell."""

    frames: int = 0
    ipv4: int = 0
    ipv6: int = 0
    vxlan: int = 0
    other: int = 0
    truncated: int = 0
    fragments: int = 0
    bytes: int = 0
    protocols: dict[str, int] = field(default_factory=dict)
    inner: dict[str, int] = field(default_factory=dict)
    vnis: dict[int, int] = field(default_factory=dict)

    def add(self, batch: Batch) -> None:
        """Count one batch."""
        outer, inside = batch.outer, batch.header.take(batch.tunnel)
        self.frames += len(batch)
        self.bytes += int(batch.records.original.sum())
        self.ipv4 += int((outer.version == 4).sum())
        self.ipv6 += int((outer.version == 6).sum())
        self.vxlan += len(batch.tunnel)
        self.truncated += int(outer.cut.sum())
        self.other += int(((outer.version == 0) & ~outer.cut).sum())
        self.fragments += int((outer.fragment != 0).sum())
        _tally(self.protocols, outer.protocol[outer.version > 0], _name)
        _tally(self.inner, inside.version, lambda v: f"ipv{v}" if v else "other")
        _tally(self.inner, inside.protocol[inside.version > 0], _name)
        _tally(self.vnis, outer.vni[batch.tunnel], int)


def _name(protocol: int) -> str:
    return NAMES.get(protocol, f"protocol {protocol}")


def _tally(into: dict[Any, int], numbers: NDArray[Any], word: Callable[[int], Any]) -> None:
    """Count what occurs, in order of the words for it."""
    found = zip(*(a.tolist() for a in np.unique(numbers, return_counts=True)), strict=True)
    for key, count in sorted((word(number), count) for number, count in found):
        into[key] = into.get(key, 0) + count


@dataclass(slots=True)
class Reader:
    """Iterate over it for `Batch`es; `counts` and `problems` then say what was in it and where it
    is damaged. Iterating again starts from the first packet, also of a pipe."""

    path: Path
    vxlan_port: int = VXLAN_PORT
    problems: list[Problem] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    _data: NDArray[np.uint8] | None = None

    def __iter__(self) -> Iterator[Batch]:
        data = self.begun()
        datagrams = _Datagrams()
        self.problems.clear()
        self.counts = Counts()
        for frames in capfile.records(data, self.problems):
            batch = _batch(data, frames, self.vxlan_port, datagrams)
            self.counts.add(batch)
            yield batch

    def begun(self) -> NDArray[np.uint8]:
        """The bytes; `InputError` when there are none to be had, or they begin like no capture."""
        data = self._data = _load(self.path) if self._data is None else self._data
        if not capfile.begins(data):
            hint = "write it with tcpdump -w; unpack a compressed file first"
            message = f"{self.path}: neither pcap nor pcapng"
            raise InputError(Diagnostic("C951", message, hint=hint))
        return data

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """The problems, for people."""
        return tuple(
            Diagnostic(
                "C952",
                f"{self.path} is damaged at byte {p.offset}: {p.what}",
                hint="the packets before that place were read",
                severity="warning",
            )
            for p in self.problems
        )


def _load(path: Path) -> NDArray[np.uint8]:
    """The file mapped into memory; `-` is read whole, if it ends in time."""
    try:
        if str(path) == "-":
            return _drain(sys.stdin.buffer, "standard input")
        with opened(path, MAX_CAPTURE, "C950") as file:
            if not os.fstat(file.fileno()).st_size:
                return np.zeros(0, np.uint8)
            return np.asarray(np.memmap(file, np.uint8, "r"))
    except OSError as error:
        message = f"cannot read {path}: {error.strerror or error}"
        raise InputError(Diagnostic("C950", message)) from None


def _drain(file: IO[bytes], name: str) -> NDArray[np.uint8]:
    data = file.read(MAX_PIPE + 1)
    if len(data) > MAX_PIPE:
        message = f"{name} holds more than {MAX_PIPE >> 20} MiB"
        raise InputError(Diagnostic("C950", message, hint="write it to a file, and name that"))
    return np.frombuffer(data, np.uint8)


def _batch(
    data: NDArray[np.uint8], frames: CapturedFrames, vxlan_port: int, datagrams: _Datagrams
) -> Batch:
    outer = decode.decode(data, frames, vxlan_port)
    tunnel, inside = decode.inner(data, frames, outer)
    if not len(tunnel) and not outer.fragment.any():
        return Batch(data, frames, outer, outer, tunnel)
    header = replace(outer, **{name: getattr(outer, name).copy() for name in _HEADER})
    for name in _HEADER:
        getattr(header, name)[tunnel] = getattr(inside, name)
    datagrams.complete(header)
    return Batch(data, frames, outer, header, tunnel)


_HEADER = tuple(n for n in Decoded.__dataclass_fields__ if n not in ("vni",))


class _Datagrams:
    """Gives later fragments the ports, or the ICMP query, of their datagram's first one (RFC 791
    §2.3)."""

    def __init__(self) -> None:
        self.ports: OrderedDict[tuple[int, ...], tuple[int, int, int]] = OrderedDict()

    def complete(self, header: Decoded) -> None:
        """Fill in ports, in order of arrival; those of unknown datagrams stay unknown."""
        ends = [name for name in HEADER if name not in ("sport", "dport")]
        for row in np.flatnonzero(header.fragment).tolist():
            ident = int(header.fragment[row])
            key = (abs(ident), *(int(getattr(header, name)[row]) for name in ends))
            if ident > 0:
                ports = int(header.sport[row]), int(header.dport[row])
                self.ports[key] = *ports, int(header.mark[row])
                if len(self.ports) > MAX_DATAGRAMS:
                    self.ports.popitem(last=False)
            elif key in self.ports:
                header.sport[row], header.dport[row], mark = self.ports[key]
                header.mark[row] = mark if mark >> 24 in (REQUEST, REPLY) else OTHER << 24
                header.ported[row] = True


@dataclass(slots=True)
class CaptureWriter:
    """A pcapng file under construction (Ethernet unless told otherwise), flushed by the caller."""

    file: IO[bytes]
    interfaces: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._block(SECTION, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))

    def write(
        self, frame: bytes, *, time: int, comment: str, original: int, link: int = ETHERNET
    ) -> None:
        """One packet at `time` ns; `original` is its length on the wire."""
        if link not in self.interfaces:
            self.interfaces[link] = len(self.interfaces)
            nanoseconds = struct.pack("<HHB3xHH", 9, 1, 9, 0, 0)
            self._block(INTERFACE, struct.pack("<HHI", link, 0, 0) + nanoseconds)
        text = comment.encode()
        ticks = max(time, 0)
        head = (self.interfaces[link], ticks >> 32, ticks & 0xFFFFFFFF, len(frame), original)
        note = struct.pack("<HH", 1, len(text)) + _padded(text) + struct.pack("<HH", 0, 0)
        self._block(PACKET, struct.pack("<IIIII", *head) + _padded(frame) + note)

    def _block(self, kind: int, body: bytes) -> None:
        size = len(body) + 12
        self.file.write(struct.pack("<II", kind, size) + body + struct.pack("<I", size))


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def craft(flow: Flow) -> bytes:
    """An Ethernet frame with this header and no payload, checksums right (scapy)."""
    from scapy.layers.inet import ICMP, IP, TCP, UDP
    from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
    from scapy.layers.l2 import Ether
    from scapy.layers.sctp import SCTP

    four = flow.version == 4
    ports: Any = {"sport": flow.sport, "dport": flow.dport}
    transport: Any = {
        6: lambda: TCP(**ports, flags="S"),
        17: lambda: UDP(**ports),
        132: lambda: SCTP(**ports),
        1: ICMP,
        58: ICMPv6EchoRequest,
    }.get(flow.protocol, lambda: b"")()
    source, target = (str(_address(flow.version, ip)) for ip in (flow.src, flow.dst))
    network = (
        IP(src=source, dst=target, proto=flow.protocol)
        if four
        else IPv6(src=source, dst=target, nh=flow.protocol)
    )
    ether = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
    frame = bytes(ether / network / transport)
    if not flow.fields:
        return frame
    return frame[:ETHER] + written(frame[ETHER:], flow.version, flow.fields)


def _address(version: int, ip: int) -> Any:
    from ipaddress import IPv4Address, IPv6Address

    return IPv4Address(ip) if version == 4 else IPv6Address(ip)


def dissect(frame: bytes, link: int = ETHERNET) -> str:
    """One line about a frame, by scapy, which knows hundreds of protocols that we do not."""
    from scapy.config import conf
    from scapy.layers import all as layers  # noqa: F401
    from scapy.packet import Raw

    kind = conf.l2types.num2layer.get(link, Raw)
    try:
        return str(kind(frame).summary())
    except Exception as error:  # scapy raises anything at all on malformed input
        return f"{len(frame)} bytes that cannot be dissected ({type(error).__name__})"
