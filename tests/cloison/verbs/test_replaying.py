"""`cloison.replay` says what the verb says; tunnels whose outer source is elsewhere are told."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import cloison
from cloison.cli import main
from compiler.policy.ir import Action
from sim.packets.headers import Flow
from sim.packets.pcap import CaptureWriter, craft
from sim.pipeline.datapath import Datapath
from sim.pipeline.traffic import all_pairs

SMALL = Path(__file__).parents[3] / "topologies" / "small.yaml"
SPEED = ("simulator_packets_per_second", "threads")


@pytest.fixture(scope="module")
def world() -> cloison.World:
    return cloison.build(SMALL)


def written(path: Path, *frames: bytes) -> Path:
    with path.open("wb") as file:
        writer = CaptureWriter(file)
        for frame in frames:
            writer.write(frame, time=0, comment="", original=len(frame))
    return path


def ask(world: cloison.World) -> tuple[Flow, Any]:
    """A flow between two pods of a VRF on different hosts, and its source."""
    pods = [e for e in world.network.endpoints if e.kind == "pod"]
    a = pods[0]
    b = next(e for e in pods if e.vrf == a.vrf and e.vtep != a.vtep)
    return Flow(a.vrf, 4, int(a.prefixes[0][0]), int(b.prefixes[0][0]), 6, 40000, 8080), a


def tunnel(world: cloison.World, flow: Flow, outer: int) -> bytes:
    """The flow's frame inside VXLAN, from the loopback of a node or another address."""
    from scapy.layers.inet import IP, UDP
    from scapy.layers.l2 import Ether
    from scapy.layers.vxlan import VXLAN

    vni = world.network.vrfs[flow.vrf].vni
    source = str(IPv4Address(outer))
    outside = Ether(src="02:00:00:00:00:03", dst="02:00:00:00:00:04") / IP(
        src=source, dst="10.255.0.9"
    )
    return bytes(outside / UDP(sport=50000, dport=4789) / VXLAN(vni=vni) / Ether(craft(flow)))


def same(document: dict[str, Any]) -> dict[str, Any]:
    """A document without what differs between runs and callers."""
    plain = json.loads(json.dumps(document, default=str))
    plain.pop("captures")
    return {**plain, "replay": {k: v for k, v in plain["replay"].items() if k not in SPEED}}


def test_python_says_what_the_verb_says(world: cloison.World, tmp_path: Path) -> None:
    flow, _ = ask(world)
    capture = written(tmp_path / "x.pcapng", craft(flow), craft(flow.reply(flow.vrf)))
    vrf = world.network.vrfs[flow.vrf].name
    said = CliRunner().invoke(
        main,
        ["replay", str(SMALL), str(capture), "--vrf", vrf, "--by-flow", "-o", "json"],
    )
    assert said.exit_code == 0, said.stderr
    found = cloison.replay(world, capture, vrf=vrf)
    from cloison.render.formats import plain

    assert same(plain(found.document())) == same(json.loads(said.stdout))
    assert [row["packets"] for row in found.flows] == [1, 1]
    assert repr(found) == f"{found.report.delivered} of 2 packets delivered"
    assert "<table" in found._repr_html_()


def test_every_pair_or_random_flows(world: cloison.World) -> None:
    pairs = cloison.replay(world)
    assert pairs.report.packets > 1000
    assert sum(row["packets"] for row in pairs.verdicts) == pairs.report.packets
    first, second = (cloison.replay(world, random=500, seed=3) for _ in range(2))
    assert first.report.packets == 500
    assert first.verdicts.rows == second.verdicts.rows


def test_unknown_sources_are_told_with_the_way_out(world: cloison.World, tmp_path: Path) -> None:
    capture = written(tmp_path / "x.pcapng", craft(Flow(0, 4, 0xF0000001, 5, 6, 1, 2)))
    found = cloison.replay(world, capture)
    assert [row["verdict"] for row in found.verdicts] == ["unknown_source"]
    assert any("--vrf" in note for note in found.verdicts.notes)


def test_an_unknown_vrf_is_a_diagnostic(world: cloison.World, tmp_path: Path) -> None:
    flow, _ = ask(world)
    capture = written(tmp_path / "x.pcapng", craft(flow))
    with pytest.raises(cloison.InputError) as failed:
        cloison.replay(world, capture, vrf="acme/mian")
    assert [(d.code, d.hint) for d in failed.value.diagnostics] == [
        ("C339", 'did you mean "acme/main"?')
    ]


