"""What a certificate should say about failures, against a twin that builds every world anew."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from fabric_files import network_of
from failing_fabrics import KINDS, WORLDS, broken, failing, racks

from fabric.building.network import Network
from fabric.file.spec import FabricSpec, Site
from fabric.wiring.clos import build_fabric
from sim.checker.expectations.claims import read
from sim.checker.expectations.failures import failures, tried
from sim.checker.expected import expected


@pytest.mark.slices(6)
@pytest.mark.parametrize("world", WORLDS)
def test_claims_say_without_what_they_fail(tmp_path: Path, world: str) -> None:
    make, down = WORLDS[world]
    path = make(tmp_path)
    network = network_of(path, down=down)
    body, _ = expected(network, [])
    twin = broken(path, network, down)
    said = {
        number: claim["fails_without"]
        for number, claim in enumerate(body["claims"])
        if claim["fails_without"] is not None
    }
    assert said == twin
    titles = [finding["title"] for finding in body["findings"]]
    for number, name in twin.items():
        assert f"{body['claims'][number]['claim']} fails without {name}" in titles
    for kind in KINDS:
        assert [*failures(network, kind)] == failing(network, kind)
    kinds = {kind for claim in body["claims"] for kind in claim["hold_under"]}
    every = {names for kind in kinds for names in failing(network, kind)}
    assert body["failures_tried"] == len(every)


def test_too_many_failures_are_counted_without_a_list_of_them() -> None:
    site = Site(spines=32, leaves=500, hosts_per_pair=4, borders=0)
    fabric = build_fabric(FabricSpec(cloison=1, name="x", sites={"s": site}))
    network = cast(Network, SimpleNamespace(fabric=fabric, spec=None))
    links = sum(link.kind != "host" for link in fabric.links)
    claim = read("allow: a/* -> a/*")
    asked = {0: (claim, ("any-1-link", "any-2-links")), 1: (claim, ("any-2-links",))}
    assert links == 18_000 and tried(network, asked) == links + links * (links - 1) // 2


@pytest.mark.parametrize("down", [(), ("rack1",), ("spine1", "dpu2--leaf1")])
def test_every_failure_of_what_is_up_is_tried(tmp_path: Path, down: tuple[str, ...]) -> None:
    network = network_of(racks(tmp_path), down=down)
    for kind in KINDS:
        assert [*failures(network, kind)] == failing(network, kind)
