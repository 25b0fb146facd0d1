"""Random clusters in which Cilium enforces policies: its own beside those of namespaces and of
administrators.

Namespaces, labels, ports and blocks are those of `generators_netpol`, so that policies of all kinds
disagree about the same pods.
"""

from __future__ import annotations

from random import Random
from typing import Any

from generators_admin_netpol import node, settled, wide
from generators_netpol import (
    BLOCKS,
    LABELS,
    NAMESPACE_LABELS,
    NAMESPACES,
    NODES,
    PORT_NAMES,
    PORTS,
    chance,
    cluster,
    one,
    selector,
    some,
)

ACCOUNTS = ("default", "robot")
ENTITIES = ("all", "world", "world-ipv4", "world-ipv6", "cluster", "host", "remote-node", "none")
NAMESPACE, SPACE_LABELS = "io.kubernetes.pod.namespace", "io.cilium.k8s.namespace.labels."
ACCOUNT, CLUSTER = "io.cilium.k8s.policy.serviceaccount", "io.cilium.k8s.policy.cluster"
SIDES = {"ingress": "from", "ingressDeny": "from", "egress": "to", "egressDeny": "to"}
PATHS = ("/a", "/b")


def cilium_cluster(rng: Random) -> list[dict[str, Any]]:
    """Objects of one cluster: what `cluster` makes with fewer NetworkPolicies, Nodes, tiers, and
    Cilium's policies."""
    objects = [o for o in cluster(rng) if o["kind"] != "NetworkPolicy" or chance(rng, 30)]
    nodes = [node(rng, number, name) for number, name in enumerate(NODES, 1)]
    objects = [with_account(rng, settled(rng, o, nodes)) for o in objects]
    tiers = [
        without_nodes(wide(rng, "v1alpha2", f"{tier}{n}", tier, priority))
        for tier in ("Admin", "Baseline")
        for n, priority in enumerate(rng.sample((0, 1, 7, 50, 1000), rng.choice((0, 0, 1, 2))))
    ]
    for item in tiers:
        item["metadata"]["name"] = item["metadata"]["name"].lower()
    declared = {o["metadata"]["name"] for o in objects if o["kind"] == "Namespace"}
    objects += [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        for name in NAMESPACES if name not in declared
    ]  # fmt: skip
    objects += [*nodes, *tiers, *(policy(rng, f"c{n}") for n in range(rng.randint(1, 5)))]
    rng.shuffle(objects)
    return objects


def with_account(rng: Random, item: dict[str, Any]) -> dict[str, Any]:
    """A pod with a service account of its own, or not."""
    if item["kind"] == "Pod" and chance(rng, 50):
        return {**item, "spec": {**item["spec"], "serviceAccountName": rng.choice(ACCOUNTS)}}
    return item


def without_nodes(item: dict[str, Any]) -> dict[str, Any]:
    """A cluster-wide policy that Cilium does not refuse."""
    for rule in item["spec"].get("egress") or []:
        rule["to"] = [{"namespaces": {}} if "nodes" in peer else peer for peer in rule["to"]]
    return item


def policy(rng: Random, name: str) -> dict[str, Any]:
    wide_one = chance(rng, 30)
    kind = "CiliumClusterwideNetworkPolicy" if wide_one else "CiliumNetworkPolicy"
    meta = {"name": name} if wide_one else {"name": name, "namespace": rng.choice(NAMESPACES)}
    out: dict[str, Any] = {"apiVersion": "cilium.io/v2", "kind": kind, "metadata": meta}
    if chance(rng, 20):
        out["specs"] = [spec(rng) for _ in range(rng.randint(1, 2))]
    if "specs" not in out or chance(rng, 30):
        out["spec"] = spec(rng)
    return out


def spec(rng: Random) -> dict[str, Any]:
    out: dict[str, Any] = {"endpointSelector": chosen(rng, own=True)}
    for side in SIDES:
        if chance(rng, 45):
            out[side] = [rule(rng, side) for _ in range(rng.choice((0, 1, 1, 2, 3)))]
    if not any(out.get(side) for side in SIDES):
        out[rng.choice(sorted(SIDES))] = [{}]
    if chance(rng, 25):
        out["enableDefaultDeny"] = {
            key: chance(rng, 40) for key in some(rng, ("ingress", "egress"), 2)
        }
    return out


