"""Services that lead elsewhere in the other world: who asks by their name gets to other pods, at
other ports, or nowhere, though no packet between workloads fares differently.

Rules that hold here:

1. A Service is compared by tenant, namespace and name. It leads to workloads, at ports where their
   pods get what it is sent; to all pods of a workload or some, but not to so many.
2. A headless one leads to pods at whatever port is asked for, an ExternalName to a name outside,
   one without a selector to whom somebody else says.
3. Doors from outside count: ports of nodes, and addresses. Cluster IPs are drawn anew for a Service
   that is made anew and say nothing; so do a node port or a load balancer's address that only one
   of the worlds gives.

Source: kubernetes/api `core/v1/types.go` (ServiceSpec).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from fabric.diagnostics import Span
from fabric.kubernetes.manifests import Manifests
from fabric.kubernetes.services import ON_NODES, Service, ServicePort
from fabric.kubernetes.workloads import Pod
from fabric.network import Network
from fabric.ports import PortRange, name_of

NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class ServiceChange:
    """`kind` is new, removed or edited; `old` and `new` are where it led and leads, as far as that
    differs."""

    kind: str
    name: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    span: Span


def service_changes(old: Network, new: Network) -> Iterator[ServiceChange]:
    """Every Service that does not lead where it led, sorted by name."""
    here, there = _services(old), _services(new)
    for key in sorted(here.keys() | there.keys()):
        sides = [world[key] for world in (here, there) if key in world]
        every = [service for side in sides for _, service in side]
        drawn = {at for service in every for at in _drawn(service)}
        placed = not any(service.unplaced for service in every)
        ways = [
            tuple(text for m, s in side for text in leads(s, m.pods, drawn, placed=placed))
            for side in sides
        ]
        span = every[-1].span
        if len(sides) == 1:
            lost, found = (ways[0], ()) if key in here else ((), ways[0])
            kind = "removed" if key in here else "new"
            yield ServiceChange(kind, "/".join(key), lost, found, span)
        elif set(ways[0]) != set(ways[1]):
            lost, found = (tuple(w for w in a if w not in b) for a, b in (ways, ways[::-1]))
            yield ServiceChange("edited", "/".join(key), lost, found, span)


Key = tuple[str, str, str]


def _services(network: Network) -> dict[Key, list[tuple[Manifests, Service]]]:
    """Services by tenant, namespace and name; several objects of one name are one, and lead to
    where any of them does."""
    out: dict[Key, list[tuple[Manifests, Service]]] = {}
    for tenant, manifests in network.manifests.items():
        for service in manifests.services:
            key = tenant, service.namespace, service.name
            out.setdefault(key, []).append((manifests, service))
    return out


def _drawn(service: Service) -> set[tuple[int, int]]:
    """The ports, with their protocols, that open on nodes at a number which nobody gives."""
    opened = service.ports if service.kind in ON_NODES else ()
    return {(p.protocol, p.port) for p in opened if p.node_port == 0}


def leads(
    service: Service,
    pods: Iterable[Pod],
    drawn: Collection[tuple[int, int]],
    *,
    placed: bool,
) -> Iterator[str]:
    """Where a Service leads, a text for each way; node ports in `drawn` have no number, addresses
    count where they are `placed`."""
    if service.leads_to is not None:
        yield f"to {service.leads_to}, outside"
        return
    if service.selector is None:
        yield "to whom others say"
    chosen, others = _behind(service, pods)
    if service.headless and service.selector:
        yield from (f"to {name}" for name in _named(chosen, others)) if chosen else (NOBODY,)
    for port in service.ports if service.selector and not service.headless else ():
        yield from _ends(port, chosen, others)
    for port in service.ports if service.kind in ON_NODES else ():
        number = port.on_nodes
        where = "a port" if (port.protocol, port.port) in drawn else str(number)
        yield f"{_port(port)} from {where} of nodes"
    if placed:
        yield from (f"from {address}" for address in service.external)
    if service.opened and service.local:
        yield "from nodes with such pods"


def _behind(service: Service, pods: Iterable[Pod]) -> tuple[dict[str, list[Pod]], set[str]]:
    """The pods behind a Service by workload, and workloads of which others are not."""
    chosen: dict[str, list[Pod]] = {}
    others: set[str] = set()
    for pod in pods:
        name = f"{pod.namespace}/{pod.workload}"
        if service.selects(pod.namespace, pod.labels):
            chosen.setdefault(name, []).append(pod)
        else:
            others.add(name)
    return chosen, others


def _named(chosen: Iterable[str], others: set[str]) -> list[str]:
    return [f"some of {name}" if name in others else name for name in sorted(chosen)]


def _ends(port: ServicePort, chosen: Mapping[str, list[Pod]], others: set[str]) -> Iterator[str]:
    """Where one port leads."""
    found = False
    for workload in sorted(chosen):
        ends = {tuple(port.ends(pod.ports)[:1]) for pod in chosen[workload]}
        for number in sorted(n for end in ends for n in end):
            found = True
            (name,) = _named([workload], others)
            name = name if len(ends) == 1 or workload in others else f"some of {name}"
            at = PortRange(port.protocol, number, number)
            yield f"{_port(port)} to {name} on {at}"
    if not found:
        yield f"{_port(port)} to {NOBODY}"


def _port(port: ServicePort) -> str:
    return f"{port.port}/{name_of(port.protocol)}"
