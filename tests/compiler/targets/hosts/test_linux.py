"""`NODE.sh` read back, and its names against a shell. Whether a kernel takes it, and FRR runs on
what it makes, is for the tests that run them."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from compiled import compile_network
from netns_vrfs import documents, vrfs

from compiler.targets.hosts.frr import config
from compiler.targets.hosts.linux import Linux, script, table
from compiler.targets.hosts.vxlan_devices import VLANS, per_vni, single
from fabric.building.build import build
from fabric.building.load import load_fabric
from fabric.building.network import Network
from fabric.diagnostics import InputError
from fabric.wiring.topology import Role

TAKEN = "filter add dev br{} ingress protocol all matchall action skbedit ptype host"
TOPOLOGIES = Path(__file__).parents[4] / "topologies"


@pytest.fixture(scope="module", params=["small", "demo", "namespaces"])
def network(request: pytest.FixtureRequest) -> Network:
    return build(load_fabric(TOPOLOGIES / f"{request.param}.yaml"), lock=False)


def test_a_node_is_what_the_network_says(network: Network) -> None:
    """Its address, its ports, its VRFs with their VNIs and router MACs."""
    speakers = [n.index for n in network.fabric.nodes if n.role is not Role.HOST]
    assert [*Linux(single).nodes(compile_network(network))] == speakers
    for node in speakers:
        text = script(network, node)
        lines = documents(text)["ip -batch -"]
        ports = {s.port for s in network.underlay.sessions if s.node == node}
        up = re.findall(r"^link set (\S+) mtu 9216 up$", text, re.M)
        assert {*up} == ports and len(up) == len(ports)
        assert f"addr add {network.plan.vtep(node)}/32 dev lo" in lines
        here = [vrf for vtep, vrf in network.plan.instances if vtep == node]
        assert vrfs(text) == [f"vrf{network.vrfs[vrf].vni}" for vrf in here]
        for vrf in here:
            vni, mac = network.vrfs[vrf].vni, network.plan.router_mac[node, vrf]
            assert f"link add vrf{vni} type vrf table {table(vni)}" in lines
            assert f"link add br{vni} address {mac} mtu 9100 type bridge stp_state 0" in lines
            assert f"link set vni{vni} master br{vni} addrgenmode none" in lines
            assert f"link set br{vni} master vrf{vni} addrgenmode none" in lines
            assert f"link set br{vni} promisc on up" in lines
            assert TAKEN.format(vni) in documents(text)["tc -batch -"]
            ends = [line for line in lines if f" table {table(vni)} " in line]
            assert [line.split()[3] for line in ends] == ["0.0.0.0/0", "::/0"]
        assert ("ip -6 -batch -" in documents(text)) == bool(here)


def test_a_single_device_serves_every_vni(network: Network) -> None:
    """A VLAN each, with its VNI, its SVI in its VRF, and the router MAC; VRFs are as ever."""
    for node in {vtep for vtep, _ in network.plan.instances}:
        text = script(network, node, single)
        found = documents(text)
        here = [vrf for vtep, vrf in network.plan.instances if vtep == node]
        assert vrfs(text) == vrfs(script(network, node))
        tunnels = [line for line in found["ip -batch -"] if " type vxlan " in line]
        assert len(tunnels) == 1
        assert f" local {network.plan.vtep(node)} " in tunnels[0]
        vlans: dict[int, str] = {}
        for vrf in here:
            vni, mac = network.vrfs[vrf].vni, network.plan.router_mac[node, vrf]
            svi = rf"link add br{vni} link br0 address {mac} mtu 9100 type vlan id (\d+)"
            (vlan,) = (m[1] for line in found["ip -batch -"] if (m := re.fullmatch(svi, line)))
            vlans[vni] = vlan
            assert f"link set br{vni} master vrf{vni} addrgenmode none" in found["ip -batch -"]
            assert found["bridge -batch -"].count(f"vlan add vid {vlan} dev br0 self") == 1
            assert (
                f"vlan add vid {vlan} tunnel_info id {vni} dev vxlan0" in found["bridge -batch -"]
            )
            assert f"vni add vni {vni} dev vxlan0" in found["bridge -batch -"]
            taken = (
                f"filter add dev br{vni} ingress protocol all matchall action skbedit ptype host"
            )
            assert taken in found["tc -batch -"]
        assert len({*vlans.values()}) == len(here)
        assert len(found["bridge -batch -"]) == 4 * len(here)


def test_more_vrfs_than_vlans_are_refused(network: Network) -> None:
    node, vrf = network.plan.instances[0]
    assert len(single(network, node, [vrf] * VLANS)["tc"]) == 2 * VLANS
    with pytest.raises(InputError, match="C865"):
        single(network, node, [vrf] * (VLANS + 1))
    assert len(per_vni(network, node, [vrf] * (VLANS + 1))["ip"]) > VLANS


def test_a_node_without_vrfs_has_no_tunnels(network: Network) -> None:
    node = next(n.index for n in network.fabric.nodes if n.role is Role.SPINE)
    assert documents(script(network, node)) == documents(script(network, node, single))
    assert [*documents(script(network, node))] == ["sysctl -q -p -", "ip -batch -"]


def test_tables_are_no_table_of_the_kernels_and_no_other_vrfs() -> None:
    few = [*range(1, 1000), 16777214, 16777215]
    assert not {table(vni) for vni in few} & {0, 253, 254, 255}
    assert len({table(vni) for vni in few}) == len(few)
    assert table(5001) == 5001


@pytest.mark.parametrize(
    "name",
    [
        *(
            "a\nEND\ntouch made",
            "$(touch made)",
            "swp1 up; x",
            "#",
            "sixteen-letters-",
            "",
            "Eth1/1",
        ),
        *("lo", "all", "default", "vrf10001", "br0", "vxlan0", "ep3", "j1t2", "FABRIC", "10.0.0.1"),
    ],
)
def test_a_port_that_is_no_interface_is_refused(name: str, network: Network) -> None:
    """Python may give any, a fabric file some; neither writer takes them."""
    first = next(link for link in network.fabric.links if link.kind != "host")
    links = tuple(
        replace(link, b_port=name) if link is first else link for link in network.fabric.links
    )
    changed = replace(network, fabric=replace(network.fabric, links=links))
    with pytest.raises(InputError, match="C869"):
        script(changed, first.b)
    with pytest.raises(InputError, match="C869"):
        config(changed, first.b)


def test_no_name_is_a_command(network: Network, tmp_path: Path) -> None:
    """Names of nodes, fabrics and VRFs stand in comments only: the shell runs the same commands."""
    ugly = "x\n$(touch made)`touch made`'\"\nEND\ntouch made\n"
    fabric = network.fabric
    node = next(vtep for vtep, _ in network.plan.instances)
    nodes_ = tuple(replace(n, name=ugly) if n.index == node else n for n in fabric.nodes)
    changed = replace(
        network,
        spec=network.spec.model_copy(update={"name": ugly}),
        fabric=replace(fabric, nodes=nodes_),
        vrfs=tuple(replace(vrf, name=ugly) for vrf in network.vrfs),
    )
    text = script(changed, node, single)
    assert documents(text) == documents(script(network, node, single))
    for command in ("sysctl", "ip", "bridge", "tc"):
        (tmp_path / command).write_text(f'#!/bin/sh\necho {command} "$@" >>asked\ncat >/dev/null\n')
        (tmp_path / command).chmod(0o755)
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    subprocess.run(["sh"], input=text, text=True, check=True, cwd=tmp_path, env=path)
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked == [*documents(text)]
    assert len(asked) == 5
    assert not (tmp_path / "made").exists()
