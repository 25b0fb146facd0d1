"""Law of crowds: a proof in which pods that fare alike are asked about once says what a proof says
in which every pair is listed, number by number."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import yaml
from door_fabrics import OPEN, fabric, policy, service, written
from door_fabrics import pod as one_pod
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import sim.proof.crowded as crowded
from cloison.views.access.reach import FabricReach
from cloison.views.world import World as Shown
from compiler.policy.ir import Origin
from compiler.policy.origin_kinds import DEFAULT
from fabric.building.build import build
from fabric.building.load import load_fabric
from fabric.building.network import Network
from fabric.diagnostics import InputError
from fabric.file.expect.expectation_spec import Expectation
from sim.proof.certificates.certificate import certificate
from sim.proof.expectations.expect import read_claims
from sim.proof.pairs.reachability import reachability
from sim.proof.prove import Proof, prove
from sim.proof.routes.own_nodes import OwnNodes
from sim.proof.routes.stand_ins import StandIns
from sim.reach.asked_reach import AskedReach
from sim.worlds.world import World

QUICK = (Phase.explicit, Phase.reuse, Phase.generate)
PODS = ("red/a/x", "red/a/y", "red/b/z", "blue/a/x")
ENDS = (
    *PODS, "red/a/*", "red/b/*", "red/*", "blue/*", "red/@node/*", "red/@node/host1", "zone2/inet",
    "zone2/office", "*/a/x", "10.7.0.0/25", "192.0.2.64/26",
)  # fmt: skip
PORTS = ("", "", ":8080/tcp", ":30090/tcp")


def test_large_worlds_are_crowds_and_small_ones_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with TemporaryDirectory() as folder:
        world = crowd(Path(folder), Random(3))
        pairs = crowded.pairs_within(world)
        assert pairs == sum(n * n for n in np.bincount(world.blocks.endpoint_vrf).tolist()) > 0
        monkeypatch.setattr(crowded, "LISTED", pairs)
        assert crowded.crowd(world) is None and prove(world).reach.stand_ins is None
        monkeypatch.setattr(crowded, "LISTED", pairs - 1)
        assert crowded.crowd(world) is not None and prove(world).reach.stand_ins is not None


@pytest.mark.slices(4)
@settings(max_examples=40, deadline=None, phases=QUICK)
@given(st.integers(0, 2**32).map(Random))
def test_a_proof_by_classes_is_the_proof_by_pairs(rng: Random) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        world = crowd(Path(folder), rng)
        whole = prove(world)
        patch.setattr(crowded, "LISTED", -1)
        part = prove(world)
        assert said(part) == said(whole)
        assert set(whole.doubts) <= set(part.doubts)
        if not part.doubts:
            assert (part.verdict, part.verdicts()) == (whole.verdict, whole.verdicts())


@pytest.mark.slices(4)
@settings(max_examples=40, deadline=None, phases=QUICK)
@given(st.integers(0, 2**32).map(Random))
def test_each_pair_fares_as_the_one_that_stands_for_it(rng: Random) -> None:
    """What may and must pass between any two, a node and its own pods among them; and the counts of
    the pairs that are listed are those of all pairs."""
    with TemporaryDirectory() as folder:
        world = crowd(Path(folder), rng)
        own = OwnNodes.of(world.program)
        stand_ins = StandIns.among(world.blocks, (), own)
        whole, part = reachability(world), reachability(world, stand_ins=stand_ins)
        key = key_of(own, stand_ins)
        pairs = [(r, row) for r in (whole, part) for row in range(len(r.pairs))]
        kinds: tuple[dict[Any, set[Any]], dict[Any, set[Any]]] = ({}, {})
        for reach, row in pairs:
            src, dst, version = (
                int(c[row]) for c in (reach.pairs.src, reach.pairs.dst, reach.pairs.version)
            )
            passes = tuple(
                reach.sets[column[row]].tobytes() for column in (reach.pairs.some, reach.pairs.sure)
            )
            kinds[reach is part].setdefault((*key(src, dst), version), set()).add(passes)
        assert kinds[0] == kinds[1]
        assert all(len(found) == 1 for found in kinds[0].values())
        assert part.counts(part.pairs.src, part.pairs.dst).sum() == len(whole.pairs)
        asked = {*zip(part.pairs.src.tolist(), part.pairs.dst.tolist(), strict=True)}
        everybody = np.arange(len(stand_ins.of))
        assert asked <= {
            *zip(*(c.tolist() for c in stand_ins.asked(everybody, everybody)), strict=True)
        }


@pytest.mark.slices(4)
@settings(max_examples=24, deadline=None, phases=QUICK)
@given(st.integers(0, 2**32).map(Random))
def test_a_list_by_classes_is_the_list_by_pairs(rng: Random) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        world = Shown.read([crowd_file(Path(folder), rng)])
        ends = [None, *ENDS, "red/a/x:8080/tcp"]
        asked = [(None, None), *((rng.choice(ends[:-1]), rng.choice(ends)) for _ in range(3))]
        whole = [FabricReach.of(world, *texts).written("json") for texts in asked]
        patch.setattr(crowded, "LISTED", -1)
        assert AskedReach(world, *asked[0]).part.stand_ins is not None
        assert [FabricReach.of(world, *texts).written("json") for texts in asked] == whole


def test_doors_of_a_list_by_classes_are_those_of_the_list_by_pairs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A door on one node of several that fare alike, of which another one is asked about."""
    red = [one_pod("a", f"p{n}", host=f"host{n}", own_network=True) for n in range(1, 5)]
    local = service("s", "a", "p4", externalTrafficPolicy="Local")
    spec = fabric([OPEN], [])
    spec["tenants"]["red"]["hosts"] = spec["tenants"]["blue"]["hosts"] = ["host[1-4]"]
    path = written(tmp_path, spec, [*red, local], [one_pod("a", "x")])
    whole = FabricReach.of(Shown.read([path]), None, None).written("json")
    (door,) = json.loads(whole)["doors"]
    assert "zone2/inet" in door["open_to"]
    monkeypatch.setattr(crowded, "LISTED", -1)
    world = Shown.read([path])
    assert AskedReach(world, None, None).part.stand_ins is not None
    assert FabricReach.of(world, None, None).written("json") == whole


