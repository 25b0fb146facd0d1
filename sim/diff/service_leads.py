"""Services that lead elsewhere in the other world: who asks by their name gets to other pods, at
other ports, or nowhere, though no packet between workloads fares differently.

Rules that hold here:

1. A Service is compared by tenant, namespace and name. It leads to workloads, at ports where their
   pods get what it is sent; to all pods of a workload or some, but not to so many. Of some, those
   count that both worlds have and to which only one of them leads.
2. A headless one leads to pods at whatever port is asked for, an ExternalName to a name outside,
   one without a selector to whom somebody else says.
3. Doors from outside count: ports of nodes, and addresses. Cluster IPs are drawn anew for a Service
   that is made anew and say nothing; so do a node port or a load balancer's address that only one
   of the worlds gives. What is asked of a load balancer counts word by word.

Source: kubernetes/api `core/v1/types.go` (ServiceSpec).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from fabric.building.network import Network
from fabric.diagnostics import Span
from fabric.kubernetes.networking.services import ON_NODES, Service, ServicePort
from fabric.kubernetes.pods.workloads import Pod
from fabric.values.ports import PortRange, name_of

NOBODY = "nobody"
NAMED = 6


@dataclass(frozen=True, slots=True)
class DoorChange:
    """Of a Service, or the host ports of a workload: `kind` is new, removed or edited; `old` and
    `new` are where it led and leads, as far as that differs."""

    kind: str
    name: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    span: Span


def service_changes(old: Network, new: Network) -> Iterator[DoorChange]:
    """Every Service that does not lead where it led, sorted by name."""
    here, there = _services(old), _services(new)
    for key in sorted(here.keys() | there.keys()):
        sides = [world[key] for world in (here, there) if key in world]
        every = [service for side in sides for _, service in side]
        drawn = {at for service in every for at in _drawn(service)}
        placed = not any(service.unplaced for service in every)
        moved = _moved(*sides) if len(sides) == 2 else frozenset()
        ways = [
            tuple(text for pods, s in side for text in leads(s, pods, drawn, moved, placed=placed))
            for side in sides
        ]
        span = every[-1].span
        if len(sides) == 1:
            lost, found = (ways[0], ()) if key in here else ((), ways[0])
            kind = "removed" if key in here else "new"
            yield DoorChange(kind, "/".join(key), lost, found, span)
        elif set(ways[0]) != set(ways[1]):
            lost, found = (tuple(w for w in a if w not in b) for a, b in (ways, ways[::-1]))
            yield DoorChange("edited", "/".join(key), lost, found, span)


Key = tuple[str, str, str]
Side = list[tuple[Sequence[Pod], Service]]
"""The Services of a name, each with the pods of its namespace."""
End = tuple[str, str, int]
"""A pod, the port of a Service that leads to it (empty: any), and the pod's own."""


def _services(network: Network) -> dict[Key, Side]:
    """Services by tenant, namespace and name; several objects of one name are one, and lead to
    where any of them does."""
    out: dict[Key, Side] = {}
    for tenant, manifests in network.manifests.items():
        pods: defaultdict[str, list[Pod]] = defaultdict(list)
        for pod in manifests.pods:
            pods[pod.namespace].append(pod)
        for service in manifests.services:
            key = tenant, service.namespace, service.name
            out.setdefault(key, []).append((pods[service.namespace], service))
    return out


def _moved(old: Side, new: Side) -> frozenset[End]:
    """The ends at pods of both worlds to which one of them leads."""
    both = [{pod.name for pods, _ in side for pod in pods} for side in (old, new)]
    ends = [{end for pods, s in side for end in _every(s, pods)} for side in (old, new)]
    return frozenset(end for end in ends[0] ^ ends[1] if end[0] in both[0] & both[1])


def _every(service: Service, pods: Iterable[Pod]) -> Iterator[End]:
    """Where a Service ends at each of these pods."""
    for pod in pods:
        if service.selects(pod.namespace, pod.labels):
            if service.headless:
                yield pod.name, "", 0
            for port in () if service.headless else service.ports:
                yield from ((pod.name, _port(port), n) for n in port.ends(pod.ports)[:1])


def _drawn(service: Service) -> set[tuple[int, int]]:
    """The ports, with their protocols, that open on nodes at a number which nobody gives."""
    opened = service.ports if service.kind in ON_NODES else ()
    return {(p.protocol, p.port) for p in opened if p.node_port == 0}


def leads(
    service: Service,
    pods: Iterable[Pod],
    drawn: Collection[tuple[int, int]],
    moved: Collection[End],
    *,
    placed: bool,
) -> Iterator[str]:
    """Where a Service leads, a text for each way; node ports in `drawn` have no number, pods in
    `moved` a name; addresses count where they are `placed`."""
    if service.leads_to is not None:
        yield f"to {service.leads_to}, outside"
        return
    if service.selector is None:
        yield "to whom others say"
    chosen, others = _behind(service, pods)
    if service.headless and service.selector:
        for name in sorted(chosen):
            some = name in others
            yield f"to {_some(name, chosen[name], '', 0, moved) if some else name}"
        if not chosen:
            yield NOBODY
    for port in service.ports if service.selector and not service.headless else ():
        yield from _ends(port, chosen, others, moved)
    for port in service.ports if service.kind in ON_NODES else ():
        number = port.on_nodes
        where = "a port" if (port.protocol, port.port) in drawn else str(number)
        yield f"{_port(port)} from {where} of nodes"
    if placed:
        yield from (f"from {address}" for address in service.external)
    if service.opened and service.local:
        yield "from nodes with such pods"
    yield from (f"load balancer {order}" for order in service.balancer)


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


def _some(name: str, pods: Iterable[Pod], port: str, own: int, moved: Collection[End]) -> str:
    """Some pods of a workload; which, where the other world does not lead to them."""
    which = sorted({pod.name for pod in pods if (pod.name, port, own) in moved})
    more = f" and {len(which) - NAMED:,} more" if len(which) > NAMED else ""
    return f"some of {name}" + (f" ({', '.join(which[:NAMED])}{more})" if which else "")


def _ends(
    port: ServicePort,
    chosen: Mapping[str, list[Pod]],
    others: set[str],
    moved: Collection[End],
) -> Iterator[str]:
    """Where one port leads."""
    found = False
    for workload in sorted(chosen):
        by_number: dict[int | None, list[Pod]] = {}
        for pod in chosen[workload]:
            number = next(iter(port.ends(pod.ports)), None)
            by_number.setdefault(number, []).append(pod)
        some = len(by_number) > 1 or workload in others
        for number in sorted(n for n in by_number if n is not None):
            pods, found = by_number[number], True
            name = _some(workload, pods, _port(port), number, moved) if some else workload
            at = PortRange(port.protocol, number, number)
            yield f"{_port(port)} to {name} on {at}"
    if not found:
        yield f"{_port(port)} to {NOBODY}"


def _port(port: ServicePort) -> str:
    return f"{port.port}/{name_of(port.protocol)}"
