"""A twin straight from YAML == definition == entries == arrays, on random clusters."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from random import Random

import pytest
import yaml
from generators_netpol import Flow, cluster, flows, text
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from naive_netpol import Twin
from netpol_cases import PROTOCOLS, Cluster

from fabric.cluster import cluster_network

CLUSTERS, FLOWS, PARTS = 520, 30, 4


def compare(rng: Random, path: Path) -> list[tuple[Flow, bool]]:
    """Flows of one random cluster with their verdicts, on which all agree."""
    objects = cluster(rng)
    path.write_text(text(rng, objects))
    read = [
        item
        for document in yaml.load_all(path.read_text(), yaml.CSafeLoader)
        for item in (document["items"] if document["kind"] == "List" else [document])
    ]
    made = Cluster.of(cluster_network([path]))
    addresses = {
        name.removeprefix("cluster/"): [str(p.network_address) for p in e.prefixes]
        for e in made.network.endpoints
        for name in (e.aliases if e.kind == "node" else (e.name,))
        if e.kind != "zone"
    }
    twin = Twin(read, addresses)
    out = []
    for flow in flows(rng, read, addresses, FLOWS):
        expected = twin.allows(flow.src_ip, flow.dst_ip, flow.protocol, flow.port)
        found = made.allows_between(flow.src_ip, flow.dst_ip, PROTOCOLS[flow.protocol], flow.port)
        assert found == expected, flow
        out.append((flow, found))
    return out


@pytest.mark.slow
@pytest.mark.slices(PARTS)
@pytest.mark.parametrize("part", range(PARTS))
def test_many_clusters_many_flows(tmp_path: Path, part: int) -> None:
    seen = [
        verdict
        for seed in range(part, CLUSTERS, PARTS)
        for verdict in compare(Random(seed), tmp_path / "c.yaml")
    ]
    assert len(seen) >= 10_000 // PARTS
    allowed = sum(verdict for _, verdict in seen)
    assert 0.2 < allowed / len(seen) < 0.8
    v6 = sum(ip_address(flow.dst_ip).version == 6 for flow, _ in seen)
    assert 0.2 < v6 / len(seen) < 0.8


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.randoms(use_true_random=False))
def test_any_cluster(tmp_path: Path, rng: Random) -> None:
    compare(rng, tmp_path / "c.yaml")
