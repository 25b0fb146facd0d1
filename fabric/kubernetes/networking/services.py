"""Kubernetes Services as the API defines them: names and addresses that lead to pods, or away.

Rules that hold here:

1. A selector that is empty or absent selects nothing: somebody else manages what is behind it.
2. A headless Service (`clusterIP: None`) is a name only. DNS answers with the pods' own addresses,
   so nothing translates ports and every port of the pods may be dialled.
3. An ExternalName leads to a name outside; its selector and ports are ignored.
4. Node ports, external IPs and load balancers are further doors to the same pods. With
   `externalTrafficPolicy: Cluster` (the default) a node may hand the packet on to a pod elsewhere,
   and the pod then sees that node's address instead of the client's.
5. Whom a load balancer serves, and where, its class, its source ranges and annotations about load
   balancers say, each cloud in its own words. They are kept as they are: no verdict counts on them.

Source: kubernetes/api `core/v1/types.go` (ServiceSpec), KEP-1669 (external traffic policy).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from fabric.diagnostics import Span
from fabric.kubernetes.files.cursor import Cursor
from fabric.kubernetes.files.metadata import labels, metadata
from fabric.kubernetes.pods.workloads import PORTED, is_address
from fabric.values.inventory import NamedPort
from fabric.values.ports import PortRange

ON_NODES = ("NodePort", "LoadBalancer")
"""Types of Services that open ports on every node."""
BALANCER = re.compile("load-?balancer", re.IGNORECASE)
"""In keys of annotations that are about load balancers."""
DRAWN = (30000, 32767)
"""Where Kubernetes draws node ports unless told otherwise."""


@dataclass(frozen=True, slots=True)
class ServicePort:
    """A Service's port; `target` is a number or the name of a container port, `node_port` 0 where
    none is given."""

    name: str
    protocol: int
    port: int
    target: int | str
    node_port: int = 0

    @property
    def on_nodes(self) -> PortRange:
        """Where it opens on nodes of a Service of a type in `ON_NODES`."""
        first, last = (self.node_port, self.node_port) if self.node_port else DRAWN
        return PortRange(self.protocol, first, last)

    def ends(self, ports: Iterable[NamedPort]) -> list[int]:
        """Where it ends at a pod with these container ports: the first, where there are several."""
        if isinstance(self.target, int):
            return [self.target]
        return numbers(ports, self.target, self.protocol)


@dataclass(frozen=True, slots=True)
class Service:
    """A Service. `selector` is None when it has no pods behind it; `addresses` are its cluster IPs,
    `external` those at which others reach it (external IPs, load balancers); `leads_to` is the name
    of an ExternalName; it is `unplaced` where a load balancer's address is not in the input.
    `balancer` is what it asks of its load balancer."""

    name: str
    namespace: str
    kind: str
    selector: Mapping[str, str] | None
    ports: tuple[ServicePort, ...]
    addresses: tuple[str, ...]
    span: Span
    headless: bool = False
    external: tuple[str, ...] = ()
    local: bool = False
    leads_to: str | None = None
    unplaced: bool = False
    balancer: tuple[str, ...] = ()

    @property
    def opened(self) -> bool:
        """Whether it leads to pods from outside: by ports of nodes, or by addresses."""
        return bool(self.selector) and (self.kind in ON_NODES or bool(self.external))

    def selects(self, namespace: str | None, labels: Mapping[str, str]) -> bool:
        """Whether pods of a namespace with these labels are behind it."""
        return (
            bool(self.selector)
            and namespace == self.namespace
            and all(labels.get(key) == value for key, value in (self.selector or {}).items())
        )


def numbers(ports: Iterable[NamedPort], name: str, protocol: int) -> list[int]:
    """The numbers of container ports of that name."""
    return [port.number for port in ports if (port.name, port.protocol) == (name, protocol)]


def service(root: Cursor) -> Service:
    """A Service as its object describes it."""
    about, spec = metadata(root), root["spec"]
    kind = spec["type"].text("ClusterIP")
    addresses = [own_address(f) for f in (spec["clusterIP"], *spec["clusterIPs"].items())]
    selector = labels(spec["selector"]) if spec["selector"] else {}
    away = kind == "ExternalName"
    balanced = tuple(balancers(root)) if kind == "LoadBalancer" else ()
    return Service(
        about.name,
        about.namespace,
        kind,
        None if away or not selector else selector,
        () if away else tuple(map(service_port, spec["ports"].items())),
        () if away else tuple(dict.fromkeys(a for a in addresses if a not in ("", "None"))),
        about.span,
        not away and "None" in addresses,
        tuple(dict.fromkeys((*known_as(spec["externalIPs"].items()), *balanced))),
        spec["externalTrafficPolicy"].text() == "Local",
        (spec["externalName"].text() or "a name that it does not give") if away else None,
        kind == "LoadBalancer" and not balanced,
        tuple(sorted(orders(root))) if kind == "LoadBalancer" else (),
    )


def orders(root: Cursor) -> Iterator[str]:
    """What a Service asks of its load balancer (rule 5)."""
    spec, annotations = root["spec"], root["metadata"]["annotations"]
    if ranges := sorted(found.text().strip() for found in spec["loadBalancerSourceRanges"].items()):
        yield f"for {', '.join(ranges)} alone"
    if spec["loadBalancerClass"]:
        yield f"by class {spec['loadBalancerClass'].text()}"
    given = annotations.value if isinstance(annotations.value, dict) else {}
    for key, value in given.items():
        if isinstance(key, str) and BALANCER.search(key) and isinstance(value, str):
            yield f"by {key}: {value}"


def balancers(root: Cursor) -> Iterator[str]:
    """Addresses of a load balancer."""
    ingress = root["status"]["loadBalancer"]["ingress"].items()
    return known_as((root["spec"]["loadBalancerIP"], *(entry["ip"] for entry in ingress)))


def known_as(fields: Iterable[Cursor]) -> Iterator[str]:
    """Addresses at which the outside reaches a Service."""
    texts = (field.check(is_address, "C612", "an address") for field in fields)
    yield from (text for text in texts if is_address(text))


def own_address(field: Cursor) -> str:
    """A cluster IP; "None" of a headless Service."""
    text = field.text()
    return text if text == "None" else field.check(is_address, "C612", "an address")


def service_port(port: Cursor) -> ServicePort:
    """One port; the target defaults to the same number."""
    number = port["port"].integer(0) or 0
    protocol = PORTED.get(port["protocol"].text("TCP"))
    if protocol is None:
        port["protocol"].error("C613", f"must be one of {', '.join(PORTED)}")
    target = port["targetPort"].value
    if target is not None and type(target) not in (int, str):
        port["targetPort"].error("C613", "must be a port number or name")
    node_port = port["nodePort"].integer(0) or 0
    return ServicePort(port["name"].text(), protocol or 0, number, target or number, node_port)
