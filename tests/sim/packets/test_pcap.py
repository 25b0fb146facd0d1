"""Captures: against tcpdump, against scapy, and against files that mean harm."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import tracemalloc
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import conformance, require

from fabric.diagnostics import InputError
from sim.packets.headers import Flow
from sim.packets.pcap import Batch, CaptureWriter, Counts, Reader, craft, dissect


def read(path: Path) -> list[Batch]:
    reader = Reader(path)
    batches = list(reader)
    assert not reader.problems
    return batches


def counted(path: Path) -> Counts:
    counts = Counts()
    for batch in Reader(path):
        counts.add(batch)
    return counts


def tcpdump(path: Path, expression: str = "") -> list[str]:
    """The packets that the filter passes, one text each (VXLAN's inner packet is part of it)."""
    command = [
        "tcpdump",
        "-nn",
        "-tt",
        "-e",
        "-r",
        str(path),
        *([expression] if expression else []),
    ]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return re.split(r"\n(?=\d{9,10}\.\d{6} |\d\.\d{6} )", out.strip()) if out.strip() else []


def families(lines: list[str]) -> tuple[int, int, int]:
    """How many packets tcpdump calls IPv4, IPv6 and VXLAN."""
    outer = [line.split("\n")[0].split(" > ", 2)[1] for line in lines]
    kinds = [re.findall(r"ethertype (IPv4|IPv6)", text) for text in outer]
    found = [kind[-1] if kind else "" for kind in kinds]
    return found.count("IPv4"), found.count("IPv6"), sum("VXLAN" in line for line in lines)


@pytest.mark.oracle("tcpdump")
def test_counts_of_real_captures_equal_tcpdumps() -> None:
    folder = conformance().parent / "data" / "pcap"
    require("tcpdump")
    files = sorted(folder.glob("*.pcap*"))
    assert files
    for path in files:
        counts, lines = counted(path), tcpdump(path)
        assert counts.frames == len(lines)
        assert (counts.ipv4, counts.ipv6) == families(lines)[:2], path
        if "bad-len" not in lines[0]:
            assert counts.vxlan == families(lines)[2]
            inside = [text for line in lines for text in line.split("\n")[1:]]
            for name, text in (("ipv4", "IPv4"), ("ipv6", "IPv6"), ("other", "ARP")):
                assert counts.inner.get(name, 0) == sum(f"ethertype {text} " in i for i in inside)
        if not tcpdump(path, "vlan"):
            for name in ("tcp", "udp", "icmp", "icmp6", "sctp"):
                assert counts.protocols.get(name, 0) == len(tcpdump(path, name))


def scapy_packets() -> list[Any]:
    from scapy.layers.inet import ICMP, IP, TCP, UDP
    from scapy.layers.inet6 import (
        ICMPv6EchoRequest,
        IPv6,
        IPv6ExtHdrDestOpt,
        IPv6ExtHdrFragment,
        IPv6ExtHdrHopByHop,
        IPv6ExtHdrRouting,
    )
    from scapy.layers.ipsec import AH
    from scapy.layers.l2 import ARP, Dot1Q, Ether
    from scapy.layers.sctp import SCTP
    from scapy.layers.vxlan import VXLAN
    from scapy.packet import Raw

    def ether(**fields: Any) -> Any:
        return Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02", **fields)

    v4, v6 = IP(src="10.0.0.1", dst="10.0.0.2"), IPv6(src="fd00::1", dst="fd00::2")
    arp = ARP(hwsrc="02:00:00:00:00:01", psrc="10.0.0.1")
    tcp, udp = TCP(sport=40000, dport=443), UDP(sport=40001, dport=53)
    chain = IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / IPv6ExtHdrRouting()
    return [
        ether() / v4 / tcp,
        ether() / v6 / udp,
        ether() / Dot1Q(vlan=5) / v4 / udp / Raw(b"x" * 20),
        ether(type=0x88A8) / Dot1Q(vlan=5) / Dot1Q(vlan=6) / v6 / tcp,
        ether() / v4 / SCTP(sport=1, dport=2),
        ether() / v4 / ICMP(),
        ether() / v6 / ICMPv6EchoRequest(),
        ether() / v6 / chain / tcp,
        ether() / v6 / AH(nh=17, payloadlen=1) / udp,
        ether() / v6 / IPv6ExtHdrFragment(offset=0, m=1, id=7, nh=17) / udp / Raw(b"a" * 24),
        ether() / v6 / IPv6ExtHdrFragment(offset=4, m=0, id=7, nh=17) / Raw(b"b" * 24),
        ether() / IP(src="10.0.0.1", dst="10.0.0.2", flags="MF", id=9) / udp / Raw(b"a" * 24),
        ether() / IP(src="10.0.0.1", dst="10.0.0.2", frag=4, id=9, proto=17) / Raw(b"b" * 24),
        ether() / IP(src="10.0.0.1", dst="10.0.0.2", frag=4, id=10, proto=17) / Raw(b"b" * 24),
        ether() / arp,
        ether() / v4 / UDP(sport=50000, dport=4789) / VXLAN(vni=7) / ether() / v6 / tcp,
        ether() / v6 / UDP(sport=50000, dport=4789) / VXLAN(vni=8) / ether() / Dot1Q() / v4 / udp,
        ether() / v4 / UDP(sport=50000, dport=4789) / VXLAN(vni=9) / ether() / arp,
    ]


@pytest.mark.oracle("tcpdump")
def test_counts_of_made_captures_equal_tcpdumps(tmp_path: Path) -> None:
    require("tcpdump")
    path = tmp_path / "made.pcapng"
    _write(path, [bytes(p) for p in scapy_packets()])
    counts = counted(path)
    lines = tcpdump(path)
    assert counts.frames == len(lines) == len(scapy_packets())
    assert (counts.ipv4, counts.ipv6, counts.vxlan) == families(lines)
    assert counts.other == len(tcpdump(path, "arp"))
    assert counts.inner == {"ipv4": 1, "ipv6": 1, "other": 1, "tcp": 1, "udp": 1}
    assert counts.vnis == {7: 1, 8: 1, 9: 1}


def test_headers_are_those_that_scapy_built(tmp_path: Path) -> None:
    path = tmp_path / "made.pcapng"
    _write(path, [bytes(p) for p in scapy_packets()])
    (batch,) = read(path)
    h = batch.header
    got = [
        (int(h.version[i]), int(h.protocol[i]), int(h.sport[i]), int(h.dport[i]))
        for i in range(len(batch))
    ]
    tcp4, udp4 = (4, 6, 40000, 443), (4, 17, 40001, 53)
    tcp6, udp6 = (6, 6, 40000, 443), (6, 17, 40001, 53)
    assert got == [
        tcp4, udp6, udp4, tcp6, (4, 132, 1, 2), (4, 1, 0, 0), (6, 58, 0, 0), tcp6, udp6, udp6, udp6,
        udp4, udp4, (4, 17, 0, 0), (0, 0, 0, 0), tcp6, udp4, (0, 0, 0, 0),
    ]  # fmt: skip
    assert not h.ported[13]
    assert h.ported[12]
    assert set(h.src_lo[h.version == 4].tolist()) == {0x0A000001}
    assert set(h.dst_hi[h.version == 6].tolist()) == {0xFD00 << 48}
    assert h.length[0] == 40
    assert h.length[2] == 48


@pytest.mark.parametrize(("order", "magic", "tick"), [
    ("<", 0xA1B2C3D4, 1000), (">", 0xA1B2C3D4, 1000), ("<", 0xA1B23C4D, 1), (">", 0xA1B23C4D, 1),
])  # fmt: skip
@pytest.mark.parametrize(("link", "head"), [
    (1, bytes(12) + b"\x08\x00"), (101, b""), (228, b""), (0, b"\x02\0\0\0"),
    (113, bytes(14) + b"\x08\x00"), (276, b"\x08\x00" + bytes(18)),
])  # fmt: skip
def test_formats_and_link_types(
    tmp_path: Path, order: str, magic: int, tick: int, link: int, head: bytes
) -> None:
    frame = head + craft(Flow(0, 4, 1, 2, 17, 3, 4))[14:]
    record = struct.pack(f"{order}IIII", 5, 6, len(frame), len(frame)) + frame
    path = tmp_path / "x.pcap"
    path.write_bytes(struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 65535, link) + record * 3)
    (batch,) = read(path)
    assert batch.records.time.tolist() == [5 * 10**9 + 6 * tick] * 3
    assert batch.header.sport.tolist() == [3] * 3
    assert batch.header.length.tolist() == [28] * 3


