"""Identities of a cluster with Cilium as matchers: who has which, as far as addresses tell.

Rules that hold here:

1. A pod is itself. The node where the other end runs is the host, other nodes are remote ones; what
   a Node object reports belongs to that node. Whoever is told to be of an entity is of it.
2. All other addresses are the world. CIDRs and names mean parts of it: never pods, nor nodes, nor
   what is of another entity. The API server is of the cluster, and of the world as well, unless it
   is on a node.
3. Entities of which no address is known (`UNTOLD`) mean nobody who is known; that is told.

Source: Cilium 1.20 `pkg/policy/api/entity.go`, `pkg/identity/reserved.go`, `pkg/ipcache`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from ipaddress import ip_network

from compiler.policy.identity_matchers import Beyond, ClusterNodes, NodeAddresses
from compiler.policy.ir import Cidr, Everyone, Matcher, Pods
from compiler.sources.cilium import cilium_selectors
from compiler.sources.cilium.cilium_selectors import LabelTerms
from fabric.building.network import Network
from fabric.diagnostics import Diagnostics
from fabric.file.domain_names import Names, entity_addresses, known_names
from fabric.values.inventory import Prefix

UNTOLD = ("kube-apiserver", "health", "init", "ingress", "unmanaged")
INSIDE = ("host", "remote-node", "health", "init", "ingress", "unmanaged")
"""Entities that are not of the world."""
WORLD = {4: ip_network("0.0.0.0/0"), 6: ip_network("::/0")}


class Identities:
    """Those of one tenant's cluster."""

    def __init__(self, network: Network, tenant: str, problems: Diagnostics) -> None:
        self.network, self.tenant = network, tenant
        self.names: Names = known_names(network.spec, tenant, problems)
        self.told = entity_addresses(network.spec, tenant, problems)

    def entity(self, name: str) -> Iterator[Matcher]:
        """What an entity means."""
        match name:
            case "all":
                yield Everyone()
            case "world":
                yield from (self.block(WORLD[version]) for version in (4, 6))
            case "world-ipv4" | "world-ipv6":
                yield self.block(WORLD[int(name[-1])])
            case "cluster":
                yield Pods(self.tenant)
                for inside in (*INSIDE, "kube-apiserver"):
                    yield from self.entity(inside)
            case "host" | "remote-node":
                yield ClusterNodes(self.tenant, own=name == "host")
                if self.reported:
                    yield NodeAddresses(self.reported, own=name == "host")
                yield from self._told(name)
            case _:
                yield from self._told(name)

    def endpoints(self, terms: LabelTerms) -> Iterator[Matcher]:
        """Whom a selector of endpoints means."""
        found = cilium_selectors.pods(self.tenant, terms)
        if found is not None and not self._reserved(terms):
            yield found
        for name in cilium_selectors.entities(terms):
            yield from self.entity(name)

    def block(self, prefix: Prefix, excepts: Iterable[Prefix] = ()) -> Beyond:
        """Rule 2."""
        own = (p for p in self._inside if p.version == prefix.version and p.overlaps(prefix))
        return Beyond(self.tenant, prefix, tuple(dict.fromkeys((*excepts, *own))))

    def knows(self, entity: str) -> bool:
        """Whether it is known who is of an entity (rule 3)."""
        return entity not in UNTOLD or bool(self.told.get(entity))

    @cached_property
    def reported(self) -> tuple[tuple[str, Prefix], ...]:
        """Names of nodes, with addresses that their objects report and no endpoint here has."""
        own = {
            prefix
            for endpoint in self.network.endpoints
            if endpoint.tenant == self.tenant and endpoint.kind in ("pod", "node")
            for prefix in endpoint.prefixes
        }
        found = (
            (node.name, ip_network(text))
            for node in self.network.manifests[self.tenant].nodes
            for text in node.everywhere
        )
        return tuple(dict.fromkeys(pair for pair in found if pair[1] not in own))

    @cached_property
    def _inside(self) -> tuple[Prefix, ...]:
        told = (one for entity in INSIDE for one in self.told.get(entity, ()))
        return tuple(dict.fromkeys((*told, *(prefix for _, prefix in self.reported))))

    def _told(self, entity: str) -> Iterator[Matcher]:
        yield from (Cidr(one, (), True, self.tenant) for one in self.told.get(entity, ()))

    def _reserved(self, terms: LabelTerms) -> bool:
        return any(term.source == cilium_selectors.RESERVED and term.positive for term in terms)
