"""The lab with VRF devices, below user-mode Linux: the same trial on another kernel.

Debian's user-mode kernel has VRF devices, but nftables only for bridges: there the trial compares
routes (which VRF, which tunnel, which leak) and not policies, and says so.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import uml
from hairpin_fabric import hairpin
from oracles import require, unavailable

pytestmark = [pytest.mark.oracle("uml"), pytest.mark.slow]


def permitted(folder: Path) -> Path:
    """Packets of one tenant reach another by way of the border."""
    return hairpin(folder, hairpin="permit")


def small(_: Path) -> Path:
    """Leaks, no hairpins."""
    return Path(__file__).parents[3] / "topologies" / "small.yaml"


@pytest.mark.slices(2)
@pytest.mark.parametrize(("made", "flows"), [(small, 500), (permitted, 19)])
def test_vrf_devices_route_as_the_simulator_says(
    tmp_path: Path, made: Callable[[Path], Path], flows: int
) -> None:
    require("linux.uml", "busybox", "ip")
    if not uml.boots_here():
        if os.environ.get("CLOISON_LAB_KERNEL"):
            pytest.skip("user-mode Linux panics on this processor: test_lab_vrf runs below QEMU")
        unavailable("user-mode Linux panics on this processor: name a CLOISON_LAB_KERNEL")
    cloison = Path(sys.executable).parent / "cloison"
    asked = ["--port", "443/tcp", "-o", "json"] if made is permitted else ["-o", "json"]
    done = uml.run([cloison, "lab", "test", made(tmp_path), *asked], tmp_path)
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    assert data["vrfs"] == "VRF devices"
    assert data["rules"] is False
    assert data["rows"] == []
    for family in data["counts"]:
        if family["family"] == "IPv4" or made is small:
            assert family["allowed"] > flows
            assert family["replies"] > flows
    if made is permitted:
        assert data["left_out"] == 0, "with hairpin: deny these flows are left out"