def key_of(own: OwnNodes, stand_ins: StandIns) -> Any:
    def key(src: int, dst: int) -> tuple[int, int, int]:
        mine = own.host[src] == own.host[dst] >= 0 and own.node[src] != own.node[dst]
        return int(stand_ins.of[src]), int(stand_ins.of[dst]), int(own.host[src]) if mine else -1

    return key


def test_pods_of_several_hosts_are_one_class_but_for_their_own_nodes(tmp_path: Path) -> None:
    world = crowd(tmp_path, Random(0), closed=True)
    ends = [e for e in world.network.endpoints if e.name.startswith("red/a/x")]
    at = np.array([e.index for e in ends])
    assert len({e.host for e in ends}) == 4
    plain = StandIns.among(world.blocks)
    found = StandIns.among(world.blocks, (), OwnNodes.of(world.program))
    assert len(set(plain.of[at].tolist())) == 4 and len(set(found.of[at].tolist())) == 1


def test_own_nodes_are_known_by_where_they_are_whatever_the_rule_is_called(tmp_path: Path) -> None:
    world = crowd(tmp_path, Random(0), closed=True)
    kubelet = Origin(DEFAULT, "the kubelet of its host")
    rules = tuple(
        replace(r, origin=kubelet) if any(m.near for m in r.remote) else r
        for r in world.policy_read.rules
    )
    other = World(world.network, replace(world.policy_read, rules=rules))
    assert kubelet in other.program.origins
    for one, another in zip(
        OwnNodes.of(world.program).pairs(np.arange(len(world.network.endpoints))),
        OwnNodes.of(other.program).pairs(np.arange(len(world.network.endpoints))),
        strict=True,
    ):
        assert len(one) and (one == another).all()


def test_failures_of_crowds_are_unknown_and_say_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = {"deny": "red/* -> blue/*", "hold_under": ["any-1-node"]}
    world = crowd(tmp_path, Random(1), closed=True, lines=[line])
    assert prove(world).verdicts() == ["holds"]
    monkeypatch.setattr(crowded, "LISTED", 1)
    proof = prove(world)
    assert proof.verdicts() == ["unknown"] and not proof.holds
    (why,) = proof.unknown_because
    assert why.startswith("[C694] any-1-node: what a failure changes is looked up pair by pair")


