"""FRR out, facts in: every route that a network originates, with its route targets, what every VRF
imports, and every session come back; what does not come back is told as not known.

FRR's format has no VTEPs and no workloads: neither has the facts.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from compiled import compile_network
from diff_fabrics import fabric
from diff_worlds import fabric_world
from said_by_frr import announced, device, imported

from compiler.targets.hosts.frr import Frr
from compiler.targets.hosts.releases import FRR_8_4, FRR_10_3, Release
from fabric.building.build import build
from fabric.building.load import load_fabric
from fabric.building.network import Network

TOPOLOGIES = Path(__file__).parents[4] / "topologies"
RELEASES = (FRR_8_4, FRR_10_3)
FABRICS = 100


def holds(network: Network, release: Release) -> int:
    """Every node of a network; how many routes came back."""
    program, dump = compile_network(network), Frr(release)
    routes = 0
    for node in dump.nodes(program):
        read = device("x", dump.render(program, node))
        assert read.asn == network.plan.asn[node]
        assert str(read.router_id) == network.plan.vtep(node)
        ports = sorted(s.port for s in network.underlay.sessions if s.node == node)
        peers = [s for s in read.sessions if not s.down and s.unnumbered]
        assert sorted(s.peer for s in peers) == ports
        assert all([f.name for f in s.families if f.on] == ["ipv4", "evpn"] for s in peers)
        mine = [*network.routes.of(node)]
        assert announced(read) == {(r.rd, str(r.prefix)): {*r.rts} for r in mine}
        here = network.plan.vrfs_at(node)
        assert imported(read) == {network.vrfs[v].vni: {*network.fib.imports[v]} for v in here}
        assert [one.kind for one in read.unknowns] == ["interfaces"]
        routes += len(mine)
    return routes


@pytest.mark.parametrize("release", RELEASES, ids=lambda r: r.name)
@pytest.mark.parametrize("name", ["small", "demo"])
def test_examples_come_back(name: str, release: Release) -> None:
    network = build(load_fabric(TOPOLOGIES / f"{name}.yaml"), lock=False)
    assert holds(network, release) == len(network.routes)


@pytest.mark.slices(10)
@pytest.mark.parametrize("seed", range(FABRICS))
def test_random_fabrics_come_back(seed: int, tmp_path: Path) -> None:
    network, _ = fabric_world(tmp_path / "fabric", fabric(Random(seed)), ())
    assert holds(network, RELEASES[seed % 2])