def test_a_tunnel_from_elsewhere_is_counted_and_told(world: cloison.World, tmp_path: Path) -> None:
    flow, a = ask(world)
    loopbacks = world.network.plan.loopback
    here = loopbacks[a.vtep]
    other = next(ip for node, ip in enumerate(loopbacks) if ip and node != a.vtep)
    frames = [tunnel(world, flow, outer) for outer in (here, other, int(IPv4Address("192.0.2.7")))]
    capture = written(tmp_path / "x.pcapng", *frames)
    said = CliRunner().invoke(main, ["replay", str(SMALL), str(capture)])
    assert "2 VXLAN packets have an outer source that is not the VTEP" in said.stdout
    honest = written(tmp_path / "y.pcapng", frames[0])
    said = CliRunner().invoke(main, ["replay", str(SMALL), str(honest)])
    assert said.exit_code == 0, said.stderr
    assert "outer source" not in said.stdout
    assert cloison.replay(world, capture).document()["replay"]["outer_source_elsewhere"] == 2


def test_a_replay_goes_on_after_an_edit(world: cloison.World, tmp_path: Path) -> None:
    """Replies to a known flow pass, and no longer once the policy that let it in is another."""
    fewer = tuple(r for r in world.policy_read.rules if r.action is Action.DENY)
    edited = world.edit(replace(world, given=replace(world.policy_read, rules=fewer), base=None))
    pairs = next(iter(all_pairs(world.blocks)))
    before, now = (Datapath.of(w).decide(pairs).delivered for w in (world, edited))
    lost = before & ~now & (pairs.version == 4) & (pairs.protocol == 6)
    flow = pairs.flow(int(np.flatnonzero(lost)[0]))
    asked = written(tmp_path / "ask.pcapng", craft(flow))
    answer = written(tmp_path / "answer.pcapng", craft(flow.reply(flow.vrf)))
    vrf = world.network.vrfs[flow.vrf].name
    first = cloison.replay(world, asked, vrf=vrf)
    assert first.report.delivered == 1
    counts = [
        cloison.replay(there, answer, vrf=vrf, after=after).report.flows or {}
        for there, after in ((world, first), (world, None), (edited, first), (world, first))
    ]
    assert [found["reply"] for found in counts] == [1, 0, 0, 1]
    assert [found["revoked"] for found in counts] == [0, 0, 1, 0]
    other = cloison.build(SMALL.with_name("demo.yaml"))
    with pytest.raises(cloison.InputError, match="C856"):
        cloison.replay(other, answer, after=first)


def test_a_replay_goes_on_where_only_lines_have_moved(tmp_path: Path) -> None:
    path = tmp_path / "topologies" / SMALL.name
    shutil.copytree(SMALL.parent, path.parent)
    world = cloison.build(path)
    pairs = next(iter(all_pairs(world.blocks)))
    good = Datapath.of(world).decide(pairs).delivered & (pairs.version == 4) & (pairs.protocol == 6)
    flow = pairs.flow(int(np.flatnonzero(good)[0]))
    capture = written(tmp_path / "ask.pcapng", craft(flow))
    vrf = world.network.vrfs[flow.vrf].name
    first = cloison.replay(world, capture, vrf=vrf)
    path.write_text(path.read_text().replace("\ntenants:", "\n# moved\ntenants:"))
    later = cloison.build(path)
    assert later.network.vrfs != world.network.vrfs
    flows = cloison.replay(later, capture, vrf=vrf, after=first).report.flows or {}
    assert (flows["created"], flows["hit"]) == (1, 1)


def test_python_sends_what_the_command_sends(tmp_path: Path) -> None:
    """Shares, repetitions, replies and a file of dropped packets, with the same answer."""
    files = tmp_path / "command.pcapng", tmp_path / "python.pcapng"
    drawn = ["--random", "400", "--seed", "3", "--permitted", "0.5", "--zipf", "1", "--replies"]
    told = ["--by-flow", "--dropped", str(files[0]), "-q", "-o", "json"]
    listed = CliRunner().invoke(main, ["replay", str(SMALL), *drawn, *told])
    how: dict[str, Any] = {"seed": 3, "permitted": 0.5, "zipf": 1, "replies": True}
    sent = cloison.replay(SMALL, random=400, dropped=files[1], **how)
    documents = [json.loads(text) for text in (listed.stdout, json.dumps(sent.document()))]
    for document in documents:
        speeds = [key for key in document["replay"] if "second" in key]
        assert [document["replay"].pop(key) for key in speeds]
    assert documents[0] == documents[1]
    assert files[0].read_bytes() == files[1].read_bytes()
    whole = cloison.replay(SMALL, random=400, **how | {"permitted": 1.0}).report
    assert whole.delivered == whole.packets == 800 > sent.report.packets
    alone = cloison.replay(SMALL, random=400, **how | {"replies": False})
    assert sent.report.packets > alone.report.packets == 400
