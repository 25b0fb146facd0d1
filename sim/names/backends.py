"""Which pods a Service selects, and where on them its ports end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fabric.inventory import Endpoint, NamedPort
from fabric.kubernetes.services import Service, ServicePort
from fabric.kubernetes.workloads import Pod
from fabric.network import Network

Member = tuple[Pod, Endpoint]


def selected(service: Service, pod: Pod) -> bool:
    """Whether a Service's selector selects the pod."""
    wanted = service.selector
    return pod.namespace == service.namespace and (
        wanted is not None and all(pod.labels.get(key) == value for key, value in wanted.items())
    )


def target_port(mapped: ServicePort, pod: Pod) -> int | None:
    """The container port that a Service's port leads to; None when the pod lacks its name."""
    if isinstance(mapped.target, int):
        return mapped.target
    return port_number(pod.ports, mapped.target, mapped.protocol)


def port_number(ports: Iterable[NamedPort], name: str, protocol: int) -> int | None:
    """The number of a named port."""
    return next((p.number for p in ports if (p.name, p.protocol) == (name, protocol)), None)


def members(network: Network, tenant: str) -> Iterator[Member]:
    """The pods of a tenant with the endpoints that stand for them."""
    pods = {(pod.namespace, pod.name): pod for pod in network.manifests[tenant].pods}
    many = [pod for pod in pods.values() if pod.per_host]
    for endpoint in network.endpoints:
        names = [endpoint.name] if endpoint.kind == "pod" else endpoint.aliases
        for name in names if endpoint.tenant == tenant else ():
            namespace, _, own = name.removeprefix(f"{tenant}/").partition("/")
            found = pods.get((namespace, own)) or next(
                (p for p in many if p.namespace == namespace and own.startswith(f"{p.name}-")), None
            )
            if found is not None:
                yield found, endpoint
