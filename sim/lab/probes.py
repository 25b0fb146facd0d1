"""Raw frames that say who they are: requests that open a flow, and the replies to them.

The number of a probe travels where no router or connection tracking minds: in a TCP sequence
number, a UDP or ICMP payload, an SCTP initiate tag. Checksums are right, since connection tracking
calls a packet with a wrong one invalid. Built by hand because a trial needs tens of thousands, and
because this must also work where the kernel has no SCTP sockets.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache

TCP, UDP, SCTP, ICMP, ICMP6 = 6, 17, 132, 1, 58
TRACKED = frozenset({TCP, UDP, SCTP, ICMP, ICMP6})
"""Protocols whose requests connection tracking tells from replies."""
WINDOW = 0xC10A
MAGIC = b"cloison!"
ECHO = {ICMP: (8, 0), ICMP6: (128, 129)}
"""Types of request and reply."""
SYN, SYN_ACK = 0x02, 0x12
INIT, INIT_ACK = 1, 2


@dataclass(frozen=True, slots=True)
class Probe:
    """One header with the number it carries; addresses are integers."""

    number: int
    version: int
    src: int
    dst: int
    protocol: int
    sport: int
    dport: int
    reply: bool = False

    def answer(self) -> Probe:
        """The reply to this request."""
        return Probe(
            self.number, self.version, self.dst, self.src, self.protocol, self.dport, self.sport,
            reply=True,
        )  # fmt: skip


def frame(probe: Probe, to: bytes, sender: bytes) -> bytes:
    """The Ethernet frame of a probe."""
    size = 4 if probe.version == 4 else 16
    ends = probe.src.to_bytes(size, "big") + probe.dst.to_bytes(size, "big")
    body = _transport(probe, ends)
    if probe.version == 4:
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0x4000, 64, probe.protocol, 0)
        check = struct.pack("!H", checksum(head + ends))
        return to + sender + b"\x08\x00" + head[:10] + check + ends + body
    head = struct.pack("!IHBB", 0x6000_0000, len(body), probe.protocol, 64)
    return to + sender + b"\x86\xdd" + head + ends + body


def _transport(probe: Probe, ends: bytes) -> bytes:
    ports = struct.pack("!HH", probe.sport, probe.dport)
    mark = MAGIC + struct.pack("!I?", probe.number, probe.reply)
    match probe.protocol:
        case 6:
            numbers = (probe.number, probe.number + 1) if probe.reply else (probe.number, 0)
            flags = SYN_ACK if probe.reply else SYN
            body = ports + struct.pack("!IIBBHHH", *numbers, 0x50, flags, WINDOW, 0, 0)
            return _filled(body, 16, probe, ends)
        case 17:
            return _filled(ports + struct.pack("!HH", 8 + len(mark), 0) + mark, 6, probe, ends)
        case 1 | 58:
            kind = ECHO[probe.protocol][probe.reply]
            echo = struct.pack("!BBHHH", kind, 0, 0, probe.number & 0xFFFF, probe.number >> 16)
            return _filled(echo + mark, 2, probe, ends)
        case 132:
            tag = probe.number + 1
            chunk = struct.pack(
                "!BBHIIHHI", INIT_ACK if probe.reply else INIT, 0, 20, tag, WINDOW, 1, 1, tag
            )
            head = ports + struct.pack("!I", tag if probe.reply else 0)
            check = struct.pack("<I", crc32c(head + bytes(4) + chunk))
            return head + check + chunk
        case _:
            return mark


def _filled(body: bytes, at: int, probe: Probe, ends: bytes) -> bytes:
    """The body with the Internet checksum at an offset; over a pseudo header but for ICMP."""
    pseudo = b"" if probe.protocol == ICMP else ends + struct.pack("!II", len(body), probe.protocol)
    value = checksum(pseudo + body) or 0xFFFF
    return body[:at] + struct.pack("!H", value) + body[at + 2 :]


def read(data: bytes) -> tuple[int, bool] | None:
    """The number in a frame and whether it is a reply; None when it is no probe, such as an ICMP
    error that quotes one."""
    kind = data[12:14]
    if kind == b"\x08\x00" and len(data) >= 34:
        protocol, body = data[23], data[14 + 4 * (data[14] & 15) :]
    elif kind == b"\x86\xdd" and len(data) >= 54:
        protocol, body = data[20], data[54:]
    else:
        return None
    if protocol == TCP and len(body) >= 20 and body[14:16] == struct.pack("!H", WINDOW):
        return int.from_bytes(body[4:8], "big"), body[13] == SYN_ACK
    if protocol == SCTP and len(body) >= 32 and body[20:24] == struct.pack("!I", WINDOW):
        return int.from_bytes(body[16:20], "big") - 1, body[12] == INIT_ACK
    if protocol in ECHO and body[:1] not in map(bytes, zip(ECHO[protocol], strict=True)):
        return None
    at = 8 if protocol in (UDP, ICMP, ICMP6) else 0
    if protocol in (TCP, SCTP) or body[at : at + len(MAGIC)] != MAGIC or len(body) < at + 13:
        return None
    return struct.unpack_from("!I?", body, at + len(MAGIC))


def checksum(data: bytes) -> int:
    """RFC 1071.

    >>> checksum(bytes.fromhex("45000073000040004011 0000 c0a80001c0a800c7")) == 0xB861
    True
    """
    data += bytes(len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def crc32c(data: bytes) -> int:
    """RFC 9260 appendix A.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    value = 0xFFFF_FFFF
    for octet in data:
        value = value >> 8 ^ _castagnoli()[(value ^ octet) & 0xFF]
    return value ^ 0xFFFF_FFFF


@cache
def _castagnoli() -> tuple[int, ...]:
    out = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F6_3B78 if value & 1 else 0)
        out.append(value)
    return tuple(out)
