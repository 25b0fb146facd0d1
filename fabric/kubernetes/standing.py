"""Which workloads pods in the input stand for, so that these are not expanded as well.

Rules that hold here:

1. A finished pod (phase Succeeded or Failed) stands for a workload only where that runs once and
   its run is over, as its conditions say; without a status, if the pod has succeeded. A CronJob
   runs again, and what was evicted is made anew.
2. Of an object with several templates each is stood for by itself: by a pod with its labels, and
   where other templates have the same, with a label that has the name of its part for a value.

Source: kubernetes/api `batch/v1` (JobStatus); the training operator's `JobConditionType`; KubeRay's
`constant.go` (labels of head and worker pods).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fabric.diagnostics import Diagnostics
from fabric.kubernetes.cursor import Cursor
from fabric.kubernetes.metadata import labels

FINISHED = ("Succeeded", "Failed")
ENDS = ("Complete", "Completed", "Failed", "Succeeded")
"""Conditions of workloads that run once."""
RUNS = ("Job", "JobSet")
"""How kinds of such workloads end, of those that own pods."""


def ended(root: Cursor) -> bool | None:
    """Whether the run of a workload is over; None without a status."""
    status = Cursor(root.source, Diagnostics(), root.path, root.value)["status"]
    if not status:
        return None
    found = status["conditions"].items()
    return any(c["type"].value in ENDS and c["status"].value == "True" for c in found)


def is_over(ended: bool | None, phase: object) -> bool:
    """Whether a finished pod says that there are no more (rule 1)."""
    return phase == "Succeeded" if ended is None else ended


def own_labels(template: Cursor, added: Mapping[str, str]) -> dict[str, str]:
    """The labels of a template's pods; mistakes are told by whoever makes these."""
    given = template["metadata"]["labels"]
    return {**labels(Cursor(given.source, Diagnostics(), given.path, given.value)), **added}


def stood_for(own: Mapping[str, str], part: str, pods: Iterable[Mapping[str, str]]) -> bool:
    """Whether one of these pods' labels are those of a template (rule 2); `part` is empty where no
    other template has the same.

    >>> stood_for({"app": "x"}, "gpu", [{"app": "x", "ray.io/group": "headgroup"}])
    False
    """
    return any(
        own.items() <= pod.items() and (not part or part in map(str.lower, pod.values()))
        for pod in pods
    )
