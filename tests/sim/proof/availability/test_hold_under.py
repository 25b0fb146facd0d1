"""Law: what an expectation says under failures is what the world of each one says, built from the
file. Proof and checker, `allow`, `deny` and `only`, every kind of `hold_under`."""

from __future__ import annotations

from pathlib import Path

import pytest
from fabric_files import network_of
from failing_fabrics import KINDS, broken, failing, noticed
from random_failures import random_fabric, something_down

from fabric.building.build import rebuild
from sim.checker.expectations.failures import noticeable
from sim.checker.expected import expected
from sim.proof.availability.failures import signature
from sim.proof.prove import prove
from sim.worlds.world import World

pytestmark = pytest.mark.oracle("twins")

SEEDS = range(60)


@pytest.mark.slices(60)
@pytest.mark.parametrize("seed", SEEDS)
def test_verdicts_are_those_of_every_world_built_anew(tmp_path: Path, seed: int) -> None:
    path, members = random_fabric(tmp_path, seed)
    down = something_down(network_of(path), seed)
    network = network_of(path, down=down)
    twin = broken(path, network, down, members)
    proof = prove(World(network))
    assert {o.claim.number: o.under for o in proof.under_failure} == twin
    body, _ = expected(network, [])
    said = {n: claim["fails_without"] for n, claim in enumerate(body["claims"])}
    assert {n: name for n, name in said.items() if name is not None} == twin
    asked = {kind for o in proof.outcomes for kind in o.claim.hold_under}
    every = {names for kind in asked for names in failing(network, kind)}
    assert proof.failures == body["failures_tried"] == len(every)


@pytest.mark.slices(30)
@pytest.mark.parametrize("seed", SEEDS)
def test_failures_are_one_exactly_if_no_packet_can_tell(tmp_path: Path, seed: int) -> None:
    """By whatever tells worlds apart, in the proof and in the checker: routes with their next hops
    and who reaches whom, spelled out, are equal in two worlds exactly if these are."""
    network = network_of(random_fabric(tmp_path, seed)[0])
    found = {names for kind in KINDS for names in failing(network, kind)}
    worlds = [network, *(rebuild(network, down=names) for names in sorted(found))]
    for digest in (signature, noticeable):
        pairs = {(repr(noticed(world)), digest(world)) for world in worlds}
        assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
