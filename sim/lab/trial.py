"""Send real packets through a lab and compare what arrives with what the simulator says.

Every probe is a request that opens a flow. Wherever one arrives, the reply is sent at once and must
come back, past the policies, by connection tracking. What a lab cannot be asked is left out and
counted (`sim.lab.comparable`). What is expected and does not arrive is sent a second time before it
counts.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from compiler.program.program import refuse_conditions, refuse_fields
from fabric.building.network import refuse_devices
from fabric.control.rewrites import refuse_rewrites
from sim.blocks.blocks import Blocks
from sim.blocks.numbering import same_rows
from sim.lab.comparable import LeftOut, comparable
from sim.lab.kernel import inside
from sim.lab.layout import Layout, mac
from sim.lab.probes import Probe, frame, read
from sim.lab.up import ENDPOINT, HOST, Tell
from sim.packets.headers import Packets
from sim.packets.pcap import CaptureWriter
from sim.packets.reasons import Reason
from sim.pipeline.datapath import Datapath
from sim.pipeline.traffic import all_pairs, interesting_ports
from sim.worlds.world import World

BURST = 128
QUIET = 0.25
"""Seconds without a frame after which nothing is under way any more."""
ROOM = 1 << 24
RECEIVE_ROOM, SOL_PACKET, IGNORE_OUTGOING = 33, 263, 23
"""SO_RCVBUFFORCE and the packet sockets' options, from linux/if_packet.h."""
EVERY = 3
FEW = 8


@dataclass(frozen=True, slots=True)
class Difference:
    """A flow on which the kernel and the simulator disagree."""

    probe: Probe
    source: str
    kernel: str
    simulator: str


@dataclass
class Trial:
    """What came of a trial: per family, how many flows the kernel let through and stopped."""

    sent: Counter[int] = field(default_factory=Counter)
    arrived: Counter[int] = field(default_factory=Counter)
    replies: Counter[int] = field(default_factory=Counter)
    left_out: Counter[LeftOut] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)
    seconds: float = 0.0
    captured: int = 0


def few_ports(blocks: Blocks) -> list[tuple[int, int]]:
    """The destination ports that most rules name, one that no rule names, and echo requests."""
    named = Counter(
        (l4.protocol, l4.dport[0])
        for group in blocks.program.groups
        for entry in group.entries
        for l4 in entry.l4
        if l4.protocol in (6, 17, 132) and l4.dport != (0, 65535)
    )
    chosen = [port for port, _ in sorted(named.items(), key=lambda item: (-item[1], item[0]))]
    known = set(interesting_ports(blocks))
    stranger = next(port for port in range(7, 65536) if (6, port) not in known)
    return [*chosen[:FEW], (6, stranger), (17, stranger), (132, 3868), (1, 0), (58, 0)]


def flows(blocks: Blocks, ports: Sequence[tuple[int, int]]) -> Packets:
    """Every endpoint pair × ports, both families, at addresses that hosts have.

    Where tenants overlap, a packet to another tenant's address is one to an own address: once is
    enough, and two would be one flow to connection tracking.
    """
    every = Packets.concat(list(all_pairs(blocks, list(ports), likely=True)))
    names = ("src_endpoint", "version", "dst_hi", "dst_lo", "protocol", "dport")
    return every.take(np.sort(same_rows([getattr(every, name) for name in names]).sample))


