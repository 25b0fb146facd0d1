"""Fields and annotations that may decide who reaches whom are told; the rest of a pod is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from fabric.cluster import cluster_network
from fabric.network import Network
from fabric.unevaluated import Touching, Unevaluated
from fabric.unread_fields import ANNOTATIONS, NAMESPACE_ANNOTATIONS, NAMESPACE_LABELS

CONTAINER: dict[str, Any] = {"name": "c", "image": "i"}


def pod(name: str = "one", *, annotations: Any = None, **spec: Any) -> dict[str, Any]:
    about = {"name": name, "namespace": "ns", "annotations": annotations or {}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": about,
        "spec": {"containers": [CONTAINER], **spec},
    }


def workload(kind: str = "Deployment", **more: Any) -> dict[str, Any]:
    """A workload whose template is that of `pod`."""
    template = pod(**more.pop("pod", {}))
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "app", "namespace": "ns", **more.pop("metadata", {})},
        "spec": {"template": {k: template[k] for k in ("metadata", "spec")}, **more},
    }


def built(tmp_path: Path, *objects: Any) -> Network:
    path = tmp_path / "m.yaml"
    path.write_text(yaml.safe_dump_all(objects))
    return cluster_network([path])


def told(tmp_path: Path, *objects: Any) -> tuple[Unevaluated, ...]:
    return built(tmp_path, *objects).not_evaluated


@pytest.mark.parametrize("key", ANNOTATIONS)
def test_annotations_of_pods_and_templates(tmp_path: Path, key: str) -> None:
    given = {"annotations": {key: "net1"}}
    for found in (told(tmp_path, pod(**given)), told(tmp_path, workload(pod=given))):
        (record,) = found
        assert key in record.what and record.scope == "workload"
        assert record.span is not None and record.category == "field"


@pytest.mark.parametrize(
    ("key", "place"),
    [
        *((k, "labels") for k in NAMESPACE_LABELS),
        *((k, "annotations") for k in NAMESPACE_ANNOTATIONS),
    ],
)
def test_labels_and_annotations_of_namespaces(tmp_path: Path, key: str, place: str) -> None:
    namespace = {
        "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ns", place: {key: "x"}},
    }  # fmt: skip
    network = built(tmp_path, namespace, pod())
    (record,) = network.not_evaluated
    assert record.title == "Namespace ns"
    inside = next(e.index for e in network.endpoints if e.namespace == "ns")
    assert Touching([record], network.endpoints).of(inside) == (record,)


def test_host_ports_open_a_way_unless_the_pod_has_its_hosts_network(tmp_path: Path) -> None:
    port = {"containers": [{**CONTAINER, "ports": [{"containerPort": 80, "hostPort": 8080}]}]}
    (record,) = told(tmp_path, pod(**port))
    assert "hostPort" in record.what
    assert told(tmp_path, pod(**port, hostNetwork=True)) == ()


def test_claims_of_devices_are_told(tmp_path: Path) -> None:
    (record,) = told(tmp_path, pod(resourceClaims=[{"name": "nic"}]))
    assert "resourceClaims" in record.what


def test_a_workload_without_pods_is_told_unless_another_one_owns_it(tmp_path: Path) -> None:
    (record,) = told(tmp_path, workload(replicas=0))
    assert "no pods" in record.what
    owned = {"ownerReferences": [{"kind": "Deployment", "name": "app", "controller": True}]}
    assert told(tmp_path, workload("ReplicaSet", replicas=0, metadata=owned)) == ()
    assert told(tmp_path, workload(replicas=1)) == ()


def test_a_record_touches_the_pods_of_its_workload_only(tmp_path: Path) -> None:
    given = {"annotations": {"k8s.v1.cni.cncf.io/networks": "net1"}}
    network = built(tmp_path, workload(pod=given, replicas=2), pod("other"))
    touching = Touching(network.not_evaluated, network.endpoints)
    touched = {e.name for e in network.endpoints if touching.of(e.index)}
    assert touched == {"cluster/ns/app-0", "cluster/ns/app-1"}


def test_everything_else_of_a_pod_is_no_record(tmp_path: Path) -> None:
    usual = {
        "annotations": {"prometheus.io/scrape": "true", "cni.projectcalico.org/podIP": "10.0.0.1"},
        "serviceAccountName": "x", "tolerations": [{"operator": "Exists"}], "dnsPolicy": "Default",
    }  # fmt: skip
    assert told(tmp_path, pod(**usual), workload(pod=usual, replicas=2)) == ()
