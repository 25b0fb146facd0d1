"""Few rooms and few arrows between them: what a reader has to know of a package at first sight."""

from __future__ import annotations

import grimp
import networkx
import networkx as nx
import pytest
from rooms import PACKAGES, arrows, modules, rooms

MOST = {"fabric": (12, 54), "compiler": (12, 23), "sim": (18, 55), "cloison": (5, 9)}
"""Rooms and arrows. Whoever needs more of them asks first whether the new module has a room."""
MOST_MODULES = 22
"""Of one room, without those of rooms inside: what somebody new reads through for the right one."""


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_has_few_rooms(package: str) -> None:
    most_rooms, most_arrows = MOST[package]
    assert 5 <= len(rooms(package)) <= most_rooms
    assert 5 <= len(arrows(package)) <= most_arrows


@pytest.mark.parametrize("package", PACKAGES)
def test_a_room_has_few_modules(package: str) -> None:
    found = modules(package)
    assert len(found) > 8
    assert {room: n for room, n in found.items() if n > MOST_MODULES} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_circle(package: str) -> None:
    assert nx.is_directed_acyclic_graph(nx.DiGraph(arrows(package).keys()))


def test_an_import_is_an_arrow_wherever_it_stands() -> None:
    """`build` imports the pickled reader's collector at its top, `Network.bare` the FIB inside."""
    found = arrows("fabric")
    assert any("building/network.py" in place for place in found["building", "control"])
    assert ("values", "building") not in found


def test_no_modules_need_each_other() -> None:
    """What runs has no circle; names that only types need may lead back."""
    graph = grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True)
    arrows = networkx.DiGraph(
        (a, b) for a in graph.modules for b in graph.find_modules_directly_imported_by(a)
    )
    circles = [sorted(c) for c in networkx.strongly_connected_components(arrows) if len(c) > 1]
    assert circles == []
