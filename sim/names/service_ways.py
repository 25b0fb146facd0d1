"""Ways through Services in a fabric: where they take packets, and which pods get these.

Rules that hold here:

1. A node port opens on every host of the tenant, at each address that the host has: also at those
   of other tenants that share it. One that no manifest gives lies in the range that Kubernetes
   draws from. `externalTrafficPolicy: Local` makes no difference: DPUs decide first.
2. An external IP or a load balancer's address takes packets where an endpoint of the tenant has it,
   or one of these hosts. No route leads to one that nobody has.
3. What a node takes it may hand on to every pod behind the Service, in the same IP version.

Source: Kubernetes documentation, Virtual IPs and Service Proxies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from fabric.building.cluster import CLUSTER
from fabric.building.network import Network
from fabric.kubernetes.networking.services import ON_NODES, Service, ServicePort
from fabric.values.inventory import Endpoint
from fabric.values.ports import PortRange
from sim.names.members import members


@dataclass(frozen=True, slots=True)
class ServiceWay:
    """Packets of IP versions `versions` to `port` of an endpoint among `at` (indices) may get to
    `target` of a pod, for which `endpoint` stands."""

    tenant: str
    service: Service
    at: tuple[int, ...]
    port: PortRange
    versions: tuple[int, ...]
    endpoint: Endpoint
    target: PortRange

    @property
    def workload(self) -> str | None:
        """The workload of a pod that policies select; a pod on its node's network has none."""
        return self.endpoint.workload if self.endpoint.kind == "pod" else None


def service_ways(network: Network) -> Iterator[ServiceWay]:
    """Every way of every tenant's cluster."""
    for tenant, manifests in network.manifests.items():
        doors = [s for s in manifests.services if s.opened]
        if tenant == CLUSTER or not doors:
            continue
        pods = list(members(network, tenant))
        for service in doors:
            chosen = [(p, e) for p, e in pods if service.selects(p.namespace, p.labels)]
            for mapped in service.ports if chosen else ():
                for at, port, versions in _openings(network, tenant, service, mapped):
                    for pod, endpoint in chosen:
                        for number in mapped.ends(pod.ports)[:1]:
                            target = PortRange(mapped.protocol, number, number)
                            yield ServiceWay(tenant, service, at, port, versions, endpoint, target)


def _openings(
    network: Network, tenant: str, service: Service, mapped: ServicePort
) -> Iterator[tuple[tuple[int, ...], PortRange, tuple[int, ...]]]:
    """Where a port of a Service takes packets (rules 1 and 2)."""
    nodes = [e for e in network.endpoints if e.kind == "node"]
    hosts = {e.host for e in nodes if e.tenant == tenant}
    machines = {e.index for e in nodes if e.host in hosts}
    mine = [e for e in network.endpoints if e.tenant == tenant or e.index in machines]
    if service.kind in ON_NODES:
        yield tuple(sorted(machines)), mapped.on_nodes, (4, 6)
    at = PortRange(mapped.protocol, mapped.port, mapped.port)
    for text in service.external:
        try:
            address = ip_address(text)
        except ValueError:
            continue
        having = tuple(e.index for e in mine if any(address in p for p in e.prefixes))
        if having:
            yield having, at, (address.version,)
