"""A network whose devices say what they have."""

from __future__ import annotations

from pathlib import Path

import pytest
from device_state import write_state

from fabric.building.build import build
from fabric.building.load import load_fabric
from fabric.building.network import Network

DEMO = Path(__file__).parents[3] / "topologies" / "demo.yaml"


@pytest.fixture(scope="module")
def network() -> Network:
    return build(load_fabric(DEMO), lock=False)


@pytest.fixture
def state(network: Network, tmp_path: Path) -> Path:
    return write_state(network, tmp_path / "state")
