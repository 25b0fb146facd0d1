"""Whatever an object leads to lies in the namespaces that it names, however it names them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from fabric.diagnostics import Diagnostics
from fabric.file.yaml.reader import read_yaml
from fabric.kubernetes.manifests import interpret


def touched(*objects: Any) -> list[str]:
    """The namespaces that the objects' records touch."""
    sources = read_yaml(yaml.safe_dump_all(objects), name="m.yaml")
    found = interpret(sources, Diagnostics()).not_evaluated
    return sorted({r.touches or r.namespace for r in found})


def item(kind: str, version: str, **spec: Any) -> dict[str, Any]:
    about = {"name": "o", "namespace": "here"}
    return {"apiVersion": version, "kind": kind, "metadata": about, "spec": spec}


def named(name: str, target: str) -> dict[str, Any]:
    spec = {"type": "ExternalName", "externalName": target}
    return item("Service", "v1", **spec) | {"metadata": {"name": name, "namespace": "here"}}


INGRESS = item(
    "Ingress",
    "networking.k8s.io/v1",
    defaultBackend={"service": {"name": "e", "port": {"number": 80}}},
)


@pytest.mark.parametrize(
    ("objects", "namespaces"),
    [
        ([INGRESS], ["here"]),
        ([INGRESS, named("e", "web.shop.svc.cluster.local")], ["here", "shop"]),
        ([INGRESS, named("e", "web.shop.svc")], ["here", "shop"]),
        ([INGRESS, named("e", "web.shop.example.com")], ["here"]),
        ([INGRESS, named("f", "web.shop.svc")], ["here"]),
        ([INGRESS, named("e", "f.here.svc"), named("f", "web.shop.svc")], ["here", "shop"]),
        ([INGRESS, named("e", "f.here.svc"), named("f", "e.here.svc")], ["here"]),
        (
            [
                item(
                    "IngressRoute",
                    "traefik.io/v1alpha1",
                    routes=[{"services": [{"name": "web", "namespace": "shop", "port": 80}]}],
                )
            ],
            ["here", "shop"],
        ),
        ([item("Thing", "example.com/v1", targetNamespace="shop", url="http://w.data.svc:80/x")],
         ["data", "here", "shop"]),
    ],
)  # fmt: skip
def test_an_object_touches_the_namespaces_that_it_names(
    objects: list[Any], namespaces: list[str]
) -> None:
    assert touched(*objects) == namespaces
