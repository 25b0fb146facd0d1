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
HAIRPINS = Path(__file__).with_name("test_hairpins_in_kernels.py")


def below(tests: list[str], tmp_path: Path) -> None:
    """All of these tests pass there."""
    folder = qemu.kernel()
    require("qemu-system-x86_64", "busybox", "modprobe", "depmod", "ip", "nft")
    pytest_ = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "ignore"]
    done = qemu.run([*pytest_, *tests], folder, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(tests)} passed" in done.stdout


def test_vrf_devices_enforce_what_the_simulator_says(tmp_path: Path) -> None:
    tests = [
        f"{LAB}::test_the_kernel_agrees_on_every_packet[small]",
        f"{LAB}::test_what_one_tenant_may_opens_nothing_for_its_double",
        f"{LAB}::test_one_altered_entry_is_found_and_named",
    ]
    below(tests, tmp_path)


@pytest.mark.slices(6)
def test_vrf_devices_send_on_what_is_permitted_and_nothing_else(tmp_path: Path) -> None:
    tests = [
        f"{HAIRPINS}::test_a_kernel_would_send_on_what_a_rule_stops",
        f"{HAIRPINS}::test_a_kernel_sends_on_what_is_permitted",
    ]
    below(tests, tmp_path)
