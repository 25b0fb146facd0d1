"""FRR with VRF devices below a stock kernel: neither this machine's nor user-mode Linux's has VRF
devices and bridges that know VLANs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import qemu
from frr_releases import FRR_8, FRR_10
from oracles import require

pytestmark = [pytest.mark.oracle("uml"), pytest.mark.slow]
DEVICES = Path(__file__).with_name("test_frr_devices.py")


@pytest.mark.slices(10)
def test_frr_and_vrf_devices(tmp_path: Path) -> None:
    folder = qemu.kernel()
    require("qemu-system-x86_64", "busybox", "modprobe", "depmod", "ip")
    for release in (FRR_8, FRR_10):
        release.require()
    alone = ["-p", "no:cacheprovider", "-p", "no:hypothesispytest", "--noconftest", "-rs"]
    command = [sys.executable, "-m", "pytest", *alone, "--durations=0", str(DEVICES)]
    done = qemu.run(["env", f"CLOISON_FRR_10={FRR_10.root}", *command], folder, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout and "skipped" not in done.stdout, done.stdout
