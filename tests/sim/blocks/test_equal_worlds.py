"""Which worlds decide alike about every packet: never two of which one says something else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from shutil import copyfile, copytree
from typing import Any, NamedTuple

import pytest
from small_tenants import tenants

from fabric.building.build import build
from fabric.building.load import load_fabric
from sim.blocks.equal_worlds import alike, decide_alike
from sim.diff.diff import diff
from sim.worlds.world import World

SMALL = Path(__file__).parents[3] / "topologies" / "small.yaml"


def world(path: Path = SMALL, down: tuple[str, ...] = ()) -> World:
    return World(build(load_fabric(path), lock=False, down=down))


def written(folder: Path, *edit: str) -> Path:
    """A copy of the small fabric in a folder of its own, maybe with an edit of it."""
    copytree(SMALL.parent / "manifests" / "small", folder / "manifests" / "small")
    copyfile(SMALL, folder / SMALL.name)
    path = folder / "fabric.yaml"
    path.write_text("\n".join(("cloison: 1", f"extends: {SMALL.name}", *edit)), "utf-8")
    return path


def test_what_says_the_same_in_another_file_decides_alike(tmp_path: Path) -> None:
    here, there = world(), world(written(tmp_path / "other"))
    assert here.network.endpoints != there.network.endpoints, "lines are of other files"
    assert decide_alike(here.program, there.program)
    found = diff(here, there)
    assert found.same and not found.changes and not found.presences
    assert all("blocks" not in vars(world) for world in (here, there)), "cut for nothing"
    beside = (s.reach.path_space.blocks for s in (found.sides.old, found.sides.new))
    assert [blocks.program.network for blocks in beside] == [here.network, there.network]
    again = world(written(tmp_path / "again"))
    assert diff(here, again).same
    assert again.blocks.store is here.blocks.store


EDITS = {
    "ports": '  - at: [leaks, 0, ports]\n    set: ["8081/tcp"]',
    "addresses": "  - at: [tenants, acme, vrfs, main, prefixes, 0]\n    set: 10.0.1.0/24",
    "hosts": "  - at: [tenants, acme, hosts]\n    set: [host1, host4]",
    "routes": "  - at: [leaks]\n    set: []",
    "cables": "  - at: [sites, lab, spines]\n    set: 3",
}


@pytest.mark.parametrize("what", EDITS)
def test_what_differs_is_told_apart(what: str, tmp_path: Path) -> None:
    edited = world(written(tmp_path / what, "patch:", EDITS[what]))
    assert not decide_alike(world().program, edited.program)


class Table(NamedTuple):
    """Endpoints, VRFs and nodes of a domain."""

    endpoints: Any
    vrfs: Any
    nodes: Any
    name: str


def test_a_failure_is_told_apart() -> None:
    assert not decide_alike(world().program, world(down=("leaf1--spine1",)).program)


def test_a_domain_with_routes_is_like_none_without() -> None:
    """A table that decides about the same endpoints has none."""
    network = world().network
    table, another = (
        Table(network.endpoints, network.vrfs, network.nodes, name) for name in ("a", "b")
    )
    assert alike(table, another)
    assert not alike(network, table) and not alike(table, network)


def test_who_is_bound_to_what_and_when_it_decides_are_told_apart() -> None:
    network, policy = tenants(2)
    program = World(network, policy).program
    assert decide_alike(program, program)
    bound = program.bindings.copy()
    bound[:, 0] = -1
    assert not decide_alike(program, replace(program, bindings=bound))
    first, *others = program.groups
    denied = replace(first, entries=())
    assert not decide_alike(program, replace(program, groups=(denied, *others)))
