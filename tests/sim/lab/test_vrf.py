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
LAB, HAIRPINS = "test_lab.py", "test_hairpins_in_kernels.py"
TESTS = [
    f"{LAB}::test_the_kernel_agrees_on_every_packet[small]",
    f"{LAB}::test_what_one_tenant_may_opens_nothing_for_its_double",
    f"{LAB}::test_one_altered_entry_is_found_and_named",
    f"{HAIRPINS}::test_a_kernel_would_send_on_what_a_rule_stops",
    f"{HAIRPINS}::test_a_kernel_sends_on_what_is_permitted",
]
"""A commit asks one: most of its minute is the boot, and Python that starts."""


@pytest.mark.slices(len(TESTS))
@pytest.mark.parametrize("test", TESTS)
def test_vrf_devices_do_what_the_simulator_says(test: str, tmp_path: Path) -> None:
    folder = qemu.kernel()
    require("qemu-system-x86_64", "busybox", "modprobe", "depmod", "ip", "nft")
    pytest_ = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "ignore",
               "-p", "no:hypothesispytest", "-p", "no:xdist", "--noconftest"]  # fmt: skip
    done = qemu.run([*pytest_, f"{Path(__file__).parent}/{test}"], folder, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
