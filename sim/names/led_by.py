"""Doors without ports of their own, and the pods that they lead to, each where it gets what they
hand on: Ingresses and routes of gateways (`fabric.kubernetes.networking.ways_in`), and host ports.

Rules that hold here:

1. An Ingress or a route is all of its names and paths: every pod behind one of its Services, at the
   ports that it asks these for. A backend that is no Service, or that has no pods, leads to nobody.
2. A host port is called as the workload whose pods open it, and leads to their container ports.
3. Who gets to a controller is not known, and so whether anybody gets in by an Ingress or a route:
   what is said of the name is said of the pods, and the object is not evaluated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, InputError, did_you_mean
from fabric.kubernetes.networking.services import Service
from fabric.kubernetes.networking.ways_in import WayIn
from fabric.kubernetes.unmodelled.untold_labels import maybe_behind
from fabric.values.door_names import HOST_PORT, DoorName
from fabric.values.ports import PortRange
from sim.names.members import Member, members

Led = tuple[Member, PortRange]


def led_by(network: Network, name: DoorName) -> list[Led]:
    """The pods behind a door and their ports; `InputError` when there is nobody."""
    full, led = resolved(network, name)
    if (why := next(_untold(network, name.kind, full), None)) is not None:
        raise _fault("C710", f"who is behind {name} nobody knows: {why}", "ask for the pods")
    found = {(end.index, pod.name, at): ((pod, end), at) for (pod, end), at in led}
    if not found:
        raise _fault("C710", f"{name} leads to no pod")
    return list(found.values())


def resolved(network: Network, name: DoorName) -> tuple[str, list[Led]]:
    """`tenant/namespace/name` of the one door that is called so, and where it leads."""
    known = of_host_ports(network) if name.kind == HOST_PORT else of_ways_in(network, name)
    wanted = name.name.strip("/").split("/")
    called = [full for full in known if full.split("/")[-len(wanted) :] == wanted]
    if len(called) > 1:
        raise _fault("C711", f'"{name}" is ambiguous: {", ".join(called)}')
    if not called:
        raise _fault(
            "C710", f'no {name.kind} is called "{name.name}"', did_you_mean(name.name, known)
        )
    return called[0], known[called[0]]


def of_host_ports(network: Network) -> dict[str, list[Led]]:
    """Where the host ports of each workload lead (rule 2)."""
    found: dict[str, list[Led]] = {}
    for tenant in network.manifests:
        for pod, end in members(network, tenant):
            for own in pod.ports:
                if own.host:
                    at = PortRange(own.protocol, own.number, own.number)
                    full = f"{tenant}/{pod.namespace}/{pod.workload}"
                    found.setdefault(full, []).append(((pod, end), at))
    return found


def of_ways_in(network: Network, name: DoorName) -> dict[str, list[Led]]:
    """Where the objects of a kind lead (rule 1)."""
    found: dict[str, list[Led]] = {}
    for tenant, manifests in network.manifests.items():
        ways = [way for way in manifests.ways_in if way.kind == name.kind]
        pods = list(members(network, tenant)) if ways else []
        for way in ways:
            led = found.setdefault(f"{tenant}/{way.namespace}/{way.name}", [])
            for service in manifests.services:
                if (service.namespace, service.name) == way.behind:
                    led += _behind(way, service, pods)
    return found


def _behind(way: WayIn, service: Service, pods: Iterable[Member]) -> Iterator[Led]:
    """The pods of one backend."""
    for mapped in service.ports:
        for pod, end in pods if way.port in (None, mapped.port, mapped.name) else ():
            if service.selects(pod.namespace, pod.labels):
                for number in mapped.ends(pod.ports)[:1]:
                    yield (pod, end), PortRange(mapped.protocol, number, number)


def _untold(network: Network, kind: str, full: str) -> Iterator[str]:
    """Why nobody knows who is behind a Service to which an object leads."""
    for tenant, manifests in network.manifests.items():
        for way in manifests.ways_in:
            if (way.kind, f"{tenant}/{way.namespace}/{way.name}") == (kind, full):
                for service in manifests.services:
                    if (service.namespace, service.name) == way.behind:
                        yield from filter(None, [maybe_behind(service, manifests.pods)])


def namespaces(network: Network, name: DoorName) -> list[tuple[str, str]]:
    """The tenants and namespaces whose pods may be behind a door that is called so."""
    wanted = name.name.strip("/").split("/")
    own = [
        (tenant, namespace)
        for tenant, manifests in network.manifests.items()
        for way in manifests.ways_in
        if (way.kind, [tenant, way.namespace, way.name][-len(wanted) :]) == (name.kind, wanted)
        for namespace in (way.namespace, way.behind[0])
    ]
    here = wanted[-2] if len(wanted) > 1 else "*"
    there = [wanted[0]] if len(wanted) > 2 else [*network.manifests]
    return list(dict.fromkeys(own)) or [(tenant, here) for tenant in there]


def portless(name: DoorName) -> InputError:
    """What is said to those who ask for a port of a door that has none."""
    hint = "it is all that it leads to: leave the port out, or ask for a Service behind it"
    return _fault("C705", f"{name} has no ports of its own", hint)


def _fault(code: str, message: str, hint: str | None = None) -> InputError:
    return InputError(Diagnostic(code, message, None, hint))