def test_snaplen_and_offload(tmp_path: Path) -> None:
    path = tmp_path / "x.pcapng"
    frame = craft(Flow(0, 4, 1, 2, 6, 3, 4))
    zero = frame[:16] + b"\0\0" + frame[18:]
    with path.open("wb") as file:
        writer = CaptureWriter(file)
        writer.write(frame[:34], time=0, comment="ports cut off", original=54)
        writer.write(frame[:20], time=0, comment="header cut off", original=54)
        writer.write(frame[:13], time=0, comment="link header cut off", original=54)
        writer.write(zero, time=0, comment="segmentation offload", original=70000)
    (batch,) = read(path)
    assert batch.header.version.tolist() == [4, 0, 0, 4]
    assert batch.header.ported.tolist() == [False, False, False, True]
    assert batch.header.cut.tolist() == [False, True, True, False]
    assert batch.header.length[3] == 70000 - 14


def _write(path: Path, frames: list[bytes]) -> None:
    with path.open("wb") as file:
        writer = CaptureWriter(file)
        for number, frame in enumerate(frames):
            writer.write(frame, time=number, comment=f"packet {number}", original=len(frame))


def test_scapy_reads_what_we_write(tmp_path: Path) -> None:
    from scapy.utils import RawPcapNgReader

    path = tmp_path / "x.pcapng"
    frames = [craft(Flow(0, v, 5, 6, p, 7, 8)) for v in (4, 6) for p in (6, 17, 132, 1, 58, 89)]
    _write(path, frames)
    packets = list(RawPcapNgReader(str(path)))
    assert [data for data, _ in packets] == frames
    assert [meta.comments for _, meta in packets] == [
        [f"packet {i}".encode()] for i in range(len(frames))
    ]
    (batch,) = read(path)
    assert batch.header.protocol.tolist() == [6, 17, 132, 1, 58, 89] * 2


