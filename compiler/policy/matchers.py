"""The matchers: who can stand at either side of a rule. A new one is a class of its own, anywhere.

Each says all that `compiler.policy.matcher` and its sort ask of it; `identity_matchers` beside this
has those of clusters with Cilium.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from compiler.policy.domain import Domain
from compiler.policy.labels import LabelSelector, labels_match, terms
from compiler.policy.matcher import AddressBlocks, Addresses, Around, Inside, Matcher, PodTerms
from compiler.policy.matcher_sorts import NOTHING, AddressMatcher, EndpointMatcher, NeighbourMatcher
from fabric.plan.pools import bounds
from fabric.values.inventory import Endpoint, Prefix
from fabric.values.names import selects as named

if TYPE_CHECKING:
    from compiler.policy.ir import Packet


@dataclass(frozen=True, slots=True)
class Everyone(AddressMatcher):
    """Any endpoint and any address."""

    near: ClassVar[bool] = False

    def selects(self, endpoint: Endpoint, network: Domain) -> bool:
        return True

    def means(
        self, packet: Packet, local: Endpoint, remote: Endpoint | None, network: Domain
    ) -> bool:
        return True

    def covers(self, around: Around, local: Endpoint | None) -> Addresses:
        return Addresses()

    def text(self) -> str:
        return "everyone"

    def looks(self) -> frozenset[str]:
        return NOTHING

    def addresses(self) -> AddressBlocks:
        return AddressBlocks()


@dataclass(frozen=True, slots=True)
class Pods(EndpointMatcher):
    """Pods of one cluster (a tenant) by labels; `namespace` narrows to one, `namespaces` selects by
    namespace labels; both None means every namespace. `accounts` are terms about the name of their
    service account (`ACCOUNT`). Host-network pods and nodes never match."""

    cluster: str
    labels: LabelSelector = ()
    namespace: str | None = None
    namespaces: LabelSelector | None = None
    accounts: LabelSelector = ()

    def selects(self, endpoint: Endpoint, network: Domain) -> bool:
        return (
            endpoint.kind == "pod"
            and not endpoint.host_network
            and endpoint.tenant == self.cluster
            and (self.namespace is None or endpoint.namespace == self.namespace)
            and (
                self.namespaces is None or labels_match(self.namespaces, endpoint.namespace_labels)
            )
            and labels_match(self.labels, endpoint.labels)
            and (not self.accounts or self._as_whom(endpoint))
        )

    def _as_whom(self, endpoint: Endpoint) -> bool:
        return labels_match(self.accounts, {ACCOUNT: endpoint.service_account or "default"})

    def text(self) -> str:
        where = self.namespace if self.namespaces is None else f"ns[{terms(self.namespaces)}]"
        as_whom = f" as [{terms(self.accounts)}]" if self.accounts else ""
        return f"pods {self.cluster}/{where or '*'}[{terms(self.labels)}]{as_whom}"

    def looks(self) -> frozenset[str]:
        return PODS_LOOK | {"service_account"} if self.accounts else PODS_LOOK

    def label_keys(self) -> Iterable[str]:
        return (term.key for term in (*self.labels, *(self.namespaces or ())))

    def inside(self) -> Inside:
        return "tenant", frozenset((self.cluster,))

    def in_namespace(self) -> str | None:
        return self.namespace

    def by_labels(self) -> PodTerms | None:
        if self.accounts:
            return None
        return PodTerms(self.cluster, self.labels, self.namespace, self.namespaces)


ACCOUNT = "service account"
"""The one key of terms about service accounts; a pod that names none has that called default."""
PODS_LOOK = frozenset(("kind", "host_network", "tenant", "namespace", "namespace_labels", "labels"))


@dataclass(frozen=True, slots=True)
class Named(EndpointMatcher):
    """Endpoints by name pattern (`fabric.values.names`); optionally only on hosts in these states,
    and only on these hosts."""

    patterns: tuple[str, ...]
    states: frozenset[str] | None = None
    hosts: frozenset[str] | None = None

    def selects(self, endpoint: Endpoint, network: Domain) -> bool:
        return (
            (self.states is None or endpoint.state in self.states)
            and (self.hosts is None or endpoint.host in self.hosts)
            and any(named(p, endpoint) for p in self.patterns)
        )

    def text(self) -> str:
        only = sorted([*(self.states or ()), *(self.hosts or ())])
        return " ".join(self.patterns) + (f" ({', '.join(only)})" if only else "")

    def looks(self) -> frozenset[str]:
        return NAMED_LOOK

    def name_patterns(self) -> tuple[str, ...]:
        return self.patterns

    def label_keys(self) -> Iterable[str]:
        return ()


NAMED_LOOK = frozenset(("state", "host", "name", "workload", "aliases", "runs", "also"))


@dataclass(frozen=True, slots=True)
class InVrf(Matcher):
    """Addresses that lie behind one of these VRFs (names), inside `prefixes` if given."""

    near: ClassVar[bool] = False

    vrfs: frozenset[str]
    prefixes: tuple[Prefix, ...] | None = None

    def selects(self, endpoint: Endpoint, network: Domain) -> bool:
        return network.vrfs[endpoint.vrf].name in self.vrfs and (
            self.prefixes is None or overlaps(self.prefixes, endpoint.prefixes)
        )

    def means(
        self, packet: Packet, local: Endpoint, remote: Endpoint | None, network: Domain
    ) -> bool:
        return network.vrfs[packet.remote_vrf].name in self.vrfs and (
            self.prefixes is None or any(holds(p, packet) for p in self.prefixes)
        )

    def covers(self, around: Around, local: Endpoint | None) -> Addresses:
        return Addresses(self.vrfs, self.prefixes)

    def text(self) -> str:
        within = "" if self.prefixes is None else " " + ", ".join(map(str, self.prefixes))
        return f"vrf {', '.join(sorted(self.vrfs))}{within}"

    def looks(self) -> frozenset[str]:
        return frozenset(("vrf", "prefixes"))

    def label_keys(self) -> Iterable[str]:
        return ()

    def cuts(self) -> Iterable[Prefix]:
        return self.prefixes or ()

    def addresses(self) -> None:
        return None

    def inside(self) -> Inside:
        return "vrf", self.vrfs


@dataclass(frozen=True, slots=True)
class Cidr(AddressMatcher):
    """Addresses in `prefix` but in none of `excepts`, whatever VRF they lie behind. With
    `pods=False` addresses of pods of `cluster` do not match (Cilium's and NP-Guard's reading)."""

    near: ClassVar[bool] = False

    prefix: Prefix
    excepts: tuple[Prefix, ...] = ()
    pods: bool = True
    cluster: str = ""

    def selects(self, endpoint: Endpoint, network: Domain) -> bool:
        return overlaps((self.prefix,), endpoint.prefixes)

    def means(
        self, packet: Packet, local: Endpoint, remote: Endpoint | None, network: Domain
    ) -> bool:
        is_pod = remote is not None and remote.kind == "pod" and remote.tenant == self.cluster
        return (
            holds(self.prefix, packet)
            and not any(holds(e, packet) for e in self.excepts)
            and (self.pods or not is_pod)
        )

    def covers(self, around: Around, local: Endpoint | None) -> Addresses:
        if self.pods:
            return Addresses(None, (self.prefix,), self.excepts)
        endpoints = around.network.endpoints
        pods = (i for i in around.of_tenant(self.cluster) if endpoints[i].kind == "pod")
        return Addresses(None, (self.prefix,), self.excepts, tuple(pods))

    def text(self) -> str:
        return str(self.prefix) + "".join(f" except {e}" for e in self.excepts)

    def looks(self) -> frozenset[str]:
        return frozenset(("prefixes",))

    def addresses(self) -> AddressBlocks:
        return AddressBlocks((self.prefix,), self.excepts, self.pods)


@dataclass(frozen=True, slots=True)
class OwnNode(NeighbourMatcher):
    """The node endpoint of the host on which the local pod runs (kubelet probes)."""

    def beside(self, local: Endpoint, remote: Endpoint) -> bool:
        return remote.kind == "node" and remote.host == local.host and remote.tenant == local.tenant

    def members(self, around: Around, local: Endpoint) -> Iterable[int]:
        ends = (around.network.endpoints[i] for i in around.of_tenant(local.tenant))
        return (e.index for e in ends if (e.kind, e.host) == ("node", local.host))

    def text(self) -> str:
        return "own node"


def overlaps(prefixes: tuple[Prefix, ...], others: tuple[Prefix, ...]) -> bool:
    """Whether any prefix of one tuple overlaps any of the other (families never mix)."""
    spans = [(prefix.version, *bounds(prefix)) for prefix in others]
    for prefix in prefixes:
        version, (first, last) = prefix.version, bounds(prefix)
        for other, low, high in spans:
            if other == version and low <= last and first <= high:
                return True
    return False


def holds(prefix: Prefix, packet: Packet) -> bool:
    """Whether the prefix contains the packet's remote address."""
    first = int(prefix.network_address)
    return (
        prefix.version == packet.version
        and first <= packet.remote_ip < first + prefix.num_addresses
    )
