"""Labels that controllers give their pods with values that stand nowhere in the input.

A Deployment's pods have a `pod-template-hash`, those of an indexed Job their index. Templates do
not show such labels, so a policy that selects by one of them cannot be evaluated for pods that are
not in the input themselves.

Rules that hold here:

1. A label is untold for pods made from a template of a kind in `ADDED`, where the template does not
   give it, unless it is one of those that are known (`fabric.kubernetes.pods.workloads`,
   `fabric.kubernetes.pods.templates`).
2. What selects by an untold label has a record: a policy, or a Service that is a door. It touches
   its own namespace, as the policy does, or a whole cluster. Who is behind any other Service that
   does is asked by whoever asks about it (`maybe_behind`).

Source: kubernetes/api (well-known labels; `apps`, `batch`), and the controllers of the projects
that `fabric.kubernetes.pods.templates` names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fabric.file.extend import ReadableDocument
from fabric.kubernetes.files.claimed_kinds import NETWORK_POLICY
from fabric.kubernetes.files.metadata import DEFAULT_NAMESPACE
from fabric.kubernetes.files.wide_selectors import as_list, as_mapping, is_wide, peers, subject
from fabric.kubernetes.networking.services import Service
from fabric.kubernetes.pods.workloads import Pod
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated

JOBS = (
    "controller-uid", "job-name", "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name", "batch.kubernetes.io/job-completion-index",
)  # fmt: skip
TRAINERS = ("PyTorchJob", "TFJob", "MPIJob", "XGBoostJob", "PaddleJob", "JAXJob")
TRAINING = (*JOBS, "training.kubeflow.org/", "group-name")
HASHES = ("pod-template-hash", "controller-revision-hash")
ADDED: Mapping[str, tuple[str, ...]] = {
    "Deployment": HASHES,
    "StatefulSet": (*HASHES, "apps.kubernetes.io/", "lifecycle.apps.kruise.io/"),
    "DaemonSet": (*HASHES, "pod-template-generation", "lifecycle.apps.kruise.io/"),
    "Job": (*JOBS, "volcano.sh/"),
    "CronJob": JOBS,
    "Rollout": ("rollouts-pod-template-hash", *HASHES),
    "DeploymentConfig": ("deployment", "openshift.io/"),
    "CloneSet": (*HASHES, "apps.kruise.io/", "lifecycle.apps.kruise.io/"),
    "Service.serving.knative.dev": ("app", "serving.knative.dev/", "service.istio.io/", *HASHES),
    "VirtualMachine": ("kubevirt.io/", "vm.kubevirt.io/"),
    "JobSet": (*JOBS, "jobset.sigs.k8s.io/"),
    "LeaderWorkerSet": (
        *HASHES, "leaderworkerset.sigs.k8s.io/", "apps.kubernetes.io/", "statefulset.kubernetes.io/"
    ),
    "RayCluster": ("ray.io/", "app.kubernetes.io/"),
    **dict.fromkeys(TRAINERS, TRAINING),
}  # fmt: skip
"""By the kind of a workload: keys, and beginnings of keys."""
PLACED = ("topology.kubernetes.io/zone", "topology.kubernetes.io/region")
"""Given to every pod with its node, by the PodTopologyLabels admission plugin."""


def untold(objects: Iterable[ReadableDocument], pods: Iterable[Pod]) -> Iterator[Unevaluated]:
    """The records of all policies and doors."""
    made: dict[tuple[str, str, str], Pod] = {}
    for pod in pods:
        if is_template(pod):
            made.setdefault((pod.namespace, pod.workload_kind, pod.workload), pod)
    for source in objects:
        namespace = as_mapping(source.value.get("metadata")).get("namespace") or DEFAULT_NAMESPACE
        told = set()
        for selector, anywhere in selectors(source.value):
            for key in keys(selector):
                inside = made.values() if anywhere else _of(made.values(), namespace)
                found = next((p for p in inside if is_untold(key, p)), None)
                if found is not None and key not in told:
                    told.add(key)
                    yield record(source, str(namespace), key, found)


def maybe_behind(service: Service, pods: Iterable[Pod]) -> str | None:
    """Why nobody knows which of these pods are behind a Service; None where it is known."""
    wanted = service.selector or {}
    for pod in pods:
        if pod.namespace == service.namespace and is_template(pod):
            keys = [key for key in wanted if is_untold(key, pod)]
            if keys and all(pod.labels.get(k) == v for k, v in wanted.items() if k not in keys):
                return _why(keys[0], pod)
    return None


def is_template(pod: Pod) -> bool:
    """Whether a pod was not read as it is, so that labels may be missing."""
    return pod.made or (pod.workload_kind == "Pod" and not pod.addresses)


def _why(key: str, pod: Pod) -> str:
    return (
        f"it selects by label {key}, which pods of {pod.workload_kind} {pod.namespace}/"
        f"{pod.workload} get with a value that the input does not say"
    )


def is_untold(key: str, pod: Pod) -> bool:
    """Whether a pod has a label, or may have it, that cannot be known (rule 1)."""
    if key in pod.labels:
        return False
    if key in PLACED:
        return True
    known = ADDED.get(pod.workload_kind, ())
    return any(key == k or (k.endswith("/") and key.startswith(k)) for k in known)


def record(source: ReadableDocument, namespace: str, key: str, pod: Pod) -> Unevaluated:
    """The record of one selector."""
    value = source.value
    name = str(as_mapping(value.get("metadata")).get("name") or "")
    wide = is_wide(value)
    return Unevaluated(
        value["apiVersion"], value["kind"], "" if wide else namespace, name,
        source.span(("spec",)), "field", _why(key, pod), "cluster" if wide else "namespace",
    )  # fmt: skip


def selectors(value: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], bool]]:
    """Selectors of pods in a policy or a door, and whether they select in other namespaces too."""
    spec = as_mapping(value.get("spec"))
    if NETWORK_POLICY.covers(value["apiVersion"], value["kind"]):
        yield as_mapping(spec.get("podSelector")), False
        for direction, end in (("ingress", "from"), ("egress", "to")):
            for rule in as_list(spec.get(direction)):
                for peer in as_list(as_mapping(rule).get(end)):
                    mapping = as_mapping(peer)
                    anywhere = mapping.get("namespaceSelector") is not None
                    yield as_mapping(mapping.get("podSelector")), anywhere
    elif (value["apiVersion"], value["kind"]) == ("v1", "Service") and (
        spec.get("type") in ("NodePort", "LoadBalancer") or spec.get("externalIPs")
    ):
        yield {"matchLabels": as_mapping(spec.get("selector"))}, False
    elif is_wide(value):
        chosen = subject(value)
        for found in (*([chosen] if chosen else ()), *peers(value)):
            yield found.pods, True


def keys(selector: Mapping[str, Any]) -> Iterator[str]:
    """The keys of labels that a selector looks at."""
    yield from (key for key in as_mapping(selector.get("matchLabels")) if isinstance(key, str))
    for expression in as_list(selector.get("matchExpressions")):
        key = as_mapping(expression).get("key")
        if isinstance(key, str):
            yield key


def _of(pods: Iterable[Pod], namespace: object) -> Iterator[Pod]:
    return (pod for pod in pods if pod.namespace == namespace)
