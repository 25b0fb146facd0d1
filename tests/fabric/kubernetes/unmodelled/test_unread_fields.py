"""Fields and annotations that may decide who reaches whom are told; the rest of a pod is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from fabric.building.cluster import cluster_network
from fabric.building.network import Network
from fabric.kubernetes.unmodelled.unevaluated import Touching, Unevaluated
from fabric.kubernetes.unmodelled.unread_fields import (
    ADAPTERS,
    AMBIENT,
    ANNOTATIONS,
    NAMESPACE_ANNOTATIONS,
    NAMESPACE_LABELS,
    SIDECARS,
)

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


@pytest.mark.parametrize("key", ["rdma/hca_shared_devices_a", *ADAPTERS[1:]])
@pytest.mark.parametrize("where", ["containers", "initContainers"])
def test_network_devices_beside_the_pod_s_are_told(tmp_path: Path, key: str, where: str) -> None:
    """What a container sends by one passes no policy of its host."""

    def asking(key: str, count: object) -> dict[str, Any]:
        container = {**CONTAINER, "resources": {"limits": {key: count}, "requests": {key: count}}}
        return pod(**{"containers": [CONTAINER], where: [container]})

    for count in (1, "1"):
        (record,) = told(tmp_path, asking(key, count))
        assert key in record.what and record.scope == "workload"
    for usual, count in ((key, 0), ("nvidia.com/gpu", 8), ("memory", "1Gi")):
        assert told(tmp_path, asking(usual, count)) == ()


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


def custom(group: str, kind: str, spec: Any, **about: Any) -> dict[str, Any]:
    """An object of a kind that is not built in."""
    named = {"name": "run", "namespace": "ns", **about}
    return {"apiVersion": group, "kind": kind, "metadata": named, "spec": spec}


SHAPES: dict[str, Any] = {
    "kubeflow.org/v1 PyTorchJob": lambda t: {"pytorchReplicaSpecs": {"Worker": {"template": t}}},
    "ray.io/v1 RayCluster": lambda t: {"workerGroupSpecs": [{"groupName": "g", "template": t}]},
    "argoproj.io/v1alpha1 Rollout": lambda t: {"replicas": 2, "template": t},
    "batch.volcano.sh/v1alpha1 Job": lambda t: {"tasks": [{"name": "t", "template": t}]},
    "jobset.x-k8s.io/v1alpha2 JobSet": lambda t: {
        "replicatedJobs": [{"name": "j", "template": {"spec": {"template": t}}}]
    },
    "apps.kruise.io/v1alpha1 CloneSet": lambda t: {"replicas": 0, "template": t},
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "part",
    [
        {"annotations": {"k8s.v1.cni.cncf.io/networks": "rdma"}},
        {"resourceClaims": [{"name": "nic"}]},
        {"containers": [{**CONTAINER, "ports": [{"containerPort": 1, "hostPort": 2}]}]},
    ],
    ids=["annotation", "claim", "host port"],
)
def test_templates_of_custom_kinds_are_looked_at_like_built_in_ones(
    tmp_path: Path, shape: str, part: Any
) -> None:
    group, kind = shape.split()
    template = {key: pod(**part)[key] for key in ("metadata", "spec")}
    network = built(tmp_path, custom(group, kind, SHAPES[shape](template)))
    (record,) = network.not_evaluated
    assert record.category in ("field", "door") and record.kind == kind
    inside = [e.index for e in network.endpoints if e.namespace == "ns"]
    assert inside and all(Touching([record], network.endpoints).of(i) for i in inside)


def test_networks_of_virtual_machines(tmp_path: Path) -> None:
    networks: list[Any] = [{"name": "n", "pod": {}}]
    template = {"metadata": {}, "spec": {"domain": {}, "networks": networks}}
    machine = custom("kubevirt.io/v1", "VirtualMachine", {"template": template})
    assert not told(tmp_path, machine)
    networks.append({"name": "m", "multus": {"networkName": "vlan"}})
    (record,) = told(tmp_path, machine)
    assert "networks" in record.what


@pytest.mark.parametrize(
    ("shape", "more", "count"),
    [
        ("batch.volcano.sh/v1alpha1 Job", {"plugins": {"svc": []}}, 1),
        ("batch.volcano.sh/v1alpha1 Job", {"plugins": {"env": []}}, 0),
        ("argoproj.io/v1alpha1 Rollout", {"strategy": {"canary": {"canaryMetadata": {}}}}, 1),
        ("argoproj.io/v1alpha1 Rollout", {"strategy": {"canary": {"steps": []}}}, 0),
        (
            "argoproj.io/v1alpha1 Rollout",
            {"strategy": {"canary": {"steps": [{"pause": {}}, {"experiment": {"templates": []}}]}}},
            1,
        ),
        ("ray.io/v1 RayCluster", {"headGroupSpec": {"serviceType": "NodePort"}}, 1),
        ("ray.io/v1 RayCluster", {"headGroupSpec": {"serviceType": "ClusterIP"}}, 0),
        ("ray.io/v1 RayCluster", {"headGroupSpec": {"enableIngress": True}}, 1),
        ("ray.io/v1 RayCluster", {"headGroupSpec": {"enableIngress": False}}, 0),
        ("ray.io/v1 RayCluster", {"headGroupSpec": {"headService": {"spec": {}}}}, 1),
    ],
)
def test_policies_and_doors_that_a_controller_makes_besides(
    tmp_path: Path, shape: str, more: dict[str, Any], count: int
) -> None:
    group, kind = shape.split()
    template = {"metadata": {}, "spec": {"containers": [CONTAINER]}}
    found = told(tmp_path, custom(group, kind, {**SHAPES[shape](template), **more}))
    assert [(r.category, r.scope) for r in found] == [("field", "namespace")] * count


@pytest.mark.parametrize(
    ("owner", "count"), [("Deployment/app", 1), ("Deployment/gone", 2), ("ConfigMap/c", 2)]
)
def test_only_an_owner_in_the_input_speaks_for_what_it_owns(
    tmp_path: Path, owner: str, count: int
) -> None:
    given = {"annotations": {"k8s.v1.cni.cncf.io/networks": "rdma"}}
    kind, _, name = owner.partition("/")
    reference = {"kind": kind, "name": name, "apiVersion": "v1", "controller": True}
    owned = workload("ReplicaSet", pod=given, metadata={"ownerReferences": [reference]})
    owned["metadata"]["name"] = "app-1"
    note = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "ns"}}
    assert len(told(tmp_path, workload(pod=given), owned, note)) == count


@pytest.mark.parametrize(("value", "count"), [("ambient", 1), ("none", 0)])
def test_the_mode_that_takes_packets_through_another_port(
    tmp_path: Path, value: str, count: int
) -> None:
    labelled = pod()
    labelled["metadata"]["labels"] = {AMBIENT: value}
    (tmp_path / "one").mkdir()
    assert len(told(tmp_path / "one", labelled)) == count
    about = {"name": "ns", "labels": {AMBIENT: value}}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": about}
    assert len(told(tmp_path, pod(), namespace)) == count


@pytest.mark.parametrize("key", SIDECARS)
@pytest.mark.parametrize(
    ("value", "count"), [("enabled", 1), ("true", 1), ("ingress", 1), ("disabled", 0), ("false", 0)]
)
def test_sidecars_that_take_packets_at_a_port_of_their_own(
    tmp_path: Path, key: str, value: str, count: int
) -> None:
    """What meshed pods send each other goes to the sidecar's port, and policies see that one."""
    given = {"annotations": {key: value}}
    (tmp_path / "one").mkdir()
    assert len(told(tmp_path / "one", pod(**given))) == count
    assert len(told(tmp_path, workload(pod=given))) == count
    assert told(tmp_path / "one", pod(hostNetwork=True, **given)) == ()