def trial(
    world: World,
    layout: Layout,
    *,
    rules: bool = True,
    ports: Sequence[tuple[int, int]] = (),
    tap: IO[bytes] | None = None,
    tell: Tell,
) -> Trial:
    """Send, collect, compare. With `tap` every tunnel packet is written there as it arrives.
    Without `rules` the lab has routes alone, and is compared with what these let through."""
    refuse_fields(world.program, "the lab")
    refuse_conditions(world.program, "the lab")
    refuse_rewrites(world.network.rewrites, "the lab")
    refuse_devices(world.network, "the lab")
    network, blocks = world.network, world.blocks
    every = flows(blocks, ports or few_ports(blocks))
    packets, left_out = comparable(world, layout, every, rules)
    found = Trial(left_out=left_out)
    tell("simulate")
    forecast = Forecast.of(Datapath.of(world), packets, rules)
    probes = [probe(packets, i) for i in range(len(packets))]
    sources = packets.src_endpoint.tolist()
    start = time.perf_counter()
    with Wire(layout, tap) as wire:
        wire.send(probes, sources, tell)
        missing = [i for i, end in enumerate(forecast.at.tolist()) if end != wire.at.get(i, -1)]
        wire.send([probes[i] for i in missing], [sources[i] for i in missing], tell)
    found.seconds, found.captured = time.perf_counter() - start, wire.captured
    names = [e.name for e in network.endpoints]
    for one, source in zip(probes, sources, strict=True):
        compare(one, source, forecast, wire, names, found)
    return found


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the simulator expects of each probe: the endpoint that it comes out at (-1: none),
    whether its reply must come back, and the reason."""

    at: NDArray[np.int32]
    answered: NDArray[np.bool_]
    reason: NDArray[np.uint8]

    @staticmethod
    def of(datapath: Datapath, packets: Packets, rules: bool) -> Forecast:
        """Without `rules` nobody checks the way back of a request, but its reply needs it."""
        found = datapath.decide(packets, complete=True)
        if rules:
            at = np.where(found.delivered, found.dst_endpoint, -1).astype(np.int32)
            return Forecast(at, found.delivered, found.reason)
        arrives = (found.route == 0) | (found.route == Reason.PA_VALIDATION_DROP)
        at = np.where(arrives, found.dst_endpoint, -1).astype(np.int32)
        return Forecast(at, found.route == 0, found.route)


def compare(
    one: Probe, source: int, forecast: Forecast, wire: Wire, names: Sequence[str], found: Trial
) -> None:
    """Count what happened to one probe, and keep it if it should not have."""
    number = one.number
    end, back = wire.at.get(number, -1), wire.back.get(number, -1)
    wanted, answered = int(forecast.at[number]), bool(forecast.answered[number])
    found.sent[one.version] += 1
    found.arrived[one.version] += end >= 0
    found.replies[one.version] += back >= 0
    if end == wanted and (back == source or not answered):
        return
    kernel = f"arrives at {names[end]}" if end >= 0 else "nothing arrives"
    if end == wanted:
        kernel += ", its reply " + (f"at {names[back]}" if back >= 0 else "nowhere")
    simulator = f"arrives at {names[wanted]}" if wanted >= 0 else _word(forecast.reason[number])
    found.differences.append(Difference(one, names[source], kernel, simulator))


def _word(reason: int) -> str:
    return Reason(reason).name.lower()


def probe(packets: Packets, i: int) -> Probe:
    """Row `i` as a probe with that number."""
    src, dst = (
        int(hi[i]) << 64 | int(lo[i])
        for hi, lo in ((packets.src_hi, packets.src_lo), (packets.dst_hi, packets.dst_lo))
    )
    return Probe(
        i, int(packets.version[i]), src, dst, int(packets.protocol[i]), int(packets.sport[i]),
        int(packets.dport[i]),
    )  # fmt: skip


class Wire:
    """Raw sockets on the hosts' side of every endpoint. `at` and `back` say for each probe's number
    at which endpoint the request and the reply came out."""

    def __init__(self, layout: Layout, tap: IO[bytes] | None) -> None:
        self.layout = layout
        self.at: dict[int, int] = {}
        self.back: dict[int, int] = {}
        self.captured = 0
        self._writer = CaptureWriter(tap) if tap else None
        self._ends: dict[tuple[int, int], socket.socket] = {}
        self._sent: dict[int, Probe] = {}
        self._select = selectors.DefaultSelector()

    def __enter__(self) -> Wire:
        by_node: dict[int, list[int]] = {}
        for node, endpoint in self.layout.lived:
            by_node.setdefault(node, []).append(endpoint.index)
        for node, ends in by_node.items():
            with inside(self.layout.ends_space(node)):
                for end in ends:
                    self._ends[node, end] = self._listen(f"h{end}", (node, end))
        if self._writer:
            self._tap()
        return self

    def __exit__(self, *_: object) -> None:
        for key in list(self._select.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._select.close()

    def _listen(self, device: str, data: Any) -> socket.socket:
        one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERY))
        one.setsockopt(socket.SOL_SOCKET, RECEIVE_ROOM, ROOM)
        one.setsockopt(SOL_PACKET, IGNORE_OUTGOING, 1)
        one.bind((device, EVERY))
        one.setblocking(False)
        self._select.register(one, selectors.EVENT_READ, data)
        return one

    def _tap(self) -> None:
        """Listen where VTEPs are plugged in: there every tunnel packet arrives once."""
        for vtep in {node for node, _ in self.layout.instances}:
            with inside(self.layout.space(vtep)):
                for link in self.layout.cables:
                    for end, port in ((link.a, link.a_port), (link.b, link.b_port)):
                        if end == vtep:
                            self._listen(port, None)

    def send(self, probes: Sequence[Probe], sources: Sequence[int], tell: Tell) -> None:
        """Send requests from their endpoints, answer what arrives, wait until all is quiet."""
        self._sent |= {one.number: one for one in probes}
        for at in range(0, len(probes), BURST):
            tell("send", at, len(probes))
            for one, source in zip(probes[at : at + BURST], sources[at : at + BURST], strict=True):
                self._ends[self._entry(source), source].send(self._frame(one, source))
            self._collect(0)
        while probes and self._collect(QUIET):
            pass

    def _entry(self, end: int) -> int:
        """Where what an endpoint sends comes in; probes have no choice."""
        network = self.layout.network
        return network.entries(network.endpoints[end])[0]

    def _frame(self, one: Probe, end: int) -> bytes:
        to, sender = (bytes.fromhex(mac(kind, end).replace(":", "")) for kind in (ENDPOINT, HOST))
        return frame(one, to, sender)

    def _collect(self, wait: float) -> bool:
        """Take in what has arrived; whether there was anything."""
        any_ = False
        while ready := self._select.select(wait):
            any_, wait = True, 0
            for key, _ in ready:
                for data in _drain(key.fileobj):
                    if key.data is None:
                        self._keep(data)
                    else:
                        self._take(data, key.data)
        return any_

    def _take(self, data: bytes, at: tuple[int, int]) -> None:
        found, (_, end) = read(data), at
        if found is None or found[0] not in self._sent:
            return
        number, reply = found
        if reply:
            self.back[number] = end
        else:
            self.at[number] = end
            self._ends[at].send(self._frame(self._sent[number].answer(), end))

    def _keep(self, data: bytes) -> None:
        assert self._writer is not None
        self._writer.write(data, time=time.time_ns(), comment="", original=len(data))
        self.captured += 1


def _drain(one: Any) -> Iterable[bytes]:
    try:
        while True:
            yield one.recv(65535)
    except BlockingIOError:
        return
