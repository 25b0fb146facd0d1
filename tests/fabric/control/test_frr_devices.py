"""What releases of FRR do with routes of other VRFs where VRFs are devices, down to the packet, and
what a single VXLAN device changes. `test_frr_below_qemu` runs this where the kernel has them."""

from __future__ import annotations

import pytest
from frr_daemons import wait_for
from frr_pair import VNIS, Pair, has_devices
from frr_releases import FRR_8, FRR_10
from oracles import require, require_root

pytestmark = [pytest.mark.root, pytest.mark.oracle("uml")]
FAR_RED, FAR_BLUE = "10.2.1.0/24", "10.2.2.0/24"
BOTH_WAYS = {"red": f"65000:{VNIS['blue']}", "blue": f"65000:{VNIS['red']}"}
PATIENCE = 200
"""Seconds; every instruction may be emulated."""


@pytest.fixture(autouse=True)
def _devices() -> None:
    require("ip", "bridge")
    require_root()
    if not has_devices():
        pytest.skip("this kernel has no VRF devices or no bridges that know VLANs")


def test_a_single_device_sends_with_the_vni_of_the_route() -> None:
    """10.3: downstream VNI, as the model has it; leaf 2 answers in the same way."""
    with Pair(FRR_10, devices=True, single=True, one_mac=True, imports=BOTH_WAYS).up() as pair:
        assert wait_for(lambda: "encap" in pair.in_kernel(1, "red", FAR_BLUE), PATIENCE)
        assert wait_for(lambda: "encap" in pair.in_kernel(2, "blue", "10.1.1.0/24"), PATIENCE)
        words = pair.in_kernel(1, "red", FAR_BLUE).split()
        assert words[words.index("id") + 1] == str(VNIS["blue"])
        assert words[words.index("dst") + 1] == "10.0.0.2"
        assert words[words.index("dev") + 1] == "vxlan0"
        assert "dev vlan501" in pair.in_kernel(1, "red", FAR_RED)
        assert pair.answers(1, "red", pair.address(2, "red"))
        assert pair.answers(1, "red", pair.address(2, "blue"))


def test_8_does_not_know_a_single_device() -> None:
    """Its VNIs have no device, so that VRFs announce nothing; sessions are up all the same."""
    with Pair(FRR_8, devices=True, single=True).up() as pair:
        assert wait_for(lambda: "10.0.0.2/32" in pair.show(1, "show ip route"), PATIENCE)
        for vni in VNIS.values():
            assert pair.show(1, f"show evpn vni {vni}")["state"] == "Down"
        assert pair.show(1, "show bgp l2vpn evpn route type prefix")["numPrefix"] == 0
