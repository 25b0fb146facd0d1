"""`namespace/name[Service]:port` as a destination: the pods behind a door, each where it leads.

Doors without ports of their own are told in `sim.names.led_by`. What a Service means is told in
`fabric.kubernetes.networking.services`: one without a selector has no pods behind it, a headless
one translates no ports, an ExternalName leads away.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, InputError, did_you_mean
from fabric.kubernetes.networking.services import Service, ServicePort
from fabric.kubernetes.pods.workloads import Pod
from fabric.kubernetes.unmodelled.untold_labels import maybe_behind
from fabric.values.door_names import SERVICE, DoorName
from fabric.values.inventory import Endpoint
from fabric.values.ports import ANY, PortRange, name_of, parse_ports
from sim.names.led_by import led_by, namespaces, portless, resolved
from sim.names.members import Member, members


def behind(network: Network, name: DoorName, port: str) -> Iterator[tuple[Endpoint, PortRange]]:
    """The pods behind a door and the ports at which they get what is sent to `port`, a number
    with a protocol or a name; `InputError` when there is nobody."""
    if not name.has_ports:
        raise portless(name)
    title, service, pods = _pods(network, name)
    found = [(end, at) for pod, end in pods for at in _ports(service, pod, port)]
    if not found:
        known = ", ".join(f"{p.port} {p.name}".strip() for p in service.ports)
        raise _fault("C705", f"{title} has no such port: {port}", known and f"it has {known}")
    yield from {(end.index, at): (end, at) for end, at in found}.values()


def every_port(network: Network, name: DoorName) -> Iterator[tuple[Endpoint, PortRange]]:
    """As `behind`, for all that the door leads to; a headless Service leads to all of its pods'."""
    if not name.has_ports:
        led = [(end, at) for (_, end), at in led_by(network, name)]
        yield from {(end.index, at): (end, at) for end, at in led}.values()
        return
    title, service, pods = _pods(network, name)
    if service.headless:
        yield from ((end, PortRange()) for end in {e.index: e for _, e in pods}.values())
        return
    asked = [f"{p.port}/{name_of(p.protocol)}" for p in service.ports]
    found = [(end, at) for port in asked for pod, end in pods for at in _ports(service, pod, port)]
    if not found:
        raise _fault("C705", f"{title} has no ports that lead to a pod")
    yield from {(end.index, at): (end, at) for end, at in found}.values()


def led_to(
    network: Network, name: DoorName, asked: Iterable[PortRange], called: Iterable[str] = ()
) -> list[tuple[tuple[PortRange, ...], tuple[int, ...]]]:
    """Where packets to these ports of a door, or to those called so, get: ports, and the endpoints
    that get them there, each of which stands in one group. `InputError` where one of a Service's
    ports that is asked for leads to no pod, or it has none of these."""
    found: dict[int, set[PortRange]] = defaultdict(set)
    if not name.has_ports:
        if tuple(asked) != (PortRange(),):
            raise portless(name)
        for pod_end, at in every_port(network, name):
            found[pod_end.index].add(at)
        return alike(found)
    title, service, pods = _pods(network, name)
    known = ", ".join(f"{p.port}/{name_of(p.protocol)} {p.name}".strip() for p in service.ports)
    hint = known and f"it has {known}"
    ways = [(wanted, [p for p in service.ports if offers(p, wanted)]) for wanted in asked]
    for wanted, offered in ways:
        if service.headless:
            for _, pod_end in pods:
                found[pod_end.index].add(wanted)
        elif not offered:
            raise _fault("C705", f"{title} has no such port: {wanted}", hint)
    ways = [] if service.headless else ways
    for word in called:
        own = [p for p in service.ports if is_called(p, word)]
        if not own:
            raise _fault("C705", f'{title} has no port called "{word}"', hint)
        ways.append((PortRange(), own))
    for wanted, offered in ways:
        for mapped in offered:
            ends = [(e.index, number) for pod, e in pods for number in mapped.ends(pod.ports)[:1]]
            if not ends:
                port = f"{mapped.port}/{name_of(mapped.protocol)}"
                raise _fault("C705", f"{port} of {title} leads to no pod: none has {mapped.target}")
            for end, number in ends:
                source = wanted.source_first, wanted.source_last
                found[end].add(PortRange(mapped.protocol, number, number, *source))
    return alike(found)


def alike(
    found: Mapping[int, Iterable[PortRange]],
) -> list[tuple[tuple[PortRange, ...], tuple[int, ...]]]:
    """Endpoints by the ports of each."""
    out: dict[tuple[PortRange, ...], list[int]] = defaultdict(list)
    for end in sorted(found):
        out[tuple(sorted(found[end]))].append(end)
    return [(ports, tuple(ends)) for ports, ends in out.items()]


