"""Doors that Services open on nodes: whom they lead to pods, by what zones, peerings and policies
let in, and on hosts that tenants share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from door_fabrics import OPEN, certified, fabric, front, pod, policy, service, written

import cloison
from cloison.cli import main
from cloison.views.world import World
from sim.proof.prove import prove


def status(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(main, [str(a) for a in arguments])
    return done.exit_code, done.output


@pytest.mark.slices(3)
@pytest.mark.parametrize(
    ("door", "rules", "code"),
    [
        (service("s", "a", "x"), [OPEN], 4),
        (service("s", "a", "x", externalTrafficPolicy="Local"), [OPEN], 4),
        (service("s", "a", "x", type="LoadBalancer", port={"nodePort": None}), [OPEN], 4),
        (service("s", "a", "x", port={"nodePort": 30091}), [OPEN], 0),
        (service("s", "a", "z"), [OPEN], 0),
        (service("s", "a", "x", type="ClusterIP"), [OPEN], 0),
        (service("s", "a", "x"), [], 0),
    ],
)
def test_a_door_of_nodes_that_a_zone_opens(
    tmp_path: Path, door: Any, rules: list[Any], code: int
) -> None:
    path = front(tmp_path, door, rules=rules)
    for words in (
        ["verify", path, "-q"],
        ["simulate", path],
        ["check", path],
        ["diff", path, path],
    ):
        found, said = status(*words)
        assert found == code, (words, said)
        assert ("leads zone2/inet from 30090/tcp" in said or "30000-32767" in said) is (code == 4)
    found, said = status("verify", path, "-q", "--accept-unevaluated", "Service")
    assert found == 0
    assert status("explain", path, "zone2/inet", "red/a/x:8080")[0] == code


def test_an_allow_is_not_in_doubt_and_a_deny_is(tmp_path: Path) -> None:
    path = front(tmp_path, service("s", "a", "x"), rules=[OPEN])
    assert prove(World.of(path)).standing() == ["unknown", "holds"]


@pytest.mark.parametrize("listed", [1, 1_000_000])
def test_own_nodes_are_led_on_by_their_services_in_a_crowd_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listed: int
) -> None:
    shut = {"name": "no", "action": "deny", "from": "red/@node/*", "to": "red/a/*"}
    spec = fabric([], [{"deny": "red/@node/host2 -> red/a/x"}])
    spec["zones"]["zone1"] = {"rules": [shut]}
    monkeypatch.setattr("sim.proof.crowded.LISTED", listed)
    for door, said in (([service("s", "a", "x")], "unknown"), ([], "holds")):
        path = written(tmp_path, spec, [pod("a", "x", host="host1"), *door], [pod("a", "x")])
        assert prove(World.of(path)).verdicts() == [said]


def test_whoever_gets_in_anyway_makes_no_detour(tmp_path: Path) -> None:
    through = {"name": "on", "from": "zone2/inet", "to": "red/a/x", "ports": ["8080/tcp"]}
    path = front(tmp_path, service("s", "a", "x"), rules=[OPEN, through])
    assert not [*cloison.build(path).not_evaluated]
    part = policy("a", ingress=[{"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}])
    path = front(tmp_path, service("s", "a", "x"), part, rules=[OPEN, through])
    assert [r["category"] for r in cloison.build(path).not_evaluated] == ["detour"]
    high = through | {"ports": ["8080/tcp from 1024-65535"]}
    path = front(tmp_path, service("s", "a", "x"), rules=[OPEN, high])
    assert [r["category"] for r in cloison.build(path).not_evaluated] == ["detour"]


@pytest.mark.parametrize("hosts", [["host1", "host3"], ["host3", "host4"]])
def test_a_host_that_tenants_share_opens_at_the_addresses_of_both(
    tmp_path: Path, hosts: list[str]
) -> None:
    """Whoever gets to the other tenant's node gets to the port of the same machine."""
    rules = [{"name": "in", "from": "zone2/office", "to": "blue/@node/*", "ports": ["30090/tcp"]}]
    spec = fabric(rules, [{"deny": "zone2/* -> red/*"}, {"deny": "blue/@node/* <-> red/a/x"}])
    spec["tenants"]["blue"]["hosts"] = hosts
    red = [pod("a", "x", host="host1"), service("s", "a", "x")]
    world = World.of(written(tmp_path, spec, red, [pod("a", "x", host=hosts[1])]))
    shared = hosts[0] == "host1"
    assert [r.category for r in world.network.not_evaluated] == ["detour"] * shared
    proof = prove(world)
    assert proof.verdicts() == ["unknown" if shared else "holds"] * 2
    certified(proof, world.network)


