"""Node objects: the machines of a Kubernetes cluster by the names and addresses that it knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fabric.diagnostics import Span
from fabric.kubernetes.cursor import Cursor
from fabric.kubernetes.metadata import metadata
from fabric.kubernetes.workloads import is_address


@dataclass(frozen=True, slots=True)
class ClusterNode:
    """A Node object: its name, and its internal addresses with their places."""

    name: str
    addresses: tuple[tuple[str, Span], ...]
    span: Span


def cluster_node(root: Cursor) -> ClusterNode:
    """A Node as its object describes it."""
    about = metadata(root)
    return ClusterNode(about.name, tuple(internal(root)), about.span)


def internal(root: Cursor) -> Iterator[tuple[str, Span]]:
    """The addresses of type InternalIP."""
    for item in root["status"]["addresses"].items():
        if item["type"].text() == "InternalIP":
            text = item["address"].check(is_address, "C612", "an address")
            if is_address(text):
                yield text, item["address"].span
