"""What names and addresses stand for in a world of one Kubernetes cluster.

namespace/pod               a pod
namespace/workload[Kind]    all pods of a workload; [Kind] may be left out when that is clear
namespace/service[Service]  the pods behind a Service, on the ports that it maps to; also written
                            Service namespace/service
namespace/name[Ingress]     the pods behind an Ingress, a route of a gateway or a host port, where
                            it leads to; it has no ports of its own
ip:ADDRESS                  whoever has the address: a pod, a node, a Service, or the outside
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from fabric.building.cluster import CLUSTER, EXTERNAL, name_of, running
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, InputError, did_you_mean
from fabric.kubernetes.networking.services import Service
from fabric.kubernetes.pods.workloads import Pod
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated
from fabric.kubernetes.unmodelled.untold_labels import maybe_behind
from fabric.values.address_sets import mapped, refusal
from fabric.values.door_names import DoorName, door_in, in_brackets
from fabric.values.inventory import Endpoint
from fabric.values.ports import PortRange
from sim.names.door_at import at_address
from sim.names.led_by import led_by, portless

Address = IPv4Address | IPv6Address
ENDPOINTS = ("Endpoints", "EndpointSlice")
SHAPE = re.compile(r"([^/\[\]]+)/([^/\[\]]+?)(?:\[([\w.-]+)\])?")


@dataclass(frozen=True, slots=True)
class End:
    """One end of a flow: an endpoint under a name, at one address if that was given. `port` is
    where a Service leads; None keeps the port that was asked for. `door` is the address of a node
    or a load balancer that leads there, if it was asked for by that."""

    name: str
    endpoint: Endpoint
    address: Address | None = None
    port: int | None = None
    door: Address | None = None

    @property
    def outside(self) -> bool:
        """Whether no policy protects it because it is not in the cluster."""
        return self.endpoint.kind == "zone"

    def ip(self, version: int) -> int | None:
        """Its address of a family as an integer."""
        if self.address is not None:
            return int(self.address) if self.address.version == version else None
        own = (p for p in self.endpoint.prefixes if p.version == version)
        return next((int(p.network_address) for p in own), None)


class ClusterNames:
    """Looks names up in one network."""

    def __init__(self, network: Network) -> None:
        self.network, self.manifests = network, network.manifests[CLUSTER]
        at = {name: e for e in network.endpoints for name in (e.name, *e.aliases)}
        self.external = at[EXTERNAL]
        self.pods: dict[str, End] = {}
        self.workloads: dict[tuple[str, str], dict[str, list[End]]] = defaultdict(dict)
        self.at: dict[Address, End] = {}
        self.labelled: list[tuple[Pod, End]] = []
        for endpoint in network.endpoints:
            self.index(endpoint)
        for pod in running(self.manifests):
            end = End(f"{pod.namespace}/{pod.name}", at[name_of(pod)])
            self.pods[end.name] = end
            kinds = self.workloads[pod.namespace, pod.workload]
            kinds.setdefault(pod.workload_kind, []).append(end)
            self.labelled.append((pod, end))
        self.services: dict[tuple[str, str], list[Service]] = defaultdict(list)
        for service in self.manifests.services:
            self.services[service.namespace, service.name].append(service)
        self.virtual = {ip_address(a): s for s in self.manifests.services for a in s.addresses}

    def index(self, endpoint: Endpoint) -> None:
        """Remember who has which address."""
        name = endpoint.name.removeprefix(f"{CLUSTER}/")
        for prefix in endpoint.prefixes if endpoint.kind != "zone" else ():
            address = prefix.network_address
            self.at.setdefault(address, End(name, endpoint, address))

    def sources(self, text: str) -> Sequence[End]:
        """Who opens the connection; raises `InputError` when the text is nobody."""
        text = in_brackets(text)
        if text.startswith("ip:"):
            return [self.owner(address_in(text))]
        namespace, name, kind = split(text)
        if (door := door_in(text)) is not None:
            raise fault(f"{door.one} opens no connections")
        return self.members(text, namespace, name, kind)

    def targets(self, text: str, protocol: int, port: int | str) -> Sequence[End]:
        """Who answers on a port; raises `InputError` when the text is nobody."""
        text = in_brackets(text)
        service = None
        if text.startswith("ip:"):
            address = address_in(text)
            if address not in self.virtual:
                return self.through_door(address, protocol, port) or [self.owner(address)]
            service = self.virtual[address]
        else:
            namespace, name, kind = split(text)
            door = door_in(text)
            if door is None:
                return self.members(text, namespace, name, kind)
            if not door.has_ports:
                return list(self.at_portless(door, protocol, port))
            service = self.service(text, namespace, name)
        return list(self.behind(service, protocol, port))

    def at_portless(self, door: DoorName, protocol: int, port: int | str) -> Iterator[End]:
        """The pods behind a door without ports, of which nobody asks for one, in a protocol."""
        if port:
            raise portless(door)
        found = [(end, at) for _, end, at in self.led(door) if at.protocol == protocol]
        if not found:
            raise fault(f"{door} leads to no pod in this protocol")
        for end, at in found:
            yield End(end.name, end.endpoint, None, at.first)

    def led(self, door: DoorName) -> Iterator[tuple[Pod, End, PortRange]]:
        """Where a door without ports leads."""
        known: defaultdict[tuple[int, str, str], list[tuple[Pod, End]]] = defaultdict(list)
        for pod, end in self.labelled:
            known[end.endpoint.index, pod.namespace, pod.workload].append((pod, end))
        for (pod, endpoint), at in led_by(self.network, door):
            for running_, end in known[endpoint.index, pod.namespace, pod.workload]:
                yield running_, end, at

    def through_door(self, address: Address, protocol: int, port: int | str) -> list[End]:
        """The pods behind an address of a node or a load balancer; none where it is no door."""
        number = port if isinstance(port, int) else -1
        return [
            End(
                b.endpoint.name.removeprefix(f"{CLUSTER}/"), b.endpoint, None, b.port.first, address
            )
            for b in at_address(self.network, address, protocol, number)
        ]

    def led_by_hand(self, text: str) -> Sequence[Unevaluated]:
        """What may say who is behind a Service without a selector: endpoints that somebody wrote
        in its namespace. Empty when the text is no such Service."""
        text = in_brackets(text)
        if text.startswith("ip:"):
            service = self.virtual.get(address_in(text))
        else:
            namespace, name, kind = split(text)
            service = self.service(text, namespace, name) if kind == "Service" else None
        if service is None or service.selector is not None or service.leads_to is not None:
            return ()
        return [
            r
            for r in self.network.not_evaluated
            if r.kind in ENDPOINTS and r.namespace == service.namespace
        ]

    def service(self, text: str, namespace: str, name: str) -> Service:
        """The Service of that name."""
        found = self.services.get((namespace, name), [])
        if not found:
            known = [f"{n}[Service]" for n in map("/".join, self.services)]
            raise fault(f"there is no {text}", did_you_mean(text, known))
        if len(found) > 1:
            raise fault(f"{text} is ambiguous: {' and '.join(str(s.span) for s in found)}")
        return found[0]

    def owner(self, address: Address) -> End:
        """Who has an address."""
        return self.at.get(address) or End(str(address), self.external, address)

    def members(self, text: str, namespace: str, name: str, kind: str | None) -> Sequence[End]:
        """A pod, or the pods of a workload."""
        pod = self.pods.get(f"{namespace}/{name}")
        if pod is not None and kind in (None, "Pod"):
            return [pod]
        kinds = self.workloads.get((namespace, name), {})
        if kind is None and len(kinds) > 1:
            raise fault(f"{text} is ambiguous: {', '.join(f'{text}[{k}]' for k in sorted(kinds))}")
        found = kinds.get(kind) if kind else next(iter(kinds.values()), None)
        if not found:
            full = (f"{n}/{w}[{k}]" for (n, w), known in self.workloads.items() for k in known)
            raise fault(f"nothing runs as {text}", did_you_mean(text, [*self.pods, *full]))
        return found

    def behind(self, service: Service, protocol: int, port: int | str) -> Iterator[End]:
        """The pods behind a Service, each on the port that it maps to."""
        name = f"{service.namespace}/{service.name}[Service]"
        if service.leads_to is not None:
            raise fault(f"{name} leads outside, to {service.leads_to}", "ask about ip:ADDRESS")
        if (why := maybe_behind(service, (pod for pod, _ in self.labelled))) is not None:
            raise fault(f"who is behind {name} nobody knows: {why}", "ask about the pods")
        if service.headless:
            yield from self.headless(name, service, protocol, port)
            return
        mapped = [p for p in service.ports if p.protocol == protocol and port in (p.port, p.name)]
        if not mapped:
            raise fault(f"{name} has no such port: {port}")
        found = [
            End(end.name, end.endpoint, None, number)
            for pod, end in self.labelled
            if service.selects(pod.namespace, pod.labels)
            for number in mapped[0].ends(pod.ports)[:1]
        ]
        if not found:
            raise fault(f"{name} has no pods behind it")
        yield from found

    def headless(
        self, name: str, service: Service, protocol: int, port: int | str
    ) -> Iterator[End]:
        """The pods behind a name: a number is theirs, a port's name stands for its target."""
        pods = [
            (pod, end) for pod, end in self.labelled if service.selects(pod.namespace, pod.labels)
        ]
        if not pods:
            raise fault(f"{name} has no pods behind it")
        if isinstance(port, int):
            yield from (end for _, end in pods)
            return
        named = [p for p in service.ports if (p.protocol, p.name) == (protocol, port)]
        if not named:
            raise fault(f"{name} has no such port: {port}")
        for pod, end in pods:
            for number in named[0].ends(pod.ports)[:1]:
                yield End(end.name, end.endpoint, None, number)


def split(text: str) -> tuple[str, str, str | None]:
    """Namespace, name and kind."""
    match = SHAPE.fullmatch(text)
    if match is None:
        raise fault(
            f'"{text}" is no endpoint',
            "write namespace/pod, namespace/workload[Kind] or ip:ADDRESS",
        )
    return match[1], match[2], match[3]


def address_in(text: str) -> Address:
    """The address of `ip:ADDRESS`."""
    try:
        found = ip_address(text.removeprefix("ip:").strip("[]"))
    except ValueError:
        raise fault(f'"{text}" is no address') from None
    if mapped(found) and (wrong := refusal(text)):
        raise InputError(wrong)
    return found


def fault(message: str, hint: str | None = None) -> InputError:
    """The error for a question that cannot be answered."""
    return InputError(Diagnostic("C715", message, None, hint))
