"""Law of comparing by classes: two clusters differ in the same rows, with the same packets and
causes, as when every pair of endpoints is compared."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from crowds import crowd
from diff_worlds import cluster_world, edited

from cloison.views.changes.differences import document
from fabric.diagnostics import UndecidedError
from sim.diff.by_class import by_class
from sim.diff.diff import diff
from sim.worlds.world import World

WORLDS = 240


def pair(seed: int, folder: Path) -> tuple[World, World]:
    """Two clusters: of every three of which nodes run known pods, of which nodes have some on their
    network alone, and without nodes."""
    rng = Random(seed)
    old = crowd(rng)
    for found in old if seed % 3 else ():
        template = found.get("spec", {}).get("template", {})
        for spec in (found.get("spec", {}), template.get("spec", {})):
            spec.pop("nodeName", None)
            if seed % 3 == 2:
                spec.pop("hostNetwork", None)
    new = edited(rng, old)
    made = (cluster_world(folder / name, o)[1] for name, o in (("old", old), ("new", new)))
    here, there = (World.compiled(program) for program in made)
    return here, there


@pytest.mark.slices(60)
@pytest.mark.parametrize("seed", range(WORLDS))
def test_rows_are_those_of_all_pairs(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_classes_and_by_pairs(*pair(seed, tmp_path), monkeypatch)


def test_a_pod_s_own_node_is_no_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here two worlds would differ by classes as they do not."""
    by_classes_and_by_pairs(*pair(12, tmp_path), monkeypatch)


def by_classes_and_by_pairs(old: World, new: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The law for two worlds."""
    found = document(diff(old, new))
    monkeypatch.setattr("sim.diff.diff.by_class", lambda *_: None)
    assert found == document(diff(old, new))


def test_most_clusters_are_compared_by_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And it is not for want of any that the law holds."""
    made = []

    def told(*asked: Any) -> Any:
        made.append(by_class(*asked))
        return made[-1]

    monkeypatch.setattr("sim.diff.diff.by_class", told)
    rows = [len(diff(*pair(seed, tmp_path / str(seed))).changes) for seed in (1, 2, 4, 5, 7, 8)]
    assert sum(rows) > 10
    assert sum(one is not None for one in made) >= 3


def test_more_differences_than_memory_holds_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.diff.by_class.MAX_PAIRS", 0)
    refused = 0
    for seed in (1, 2, 4, 5):
        try:
            diff(*pair(seed, tmp_path / str(seed)))
        except UndecidedError as error:
            assert "C717" in str(error)
            refused += 1
    assert refused