@pytest.mark.oracle("tcpdump")
def test_checksums_of_crafted_frames_please_tcpdump(tmp_path: Path) -> None:
    require("tcpdump")
    path = tmp_path / "x.pcapng"
    _write(path, [craft(Flow(0, v, 5, 6, p, 7, 8)) for v in (4, 6) for p in (6, 17)])
    out = subprocess.run(
        ["tcpdump", "-nnvvr", str(path)], capture_output=True, text=True, check=True
    ).stdout
    assert "incorrect" not in out
    assert out.count("correct") == 2


def test_dissect_says_what_it_is() -> None:
    assert "ARP" in dissect(bytes(scapy_packets()[14]))
    assert dissect(b"") is not None


def seed_files() -> list[bytes]:
    out = BytesIO()
    writer = CaptureWriter(out)
    for packet in scapy_packets():
        writer.write(bytes(packet), time=1, comment="c", original=100)
    frame = bytes(scapy_packets()[7])
    plain = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    plain += (struct.pack("<IIII", 1, 2, len(frame), len(frame)) + frame) * 3
    return [out.getvalue(), plain]


SEEDS = seed_files()


@settings(max_examples=150)
@given(st.data())
def test_damage_never_crashes(data: Any) -> None:
    file = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(file) - 4))
        file[place : place + 4] = data.draw(st.binary(min_size=4, max_size=4))
    file = file[: data.draw(st.integers(0, len(file)))]
    path = Path(f"/dev/shm/cloison-{os.getpid()}.pcap")
    path.write_bytes(file)
    try:
        counts = counted(path)
        assert counts.frames <= len(file) // 16
        assert counts.frames == counts.ipv4 + counts.ipv6 + counts.other + counts.truncated
    except InputError as error:
        assert error.diagnostics[0].code == "C951"
    finally:
        path.unlink()


def test_what_is_no_capture_is_said(tmp_path: Path) -> None:
    for text in (b"", b"\x1f\x8b\x08\x00", b"hello"):
        path = tmp_path / "x"
        path.write_bytes(text)
        with pytest.raises(InputError, match="C951"):
            list(Reader(path))
    with pytest.raises(InputError, match="C950"):
        list(Reader(tmp_path / "missing"))


class _Endless(BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        assert size is not None
        assert size > 0, "asks for everything"
        return bytes(size)


def test_a_pipe_that_does_not_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.packets.pcap.MAX_PIPE", 1 << 20)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=_Endless()))
    with pytest.raises(InputError, match="standard input holds more than 1 MiB"):
        list(Reader(Path("-")))


def test_a_capture_comes_through_a_pipe_and_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=BytesIO(SEEDS[1])))
    reader = Reader(Path("-"))
    assert [sum(map(len, reader)) for _ in range(2)] == [3, 3]


def test_lengths_in_a_file_allocate_nothing(tmp_path: Path) -> None:
    """Numbers in the file at their largest, in turn: memory follows the file, not its claims."""
    path = tmp_path / "x"
    tracemalloc.start()
    try:
        for seed in SEEDS:
            for place in [*range(0, 80, 4), *range(80, len(seed) - 3, 36)]:
                path.write_bytes(seed[:place] + b"\xff\xff\xff\x7f" + seed[place + 4 :])
                with suppress(InputError):
                    counted(path)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_damage_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(SEEDS[1][:-5])
    reader = Reader(path)
    assert sum(map(len, reader)) == 2
    assert "damaged at byte" in str(reader.warnings[0])
