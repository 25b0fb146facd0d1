"""Law: a node that joins, and a pod on it, change nothing for those who were there, whatever
policies say of pods and their own nodes: how a pod fares with other nodes was so before there were
any."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from generators_cilium import cilium_cluster
from generators_netpol import cluster

from cloison.loading.how import How
from cloison.views.world import World
from compiler.policy.ir import Origin, Policy
from compiler.policy.origin_kinds import DEFAULT
from compiler.sources import SOURCES, network_policy
from fabric.building.network import Network
from fabric.diagnostics import UndecidedError
from sim.diff.diff import Diff, diff

PAIRS = 60
FIRST, SECOND = (
    {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": f"n{number}"},
        "status": {
            "addresses": [
                {"type": "InternalIP", "address": f"192.0.2.{number}"},
                {"type": "InternalIP", "address": f"fd01:2::{number}"},
            ]
        },
    }
    for number in (1, 2)
)
GUEST = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "guest", "namespace": "fresh"},
    "spec": {"nodeName": "n2", "containers": []},
    "status": {"podIP": "172.16.0.9", "podIPs": [{"ip": "172.16.0.9"}, {"ip": "2001:db8:9::9"}]},
}
ELDER = {
    **GUEST,
    "metadata": {"name": "elder", "namespace": "fresh"},
    "spec": {"nodeName": "n1", "containers": []},
    "status": {"podIP": "172.16.0.8", "podIPs": [{"ip": "172.16.0.8"}, {"ip": "2001:db8:9::8"}]},
}
FRESH = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "fresh"}}


def on_one_node(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All pods on the first node, and no other node."""
    out = [deepcopy(o) for o in objects if o["kind"] != "Node"]
    for found in out:
        for spec in (found.get("spec", {}), found.get("spec", {}).get("template", {}).get("spec")):
            if spec and "containers" in spec:
                spec["nodeName"] = "n1"
                if spec.get("hostNetwork"):
                    ips = [a["address"] for a in FIRST["status"]["addresses"]]
                    found["status"]["podIP"] = ips[0]
                    found["status"]["podIPs"] = [{"ip": ip} for ip in ips]
    return [*out, FRESH, FIRST, ELDER]


def before_and_after(
    folder: Path, objects: list[dict[str, Any]], dialect: Any, sources: Any = None
) -> Diff:
    """What a second node changes."""
    worlds = []
    for name, more in (("old", []), ("new", [SECOND, GUEST])):
        (folder / name).mkdir()
        (folder / name / "all.yaml").write_text(yaml.safe_dump_all([*objects, *more]))
        worlds.append(World.read([folder / name], How(dialect=dialect, sources=sources)))
    return diff(*worlds)


@pytest.mark.slices(20)
@pytest.mark.parametrize("seed", range(PAIRS))
def test_what_was_there_fares_as_before(seed: int, tmp_path: Path) -> None:
    rng = Random(seed)
    cilium = seed % 3 > 0
    objects = on_one_node((cilium_cluster if cilium else cluster)(rng))
    try:
        found = before_and_after(tmp_path, objects, "cilium-1.20" if cilium else "kubernetes")
    except UndecidedError as error:
        assert cilium and "C876" in str(error)
        return
    for change in found.changes:
        ends = (change.row.source.name, change.row.target.name)
        assert "cluster/fresh/guest" in ends, change


def test_most_pairs_are_decided(tmp_path: Path) -> None:
    """And most of them have a row: of whom joined, not of those who were there."""
    objects = on_one_node(cilium_cluster(Random(1)))
    assert before_and_after(tmp_path, objects, "cilium-1.20").changes


def test_a_source_of_others_may_call_the_rule_as_it_likes(tmp_path: Path) -> None:
    def policy(network: Network) -> Policy:
        found = network_policy.policy(network)
        kubelet = Origin(DEFAULT, "the kubelet of its host")
        return replace(
            found,
            rules=tuple(
                replace(r, origin=kubelet) if any(m.near for m in r.remote) else r
                for r in found.rules
            ),
        )

    meta = {"name": "shut", "namespace": "fresh"}
    spec = {"podSelector": {}, "policyTypes": ["Ingress"]}
    shut = {
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta,
        "spec": spec,
    }  # fmt: skip
    others = replace(network_policy.SOURCE, policy=policy)
    sources = tuple(others if s is network_policy.SOURCE else s for s in SOURCES)
    found = before_and_after(tmp_path, [FRESH, FIRST, ELDER, shut], "kubernetes", sources)
    names = {(c.row.source.name, c.row.target.name) for c in found.changes}
    assert ("cluster/@node/*", "cluster/fresh/elder") not in names
    assert ("cluster/fresh/guest", "cluster/@node/*") in names


@pytest.mark.parametrize("entity", ["host", "remote-node"])
@pytest.mark.parametrize("side", ["ingress", "ingressDeny"])
def test_rules_about_own_and_other_nodes_say_so_before_there_are_any(
    entity: str, side: str, tmp_path: Path
) -> None:
    pod = deepcopy(GUEST)
    pod["metadata"] = {"name": "db", "namespace": "shop"}
    pod["spec"]["nodeName"] = "n1"
    pod["status"]["podIP"] = "10.1.0.9"
    pod["status"]["podIPs"] = [{"ip": "10.1.0.9"}]
    spec = {"endpointSelector": {}, side: [{"fromEntities": [entity]}]}
    meta = {"name": "nodes", "namespace": "shop"}
    rule = {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": meta,
        "spec": spec,
    }
    found = before_and_after(tmp_path, [pod, FRESH, FIRST, ELDER, rule], "cilium-1.20")
    names = {(c.row.source.name, c.row.target.name) for c in found.changes}
    assert ("cluster/@node/*", "cluster/shop/db") not in names
    assert ("cluster/@node/*", "cluster/fresh/guest") in names
