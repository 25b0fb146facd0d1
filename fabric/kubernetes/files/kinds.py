"""What objects of every kind that is known here can do to the network: how the table is read.

Its rows are in `fabric.kubernetes.files.kind_rows`.

Rules that hold here:

1. A kind is *read* (in the versions listed), *irrelevant*, or decides who reaches whom in one of
   the ways of `WAYS`; a kind that no row names is *unknown* and may do anything.
2. What decides has a reach: the pods of its own namespace, or the whole cluster. Objects without a
   namespace have the cluster; so do namespaced ones that other namespaces' traffic obeys.
3. `*` stands for all other kinds of a group, `*.suffix` for all groups that end so. The exact row
   wins over `*`, and that over a suffix.

Source: the Kubernetes API reference (groups and kinds of 1.20 to 1.34, and those removed since
1.16) and the custom resource definitions of the projects named by their groups.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from fabric.kubernetes.files.claimed_kinds import LEFT_TO_SOURCES
from fabric.kubernetes.files.kind_rows import ROWS

READ, IRRELEVANT, UNKNOWN = "read", "irrelevant", "unknown"
NAMESPACE, CLUSTER, NODE = "namespace", "cluster", "node"

WAYS = {
    "policy": "a policy of a kind that cloison does not read",
    "mesh": "a service mesh obeys it",
    "door": "it leads packets to pods",
    "network": "it gives pods or nodes other networks, addresses or routes",
    "address": "it says which addresses are behind a name",
    "node": "a node with addresses of its own",
    "workload": "pods are made from it that are not in the input",
    "change": "it makes or changes other objects",
    "version": "cloison does not know this version of it",
    "field": "cloison does not read this field or annotation",
    "template": "objects are made from it that are not in the input",
    "unread": "there may be objects in it, and it was not opened",
    "tenant": "it has no pod and no node, so no packet of it was looked at",
    "unknown": "cloison does not know this kind",
}


class Meaning(NamedTuple):
    """What a kind does, and how far it reaches."""

    way: str
    reach: str = NAMESPACE


READ_VERSIONS: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "Namespace"): ("v1",),
    ("", "Node"): ("v1",),
    ("", "Pod"): ("v1",),
    ("", "ReplicationController"): ("v1",),
    ("", "Service"): ("v1",),
    ("apps", "DaemonSet"): ("v1", "v1beta2"),
    ("apps", "Deployment"): ("v1", "v1beta1", "v1beta2"),
    ("apps", "ReplicaSet"): ("v1", "v1beta2"),
    ("apps", "StatefulSet"): ("v1", "v1beta1", "v1beta2"),
    ("batch", "CronJob"): ("v1", "v1beta1", "v2alpha1"),
    ("batch", "Job"): ("v1",),
    ("extensions", "DaemonSet"): ("v1beta1",),
    ("extensions", "Deployment"): ("v1beta1",),
    ("extensions", "ReplicaSet"): ("v1beta1",),
    **{(claim.group, claim.kind): claim.versions for claim in LEFT_TO_SOURCES},
    ("project.openshift.io", "Project"): ("v1",),
    ("apps.kruise.io", "CloneSet"): ("v1alpha1", "v1beta1"),
    ("apps.kruise.io", "DaemonSet"): ("v1alpha1", "v1beta1"),
    ("apps.kruise.io", "StatefulSet"): ("v1alpha1", "v1beta1"),
    ("apps.openshift.io", "DeploymentConfig"): ("v1",),
    ("argoproj.io", "Rollout"): ("v1alpha1",),
    ("batch.volcano.sh", "Job"): ("v1alpha1",),
    ("jobset.x-k8s.io", "JobSet"): ("v1alpha2",),
    **{
        ("kubeflow.org", f"{framework}Job"): ("v1",)
        for framework in ("JAX", "MPI", "Paddle", "PyTorch", "TF", "XGBoost")
    },
    ("kubevirt.io", "VirtualMachine"): ("v1", "v1alpha3"),
    ("leaderworkerset.x-k8s.io", "LeaderWorkerSet"): ("v1",),
    ("ray.io", "RayCluster"): ("v1", "v1alpha1"),
    ("serving.knative.dev", "Service"): ("v1",),
}


@cache
def table() -> dict[tuple[str, str], Meaning]:
    """Meaning by (group, kind), both as the rows write them."""
    out: dict[tuple[str, str], Meaning] = {}
    for line in "".join(ROWS).splitlines():
        group, way, *rest = line.split() or ("", "")
        reach = rest.pop(0) if rest and rest[0] in (NAMESPACE, CLUSTER, NODE) else NAMESPACE
        for kind in rest:
            key = "" if group == "core" else group, kind
            assert key not in out, f"{key} stands twice"
            out[key] = Meaning(way, reach)
    return out


def meaning(group: str, version: str, kind: str) -> Meaning:
    """What objects of a kind do.

    >>> meaning("policy.networking.k8s.io", "v1alpha1", "AdminNetworkPolicy")
    Meaning(way='policy', reach='cluster')
    >>> meaning("apps", "v1", "Deployment").way, meaning("apps", "v3", "Deployment").way
    ('read', 'version')
    >>> meaning("constraints.gatekeeper.sh", "v1", "K8sRequiredLabels").way
    'irrelevant'
    >>> meaning("example.org", "v1", "Thing").way
    'unknown'
    """
    if (group, kind) in READ_VERSIONS:
        known = version in READ_VERSIONS[group, kind]
        whole = kind in ("Namespace", "Project")
        return Meaning(READ if known else "version", CLUSTER if whole else NAMESPACE)
    rows = table()
    parts = group.split(".")
    suffixes = ("*." + ".".join(parts[i:]) for i in range(1, len(parts)))
    for key in ((group, kind), (group, "*"), *((suffix, "*") for suffix in suffixes)):
        if key in rows:
            return rows[key]
    return Meaning(UNKNOWN)
