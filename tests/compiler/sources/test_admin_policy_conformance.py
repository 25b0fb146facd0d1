"""Upstream's verdicts about cluster-wide policies, by definition, by entries and by arrays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from netpol_cases import PROTOCOLS, Cluster
from oracles import conformance

from compiler.policy.source import with_unclaimed
from compiler.sources import SOURCES
from fabric.building.cluster import cluster_network

pytestmark = pytest.mark.oracle("upstream")
FOLDER = conformance() / "netpol"
CASES = sorted(FOLDER.glob("npa-conformance-*/*/expected.json"))


def test_every_case_is_there() -> None:
    assert len(CASES) == 120


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.parent.name)
def test_flows(path: Path) -> None:
    expected = json.loads(path.read_text())
    cluster = Cluster.of(cluster_network([path.parent / "manifests"]))
    assert with_unclaimed(cluster.network, SOURCES).not_evaluated == ()
    wrong = []
    for flow in expected["flows"]:
        source = cluster.address(flow["src"])
        found = cluster.allows_between(
            source, flow["dst_ip"], PROTOCOLS[flow["protocol"]], flow["port"]
        )
        if found != flow["allowed"]:
            wrong.append((flow["src"], flow["dst"], flow["protocol"], flow["port"], found))
    assert wrong == []
