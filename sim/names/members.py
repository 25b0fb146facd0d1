"""Pods of manifests, and the endpoints that stand for them."""

from __future__ import annotations

from collections.abc import Iterator

from fabric.inventory import Endpoint
from fabric.kubernetes.workloads import Pod
from fabric.network import Network
from fabric.wildcard import ranged

Member = tuple[Pod, Endpoint]


def on_nodes(network: Network, workload: str) -> str | None:
    """A pattern of the pods on their nodes' network that a workload of this full name has, where
    one says which they are."""
    found = [
        f"{tenant}/{pod.namespace}/{pod.name}-{end.host}"
        if pod.per_host
        else f"{tenant}/{pod.namespace}/{pod.name}"
        for tenant in network.manifests
        for pod, end in members(network, tenant)
        if end.kind == "node" and f"{tenant}/{pod.namespace}/{pod.workload}" == workload
    ]
    pattern = ranged(found) if found else "*"
    return None if pattern.startswith("*") else pattern


def members(network: Network, tenant: str) -> Iterator[Member]:
    """The pods of a tenant with the endpoints that stand for them. Of DaemonSets whose names begin
    alike (`log` and `log-agent`) that one is meant whose pod is on the host."""
    pods = {(pod.namespace, pod.name): pod for pod in network.manifests[tenant].pods}
    many = [pod for pod in pods.values() if pod.per_host]
    for endpoint in network.endpoints:
        names = [endpoint.name] if endpoint.kind == "pod" else endpoint.aliases
        for name in names if endpoint.tenant == tenant else ():
            namespace, _, own = name.removeprefix(f"{tenant}/").partition("/")
            found = pods.get((namespace, own)) or max(
                (p for p in many if p.namespace == namespace and own.startswith(f"{p.name}-")),
                key=lambda p: (own == f"{p.name}-{endpoint.host}", len(p.name)),
                default=None,
            )
            if found is not None:
                yield found, endpoint
