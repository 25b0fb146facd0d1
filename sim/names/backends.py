"""Which pods a Service selects, and where on them its ports end."""

from __future__ import annotations

from collections.abc import Iterable

from fabric.inventory import NamedPort
from fabric.kubernetes.services import Service, ServicePort
from fabric.kubernetes.workloads import Pod


def selected(service: Service, pod: Pod) -> bool:
    """Whether a Service's selector selects the pod."""
    wanted = service.selector
    return pod.namespace == service.namespace and (
        wanted is not None and all(pod.labels.get(key) == value for key, value in wanted.items())
    )


def target_port(mapped: ServicePort, pod: Pod) -> int | None:
    """The container port that a Service's port leads to; None when the pod lacks its name."""
    if isinstance(mapped.target, int):
        return mapped.target
    return port_number(pod.ports, mapped.target, mapped.protocol)


def port_number(ports: Iterable[NamedPort], name: str, protocol: int) -> int | None:
    """The number of a named port."""
    return next((p.number for p in ports if (p.name, p.protocol) == (name, protocol)), None)
