"""Matchers of clusters in which Cilium tells peers apart by identities, not by addresses.

An address has the identity of whoever has it: a pod, the node where the other end runs (host),
another node of the cluster, or else the world outside. CIDRs tell parts of the world apart, and
mean neither pods nor nodes of the cluster, whatever addresses these have.

Source: Cilium documentation, Security Identities and Layer 3 policies.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from compiler.policy.domain import Domain
from compiler.policy.matcher import AddressBlocks, Addresses, Around
from compiler.policy.matcher_sorts import NOTHING, AddressMatcher, NeighbourMatcher
from compiler.policy.matchers import holds, overlaps
from fabric.values.inventory import Endpoint, Prefix

if TYPE_CHECKING:
    from compiler.policy.ir import Packet


@dataclass(frozen=True, slots=True)
class ClusterNodes(NeighbourMatcher):
    """Nodes of a cluster, with what runs on their network: the local endpoint's (`own`), or all
    others."""

    cluster: str
    own: bool

    def beside(self, local: Endpoint, remote: Endpoint) -> bool:
        return is_node(remote, self.cluster) and (remote.host == local.host) is self.own

    def members(self, around: Around, local: Endpoint) -> Iterable[int]:
        ends = (around.network.endpoints[i] for i in around.of_tenant(self.cluster))
        found = (e for e in ends if is_node(e, self.cluster))
        return (e.index for e in found if (e.host == local.host) is self.own)

    def text(self) -> str:
        return f"{'own node' if self.own else 'other nodes'} of {self.cluster}"


@dataclass(frozen=True, slots=True)
class NodeAddresses(AddressMatcher):
    """Addresses that nodes report besides those that endpoints have: of the local endpoint's
    (`own`), or of all others. `table` is of the names of nodes and single addresses."""

    near: ClassVar[bool] = True
    table: tuple[tuple[str, Prefix], ...]
    own: bool

    def selects(self, endpoint: Endpoint, network: Domain) -> bool:
        return False

    def means(
        self, packet: Packet, local: Endpoint, remote: Endpoint | None, network: Domain
    ) -> bool:
        return any(
            holds(prefix, packet) and (node == local.host) is self.own
            for node, prefix in self.table
        )

    def covers(self, around: Around, local: Endpoint | None) -> Addresses:
        assert local is not None
        found = (p for node, p in self.table if (node == local.host) is self.own)
        return Addresses(None, tuple(found))

    def text(self) -> str:
        listed = ", ".join(str(prefix) for _, prefix in self.table)
        return f"{listed} of {'its own node' if self.own else 'other nodes'}"

    def looks(self) -> frozenset[str]:
        return NOTHING

    def addresses(self) -> AddressBlocks:
        return AddressBlocks(tuple(prefix for _, prefix in self.table), (), False)


@dataclass(frozen=True, slots=True)
class Beyond(AddressMatcher):
    """Addresses in `prefix` but in none of `excepts` that no pod and no node of a cluster has."""

    near: ClassVar[bool] = False

    cluster: str
    prefix: Prefix
    excepts: tuple[Prefix, ...] = ()

    def selects(self, endpoint: Endpoint, network: Domain) -> bool:
        return overlaps((self.prefix,), endpoint.prefixes) and not inside(endpoint, self.cluster)

    def means(
        self, packet: Packet, local: Endpoint, remote: Endpoint | None, network: Domain
    ) -> bool:
        return (
            holds(self.prefix, packet)
            and not any(holds(hole, packet) for hole in self.excepts)
            and not (remote is not None and inside(remote, self.cluster))
        )

    def covers(self, around: Around, local: Endpoint | None) -> Addresses:
        endpoints = around.network.endpoints
        own = tuple(i for i in around.of_tenant(self.cluster) if inside(endpoints[i], self.cluster))
        return Addresses(None, (self.prefix,), self.excepts, own)

    def text(self) -> str:
        holes = "".join(f" except {hole}" for hole in self.excepts)
        return f"{self.prefix}{holes} outside {self.cluster}"

    def looks(self) -> frozenset[str]:
        return frozenset(("prefixes", "kind", "tenant"))

    def addresses(self) -> AddressBlocks:
        return AddressBlocks((self.prefix,), self.excepts, False)


def inside(endpoint: Endpoint, cluster: str) -> bool:
    """Whether an endpoint is a pod or a node of a cluster."""
    return endpoint.tenant == cluster and endpoint.kind in ("pod", "node")


def is_node(endpoint: Endpoint, cluster: str) -> bool:
    """Whether an endpoint has the identity of a node of a cluster."""
    return inside(endpoint, cluster) and (endpoint.kind == "node" or endpoint.host_network)