def is_called(mapped: ServicePort, word: str) -> bool:
    """Whether a port of a Service is meant by a name, maybe with a protocol behind it."""
    name, _, protocol = word.partition("/")
    return mapped.name == name != "" and protocol in ("", "any", name_of(mapped.protocol))


def offers(mapped: ServicePort, wanted: PortRange) -> bool:
    """Whether a port of a Service is among those of a range."""
    return wanted.protocol in (ANY, mapped.protocol) and wanted.first <= mapped.port <= wanted.last


def pods_behind(network: Network, name: DoorName) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The endpoints behind a door, and patterns of everything that may come to be there."""
    if not name.has_ports:
        led = {end.index for (_, end), _ in led_by(network, name)}
        return tuple(sorted(led)), may_be_behind(network, name)
    tenant, service = _called(network, name.name)
    found = {end.index for _, end in _pods(network, name)[2]}
    return tuple(sorted(found)), (f"{tenant}/{service.namespace}/*",)


def full_name(network: Network, name: DoorName) -> str:
    """`tenant/namespace/name` of a Service, however much of it was said; of any other door with
    its kind behind it."""
    if not name.has_ports:
        return str(DoorName(name.kind, resolved(network, name)[0]))
    tenant, service = _called(network, name.name)
    return f"{tenant}/{service.namespace}/{service.name}"


def known(network: Network) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Every Service with pods behind it, by its full name, and their endpoints; without those of
    which nobody knows who is behind them."""
    for tenant, manifests in network.manifests.items():
        by_namespace: dict[str, list[Member]] = defaultdict(list)
        for pod, end in members(network, tenant):
            by_namespace[pod.namespace].append((pod, end))
        for service in manifests.services:
            if service.leads_to is None and maybe_behind(service, manifests.pods) is None:
                pods = by_namespace[service.namespace]
                ends = {e.index for p, e in pods if service.selects(p.namespace, p.labels)}
                if ends:
                    name = f"{tenant}/{service.namespace}/{service.name}"
                    yield name, tuple(sorted(ends))


def may_be_behind(network: Network, name: DoorName) -> tuple[str, ...]:
    """Patterns of everything that may come to be behind a door."""
    return tuple(f"{tenant}/{namespace}/*" for tenant, namespace in namespaces(network, name))


def _pods(network: Network, name: DoorName) -> tuple[str, Service, list[Member]]:
    """A Service, how it is called, and the pods behind it, those on their node's network too."""
    tenant, service = _called(network, name.name)
    title = f"{service.namespace}/{service.name}[{name.kind}]"
    if service.leads_to is not None:
        raise _fault("C710", f"{title} leads outside, to {service.leads_to}", "ask for an address")
    if (why := maybe_behind(service, network.manifests[tenant].pods)) is not None:
        raise _fault("C710", f"who is behind {title} nobody knows: {why}", "ask for the pods")
    pods = [
        (pod, end)
        for pod, end in members(network, tenant)
        if service.selects(pod.namespace, pod.labels)
    ]
    if not pods:
        hint = None if service.selector else "it has no selector: somebody else says who is there"
        raise _fault("C710", f"{title} has no pods behind it", hint)
    return title, service, pods


def _called(network: Network, name: str) -> tuple[str, Service]:
    wanted = name.strip("/").split("/")
    everyone = {
        f"{tenant}/{s.namespace}/{s.name}": (tenant, s)
        for tenant, manifests in network.manifests.items()
        for s in manifests.services
    }
    found = [key for key in everyone if key.split("/")[-len(wanted) :] == wanted]
    if len(found) > 1:
        raise _fault("C711", f'"{name}[{SERVICE}]" is ambiguous: {", ".join(found)}')
    if not found:
        hint = did_you_mean(name, everyone)
        raise _fault("C710", f'no Service is called "{name}"', hint)
    tenant, service = everyone[found[0]]
    twins = [
        s
        for s in network.manifests[tenant].services
        if (s.namespace, s.name) == (service.namespace, service.name)
    ]
    if len(twins) > 1:
        places = " and ".join(str(s.span) for s in twins)
        raise _fault("C711", f'"{name}[{SERVICE}]" is ambiguous: {places}')
    return tenant, service


def _ports(service: Service, pod: Pod, port: str) -> Iterator[PortRange]:
    """Where a pod gets what is sent to a port of its Service."""
    try:
        asked = parse_ports(port)
    except ValueError:
        asked = ()
    if service.headless and asked:
        yield from asked
        return
    for mapped in service.ports:
        called = is_called(mapped, port)
        wanted = (mapped.protocol, mapped.port, mapped.port)
        if called or any((r.protocol, r.first, r.last) == wanted for r in asked):
            for number in mapped.ends(pod.ports):
                yield PortRange(mapped.protocol, number, number)


def _fault(code: str, message: str, hint: str | None = None) -> InputError:
    return InputError(Diagnostic(code, message, None, hint))
