"""Every row is whole, and its dumps are known again."""

from __future__ import annotations

from pathlib import Path

import pytest
from compiled import compile_network
from target_laws import complete, known_again

from compiler.program.program import Program
from compiler.targets.catalogue import DEFAULT, TARGETS, Target, along, profiles, writer, writers
from compiler.targets.hosts.frr import Frr
from compiler.targets.hosts.releases import RELEASES
from fabric.building.build import build
from fabric.building.load import load_fabric
from fabric.diagnostics import InputError

SMALL = Path(__file__).parents[3] / "topologies" / "small.yaml"
FOLDER = Path(__file__).parents[3] / "compiler" / "targets"
NO_BACKEND = {"__init__", "catalogue", "profiles", "releases", "usage"}
NO_BACKEND |= {"flat_policy", "nvue_acls", "nvue_dialects", "nvue_losses", "nvue_routing"}
NO_BACKEND |= {"port_rules", "prefix_cover"}
NO_BACKEND |= {"nft_maps", "port_names", "vrf_leaks", "vxlan_devices"}
LATER = {"frr10", "linux10", "nvue-cumulus"}
"""Second forms of a file."""


@pytest.fixture(scope="module")
def small() -> Program:
    return compile_network(build(load_fabric(SMALL), lock=False))


@pytest.mark.parametrize("row", TARGETS.values(), ids=lambda row: row.name)
def test_a_row_is_whole(row: Target) -> None:
    complete(row)


@pytest.mark.parametrize("name", writers())
def test_dumps_are_known_again(name: str, small: Program) -> None:
    known_again(name, small)


def test_every_file_has_its_row() -> None:
    files = {path.stem for path in FOLDER.rglob("*.py")} - NO_BACKEND
    assert files == {*writers()} - LATER
    assert DEFAULT in profiles()


def test_what_a_format_brings_is_written_after_it_and_once() -> None:
    assert along(["frr10", "text", "frr", "linux"]) == (
        "frr10", "linux10", "text", "frr", "linux",
    )  # fmt: skip
    assert all(name in writers() for row in writers().values() for name in row.brings)


def test_every_release_has_its_format() -> None:
    for release in RELEASES.values():
        backend = writers()[release.format].load()
        assert backend == Frr(release)


def test_an_unknown_format_is_answered_with_the_closest() -> None:
    with pytest.raises(InputError, match="C860") as caught:
        writer("nftable")
    assert "nftables" in str(caught.value)
