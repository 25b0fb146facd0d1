"""VRFs and the endpoints in them: whatever can send or receive a packet.

Three kinds of endpoint. A *pod* is a Kubernetes pod (each replica is one). A *node* is a host's own
address in a VRF; host-network pods are aliases of it. A *zone* endpoint is a service or an external
network listed under a zone; it may own whole prefixes (the most specific owner of an address wins).

Names: `tenant/namespace/pod`, `tenant/@node/host` (in a VRF other than the tenant's main one
`tenant/@node/host@vrf`), `zone0/name`, `zone2/name`. Kubernetes names
cannot hold `@`, so nodes never collide with namespaces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network
from operator import attrgetter

from fabric.diagnostics import Span

Prefix = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class NamedPort:
    """A container port that policies may call by name; `protocol` is an IANA number. `host` is the
    port of the node that leads to it, 0 where there is none, and `host_ip` the only address where
    that is open, if it says so."""

    name: str
    protocol: int
    number: int
    host: int = 0
    host_ip: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One sender and receiver. `vrf` and `vtep` are indices into the network's tables.

    `prefixes` holds /32s and /128s for pods and nodes. `state` is the host's: ready, provisioning
    or quarantined. `assumed` names what was derived by rule and not read: "address", "host" (of a
    node: that a host-network pod is there), "pod" (its workload has none now).
    `aliases` are the host-network pods of a node, `runs` the workloads that these belong to, where
    they are called otherwise, `also` other spellings of its own name.
    `service_account` is a pod's, in its own namespace. `anycast` are single addresses among the
    prefixes that others of its VRF may own as well, if they say so too.
    A zone's endpoint may be behind several borders: `vtep` is the first, `also_at` are the others,
    and `backups` those of them all that are a second choice.
    """

    index: int
    name: str
    kind: str
    tenant: str
    vrf: int
    zone: int
    vtep: int
    host: str | None
    prefixes: tuple[Prefix, ...]
    namespace: str | None = None
    workload: str | None = None
    workload_kind: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[NamedPort, ...] = ()
    state: str = "ready"
    host_network: bool = False
    aliases: tuple[str, ...] = ()
    assumed: frozenset[str] = frozenset()
    span: Span | None = None
    also: tuple[str, ...] = ()
    service_account: str | None = None
    anycast: frozenset[Prefix] = frozenset()
    runs: tuple[str, ...] = ()
    also_at: tuple[int, ...] = ()
    backups: frozenset[int] = frozenset()

    @property
    def vteps(self) -> tuple[int, ...]:
        """Every VTEP where it is."""
        return (self.vtep, *self.also_at)


@dataclass(frozen=True, slots=True)
class Vrf:
    """A routing instance with its L3VNI. `name` is `tenant/vrf`; `zone` is 0, 1 or 2. `hairpin`:
    what its VTEPs take out of a tunnel may go into another one, where their routes lead on."""

    index: int
    name: str
    tenant: str
    zone: int
    vni: int
    prefixes: tuple[Prefix, ...]
    span: Span | None = None
    hairpin: bool = False


_OF_ENDPOINT, _OF_VRF = (
    attrgetter(*(f.name for f in fields(kind) if f.name != "span")) for kind in (Endpoint, Vrf)
)


def wherever_written(thing: Vrf | Endpoint) -> tuple[object, ...]:
    """Everything about it but the line that says so: equal of equal things of two files."""
    said: tuple[object, ...] = (_OF_ENDPOINT if isinstance(thing, Endpoint) else _OF_VRF)(thing)
    return said
