"""Labels that a controller gives its pods and the input does not say are never taken for absent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from fabric.kubernetes.manifests import Manifests, load_manifests

TEMPLATE: dict[str, Any] = {
    "metadata": {"labels": {"app": "w"}},
    "spec": {"containers": [{"name": "c", "image": "i"}]},
}
MACHINE: Any = {"metadata": {"labels": {"app": "w"}}, "spec": {"domain": {}}}
WORKLOADS: dict[str, tuple[str, str, Any]] = {
    "pod-template-hash": ("apps/v1", "Deployment", {"template": TEMPLATE}),
    "controller-revision-hash": ("apps/v1", "DaemonSet", {"template": TEMPLATE}),
    "batch.kubernetes.io/job-completion-index": (
        "batch/v1", "Job", {"completionMode": "Indexed", "completions": 2, "template": TEMPLATE},
    ),
    "job-name": ("batch/v1", "CronJob", {"jobTemplate": {"spec": {"template": TEMPLATE}}}),
    "training.kubeflow.org/replica-index": (
        "kubeflow.org/v1", "PyTorchJob", {"pytorchReplicaSpecs": {"A": {"template": TEMPLATE}}},
    ),
    "ray.io/node-type": ("ray.io/v1", "RayCluster", {"headGroupSpec": {"template": TEMPLATE}}),
    "kubevirt.io/created-by": ("kubevirt.io/v1", "VirtualMachine", {"template": MACHINE}),
    "kubevirt.io/nodeName": ("kubevirt.io/v1", "VirtualMachine", {"template": MACHINE}),
    "topology.kubernetes.io/zone": ("apps/v1", "StatefulSet", {"template": TEMPLATE}),
}  # fmt: skip


def thing(api: str, kind: str, spec: Any, name: str = "w", namespace: str = "ns") -> dict[str, Any]:
    about = {"name": name, "namespace": namespace}
    return {"apiVersion": api, "kind": kind, "metadata": about, "spec": spec}


def policy(spec: Any, namespace: str = "ns") -> dict[str, Any]:
    return thing("networking.k8s.io/v1", "NetworkPolicy", spec, "p", namespace)


def read(tmp_path: Path, *objects: Any) -> Manifests:
    (tmp_path / "m.yaml").write_text(yaml.safe_dump_all(objects))
    return load_manifests([tmp_path / "m.yaml"])


def absent(key: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": "DoesNotExist"}]}


@pytest.mark.parametrize("key", WORKLOADS)
def test_a_policy_that_selects_by_one_is_not_evaluated(tmp_path: Path, key: str) -> None:
    for spec in (
        {"podSelector": absent(key)},
        {"podSelector": {"matchLabels": {key: "1"}}},
        {"podSelector": {}, "ingress": [{"from": [{"podSelector": absent(key)}]}]},
        {"podSelector": {}, "egress": [{"to": [{"podSelector": absent(key)}] * 2}] * 2},
    ):
        (record,) = read(tmp_path, thing(*WORKLOADS[key]), policy(spec)).not_evaluated
        assert (record.kind, record.namespace, record.name) == ("NetworkPolicy", "ns", "p")
        assert key in record.what and record.scope == "namespace"


def wide(subject: Any, **lists: Any) -> dict[str, Any]:
    spec = {"priority": 1, "subject": subject, **lists}
    found = thing("policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy", spec, "p")
    return {**found, "metadata": {"name": "p"}}


def test_a_policy_of_the_whole_cluster_that_selects_by_one(tmp_path: Path) -> None:
    key = "pod-template-hash"
    made = thing(*WORKLOADS[key])
    pods = {"pods": {"namespaceSelector": {}, "podSelector": {"matchLabels": {key: "1"}}}}
    every: dict[str, Any] = {"namespaces": {}}
    for policy in (
        wide(pods),
        wide(every, ingress=[{"action": "Deny", "from": [every, pods]}]),
        wide(every, egress=[{"action": "Deny", "to": [every]}, {"action": "Deny", "to": [pods]}]),
    ):
        left = read(tmp_path, made, policy).not_evaluated
        (record,) = (r for r in left if r.category == "field")
        assert (record.kind, record.namespace, record.name) == ("AdminNetworkPolicy", "", "p")
        assert key in record.what and record.scope == "cluster"
    plain = wide(every, ingress=[{"action": "Deny", "from": [every]}])
    assert all(r.category != "field" for r in read(tmp_path, made, plain).not_evaluated)


@pytest.mark.parametrize("key", WORKLOADS)
def test_not_for_pods_that_have_it_or_live_elsewhere_or_run(tmp_path: Path, key: str) -> None:
    api, kind, spec = WORKLOADS[key]
    labelled = yaml.safe_load(yaml.safe_dump(spec).replace("app: w", f"{key}: x"))
    chosen = policy({"podSelector": absent(key)})
    assert not read(tmp_path, thing(api, kind, labelled), chosen).not_evaluated
    assert not read(tmp_path, thing(api, kind, spec, "w", "other"), chosen).not_evaluated
    assert not read(tmp_path, thing(api, kind, spec), policy({"podSelector": {}})).not_evaluated
    running = thing("v1", "Pod", TEMPLATE["spec"], "w-1")
    if kind == "VirtualMachine":
        return  # its pod has another owner
    running["metadata"]["ownerReferences"] = [{"kind": kind, "name": "w", "controller": True}]
    running["metadata"]["labels"] = {"app": "w"}
    running["status"] = {"podIP": "10.0.0.7"}
    found = read(tmp_path, thing(api, kind, spec), running, chosen)
    assert [p.name for p in found.pods] == ["w-1"]
    assert not found.not_evaluated


def test_peers_of_other_namespaces(tmp_path: Path) -> None:
    key = "pod-template-hash"
    away = thing(*WORKLOADS[key], "w", "other")
    for namespaces, count in (({}, 1), (None, 0)):
        peer = {"podSelector": absent(key), "namespaceSelector": namespaces}
        found = read(tmp_path, away, policy({"podSelector": {}, "ingress": [{"from": [peer]}]}))
        assert len(found.not_evaluated) == count


@pytest.mark.parametrize(("kind", "count"), [("NodePort", 1), ("ClusterIP", 0)])
def test_doors_that_select_by_one(tmp_path: Path, kind: str, count: int) -> None:
    spec = {"type": kind, "selector": {"ray.io/node-type": "head"}, "ports": [{"port": 80}]}
    service = thing("v1", "Service", spec, "head")
    found = read(tmp_path, thing(*WORKLOADS["ray.io/node-type"]), service).not_evaluated
    assert [r.kind for r in found] == ["Service"] * count


def test_numbers_of_a_stateful_set_begin_where_it_says(tmp_path: Path) -> None:
    spec = {"replicas": 2, "template": TEMPLATE, "ordinals": {"start": 5}}
    found = read(tmp_path, thing("apps/v1", "StatefulSet", spec)).pods
    assert [p.name for p in found] == ["w-5", "w-6"]
    assert [p.labels["apps.kubernetes.io/pod-index"] for p in found] == ["5", "6"]
    assert [p.labels["statefulset.kubernetes.io/pod-name"] for p in found] == ["w-5", "w-6"]
