"""Generated worlds are the same on every day, and are what they say that they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from shaped_worlds import SHAPES, THREE_TIER, Shape, digest, write

from fabric.build import build
from fabric.load import load_fabric

DIGESTS = {
    "pods": "6b20fcc957ec8206",
    "dpus": "b370d150f9c7078d",
    "vrfs": "a6fe93eebd386b54",
    "cluster": "ca225fb6fc469bf4",
}
SMALL = THREE_TIER.format(2, 2, 1, 1, 4)


@pytest.mark.parametrize("name", SHAPES)
def test_what_is_written_never_changes(name: str) -> None:
    assert digest(SHAPES[name]) == DIGESTS[name]


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
