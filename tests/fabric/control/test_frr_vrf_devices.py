"""FRR on real VRF devices, from the files as they are: `NODE.sh` is run and nothing is added.

The kernels that tests are run on need not have them: below QEMU a stock one has. Routes are
compared as everywhere; and packets go from every VRF of every node to all that it has a route to,
also out of one tunnel and into another where a border's routes lead on.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import qemu
import yaml
from fabric_files import network_of, write_fabric
from frr_agreement import agree
from frr_daemons import run
from frr_lab import FrrLab, frr_lab, has_vrf_devices
from frr_releases import FRR_8, FRR_10, RELEASES, Release
from hairpin_fabric import hairpin
from oracles import require

from fabric.building.network import Network
from fabric.control.fib import NextHop
from fabric.values.inventory import Prefix

each_release = pytest.mark.parametrize("release", RELEASES, ids=lambda r: f"frr{r.name}")


@pytest.mark.oracle("uml")
@pytest.mark.slow
@pytest.mark.slices(16)
@pytest.mark.parametrize(
    ("below", "release"),
    [
        ("test_on_this_kernel[frr8.4]", FRR_8),
        ("test_on_this_kernel[frr10.3]", FRR_10),
        ("test_a_border_leads_on", FRR_10),
    ],
)
def test_below_a_stock_kernel(below: str, release: Release, tmp_path: Path) -> None:
    folder = qemu.kernel()
    require("qemu-system-x86_64", "busybox", "modprobe", "depmod", "ip", "bridge", "tc", "ping")
    release.require()
    pytest_ = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "ignore"]
    done = qemu.run([*pytest_, f"{Path(__file__)}::{below}"], folder, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


@each_release
def test_on_this_kernel(release: Release, tmp_path: Path) -> None:
    """VRFs a and b are peers on both of two leaves; c, on one of them, is b's."""
    only_with_vrf_devices()
    tenants = {
        t: {"vrfs": {"main": {"prefixes": [f"10.{n}.0.0/24", f"fd0{n}::/56"]}}}
        for n, t in enumerate("abc", 1)
    }
    pods = {"a": ["n/p@host1", "n/q@host2"], "b": ["n/p@host1", "n/q@host2"], "c": ["n/p@host1"]}
    site = {"spines": 1, "leaves": 2, "hosts_per_pair": 2, "borders": 0}
    peerings = [{"name": two, "between": [f"{t}/main" for t in two]} for two in ("ab", "bc")]
    more = {"sites": {"s": site}, "vtep": "leaf", "peerings": peerings}
    network = network_of(write_fabric(tmp_path, tenants, pods, **more))
    with frr_lab(network, release) as lab:
        assert lab.devices
        agree(lab, network)
        for node, vrf in network.plan.instances:
            for route in network.routes.of(node):
                if route.vrf == vrf:
                    where = ["dev", f"vrf{network.vrfs[vrf].vni}"]
                    where += ["nodad"] if route.prefix.version == 6 else []
                    run("ip", "-n", lab.name(node), "addr", "add", first(route.prefix), *where)
        wanted = {
            (node, vrf, first(route.prefix)): hop
            for node, vrf in network.plan.instances
            for route in network.fib.routes(node, vrf)
            for hop in route.nexthops
        }
        lost = {key for key in wanted if not answers(lab, network, *key)}
        assert lost == {
            key for key, hop in wanted.items() if not carried_on(release, network, *key[:2], hop)
        }
        assert bool(lost) == (release is FRR_8)


def test_a_border_leads_on(tmp_path: Path) -> None:
    """`red` has a default route to the border, whose own route leads on to `blue`: FRR and the
    kernel send the packet and its answer on, as `hairpin: permit` says, with one off their TTL."""
    only_with_vrf_devices()
    fabric = hairpin(tmp_path, hairpin="permit")
    file = yaml.safe_load(fabric.read_text())
    site = {"spines": 1, "leaves": 2, "hosts_per_pair": 2, "borders": 1}
    fabric.write_text(yaml.safe_dump({**file, "sites": {"s": site}}))
    network = network_of(fabric)
    ends = {e.tenant: e for e in network.endpoints if e.tenant in ("red", "blue")}
    with frr_lab(network, FRR_10) as lab:
        agree(lab, network)
        for end in ends.values():
            where = ["dev", f"vrf{network.vrfs[end.vrf].vni}"]
            run("ip", "-n", lab.name(end.vtep), "addr", "add", str(end.prefixes[0]), *where)
        red, blue = ends["red"], ends["blue"]
        source = str(red.prefixes[0][0])
        found = pinged(lab, network, red.vtep, red.vrf, str(blue.prefixes[0][0]), source)
        assert "ttl=63" in found, found


def only_with_vrf_devices() -> None:
    try:
        devices = has_vrf_devices("cln-vrf-probe")
    except (AssertionError, FileNotFoundError):
        devices = False
    if not devices:
        pytest.skip("no VRF devices here: below QEMU")


def carried_on(release: Release, network: Network, node: int, vrf: int, hop: NextHop) -> bool:
    """Whether a packet arrives, and its answer. 8.4 sends with the VNI of the VRF that has the
    route: the far node has to have this VRF, which takes it to the one that is meant."""
    there = {*network.plan.instances}
    both_there = (hop.vtep, vrf) in there and (node, hop.vrf) in there
    return release is FRR_10 or hop.vtep == node or both_there


def first(prefix: Prefix) -> str:
    """An address of a block, alone."""
    return f"{prefix[1]}/{prefix.max_prefixlen}"


def answers(lab: FrrLab, network: Network, node: int, vrf: int, address: str) -> bool:
    """Whether a VRF gets an echo from there."""
    return "ttl=" in pinged(lab, network, node, vrf, address.partition("/")[0])


def pinged(
    lab: FrrLab, network: Network, node: int, vrf: int, address: str, source: str | None = None
) -> str:
    """What ping says of an address, asked from a VRF."""
    ping = ["ping", "-I", f"vrf{network.vrfs[vrf].vni}", "-c", "1", "-W", "3"]
    ping += ["-I", source] if source else []
    command = ["ip", "netns", "exec", lab.name(node), *ping, address]
    return subprocess.run(command, capture_output=True, text=True).stdout
