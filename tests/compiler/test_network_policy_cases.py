"""Small cases, one file each: flows that a policy must allow and deny, by three evaluators.

The first document of a file is the expectation, the rest are manifests. Numbers follow what often
goes wrong: empty lists, protocols, named ports, selectors, blocks, host network, replicas, ranges.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from netpol_cases import Cluster

from fabric.building.cluster import cluster_network
from fabric.values.ports import parse_ports

FOLDER = Path(__file__).parent / "netpol"
CASES = sorted(FOLDER.glob("*.yaml"))


def passes(cluster: Cluster, flow: str) -> bool:
    source, _, rest = flow.partition(" -> ")
    target, _, port = rest.rpartition(":")
    wanted = parse_ports(port)[0]
    number = wanted.first if wanted.first == wanted.last else 0
    return cluster.allows(source, target, wanted.protocol, number)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path, tmp_path: Path) -> None:
    head, manifests = path.read_text().split("---\n", 1)
    expected: dict[str, Any] = yaml.safe_load(head)
    allow, deny = expected.pop("allow"), expected.pop("deny")
    copy = tmp_path / path.name
    copy.write_text(manifests)
    cluster = Cluster.of(cluster_network([copy], **expected))
    verdicts = {flow: passes(cluster, flow) for flow in (*allow, *deny)}
    assert verdicts == {**dict.fromkeys(allow, True), **dict.fromkeys(deny, False)}
