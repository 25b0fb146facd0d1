"""Doors of tenants' clusters in a fabric: at whose addresses they are open."""

from __future__ import annotations

from pathlib import Path

import pytest
from door_fabrics import OPEN, fabric, pod, service, written

from cloison.views.access.reach import FabricReach
from cloison.views.world import World


@pytest.mark.parametrize(("hosts", "open_to"), [("host[3-4]", False), ("host[1-2]", True)])
def test_a_port_of_nodes_is_open_at_every_address_of_their_hosts(
    tmp_path: Path, hosts: str, open_to: bool
) -> None:
    """Zone 2 gets to the nodes of another tenant alone, on the same hosts or on others."""
    rule = {**OPEN, "to": "blue/@node/*"}
    spec = fabric([rule], [])
    spec["tenants"]["blue"]["hosts"] = [hosts]
    path = written(tmp_path, spec, [pod("a", "x"), service("s", "a", "x")], [pod("a", "x")])
    (door,) = FabricReach.of(World.read(path), None, None).doors()
    assert ("zone2/inet" in (door.open_to or ())) is open_to
