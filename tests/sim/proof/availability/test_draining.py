"""Law: what an expectation says while a node is drained is what is so in the world in which it is,
built from the file; proof and checker."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from fabric_files import network_of
from failing_fabrics import plain, stand_in
from random_failures import random_fabric, something_down

from cloison.views.network.topology import node_rows
from cloison.views.reports.report_text import remarks
from fabric.building.network import Network
from sim.checker.expected import expected
from sim.proof.certificates.certificate import certificate
from sim.proof.expectations.expect import check_claim, read_claims
from sim.proof.pairs.reachability import reachability
from sim.proof.prove import prove
from sim.worlds.world import World

KINDS = {"drain-any-leaf": "leaf", "drain-any-spine": "spine"}


def asked(path: Path) -> Path:
    """Every expectation of a fabric file, while any leaf or spine is drained."""
    file = yaml.safe_load(path.read_text())
    for line in file["expect"]:
        line["hold_under"] = [*KINDS]
    path.write_text(yaml.safe_dump(file))
    return path


def broken(path: Path, network: Network, down: list[str]) -> dict[int, str]:
    claims = read_claims(network.spec, network)
    here = reachability(World(network))
    holding = [claim for claim in claims if check_claim(here, claim).holds]
    found: dict[int, str] = {}
    for role in KINDS.values():
        for node in network.fabric.nodes:
            if node.role.value == role and node.index not in network.fabric.down_nodes:
                there = reachability(World(network_of(path, down=down, drained=[node.name])))
                for claim in holding:
                    if not check_claim(there, claim).holds:
                        found.setdefault(claim.number, node.name)
    return found


@pytest.mark.slices(10)
@pytest.mark.parametrize("seed", range(30))
def test_verdicts_are_those_of_every_world_built_anew(tmp_path: Path, seed: int) -> None:
    path = asked(random_fabric(tmp_path, seed)[0])
    agrees(path, something_down(network_of(path), seed))


def agrees(path: Path, down: list[str]) -> dict[int, str]:
    network = network_of(path, down=down)
    twin = broken(path, network, down)
    proof = prove(World(network))
    assert {o.claim.number: o.under for o in proof.under_failure} == twin
    assert all(o.word == "draining" for o in proof.under_failure)
    body, _ = expected(network, [])
    said = {n: c["fails_without"] for n, c in enumerate(body["claims"]) if c["fails_without"]}
    assert said == {number: f"draining {name}" for number, name in twin.items()}
    assert proof.failures == body["failures_tried"]
    assert certificate(proof, [])["findings"] == body["findings"]
    return twin


def test_a_drained_leaf_loses_nothing_but_its_preference(tmp_path: Path) -> None:
    """Where leaves encapsulate, of two that have a prefix the farther one gets packets while the
    nearer one is drained."""
    path = stand_in(tmp_path)
    file = yaml.safe_load(path.read_text()) | {"vtep": "leaf"}
    size = {"pods": 2, "superspines": 1, "spines": 1, "leaves": 2, "hosts_per_pair": 3}
    file["sites"]["s"] = {"clos": "three-tier", **size}
    file["expect"] = [{"deny": f"a/* -> x{n}/*"} for n in (1, 2)]
    path.write_text(yaml.safe_dump(file))
    assert agrees(asked(path), []) == {1: "pod1-leaf2"}


def test_access_survives_a_drain_and_not_a_failure(tmp_path: Path) -> None:
    path = plain(tmp_path)
    file = yaml.safe_load(path.read_text())
    file["sites"]["s"]["leaves"] = 1
    file["expect"] = [{"allow": "a/* -> a/*", "hold_under": ["any-1-node", "drain-any-leaf"]}]
    path.write_text(yaml.safe_dump(file))
    proof = prove(World(network_of(path)))
    assert [o.under for o in proof.under_failure] == ["leaf1"]
    assert proof.under_failure[0].word == "without"
    file["expect"][0]["hold_under"] = ["drain-any-leaf"]
    path.write_text(yaml.safe_dump(file))
    assert not prove(World(network_of(path))).under_failure


def test_what_is_drained_is_said(tmp_path: Path) -> None:
    network = network_of(plain(tmp_path), drained=["leaf1"])
    state = {row["node"]: row["state"] for row in node_rows(network.fabric)}
    assert (state["leaf1"], state["leaf2"]) == ("drained", "up")
    assert "Drained: leaf1." in remarks(prove(World(network)))


def test_a_drained_border_takes_in_what_vteps_drop(tmp_path: Path) -> None:
    """They send to the other border alone; the reason says so, and that it is for the drain."""
    path = plain(tmp_path)
    file = yaml.safe_load(path.read_text())
    file["sites"]["s"]["borders"] = 2
    vrf = {"prefixes": ["203.0.113.0/24"], "default_route": "zone2"}
    file["tenants"] = {"a": {"vrfs": {"main": vrf | {"advertise": ["203.0.113.0/24"]}}}}
    inet = {"addresses": ["0.0.0.0/0"], "border": ["border1", "border2"]}
    rule = {"name": "in", "from": "zone2/inet", "to": "a/*"}
    file["zones"] = {"zone2": {"endpoints": {"inet": inet}, "rules": [rule]}}
    file["expect"] = [{"allow": "192.0.2.1 -> a:80/tcp"}]
    path.write_text(yaml.safe_dump(file))
    (finding,) = prove(World(network_of(path, drained=["border1"]))).findings
    assert finding.culprit.part == (
        "sends to 0.0.0.0/0 by way of border2 alone, and takes nothing from there by way of "
        "border1, which is drained"
    )
    both = network_of(path, drained=["border1", "border2"])
    assert prove(World(both)).verdict == "holds"
    gone = network_of(path, down=["border1", "border2"])
    (finding,) = prove(World(gone)).findings
    assert (finding.culprit.title, finding.culprit.part) == ("border1 and border2", "are down")
