"""Generated worlds are the same on every day, and are what they say that they are."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from shaped_worlds import SHAPES, THREE_TIER, WRITTEN, Shape, WrittenShape, digest, write

from fabric.building.build import build
from fabric.building.load import load, load_fabric
from fabric.wiring.topology import Role

DIGESTS = {
    "pods": "6b20fcc957ec8206",
    "dpus": "b370d150f9c7078d",
    "vrfs": "a6fe93eebd386b54",
    "cluster": "ca225fb6fc469bf4",
    "written": "551c47beeec793f8",
}
SMALL = THREE_TIER.format(2, 2, 1, 1, 4)


@pytest.mark.parametrize("name", [*SHAPES, *WRITTEN])
def test_what_is_written_never_changes(name: str) -> None:
    assert digest(SHAPES.get(name) or WRITTEN[name]) == DIGESTS[name]


def test_a_written_site_has_its_shape(tmp_path: Path) -> None:
    """Every DPU reaches every other one, racks are uneven, and nobody is passed over."""
    spec, warnings = load(write(WrittenShape(150, 2, 3, 60), tmp_path))
    network = build(spec, lock=False)
    fabric = network.fabric
    assert not warnings and len(fabric.hosts) == 150 and len(network.vrfs) == 3
    dpus = [n.index for n in fabric.nodes if n.role is Role.DPU]
    assert all(network.underlay.reachable(a, b) for a in dpus[:20] for b in dpus)
    assert len({len(group.nodes) for group in fabric.risk_groups}) > 3
    homes = Counter(len(fabric.links_of[n]) - 1 for n in dpus)
    assert {*homes} <= {1, 2} and len([e for e in network.endpoints if e.kind == "node"]) == 180


@pytest.mark.parametrize(
    ("shape", "pods", "routes"),
    [
        (replace(SHAPES["pods"], site=SMALL, hosts=8, tenants=2, spread=4), 2_000, 0),
        (replace(SHAPES["dpus"], site=SMALL, hosts=8, tenants=4, spread=5), 0, 20),
    ],
)
def test_a_world_has_its_shape(shape: Shape, pods: int, routes: int, tmp_path: Path) -> None:
    network = build(load_fabric(write(shape, tmp_path)), lock=False)
    nodes = [e for e in network.endpoints if e.kind == "node"]
    assert len(network.endpoints) - len(nodes) == pods == shape.pods
    assert len(nodes) == shape.tenants * shape.spread
    assert len(network.vrfs) == shape.tenants
    if routes:
        assert len(network.routes) == routes == shape.vrfs_per_dpu * shape.hosts
