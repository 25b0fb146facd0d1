"""Services that take packets of somebody to pods which he does not reach, found by regions alone.

The words are those of `sim.proof.ways_around.detours`; nothing of it is used. Rules that hold here:

1. A Service of a tenant takes packets at its node ports (where none is given, at any of 30000 to
   32767) on every node of the tenant, and on those of other tenants on the same hosts, which need
   not send any to themselves; and at those of its external addresses that one of these has, or
   another endpoint of the tenant. From there they may get to each pod that it selects, at its
   target port, in the same IP version.
2. It is a detour when from some addresses of an endpoint, which is neither a node of the tenant nor
   that pod, a packet gets there, and not all packets get to the pod's port itself.
3. What policies alone say about Services was told before (`compiler.sources.doors`).
4. For an expectation that denies packets of a pair (sender, pod, IP version) it is one also where
   the sender is a node of the tenant; and under a failure, if some of these addresses are none from
   which a packet gets there as things are. Endpoints behind the failed node are left out. Services
   and workloads that are told of anyway are not asked about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Set
from ipaddress import ip_address
from typing import NamedTuple

from compiler.policy.ir import Policy
from compiler.sources.doors import doors
from fabric.building.cluster import CLUSTER
from fabric.building.network import Network
from fabric.kubernetes.networking.services import Service
from fabric.kubernetes.pods.workloads import Pod
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated, accepting
from fabric.values.interval_sets import subtract, union
from fabric.values.inventory import Endpoint
from fabric.values.ports import PortRange
from sim.checker.document.regions import Regions, Sender
from sim.checker.expectations.claims import Claim, Judge
from sim.checker.walking.guests import stands_for

ON_NODES = ("NodePort", "LoadBalancer")
DRAWN = 30000, 32767
DETOUR = "detour"


class _ServiceEntry(NamedTuple):
    """Where a Service takes packets, and where these may get to."""

    at: frozenset[int]
    port: PortRange
    versions: tuple[int, ...]
    pod: Endpoint
    target: PortRange
    nodes: frozenset[int]


def left_out(network: Network, policy: Policy, regions: Regions) -> list[Unevaluated]:
    """What is not evaluated of a network, its detours found here; what the user accepts he accepts
    of these."""
    told = [r for r in network.not_evaluated if r.category != DETOUR]
    known = {way_of(r) for r in doors(network, policy)}
    judge = Judge(regions)
    detours = [
        record
        for record, entries in _services(network)
        if way_of(record) not in known
        and any(
            s.endpoint not in entry.nodes and _around(judge, entry, s)
            for entry in entries
            for s in regions.sources
        )
    ]
    return [*told, *accepting(detours, network.accepts)]


def way_of(record: Unevaluated) -> tuple[str, ...]:
    """Which object and which workload a record is about."""
    return record.kind, record.tenant, record.namespace, record.name, record.workload


class Doors:
    """Services that nothing tells of as things are, asked about for expectations (rule 4)."""

    def __init__(self, network: Network, judge: Judge, told: Iterable[Unevaluated]) -> None:
        known = {way_of(r) for r in told if r.category in ("door", DETOUR)}
        self.network, self.here = network, judge
        self.services = [s for s in _services(network) if way_of(s[0]) not in known]

    def of_nodes(self, claims: Iterable[Claim]) -> Iterator[Unevaluated]:
        """What leads a tenant's own nodes around what one of these expectations forbids."""
        pairs = self._pairs(claims)

        def led(entry: _ServiceEntry, source: Sender) -> bool:
            return source.endpoint in entry.nodes and _around(self.here, entry, source)

        yield from self._against(self.here, pairs, led)

    def opened(
        self, there: Judge, gone: Set[int], claims: Iterable[Claim]
    ) -> Iterator[Unevaluated]:
        """What leads around what one of these expectations forbids in the world of a failure."""
        pairs = self._pairs(claims)

        def led(entry: _ServiceEntry, source: Sender) -> bool:
            missing = gone & {source.endpoint, entry.pod.index}
            return not missing and self._newly(there, entry, source)

        yield from self._against(there, pairs, led)

    def _pairs(self, claims: Iterable[Claim]) -> list[tuple[int, Set[int], Set[int]]]:
        denying = [c for claim in claims if claim.kind != "allow" for c in claim.each]
        return [
            (version, *ends)
            for claim in (denying if self.services else ())
            for version, a, b in self.here.compared(claim)
            for ends in (((a, b), (b, a)) if claim.both_ways else ((a, b),))
        ]

    def _against(
        self,
        there: Judge,
        pairs: Iterable[tuple[int, Set[int], Set[int]]],
        led: Callable[[_ServiceEntry, Sender], bool],
    ) -> Iterator[Unevaluated]:
        found = [
            record
            for record, entries in self.services
            if any(
                led(entry, source)
                for entry in entries
                for version, senders, ends in pairs
                if entry.pod.index in ends
                for endpoint in senders
                for source in there.index.sources.get((endpoint, version), ())
            )
        ]
        yield from accepting(found, self.network.accepts)

    def _newly(self, there: Judge, entry: _ServiceEntry, source: Sender) -> bool:
        if not _around(there, entry, source):
            return False
        before = union(
            *(
                known.ranges
                for known in self.here.index.sources.get((source.endpoint, source.version), ())
                if _enters(self.here, entry, known)
            )
        )
        return bool(subtract(source.ranges, before))


