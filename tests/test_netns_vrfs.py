"""The set-up of a node without VRF devices: every line in its namespace, or an error."""

from __future__ import annotations

from pathlib import Path

import pytest
from netns_vrfs import Spaces

from compiler.targets.hosts.linux import script
from fabric.building.build import build
from fabric.building.load import load_fabric

SMALL = Path(__file__).parents[1] / "topologies" / "small.yaml"


@pytest.fixture(scope="module")
def text() -> str:
    network = build(load_fabric(SMALL), lock=False)
    return script(network, next(vtep for vtep, _ in network.plan.instances))


def spaces(text: str) -> Spaces:
    return Spaces(text, lambda vrf: vrf or "node")


def test_every_line_is_carried_out_somewhere(text: str) -> None:
    found = spaces(text)
    (vrf, *_) = sorted({*found.at.values()})
    vni = vrf.removeprefix("vrf")
    node, inside = found.batches["node", ""], found.batches[vrf, ""]
    assert [line for line in node if vni in line][-1] == f"link set vni{vni} netns {vrf}"
    assert f"link set br{vni} addrgenmode none" in inside
    assert inside.index(f"link add {vrf} type veth peer name {vrf}-end") < inside.index(
        f"link set {vrf} up"
    )
    assert "route add unreachable ::/0 metric 4278198272" in inside
    assert "net/ipv4/ip_forward = 1" in found.switches[vrf]
    assert not any("swp" in line for line in found.switches[vrf])
    assert any("swp" in line for line in found.switches["node"])
    assert found.batches["node", "-6"] == ["rule add pref 32765 table local", "rule del pref 0"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("link set lo up", "link set lo down"),
        ("set -eu", "set -e"),
        ("set -eu", "set -eu\nip link set lo up"),
        (" nolearning", ""),
        ("rule del pref 0", "rule del pref 1"),
        ("addrgenmode none", "addrgenmode eui64"),
        ("ip -6 -batch -", "ip -batch -"),
        ("= 1", "= on"),
        ("neigh_suppress on", "neigh_suppress off"),
        ("\nEND\nip", "\nip"),
    ],
)
def test_a_line_that_it_does_not_know_is_an_error(old: str, new: str, text: str) -> None:
    assert old in text
    with pytest.raises((AssertionError, KeyError)):
        spaces(text.replace(old, new))
