"""The lab with VRF devices, below user-mode Linux: the same trial on another kernel.

Debian's user-mode kernel has VRF devices, but nftables only for bridges: there the trial compares
routes (which VRF, which tunnel, which leak) and not policies, and says so.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
import uml
from oracles import require, unavailable

pytestmark = [pytest.mark.oracle("uml"), pytest.mark.slow]


def test_vrf_devices_route_as_the_simulator_says(tmp_path: Path) -> None:
    require("linux.uml", "busybox", "ip")
    if not uml.boots_here():
        if os.environ.get("CLOISON_LAB_KERNEL"):
            pytest.skip("user-mode Linux panics on this processor: test_lab_vrf runs below QEMU")
        unavailable("user-mode Linux panics on this processor: name a CLOISON_LAB_KERNEL")
    cloison = Path(sys.executable).parent / "cloison"
    small = Path(__file__).parents[3] / "topologies" / "small.yaml"
    done = uml.run([cloison, "lab", "test", small, "-o", "json"], tmp_path)
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    assert data["vrfs"] == "VRF devices"
    assert data["rules"] is False
    assert data["rows"] == []
    for family in data["counts"]:
        assert family["allowed"] > 500
        assert family["replies"] > 500
