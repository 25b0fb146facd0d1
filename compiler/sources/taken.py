"""Services that take packets which are meant for somebody else.

Rules that hold here:

1. Every host of a cluster translates what its own pods and the host itself send to an address of a
   Service: a cluster IP, an external IP, or that of a load balancer. Whoever else has the address
   gets none of it at the Service's ports, whatever routes and policies say.
2. An address in a prefix that somebody owns as a whole is his, unless that is a default route. A
   cluster IP is only a pod's or a node's own: it comes out of a range that its cluster keeps to
   itself.
3. A node of the same cluster takes such packets for the Service, and so they get to the node.

Source: Kubernetes documentation, Virtual IPs and Service Proxies; CVE-2020-8554.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fabric.building.network import Network
from fabric.kubernetes.networking.services import Service
from fabric.kubernetes.unmodelled.holders import Holders
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated
from fabric.values.inventory import Endpoint

TAKEN = "taken"
ONE_ADDRESS = 129
"""Longer than any prefix."""


def taken(network: Network) -> Iterator[Unevaluated]:
    """A record per Service and address that is somebody else's."""
    holders = Holders(network.endpoints)
    for tenant, manifests in network.manifests.items():
        for service in manifests.services:
            for text in dict.fromkeys((*service.external, *service.addresses)):
                shortest = 1 if text in service.external else ONE_ADDRESS
                found = [e for e in holders.of(text, shortest) if not _own_node(e, tenant)]
                if found:
                    yield _record(service, tenant, text, found)


def _own_node(endpoint: Endpoint, tenant: str) -> bool:
    """Rule 3."""
    return endpoint.kind == "node" and endpoint.tenant == tenant


def _record(service: Service, tenant: str, text: str, found: Sequence[Endpoint]) -> Unevaluated:
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    what = f"takes what its cluster sends to {text} away from {found[0].name}{more}"
    return Unevaluated(
        "v1", "Service", service.namespace, service.name, service.span, TAKEN, what, "addresses",
        tenant, addresses=(text,),
    )  # fmt: skip
