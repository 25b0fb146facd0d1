"""Workloads on the network of a node, found from manifests.

The words are those of `fabric.values.inventory`; nothing else is used. The name of such a workload
stands for the nodes that its pods are on, unless one of these pods has that very name.
"""

from __future__ import annotations

from fabric.building.network import Network
from fabric.kubernetes.pods.workloads import Pod
from fabric.values.inventory import Endpoint


def workloads(network: Network, node: Endpoint) -> list[str]:
    """Full names of the workloads with pods on the network of a node, sorted."""
    manifests = network.manifests.get(node.tenant)
    if not node.aliases or manifests is None:
        return []
    found = {
        f"{node.tenant}/{pod.namespace}/{pod.workload}"
        for pod in manifests.pods
        if pod.host_network and stands_for(node, pod)
    }
    return sorted(found - {*node.aliases})


def stands_for(endpoint: Endpoint, pod: Pod) -> bool:
    """Whether an endpoint is a pod, or the node on whose network it is."""
    named = f"{endpoint.tenant}/{pod.namespace}/{pod.name}"
    names = (endpoint.name,) if endpoint.kind == "pod" else endpoint.aliases
    return f"{named}-{endpoint.host}" in names if pod.per_host else named in names
