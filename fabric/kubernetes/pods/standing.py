"""Which workloads pods in the input stand for, so that these are not expanded as well.

Rules that hold here:

1. A finished pod (phase Succeeded or Failed) stands for a workload only where that runs once and
   its run is over, as its conditions say; without a status, if the pod has succeeded and is as the
   template makes pods (rule 2). A CronJob runs again, and what was evicted is made anew.
2. A pod stands for a template only if it is as this makes pods: with its labels (more may have been
   injected), its ports that have names, on the same network. Otherwise the template was edited, and
   its pods are still to come. Of an object with several templates each is stood for by itself;
   where they make the same, by a pod with a label that has the name of the part for a value.

Source: kubernetes/api `batch/v1` (JobStatus); the training operator's `JobConditionType`; KubeRay's
`constant.go` (labels of head and worker pods).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from fabric.diagnostics import Diagnostics
from fabric.kubernetes.files.cursor import Cursor

if TYPE_CHECKING:
    from fabric.kubernetes.pods.workloads import Pod

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


def stood_for(made: Pod, part: str, pods: Iterable[Pod]) -> bool:
    """Whether one of these pods is as a template would make it (rule 2); `part` is empty where no
    other template makes the same."""
    return any(
        made.labels.items() <= pod.labels.items()
        and made.host_network == pod.host_network
        and named(made) <= named(pod)
        and (not part or part in map(str.lower, pod.labels.values()))
        for pod in pods
    )


def named(pod: Pod) -> set[tuple[str, int, int]]:
    """The ports of a pod that have a name."""
    return {(port.name, port.protocol, port.number) for port in pod.ports if port.name}
