"""Node objects: the machines of a Kubernetes cluster by the names and addresses that it knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from fabric.diagnostics import Span
from fabric.kubernetes.files.cursor import Cursor
from fabric.kubernetes.files.metadata import metadata
from fabric.kubernetes.pods.workloads import is_address

NAMED = ("Hostname", "InternalDNS", "ExternalDNS")


@dataclass(frozen=True, slots=True)
class ClusterNode:
    """A Node object: its name, its internal addresses with their places, those by which it is known
    outside of the cluster, and its labels."""

    name: str
    addresses: tuple[tuple[str, Span], ...]
    span: Span
    outside: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def everywhere(self) -> tuple[str, ...]:
        """All addresses, inside and outside."""
        return (*(text for text, _ in self.addresses), *self.outside)


def cluster_node(root: Cursor) -> ClusterNode:
    """A Node as its object describes it."""
    about = metadata(root)
    outside = (*(text for text, _ in of_type(root, "ExternalIP")), *names_that_are_addresses(root))
    return ClusterNode(
        about.name, tuple(of_type(root, "InternalIP")), about.span, outside, about.labels
    )


def names_that_are_addresses(root: Cursor) -> Iterator[str]:
    """What kubelets report as names where nobody named the machine."""
    for item in root["status"]["addresses"].items():
        named, text = item["type"].text() in NAMED, item["address"].text()
        if named and is_address(text):
            yield text


def of_type(root: Cursor, kind: str) -> Iterator[tuple[str, Span]]:
    """The addresses of a type."""
    for item in root["status"]["addresses"].items():
        if item["type"].text() == kind:
            text = item["address"].check(is_address, "C612", "an address")
            if is_address(text):
                yield text, item["address"].span
