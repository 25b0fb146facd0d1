"""Endpoints and EndpointSlices: which addresses they put behind a name, and which say nothing new.

A Service's controller writes them for the pods that its selector selects, and writes them again
when somebody else has; by hand they put any address behind any name.

Source: kubernetes/api `core/v1` (Endpoints) and `discovery/v1` (EndpointSlice).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fabric.file.extend import ReadableDocument
from fabric.kubernetes.files.metadata import DEFAULT_NAMESPACE

API_SERVER = DEFAULT_NAMESPACE, "kubernetes"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
SLICES_OF_SELECTORS = "endpointslice-controller.k8s.io"


def leads_to(value: Mapping[str, Any]) -> Iterator[str]:
    """The addresses that Endpoints and EndpointSlices put behind a name."""
    kind = value["kind"]
    if kind == "Endpoints":
        for subset in _list(value.get("subsets")):
            for part in ("addresses", "notReadyAddresses"):
                yield from (_text(a.get("ip")) for a in _list(subset.get(part)))
    elif kind == "EndpointSlice":
        for endpoint in _list(value.get("endpoints")):
            found = endpoint.get("addresses")
            yield from map(_text, found if isinstance(found, list) else ())


def _list(value: object) -> list[Mapping[str, Any]]:
    """The objects of a list, of whatever is there."""
    return [v for v in value if isinstance(v, Mapping)] if isinstance(value, list) else []


def resolved(objects: Iterable[ReadableDocument]) -> frozenset[tuple[str, str]]:
    """Services (namespace, name) whose selector says what their endpoints are; and the one through
    which pods find the API server, which every cluster has."""
    out = {API_SERVER}
    for source in objects:
        value = source.value
        spec = value.get("spec")
        selects = isinstance(spec, Mapping) and bool(spec.get("selector"))
        if selects and (value["apiVersion"], value["kind"]) == ("v1", "Service"):
            out.add(_name(value))
    return frozenset(out)


def repeats_a_service(value: Mapping[str, Any], services: frozenset[tuple[str, str]]) -> bool:
    """Whether Endpoints say what a Service's selector says already: its controller overwrites those
    of the Service's name, and its own slices. A Service takes packets to every slice with its name,
    whoever wrote it, and one without a selector to those that pretend to be the controller's."""
    if value["kind"] not in ("Endpoints", "EndpointSlice"):
        return False
    found = _about(value).get("labels")
    labels = found if isinstance(found, Mapping) else {}
    namespace, name = _name(value)
    if value["kind"] == "Endpoints":
        return (namespace, name) in services
    served = namespace, _text(labels.get("kubernetes.io/service-name"))
    made = labels.get(MANAGED_BY) == SLICES_OF_SELECTORS
    return served in services and (made or served == (namespace, name) == API_SERVER)


def _name(value: Mapping[str, Any]) -> tuple[str, str]:
    about = _about(value)
    return _text(about.get("namespace")) or DEFAULT_NAMESPACE, _text(about.get("name"))


def _about(value: Mapping[str, Any]) -> Mapping[str, Any]:
    found = value.get("metadata")
    return found if isinstance(found, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
