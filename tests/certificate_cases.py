"""Honest certificates to forge, each with the one that its network deserves."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from routed import at, endpoint, routed

from compiler.policy.ir import Policy
from fabric.building.build import build
from fabric.building.inputs import input_files
from fabric.building.load import load_fabric
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated
from sim.checker.expected import expected, policy_of
from sim.proof.certificates.certificate import certificate
from sim.proof.prove import prove
from sim.worlds.world import World

TOPOLOGIES = Path(__file__).parents[1] / "topologies"
Case = tuple[Any, Any]


LEFT_OUT = Unevaluated(
    "cilium.io/v2", "CiliumNetworkPolicy", "web", "l7", None, "policy", "", "namespace", "acme"
)


def case(path: Path, *down: str, left_out: tuple[Unevaluated, ...] = ()) -> Case:
    """An honest certificate and the one that its network deserves."""
    network = build(load_fabric(path), down=down, lock=False)
    network = replace(network, not_evaluated=left_out)
    inputs = input_files(network.spec)
    proof = prove(World(network, policy_of(network)))
    written = json.loads(json.dumps(certificate(proof, inputs)))
    return written, expected(network, inputs)[0]


def two_ways() -> Case:
    """Of a network in which ECMP decides: one of two borders knows the destination."""
    ends = [
        at(0, endpoint(0, "acme/web/a", 0, "10.0.0.1/32")),
        at(1, endpoint(1, "zone2/inet", 1, "0.0.0.0/0", host=None)),
    ]
    tables = {
        (0, 0): [("10.0.0.1/32", [(0, 0)]), ("0.0.0.0/0", [(1, 1), (2, 1)])],
        (1, 1): [("10.0.0.1/32", [(0, 0)]), ("0.0.0.0/0", [(1, 1)])],
    }
    network = routed(["dpu1", "border1", "border2"], ["acme/main", "zone2/main"], ends, tables)
    written = certificate(prove(World(network, Policy())))
    return json.loads(json.dumps(written)), expected(network, (), Policy())[0]
