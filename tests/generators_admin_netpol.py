"""Random clusters with policies of their administrators, in tiers around NetworkPolicies.

Namespaces, labels, ports and blocks are those of `generators_netpol`, so that tiers disagree with
each other about the same pods. A cluster speaks one version of the API; policies of one tier have
different priorities.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from generators_netpol import (
    BLOCKS,
    LABELS,
    NAMESPACE_LABELS,
    NAMESPACES,
    NODES,
    PORT_NAMES,
    PORTS,
    PROTOCOLS,
    Flow,
    chance,
    cluster,
    labels,
    of_version,
    selector,
    some,
)  # fmt: skip

GROUP = "policy.networking.k8s.io"
NODE_LABELS = {"rack": ("r1", "r2"), "gpu": ("yes",)}
SPACES = {**NAMESPACE_LABELS, "kubernetes.io/metadata.name": NAMESPACES}
UNKNOWN = ({}, {"services": {"matchLabels": {"a": "b"}}}, {"identities": ["x"]})


def admin_cluster(rng: Random) -> list[dict[str, Any]]:
    """Objects of one cluster: what `cluster` makes with fewer NetworkPolicies, Nodes, tiers."""
    objects = [o for o in cluster(rng) if o["kind"] != "NetworkPolicy" or chance(rng, 30)]
    nodes = [node(rng, number, name) for number, name in enumerate(NODES, 1)]
    objects = [settled(rng, o, nodes) for o in objects]
    version = rng.choice(("v1alpha1", "v1alpha2", "v1beta1"))
    objects += [*nodes, *tiers(rng, version)]
    rng.shuffle(objects)
    return objects


def node(rng: Random, number: int, name: str) -> dict[str, Any]:
    addresses = [{"type": "InternalIP", "address": f"192.0.2.{number}"}]
    if chance(rng, 60):
        addresses.append({"type": "InternalIP", "address": f"fd01:2::{number}"})
    if chance(rng, 40):
        addresses.append({"type": "ExternalIP", "address": f"203.0.113.{number}"})
    host = f"192.0.2.{200 + number}" if chance(rng, 30) else name
    addresses.append({"type": "Hostname", "address": host})
    rng.shuffle(addresses)
    meta = {"name": name, "labels": labels(rng, NODE_LABELS)}
    status = {"addresses": addresses}
    return {"apiVersion": "v1", "kind": "Node", "metadata": meta, "status": status}


def node_flows(
    rng: Random, objects: list[dict[str, Any]], addresses: dict[str, list[str]], count: int
) -> Iterator[Flow]:
    """Flows from pods to what nodes report as their addresses, of which nobody else has any."""
    told = [a["address"] for o in objects if o["kind"] == "Node" for a in o["status"]["addresses"]]
    owned = {ip for ips in addresses.values() for ip in ips}
    ips = sorted({ip for ip in told if ip not in NODES} - owned)
    for _ in range(count if ips else 0):
        src, ip = rng.choice(sorted(addresses)), rng.choice(ips)
        mine = of_version(addresses[src], 6 if ":" in ip else 4)
        if mine:
            yield Flow(src, rng.choice(mine), "", ip, rng.choice(PROTOCOLS), rng.choice(PORTS))


def settled(rng: Random, item: dict[str, Any], nodes: list[dict[str, Any]]) -> dict[str, Any]:
    """A host-network pod on a node has the node's addresses, as in any cluster."""
    if item["kind"] != "Pod" or not item["spec"].get("hostNetwork"):
        return item
    home = rng.choice(nodes)
    ips = [a["address"] for a in home["status"]["addresses"] if a["type"] == "InternalIP"]
    spec = {**item["spec"], "nodeName": home["metadata"]["name"]}
    status = {"phase": "Running", "podIP": ips[0], "podIPs": [{"ip": ip} for ip in ips]}
    return {**item, "spec": spec, "status": status}


def tiers(rng: Random, version: str) -> list[dict[str, Any]]:
    """Policies of both tiers; none of them is possible too."""
    priorities = iter(rng.sample((0, 1, 2, 7, 50, 51, 99, 100, 999, 1000), 8))
    first = [
        wide(rng, version, f"a{n}", "Admin", next(priorities)) for n in range(rng.randint(0, 4))
    ]
    most = 1 if version == "v1alpha1" else 3
    last = [
        wide(rng, version, f"b{n}", "Baseline", next(priorities))
        for n in range(rng.choice((0, most, most)))
    ]
    return first + last


def wide(rng: Random, version: str, name: str, tier: str, priority: int) -> dict[str, Any]:
    old = version == "v1alpha1"
    spec: dict[str, Any] = {"priority": priority, "subject": pods(rng)}
    kind = "ClusterNetworkPolicy"
    if not old:
        spec["tier"] = tier
    elif tier == "Admin":
        kind = "AdminNetworkPolicy"
    else:
        del spec["priority"]
        kind, name = "BaselineAdminNetworkPolicy", "default"
    actions = ["Allow" if old else "Accept", "Deny"]
    if not old or tier == "Admin":
        actions.append("Pass")
    for side, key in (("ingress", "from"), ("egress", "to")):
        if chance(rng, 70):
            spec[side] = [rule(rng, old, key, actions) for _ in range(rng.randint(1, 4))]
    return {
        "apiVersion": f"{GROUP}/{version}", "kind": kind, "metadata": {"name": name}, "spec": spec,
    }  # fmt: skip


def pods(rng: Random) -> dict[str, Any]:
    """Pods by their namespaces, maybe by labels of their own."""
    if chance(rng, 50):
        return {"namespaces": selector(rng, SPACES)}
    chosen = {"namespaceSelector": selector(rng, SPACES), "podSelector": selector(rng, LABELS)}
    return {"pods": chosen}


def rule(rng: Random, old: bool, key: str, actions: list[str]) -> dict[str, Any]:
    peers = [peer(rng, key) for _ in range(rng.choice((1, 1, 1, 2, 3)))]
    out: dict[str, Any] = {"action": rng.choice(actions), key: peers}
    if chance(rng, 30):
        out["name"] = f"r{rng.randint(0, 9)}"
    named = not any({"nodes", "networks"} & {*p} for p in peers)
    if chance(rng, 60):
        ports = [port(rng, old, named) for _ in range(rng.randint(1, 3))]
        out["ports" if old else "protocols"] = ports
    return out


def peer(rng: Random, key: str) -> dict[str, Any]:
    if chance(rng, 4):
        return dict(rng.choice(UNKNOWN))
    kind = rng.randrange(4) if key == "to" else 0
    if kind == 3:
        return {"nodes": selector(rng, NODE_LABELS)}
    if kind == 2:
        blocks = sorted({*BLOCKS, *(hole for holes in BLOCKS.values() for hole in holes)})
        return {"networks": some(rng, blocks, 2) or [rng.choice(blocks)]}
    return pods(rng)


def port(rng: Random, old: bool, named: bool) -> dict[str, Any]:
    kind = rng.randrange(3 if named else 2)
    if kind == 2:
        return {"namedPort" if old else "destinationNamedPort": rng.choice(PORT_NAMES)}
    number, protocol = rng.choice(PORTS), rng.choice(PROTOCOLS)
    start, end = sorted(rng.sample((1, 52, 53, 80, 8080, 65535), 2))
    if old:
        said = {"protocol": protocol} if chance(rng, 70) else {}
        if kind:
            return {"portRange": {**said, "start": start, "end": end}}
        return {"portNumber": {**said, "port": number}}
    wanted = {"range": {"start": start, "end": end}} if kind else {"number": number}
    return {protocol.lower(): {"destinationPort": wanted}}
