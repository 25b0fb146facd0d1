"""ICMP as connection tracking reads it: captures of queries, replies and errors, through replay."""

from __future__ import annotations

import json
import select
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from oracles import require, require_root
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoReply,
    ICMPv6EchoRequest,
    ICMPv6ND_NS,
    ICMPv6PacketTooBig,
    ICMPv6ParamProblem,
    ICMPv6TimeExceeded,
    IPv6,
)
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap

from cloison.cli import main
from cloison.loading.how import How
from cloison.views.lab import for_test
from sim.kernels.pipeline import flow_table
from sim.lab.layout import mac
from sim.lab.trial import Wire
from sim.lab.up import ENDPOINT, HOST
from sim.packets import icmp
from sim.packets.pcap import Reader

FABRIC = """
cloison: 1
name: queries
sites: { s: { spines: 1, leaves: 2, hosts_per_pair: 3, borders: 0 } }
pins:
  hosts: { one/shop/ask: host1, one/shop/serve: host2, one/shop/third: host3 }
tenants:
  one: { manifests: [pods.yaml], vrfs: { main: { prefixes: [100.64.7.0/24, "fd64:7::/64"] } } }
"""
PODS = """
{ apiVersion: v1, kind: Pod, metadata: { name: ask, namespace: shop, labels: { app: ask } }, spec: { containers: [{ name: c, image: c }] } }
---
{ apiVersion: v1, kind: Pod, metadata: { name: serve, namespace: shop, labels: { app: serve } }, spec: { containers: [{ name: c, image: c }] } }
---
{ apiVersion: v1, kind: Pod, metadata: { name: third, namespace: shop, labels: { app: third } }, spec: { containers: [{ name: c, image: c }] } }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: quiet, namespace: shop }
spec: { podSelector: { matchLabels: { app: ask } }, policyTypes: [Ingress] }
"""  # noqa: E501
PASS, STOP = "delivered", "policy_drop"


