"""Expectations under failures against a twin that builds every world anew: every cable and device
fails once, nothing is taken for the same world that is another, and only who is gone is exempt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from fabric_files import network_of
from failing_fabrics import (
    BOTH,
    KINDS,
    RISKS,
    WORLDS,
    broken,
    failing,
    noticed,
    plain,
    racks,
    stand_in,
)

from cloison.views.reports.report_text import remarks
from fabric.building.build import rebuild
from fabric.building.network import Network
from sim.checker.expectations.failures import noticeable
from sim.checker.expected import expected
from sim.proof.availability.failures import Failures, signature
from sim.proof.availability.hold_under import check_failures
from sim.proof.expectations.expect import check_claim, read_claims
from sim.proof.pairs.reachability import reachability
from sim.proof.prove import prove
from sim.proof.ways_around.against import Against
from sim.worlds.axes import sweep
from sim.worlds.world import World


@pytest.mark.slices(6)
@pytest.mark.parametrize("world", WORLDS)
def test_the_first_failure_that_breaks_is_found(tmp_path: Path, world: str) -> None:
    make, down = WORLDS[world]
    path = make(tmp_path)
    network = network_of(path, down=down)
    proof = prove(World(network))
    under = {o.claim.number: o.under for o in proof.under_failure}
    assert under == broken(path, network, down)
    assert under, "the only border of an endpoint, if nothing else"
    if world == "nothing down":
        assert under == {1: "border2", 2: "border2"}
        assert {"dpu1", "dpu2"} == {*proof.left_out}
    assert [n for n, said in enumerate(proof.verdicts()) if said == "fails"] == sorted(
        {*under, *(n for n, o in enumerate(proof.outcomes) if not o.holds)}
    )


@pytest.mark.parametrize("down", [(), ("feed", "dpu2"), ("rack1", "leaf1"), ("trench",)])
def test_groups_that_fail_are_those_that_are_up(tmp_path: Path, down: tuple[str, ...]) -> None:
    network = network_of(racks(tmp_path), down=down)
    groups = [*sweep(RISKS[0])[1].values(World(network))]
    assert groups == failing(network, RISKS[0])
    names = {name for found in groups for name in found}
    assert names | {*down} >= {"rack1", "feed", "trench"}
    assert not names & {*down}


@pytest.mark.parametrize("down", [(), ("spine1", "dpu2--leaf1"), ("leaf2", "border1")])
def test_what_fails_is_every_cable_and_device_that_is_up(
    tmp_path: Path, down: tuple[str, ...]
) -> None:
    network = network_of(plain(tmp_path), down=down)
    for kind in KINDS:
        meant = sweep(kind)[1]
        found = [*meant.values(World(network))]
        assert found == failing(network, kind)
        assert meant.count(World(network)) == len(found) == len({*found})
        assert not {name for names in found for name in names} & {*down}
    nodes = {
        name for (name,) in sweep(BOTH[1])[1].values(World(network_of(tmp_path / "fabric.yaml")))
    }
    assert {"dpu1", "dpu2", "leaf1", "spine2", "border2"} <= nodes


def test_worlds_have_one_signature_exactly_if_no_packet_can_tell(tmp_path: Path) -> None:
    """Told apart by the routes of every VTEP, next hops by name, and by who reaches whom."""
    for make in (plain, racks, stand_in):
        folder = tmp_path / make.__name__
        folder.mkdir()
        network = network_of(make(folder))
        found = [names for kind in KINDS for names in failing(network, kind)]
        worlds = [network, *(rebuild(network, down=names) for names in found)]
        seen: dict[bytes, object] = {}
        for world in worlds:
            said = noticed(world)
            assert seen.setdefault(signature(world), said) == said
        assert len(set(map(repr, seen.values()))) == len(seen)


@pytest.mark.parametrize("digest", [signature, noticeable])
def test_a_vtep_that_is_cut_off_is_noticed_whatever_routes_say(
    tmp_path: Path, digest: Callable[[Network], object]
) -> None:
    """Proofs ask the underlay and the routes, each for itself; so does what tells worlds apart."""
    network = network_of(plain(tmp_path))
    without_dpu = rebuild(network, down=["dpu2"])
    worlds = [
        network,
        without_dpu,
        replace(network, underlay=without_dpu.underlay),
        replace(network, fib=without_dpu.fib),
    ]
    assert len({digest(world) for world in worlds}) == len(worlds)
    assert digest(network) == digest(rebuild(without_dpu, down=[]))


def test_next_hops_are_told_apart_by_vtep_and_by_vrf(tmp_path: Path) -> None:
    network = network_of(plain(tmp_path))
    sets = network.fib.nexthop_sets
    others = [
        tuple(tuple(replace(hop, **{key: getattr(hop, key) + 1}) for hop in hops) for hops in sets)
        for key in ("vtep", "vrf")
    ]
    fibs = [network.fib, *(replace(network.fib, nexthop_sets=found) for found in others)]
    assert len({signature(replace(network, fib=fib)) for fib in fibs}) == 3


def test_who_is_left_out_is_on_what_fails(tmp_path: Path) -> None:
    """Endpoints of tenants on nodes of a group, and nobody else; who was down before is not left
    out of what is asked."""
    left = prove(World(network_of(racks(tmp_path)))).left_out
    names = {name: list(ends) for name, ends in left.items()}
    assert names["rack1"] == sorted([*names["dpu1"], *names["dpu2"]])
    assert {*names} == {"dpu1", "dpu2", "dpu3", "rack1"}
    network = network_of(tmp_path / "fabric.yaml", down=("dpu1",))
    assert prove(World(network)).left_out["rack1"] == tuple(names["dpu2"])


def test_two_links_that_move_a_route_and_cut_nobody_off(tmp_path: Path) -> None:
    """Without one cable of each of two neighbours they are as far apart as from who stands in."""
    path = stand_in(tmp_path)
    text = yaml.safe_load(path.read_text())
    text["expect"] = [{"deny": "a/* -> x2/*", "hold_under": ["any-2-links"]}]
    path.write_text(yaml.safe_dump(text))
    network = network_of(path)
    under = [o.under for o in prove(World(network)).under_failure]
    assert under == ["dpu1--leaf1 and dpu2--leaf2"]
    body, _ = expected(network, [])
    assert [claim["fails_without"] for claim in body["claims"]] == under
    there = network_of(path, down=under[0].split(" and "))
    vteps = sorted({vtep for vtep, _ in there.fib.instances})
    assert all(there.underlay.reachable(a, b) for a in vteps for b in vteps)
    (claim,) = read_claims(there.spec, there)
    assert not check_claim(reachability(World(there)), claim).holds
    assert check_claim(reachability(World(network)), claim).holds


def test_a_line_that_asks_nothing_under_a_kind_of_failure_is_said_to(tmp_path: Path) -> None:
    """In a rack that is the only group; beside a group that leaves somebody it asks something."""
    path = racks(tmp_path)
    file = yaml.safe_load(path.read_text())
    inside = "a/@node/host1 -> a/@node/host2"
    file["expect"] = [
        {"allow": inside, "hold_under": [*BOTH, *RISKS]},
        {"allow": "a/@node/host3 -> a/@node/host4", "hold_under": RISKS},
        {"deny": "zone2/inet -> a/@node/host1", "hold_under": RISKS},
    ]
    file["risk_groups"] = {"rack1": file["risk_groups"]["rack1"]}
    file["tenants"]["a"]["hosts"] = ["host[1-4]"]
    file["sites"]["s"]["leaves"] = 4
    path.write_text(yaml.safe_dump(file))
    proof = prove(World(network_of(path)))
    left = [(claim.number, kind) for claim, kind in proof.nothing_left]
    assert left == [(0, RISKS[0]), (2, RISKS[0])]
    assert f"Nothing is left of allow: {inside} under" in " ".join(remarks(proof))
    file["risk_groups"]["feed"] = ["spine2", "dpu3"]
    path.write_text(yaml.safe_dump(file))
    assert not prove(World(network_of(path))).nothing_left


def test_of_failures_that_no_packet_can_tell_apart_the_first_is_told(tmp_path: Path) -> None:
    """A risk group, and the two cables of which it consists."""
    path = plain(tmp_path)
    document = yaml.safe_load(path.read_text())
    document["risk_groups"] = {"cut": ["dpu1--leaf1", "dpu1--leaf2"]}
    kinds = ["any-1-risk-group", "any-2-links"]
    document["expect"] = [{"allow": "a/n/p -> a/n/q", "hold_under": kinds}]
    path.write_text(yaml.safe_dump(document))
    network = network_of(path)
    reach, claims = reachability(World(network)), read_claims(network.spec, network)
    found = check_failures(Failures(reach), claims, Against(reach, claims))
    told = [f.outcome.under for f in found if not f.outcome.holds]
    assert told == ["cut", "dpu2--leaf1 and dpu2--leaf2"]
