"""Phases: nested, added up, silent for whoever does not listen, told also when they fail."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest

from fabric.building.build import build
from fabric.building.load import load_fabric
from fabric.io.phases import listening, phase

SMALL = Path(__file__).parents[3] / "topologies" / "small.yaml"
LINE = re.compile(r" *\d+\.\d{3} s  ( *)(.+)")


def told(lines: list[str]) -> list[tuple[int, str]]:
    """(depth, name) of each line."""
    found = [LINE.fullmatch(line) for line in lines]
    return [(len(match[1]) // 2, match[2]) for match in found if match]


@phase("leaf")
def leaf() -> None:
    """A part."""


def test_parts_stand_below_their_phase_and_add_up() -> None:
    lines: list[str] = []
    with listening(lines.append), phase("outer"):
        leaf()
        with phase("inner"):
            leaf()
        leaf()
    assert told(lines) == [(0, "outer"), (1, "leaf × 2"), (1, "inner"), (2, "leaf")]


def test_nobody_hears_without_listening_or_in_another_thread() -> None:
    lines: list[str] = []
    leaf()
    with listening(lines.append):
        thread = threading.Thread(target=leaf)
        thread.start()
        thread.join()
    leaf()
    assert lines == []


def test_what_fails_is_told_too_and_leaves_nothing_open() -> None:
    lines: list[str] = []
    with listening(lines.append):
        with pytest.raises(ZeroDivisionError), phase("breaks"):
            print(1 / 0)  # noqa: T201
        leaf()
    assert told(lines) == [(0, "breaks"), (0, "leaf")]


def test_building_a_network_names_its_phases() -> None:
    lines: list[str] = []
    with listening(lines.append):
        build(load_fabric(SMALL), lock=False)
    names = [name for _, name in told(lines)]
    assert names[:2] == ["read the fabric file", "build"]
    assert {"read manifests", "converge eBGP", "fill FIBs"} <= set(names)
