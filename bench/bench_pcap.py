"""Reading a capture: cloison's decoder beside tcpdump's and scapy's, on the same file."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import click
from scapy.layers.l2 import Ether
from scapy.utils import RawPcapNgReader

from sim.packets.headers import Flow
from sim.packets.pcap import CaptureWriter, Reader, craft

FRAMES = 400_000
SCAPY_FRAMES = 4_000
ROUNDS = 3


def write(path: Path) -> None:
    """IPv4 and IPv6, TCP and UDP, a hundred different frames over and over."""
    frames = [
        craft(Flow(0, (4, 6)[i % 2], i + 1, 1000 + i, (6, 17)[i // 2 % 2], 1024 + i, 443))
        for i in range(100)
    ]
    with path.open("wb") as file:
        writer = CaptureWriter(file)
        for number in range(FRAMES):
            frame = frames[number % 100]
            writer.write(frame, time=number * 1000, comment="", original=len(frame))


def cloison(path: Path) -> int:
    """Decode, count, as `cloison replay` does."""
    reader = Reader(path)
    for _ in reader:
        pass
    return reader.counts.ipv4 + reader.counts.ipv6


def tcpdump(path: Path) -> int:
    """Decode to text that nobody reads."""
    command = ["tcpdump", "-nn", "-q", "-r", str(path)]
    out = subprocess.run(command, capture_output=True, check=True).stdout
    return out.count(b"\n")


def scapy(path: Path) -> int:
    """Dissect some of the frames."""
    with RawPcapNgReader(str(path)) as reader:
        return sum(Ether(next(reader)[0]).payload.version > 0 for _ in range(SCAPY_FRAMES))


def seconds(work: Callable[[Path], int], path: Path) -> float:
    """CPU seconds per frame, children included."""
    before = sum(os.times()[:4])
    frames = work(path)
    return (sum(os.times()[:4]) - before) / frames


def main() -> None:
    """Print nanoseconds per frame and the ratio to cloison's."""
    peers = {"cloison": cloison, "scapy": scapy}
    if shutil.which("tcpdump"):
        peers["tcpdump"] = tcpdump
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.pcapng"
        write(path)
        least = dict.fromkeys(peers, float("inf"))
        for _ in range(ROUNDS):
            for name, work in peers.items():
                least[name] = min(least[name], seconds(work, path))
        click.echo(f"pcapng, {FRAMES:,} frames, {path.stat().st_size >> 20} MiB; CPU, 1 core")
    for name, found in least.items():
        click.echo(f"{name:10}{found * 1e9:10.0f} ns/frame {found / least['cloison']:8.2f} x")


if __name__ == "__main__":
    main()
