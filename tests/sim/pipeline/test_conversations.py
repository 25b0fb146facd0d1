"""Answers in captures without tunnels: who answers from an address that several VRFs know is told
by what was asked before, and by nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from cloison.cli import main
from cloison.views.world import World
from fabric.building.network import Network
from sim.packets.headers import Flow
from sim.packets.pcap import CaptureWriter, Reader, craft
from sim.pipeline import conversations
from sim.pipeline.arrivals import attach
from sim.pipeline.conversations import Conversations

DEMO = Path(__file__).parents[3] / "topologies" / "demo.yaml"
NODE, GATEWAY, POD, TWICE = "100.64.0.1", "203.0.113.2", "100.80.0.2", "10.0.0.2"
BMC, WEB, PEER = "198.18.0.200", "192.0.2.7", "10.0.0.18"
ADDRESSES = [NODE, GATEWAY, POD, TWICE, BMC, WEB, PEER, "fd64::1", "fd00:c0::1:7", "fd00:10::2"]
"""Of a node, pods, a pod whose address another tenant has too, machines in a prefix of zone 0 that
lies in one of zone 2, the outside, and such ones with IPv6."""


@pytest.fixture(scope="module")
def world() -> World:
    return World.read([DEMO])


def number(text: str) -> int:
    return int(ip_address(text))


def flow(source: str, target: str, sport: int = 40000, dport: int = 443) -> Flow:
    version = ip_address(source).version
    return Flow(0, version, number(source), number(target), 6, sport, dport)


def written(path: Path, flows: Iterable[Flow]) -> Path:
    with path.open("wb") as file:
        writer = CaptureWriter(file)
        for one in flows:
            frame = craft(one)
            writer.write(frame, time=0, comment="", original=len(frame))
    return path


def attached(world: World, path: Path, vrf: int | None = None) -> list[str]:
    names = [v.name for v in world.network.vrfs]
    found: list[str] = []
    known = Conversations(world)
    for batch in Reader(path):
        numbers = attach(world, batch, (), vrf, known).packets.vrf.tolist()
        found += ["" if n < 0 else names[n] for n in numbers]
    return found


def test_who_answers_is_where_the_question_went(world: World, tmp_path: Path) -> None:
    asked = flow(NODE, BMC)
    lone, other = flow(BMC, NODE, 443, 40001), flow(BMC, NODE, 444, 40000)
    path = written(tmp_path / "x", [asked.reply(0), asked, asked.reply(0), lone, other])
    assert attached(world, path) == ["", "inference/main", "zone0/main", "", ""]
    assert attached(world, path, 0)[2:4] == ["zone0/main", world.network.vrfs[0].name]


def test_a_two_way_capture_has_both_ways(tmp_path: Path) -> None:
    """Also where an address outside is in prefixes of two zones, or a tenant's too."""
    flows = [f for ask in (flow(NODE, BMC), flow(NODE, TWICE)) for f in (ask, ask.reply(0))]
    path = written(tmp_path / "x.pcap", flows)
    done = CliRunner().invoke(main, ["replay", str(DEMO), str(path), "-q", "-o", "json"])
    verdicts = json.loads(done.stdout)["replay"]["verdicts"]
    assert "unknown_source" not in {name for name, count in verdicts.items() if count}


def naive(network: Network, flows: list[Flow]) -> list[str]:
    """One packet after the other, by looking every owner up."""
    answers: dict[tuple[int, ...], str] = {}
    found = []
    for one in flows:
        own = by_address(network, one.version, one.src)
        back = (one.dst, one.src, one.dport, one.sport)
        place = own or answers.get((one.src, one.dst, one.sport, one.dport), "")
        if own and not by_address(network, one.version, one.dst):
            answers.setdefault(back, led(network, own, one))
        found.append(place)
    return found


