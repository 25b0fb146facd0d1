"""Who is behind the Service that an expectation is about, and at which ports, found from manifests.

The words are those of `sim.names.services`; nothing of it is used. Rules that hold here:

1. Behind a Service are the pods of its namespace that its selector selects, and of a pod on its
   node's network that node. What is sent to one of its ports gets to a pod at the target port: a
   number, or the first container port of that name and protocol; who has none is not behind it.
2. A headless Service translates nothing: what is sent to a port gets to that port of its pods.
3. A Service that nobody or several have, one that leads away, one that selects by labels which
   nobody knows, and a port that leads to no pod have no targets, and an expectation about them does
   not hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

from fabric.file.claims import parse_claim
from fabric.inventory import Endpoint
from fabric.kubernetes.services import Service, ServicePort
from fabric.kubernetes.untold_labels import maybe_behind
from fabric.kubernetes.workloads import Pod
from fabric.network import Network
from fabric.ports import PortRange
from fabric.service_names import service_in
from sim.checker.guests import stands_for

Row = tuple[int, int, int, int, int]


def targets(network: Network, claim: str) -> list[dict[str, Any]] | None:
    """As certificates have them, of `kind: A -> B:PORTS`; None where B is no Service."""
    _, target, _, ports = parse_claim(claim.partition(": ")[2])
    name = service_in(target)
    if name is None:
        return None
    wanted = name.strip("/")
    named = [
        (t, s)
        for t, s in _services(network)
        if f"/{t}/{s.namespace}/{s.name}".endswith(f"/{wanted}")
    ]
    if len(named) != 1 or named[0][1].leads_to is not None:
        return []
    tenant, service = named[0]
    pods = network.manifests[tenant].pods
    if maybe_behind(service, pods):
        return []
    mine = [e for e in network.endpoints if e.tenant == tenant]
    got: dict[int, set[Row]] = {}
    for asked in ports:
        openings = _openings(service, asked)
        found = [list(_ends(service, opening, pods, mine, asked)) for opening in openings]
        if not found or not all(found):
            return []
        for end, row in chain.from_iterable(found):
            got.setdefault(end, set()).add(row)
    by_ports: dict[tuple[Row, ...], list[int]] = {}
    for end in sorted(got):
        by_ports.setdefault(tuple(sorted(got[end])), []).append(end)
    return [
        {"ports": [list(row) for row in rows], "endpoints": ends} for rows, ends in by_ports.items()
    ]


def _services(network: Network) -> Iterator[tuple[str, Service]]:
    for tenant, manifests in network.manifests.items():
        yield from ((tenant, service) for service in manifests.services)


def _openings(service: Service, wanted: PortRange) -> list[ServicePort | None]:
    """The ports of a Service that a range means; None where it translates nothing."""
    if service.headless:
        return [None]
    return [
        port
        for port in service.ports
        if wanted.first <= port.port <= wanted.last and wanted.protocol in (-1, port.protocol)
    ]


def _ends(
    service: Service,
    opening: ServicePort | None,
    pods: tuple[Pod, ...],
    mine: list[Endpoint],
    wanted: PortRange,
) -> Iterator[tuple[int, Row]]:
    """The endpoints behind a port of a Service, and where each gets what is sent there."""
    source = wanted.source_first, wanted.source_last
    needed = (service.selector or {}).items()
    chosen = [p for p in pods if p.namespace == service.namespace and needed <= p.labels.items()]
    for pod in chosen if needed else ():
        if opening is None:
            rows: list[Row] = [(wanted.protocol, wanted.first, wanted.last, *source)]
        elif isinstance(opening.target, int):
            rows = [(opening.protocol, opening.target, opening.target, *source)]
        else:
            named = [
                p.number
                for p in pod.ports
                if (p.name, p.protocol) == (opening.target, opening.protocol)
            ]
            rows = [(opening.protocol, number, number, *source) for number in named[:1]]
        yield from ((e.index, row) for e in mine if stands_for(e, pod) for row in rows)
