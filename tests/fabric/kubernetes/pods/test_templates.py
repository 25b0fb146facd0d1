"""Workloads of every kind with a pod template: how many pods, with which labels and names."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from fabric.diagnostics import InputError
from fabric.kubernetes.manifests import Manifests, load_manifests

POD = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "c"}]}}
MACHINE = {"metadata": {"labels": {"app": "x"}}, "spec": {"domain": {"devices": {}}}}


def read(folder: Path, *objects: object) -> Manifests:
    (folder / "all.yaml").write_text(yaml.safe_dump_all(objects))
    return load_manifests([folder])


def thing(api: str, kind: str, **spec: object) -> dict[str, object]:
    return {
        "apiVersion": api,
        "kind": kind,
        "metadata": {"name": "w", "namespace": "n"},
        "spec": spec,
    }


KNOWN = [
    (thing("argoproj.io/v1alpha1", "Rollout", replicas=2, template=POD), {"w-0", "w-1"}),
    (thing("apps.openshift.io/v1", "DeploymentConfig", template=POD), {"w-0"}),
    (thing("v1", "ReplicationController", replicas=1, template=POD), {"w-0"}),
    (thing("apps.kruise.io/v1alpha1", "CloneSet", replicas=3, template=POD),
     {"w-0", "w-1", "w-2"}),
    (thing("serving.knative.dev/v1", "Service", template=POD), {"w-0"}),
    (thing("kubevirt.io/v1", "VirtualMachine", running=True, template=MACHINE), {"w-0"}),
    (thing("jobset.x-k8s.io/v1alpha2", "JobSet", replicatedJobs=[
        {"name": "driver", "template": {"spec": {"template": POD}}},
        {"name": "workers", "replicas": 2,
         "template": {"spec": {"parallelism": 2, "template": POD}}},
    ]), {"w-driver-0", "w-workers-0", "w-workers-1", "w-workers-2", "w-workers-3"}),
    (thing("batch.volcano.sh/v1alpha1", "Job", tasks=[
        {"name": "ps", "replicas": 1, "template": POD},
        {"name": "wk", "replicas": 2, "template": POD},
    ]), {"w-ps-0", "w-wk-0", "w-wk-1"}),
    (thing("ray.io/v1", "RayCluster", headGroupSpec={"template": POD}, workerGroupSpecs=[
        {"groupName": "gpu", "replicas": 2, "template": POD}
    ]), {"w-headgroupspec-0", "w-gpu-0", "w-gpu-1"}),
    (thing("kubeflow.org/v1", "PyTorchJob", pytorchReplicaSpecs={
        "Master": {"replicas": 1, "template": POD}, "Worker": {"replicas": 2, "template": POD},
    }), {"w-master-0", "w-worker-0", "w-worker-1"}),
]  # fmt: skip


@pytest.mark.parametrize(("item", "names"), KNOWN, ids=[str(item["kind"]) for item, _ in KNOWN])
def test_known_kinds_are_read_whole(
    tmp_path: Path, item: dict[str, object], names: set[str]
) -> None:
    found = read(tmp_path, item)
    assert {p.name for p in found.pods} == names
    assert all(p.labels["app"] == "x" for p in found.pods)
    door = ["door"] if item["apiVersion"] == "serving.knative.dev/v1" else []
    assert [record.category for record in found.not_evaluated] == door


def test_labels_that_controllers_add(tmp_path: Path) -> None:
    job = {**thing("batch/v1", "Job", template=POD)}
    stateful = thing("apps/v1", "StatefulSet", replicas=2, template=POD)
    knative = thing("serving.knative.dev/v1", "Service", template=POD)
    found = read(tmp_path, job, stateful, knative)
    by_kind = {p.workload_kind: p.labels for p in found.pods}
    assert by_kind["Job"]["job-name"] == "w"
    assert by_kind["StatefulSet"]["statefulset.kubernetes.io/pod-name"].startswith("w-")
    assert by_kind["Service.serving.knative.dev"]["serving.knative.dev/service"] == "w"


def test_an_unknown_kind_with_a_template_makes_pods_and_stays_on_the_list(tmp_path: Path) -> None:
    item = thing("example.org/v1", "Swarm", fleet={"replicas": 2, "podTemplate": POD})
    found = read(tmp_path, item)
    assert {p.name for p in found.pods} == {"w-0", "w-1"}
    assert [r.kind for r in found.not_evaluated] == ["Swarm"]


def test_a_kind_that_refers_to_another_object_stays_on_the_list(tmp_path: Path) -> None:
    item = thing("argoproj.io/v1alpha1", "Rollout", workloadRef={"kind": "Deployment", "name": "d"})
    found = read(tmp_path, item)
    assert found.pods == ()
    assert [r.kind for r in found.not_evaluated] == ["Rollout"]


@pytest.mark.parametrize(
    "item",
    [
        thing("apps/v1", "Deployment", replicas=0, template=POD),
        thing("batch/v1", "Job", parallelism=0, template=POD),
        thing("argoproj.io/v1alpha1", "Rollout", replicas=0, template=POD),
        thing("kubevirt.io/v1", "VirtualMachine", running=False, template=MACHINE),
    ],
    ids=lambda item: str(item["kind"]),
)
def test_a_workload_without_pods_is_there_and_idle(tmp_path: Path, item: dict[str, object]) -> None:
    (pod,) = read(tmp_path, item).pods
    assert (pod.workload, pod.idle) == ("w", True)


def test_names_that_a_server_generates(tmp_path: Path) -> None:
    about = {"generateName": "import-", "namespace": "n"}
    job = {**thing("batch/v1", "Job", template=POD), "metadata": about}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": POD["spec"]}
    found = read(tmp_path, job, job, pod, {**pod, "metadata": {**about, "labels": {"b": "c"}}})
    assert sorted(p.name for p in found.pods) == ["import", "import-0", "import-2", "import-2-0"]


def test_pods_that_run_belong_to_their_rollout(tmp_path: Path) -> None:
    rollout = thing("argoproj.io/v1alpha1", "Rollout", replicas=2, template=POD)
    labels = {"app": "x", "rollouts-pod-template-hash": "abc"}
    owner = [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "w-abc", "controller": True}]
    about = {"name": "w-abc-1", "namespace": "n", "labels": labels, "ownerReferences": owner}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": POD["spec"]}
    (found,) = read(tmp_path, rollout, pod).pods
    assert (found.name, found.workload, found.workload_kind) == ("w-abc-1", "w", "Rollout")


@pytest.mark.parametrize(
    "item", [item for item, _ in KNOWN], ids=[str(i["kind"]) for i, _ in KNOWN]
)
def test_a_workload_given_twice_is_one_or_an_error(tmp_path: Path, item: dict[str, object]) -> None:
    once = read(tmp_path, item)
    assert [p.name for p in read(tmp_path, item, item).pods] == [p.name for p in once.pods]
    other = {**item, "metadata": {"name": "w", "namespace": "n", "labels": {"app": "y"}}}
    with pytest.raises(InputError) as caught:
        read(tmp_path, item, other)
    assert "C608" in {d.code for d in caught.value.diagnostics}
