"""Order inside a certificate: whatever is moved, doubled or left over is told, list by list."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fabric.building.build import build
from fabric.building.load import load_fabric
from sim.checker.document.form import known_reasons
from sim.checker.document.order import problems
from sim.proof.certificates.certificate import certificate
from sim.proof.prove import prove
from sim.worlds.world import World

SMALL = Path(__file__).parents[4] / "topologies" / "small.yaml"
AGAIN = "not sorted, or something is there twice"
LISTS = ("outcomes", "profiles", "maps", "sources", "down", "exempt", "not_evaluated")
ROW = {"kind": "A", "api_version": "v1", "tenant": "t", "namespace": None, "name": "n",
       "category": "x", "scope": "cluster", "accepted": False, "under": None}  # fmt: skip


@pytest.fixture(scope="module")
def honest() -> Any:
    network = build(load_fabric(SMALL), lock=False, down=["spine1"])
    found = certificate(prove(World(network)))
    return found | {"exempt": ["a", "b"], "down": ["a", "b"], "not_evaluated": [ROW]}


def test_an_honest_one_has_no_problems(honest: Any) -> None:
    assert list(problems(honest, known_reasons())) == []


@pytest.mark.parametrize("key", LISTS)
@pytest.mark.parametrize("last", [False, True])
def test_what_stands_there_twice_is_told(honest: Any, key: str, last: bool) -> None:
    changed = copy.deepcopy(honest)
    place = len(changed[key]) - 1 if last and key != "maps" else 0
    changed[key].insert(place, copy.deepcopy(changed[key][place]))
    for source in changed["sources"] if key == "maps" else ():
        source[3] += source[3] > place
    assert f"{key}: {AGAIN}" in list(problems(changed, known_reasons()))


@pytest.mark.parametrize("key", [key for key in LISTS if key != "not_evaluated"])
def test_what_is_moved_is_told(honest: Any, key: str) -> None:
    changed = copy.deepcopy(honest)
    first, second = changed[key][:2]
    changed[key][:2] = [second, first]
    assert f"{key}: {AGAIN}" in list(problems(changed, known_reasons()))


def doubled_box(changed: Any) -> str:
    place = max(range(len(changed["profiles"])), key=lambda n: len(changed["profiles"][n]))
    changed["profiles"][place].insert(0, list(changed["profiles"][place][0]))
    return f"profiles[{place}]: {AGAIN}"


def alike_neighbours(changed: Any) -> str:
    place = max(range(len(changed["maps"])), key=lambda n: len(changed["maps"][n]))
    first = changed["maps"][place][0]
    changed["maps"][place].insert(0, [first[0], first[0], *copy.deepcopy(first[2:])])
    first[0] = first[0] + 1 if isinstance(first[0], int) else f"{int(first[0], 16) + 1:x}"
    return f"maps[{place}]: two neighbours are one range"


def doubled_name(changed: Any) -> str:
    changed["endpoints"].append(copy.deepcopy(changed["endpoints"][0]))
    return "endpoints: a name is there twice"


def unused_map(changed: Any) -> str:
    changed["sources"] = [s for s in changed["sources"] if s[3] != 0]
    return "maps[0]: nothing refers to it"


def unknown_profile(changed: Any) -> str:
    changed["maps"][0][0][2] = len(changed["profiles"])
    return "maps[0]: a range has an unknown profile"


def unknown_endpoint(changed: Any) -> str:
    changed["maps"][0][0][3] = [len(changed["endpoints"])] * len(changed["maps"][0][0][3])
    return "maps[0]: a range leads to an unknown endpoint"


def unknown_vrf(changed: Any) -> str:
    changed["maps"][0][0][4] = [len(changed["vrfs"])] * len(changed["maps"][0][0][4])
    return "maps[0]: a range leads to an unknown VRF"


def unknown_source(changed: Any) -> str:
    changed["sources"][0][0] = len(changed["endpoints"])
    return "sources[0]: an unknown endpoint"


def unknown_map(changed: Any) -> str:
    changed["sources"][0][3] = len(changed["maps"])
    return "sources[0]: an unknown map"


def homeless(changed: Any) -> str:
    changed["endpoints"][0]["vrf"] = "nowhere"
    return "vrfs: an endpoint lives in none of them"


CHANGES = [doubled_box, alike_neighbours, doubled_name, unused_map, unknown_profile,
           unknown_endpoint, unknown_vrf, unknown_source, unknown_map, homeless]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_what_does_not_fit_is_told(honest: Any, change: Callable[[Any], str]) -> None:
    changed = copy.deepcopy(honest)
    assert change(changed) in list(problems(changed, known_reasons()))
