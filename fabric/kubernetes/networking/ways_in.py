"""Ingresses and routes of gateways: names and paths at which requests from outside go to Services.

Rules that hold here:

1. A controller's pods take the requests and open connections of their own to the pods behind a
   Service, at its target port. What policies see is the controller, not the client.
2. What is not a Service (a bucket, an imported Service) leads to no pod that is known here.
3. A route may name a Service of another namespace; whether a ReferenceGrant lets it is not asked.
4. Mistakes in these objects are not ours to tell: what makes no sense leads nowhere.

Source: kubernetes/api `networking/v1` (Ingress) and its v1beta1; Gateway API (HTTPRoute, GRPCRoute,
TLSRoute, TCPRoute, UDPRoute); OpenShift `route/v1`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fabric.diagnostics import Diagnostics, Span
from fabric.file.extend import ReadableDocument
from fabric.kubernetes.files.cursor import Cursor
from fabric.kubernetes.files.metadata import DEFAULT_NAMESPACE
from fabric.values.door_names import ROUTES

INGRESS = ("networking.k8s.io", "extensions")
GATEWAY = "gateway.networking.k8s.io"
ANY_HOST = "any host"


@dataclass(frozen=True, slots=True)
class WayIn:
    """One name and path, and the Service behind it. `port` is a Service's number or name, None for
    all that it has."""

    kind: str
    namespace: str
    name: str
    at: str
    behind: tuple[str, str]
    port: int | str | None
    span: Span

    @property
    def title(self) -> str:
        """Kind and name of the object, as people write them."""
        return f"{self.kind} {self.namespace}/{self.name}"


def ways_in(source: ReadableDocument) -> Iterator[WayIn]:
    """Where an object leads; nothing for objects of other kinds."""
    root = Cursor.of(source, Diagnostics())
    group, kind = source.value["apiVersion"].rpartition("/")[0], source.value["kind"]
    found: Iterable[tuple[str, Cursor, str, int | str | None]]
    if kind == "Ingress" and group in INGRESS:
        found = of_ingress(root["spec"])
    elif kind in ROUTES and group == GATEWAY:
        found = of_route(root["spec"])
    elif (kind, group) == ("Route", "route.openshift.io"):
        found = of_openshift(root["spec"])
    else:
        return
    about = root["metadata"]
    namespace, name = about["namespace"].text() or DEFAULT_NAMESPACE, about["name"].text()
    for at, where, service, port in found:
        behind = where["namespace"].text() or namespace, service
        if service:
            yield WayIn(kind, namespace, name, at, behind, port, where.span)


def of_ingress(spec: Cursor) -> Iterator[tuple[str, Cursor, str, int | str | None]]:
    """Backends of an Ingress: of its rules' paths, and of whatever no rule matches."""
    for default in (spec["defaultBackend"], spec["backend"]):
        if default:
            yield (f"{ANY_HOST}, any path", *ingress_backend(default))
    for rule in spec["rules"].items():
        host = rule["host"].text() or ANY_HOST
        for path in rule["http"]["paths"].items():
            yield (host + path["path"].text(), *ingress_backend(path["backend"]))


def ingress_backend(backend: Cursor) -> tuple[Cursor, str, int | str | None]:
    """A Service and its port, as v1 and as v1beta1 write them."""
    if old := backend["serviceName"]:
        return backend, old.text(), wanted(backend["servicePort"])
    service = backend["service"]
    port = wanted(service["port"]["number"]) or wanted(service["port"]["name"])
    return backend, service["name"].text(), port


def of_route(spec: Cursor) -> Iterator[tuple[str, Cursor, str, int | str | None]]:
    """Backends of a route of a gateway, mirrors of requests included."""
    hosts = [h.text() for h in spec["hostnames"].items()]
    parents = ", ".join(p["name"].text() for p in spec["parentRefs"].items())
    for rule in spec["rules"].items():
        paths = [matched(m) for m in rule["matches"].items()] or [""]
        refs = rule["backendRefs"].items()
        filters = [f for holder in (rule, *refs) for f in holder["filters"].items()]
        refs += [f["requestMirror"]["backendRef"] for f in filters]
        for ref in refs:
            if (ref["group"].text(), ref["kind"].text("Service")) == ("", "Service"):
                for host in hosts or [ANY_HOST if rule["matches"] or not parents else parents]:
                    for path in paths:
                        yield host + path, ref, ref["name"].text(), wanted(ref["port"])


def matched(match: Cursor) -> str:
    """The path that a match wants, of a request or of a remote call."""
    if path := match["path"]:
        return path["value"].text("/")
    method = match["method"]
    call = (method["service"].text(), method["method"].text()) if type(method.value) is dict else ()
    return "".join(f"/{part}" for part in call if part)


def of_openshift(spec: Cursor) -> Iterator[tuple[str, Cursor, str, int | str | None]]:
    """Backends of an OpenShift Route; its port is that of the pods."""
    for ref in (spec["to"], *spec["alternateBackends"].items()):
        if ref and ref["kind"].text("Service") == "Service":
            at = (spec["host"].text() or ANY_HOST) + spec["path"].text()
            yield at, ref, ref["name"].text(), None


def wanted(port: Cursor) -> int | str | None:
    """A port's number or name."""
    return port.value if type(port.value) in (int, str) else None
