"""Orders to meshes, tunnels and network plugins on Services are told, and so is what no Service
has; orders about load balancers and names are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from cloison.cli import main
from fabric.kubernetes.manifests import load_manifests
from fabric.kubernetes.unmodelled.service_fields import ANNOTATIONS, LABELS
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "ns", "labels": {"app": "web"}},
    "spec": {"containers": [{"name": "c", "image": "i"}]},
}


def service(spec: Any = None, port: Any = None, **about: Any) -> dict[str, Any]:
    ports = [{"port": 80, "targetPort": 8080, **(port or {})}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "ns", **about},
        "spec": {"selector": {"app": "web"}, "ports": ports, **(spec or {})},
    }


def told(tmp_path: Path, *objects: Any) -> tuple[Unevaluated, ...]:
    path = tmp_path / "m.yaml"
    path.write_text(yaml.safe_dump_all([POD, *objects]))
    return load_manifests([path]).not_evaluated


@pytest.mark.parametrize(
    ("place", "key"), [*(("annotations", k) for k in ANNOTATIONS), *(("labels", k) for k in LABELS)]
)
def test_orders(tmp_path: Path, place: str, key: str) -> None:
    whole = f"{key}x" if key.endswith("/") else key
    (record,) = told(tmp_path, service(**{place: {whole: "true"}}))
    assert (record.kind, record.name, record.scope, record.category) == (
        "Service", "web", "namespace", "field",
    )  # fmt: skip
    assert whole in record.what and record.span is not None and record.span.line > 1
    for no in ("false", "none", ""):
        assert not told(tmp_path, service(**{place: {whole: no}}))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("external-dns.alpha.kubernetes.io/hostname", "web.example.org"),
        ("service.beta.kubernetes.io/aws-load-balancer-type", "nlb"),
        ("metallb.universe.tf/address-pool", "front"),
        ("lbipam.cilium.io/ips", "192.0.2.7"),
        ("io.cilium/lb-ipam-ips", "192.0.2.7"),
        ("prometheus.io/scrape", "true"),
        ("cloud.google.com/neg", '{"ingress": true}'),
        ("kubectl.kubernetes.io/last-applied-configuration", "{}"),
    ],
)
def test_what_changes_nothing_that_policies_see(tmp_path: Path, key: str, value: str) -> None:
    assert not told(tmp_path, service(annotations={key: value}))


@pytest.mark.parametrize(
    ("spec", "port", "name"),
    [({"slector": {"app": "x"}}, {}, "slector"), ({}, {"nodeport": 30080}, "nodeport")],
)
def test_fields_that_no_service_has(tmp_path: Path, spec: Any, port: Any, name: str) -> None:
    (record,) = told(tmp_path, service(spec, port))
    assert f"field {name}" in record.what


def test_all_fields_of_a_service_are_known(tmp_path: Path) -> None:
    usual = {
        "clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9"], "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack", "internalTrafficPolicy": "Cluster", "type": "ClusterIP",
        "sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 9}},
        "publishNotReadyAddresses": True, "trafficDistribution": "PreferClose", "later": None,
    }  # fmt: skip
    assert not told(tmp_path, service(usual, {"name": "http", "appProtocol": "http"}))


def test_no_verb_goes_on_as_if_nothing_were_said(tmp_path: Path) -> None:
    exposed = service(annotations={"tailscale.com/expose": "true"})
    (tmp_path / "m.yaml").write_text(yaml.safe_dump_all([POD, exposed]))
    for words in (["reach"], ["simulate", "-q"], ["explain"]):
        ends = ["198.51.100.7", "ns/web:80"] if words == ["explain"] else []
        done = CliRunner().invoke(main, [words[0], str(tmp_path), *ends, *words[1:]])
        assert done.exit_code == 4 and "tailscale.com/expose" in done.output, done.output