def chosen(rng: Random, own: bool = False) -> dict[str, Any]:
    """A selector of endpoints: labels of pods, and maybe of their namespaces and accounts."""
    out = selector(rng, LABELS) if chance(rng, 70) else {}
    out = {key: relabelled(rng, value) for key, value in out.items()}
    for key, values, percent in (
        (NAMESPACE, NAMESPACES, 0 if own else 30), (ACCOUNT, ACCOUNTS, 15),
        (CLUSTER, ("default", "default", "west"), 8),
    ):  # fmt: skip
        if chance(rng, percent):
            out.setdefault("matchLabels", {})[sourced(rng, key)] = rng.choice(values)
    if not own and chance(rng, 20):
        key, value = one(rng, NAMESPACE_LABELS)
        operator = rng.choice(("In", "NotIn", "Exists", "DoesNotExist"))
        term = {"key": sourced(rng, SPACE_LABELS + key), "operator": operator}
        values = {"values": [value]} if operator.endswith("In") else {}
        out.setdefault("matchExpressions", []).append({**term, **values})
    if not own and chance(rng, 8):
        out = {"matchLabels": {f"reserved:{rng.choice(('host', 'remote-node'))}": ""}}
    return out


def relabelled(rng: Random, terms: Any) -> Any:
    """The terms of a selector, with or without sources of their labels."""
    if isinstance(terms, dict):
        return {sourced(rng, key): value for key, value in terms.items()}
    return [{**term, "key": sourced(rng, term["key"])} for term in terms]


def sourced(rng: Random, key: str) -> str:
    return rng.choice(("", "", "k8s:", "any:")) + key


def rule(rng: Random, side: str) -> dict[str, Any]:
    end, deny = SIDES[side], side.endswith("Deny")
    out: dict[str, Any] = {}
    kind = rng.randrange(5)
    if kind == 0:
        out[f"{end}Endpoints"] = [chosen(rng) for _ in range(rng.choice((0, 1, 1, 2)))]
    elif kind == 1:
        out[f"{end}Entities"] = some(rng, ENTITIES, 2)
    elif kind == 2:
        out[f"{end}CIDR"] = some(rng, [*sorted(BLOCKS), "203.0.113.7", "2001:db8::7"], 2)
    elif kind == 3:
        out[f"{end}CIDRSet"] = [block(rng) for _ in range(rng.choice((0, 1, 1, 2)))]
    if chance(rng, 60):
        out["toPorts"] = [ports(rng, deny) for _ in range(rng.randint(1, 2))]
    if not deny and chance(rng, 15):
        out["authentication"] = {"mode": "required"}
    return out


def block(rng: Random) -> dict[str, Any]:
    whole = rng.choice(sorted(BLOCKS))
    return {"cidr": whole, **({"except": some(rng, BLOCKS[whole], 2)} if chance(rng, 60) else {})}


def ports(rng: Random, deny: bool) -> dict[str, Any]:
    http = not deny and chance(rng, 50)
    out: dict[str, Any] = {"ports": [port(rng, http) for _ in range(rng.randint(1, 2))]}
    if http:
        out["rules"] = {"http": [{"path": rng.choice(PATHS)}]}
    return out


def port(rng: Random, http: bool) -> dict[str, Any]:
    protocol = "TCP" if http else rng.choice(("TCP", "UDP", "SCTP", "ANY", ""))
    said = {"protocol": protocol} if protocol else {}
    if chance(rng, 20):
        return {**said, "port": rng.choice(PORT_NAMES)}
    if chance(rng, 15) and not http:
        return {**said, "port": "0"}
    first, last = sorted(rng.choices(PORTS, k=2))
    if chance(rng, 40):
        return {**said, "port": str(first), "endPort": last}
    return {**said, "port": str(first)}