def test_a_host_that_tenants_share_is_at_its_own_doors(tmp_path: Path) -> None:
    """Also where nobody else of the other tenant is there."""
    spec = fabric([], [{"deny": "blue/@node/host1 -> red/a/x"}])
    spec["tenants"]["blue"]["hosts"] = ["host1"]
    red = [pod("a", "x", host="host1"), service("s", "a", "x")]
    world = World.of(written(tmp_path, spec, red, [pod("a", "x", host="host1", own_network=False)]))
    (found,) = world.network.not_evaluated
    assert "leads blue/@node/host1 from 30090/tcp" in found.what
    proof = prove(world)
    assert proof.verdicts() == ["unknown"]
    certified(proof, world.network)


def test_a_peering_to_nodes_is_a_way_to_pods_too(tmp_path: Path) -> None:
    peering = {"name": "p", "between": ["red/main", "blue/main"], "ports": ["30090/tcp"]}
    path = front(tmp_path, service("s", "a", "x"), rules=[], peerings=[peering])
    (found,) = cloison.build(path).not_evaluated
    assert "leads blue/" in found["what"]


OUTSIDE = [
    {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["172.31.0.0/16", "10.0.0.0/8"]}},
    {"ipBlock": {"cidr": "::/0", "except": ["fd00::/8"]}},
]


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ("red/@node/host2 -> red/a/x", "unknown"),
        ("red/a/x <-> red/@node/host2:8080/tcp", "unknown"),
        ("red/@node/host1 -> red/b/z", "holds"),
        ("red/b/* -> red/a/x", "holds"),
        ("red/a/x -> red/@node/host2", "holds"),
        ("zone2/* -> red/*", "holds"),
        ("red/@node/host1 -> red/a/x", "fails"),
    ],
)
def test_nodes_are_led_to_the_pods_of_others(tmp_path: Path, ends: str, said: str) -> None:
    """A policy that lets everybody in but the cluster lets the pod's own node in, and no other; the
    node port of that one does. Who asks about others is told nothing."""
    ways = {"policyTypes": ["Ingress", "Egress"], "ingress": [{"from": OUTSIDE}]}
    closed = [policy(ns, **ways) for ns in "ab"]
    red = [pod("a", "x", host="host1"), pod("b", "z", host="host2"), *closed]
    spec = fabric([], [{"deny": ends}])
    before = prove(World.of(written(tmp_path, spec, red, [pod("a", "x")])))
    assert before.verdicts() == ["holds" if said == "unknown" else said]
    world = World.of(written(tmp_path, spec, [*red, service("s", "a", "x")], [pod("a", "x")]))
    assert not world.network.not_evaluated
    proof = prove(world)
    assert (proof.verdicts(), proof.standing(), proof.verdict) == ([said], [said], said)
    told = [(r.category, r.workload, r.under) for r in proof.not_evaluated]
    assert told == ([("detour", "x", "")] if said == "unknown" else [])
    certified(proof, world.network)
    accepted = prove(World.of(world, accept_unevaluated=["Service"]))
    assert accepted.verdict == ("holds" if said == "unknown" else said)
