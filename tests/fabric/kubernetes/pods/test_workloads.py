"""Which workload a live pod belongs to, by the names that controllers make."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from fabric.kubernetes.manifests import load_manifests
from fabric.kubernetes.pods.owners import WorkloadOwner, top

KNOWN: Any = {
    WorkloadOwner("CronJob", "shop", "nightly"): SimpleNamespace(owner=None),
    WorkloadOwner("Deployment", "shop", "web"): SimpleNamespace(owner=None),
    WorkloadOwner("ReplicaSet", "shop", "db-1"): SimpleNamespace(
        owner=WorkloadOwner("Deployment", "shop", "db")
    ),
}
HASH, ROLLOUT = "pod-template-hash", "rollouts-pod-template-hash"


@pytest.mark.parametrize(
    ("kind", "name", "labels", "expected"),
    [
        ("Job", "nightly-28391", {}, ("CronJob", "nightly")),
        ("Job", "nightly-by-hand", {}, ("Job", "nightly-by-hand")),
        ("Job", "web-5d9c7b8f6", {}, ("Job", "web-5d9c7b8f6")),
        ("StatefulSet", "nightly-28391", {}, ("StatefulSet", "nightly-28391")),
        ("ReplicaSet", "nightly-28391", {}, ("ReplicaSet", "nightly-28391")),
        ("ReplicaSet", "web-5d9c7b8f6", {}, ("Deployment", "web")),
        ("ReplicaSet", "web-5d9c", {}, ("ReplicaSet", "web-5d9c")),
        ("ReplicaSet", "old-5d9c", {HASH: "5d9c"}, ("Deployment", "old")),
        ("ReplicaSet", "old-5d9c", {ROLLOUT: "5d9c"}, ("Rollout", "old")),
        ("ReplicaSet", "old-5d9c", {ROLLOUT: "6e"}, ("ReplicaSet", "old-5d9c")),
        ("ReplicaSet", "db-1", {}, ("Deployment", "db")),
        ("CronJob", "nightly", {}, ("CronJob", "nightly")),
    ],
)
def test_the_workload_above(
    kind: str, name: str, labels: dict[str, str], expected: tuple[str, str]
) -> None:
    about: Any = SimpleNamespace(name="x", namespace="shop", labels=labels)
    assert top(WorkloadOwner(kind, "shop", name), about, KNOWN) == WorkloadOwner(
        expected[0], "shop", expected[1]
    )


def test_a_pod_alone_is_its_own_workload() -> None:
    about: Any = SimpleNamespace(name="x", namespace="shop", labels={})
    assert top(None, about, KNOWN) == WorkloadOwner("Pod", "shop", "x")


def thing(kind: str, name: str, spec: Any, owner: str = "", **more: Any) -> dict[str, Any]:
    above, _, called = owner.partition("/")
    owners = [{"kind": above, "name": called, "controller": True}] if owner else []
    labels = {"labels": {"app": "w"}} if kind == "Pod" else {}
    about = {"name": name, "namespace": "shop", "ownerReferences": owners, **labels}
    group = {"Pod": "v1", "Job": "batch/v1", "CronJob": "batch/v1"}.get(kind, "apps/v1")
    return {"apiVersion": group, "kind": kind, "metadata": about, "spec": spec, **more}


CONTAINERS = {"containers": [{"name": "c"}]}
TEMPLATE = {"metadata": {"labels": {"app": "w"}}, "spec": CONTAINERS}
RUN = {"template": TEMPLATE}
OVER = {"status": {"conditions": [{"type": "Complete", "status": "True"}]}}
GAVE_UP = {"status": {"conditions": [{"type": "Failed", "status": "True"}]}}
GOES_ON = {"status": {"startTime": "now"}}
DONE, FAILED = ({"status": {"phase": p, "podIP": "10.0.0.9"}} for p in ("Succeeded", "Failed"))


@pytest.mark.parametrize(
    ("objects", "there"),
    [
        # A CronJob runs again.
        ((thing("CronJob", "nightly", {"jobTemplate": {"spec": RUN}}),
          thing("Job", "nightly-1", RUN, "CronJob/nightly", **OVER),
          thing("Pod", "nightly-1-x", CONTAINERS, "Job/nightly-1", **DONE)), ["nightly"]),
        ((thing("CronJob", "nightly", {"jobTemplate": {"spec": RUN}}),
          thing("Pod", "nightly-1-x", CONTAINERS, "Job/nightly-1", **DONE)), ["nightly"]),
        # A Job whose run is over does not; one that goes on, or tries again, does.
        ((thing("Job", "once", RUN, **OVER),
          thing("Pod", "once-x", CONTAINERS, "Job/once", **DONE)), []),
        ((thing("Job", "once", RUN, "CronJob/elsewhere", **OVER),
          thing("Pod", "once-x", CONTAINERS, "Job/once", **DONE)), []),
        ((thing("Job", "once", RUN, **GAVE_UP),
          thing("Pod", "once-x", CONTAINERS, "Job/once", **FAILED)), []),
        ((thing("Job", "once", RUN),
          thing("Pod", "once-x", CONTAINERS, "Job/once", **DONE)), []),
        ((thing("Job", "once", RUN, **GOES_ON),
          thing("Pod", "once-x", CONTAINERS, "Job/once", **DONE)), ["once"]),
        ((thing("Job", "once", RUN, **GOES_ON),
          thing("Pod", "once-x", CONTAINERS, "Job/once", **FAILED)), ["once"]),
        # What was evicted is made anew.
        ((thing("Deployment", "web", RUN), thing("ReplicaSet", "web-1", RUN, "Deployment/web"),
          thing("Pod", "web-1-x", CONTAINERS, "ReplicaSet/web-1", **FAILED)), ["web"]),
        ((thing("StatefulSet", "web", RUN),
          thing("Pod", "web-0", CONTAINERS, "StatefulSet/web", **FAILED)), ["web"]),
    ],
)  # fmt: skip
def test_finished_pods_stand_for_no_workload_that_makes_more(
    tmp_path: Path, objects: Any, there: list[str]
) -> None:
    (tmp_path / "m.yaml").write_text(yaml.safe_dump_all(objects))
    found = load_manifests([tmp_path / "m.yaml"]).pods
    assert sorted({pod.workload for pod in found}) == there
    assert not any(pod.addresses for pod in found)


def test_a_finished_pod_stands_for_its_own_template_alone(tmp_path: Path) -> None:
    """A Job that somebody will create anew, with other labels, is about to run."""
    pod = thing("Pod", "once-x", CONTAINERS, "Job/once", **DONE)
    for labels, there in (({"app": "w"}, set()), ({"app": "w", "role": "open"}, {"once"})):
        edited = thing("Job", "once", {"template": of(labels)})
        pod["metadata"]["labels"] = {"app": "w", "job-name": "once"}
        (tmp_path / "m.yaml").write_text(yaml.safe_dump_all((edited, pod)))
        found = load_manifests([tmp_path / "m.yaml"]).pods
        assert {pod.workload for pod in found} == there
        assert all(pod.made for pod in found)


def cluster(head: dict[str, str], worker: dict[str, str]) -> dict[str, Any]:
    """A RayCluster whose workers are scaled away now."""
    groups = [{"groupName": "gpu", "replicas": 0, "template": of(worker)}]
    spec = {"headGroupSpec": {"template": of(head)}, "workerGroupSpecs": groups}
    return {**thing("RayCluster", "ray", spec), "apiVersion": "ray.io/v1"}


def of(labels: dict[str, str]) -> dict[str, Any]:
    return {"metadata": {"labels": labels}, "spec": CONTAINERS}


def ray_pod(name: str, **labels: str) -> dict[str, Any]:
    pod = thing("Pod", name, CONTAINERS, "RayCluster/ray", status={"podIP": "10.0.0.9"})
    pod["metadata"]["labels"] = {"ray.io/cluster": "ray", **labels}
    return pod


@pytest.mark.parametrize(
    ("head", "worker"), [({"role": "head"}, {"role": "worker"}), ({"app": "x"}, {"app": "x"})]
)
def test_of_several_templates_each_without_pods_counts(
    tmp_path: Path, head: dict[str, str], worker: dict[str, str]
) -> None:
    """An autoscaler may bring the workers back at any time: what they may do is asked before."""
    alone = ray_pod("ray-head-x", **head, **{"ray.io/group": "headgroup"})
    busy = ray_pod("ray-gpu-y", **worker, **{"ray.io/group": "gpu"})
    busy["status"]["podIP"] = "10.0.0.8"
    for live, there in (
        ((alone,), {"ray": False, "ray-gpu": True}),
        ((busy,), {"ray": False, "ray-headgroupspec": True}),
        ((alone, busy), {"ray": False}),
        ((), {"ray-gpu": True, "ray-headgroupspec": True}),
    ):
        (tmp_path / "m.yaml").write_text(yaml.safe_dump_all((cluster(head, worker), *live)))
        found = load_manifests([tmp_path / "m.yaml"]).pods
        assert {pod.workload: pod.made for pod in found} == there


@pytest.mark.parametrize(
    ("edit", "new"),
    [
        ({}, False),
        ({"labels": {"app": "w", "tier": "back"}}, True),
        ({"labels": {}}, False),
        ({"spec": {**CONTAINERS, "hostNetwork": True}}, True),
        ({"spec": {"containers": [{"name": "c", "ports": [{"name": "web", "containerPort": 81}]}]}},
         True),
        ({"spec": {"containers": [{"name": "c", "ports": [{"containerPort": 81}]}]}}, False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("replicaset", [True, False])
def test_pods_of_a_template_that_was_edited_are_still_to_come(
    tmp_path: Path, edit: Any, new: bool, replicaset: bool
) -> None:
    """Manifests beside `kubectl get pods`: what runs is what ran before the edit."""
    about, spec = edit.get("labels", {"app": "w"}), edit.get("spec", CONTAINERS)
    edited = {"metadata": {"labels": about}, "spec": spec}
    above = [thing("ReplicaSet", "web-1", RUN, "Deployment/web")] if replicaset else []
    pod = thing("Pod", "web-1-x", CONTAINERS, "ReplicaSet/web-1", status={"podIP": "10.0.0.9"})
    pod["metadata"]["labels"] = {"app": "w", "injected": "yes", "pod-template-hash": "1"}
    objects = [thing("Deployment", "web", {"template": edited}), *above, pod]
    (tmp_path / "m.yaml").write_text(yaml.safe_dump_all(objects))
    found = load_manifests([tmp_path / "m.yaml"]).pods
    assert [p.name for p in found if not p.made] == ["web-1-x"]
    assert [p.labels == about for p in found if p.made] == [True] * new
    assert {p.workload for p in found} == {"web"}


def test_pods_to_come_of_a_stateful_set_know_their_names(tmp_path: Path) -> None:
    """Also while pods that still run have these."""
    edited = {"metadata": {"labels": {"app": "w", "tier": "back"}}, "spec": CONTAINERS}
    pod = thing("Pod", "web-0", CONTAINERS, "StatefulSet/web", status={"podIP": "10.0.0.9"})
    pod["metadata"]["labels"] = {"app": "w", "statefulset.kubernetes.io/pod-name": "web-0"}
    objects = [thing("StatefulSet", "web", {"template": edited}), pod]
    (tmp_path / "m.yaml").write_text(yaml.safe_dump_all(objects))
    found = load_manifests([tmp_path / "m.yaml"]).pods
    assert len({p.name for p in found}) == 2
    assert {p.labels["statefulset.kubernetes.io/pod-name"] for p in found} == {"web-0"}
