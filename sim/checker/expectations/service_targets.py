"""Who is behind the door that an expectation is about, and at which ports, found from manifests.

The words are those of `sim.names.services` and `sim.names.led_by`; nothing of them is used. Rules
that hold here:

1. Behind a Service are the pods of its namespace that its selector selects, and of a pod on its
   node's network that node. What is sent to one of its ports gets to a pod at the target port: a
   number, or the first container port of that name and protocol; who has none is not behind it.
2. A headless Service translates nothing: what is sent to a port gets to that port of its pods; the
   name of a port is that of its target.
3. A Service that nobody or several have, one that leads away, one that selects by labels which
   nobody knows, and a port that leads to no pod have no targets, and an expectation about them does
   not hold.
4. Behind an Ingress or a route are the pods behind each Service that it names, at the port by which
   it names it, else at all; behind a host port those of the workload that is called so, at the
   container ports that are such.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, product
from typing import Any

from fabric.building.network import Network
from fabric.file.expect.claims import ANYTHING, parse_claim, port_names
from fabric.kubernetes.networking.services import Service, ServicePort
from fabric.kubernetes.pods.workloads import Pod
from fabric.kubernetes.unmodelled.untold_labels import maybe_behind
from fabric.values.door_names import HOST_PORT, DoorName, door_in
from fabric.values.inventory import Endpoint
from fabric.values.ports import NAMES, PortRange
from sim.checker.walking.guests import stands_for

Row = tuple[int, int, int, int, int]


def targets(network: Network, claim: str) -> list[dict[str, Any]] | None:
    """As certificates have them, of `kind: A -> B:PORTS`; None where B is no door."""
    text = claim.partition(": ")[2]
    _, target, _, ports = parse_claim(text)
    door = door_in(target)
    if door is None:
        return None
    got: dict[int, set[Row]] = {}
    if door.has_ports:
        led = _by_ports(network, door, ports, port_names(text))
    else:
        led = _of_objects(network, door) if ports == ANYTHING else []
    for end, row in led:
        got.setdefault(end, set()).add(row)
    by_ports: dict[tuple[Row, ...], list[int]] = {}
    for end in sorted(got):
        by_ports.setdefault(tuple(sorted(got[end])), []).append(end)
    return [
        {"ports": [list(row) for row in rows], "endpoints": ends} for rows, ends in by_ports.items()
    ]


def _by_ports(
    network: Network, door: DoorName, ports: Iterable[PortRange], names: Iterable[str]
) -> list[tuple[int, Row]]:
    """Rules 1 to 3."""
    wanted = door.name.strip("/")
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
    asked = [(wanted, _openings(service, wanted)) for wanted in ports]
    asked += [(PortRange(), [p for p in service.ports if _is(p, name)]) for name in names]
    out: list[tuple[int, Row]] = []
    for sent, openings in asked:
        found = [list(_ends(service, opening, pods, mine, sent)) for opening in openings]
        if not found or not all(found):
            return []
        out += chain.from_iterable(found)
    return out


def _is(port: ServicePort, word: str) -> bool:
    """Whether a port is called so, with or without its protocol."""
    return bool(port.name) and word in (port.name, f"{port.name}/{NAMES.get(port.protocol)}")


def _of_objects(network: Network, door: DoorName) -> list[tuple[int, Row]]:
    """Rule 4; nothing where several are called so."""
    found: dict[str, list[tuple[int, Row]]] = {}
    for tenant, manifests in network.manifests.items():
        mine = [e for e in network.endpoints if e.tenant == tenant]
        for pod in manifests.pods if door.kind == HOST_PORT else ():
            rows = [(p.protocol, p.number, p.number, 0, 65535) for p in pod.ports if p.host]
            full = f"{tenant}/{pod.namespace}/{pod.workload}"
            if rows and _means(door, full):
                ends = (e.index for e in mine if stands_for(e, pod))
                found.setdefault(full, []).extend(product(ends, rows))
        for way in manifests.ways_in:
            full = f"{tenant}/{way.namespace}/{way.name}"
            if way.kind == door.kind and _means(door, full):
                led = found.setdefault(full, [])
                behind = [s for s in manifests.services if (s.namespace, s.name) == way.behind]
                if any(maybe_behind(service, manifests.pods) for service in behind):
                    return []
                for service, port in ((s, p) for s in behind for p in s.ports):
                    if way.port is None or way.port in (port.port, port.name):
                        led += _ends(service, port, manifests.pods, mine, PortRange())
    return next(iter(found.values())) if len(found) == 1 else []


def _means(door: DoorName, full: str) -> bool:
    return f"/{full}".endswith(f"/{door.name.strip('/')}")


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