def by_address(network: Network, version: int, address: int) -> str:
    owning = [
        (network.vrfs[e.vrf].name, all(p.num_addresses == 1 for p in e.prefixes))
        for e in network.endpoints
        for p in e.prefixes
        if p.version == version and int(p[0]) <= address <= int(p[-1])
    ]
    for lonely in (True, False):
        if vrfs := {vrf for vrf, single in owning if single is lonely}:
            return vrfs.pop() if len(vrfs) == 1 else ""
    return ""


def led(network: Network, vrf: str, one: Flow) -> str:
    index = next(v.index for v in network.vrfs if v.name == vrf)
    holds = [
        e
        for e in network.endpoints
        if e.vrf == index and any(p.version == one.version and int(p[0]) <= one.src <= int(p[-1])
                                  for p in e.prefixes)
    ]  # fmt: skip
    source = min(holds, key=lambda e: min(p.num_addresses for p in e.prefixes))
    route = network.fib.lookup(source.vtep, index, one.version, one.dst)
    hops = {hop.vrf for hop in route.nexthops} if route else set()
    ends = {network.vrfs[v].name for v in hops}
    return ends.pop() if len(ends) == 1 else ""


ENDS = st.tuples(st.sampled_from(ADDRESSES), st.sampled_from(ADDRESSES)).filter(
    lambda p: p[0] != p[1] and ip_address(p[0]).version == ip_address(p[1]).version
)


@settings(max_examples=60)
@given(
    asked=st.lists(st.tuples(ENDS, st.booleans(), st.sampled_from([1, 2])), max_size=14),
    size=st.sampled_from([1, 3, 100]),
)
def test_it_is_what_one_packet_after_the_other_says(
    world: World, tmp_path_factory: pytest.TempPathFactory, asked: list[object], size: int
) -> None:
    """However a capture is cut into batches."""
    flows = []
    for (source, target), answer, port in asked:  # type: ignore[misc]
        one = flow(source, target, port, 443)
        flows.append(one.reply(0) if answer else one)
    folder = tmp_path_factory.mktemp("c")
    parts = [flows[i : i + size] for i in range(0, len(flows), size)]
    paths = [written(folder / str(n), part) for n, part in enumerate(parts)]
    names = [v.name for v in world.network.vrfs]
    known, found = Conversations(world), []
    for path in paths:
        for batch in Reader(path):
            rows = attach(world, batch, (), None, known).packets.vrf.tolist()
            found += ["" if n < 0 else names[n] for n in rows]
    assert found == naive(world.network, flows)


def test_few_conversations_are_remembered(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversations, "KEPT", 2)
    asks = [flow(NODE, BMC, port) for port in (1, 2, 3)]
    path = written(tmp_path / "x", [*asks, *(ask.reply(0) for ask in asks)])
    assert attached(world, path)[3:] == ["", "zone0/main", "zone0/main"]


def test_few_ends_are_remembered(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A capture may be made to have many."""
    monkeypatch.setattr(conversations, "KEPT", 2)
    path = written(tmp_path / "x", [flow(NODE, f"198.18.0.{n}") for n in range(200, 209)])
    known = Conversations(world)
    for batch in Reader(path):
        attach(world, batch, (), None, known)
    assert (len(known.answers), len(known.led)) == (2, 2)


def test_what_leads_nowhere_is_not_known(world: World) -> None:
    """Nobody sends from the address, or his VRF has no route."""
    network = world.network
    inside = next(v.index for v in network.vrfs if v.name == "shared/storage")
    nobody = Flow(inside, 4, number("9.9.9.9"), number(BMC), 6)
    assert conversations.answerer(world, nobody) == -1
    pod = next(e for e in network.endpoints if e.vrf == inside and e.kind == "pod")
    assert network.fib.lookup(pod.vtep, inside, 4, number(GATEWAY)) is None
    lost = Flow(inside, 4, int(pod.prefixes[0][0]), number(GATEWAY), 6)
    assert conversations.answerer(world, lost) == -1
