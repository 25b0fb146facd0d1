"""Replay: captures find their VRF, replies pass, a new policy generation ends flows."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from oracles import require
from routed import at, endpoint, routed
from wired import wired

from compiler.compile import compile_policy
from compiler.policy.ir import (
    L4,
    Action,
    Direction,
    Everyone,
    Named,
    Origin,
    Policy,
    Rule,
    Stage,
)
from compiler.program.program import Program
from fabric.building.network import Network
from sim.blocks.blocks import build_blocks
from sim.packets.headers import Flow, Packets
from sim.packets.pcap import CaptureWriter, Reader, craft
from sim.packets.reasons import Reason
from sim.pipeline.arrivals import Arrivals, attach
from sim.pipeline.conntrack import FlowTable
from sim.pipeline.datapath import Datapath
from sim.pipeline.dropped import DroppedPackets
from sim.pipeline.replay import decide, imbalances, replay
from sim.pipeline.tables import tables
from sim.pipeline.traffic import random_flows, with_replies
from sim.worlds.world import World

A, B, C, SHARED = 0x0A000001, 0x0A000002, 0x0A000003, 0x0A630001
LOOPBACKS = (0x0AFF0001, 0x0AFF0002, 0, 0)


def world() -> Network:
    """acme: a on dpu1, b on dpu2; globex: its own 10.0.0.1, and c; shared storage, leaked."""
    ends = [
        at(0, endpoint(0, "acme/x/a", 0, "10.0.0.1/32", "fd00::1/128")),
        at(1, endpoint(1, "acme/x/b", 0, "10.0.0.2/32", "fd00::2/128")),
        at(0, endpoint(2, "globex/x/a", 1, "10.0.0.1/32")),
        at(1, endpoint(3, "globex/x/c", 1, "10.0.0.3/32")),
        at(1, endpoint(4, "shared/x/nfs", 2, "10.99.0.1/32")),
    ]
    acme: Any = [("10.0.0.1/32", [(0, 0)]), ("10.0.0.2/32", [(1, 0)])]
    acme += [("fd00::1/128", [(0, 0)]), ("fd00::2/128", [(1, 0)]), ("10.99.0.0/24", [(1, 2)])]
    globex: Any = [("10.0.0.1/32", [(0, 1)]), ("10.0.0.3/32", [(1, 1)])]
    shared: Any = [("10.99.0.1/32", [(1, 2)]), ("10.0.0.1/32", [(0, 0)])]
    rib = {(v, vrf): t for v in (0, 1) for vrf, t in enumerate((acme, globex, shared))}
    network = wired(routed(["dpu1", "dpu2"], ["acme/m", "globex/m", "shared/m"], ends, rib))
    fabric = network.fabric
    links = tuple(
        SimpleNamespace(**vars(link), kind="fabric", name=f"link{link.index}")
        for link in fabric.links
    )
    nodes = tuple(SimpleNamespace(**{**vars(node), "role": "any"}) for node in fabric.nodes)
    return replace(
        network,
        fabric=SimpleNamespace(nodes=nodes, links=links),  # type: ignore[arg-type]
        plan=SimpleNamespace(loopback=LOOPBACKS),  # type: ignore[arg-type]
    )


def policy(port: int) -> Policy:
    """IN at b and at the storage: only this TCP port, from anyone. OUT: b may open nothing."""
    receivers = (Named(("acme/x/b", "shared/x/nfs")),)
    anyone = (Everyone(),)
    rules = [
        (Direction.IN, receivers, (L4(6, port, port),), Action.PERMIT),
        (Direction.IN, receivers, (), Action.DENY),
        (Direction.OUT, receivers, (), Action.DENY),
    ]
    return Policy(
        tuple(
            Rule(Stage.WORKLOAD, d, i, local, anyone, l4, action, Origin("NetworkPolicy", "b"))
            for i, (d, local, l4, action) in enumerate(rules)
        )
    )


NETWORK = world()
PROGRAM = compile_policy(NETWORK, policy(443))
BLOCKS = build_blocks(PROGRAM)
REPLAYED = World.compiled(PROGRAM, BLOCKS)


def datapath(program: Program = PROGRAM) -> Datapath:
    return Datapath(tables(build_blocks(program)), threads=1)


def test_replies_pass_in_the_same_capture_and_only_after_the_request() -> None:
    ask = Flow(0, 4, A, B, 6, 40000, 443)
    answer = ask.reply(0)
    packets = Packets.of([answer, ask, answer, ask, answer])
    flows = FlowTable()
    verdicts = decide(datapath(), packets, flows)
    assert verdicts.delivered.tolist() == [False, True, True, True, True]
    assert verdicts.flow_state.tolist() == [0, 0, 2, 1, 2]
    assert flows.counts() | {"created": 1, "hit": 1, "reply": 2} == flows.counts()
    assert not decide(datapath(), packets).delivered[[0, 2, 4]].any()


def test_flow_table_hits_are_not_counted_as_entries() -> None:
    ask = Flow(0, 4, A, B, 6, 40000, 443, length=100)
    packets = Packets.of([ask, ask.reply(0), ask])
    report = replay(REPLAYED, packets, flow_table=FlowTable())
    assert (report.packets, report.bytes, report.delivered) == (3, 300, 3)
    assert report.entries[:, 0].max() == 1
    assert report.links[:, 0].sum() == 6


def test_leaked_flows_find_their_replies_across_vrfs() -> None:
    ask = Flow(0, 4, A, SHARED, 6, 40000, 443)
    packets = Packets.of([ask, ask.reply(2), Flow(1, 4, A, SHARED, 6, 40000, 443)])
    verdicts = decide(datapath(), packets, FlowTable())
    assert verdicts.flow_state.tolist() == [0, 2, 0]
    assert verdicts.delivered.tolist() == [True, True, False]


def test_answers_pass_by_the_flow_table_alone() -> None:
    asks = [Flow(0, 4, A, B, 6, 40000, 443), Flow(0, 4, A, SHARED, 6, 40000, 443)]
    asks.append(Flow(0, 4, A, B, 6, 40000, 80))
    first, answers = with_replies([Packets.of(asks)], datapath())
    assert [first.flow(i) for i in range(3)] == asks
    assert [answers.flow(i) for i in range(2)] == [asks[0].reply(0, 1), asks[1].reply(2, 4)]
    assert len(answers) == 2
    stateless = replay(REPLAYED, [first, answers])
    stateful = replay(REPLAYED, [first, answers], flow_table=FlowTable())
    assert (stateless.delivered, stateful.delivered) == (2, 4)
    assert stateful.flows is not None
    assert stateful.flows["reply"] == 2


def test_a_new_generation_decides_flows_again() -> None:
    flows = FlowTable()
    ask = Flow(0, 4, A, B, 6, 40000, 443)
    other = Flow(0, 6, (0xFD00 << 112) + 1, (0xFD00 << 112) + 2, 6, 40000, 443)
    packets = Packets.of([other.reply(0), ask, ask.reply(0)])
    decide(datapath(), Packets.of([ask, other]), flows)
    assert decide(datapath(), packets, flows).flow_state.tolist() == [2, 1, 2]
    assert flows.counts() | {"created": 2, "redecided": 2, "revoked": 0} == flows.counts()
    narrower = datapath(compile_policy(NETWORK, policy(444)))
    assert not decide(narrower, packets, flows).delivered.any()
    assert (len(flows), flows.generation, flows.counts()["revoked"]) == (0, 2, 2)


def test_a_copy_of_a_flow_table_goes_its_own_way() -> None:
    ask, path = Flow(0, 4, A, B, 6, 40000, 443), datapath()
    first = FlowTable()
    decide(path, Packets.of([ask]), first)
    twin = first.copy()
    assert decide(path, Packets.of([ask.reply(0)]), twin).flow_state.tolist() == [2]
    decide(datapath(compile_policy(NETWORK, policy(444))), Packets.of([ask]), twin)
    assert (len(twin), twin.generation, twin.counts()["revoked"]) == (0, 1, 1)
    assert (len(first), first.generation, first.counts()["reply"]) == (1, 0, 0)
    assert decide(path, Packets.of([ask.reply(0)]), first).flow_state.tolist() == [2]
    assert first.generation == 0


def test_flows_age_on_the_captures_clock() -> None:
    ask = Flow(0, 4, A, B, 6, 40000, 443)
    flows = FlowTable(timeout=10)
    packets = Packets.of([ask, ask.reply(0), ask.reply(0)])
    time = np.array([0, 10, 21], np.int64)
    none: Any = None
    arrivals = Arrivals(packets, time, np.zeros(3, bool), np.arange(3), none)
    verdicts = decide(datapath(), arrivals, flows)
    assert verdicts.delivered.tolist() == [True, True, False]


def capture(tmp_path: Path, frames: list[bytes]) -> Arrivals:
    path = tmp_path / "x.pcapng"
    with path.open("wb") as file:
        writer = CaptureWriter(file)
        for frame in frames:
            writer.write(frame, time=0, comment="", original=len(frame))
    (batch,) = Reader(path)
    return attach(REPLAYED, batch, ())


def vxlan(vni: int, outer: int, inner: Flow) -> bytes:
    from scapy.layers.inet import IP, UDP
    from scapy.layers.l2 import Ether
    from scapy.layers.vxlan import VXLAN

    ether = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
    tunnel = IP(src=outer, dst="10.255.0.2") / UDP(sport=50000, dport=4789) / VXLAN(vni=vni)
    return bytes(ether / tunnel) + craft(inner)


def test_frames_enter_where_their_source_lives(tmp_path: Path) -> None:
    to_b = Flow(0, 4, A, B, 6, 1, 443)
    one, two = "10.255.0.1", "10.255.0.2"
    arrivals = capture(
        tmp_path,
        [
            craft(Flow(0, 4, B, A, 6, 1, 2)),
            craft(Flow(0, 4, A, B, 6, 1, 2)),
            craft(Flow(0, 4, 0x01010101, B, 6, 1, 2)),
            vxlan(5000, one, to_b),
            vxlan(5001, one, to_b),
            vxlan(5002, one, Flow(0, 4, B, SHARED, 6, 1, 2)),
            vxlan(5002, two, Flow(0, 4, B, SHARED, 6, 1, 2)),
            vxlan(5002, two, Flow(0, 4, A, SHARED, 6, 1, 2)),
            vxlan(7, two, Flow(0, 4, C, A, 6, 1, 2)),
            vxlan(7, one, Flow(0, 4, A, SHARED, 6, 3, 4)),
        ],
    )
    assert arrivals.packets.vrf.tolist() == [0, -1, -1, 0, 1, -1, 0, -1, 1, -1]


def test_the_caller_may_name_the_vrf_of_the_rest(tmp_path: Path) -> None:
    source = capture(tmp_path, [craft(Flow(0, 4, A, B, 6, 1, 2))]).source
    arrivals = attach(REPLAYED, source, (), vrf=1)
    assert arrivals.packets.vrf.tolist() == [1]


def test_fragments_without_ports_are_dropped_as_such(tmp_path: Path) -> None:
    frame = bytearray(craft(Flow(0, 4, B, A, 17, 1, 2)))
    frame[20:22] = b"\x00\x10"
    arrivals = capture(tmp_path, [bytes(frame)])
    report = replay(REPLAYED, arrivals)
    assert report.verdicts[Reason.FRAGMENT_DROP] == 1
    assert not report.entries.any()


def test_dropped_packets_are_written_with_the_rule(tmp_path: Path) -> None:
    from scapy.utils import RawPcapNgReader

    frames = [craft(Flow(0, 4, C, 5, 6, 1, 2)), craft(Flow(0, 4, B, A, 6, 1, 2))]
    arrivals = capture(tmp_path, frames)
    out = BytesIO()
    sink = DroppedPackets(out, BLOCKS)
    replay(REPLAYED, arrivals, sink=sink)
    generated = Packets.of([Flow(0, 4, B, A, 17, 1, 2, length=500)])
    replay(REPLAYED, generated, sink=sink)
    assert (sink.written, sink.skipped) == (3, 0)
    out.seek(0)
    written = list(RawPcapNgReader(out))
    assert [data for data, _ in written][:2] == frames
    assert [meta.comments for _, meta in written] == [
        [b"no_route_drop"],
        [b"policy_drop: OUT NetworkPolicy b"],
        [b"policy_drop: OUT NetworkPolicy b"],
    ]
    assert written[2][1].wirelen == 514


@pytest.mark.oracle("tcpdump")
def test_tcpdump_reads_the_dropped_packets(tmp_path: Path) -> None:
    require("tcpdump")
    path = tmp_path / "dropped.pcapng"
    with path.open("wb") as file:
        sink = DroppedPackets(file, BLOCKS)
        for batch in random_flows(BLOCKS, 500, seed=3):
            replay(REPLAYED, batch, sink=sink)
    command = ["tcpdump", "-nn", "-r", str(path)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert 0 < len(lines) == sink.written < 500
    assert all(" IP " in line or " IP6 " in line for line in lines)


def test_imbalance_names_the_busiest_uplink() -> None:
    packets = Packets.of([Flow(0, 4, A, B, 6, 40000, 443)])
    report = replay(REPLAYED, packets)
    (worst,) = imbalances(NETWORK, report.links)
    assert (worst.node, worst.links, worst.ratio) == ("dpu1", 2, 2.0)


def test_run_is_the_short_way() -> None:
    packets = Packets.of([Flow(0, 4, A, B, 6, 40000, 443)])
    assert datapath().decide(packets).delivered.tolist() == [True]
