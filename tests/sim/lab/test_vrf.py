"""The lab's own tests below a stock kernel: VRF devices and the compiled rules together.

Neither this machine's kernel nor user-mode Linux may have both. Ten times slower than here.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import qemu
from oracles import require

pytestmark = [pytest.mark.oracle("uml"), pytest.mark.slow]
LAB = Path(__file__).with_name("test_lab.py")


def test_vrf_devices_enforce_what_the_simulator_says(tmp_path: Path) -> None:
    folder = qemu.kernel()
    require("qemu-system-x86_64", "busybox", "modprobe", "depmod", "ip", "nft")
    tests = [
        f"{LAB}::test_the_kernel_agrees_on_every_packet[small]",
        f"{LAB}::test_what_one_tenant_may_opens_nothing_for_its_double",
        f"{LAB}::test_one_altered_entry_is_found_and_named",
    ]
    pytest_ = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "ignore"]
    done = qemu.run([*pytest_, *tests], folder, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout
