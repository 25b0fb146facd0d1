"""Manifests with Cilium's policies, object by object, and a cluster that is asked about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import yaml
from admin_policy_cases import Object
from netpol_cases import CLIENT, PROTOCOLS, Cluster

from compiler.policy.ir import Direction, Packet, Verdict
from compiler.policy.semantics import decide
from fabric.building.cluster import cluster_network
from fabric.file.spec import Entity

DIALECT: Any = "cilium-1.20"
RESERVED: Mapping[Entity, list[str]] = {
    "host": ["172.18.0.100"],
    "remote-node": ["172.18.0.101", "172.18.0.102"],
    "kube-apiserver": ["172.18.0.102"],
    "health": ["10.244.0.200"],
    "init": ["10.244.0.201"],
    "ingress": ["10.244.0.202"],
    "unmanaged": ["10.244.0.203"],
}
"""Addresses for what is neither a pod nor a node of any manifest; the API server is on a node."""
PLACES = {
    **{f"reserved:{entity}": listed[0] for entity, listed in RESERVED.items()},
    "reserved:world-ipv4": "203.0.113.9",
    "reserved:world-ipv6": "2001:db8::9",
}


def pod(name: str, space: str, account: str = "", **labels: str) -> Object:
    ports = [{"name": "web", "containerPort": 8080}]
    spec: Object = {"containers": [{"name": "c", "image": "c", "ports": ports}]}
    if account:
        spec["serviceAccountName"] = account
    meta = {"name": name, "namespace": space, "labels": {"app": name, **labels}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


def space(name: str, **labels: str) -> Object:
    meta = {"name": name, "labels": labels}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": meta}


PODS = (
    space("shop", team="a"), space("wild", team="b"), pod("cart", "shop", "seller"),
    pod("db", "shop", tier="data"), pod("spy", "wild"),
)  # fmt: skip


GROUP = {
    "apiVersion": "cilium.io/v2",
    "kind": "CiliumCIDRGroup",
    "metadata": {"name": "g", "labels": {"of": "us"}},
    "spec": {"externalCIDRs": ["192.0.2.0/24"]},
}


def service(name: str, selector: Object | None, **about: str) -> Object:
    meta = {"name": name, "namespace": "wild", "labels": about}
    spec: Object = {"ports": [{"port": 80}], **({"selector": selector} if selector else {})}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}


BEHIND = {
    "apiVersion": "discovery.k8s.io/v1",
    "kind": "EndpointSlice",
    "metadata": {
        "name": "far-1",
        "namespace": "wild",
        "labels": {"kubernetes.io/service-name": "far"},
    },
    "addressType": "IPv4",
    "endpoints": [{"addresses": ["192.0.2.1"]}],
}


def cnp(name: str = "p", namespace: str = "shop", **spec: Any) -> Object:
    """A policy about pods of a namespace: all, unless it says otherwise."""
    spec.setdefault("endpointSelector", {})
    return {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def ccnp(name: str = "p", **spec: Any) -> Object:
    """One about pods of all namespaces."""
    if "nodeSelector" not in spec:
        spec.setdefault("endpointSelector", {})
    kind = "CiliumClusterwideNetworkPolicy"
    return {"apiVersion": "cilium.io/v2", "kind": kind, "metadata": {"name": name}, "spec": spec}


def labels(**given: str) -> Object:
    return {"matchLabels": given}


def written(folder: Path, *objects: Object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "all.yaml").write_text(yaml.safe_dump_all([*PODS, *objects], sort_keys=False))
    return folder


def made(folder: Path, *objects: Object, **settings: Any) -> Cluster:
    """The cluster of these objects."""
    path = written(folder, *objects)
    settings = {"dialect": DIALECT, "entities": RESERVED, **settings}
    return Cluster.of(cluster_network([path], **settings))


def place(cluster: Cluster, name: str) -> str:
    """The address of a pod, `ip:ADDRESS`, or `reserved:ENTITY`."""
    return PLACES.get(name) or cluster.address(name)


def decided(
    cluster: Cluster, direction: Direction, local: str, remote: str, protocol: int, port: int
) -> Verdict:
    """What becomes of a packet at a pod, by the definition, on which entries and arrays agree."""
    at, ip = cluster.owner(place(cluster, local)).index, ip_address(place(cluster, remote))
    cluster.permits(direction, at, str(ip), protocol, port)
    packet = Packet(direction, at, ip.version, int(ip), 0, protocol, CLIENT, port)
    return decide(cluster.program.policy, cluster.network, packet)


def mark(verdicts: Iterable[Verdict]) -> str:
    """What becomes of a flow, as the conformance cases write it."""
    found = list(verdicts)
    besides = {condition for verdict in found for condition in verdict.conditions}
    if not all(verdict.permit for verdict in found):
        return "X"
    if any("authentication" in condition for condition in besides):
        return "A"
    return "L" if besides else "."


def flow(cluster: Cluster, source: str, target: str, port: str = "8080/tcp") -> str:
    """The mark of a flow; an end that is no pod says nothing."""
    number, _, name = port.rpartition("/")
    asked = PROTOCOLS[name.upper()], int(number or 0)
    ends = ((Direction.OUT, source, target), (Direction.IN, target, source))
    return mark(
        decided(cluster, direction, here, there, *asked)
        for direction, here, there in ends
        if "/" in here
    )
