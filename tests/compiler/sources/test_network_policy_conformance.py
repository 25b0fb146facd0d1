"""Upstream's reachability matrices, by definition, by entries and by arrays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from netpol_cases import PROTOCOLS, Cluster
from oracles import conformance

from fabric.building.cluster import cluster_network

pytestmark = pytest.mark.oracle("upstream")
FOLDER = conformance() / "netpol" / "k8s-e2e"
CASES = sorted(FOLDER.glob("*/expected.json"))


def test_every_case_is_there() -> None:
    assert len(CASES) == 58


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.parent.name[:40])
def test_reachability(path: Path) -> None:
    expected = json.loads(path.read_text())
    cluster = Cluster.of(cluster_network([path.parent / "manifests"]))
    pods = expected["pods"]
    for probe in expected["probes"]:
        protocol, port = PROTOCOLS[probe["protocol"]], probe["port"]
        rows = [
            "".join(
                "#" if wanted == "#" or src == dst
                else ".X"[not cluster.allows(src, dst, protocol, port)]
                for dst, wanted in zip(pods, row, strict=True)
            )
            for src, row in zip(pods, probe["allowed"], strict=True)
        ]  # fmt: skip
        wanted = [
            "".join("#" if i == j else cell for j, cell in enumerate(row))
            for i, row in enumerate(probe["allowed"])
        ]
        assert rows == wanted, (protocol, port)
