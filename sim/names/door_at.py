"""What stands behind an address and a port, or a node and a port: pods, where it is a door to them.

Rules that hold here:

1. A Service is reached at its cluster IPs, external IPs and load balancers, and at its node ports
   on every node of its cluster; with `externalTrafficPolicy: Local` a node knows only its own pods.
2. A host port is open on the pod's own node, of a pod whose node nobody knows maybe on any.
3. A door wins over whatever else has that address: nodes translate before they deliver. In a
   fabric the DPU before a node decides first, and so about the node's address.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fabric.building.cluster import CLUSTER
from fabric.building.network import Network
from fabric.kubernetes.networking.services import ON_NODES, Service, ServicePort
from fabric.values.address_sets import Address, address_in
from fabric.values.inventory import Endpoint
from fabric.values.ports import NAMES, PortRange
from sim.names.members import Member, members


@dataclass(frozen=True, slots=True)
class Behind:
    """A pod behind a door, the port where it gets the packet, and the door in words; `virtual` of a
    cluster IP, of which policies see the pods behind it wherever they select pods; `decided_before`
    where what decides is said of the door and not of the pod."""

    endpoint: Endpoint
    port: PortRange
    through: str
    virtual: bool = False
    decided_before: bool = False

    @property
    def sentence(self) -> str:
        """The door, and where it leads."""
        to = f"{self.endpoint.name} at {self.port}"
        what = "what gets there goes on to" if self.decided_before else "leads to"
        return f"{self.through}, {'and ' * (not self.decided_before)}{what} {to}"


def at_address(network: Network, address: Address, protocol: int, port: int) -> list[Behind]:
    """The pods behind an address and a port; none where that is no door."""
    nodes = [
        e
        for e in network.endpoints
        if e.kind == "node" and any(p.num_addresses == 1 and address in p for p in e.prefixes)
    ]
    return list(_behind(network, address, nodes, protocol, port))


def at_node(network: Network, node: Endpoint, protocol: int, port: int) -> list[Behind]:
    """The pods behind a port of a node; none where that is no door."""
    return list(_behind(network, None, [node], protocol, port))


def node_ports(network: Network) -> set[tuple[str, int, int]]:
    """Tenant, protocol and port of everything that opens on nodes."""
    services = (
        (t, s) for t, m in network.manifests.items() for s in m.services if s.kind in ON_NODES
    )
    opened = {(t, p.protocol, p.node_port) for t, s in services for p in s.ports}
    pods = ((t, p) for t, m in network.manifests.items() for p in m.pods)
    return opened | {(t, own.protocol, own.host) for t, p in pods for own in p.ports if own.host}


def door_addresses(network: Network) -> list[Address]:
    """Every address that may be a door at some port."""
    services = (a for m in network.manifests.values() for s in m.services for a in known(s))
    nodes = {
        p.network_address
        for e in network.endpoints
        for p in e.prefixes
        if e.kind == "node" and p.num_addresses == 1
    }
    found = nodes | {a for a in services if a is not None}
    return sorted(found, key=lambda a: (a.version, int(a)))


def _behind(
    network: Network, address: Address | None, nodes: list[Endpoint], protocol: int, port: int
) -> Iterator[Behind]:
    at = f"{port}/{NAMES.get(protocol, protocol)}"
    for tenant, manifests in network.manifests.items():
        local = [node for node in nodes if node.tenant == tenant]
        pods = list(members(network, tenant))
        for service in manifests.services:
            for mapped in service.ports:
                if mapped.protocol != protocol:
                    continue
                here = address is not None and mapped.port == port and address in known(service)
                hosts = local if service.kind in ON_NODES and mapped.node_port == port else []
                if not here and not hosts:
                    continue
                what = "is a port of" if here else "is the node port of"
                through = f"{at} {what} Service {service.namespace}/{service.name}"
                chosen = [(p, e) for p, e in pods if service.selects(p.namespace, p.labels)]
                if hosts and not here and service.local:
                    chosen = [(p, e) for p, e in chosen if any(runs_on(e, h) for h in hosts)]
                virtual = not hosts and address in own_addresses(service)
                before = not here and tenant != CLUSTER
                yield from leading(chosen, mapped, through, virtual, before)
        for pod, endpoint in pods:
            for own in pod.ports:
                given = address is None or own.host_ip in ("", str(address))
                if (own.host, own.protocol) == (port, protocol) and given:
                    name = f"{pod.namespace}/{pod.name}"
                    if any(runs_on(endpoint, host) for host in local):
                        sure = "" if endpoint.host else ", if it runs there"
                        through = f"{at} is a hostPort of {name}{sure}"
                        at_pod = PortRange(protocol, own.number, own.number)
                        yield Behind(endpoint, at_pod, through, False, tenant != CLUSTER)


def leading(
    pods: list[Member], mapped: ServicePort, through: str, virtual: bool, before: bool
) -> Iterator[Behind]:
    """Where a port of a Service ends."""
    for pod, endpoint in pods:
        for number in mapped.ends(pod.ports)[:1]:
            yield Behind(
                endpoint, PortRange(mapped.protocol, number, number), through, virtual, before
            )


def known(service: Service) -> set[Address | None]:
    """Every address of a Service."""
    return own_addresses(service) | {address_in(text) for text in service.external}


def own_addresses(service: Service) -> set[Address | None]:
    """The cluster IPs of a Service."""
    return {address_in(text) for text in service.addresses}


def runs_on(pod: Endpoint, node: Endpoint) -> bool:
    """Whether a pod may run on a node (rule 2)."""
    return pod.host is None or pod.host == node.host
