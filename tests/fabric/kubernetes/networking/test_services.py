"""What a Service selects, whether it opens to the outside, and where its ports end."""

from __future__ import annotations

from typing import Any

import pytest

from fabric.diagnostics import Span
from fabric.kubernetes.networking.services import Service, ServicePort
from fabric.values.inventory import NamedPort

HERE = Span("all.yaml", 1)
PORTS = (NamedPort("web", 6, 8080), NamedPort("web", 17, 8081), NamedPort("web", 6, 9090))


def service(**more: Any) -> Service:
    given = {"kind": "ClusterIP", "selector": {"app": "web"}, "ports": (), "addresses": ()}
    return Service(name="web", namespace="shop", span=HERE, **{**given, **more})


@pytest.mark.parametrize(
    ("namespace", "labels", "selector", "behind"),
    [
        ("shop", {"app": "web", "tier": "front"}, {"app": "web"}, True),
        ("wild", {"app": "web"}, {"app": "web"}, False),
        (None, {"app": "web"}, {"app": "web"}, False),
        ("shop", {"app": "db"}, {"app": "web"}, False),
        ("shop", {"app": "web"}, {"app": "web", "tier": "front"}, False),
        ("shop", {"app": "web"}, None, False),
    ],
)
def test_it_selects_pods_of_its_namespace_with_all_of_its_labels(
    namespace: str | None,
    labels: dict[str, str],
    selector: dict[str, str] | None,
    behind: bool,
) -> None:
    assert service(selector=selector).selects(namespace, labels) is behind


@pytest.mark.parametrize(
    ("more", "opened"),
    [
        ({}, False),
        ({"kind": "NodePort"}, True),
        ({"kind": "LoadBalancer"}, True),
        ({"external": ("192.0.2.1",)}, True),
        ({"kind": "NodePort", "selector": None}, False),
    ],
)
def test_it_is_opened_by_ports_of_nodes_or_by_addresses(more: dict[str, Any], opened: bool) -> None:
    assert service(**more).opened is opened


def test_a_port_ends_at_a_number_or_wherever_its_name_and_protocol_stand() -> None:
    assert ServicePort("", 6, 80, 8443).ends(PORTS) == [8443]
    assert ServicePort("", 6, 80, "web").ends(PORTS) == [8080, 9090]
    assert ServicePort("", 17, 80, "web").ends(PORTS) == [8081]
    assert ServicePort("", 6, 80, "admin").ends(PORTS) == []


def test_a_port_of_nodes_is_drawn_where_none_is_given() -> None:
    given, drawn = ServicePort("", 6, 80, 80, 31000).on_nodes, ServicePort("", 6, 80, 80).on_nodes
    assert (given.protocol, given.first, given.last) == (6, 31000, 31000)
    assert (drawn.protocol, drawn.first, drawn.last) == (6, 30000, 32767)
