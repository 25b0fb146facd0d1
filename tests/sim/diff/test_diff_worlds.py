"""diff == a comparison packet by packet, on what pull requests do to clusters and fabrics."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from diff_fabrics import fabric_pair
from diff_worlds import axis, cluster_pair, cluster_world, fabric_world, probes, twin_world
from naive_diff import Fact, Twin
from naive_members import Unit, related
from said_diff import said

from sim.diff.diff import diff
from sim.worlds.world import World

pytestmark = pytest.mark.oracle("twins")

CLUSTERS, FABRICS = 240, 120
DOWN = ((), (), (), ("dpu1",), ("dpu2",), ("leaf1",))
"""What has failed; hosts of one workload then fare differently."""


@pytest.mark.slices(40)
@pytest.mark.parametrize("seed", range(CLUSTERS))
def test_rows_are_what_differs_between_two_clusters(seed: int, tmp_path: Path) -> None:
    old, new = cluster_pair(Random(seed))
    worlds = cluster_world(tmp_path / "old", old), cluster_world(tmp_path / "new", new)
    check(*worlds, alone=True)


@pytest.mark.slices(100)
@pytest.mark.parametrize("seed", range(FABRICS))
def test_rows_are_what_differs_between_two_fabrics(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = Random(seed)
    if seed % 2:
        monkeypatch.setattr("sim.diff.stood_for.LISTED", 0)
    old, new = fabric_pair(rng)
    failed = [rng.choice(DOWN) for _ in (old, new)]
    worlds = (
        fabric_world(tmp_path / "old", old, failed[0]),
        fabric_world(tmp_path / "new", new, failed[1]),
    )
    check(*worlds, alone=False)


def check(old: object, new: object, *, alone: bool) -> None:
    """Rows are the facts of the twin; nothing that changed between namesakes is missing."""
    found = diff(*(World.compiled(program) for _, program in (old, new)))  # type: ignore[misc]
    worlds = (twin_world(world, alone) for world in (old, new))  # type: ignore[arg-type]
    twin = Twin(*worlds, axis(old, new), probes(old, new))  # type: ignore[arg-type]
    facts = twin.facts()
    assert said(found, twin) == facts
    assert found.same == (not facts and not found.findings_differ and not found.appeared)
    namesakes(twin, facts)


def namesakes(twin: Twin, facts: set[Fact]) -> None:
    """Whatever the rules of comparison are: two endpoints that both worlds have, and that fare
    otherwise with each other, are in some row. Only a pod that moves to or from a node may fare
    otherwise with that node in silence."""
    told = {(source, target, version, number) for _, source, target, _, version, number in facts}
    here, there = ({(u.name, u.version, u.number): u for u in side} for side in twin.units)
    for a in here.keys() & there.keys():
        for b in here.keys() & there.keys():
            ends = (here[a], here[b]), (there[a], there[b])
            if a[1] != b[1] or any(x.endpoint is y.endpoint for x, y in ends):
                continue
            if related(*ends[0]) != related(*ends[1]):
                continue
            for number, l4 in twin.numbered(a[1]):
                was, now = (
                    passing(world, *pair, l4) for world, pair in zip(twin.sides, ends, strict=True)
                )
                assert was == now or (a[0], b[0], a[1], number) in told


def passing(world: object, a: Unit, b: Unit, l4: tuple[int, int, int]) -> tuple[bool, bool]:
    """May and must of one pair."""
    got = world.delivered(a.endpoint, a.version, a.address, b.address, l4)  # type: ignore[attr-defined]
    found = [x == b.endpoint.index for x in got]
    return any(found), bool(found) and all(found)
