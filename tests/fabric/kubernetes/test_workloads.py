"""Which workload a live pod belongs to, by the names that controllers make."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from fabric.kubernetes.workloads import WorkloadOwner, top

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
