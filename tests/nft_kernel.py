"""A node whose kernel filters real packets: which of them leave it again.

One namespace of our own (`cln-<random>-nft`) with pairs of interfaces eth0…: each of the other ends
takes what we write and shows what the node sends there. A packet is told by its identification
(IPv4) or flow label (IPv6). Addresses 10.<n>.0.0/16 and 2001:db8:<n>::/48 lie behind eth<n>, also
as sources: neither IP version looks where a source lies.
"""

from __future__ import annotations

import secrets
import socket
import struct
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address

from compiler.imports.nft.verdict import NftPacket
from sim.lab.kernel import inside

MACS = "02:00:00:00:0{}:01", "02:00:00:00:0{}:02"
DEVICES = 3
SETTLE = 0.3
"""Seconds after which nothing comes any more."""
ALL = 0x0003


def run(*command: str, text: str | None = None) -> str:
    """Run a command; its output."""
    done = subprocess.run([*command], input=text, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


class FilteringNode:
    """The node, while it is there."""

    def __init__(self, space: str, sockets: list[socket.socket]) -> None:
        self.space, self.sockets = space, sockets

    def load(self, rules: str) -> str:
        """Load a rule set in place of the one before; the kernel's own listing as JSON."""
        with inside(self.space):
            run("nft", "-f", "-", text="flush ruleset\n" + rules)
            return run("nft", "-j", "list", "ruleset")

    def listed(self) -> str:
        """The kernel's own listing as text."""
        with inside(self.space):
            return run("nft", "list", "ruleset")

    def passed(self, packets: list[NftPacket]) -> list[bool]:
        """Which packets leave the node at the interface where they should."""
        for one in self.sockets:
            drained(one)
        for number, packet in enumerate(packets):
            self.sockets[int(packet.into[3:])].send(frame(number, packet))
        time.sleep(SETTLE)
        seen = [set(numbers(drained(one))) for one in self.sockets]
        return [(n, packet.source) in seen[int(packet.out[3:])] for n, packet in enumerate(packets)]


@contextmanager
def filtering_node(straight: bool = False) -> Iterator[FilteringNode]:
    """A node that forwards between its interfaces; with `straight` whatever comes in by eth0 goes
    out by eth1."""
    space = f"cln-{secrets.token_hex(3)}-nft"
    run("ip", "netns", "add", space)
    sockets: list[socket.socket] = []
    try:
        with inside(space):
            for way in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
                run("sysctl", "-qw", f"{way}=1")
            for way in ("all", "default"):
                run("sysctl", "-qw", f"net.ipv4.conf.{way}.rp_filter=0")
                run("sysctl", "-qw", f"net.ipv6.conf.{way}.accept_dad=0")
            sockets += map(interface, range(DEVICES))
            for way, gateway in (("-4", "172.16.1.2"), ("-6", "2001:db8:100:1::2")):
                if straight:
                    run("ip", way, "rule", "add", "iif", "eth0", "lookup", "100")
                    run(*f"ip {way} route add default via {gateway} dev eth1 table 100".split())
        yield FilteringNode(space, sockets)
    finally:
        for one in sockets:
            one.close()
        run("ip", "netns", "del", space)


def interface(n: int) -> socket.socket:
    """One pair of interfaces, and a socket at its far end."""
    near, far = (mac.format(n) for mac in MACS)
    veth = f"ip link add eth{n} address {near} type veth peer name far{n} address {far}"
    run(*veth.split())
    run("sysctl", "-qw", f"net.ipv6.conf.far{n}.disable_ipv6=1")
    for name in (f"eth{n}", f"far{n}"):
        run("ip", "link", "set", name, "up")
    run("ip", "addr", "add", f"172.16.{n}.1/24", "dev", f"eth{n}")
    run("ip", "-6", "addr", "add", f"2001:db8:100:{n}::1/64", "dev", f"eth{n}", "nodad")
    four = f"172.16.{n}.2", f"10.{n}.0.0/16", "-4"
    six = f"2001:db8:100:{n}::2", f"2001:db8:{n}::/48", "-6"
    for gateway, prefix, way in (four, six):
        known = f"ip {way} neigh replace {gateway} lladdr {far} dev eth{n} nud permanent"
        run(*known.split())
        run("ip", way, "route", "add", prefix, "via", gateway, "dev", f"eth{n}")
    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL))
    out.bind((f"far{n}", 0))
    out.setblocking(False)
    out.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
    return out


def drained(one: socket.socket) -> list[bytes]:
    """Everything that came to a socket: not what it sent."""
    out = []
    while True:
        try:
            data, (_, _, kind, _, _) = one.recvfrom(2048)
        except BlockingIOError:
            return out
        if kind != socket.PACKET_OUTGOING:
            out.append(data)


def numbers(frames: Iterable[bytes]) -> Iterator[tuple[int, int]]:
    """The numbers that packets carry, and their sources: what a node says of its own accord may
    have any number."""
    for data in frames:
        kind = int.from_bytes(data[12:14], "big")
        if kind == 0x0800:
            yield int.from_bytes(data[18:20], "big"), int.from_bytes(data[26:30], "big")
        elif kind == 0x86DD:
            number = int.from_bytes(data[14:18], "big") & 0xFFFFF
            yield number, int.from_bytes(data[22:38], "big")


def checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def frame(number: int, packet: NftPacket) -> bytes:
    """A packet with its number, as it comes to the node."""
    near, far = (bytes.fromhex(m.format(packet.into[3:]).replace(":", "")) for m in MACS)
    ends = (IPv4Address, IPv6Address)[packet.family == 6]
    source, destination = ends(packet.source).packed, ends(packet.destination).packed
    body = payload(packet)
    pseudo = source + destination + struct.pack("!IBBBB", len(body), 0, 0, 0, packet.protocol)
    at = {6: 16, 17: 6, 1: 2, 58: 2}[packet.protocol]
    sum_ = checksum(body if packet.protocol == 1 else pseudo + body)
    body = body[:at] + struct.pack("!H", sum_) + body[at + 2 :]
    if packet.family == 6:
        head = struct.pack("!IHBB", 6 << 28 | number, len(body), packet.protocol, 64)
        return near + far + b"\x86\xdd" + head + source + destination + body
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), number, 0, 64, packet.protocol, 0)
    total = struct.pack("!H", checksum(head + source + destination))
    return near + far + b"\x08\x00" + head[:10] + total + source + destination + body


def payload(packet: NftPacket) -> bytes:
    """A SYN, an empty datagram, or an echo request."""
    ports = packet.sport or 0, packet.dport or 0
    if packet.protocol == 6:
        return struct.pack("!HHIIBBHHH", *ports, 1, 0, 0x50, 2, 1024, 0, 0)
    if packet.protocol == 17:
        return struct.pack("!HHHH", *ports, 8, 0)
    return struct.pack("!BBHHH", 8 if packet.protocol == 1 else 128, 0, 0, 1, 1)