def test_a_mesh_may_take_the_pods_of_a_namespace_or_not(tmp_path: Path) -> None:
    for value, count in (("enabled", 1), ("disabled", 0)):
        about = {"name": "ns", "annotations": {"linkerd.io/inject": value}}
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": about}
        assert len(told(tmp_path, pod(), namespace)) == count
    network = {"name": "ns", "labels": {"k8s.ovn.org/primary-user-defined-network": ""}}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": network}
    assert len(told(tmp_path, pod(), namespace)) == 1


def test_orders_to_network_plugins_are_told_whatever_they_say(tmp_path: Path) -> None:
    """Also those that nobody knows; what a plugin reports is none."""
    for key in ("cni.projectcalico.org/ipAddrs", "k8s.ovn.org/open-default-ports"):
        (record,) = told(tmp_path, pod(annotations={key: "x"}))
        assert key in record.what
    switch = {"ovn.kubernetes.io/logical_switch": "blue"}
    assert len(told(tmp_path, pod(annotations=switch))) == 1
    reported = {**switch, "ovn.kubernetes.io/allocated": "true"}
    for given in (reported, {"cni.projectcalico.org/podIP": "10.0.0.1/32"}):
        assert told(tmp_path, pod(annotations=given)) == ()
    order = {"cni.projectcalico.org/ipv4pools": "x"}
    assert len(told(tmp_path, pod(annotations={**reported, **order}))) == 1


def test_a_project_is_its_namespace(tmp_path: Path) -> None:
    project = {
        "apiVersion": "project.openshift.io/v1",
        "kind": "Project",
        "metadata": {"name": "ns", "labels": {"team": "blue"}},
    }
    inside = next(e for e in built(tmp_path, project, pod()).endpoints if e.namespace == "ns")
    assert inside.namespace_labels["team"] == "blue"
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ns"}}
    for both in ((project, namespace), (namespace, project)):
        network = built(tmp_path, *both, pod())
        inside = next(e for e in network.endpoints if e.namespace == "ns")
        assert inside.namespace_labels["team"] == "blue" and not network.not_evaluated


def test_an_interface_that_forwards_some_ports_only_is_told(tmp_path: Path) -> None:
    def machine(**interface: Any) -> dict[str, Any]:
        devices = {"interfaces": [{"name": "default", "masquerade": {}, **interface}]}
        spec = {"template": {"spec": {"domain": {"devices": devices}}}}
        about = {"name": "vm", "namespace": "ns"}
        return {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": about,
                "spec": spec}  # fmt: skip

    assert told(tmp_path, machine()) == ()
    (record,) = told(tmp_path, machine(ports=[{"port": 80}]))
    assert "ports" in record.what and record.workload == "vm"


def test_a_workload_that_a_network_of_clusters_leads_to(tmp_path: Path) -> None:
    (record,) = told(tmp_path, workload(metadata={"annotations": {"skupper.io/proxy": "tcp"}}))
    assert "skupper.io/proxy" in record.what and record.workload == "app"
