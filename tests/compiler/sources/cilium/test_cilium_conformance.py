"""Verdicts of Cilium's own engine, by definition, by entries and by arrays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cilium_cases import DIALECT, RESERVED, decided, mark, place
from netpol_cases import PROTOCOLS, Cluster
from oracles import conformance

from compiler.policy.ir import Direction, Verdict
from compiler.requests.http_rules import HttpRequest, headers_of
from compiler.requests.request_verdicts import of_conditions
from fabric.building.cluster import cluster_network

pytestmark = pytest.mark.oracle("upstream")
FOLDER = conformance() / "netpol" / "cilium"
CASES = sorted(FOLDER.glob("*/*/expected.json"))
MATRICES = [path for path in CASES if path.parent.parent.name != "cilium-l7"]
REQUESTS = [path for path in CASES if path.parent.parent.name == "cilium-l7"]
WIDENED = "082-l7-http-and-l4-same-peer"
"""Cilium leads these packets through its proxy, which lets every request pass: no condition."""


def cluster(path: Path) -> Cluster:
    return Cluster.of(
        cluster_network([path.parent / "manifests"], dialect=DIALECT, entities=RESERVED)
    )


def test_every_case_is_there() -> None:
    assert (len(MATRICES), len(REQUESTS)) == (66, 3)


@pytest.mark.slices(4)
@pytest.mark.parametrize("path", MATRICES, ids=lambda path: path.parent.name[:60])
def test_reachability(path: Path) -> None:
    expected = json.loads(path.read_text())
    assert expected["parse_errors"] == []
    made, pods = cluster(path), expected["pods"]
    for probe in expected["probes"]:
        asked = PROTOCOLS[probe["protocol"]], probe["port"]
        for i, source in enumerate(pods):
            for j, target in enumerate(pods):
                found = {}
                for way, direction, local, remote in (
                    ("egress", Direction.OUT, source, target),
                    ("ingress", Direction.IN, target, source),
                ):
                    if probe[way][i][j] != "#":
                        verdict = decided(made, direction, local, remote, *asked)
                        assert ".X"[not verdict.permit] == probe[way][i][j], (way, source, target)
                        found[way] = verdict
                wanted = probe["allowed"][i][j]
                if path.parent.name == WIDENED:
                    wanted = wanted.replace("L", ".")
                assert wanted == "#" or mark(found.values()) == wanted, (source, target, asked)


@pytest.mark.parametrize("path", REQUESTS, ids=lambda path: path.parent.name)
def test_requests(path: Path) -> None:
    made = cluster(path)
    for flow in json.loads(path.read_text())["flows"]:
        source, target = flow["src"], flow["dst"]
        asked = PROTOCOLS[flow["protocol"]], flow["port"]
        verdicts = [decided(made, Direction.OUT, source, target, *asked)]
        if "dst_ip" not in flow and not place(made, target).startswith("ip:"):
            verdicts.append(decided(made, Direction.IN, target, source, *asked))
        assert mark(verdicts) == wanted(flow), flow
        assert fate(verdicts, flow) == flow["denied_at"], flow


def fate(verdicts: list[Verdict], flow: dict[str, Any]) -> str | None:
    """Where a request is denied, if it is."""
    if not all(verdict.permit for verdict in verdicts):
        return "L4"
    http = flow["http"]
    request = HttpRequest(http["method"], http["path"], "", headers_of(http["headers"]))
    found = [of_conditions(one.conditions, request, "normalised") for one in verdicts]
    assert None not in {one.holds for one in found}
    if not all(one.holds for one in found):
        return "L7"
    return "auth" if any(one.open for one in found) else None


def wanted(flow: dict[str, Any]) -> str:
    """The mark that fits what became of a request."""
    return {"L4": "X", "auth": "A", "L7": "L", None: "L"}[flow["denied_at"]]
