"""Host-network pods on hosts with several addresses: small worlds are decided packet by packet, and
by whoever checks certificates."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from fabric_files import vrf, write_fabric

from cloison.views.world import World
from fabric.values.inventory import Endpoint
from fabric.values.names import selects
from sim.checker.validity import validity
from sim.packets.headers import Flow
from sim.packets.reasons import Reason
from sim.pipeline.trace import trace
from sim.proof.certificates.certificate import certificate
from sim.proof.prove import prove

SITE = {"spines": 1, "leaves": 2, "hosts_per_pair": 3, "borders": 1}
PORT = 9100
SILENT = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "silent", "namespace": "n"},
    "spec": {"podSelector": {}, "policyTypes": ["Egress"]},
}


TENANTS = {"a": ["host1"], "b": ["host1", "host2"], "c": ["host3"], "d": ["host3"]}
THIRD = TENANTS | {"e": ["host1", "host3"]}
"""With a third one on both hosts, so that two nodes may talk that stand for one process."""


def shared(
    folder: Path,
    expect: list[Any],
    peers: tuple[str, ...] = (),
    own: bool = True,
    on: Mapping[str, list[str]] = TENANTS,
) -> Path:
    """Two tenants on one host, one of which has a pod on the host's own network, and two others on
    another host, likewise."""
    tenants = {
        name: {"hosts": hosts}
        | vrf(f"10.{n}.0.0/24", {"cidr": f"172.30.{n}.0/24", "use": "nodes"}, vni=10700 + n)
        for n, (name, hosts) in enumerate(on.items())
    }
    peerings = [
        {"name": f"p{n}", "between": [f"{x}/main" for x in pair.split("-")], "ports": [port]}
        for n, (pair, port) in enumerate(p.split(":") for p in peers)
    ]
    work = {"a": ["n/s@host1"], "b": ["n/x@host1"], "c": ["n/t@host3"], "d": ["n/y@host3"]}
    path = write_fabric(folder, tenants, work, sites={"s": SITE}, expect=expect, peerings=peerings)
    for file in (folder / "b.yaml", folder / "d.yaml"):
        pods = [d for d in yaml.safe_load_all(file.read_text()) if d]
        pods[0]["spec"]["hostNetwork"] = own
        file.write_text(yaml.safe_dump_all(pods))
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
        "a/n/s -> 172.30.1.0/24": "unknown",
        "10.0.0.0/24 -> 172.30.1.0/24": "unknown",
        f"c/* -> 172.30.1.0/24:{PORT}/tcp": "unknown",
        "c/* -> 172.30.1.0/24:22/tcp": "holds",
        f"c/* -> b/n/x:{PORT}/tcp": "unknown",
        "c/* -> b/n/x:22/tcp": "holds",
        f"10.2.0.0/24 -> b/n/x:{PORT}/tcp": "unknown",
    }
    path = shared(tmp_path, [{"deny": line} for line in said], (f"a-c:{PORT}/tcp",))
    assert verdicts(path) == [*said.values()]


def test_in_a_crowd_whoever_shares_a_host_may_get_to_its_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["a/n/s -> 172.30.1.0/24", f"c/* -> b/n/x:{PORT}/tcp"]
    path = shared(tmp_path, [{"deny": line} for line in lines], (f"a-c:{PORT}/tcp",))
    monkeypatch.setattr("sim.proof.crowded.LISTED", 1)
    assert verdicts(path) == ["unknown", "unknown"]


def test_a_process_behind_a_service_is_at_each_address_of_its_host(tmp_path: Path) -> None:
    said = {
        "c/* -> service b/n/x": "unknown",
        "c/* -> service n/x:80/tcp": "unknown",
        "c/* -> service n/x:81/tcp": "holds",
        "10.2.0.0/24 -> service n/x": "unknown",
        "a/n/s -> service n/x:80/tcp": "unknown",
    }
    path = shared(tmp_path, [{"deny": line} for line in said], (f"a-c:{PORT}/tcp",))
    file = tmp_path / "b.yaml"
    (pod, *others) = [d for d in yaml.safe_load_all(file.read_text()) if d]
    pod["metadata"]["labels"] = {"app": "x"}
    ports = [{"name": f"p{n}", "port": n, "targetPort": to} for n, to in ((80, PORT), (81, 22))]
    about = {"name": "x", "namespace": pod["metadata"]["namespace"]}
    spec = {"selector": {"app": "x"}, "ports": ports}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": about, "spec": spec}
    file.write_text(yaml.safe_dump_all([pod, *others, service]))
    assert verdicts(path) == [*said.values()]


def test_a_process_gets_to_whatever_another_node_of_its_host_gets_to(tmp_path: Path) -> None:
    said = {
        "b/* -> a/*": "unknown",
        "b/n/x -> a/n/s": "unknown",
        "b/n/x -> a/@node/host1": "unknown",
        "172.30.1.0/24 -> 10.0.0.0/24": "unknown",
        "b/@node/host2 -> a/*": "holds",
        f"b/n/x -> c/n/t:{PORT}/tcp": "unknown",
        f"b/n/x -> 10.2.0.0/24:{PORT}/tcp": "unknown",
        "b/n/x -> c/n/t:22/tcp": "holds",
        f"b/n/x -> d/n/y:{PORT}/tcp": "unknown",
        "b/n/x -> d/n/y:22/tcp": "holds",
        "172.30.1.0/24 -> 10.2.0.0/24:22/tcp": "holds",
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


def test_a_process_is_not_compared_with_itself(tmp_path: Path) -> None:
    """Two other nodes of its host may talk to each other; a third process is not led anywhere."""
    said = {
        f"d/n/y -> 172.30.3.0/24, 10.0.0.0/24:{PORT}/tcp": "holds",
        f"d/n/y -> 172.30.3.0/24, 172.30.1.0/24:{PORT}/tcp": "unknown",
    }
    lines = [{"deny": line} for line in said]
    assert verdicts(shared(tmp_path, lines, (f"c-e:{PORT}/tcp",), on=THIRD)) == [*said.values()]


def test_both_ways_are_asked(tmp_path: Path) -> None:
    """A pod that may send nothing is sent something from the other node of the process's host."""
    said = {
        f"c/n/t -> b/n/x:{PORT}/tcp": "holds",
        f"c/n/t <-> b/n/x:{PORT}/tcp": "unknown",
    }
    path = shared(tmp_path, [{"deny": line} for line in said], (f"a-c:{PORT}/tcp",))
    file = tmp_path / "c.yaml"
    file.write_text(file.read_text() + yaml.safe_dump(SILENT))
    assert verdicts(path) == [*said.values()]


