"""Pod templates in objects of any kind: where they stand, how many pods each makes, and which
labels the controllers of known kinds add.

Rules that hold here:

1. A pod template is a mapping under a key that ends in `template`, with a pod's `spec`
   (containers) or a virtual machine's (domain). Objects may have several: one per role or task.
2. It makes as many pods as `replicas`, `parallelism` and `size` beside and above it say,
   multiplied; one each where nothing is said.
3. A template that makes no pods now (`replicas: 0`, `suspend: true`) still is a workload: what its
   pods may do is asked before they are there.
4. A template's part is the name of the list's entry, or the key, nearest above it.
5. Kinds in `ADDED` are read whole. Of others the controller may add labels, pods or doors of its
   own: their templates count, and the object stays on the list of what is not evaluated.

Source: the custom resource definitions and controllers of the projects that the groups name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fabric.kubernetes.files.cursor import Cursor

COUNTS = ("replicas", "parallelism", "size")
PER_HOST = ("DaemonSet", "BroadcastJob", "AdvancedDaemonSet")
MAX_DEPTH = 12

ADDED: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("argoproj.io", "Rollout"): {},
    ("apps.openshift.io", "DeploymentConfig"): {"deploymentconfig": "{name}"},
    ("apps.kruise.io", "CloneSet"): {},
    ("apps.kruise.io", "StatefulSet"): {},
    ("apps.kruise.io", "DaemonSet"): {},
    ("serving.knative.dev", "Service"): {"serving.knative.dev/service": "{name}"},
    ("kubevirt.io", "VirtualMachine"): {
        "kubevirt.io": "virt-launcher",
        "vm.kubevirt.io/name": "{name}",
    },
    ("jobset.x-k8s.io", "JobSet"): {
        "jobset.sigs.k8s.io/jobset-name": "{name}",
        "jobset.sigs.k8s.io/replicatedjob-name": "{part}",
    },
    ("leaderworkerset.x-k8s.io", "LeaderWorkerSet"): {"leaderworkerset.sigs.k8s.io/name": "{name}"},
    ("batch.volcano.sh", "Job"): {
        "volcano.sh/job-name": "{name}",
        "volcano.sh/task-spec": "{part}",
    },
    ("ray.io", "RayCluster"): {"ray.io/cluster": "{name}"},
    **{
        ("kubeflow.org", kind): {
            "training.kubeflow.org/job-name": "{name}",
            "training.kubeflow.org/replica-type": "{lower}",
        }
        for kind in ("PyTorchJob", "TFJob", "MPIJob", "XGBoostJob", "PaddleJob", "JAXJob")
    },
}
"""What the controller adds to the labels of the template: `{name}` is the object's, `{part}` that
of the role, group or task."""


@dataclass(frozen=True, slots=True)
class Template:
    """One template. `part` names it among several, empty for the only one; `count` is None for one
    pod per host."""

    part: str
    cursor: Cursor
    count: int | None

    def workload(self, name: str) -> str:
        """The workload of the template's pods, in the object of that name.

        With the part "Worker" of "train" it is "train-worker".
        """
        part = "".join(c if c.isalnum() else "-" for c in self.part.lower()).strip("-")
        return f"{name}-{part}" if part else name


def templates(root: Cursor) -> list[Template]:
    """The templates of an object, in the order of the file."""
    found = list(below(root["spec"], 1, "", 0))
    if root["kind"].value in PER_HOST:
        found = [Template(t.part, t.cursor, None) for t in found]
    if len(found) == 1:
        return [Template("", found[0].cursor, found[0].count)]
    return found


def below(field: Cursor, count: int, part: str, depth: int) -> Iterator[Template]:
    """The templates inside a value of which there are `count`."""
    if depth > MAX_DEPTH:
        return
    if isinstance(field.value, list):
        for item in field.items():
            named = item["name"].value if isinstance(item.value, dict) else None
            name = named or (item["groupName"].value if isinstance(item.value, dict) else None)
            yield from below(item, count, name if isinstance(name, str) else part, depth + 1)
    elif isinstance(field.value, dict):
        count *= amount(field)
        for key in field.value:
            child = field[key] if isinstance(key, str) else None
            if child is None:
                continue
            inner = part if key in ("spec", "template") else key
            if is_template(key, child):
                yield Template(inner or key, child, count)
            else:
                yield from below(child, count, inner, depth + 1)


def is_template(key: str, child: Cursor) -> bool:
    """Rule 1."""
    if not key.lower().endswith("template") or not isinstance(child.value, dict):
        return False
    spec = child.value.get("spec")
    return isinstance(spec, dict) and (
        isinstance(spec.get("containers"), list) or isinstance(spec.get("domain"), dict)
    )


def amount(field: Cursor) -> int:
    """How many of what stands in a mapping (rule 2)."""
    found = 1
    for key in COUNTS:
        value = field.value.get(key)
        if type(value) is int and value >= 0:
            found *= value
    stopped = field.value.get("suspend") is True or field.value.get("running") is False
    return 0 if stopped else found


def added(group: str, kind: str, name: str, part: str) -> dict[str, str]:
    """The labels that the controller of a known kind adds.

    >>> added("ray.io", "RayCluster", "train", "workers")
    {'ray.io/cluster': 'train'}
    """
    rows = ADDED.get((group, kind), {})
    return {key: v.format(name=name, part=part, lower=part.lower()) for key, v in rows.items()}
