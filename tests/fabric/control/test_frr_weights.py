"""Weights of next hops in the kernel, where FRR runs our configuration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fabric_files import network_of, vrf, write_fabric
from frr_daemons import run, wait_for
from frr_lab import FrrLab, frr_lab
from frr_releases import RELEASES, Release

from fabric.building.network import Network
from fabric.control.weights import weights

pytestmark = [pytest.mark.root, pytest.mark.oracle("frr")]
LINKS = {"leaf1--spine1": {"speed": 100}, "dpu1--leaf2": {"speed": 50}}
ROUNDING = 0.02
"""8.4 installs percentages, 10.3 parts of 255."""


@pytest.mark.slices(2)
@pytest.mark.parametrize("release", RELEASES, ids=lambda r: r.name)
def test_kernels_below_frr_have_our_shares(tmp_path: Path, release: Release) -> None:
    site = {"spines": 2, "leaves": 4, "hosts_per_pair": 1, "borders": 0}
    live = {"a": ["n/p@host1", "n/q@host2"]}
    path = write_fabric(
        tmp_path, {"a": vrf("10.0.0.0/24")}, live, sites={"s": site}, links=LINKS,
        ecmp="bandwidth",
    )  # fmt: skip
    network = network_of(path)
    with frr_lab(network, release) as lab:
        wait_for(lambda: alike(network, lab), 40)
        assert alike(network, lab), (ours(network, lab), theirs(network, lab))


Shares = dict[tuple[str, str], dict[str, float]]
"""By node and loopback: the share of each port."""


def ours(network: Network, lab: FrrLab) -> Shares:
    out: Shares = {}
    for node in lab.nodes:
        for owner in lab.nodes:
            links = [link for _, link in network.underlay.ecmp(node, owner)]
            if len(links) > 1:
                found = weights(network.underlay, links)
                ports = [
                    network.fabric.links[n].a_port
                    if network.fabric.links[n].a == node
                    else network.fabric.links[n].b_port
                    for n in links
                ]
                shares = (weight / sum(found) for weight in found)
                key = network.fabric.nodes[node].name, network.plan.vtep(owner)
                out[key] = dict(zip(ports, shares, strict=True))
    return out


def theirs(network: Network, lab: FrrLab) -> Shares:
    out: Shares = {}
    for node in lab.nodes:
        routes = json.loads(run("ip", "-n", lab.name(node), "-j", "route", "show", "proto", "bgp"))
        for route in routes:
            hops = {hop["dev"]: hop["weight"] for hop in route.get("nexthops", ())}
            if len(hops) > 1:
                key = network.fabric.nodes[node].name, route["dst"]
                out[key] = {dev: weight / sum(hops.values()) for dev, weight in hops.items()}
    return out


def alike(network: Network, lab: FrrLab) -> bool:
    mine, found = ours(network, lab), theirs(network, lab)
    assert any(len({*shares.values()}) > 1 for shares in mine.values())
    return mine.keys() == found.keys() and all(
        found[key] == pytest.approx(mine[key], abs=ROUNDING) for key in mine
    )