@pytest.mark.parametrize("seed", range(16))
def test_no_packet_gets_to_a_process_where_an_expectation_holds(tmp_path: Path, seed: int) -> None:
    r = random.Random(seed)
    ends = ("a/*", "b/*", "c/*", "a/n/s", "c/@node/*", "b/n/x", "*/@node/host[1-3]",
            "*", "d/n/y", "e/*")  # fmt: skip
    lines = [" -> ".join(r.sample(ends, 2)) for _ in range(8)]
    pairs = [p for p in ("a-b", "a-c", "b-c", "c-d", "a-e", "c-e", "d-e") if r.random() < 0.4]
    expect = [{"deny": f"{line}:{r.choice((PORT, 22))}/tcp"} for line in lines]
    peers = tuple(f"{p}:{PORT}/tcp" for p in pairs)
    world = World.of(shared(tmp_path, expect, peers, on=THIRD))
    proof = prove(world)
    assert not validity(certificate(proof), world.network, ()).problems
    for line, outcome, verdict in zip(expect, proof.outcomes, proof.verdicts(), strict=True):
        source, _, rest = line["deny"].partition(" -> ")
        target, _, port = rest.removesuffix("/tcp").partition(":")
        found = around(world, source, target, int(port))
        assert verdict == ("fails" if not outcome.holds else "unknown" if found else "holds")


def around(world: World, source: str, target: str, port: int) -> bool:
    """Whether a packet gets from a source to a target, where either may be another node of a host
    whose processes are meant."""
    sources, targets = (places(world, pattern) for pattern in (source, target))
    return any(
        src is dst or arrives(world, src, dst, port)
        for sender, src in sources
        for receiver, dst in targets
        if sender is not receiver and (sender is not src or receiver is not dst)
    )


def places(world: World, pattern: str) -> list[tuple[Endpoint, Endpoint]]:
    """Whom a pattern means, and where each is: itself, and the other nodes of its host."""
    return [
        (meant, place)
        for meant in world.network.endpoints
        if selects(pattern, meant)
        for place in world.network.endpoints
        if place is meant or (meant.aliases and place.kind == "node" and place.host == meant.host)
    ]


def arrives(world: World, src: Endpoint, dst: Endpoint, port: int) -> bool:
    a, b = (int(e.prefixes[0].network_address) for e in (src, dst))
    found = trace(world, Flow(src.vrf, 4, a, b, 6, 40000, port, src.index), 0)
    return found.reason is Reason.DELIVERED and found.target == dst.index
