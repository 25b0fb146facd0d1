"""Services that speak against single expectations: in random worlds packets of every failure are
sent, through doors and without, and no expectation holds that one of them gets around."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from fabric_files import vrf, write_fabric
from failing_fabrics import BOTH, failing

from cloison.cli import main
from cloison.views.world import World
from fabric.values.inventory import Endpoint
from fabric.values.names import selects
from sim.checker.consistency import canonical, inconsistencies
from sim.checker.validity import validity
from sim.packets.headers import Flow
from sim.packets.reasons import Reason
from sim.pipeline.trace import trace
from sim.proof.certificates.certificate import certificate
from sim.proof.expectations.expect import Claim
from sim.proof.prove import prove

NODES = {"cidr": "172.30.0.0/24", "use": "nodes"}
SITE = {"spines": 2, "leaves": 4, "hosts_per_pair": 3, "borders": 1}
DOOR, DIRECT = 30090, 8080


def service(name: str, app: str, **spec: Any) -> dict[str, Any]:
    port = {"port": 80, "targetPort": DIRECT, "nodePort": DOOR}
    body = {"type": "NodePort", "selector": {"app": app}, "ports": [port]} | spec
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "n"},
        "spec": body,
    }


def stand_in(
    folder: Path,
    expect: list[Any],
    *doors: Any,
    far: tuple[str, ...] = ("n/p@host5",),
    ports: tuple[str, ...] = ("30090/tcp",),
) -> Path:
    """Nodes of two tenants have the same addresses, and packets of `a` go to the nearer one; only
    the farther one is a peer. Without the nearer one they go there."""
    raw = ["65000:10701", "65000:10702"]
    tenants = {
        "a": vrf("10.0.0.0/16", import_rts=raw, vni=10700),
        "near": vrf(NODES, "10.8.0.0/16", vni=10701, import_rts=["65000:10700"]),
        "far": vrf(NODES, "10.9.0.0/16", vni=10702),
    }
    work = {"a": ["n/s@host1"], "near": ["n/p@host2"], "far": far}
    peering = [{"name": "p", "between": ["a/main", "far/main"], "ports": list(ports)}]
    path = write_fabric(folder, tenants, work, sites={"s": SITE}, expect=expect, peerings=peering)
    file = folder / "far.yaml"
    pods = [d for d in yaml.safe_load_all(file.read_text()) if d]
    for pod in pods:
        pod["metadata"]["labels"] = {"app": pod["metadata"]["name"]}
    file.write_text(yaml.safe_dump_all([*pods, *doors]))
    return path


DENY = {"deny": f"a/* -> far/n/*:{DIRECT}/tcp", "hold_under": BOTH}


def test_an_expectation_is_unknown_that_a_failure_opens_a_door_around(tmp_path: Path) -> None:
    links = DENY | {"hold_under": ["any-1-link"]}
    node = DENY | {"deny": f"far/@node/host5 -> a/n/s:{DIRECT}/tcp"}
    allow = {"allow": "far/@node/* -> far/n/*", "hold_under": BOTH}
    here = {"deny": DENY["deny"]}
    path = stand_in(tmp_path, [DENY, links, node, allow, here], service("s", "p"))
    world = World.of(path)
    assert not world.network.not_evaluated
    proof = prove(world)
    assert proof.verdicts() == ["unknown", "holds", "holds", "holds", "holds"]
    assert proof.standing() == ["holds"] * 5
    (found,) = proof.not_evaluated
    assert (found.category, found.workload, found.under) == ("detour", "p", "without dpu2")
    assert found.what.startswith("leads a/")
    assert found.what.endswith("does not reach itself, without dpu2")
    assert proof.pending == (found,)
    (again,) = World.of(path, down=["dpu2"]).network.not_evaluated
    assert replace(again, what=found.what, under=found.under) == found
    assert prove(World.of(path, down=["dpu2"])).verdicts()[0] == "unknown"


def test_who_loses_the_direct_way_is_no_newcomer(tmp_path: Path) -> None:
    """His packets got to the pod anyway, and he gets no further now; who checks agrees."""
    other = {"deny": "a/* -> far/n/p:22/tcp", "hold_under": BOTH}
    far, ports = ("n/p@host5", "n/q@host6"), ("30090/tcp", f"{DIRECT}/tcp")
    path = stand_in(tmp_path, [other], service("s", "p"), far=far, ports=ports)
    links = [x.name for x in World.of(path).network.fabric.links if x.name.startswith("dpu5--")]
    world = World.of(path, down=links[:1])
    cut = World.of(path, down=links)
    assert [r.category for r in cut.network.not_evaluated] == ["detour"]
    assert not world.network.not_evaluated
    proof = prove(world)
    assert (proof.verdicts(), proof.not_evaluated) == (["holds"], ())
    assert not validity(certificate(proof), world.network, ()).problems


def test_without_a_finding_nothing_but_the_failure_keeps_it_from_holding(tmp_path: Path) -> None:
    said = []
    for door in (service("s", "p"), service("s", "q"), service("s", "p", type="ClusterIP")):
        world = World.of(stand_in(tmp_path, [DENY], door))
        said.append(prove(world.over(replace(world.network, findings=()))).verdict)
    assert said == ["unknown", "holds", "holds"]


def test_it_is_said_in_every_form_and_can_be_accepted(tmp_path: Path) -> None:
    path = str(stand_in(tmp_path, [DENY], service("s", "p")))
    for verb in ("verify", "simulate"):
        told = CliRunner().invoke(main, [verb, path, "-q"]).output
        assert "leads a/@node/host1 from 30090/tcp" in told
        assert "without dpu2" in told
        assert "0 of 1 expectations hold, 1 unknown" in told
        accepted = [verb, path, "-q", "--accept-unevaluated", "Service"]
        told = CliRunner().invoke(main, accepted).output
        assert "Accepted, not evaluated: Service n/s" in told
        assert "1 of 1 expectations hold" in told
        done = CliRunner().invoke(main, [verb, path, "-q", "-o", "json"])
        document = yaml.safe_load(done.stdout)
        rows = [(r["verdict"], r["under"]) for r in document["expectations"]]
        assert rows == [("holds", None), ("unknown", "dpu2")]
        assert [r["under"] for r in document["not_evaluated"]] == ["without dpu2"]


def test_a_certificate_that_hides_it_is_not_valid(tmp_path: Path) -> None:
    world = World.of(stand_in(tmp_path, [DENY], service("s", "p")))
    body = certificate(prove(world))
    assert [r["under"] for r in body["not_evaluated"]] == ["without dpu2"]
    assert not inconsistencies(body)
    assert not validity(body, world.network, ()).problems
    for rows in ([], [body["not_evaluated"][0] | {"under": None}]):
        forged = body | {"not_evaluated": rows}
        forged |= {"digest": digest(forged)}
        assert not inconsistencies(forged)
        problems = validity(forged, world.network, ()).problems
        assert problems
        assert all(p.startswith("not_evaluated") for p in problems)
    standing = World.of(stand_in(tmp_path, [{"deny": DENY["deny"]}], service("s", "p")))
    forged = certificate(prove(standing)) | {"not_evaluated": body["not_evaluated"]}
    forged |= {"digest": digest(forged)}
    assert "not_evaluated: no claim asks for a failure" in inconsistencies(forged)


def test_what_is_accepted_stays_so_where_a_failure_opens_it(tmp_path: Path) -> None:
    path = stand_in(tmp_path, [DENY], service("s", "p"))
    here = World.of(path, accept_unevaluated=["Service"])
    assert not here.network.not_evaluated
    (found,) = World.of(here, at={"down": ["dpu2"]}).network.not_evaluated
    assert found.accepted
    proof = prove(here)
    assert (proof.verdicts(), [r.accepted for r in proof.not_evaluated]) == (["holds"], [True])
    assert not validity(certificate(proof), here.network, ()).problems


def digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(b"".join(canonical(body))).hexdigest()


def drawn(folder: Path, seed: int) -> Path:
    """A world whose doors failures open, or things as they are, or nothing."""
    r = random.Random(seed)
    hosts = r.sample(["host4", "host5", "host6"], r.randint(1, 2))
    far = tuple(f"n/{name}@{host}" for name, host in zip("pq", hosts, strict=False))
    doors = [service("s", r.choice("ppq"))]
    if r.random() < 0.4:
        doors.append(service("t", "p", type="ClusterIP", externalIPs=["172.30.0.1"]))
        doors[-1]["spec"]["ports"][0].pop("nodePort")
    port = r.choice([DOOR, DOOR, DOOR, 80, "8000-31000"])
    lines = [{"deny": f"{r.choice(ENDS)} -> {to}:{r.choice(AT)}/tcp"} for to in TO]
    lines.append({"only": f"a/n/s -> far/@node/*:{port}/tcp"})
    expect = [line | {"hold_under": r.choice([BOTH, BOTH[1:], BOTH[:1]])} for line in lines]
    return stand_in(folder, expect, *doors, far=far, ports=(f"{port}/tcp",))


ENDS = ("a/*", "a/*", "a/@node/*", "a/n/s", "near/*", "far/@node/*")
TO, AT = ("far/n/*", "far/n/p", "far/*"), (DIRECT, DIRECT, 22)


def sent(world: World, src: Endpoint, dst: Endpoint, port: int) -> list[bool]:
    """Whether a packet arrives, per choice of ECMP, from the first address to the first."""
    a, b = (int(e.prefixes[0].network_address) for e in (src, dst))
    network = world.network
    route = network.fib.lookup(src.vtep, src.vrf, 4, b)
    flow = Flow(src.vrf, 4, a, b, 6, 40000, port, src.index)
    found = [trace(world, flow, n) for n in range(len(route.nexthops) if route else 0)]
    return [t.reason is Reason.DELIVERED and t.target == dst.index for t in found]


def through(world: World, src: Endpoint) -> Iterator[tuple[str, Endpoint]]:
    """Services by which somebody gets to a pod, and the pod."""
    endpoints = world.network.endpoints
    far = [e for e in endpoints if e.tenant == "far"]
    for s in world.network.manifests["far"].services:
        (p,) = s.ports
        takes = [(e, p.node_port) for e in far if e.kind == "node" and p.node_port]
        takes += [(e, p.port) for e in far if str(e.prefixes[0].network_address) in s.external]
        for pod in far:
            app = (s.selector or {})["app"]
            behind = pod.kind == "pod" and pod.workload == app and pod is not src
            if behind and any(any(sent(world, src, e, at)) for e, at in takes if e is not src):
                yield s.name, pod


def broken(world: World, claim: Claim, gone: set[int]) -> bool:
    """Whether a door leads a packet that an expectation forbids."""
    (asked,) = claim.ports
    if (claim.kind == "deny") != (asked.first <= DIRECT <= asked.last):
        return False
    return any(
        selects(claim.target, pod) and pod.index not in gone
        for src in world.network.endpoints
        if selects(claim.source, src) and src.index not in gone
        for _, pod in through(world, src)
    )


def opened(path: Path, failure: str) -> set[str]:
    """Services by which somebody gets in only without one thing, to pods that he does not reach."""
    here, there = World.of(path), World.of(path, down=[failure])
    before = {(x.index, name) for x in here.network.endpoints for name, _ in through(here, x)}
    return {
        name
        for x in there.network.endpoints
        for name, pod in through(there, x)
        if (x.index, name) not in before and not all(sent(there, x, pod, DIRECT) or [False])
    }


@pytest.mark.slices(6)
@pytest.mark.parametrize("seed", range(12))
def test_no_expectation_holds_that_a_packet_gets_around(tmp_path: Path, seed: int) -> None:
    path = drawn(tmp_path, seed)
    here = World.of(path)
    proof = prove(here)
    held = {
        o.claim.number: o.claim
        for o, said in zip(proof.outcomes, proof.verdicts(), strict=True)
        if said == "holds"
    }
    for kind in BOTH:
        for failure in [(), *failing(here.network, kind)]:
            there = World.of(path, down=failure)
            names = there.network.fabric.nodes
            gone = {e.index for e in there.network.endpoints if names[e.vtep].name in failure}
            for claim in held.values():
                if kind in claim.hold_under:
                    assert not broken(there, claim, gone), (str(claim), failure)
    for record in proof.besides:
        assert record.name in opened(path, record.under.removeprefix("without "))
    body = certificate(proof)
    assert not inconsistencies(body)
    assert not validity(body, here.network, ()).problems


def test_the_random_worlds_have_doors_that_failures_open_and_others(tmp_path: Path) -> None:
    found = []
    for seed in range(12):
        (tmp_path / str(seed)).mkdir()
        found.append(prove(World.of(drawn(tmp_path / str(seed), seed))))
    assert {bool(p.besides) for p in found} == {True, False}
    assert {said for p in found for said in p.verdicts()} == {"holds", "fails", "unknown"}
