"""Doors of a cluster: where the outside reaches pods through Services, and who gets in.

Rules that hold here:

1. A NodePort opens on every node, an external IP or a load balancer at its address; behind it are
   the pods that the Service selects, at its target port.
2. With `externalTrafficPolicy: Local` the pods see the client: the door is open to whom policies
   let in from outside at the target port.
3. Otherwise a node may hand the packet on with its own address, and a pod's own node is always let
   in. Where policies let the outside in anyway, the door is open to everybody; where they do not,
   it leads past them, and who gets in is unknown (`compiler.doors` tells of it).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from compiler.doors import OPEN
from fabric.cluster import CLUSTER
from fabric.ports import NAMES, PortRange
from fabric.services import Service, ServicePort
from sim.cluster_names import ClusterNames, selected, target_port
from sim.connectivity import Connectivity, Peer

EVERYBODY = ("everybody",)


@dataclass(frozen=True, slots=True, order=True)
class Door:
    """One way in: `way` is where it opens, `open_to` who may use it (None: unknown, empty:
    nobody)."""

    service: str
    way: str
    target: Peer
    port: str
    open_to: tuple[str, ...] | None


def doors(found: Connectivity) -> list[Door]:
    """Every door of a cluster, by Service."""
    network = found.reach.network
    names = ClusterNames(network)
    past = {
        (r.namespace, r.name, r.workload)
        for r in network.not_evaluated
        if r.category == "door" and r.kind == "Service"
    }
    out: dict[Door, None] = {}
    for service in network.manifests[CLUSTER].services:
        if not service.selector or not (service.kind in OPEN or service.external):
            continue
        for pod, _ in names.labelled:
            if not selected(service, pod):
                continue
            peer = Peer(pod.workload_kind, pod.namespace, pod.workload)
            for mapped in service.ports:
                number = target_port(mapped, pod)
                if number is None:
                    continue
                port = PortRange(mapped.protocol, number, number)
                shut = (service.namespace, service.name, pod.workload) in past
                who = None if shut else entering(found, service, peer, port)
                for way in ways(service, mapped):
                    title = f"{service.namespace}/{service.name}"
                    out[Door(title, way, peer, str(port), who)] = None
    return sorted(out, key=lambda d: (d.service, d.way, d.target, d.port))


def ways(service: Service, mapped: ServicePort) -> Iterator[str]:
    """Where a port of a Service opens (rule 1)."""
    protocol = NAMES.get(mapped.protocol, str(mapped.protocol))
    if service.kind in OPEN:
        yield f"every node, {mapped.node_port or 'a port that is drawn'}/{protocol}"
    for address in service.external:
        yield (
            f"[{address}]:{mapped.port}/{protocol}"
            if ":" in address
            else (f"{address}:{mapped.port}/{protocol}")
        )


def entering(found: Connectivity, service: Service, peer: Peer, port: PortRange) -> tuple[str, ...]:
    """Who comes in (rules 2 and 3)."""
    mask = found.reach.space.touching([port])
    ranges = [
        text
        for c in found.connections
        if c.source.kind == "External" and c.target == peer and (c.ports & mask).any()
        for text in c.source.ranges
    ]
    if service.local or not ranges:
        return tuple(ranges)
    return EVERYBODY
