"""Host-network pods on hosts with several addresses: small worlds are decided packet by packet, and
by whoever checks certificates."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from fabric_files import vrf, write_fabric

from cloison.views.world import World
from fabric.inventory import Endpoint
from fabric.names import selects
from sim.checker.validity import validity
from sim.packets.headers import Flow
from sim.packets.reasons import Reason
from sim.pipeline.trace import trace
from sim.proof.certificate import certificate
from sim.proof.prove import prove

SITE = {"spines": 1, "leaves": 2, "hosts_per_pair": 3, "borders": 1}
PORT = 9100


def shared(folder: Path, expect: list[Any], peers: tuple[str, ...] = (), own: bool = True) -> Path:
    """Two tenants on one host, one of which has a pod on the host's own network; a third one."""
    tenants = {
        name: {"hosts": hosts}
        | vrf(f"10.{n}.0.0/24", {"cidr": f"172.30.{n}.0/24", "use": "nodes"}, vni=10700 + n)
        for n, (name, hosts) in enumerate(
            [("a", ["host1"]), ("b", ["host1", "host2"]), ("c", ["host3"])]
        )
    }
    peerings = [
        {"name": f"p{n}", "between": [f"{x}/main" for x in pair.split("-")], "ports": [port]}
        for n, (pair, port) in enumerate(p.split(":") for p in peers)
    ]
    work = {"a": ["n/s@host1"], "b": ["n/x@host1"], "c": ["n/t@host3"]}
    path = write_fabric(folder, tenants, work, sites={"s": SITE}, expect=expect, peerings=peerings)
    pods = [d for d in yaml.safe_load_all((folder / "b.yaml").read_text()) if d]
    pods[0]["spec"]["hostNetwork"] = own
    (folder / "b.yaml").write_text(yaml.safe_dump_all(pods))
    return path


def verdicts(path: Path) -> list[str]:
    world = World.of(path)
    proof = prove(world)
    assert not validity(certificate(proof), world.network, ()).problems
    return list(proof.verdicts())


def test_who_gets_to_a_host_at_another_address_gets_to_its_processes(tmp_path: Path) -> None:
    said = {
        "a/* <-> b/*": "unknown",
        "a/n/s -> b/n/x": "unknown",
        "a/@node/* -> b/n/x": "unknown",
        "10.0.0.0/24 -> b/n/x": "unknown",
        "a/n/s -> b/@node/host2": "holds",
        "a/n/s -> 172.30.1.0/24": "holds",
        "b/* -> a/*": "holds",
        f"c/* -> b/n/x:{PORT}/tcp": "unknown",
        "c/* -> b/n/x:22/tcp": "holds",
    }
    path = shared(tmp_path, [{"deny": line} for line in said], (f"a-c:{PORT}/tcp",))
    assert verdicts(path) == [*said.values()]


def test_without_such_a_pod_or_with_leave_it_holds(tmp_path: Path) -> None:
    lines = [{"deny": "a/* <-> b/*", "hold_under": ["any-1-node"]}]
    assert verdicts(shared(tmp_path, lines, own=False)) == ["holds"]
    world = World.of(shared(tmp_path, lines), accept_unevaluated=["Node"])
    proof = prove(world)
    assert proof.verdicts() == ["holds"]
    assert [r.title for r in proof.not_evaluated] == ["Node host1"]
    assert not validity(certificate(proof), world.network, ()).problems


def test_what_only_leaves_out_is_denied_there_too(tmp_path: Path) -> None:
    only = [{"only": f"c/n/t -> b/@node/host1:{PORT}/tcp"}]
    b, a = f"b-c:{PORT}/tcp", f"a-c:{PORT}/tcp"
    assert verdicts(shared(tmp_path, only, (b, a))) == ["holds"]
    assert verdicts(shared(tmp_path, only, (b, "a-c:22/tcp"))) == ["unknown"]


@pytest.mark.parametrize("seed", range(8))
def test_no_packet_gets_to_a_process_where_an_expectation_holds(tmp_path: Path, seed: int) -> None:
    r = random.Random(seed)
    ends = ("a/*", "b/*", "c/*", "a/n/s", "c/@node/*", "b/n/x", "*/@node/host[1-3]")
    lines = [f"{r.choice(ends)} -> {r.choice(('b/n/x', 'b/*', '*'))}" for _ in range(6)]
    pairs = [p for p in ("a-b", "a-c", "b-c") if r.random() < 0.4]
    expect = [{"deny": f"{line}:{r.choice((PORT, 22))}/tcp"} for line in lines]
    world = World.of(shared(tmp_path, expect, tuple(f"{p}:{PORT}/tcp" for p in pairs)))
    proof = prove(world)
    assert not validity(certificate(proof), world.network, ()).problems
    for line, outcome, verdict in zip(expect, proof.outcomes, proof.verdicts(), strict=True):
        source, _, rest = line["deny"].partition(" -> ")
        target, _, port = rest.removesuffix("/tcp").partition(":")
        found = around(world, source, target, int(port))
        assert verdict == ("fails" if not outcome.holds else "unknown" if found else "holds")


def around(world: World, source: str, target: str, port: int) -> bool:
    """Whether a packet gets from a source to another node of a host whose processes are meant."""
    everybody = world.network.endpoints
    return any(
        door is sender or arrives(world, sender, door, port)
        for node in everybody
        if node.aliases and selects(target, node)
        for door in everybody
        if door.kind == "node" and door.host == node.host and door is not node
        for sender in everybody
        if sender is not node and selects(source, sender)
    )


def arrives(world: World, src: Endpoint, dst: Endpoint, port: int) -> bool:
    a, b = (int(e.prefixes[0].network_address) for e in (src, dst))
    found = trace(world, Flow(src.vrf, 4, a, b, 6, 40000, port, src.index), 0)
    return found.reason is Reason.DELIVERED and found.target == dst.index
