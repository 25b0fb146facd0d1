"""Where Ingresses and routes of gateways lead."""

from __future__ import annotations

from typing import Any

import pytest

from fabric.file.yaml.reader import read_yaml
from fabric.kubernetes.networking.ways_in import ways_in
from fabric.kubernetes.unmodelled.mentions import elsewhere
from fabric.kubernetes.unmodelled.unevaluated import unevaluated

INGRESS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: site, namespace: shop}
spec:
  defaultBackend: {service: {name: lost, port: {number: 80}}}
  rules:
  - host: shop.example
    http:
      paths:
      - {path: /cart, backend: {service: {name: cart, port: {name: web}}}}
      - {path: /img, backend: {resource: {apiGroup: x, kind: Bucket, name: img}}}
  - http: {paths: [{backend: {service: {name: web, port: {number: 8080}}}}]}
"""
OLD = """
apiVersion: extensions/v1beta1
kind: Ingress
metadata: {name: site, namespace: shop}
spec:
  backend: {serviceName: lost, servicePort: 80}
  rules: [{host: shop.example, http: {paths: [{path: /cart, backend:
    {serviceName: cart, servicePort: web}}]}}]
"""
HTTP = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r, namespace: edge}
spec:
  parentRefs: [{name: gw}]
  hostnames: [a.example, b.example]
  rules:
  - matches: [{path: {value: /x}}, {headers: [{name: h, value: v}]}]
    backendRefs: [{name: web, namespace: shop, port: 80}, {kind: ServiceImport, name: far}]
    filters: [{type: RequestMirror, requestMirror: {backendRef: {name: copy, port: 81}}}]
"""
GRPC = """
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: r, namespace: edge}
spec:
  rules: [{matches: [{method: {service: shop.Cart, method: Add}}],
           backendRefs: [{name: cart, port: 9}]}]
"""
TCP = """
apiVersion: gateway.networking.k8s.io/v1alpha2
kind: TCPRoute
metadata: {name: t}
spec: {parentRefs: [{name: gw, sectionName: sql}], rules: [{backendRefs: [{name: db, port: 5432}]}]}
"""
OPENSHIFT = """
apiVersion: route.openshift.io/v1
kind: Route
metadata: {name: r, namespace: shop}
spec:
  host: shop.example
  path: /a
  to: {kind: Service, name: web, weight: 9}
  alternateBackends: [{kind: Service, name: new, weight: 1}]
"""


@pytest.mark.parametrize(
    ("text", "leads"),
    [
        (
            INGRESS,
            [
                ("any host, any path", ("shop", "lost"), 80),
                ("shop.example/cart", ("shop", "cart"), "web"),
                ("any host", ("shop", "web"), 8080),
            ],
        ),
        (
            OLD,
            [
                ("any host, any path", ("shop", "lost"), 80),
                ("shop.example/cart", ("shop", "cart"), "web"),
            ],
        ),
        (
            HTTP,
            [
                (f"{host}{path}", behind, port)
                for behind, port in ((("shop", "web"), 80), (("edge", "copy"), 81))
                for host in ("a.example", "b.example")
                for path in ("/x", "")
            ],
        ),
        (GRPC, [("any host/shop.Cart/Add", ("edge", "cart"), 9)]),
        (TCP, [("gw", ("default", "db"), 5432)]),
        (
            OPENSHIFT,
            [
                ("shop.example/a", ("shop", "web"), None),
                ("shop.example/a", ("shop", "new"), None),
            ],
        ),
    ],
)
def test_names_paths_and_services(text: str, leads: list[Any]) -> None:
    (source,) = read_yaml(text, name="m.yaml")
    found = [(way.at, way.behind, way.port) for way in ways_in(source)]
    assert found == leads


@pytest.mark.parametrize("wrong", ["7", "[7]", "{rules: 7}", "{rules: [{backendRefs: [x]}]}"])
@pytest.mark.parametrize("kind", ["HTTPRoute", "TCPRoute", "Ingress", "Route"])
def test_what_makes_no_sense_leads_nowhere(kind: str, wrong: str) -> None:
    groups = {"Ingress": "networking.k8s.io", "Route": "route.openshift.io"}
    group = groups.get(kind, "gateway.networking.k8s.io")
    text = f"apiVersion: {group}/v1\nkind: {kind}\nmetadata: {{name: x}}\nspec: {wrong}\n"
    (source,) = read_yaml(text, name="m.yaml")
    assert list(ways_in(source)) == []


def test_other_namespaces_are_touched_too() -> None:
    (source,) = read_yaml(HTTP, name="m.yaml")
    record = unevaluated(source)
    assert record is not None
    (other,) = elsewhere(record, source.value, ways_in(source))
    assert (record.key(), other.key()) == (("namespace", "", "edge"), ("namespace", "", "shop"))
    assert other.title == record.title == "HTTPRoute edge/r"
