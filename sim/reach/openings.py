"""Where a cluster opens to its outside: every door, with each pod behind it and its port there.

Rules that hold here:

1. A NodePort opens on every node, an external IP or a load balancer at its address; behind it are
   the pods that the Service selects, at its target port.
2. A hostPort opens on the pod's own node, or at the address that it says.
3. An Ingress or a route opens at its names and paths (`fabric.kubernetes.networking.ways_in`).
4. Pods see the client behind a hostPort and where `externalTrafficPolicy` is Local. Otherwise a
   node or a controller takes the packet and opens a connection of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fabric.building.network import Network
from fabric.kubernetes.networking.services import ON_NODES, Service, ServicePort
from fabric.kubernetes.networking.ways_in import WayIn
from fabric.values.inventory import Endpoint, NamedPort
from fabric.values.ports import NAMES, PortRange
from sim.names.members import Member, members

HOST_PORT = "hostPort"
NODES, CONTROLLER = "nodes", "controller"


@dataclass(frozen=True, slots=True)
class Opening:
    """One way to one pod. `kind` and `name` are those of the object that opens it, `way` is where
    it opens, `service` the Service behind it if there is one, `via` who opens a connection of its
    own to the pod: nodes, a controller, or nobody (empty). `on` is its port on nodes, if it opens
    there: on the pod's own one, or on every one."""

    kind: str
    name: str
    way: str
    service: str
    pod: Member
    port: PortRange
    via: str
    on: PortRange | None = None
    every: bool = False


def openings(network: Network, tenant: str) -> Iterator[Opening]:
    """Every opening of a tenant's cluster."""
    manifests = network.manifests[tenant]
    services: dict[tuple[str, str], list[Service]] = defaultdict(list)
    pods: dict[str, list[Member]] = defaultdict(list)
    for service in manifests.services:
        services[service.namespace, service.name].append(service)
    for member in members(network, tenant):
        pods[member[0].namespace].append(member)
    for service in manifests.services:
        if service.opened:
            yield from of_service(service, pods[service.namespace])
    for found in pods.values():
        for member in found:
            yield from of_host(member)
    for way in manifests.ways_in:
        for service in services[way.behind]:
            yield from of_way_in(way, service, pods[service.namespace])


def of_service(service: Service, pods: Sequence[Member]) -> Iterator[Opening]:
    """Node ports, load balancers and external IPs (rule 1)."""
    title = f"{service.namespace}/{service.name}"
    via = "" if service.local else NODES
    for mapped in service.ports:
        for way, on in ways(service, mapped):
            for member, port in behind(pods, service, mapped):
                yield Opening(
                    "Service", title, way, title, member, port, via, on, not service.local
                )


def of_host(member: Member) -> Iterator[Opening]:
    """Host ports (rule 2)."""
    pod, endpoint = member
    for own in pod.ports:
        if own.host:
            port = PortRange(own.protocol, own.number, own.number)
            title = f"{pod.namespace}/{pod.workload}"
            on = PortRange(own.protocol, own.host, own.host)
            yield Opening(HOST_PORT, title, host_way(endpoint, own), "", member, port, "", on)


def of_way_in(way: WayIn, service: Service, pods: Sequence[Member]) -> Iterator[Opening]:
    """Ingresses and routes (rule 3)."""
    for mapped in service.ports:
        if way.port in (None, mapped.port, mapped.name):
            for member, port in behind(pods, service, mapped):
                name, through = f"{way.namespace}/{way.name}", "/".join(way.behind)
                yield Opening(way.kind, name, way.at, through, member, port, CONTROLLER)


def behind(
    pods: Sequence[Member], service: Service, mapped: ServicePort
) -> Iterator[tuple[Member, PortRange]]:
    """The pods behind a Service and the port where they get what is sent to one of its ports."""
    for member in pods:
        pod, _ = member
        if service.selects(pod.namespace, pod.labels):
            for number in mapped.ends(pod.ports)[:1]:
                yield member, PortRange(mapped.protocol, number, number)


def ways(service: Service, mapped: ServicePort) -> Iterator[tuple[str, PortRange | None]]:
    """Where a port of a Service opens, and its port if that is on nodes."""
    if service.kind in ON_NODES:
        at = mapped.node_port or "a port that is drawn"
        yield f"every node, {at}/{NAMES.get(mapped.protocol, mapped.protocol)}", mapped.on_nodes
    for address in service.external:
        yield socket(address, mapped.port, mapped.protocol), None


def host_way(pod: Endpoint, port: NamedPort) -> str:
    """Where a host port opens."""
    if port.host_ip:
        return socket(port.host_ip, port.host, port.protocol)
    known = pod.host and "host" not in pod.assumed
    node = f"node {pod.host}" if known else "the pod's node"
    return f"{node}, {port.host}/{NAMES.get(port.protocol, port.protocol)}"


def socket(address: str, port: int, protocol: int) -> str:
    """An address with a port."""
    host = f"[{address}]" if ":" in address else address
    return f"{host}:{port}/{NAMES.get(protocol, protocol)}"
