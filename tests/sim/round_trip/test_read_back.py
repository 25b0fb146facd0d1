"""What is written as NVUE says what the world says that wrote it, for all packets; and what does
not is found."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from compiled import compile_network
from nvue_written import FORMATS, TOPOLOGIES, of_file, round_trip, write
from walked_fabrics import random_world

from compiler.program.program import Program
from sim.round_trip.read_back import read_back


@pytest.fixture(scope="module")
def small() -> Program:
    return of_file(TOPOLOGIES / "small.yaml")


@pytest.mark.parametrize("name", FORMATS)
def test_small(name: str, small: Program, tmp_path: Path) -> None:
    found = round_trip(small, name, tmp_path)
    assert (found.differences, found.unknown, found.by_underlay) == ((), (), ())
    assert found.equal and found.files == 4
    assert found.classes > 1_000


@pytest.mark.slices(2)
@pytest.mark.parametrize("name", ["nvue-cumulus"])
def test_the_demo(name: str, tmp_path: Path) -> None:
    found = round_trip(of_file(TOPOLOGIES / "demo.yaml"), name, tmp_path)
    assert (found.differences, found.unknown, found.by_underlay) == ((), (), ())
    assert found.classes > 10_000


@pytest.mark.slices(25)
@pytest.mark.parametrize("seed", range(150))
def test_random_fabrics(seed: int, tmp_path: Path) -> None:
    _, network = random_world(Random(seed), tmp_path)
    program = compile_network(network)
    for name in FORMATS:
        found = round_trip(program, name, tmp_path / name)
        assert (found.differences, found.unknown) == ((), ()), name


Change = Callable[[str], str]
FAULTS: dict[str, tuple[Change, str]] = {
    "a permit more": (
        lambda text: re.sub(r"\{deny: \{\}\}(.*'::/0')", r"{permit: {}}\1", text, count=1),
        r"deny, and as read permit",
    ),
    "a port another": (
        lambda text: text.replace("'5432'", "'5433'", 1),
        r"protocol 6, ports 0 to 5432: permit, and as read deny",
    ),
    "a list that is asked of nobody": (
        lambda text: re.sub(r"( +to_host_\w+:)\n +outbound: \{\}\n", "", text, count=1),
        r"deny, and as read permit",
    ),
    "a target less": (
        lambda text: re.sub(r"(from-evpn:\n +route-target:)\n.*\n", r"\1\n", text, count=1),
        r"lead to .*, and as read to nowhere",
    ),
    "an address another": (
        lambda text: re.sub(r"100\.64\.0\.2/32:(\n +address)", r"100.64.0.9/32:\1", text, count=1),
        r"api-0 at dpu1 has 100.64.0.2, and pf0vf0_if was read with 100.64.0.9",
    ),
    "an interface in no VRF": (
        lambda text: re.sub(r"        ip:\n          vrf: vrf\d+\n", "", text, count=1),
        r"was read with no address of IPv4",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", FAULTS)
def test_what_is_written_otherwise_is_found(what: str, small: Program, tmp_path: Path) -> None:
    written = write(small, "nvue", tmp_path)
    change, wanted = FAULTS[what]
    path = tmp_path / "dpu1.yaml"
    changed = change(path.read_text())
    assert changed != path.read_text()
    path.write_text(changed)
    found = read_back(small, tmp_path, written.interfaces(small))
    assert not found.equal
    assert any(re.search(wanted, one) for one in found.differences), found.differences[:4]


def test_a_file_that_is_not_there_is_found(small: Program, tmp_path: Path) -> None:
    written = write(small, "nvue", tmp_path)
    (tmp_path / "dpu1.yaml").unlink()
    found = read_back(small, tmp_path, written.interfaces(small))
    assert any("as read nothing" in one for one in found.differences)


def test_what_is_not_understood_is_not_equal(small: Program, tmp_path: Path) -> None:
    written = write(small, "nvue", tmp_path)
    path = tmp_path / "dpu1.yaml"
    path.write_text(path.read_text().replace("    nve:", "    frobnicate: {}\n    nve:", 1))
    found = read_back(small, tmp_path, written.interfaces(small))
    assert found.differences == () and not found.equal
    assert any("frobnicate" in one for one in found.unknown)
