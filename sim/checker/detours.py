"""Services that take packets of somebody to pods which he does not reach, found by regions alone.

The words are those of `sim.reach.detours`; nothing of it is used. Rules that hold here:

1. A Service of a tenant takes packets at its node ports on every node of the tenant (where none is
   given, at any of 30000 to 32767), and at those of its external addresses that an endpoint of the
   tenant has. From there they may get to each pod that it selects, at its target port, in the same
   IP version.
2. It is a detour when from some addresses of an endpoint, which is neither a node of the tenant nor
   that pod, a packet gets there, and not all packets get to the pod's port itself.
3. What policies alone say about Services was told before (`compiler.sources.doors`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from ipaddress import ip_address
from typing import NamedTuple

from compiler.policy.ir import Policy
from compiler.sources.doors import doors
from fabric.cluster import CLUSTER
from fabric.inventory import Endpoint
from fabric.kubernetes.services import Service
from fabric.kubernetes.unevaluated import Unevaluated
from fabric.kubernetes.workloads import Pod
from fabric.network import Network
from fabric.ports import PortRange
from sim.checker.claims import Judge
from sim.checker.regions import Regions, Sender

ON_NODES = ("NodePort", "LoadBalancer")
DRAWN = 30000, 32767
DETOUR = "detour"


class _Entry(NamedTuple):
    """Where a Service takes packets, and where these may get to."""

    at: frozenset[int]
    port: PortRange
    versions: tuple[int, ...]
    pod: Endpoint
    target: PortRange


def left_out(network: Network, policy: Policy, regions: Regions) -> list[Unevaluated]:
    """What is not evaluated of a network, its detours found here; what the user accepts of a
    Service he accepts of these."""
    told = [r for r in network.not_evaluated if r.category != DETOUR]
    accepted = {_of(r) for r in network.not_evaluated if r.accepted}
    known = {(*_of(r), r.workload) for r in doors(network, policy)}
    detours = [r for r in _detours(network, regions) if (*_of(r), r.workload) not in known]
    return [*told, *(replace(r, accepted=_of(r) in accepted) for r in detours)]


def _of(record: Unevaluated) -> tuple[str, ...]:
    return record.kind, record.tenant, record.namespace, record.name


def _detours(network: Network, regions: Regions) -> Iterator[Unevaluated]:
    judge = Judge(regions)
    for tenant, manifests in network.manifests.items():
        mine = [e for e in network.endpoints if e.tenant == tenant]
        nodes = frozenset(e.index for e in mine if e.kind == "node")
        for service in manifests.services if tenant != CLUSTER else ():
            for entry in _entries(service, mine, nodes, manifests.pods):
                if any(
                    _around(judge, entry, s) for s in regions.sources if s.endpoint not in nodes
                ):
                    on_node = entry.pod.kind != "pod"
                    yield Unevaluated(
                        "v1", "Service", service.namespace, service.name, None, DETOUR, "",
                        "namespace" if on_node else "workload", tenant,
                        "" if on_node else entry.pod.workload or "",
                    )  # fmt: skip


def _entries(
    service: Service, mine: list[Endpoint], nodes: frozenset[int], pods: Iterable[Pod]
) -> Iterator[_Entry]:
    """Rule 1."""
    wanted = (service.selector or {}).items()
    chosen = [p for p in pods if p.namespace == service.namespace and wanted <= p.labels.items()]
    for port in service.ports if wanted else ():
        taken: list[tuple[frozenset[int], PortRange, tuple[int, ...]]] = []
        if service.kind in ON_NODES:
            first, last = (port.node_port, port.node_port) if port.node_port else DRAWN
            taken.append((nodes, PortRange(port.protocol, first, last), (4, 6)))
        for text in service.external:
            having = frozenset(e.index for e in mine if _has(e, text))
            version = 6 if ":" in text else 4
            taken.append((having, PortRange(port.protocol, port.port, port.port), (version,)))
        for pod in chosen:
            named = [
                p.number for p in pod.ports if (p.name, p.protocol) == (port.target, port.protocol)
            ]
            for number in [port.target] if isinstance(port.target, int) else named[:1]:
                target = PortRange(port.protocol, number, number)
                yield from (
                    _Entry(*at, endpoint, target)
                    for at in taken
                    for endpoint in mine
                    if _stands_for(endpoint, pod)
                )


def _has(endpoint: Endpoint, text: str) -> bool:
    try:
        return any(ip_address(text) in prefix for prefix in endpoint.prefixes)
    except ValueError:
        return False


def _stands_for(endpoint: Endpoint, pod: Pod) -> bool:
    """Whether an endpoint is a pod, or the node on whose network it is."""
    named = f"{endpoint.tenant}/{pod.namespace}/{pod.name}"
    names = (endpoint.name,) if endpoint.kind == "pod" else endpoint.aliases
    return any(n == named or (pod.per_host and n.startswith(f"{named}-")) for n in names)


def _around(judge: Judge, entry: _Entry, source: Sender) -> bool:
    """Rule 2 of addresses that fare alike."""
    version, end = source.version, entry.pod.index
    speaks = judge.regions.parties[end].speaks(version)
    if source.endpoint == end or version not in entry.versions or not speaks:
        return False
    targets = judge.index.targets[source.map]
    enters = any(
        choice.endpoint == node and judge.view(choice.profile, (entry.port,), version)[0]
        for node in entry.at & targets.keys()
        for row in targets[node]
        for choice in row.choices
    )
    if not enters:
        return False
    rows = list(judge.index.rows(source.map, end, version, None))
    return not rows or not all(
        choice.endpoint == end and not judge.view(choice.profile, (entry.target,), version)[2]
        for row in rows
        for choice in row.choices
    )
