"""ECMP by bandwidth: flows follow the weights, traces take what replay takes, verdicts stay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from fabric_files import network_of, vrf, write_fabric

import cloison
from cloison.cli import main
from compiler.targets.hosts.frr import config
from fabric.building.network import Network
from sim.lab.up import underlay_line
from sim.packets.ecmp import outer_hash
from sim.pipeline.trace import underlay_path

LINKS = {"leaf1--spine1": {"speed": 100}, "leaf2--spine2": {"speed": 150}}
SITE = {"s": {"spines": 3, "leaves": 4, "hosts_per_pair": 1, "borders": 1}}
TENANTS = {"a": vrf("10.0.0.0/16"), "b": vrf("10.1.0.0/16")}
LIVE = {"a": ["n/p@host1", "n/q@host2"], "b": ["n/r@host1", "n/s@host2"]}
EXPECTED = [
    {"allow": "a/n/* -> a/n/*", "hold_under": ["any-1-link", "any-1-node"]},
    {"deny": "a/n/* -> b/n/*", "hold_under": ["any-1-link"]},
]


def fabric(folder: Path, **more: Any) -> Path:
    return write_fabric(folder, TENANTS, LIVE, sites=SITE, links=LINKS, expect=EXPECTED, **more)


@pytest.fixture
def network(tmp_path: Path) -> Network:
    return network_of(fabric(tmp_path, ecmp="bandwidth"))


def test_flows_follow_the_weights(network: Network) -> None:
    """At leaf1: 100, 400 and 400 of 900 Gbit/s; of 16,384 source ports each within five standard
    deviations. At leaf3 all links are alike."""
    here, there = (network.fabric.node(name).index for name in ("dpu1", "dpu2"))
    taken: dict[str, list[int]] = {}
    for port in range(49152, 65536):
        for hop in underlay_path(network, here, there, port) or ():
            taken.setdefault(network.fabric.nodes[hop.node].name, []).append(hop.link)
    for leaf, speeds in (("leaf1", (100, 400, 400)), ("leaf2", (400, 150, 400))):
        n = len(taken[leaf])
        assert n > 6000
        for spine, speed in zip(("spine1", "spine2", "spine3"), speeds, strict=True):
            link = network.fabric.links_by_name[f"{leaf}--{spine}"]
            share = speed / sum(speeds)
            expected, deviation = n * share, (n * share * (1 - share)) ** 0.5
            assert abs(taken[leaf].count(link) - expected) < 5 * deviation, (leaf, spine)
    assert outer_hash(49152, here, there) == outer_hash(49152, here, there)


def test_replay_takes_the_links_that_traces_take(tmp_path: Path) -> None:
    weighed = cloison.build(fabric(tmp_path, ecmp="bandwidth"))
    even = cloison.build(fabric(tmp_path))
    loads = []
    for world in (weighed, even):
        report = cloison.replay(world, random=20_000, seed=3).report
        assert report.delivered > 1000
        links = world.network.fabric.links_by_name
        loads.append([int(report.links[2 * links[f"leaf1--spine{n}"], 0]) for n in (1, 2, 3)])
        again = cloison.replay(world, random=20_000, seed=3).report
        assert np.array_equal(report.links, again.links)
    slow = [load[0] / sum(load) for load in loads]
    assert slow[0] == pytest.approx(1 / 9, abs=0.04) and slow[1] == pytest.approx(1 / 3, abs=0.06)


def test_verdicts_do_not_depend_on_weights(tmp_path: Path) -> None:
    said = []
    for how in ("equal", "bandwidth"):
        path = fabric(tmp_path, ecmp=how)
        done = CliRunner().invoke(main, ["verify", str(path), "-o", "json"])
        found = json.loads(done.stdout)
        found.pop("diagnostics")
        spof = CliRunner().invoke(main, ["spof", str(path), "-o", "json"])
        points = json.loads(spof.stdout)
        points.pop("diagnostics")
        said.append((done.exit_code, found, spof.exit_code, points))
    assert said[0] == said[1] and said[0][0] == 0


def test_explain_follows_a_member_of_the_route(network: Network) -> None:
    here, there = (network.fabric.node(name).index for name in ("leaf1", "dpu2"))
    hops = {underlay_path(network, here, there, port)[0].width for port in range(49152, 49252)}  # type: ignore[index]
    assert hops == {3}


def test_configurations_say_so_and_only_then(network: Network, tmp_path: Path) -> None:
    leaf, dpu = (network.fabric.node(name).index for name in ("leaf1", "dpu1"))
    text = config(network, leaf)
    for speed in (100, 200, 400):
        assert f"route-map SPEED-{speed} permit 10\n set extcommunity bandwidth {speed}\n" in text
    ports = {s.link: s.port for s in network.underlay.sessions if s.node == leaf}
    slow = ports[network.fabric.links_by_name["leaf1--spine1"]]
    assert f"  neighbor {slow} route-map SPEED-100 out\n" in text
    assert text.index("route-map SPEED-100 permit") < text.index("router bgp")
    own = config(network, dpu)
    wanted = "route-map OWN-200 permit 10\n match as-path OWN\n set extcommunity bandwidth 200\n"
    assert wanted in own and "route-map OWN-200 out" in own
    even = network_of(fabric(tmp_path))
    assert "bandwidth" not in config(even, leaf)


def test_kernels_get_the_same_weights(network: Network) -> None:
    leaf, dpu = (network.fabric.node(name).index for name in ("leaf1", "dpu2"))
    line = underlay_line(network, leaf, dpu)
    assert line is not None and [hop.weight for hop in line.hops] == [1, 4, 4]


def test_routes_show_weights(tmp_path: Path) -> None:
    path = fabric(tmp_path, ecmp="bandwidth")
    command = ["show", "routes", str(path), "--underlay", "--node", "leaf1"]
    rows = json.loads(CliRunner().invoke(main, [*command, "-o", "json"]).stdout)["rows"]
    (row,) = [row for row in rows if row["owner"] == "dpu2"]
    assert (row["via"], row["weights"]) == (["spine1", "spine2", "spine3"], [1, 4, 4])
    assert "weights" in CliRunner().invoke(main, command).stdout
    even = CliRunner().invoke(main, ["show", "routes", str(fabric(tmp_path)), "--underlay"])
    assert "weights" not in even.stdout
