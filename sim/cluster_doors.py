"""Doors of a cluster: where the outside reaches pods, and who gets in.

Rules that hold here:

1. A NodePort opens on every node, an external IP or a load balancer at its address; behind it are
   the pods that the Service selects, at its target port. A hostPort opens on the pod's own node.
2. Where pods see the client (`externalTrafficPolicy: Local`, a hostPort) the door is open to whom
   policies let in from outside at the target port.
3. Otherwise a node may hand the packet on with its own address, and a pod's own node is always let
   in. Where policies let the outside in anyway, the door is open to everybody; where they do not,
   it leads past them, and who gets in is unknown (`compiler.doors` tells of it).
4. An Ingress or a route opens at its names and paths. Its pods see the controller, so whoever
   reaches the controller reaches them, and who that is is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from compiler.doors import OPEN
from fabric.inventory import NamedPort
from fabric.ports import NAMES, PortRange
from fabric.services import Service, ServicePort
from fabric.ways_in import WayIn
from fabric.workloads import Pod
from sim.cluster_names import ClusterNames, selected, target_port
from sim.connectivity import Connectivity, Peer

EVERYBODY = ("everybody",)
HOST_PORT = "hostPort"


@dataclass(frozen=True, slots=True, order=True)
class Door:
    """One way in: `kind` and `name` are those of the object that opens it, `way` is where it opens,
    `service` the Service behind it if there is one, `open_to` who may use it (None: unknown, empty:
    nobody)."""

    kind: str
    name: str
    way: str
    service: str
    target: Peer
    port: str
    open_to: tuple[str, ...] | None

    @property
    def by_controller(self) -> bool:
        """Whether a controller takes the packets and opens connections of its own."""
        return self.kind not in ("Service", HOST_PORT)


def doors(found: Connectivity) -> list[Door]:
    """Every door of a cluster, by what opens it."""
    names = ClusterNames(found.reach.network)
    out = dict.fromkeys((*of_services(found, names), *of_hosts(found, names), *of_ways_in(names)))
    return sorted(out, key=lambda d: (d.kind, d.name, d.way, d.target, d.port))


def of_services(found: Connectivity, names: ClusterNames) -> Iterator[Door]:
    """Node ports, load balancers and external IPs (rules 1 to 3)."""
    past = {
        (r.namespace, r.name, r.workload)
        for r in found.reach.network.not_evaluated
        if r.category == "door" and r.kind == "Service"
    }
    for service in names.manifests.services:
        if not service.selector or not (service.kind in OPEN or service.external):
            continue
        for mapped in service.ports:
            for pod, port in behind(names, service, mapped):
                shut = (service.namespace, service.name, pod.workload) in past
                who = None if shut else entering(found, peer_of(pod), port)
                who = EVERYBODY if who and not service.local else who
                for way in ways(service, mapped):
                    title = f"{service.namespace}/{service.name}"
                    yield Door("Service", title, way, title, peer_of(pod), str(port), who)


def of_hosts(found: Connectivity, names: ClusterNames) -> Iterator[Door]:
    """Host ports (rules 1 and 2)."""
    for pod, _ in names.labelled:
        for own in pod.ports:
            if own.host:
                port, peer = PortRange(own.protocol, own.number, own.number), peer_of(pod)
                who = entering(found, peer, port)
                title = f"{pod.namespace}/{pod.workload}"
                yield Door(HOST_PORT, title, host_way(pod, own), "", peer, str(port), who)


def of_ways_in(names: ClusterNames) -> Iterator[Door]:
    """Ingresses and routes (rule 4)."""
    for way in names.manifests.ways_in:
        for service in names.services.get(way.behind, ()):
            for mapped in service.ports:
                if is_meant(way, mapped):
                    for pod, port in behind(names, service, mapped):
                        title, through = f"{way.namespace}/{way.name}", "/".join(way.behind)
                        yield Door(way.kind, title, way.at, through, peer_of(pod), str(port), None)


def is_meant(way: WayIn, mapped: ServicePort) -> bool:
    """Whether a backend means this port of its Service."""
    return way.port in (None, mapped.port, mapped.name)


def behind(
    names: ClusterNames, service: Service, mapped: ServicePort
) -> Iterator[tuple[Pod, PortRange]]:
    """The pods behind a Service and the port where they get what is sent to one of its ports."""
    for pod, _ in names.labelled:
        if selected(service, pod) and (number := target_port(mapped, pod)) is not None:
            yield pod, PortRange(mapped.protocol, number, number)


def peer_of(pod: Pod) -> Peer:
    """A pod's workload."""
    return Peer(pod.workload_kind, pod.namespace, pod.workload)


def ways(service: Service, mapped: ServicePort) -> Iterator[str]:
    """Where a port of a Service opens (rule 1)."""
    if service.kind in OPEN:
        protocol = NAMES.get(mapped.protocol, str(mapped.protocol))
        yield f"every node, {mapped.node_port or 'a port that is drawn'}/{protocol}"
    for address in service.external:
        yield socket(address, mapped.port, mapped.protocol)


def host_way(pod: Pod, port: NamedPort) -> str:
    """Where a host port opens (rule 1)."""
    if port.host_ip:
        return socket(port.host_ip, port.host, port.protocol)
    node = f"node {pod.node}" if pod.node else "the pod's node"
    return f"{node}, {port.host}/{NAMES.get(port.protocol, port.protocol)}"


def socket(address: str, port: int, protocol: int) -> str:
    """An address with a port."""
    host = f"[{address}]" if ":" in address else address
    return f"{host}:{port}/{NAMES.get(protocol, protocol)}"


def entering(found: Connectivity, peer: Peer, port: PortRange) -> tuple[str, ...]:
    """Whom of the outside policies let in (rule 2)."""
    mask = found.reach.space.touching([port])
    return tuple(
        text
        for c in found.connections
        if c.source.kind == "External" and c.target == peer and (c.ports & mask).any()
        for text in c.source.ranges
    )
