"""What comes from outside at one of several borders: an explanation says at which."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fabric_files import vrf, write_fabric

import cloison

CUT = "border1--spine1"
ZONE2 = {
    "endpoints": {
        "inet": {"addresses": ["0.0.0.0/0"], "border": "border2"},
        "partner": {"addresses": ["192.0.2.0/24"], "border": ["border1", "border2"]},
    },
    "rules": [{"name": "in", "from": "zone2/partner", "to": "a/*", "ports": ["any"]}],
}


@pytest.mark.parametrize(
    ("down", "first"),
    [((), "in at border1, to dpu1 a/main: delivered"), ((CUT,), "in at border1: no_route_drop")],
)
def test_each_border_is_named(tmp_path: Path, down: tuple[str, ...], first: str) -> None:
    """A border that is cut off takes packets in, and has no next hop for them."""
    nodes = {"cidr": "100.64.0.0/24", "use": "nodes"}
    tenants = {"a": vrf(nodes, default_route="zone2", advertise=["nodes"])}
    site = {"spines": 1, "leaves": 2, "hosts_per_pair": 1, "borders": 2}
    file = write_fabric(tmp_path, tenants, {}, sites={"s": site}, zones={"zone2": ZONE2})
    world = cloison.build(file, down=down)
    text = str(cloison.explain(world, "192.0.2.1", "a/@node/host1:443"))
    told = [line.removesuffix(" (taken)").strip() for line in text.splitlines()]
    assert first in told
    assert "in at border2, to dpu1 a/main: delivered" in told
    assert re.search(r"^2 ways; ", text, re.MULTILINE)