def _services(network: Network) -> Iterator[tuple[Unevaluated, list[_ServiceEntry]]]:
    """Each Service with the pods of a workload behind it: what is told if it is a detour, and its
    ways."""
    for tenant, manifests in network.manifests.items():
        mine = [e for e in network.endpoints if e.tenant == tenant]
        hosts = {e.host for e in mine if e.kind == "node"}
        machines = [e for e in network.endpoints if e.kind == "node" and e.host in hosts]
        for service in manifests.services if tenant != CLUSTER else ():
            found: dict[Unevaluated, list[_ServiceEntry]] = {}
            for entry in _entries(service, mine, machines, manifests.pods):
                on_node = entry.pod.kind != "pod"
                record = Unevaluated(
                    "v1", "Service", service.namespace, service.name, None, DETOUR, "",
                    "namespace" if on_node else "workload", tenant,
                    "" if on_node else entry.pod.workload or "",
                )  # fmt: skip
                found.setdefault(record, []).append(entry)
            yield from found.items()


def _entries(
    service: Service, mine: list[Endpoint], machines: list[Endpoint], pods: Iterable[Pod]
) -> Iterator[_ServiceEntry]:
    """Rule 1."""
    nodes = frozenset(e.index for e in mine if e.kind == "node")
    wanted = (service.selector or {}).items()
    chosen = [p for p in pods if p.namespace == service.namespace and wanted <= p.labels.items()]
    for port in service.ports if wanted else ():
        taken: list[tuple[frozenset[int], PortRange, tuple[int, ...]]] = []
        if service.kind in ON_NODES:
            first, last = (port.node_port, port.node_port) if port.node_port else DRAWN
            at = frozenset(e.index for e in machines)
            taken.append((at, PortRange(port.protocol, first, last), (4, 6)))
        for text in service.external:
            having = frozenset(e.index for e in (*mine, *machines) if _has(e, text))
            version = 6 if ":" in text else 4
            taken.append((having, PortRange(port.protocol, port.port, port.port), (version,)))
        for pod in chosen:
            named = [
                p.number for p in pod.ports if (p.name, p.protocol) == (port.target, port.protocol)
            ]
            for number in [port.target] if isinstance(port.target, int) else named[:1]:
                target = PortRange(port.protocol, number, number)
                yield from (
                    _ServiceEntry(*way, endpoint, target, nodes)
                    for way in taken
                    for endpoint in mine
                    if stands_for(endpoint, pod)
                )


def _has(endpoint: Endpoint, text: str) -> bool:
    try:
        return any(ip_address(text) in prefix for prefix in endpoint.prefixes)
    except ValueError:
        return False


def _around(judge: Judge, entry: _ServiceEntry, source: Sender) -> bool:
    """Rule 2 of addresses that fare alike."""
    version, end = source.version, entry.pod.index
    speaks = judge.regions.parties[end].speaks(version)
    if source.endpoint == end or not speaks:
        return False
    if not _enters(judge, entry, source):
        return False
    rows = list(judge.index.rows(source.map, end, version, None))
    return not rows or not all(
        choice.endpoint == end and not judge.view(choice.profile, (entry.target,), version)[2]
        for row in rows
        for choice in row.choices
    )


def _enters(judge: Judge, entry: _ServiceEntry, source: Sender) -> bool:
    """Whether a packet of these addresses gets to where a Service takes packets."""
    version = source.version
    own = judge.regions.parties[source.endpoint].group == entry.pod.tenant
    shares = source.endpoint in entry.at and not own
    return version in entry.versions and (
        shares or source.map in judge.entering(entry.at, (entry.port,), version)
    )
