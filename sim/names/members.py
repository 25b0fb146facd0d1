"""Pods of manifests, and the endpoints that stand for them."""

from __future__ import annotations

from collections.abc import Iterator

from fabric.building.network import Network
from fabric.kubernetes.pods.workloads import Pod
from fabric.values.inventory import Endpoint

Member = tuple[Pod, Endpoint]


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