@pytest.fixture(scope="module")
def fabric(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`ask` lets nobody in; what comes back to it does so because it asked."""
    folder = tmp_path_factory.mktemp("queries")
    (folder / "pods.yaml").write_text(PODS)
    (folder / "queries.yaml").write_text(FABRIC)
    return folder / "queries.yaml"


@pytest.fixture(scope="module")
def at(fabric: Path) -> dict[str, str]:
    shown = CliRunner().invoke(
        main, ["show", "addresses", str(fabric), "--what", "endpoints", "-o", "json"]
    )
    rows = json.loads(shown.stdout)["rows"]
    return {
        f"{row['endpoint'].rpartition('/')[2]}{number}": address
        for row in rows
        for number, address in zip((4, 6), row["addresses"], strict=False)
    }


def v4(at: dict[str, str], source: str, target: str) -> Any:
    return IP(src=at[f"{source}4"], dst=at[f"{target}4"])


def v6(at: dict[str, str], source: str, target: str) -> Any:
    return IPv6(src=at[f"{source}6"], dst=at[f"{target}6"])


def cases(at: dict[str, str], first: int = 5) -> dict[str, tuple[list[Any], list[str]]]:
    """Packets in order, and what must become of each. No two cases have a flow in common when
    `first` is another one."""
    there, back = v4(at, "ask", "serve"), v4(at, "serve", "ask")
    there6, back6 = v6(at, "ask", "serve"), v6(at, "serve", "ask")
    stray = v4(at, "third", "ask")
    ping, pong = there / ICMP(type=8, id=first), back / ICMP(type=0, id=first)
    syn = there / TCP(sport=40000 + first, dport=80, flags="S")
    other_port = there / TCP(sport=40001 + first, dport=80)
    theirs = v4(at, "third", "serve") / TCP(sport=40000 + first, dport=80)
    dns, dns6 = (
        there / UDP(sport=5353 + first, dport=53),
        there6 / UDP(sport=5353 + first, dport=53),
    )
    ping6, pong6 = there6 / ICMPv6EchoRequest(id=first), back6 / ICMPv6EchoReply(id=first)
    return {
        "a reply": ([ping, pong, ping], [PASS] * 3),
        "a reply alone": ([pong], [STOP]),
        "a request back": ([ping, back / ICMP(type=8, id=first)], [PASS, STOP]),
        "another identifier": ([ping, back / ICMP(type=0, id=first + 1)], [PASS, STOP]),
        "another kind": ([ping, back / ICMP(type=14, id=first)], [PASS, STOP]),
        "a timestamp": (
            [there / ICMP(type=13, id=first), back / ICMP(type=14, id=first)], [PASS, PASS]),
        "from a third": ([ping, stray / ICMP(type=0, id=first)], [PASS, STOP]),
        "unreachable": ([syn, back / ICMP(type=3, code=3) / syn], [PASS, PASS]),
        "time exceeded": ([dns, back / ICMP(type=11) / dns], [PASS, PASS]),
        "parameter problem": ([ping, back / ICMP(type=12) / ping], [PASS, PASS]),
        "too big, from a third": (
            [syn, stray / ICMP(type=3, code=4) / syn], [PASS, PASS]),
        "about nothing": ([back / ICMP(type=3, code=3) / syn], [STOP]),
        "about another port": (
            [syn, back / ICMP(type=3, code=3) / other_port], [PASS, STOP]),
        "about another's packet": (
            [syn, back / ICMP(type=3) / theirs], [PASS, STOP]),
        "about another's connection": (
            [theirs, back / ICMP(type=3) / theirs], [PASS, STOP]),
        "about a packet of its sender": (
            [syn, back / ICMP(type=3) / back / TCP(sport=80, dport=40000 + first)], [PASS, STOP]),
        "about an error": (
            [syn, back / ICMP(type=3, code=3) / syn, back / ICMP(type=3) / there / ICMP(type=3)],
            [PASS, PASS, STOP]),
        "router advertisement": ([ping, back / ICMP(type=9)], [PASS, STOP]),
        "v6 reply": ([ping6, pong6], [PASS, PASS]),
        "v6 request back": ([ping6, back6 / ICMPv6EchoRequest(id=first)], [PASS, STOP]),
        "v6 another identifier": ([ping6, back6 / ICMPv6EchoReply(id=first + 1)], [PASS, STOP]),
        "v6 unreachable": ([dns6, back6 / ICMPv6DestUnreach(code=4) / dns6], [PASS, PASS]),
        "v6 too big": ([ping6, back6 / ICMPv6PacketTooBig(mtu=1280) / ping6], [PASS, PASS]),
        "v6 time exceeded": ([dns6, back6 / ICMPv6TimeExceeded() / dns6], [PASS, PASS]),
        "v6 parameter problem": ([dns6, back6 / ICMPv6ParamProblem() / dns6], [PASS, PASS]),
        "v6 about nothing": ([back6 / ICMPv6DestUnreach(code=4) / dns6], [STOP]),
        "v6 solicitation": ([ping6, back6 / ICMPv6ND_NS(tgt=at["ask6"])], [PASS, STOP]),
    }  # fmt: skip


def written(path: Path, packets: Sequence[Any]) -> Path:
    frames = [Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / p for p in packets]
    for number, frame in enumerate(frames):
        frame.time = 1000 + number / 10
    wrpcap(str(path), frames)
    return path


def test_replay_tracks_icmp_as_the_kernel_does(
    fabric: Path, at: dict[str, str], tmp_path: Path
) -> None:
    """Each case in a capture of its own; `--by-flow` is not needed, verdicts are counted."""
    for name, (packets, expected) in cases(at).items():
        for part in range(1, len(packets) + 1):
            capture = written(tmp_path / "case.pcap", packets[:part])
            result = CliRunner().invoke(
                main, ["replay", str(fabric), str(capture), "-q", "-o", "json"]
            )
            found = {k: n for k, n in json.loads(result.stdout)["replay"]["verdicts"].items() if n}
            wanted = {word: expected[:part].count(word) for word in expected[:part]}
            assert found == wanted, (name, part)


def test_related_packets_are_counted(fabric: Path, at: dict[str, str], tmp_path: Path) -> None:
    capture = written(tmp_path / "r.pcap", cases(at)["unreachable"][0])
    result = CliRunner().invoke(main, ["replay", str(fabric), str(capture), "-q", "-o", "json"])
    flows = json.loads(result.stdout)["replay"]["flows"]
    assert (flows["created"], flows["related"], flows["reply"]) == (1, 1, 0)


@pytest.mark.root
@pytest.mark.oracle("kernel")
def test_the_kernel_agrees(
    fabric: Path, at: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same packets through nftables and Linux' own connection tracking in a lab."""
    require_root()
    require("nft")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    with for_test(fabric, How(), lambda *_: None) as lab, Wire(lab.layout, None) as wire:
        ends = {e.name.rpartition("/")[2]: e.index for e in lab.layout.endpoints}
        names = list(cases(at))
        for number, name in enumerate(names):
            packets, expected = cases(at, 10 + 10 * number)[name]
            for packet, wanted in zip(packets, expected, strict=True):
                assert arrives(wire, at, ends, packet) == (wanted == PASS), (name, packet.summary())


def arrives(wire: Wire, at: dict[str, str], ends: dict[str, int], packet: Any) -> bool:
    """Whether a packet that its source sends comes out at its destination within a second."""
    owner = {address: ends[name[:-1]] for name, address in at.items() if name[:-1] in ends}
    source, target = owner[packet.src], owner[packet.dst]
    mine = bytes(packet.payload)
    to, sender = (mac(kind, source) for kind in (ENDPOINT, HOST))
    own = {end: socket for (_, end), socket in wire._ends.items()}
    listening = own[target]
    own[source].send(bytes(Ether(dst=to, src=sender) / packet))
    deadline = time.monotonic() + 0.4
    while time.monotonic() < deadline:
        if not select.select([listening], [], [], 0.1)[0]:
            continue
        if mine in listening.recv(65535):
            return True
    return False


def test_fragments_follow_the_query_of_their_first(at: dict[str, str], tmp_path: Path) -> None:
    packet = v4(at, "ask", "serve") / ICMP(type=8, id=5) / (b"x" * 64)
    packet.id = 77
    parts = [Ether() / part for part in packet.fragment(fragsize=32)]
    wrpcap(str(tmp_path / "f.pcap"), [*parts, Ether() / packet.fragment(fragsize=32)[1]])
    (batch,) = Reader(tmp_path / "f.pcap")
    assert set(batch.header.mark.tolist()) == {icmp.REQUEST << 24 | 1 << 16 | 5}


def test_kinds_are_those_of_the_kernels() -> None:
    ours = icmp.REQUEST, icmp.REPLY, icmp.ERROR, icmp.OTHER
    theirs = flow_table.REQUEST, flow_table.ANSWER, flow_table.ERROR, flow_table.OTHER
    assert ours == tuple(map(int, theirs))
    assert all((table >> 24 != 0).all() for table in icmp.KINDS.values())
    queries = [int((icmp.KINDS[v] >> 24 == icmp.REQUEST).sum()) for v in (4, 6)]
    assert queries == [4, 2]
    assert np.flatnonzero(icmp.KINDS[6] >> 24 == icmp.ERROR).tolist() == list(range(1, 128))