def test_the_certificate_of_a_crowd_is_that_of_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = crowd(tmp_path, Random(2), closed=True)
    whole = certificate(prove(world))
    monkeypatch.setattr(crowded, "LISTED", 1)
    assert certificate(prove(world)) == whole


def said(proof: Proof) -> tuple[object, ...]:
    """All that a proof says of pairs."""
    cells = [
        (c.src, c.dst, c.ports.tobytes(), c.pairs, c.open_pairs, c.causes, c.layers)
        for c in proof.matrix.cells
    ]
    findings = [
        (f.kind, f.title, f.culprit, f.others, f.packet, f.verdict, f.pairs, f.elsewhere)
        for f in proof.findings
    ]
    outcomes = [(o.claim, o.pairs, o.failing, o.holds) for o in proof.outcomes]
    return cells, findings, outcomes


def crowd(folder: Path, rng: Random, **more: Any) -> World:
    """The world of `crowd_file`."""
    return World(build(load_fabric(crowd_file(folder, rng, **more)), lock=False))


def crowd_file(
    folder: Path, rng: Random, *, closed: bool = False, lines: list[Any] | None = None
) -> Path:
    """Two tenants on the same four hosts: workloads with replicas on all of them, some of which are
    alike, policies that close some, maybe host-network pods and a Service; zones that let some in;
    a few expectations."""
    red = [
        replicas("a", "x", 8 if closed else rng.randint(2, 8)),
        replicas("a", "y", rng.randint(1, 5)),
        replicas("b", "z", rng.randint(1, 4)),
        *([policy("a", policyTypes=["Ingress"])] if closed or rng.random() < 0.7 else []),
        *([policy("b", **some_rules(rng))] if rng.random() < 0.7 else []),
    ]
    if not closed and rng.random() < 0.4:
        red.append(one_pod("b", "agent", host="host1", own_network=False))
    if not closed and rng.random() < 0.3:
        red.append(service("s", "a", "x"))
    zones = [{"name": "in", "from": "zone2/inet", "to": "red/a/x", "ports": ["8080/tcp"]}]
    spec = fabric(zones if rng.random() < 0.6 else [], [], families=rng.choice([1, 2]))
    site = {"spines": 1, "leaves": 2, "hosts_per_pair": 4, "borders": 1}
    spec |= {"sites": {"s": site}, "expect": lines or []}
    for tenant in spec["tenants"].values():
        tenant["hosts"] = ["host[1-4]"]
    path = written(folder, spec, red, [replicas("a", "x", rng.randint(1, 5))])
    if lines is None:
        network = build(load_fabric(path), lock=False)
        spec["expect"] = list(telling(network, (line(rng) for _ in range(12))))
        path.write_text(yaml.safe_dump(spec))
    return path


def replicas(namespace: str, name: str, count: int) -> Any:
    """A deployment of so many pods."""
    own = one_pod(namespace, name)
    template = {"metadata": {"labels": own["metadata"]["labels"]}, "spec": own["spec"]}
    selector = {"matchLabels": own["metadata"]["labels"]}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": count, "selector": selector, "template": template},
    }  # fmt: skip


def some_rules(rng: Random) -> dict[str, Any]:
    """Who may open connections to the pods of a policy, or to whom these may."""
    peers = [
        {"podSelector": {"matchLabels": {"app": rng.choice("xyz")}}},
        {"namespaceSelector": {}}, {"ipBlock": {"cidr": "10.7.0.0/28"}},
    ]  # fmt: skip
    way, word = rng.choice([("ingress", "from"), ("egress", "to")])
    ports = {"ports": [{"port": 8080}]} if rng.random() < 0.5 else {}
    return {"policyTypes": [way.title()], way: [{word: [rng.choice(peers)], **ports}]}


def line(rng: Random) -> dict[str, Any]:
    """An expectation, which may compare nothing."""
    way = rng.choice(["->", "->", "<->"])
    text = f"{rng.choice(ENDS)} {way} {rng.choice(ENDS)}{rng.choice(PORTS)}"
    return {rng.choice(["allow", "deny", "only"]): text}


def telling(network: Network, lines: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The lines that can be read."""
    for found in lines:
        only = {"expect": [Expectation.model_validate(found)]}
        with suppress(InputError):
            read_claims(network.spec.model_copy(update=only), network)
            yield found
