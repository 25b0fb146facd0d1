"""Which packets and lines are flows that passed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fabric_files import vrf, write_fabric

from cloison.loading.how import How
from cloison.verbs.permitting import observed
from cloison.views.world import World
from fabric.diagnostics import InputError
from sim.packets.headers import Flow
from sim.packets.pcap import CaptureWriter, craft

HOW = How(drawn="forgotten")
A, B = 0x0A01000A, 0x0A010014


@pytest.fixture
def world(tmp_path: Path) -> World:
    pods = {"red": ["lab/a@host1=10.1.0.10", "lab/b@host2=10.1.0.20"]}
    return World.of_fabric(write_fabric(tmp_path, {"red": vrf("10.1.0.0/16")}, pods), HOW)


def tcp(src: int, dst: int, sport: int, dport: int, flags: int) -> bytes:
    frame = bytearray(craft(Flow(0, 4, src, dst, 6, sport, dport)))
    frame[14 + 20 + 13] = flags
    return bytes(frame)


def udp(src: int, dst: int, sport: int, dport: int) -> bytes:
    return craft(Flow(0, 4, src, dst, 17, sport, dport))


def capture(path: Path, *frames: bytes) -> Path:
    with path.open("wb") as file:
        writer = CaptureWriter(file)
        for number, frame in enumerate(frames):
            writer.write(frame, time=number, comment="", original=len(frame))
    return path


SYN, ACK = 2, 16


@pytest.mark.parametrize(
    ("frames", "ports", "left"),
    [
        ([tcp(A, B, 40000, 80, SYN), tcp(B, A, 80, 40000, SYN | ACK)], {80}, {"answers"}),
        ([tcp(A, B, 80, 40000, SYN), tcp(B, A, 40000, 80, ACK)], {40000}, set()),
        ([tcp(A, B, 40000, 50051, SYN), tcp(B, A, 50051, 40000, ACK)], {50051}, set()),
        ([tcp(A, B, 40000, 50051, ACK)], set(), {"which way is not known"}),
        ([tcp(B, A, 80, 40000, ACK), tcp(A, B, 40000, 80, ACK)], {80}, {"answers"}),
        ([udp(B, A, 53, 40000)], set(), {"answers"}),
        ([udp(A, B, 40000, 53)], {53}, set()),
        ([udp(A, B, 123, 123)], set(), {"which way is not known"}),
        ([tcp(A, 0x08080808, 40000, 443, SYN)], set(), {"no_route_drop"}),
        ([tcp(0x08080808, A, 40000, 443, SYN)], set(), {"between ends not known"}),
    ],
)
def test_a_flow_is_what_opens_a_connection(
    tmp_path: Path, world: World, frames: list[bytes], ports: set[int], left: set[str]
) -> None:
    found, _ = observed(world, [capture(tmp_path / "x.pcap", *frames)])
    assert {flow.dport for flow in found.passing} == ports
    assert set(found.left) == left


def line(source: Any, target: Any, **more: Any) -> str:
    ends = {"source": "192.0.2.1", "destination": "192.0.2.2", "ipVersion": "IPv4"}
    ports = {"TCP": {"source_port": 40000, "destination_port": 80}}
    flow = {"verdict": "FORWARDED", "IP": ends, "l4": ports, "source": source,
            "destination": target, "is_reply": False, **more}  # fmt: skip
    return json.dumps({"flow": flow})


POD_A = {"namespace": "lab", "pod_name": "a"}
POD_B = {"namespace": "lab", "pod_name": "b"}


@pytest.mark.parametrize(
    ("text", "passing", "left"),
    [
        (line(POD_A, POD_B), 1, set()),
        (line(POD_A, POD_B, is_reply=True), 0, {"answers"}),
        (line(POD_A, POD_B, verdict="DROPPED"), 0, {"dropped where it was observed"}),
        (line(POD_A, {"namespace": "lab", "pod_name": "c"}), 0, {"between ends not known"}),
        (line(POD_A, {"labels": ["reserved:world"]}), 0, {"between ends not known"}),
        (line(POD_A, {"namespace": "lab", "workloads": [{"name": "b"}]}), 1, set()),
        ('{"srcaddr": "10.1.0.10", "dstaddr": "10.1.0.20", "srcport": 40000, "dstport": 80, '
         '"protocol": 6, "action": "ACCEPT"}', 1, set()),
        ('{"source_ip": "10.1.0.10", "dest_ip": "10.1.0.20", "source_port": 40000, "dest_port": 80,'
         ' "proto": "tcp", "action": "deny"}', 0, {"dropped where it was observed"}),
    ],
)  # fmt: skip
def test_logs_name_pods_or_addresses(
    tmp_path: Path, world: World, text: str, passing: int, left: set[str]
) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(f"{text}\n{text}\n\n")
    found, notes = observed(world, [path])
    assert [flow.packets for flow in found.passing] == [2] * passing
    assert set(found.left) == left and not notes


def test_lines_that_are_no_flows_are_counted(tmp_path: Path, world: World) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"lost_events": {}}\n' + line(POD_A, POD_B, Type="L7") + "\n")
    found, (note,) = observed(world, [path])
    assert not found.passing and "2 of 2 lines are no flows" in note


@pytest.mark.parametrize("text", ["nonsense\n", "[1]\n", '{"a": 1e999}\n', "[" * 100_000 + "\n"])
def test_what_is_no_log_is_refused_with_its_line(tmp_path: Path, world: World, text: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(f"{line(POD_A, POD_B)}\n{text}")
    with pytest.raises(InputError) as refused:
        observed(world, [path])
    (diagnostic,) = refused.value.diagnostics
    assert (diagnostic.code, str(diagnostic.span)) == ("C954", f"{path}:2:1")


def test_a_name_of_two_tenants_is_nobody(tmp_path: Path) -> None:
    tenants = {"red": vrf("10.1.0.0/16"), "blue": vrf("10.2.0.0/16")}
    pods = {"red": ["lab/a@host1=10.1.0.10", "lab/b@host1=10.1.0.20"],
            "blue": ["lab/a@host2=10.2.0.10", "lab/b@host2=10.2.0.20"]}  # fmt: skip
    both = World.of_fabric(write_fabric(tmp_path, tenants, pods), HOW)
    path = tmp_path / "x.jsonl"
    path.write_text(line(POD_A, POD_B))
    assert set(observed(both, [path])[0].left) == {"between ends not known"}


def test_a_flow_that_may_be_denied_is_not_taken(tmp_path: Path, world: World) -> None:
    """An object whose kind is not evaluated may deny it."""
    manifest = tmp_path / "red.yaml"
    kind = "apiVersion: crd.projectcalico.org/v1\nkind: NetworkPolicy\nmetadata: "
    manifest.write_text(manifest.read_text() + f"{kind}{{ name: x, namespace: lab }}\nspec: {{}}\n")
    again = World.of_fabric(tmp_path / "fabric.yaml", HOW)
    path = tmp_path / "x.jsonl"
    path.write_text(line(POD_A, POD_B))
    assert set(observed(again, [path])[0].left) == {"unknown"}
