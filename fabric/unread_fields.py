"""Fields and annotations of known objects that may decide who reaches whom and are not modelled.

Rules that hold here:

1. They are those of pods and pod templates, of workloads without pods (`replicas: 0`), and of
   namespaces; what a status or a network plugin reports afterwards is none.
2. A record touches the pods of its workload; a controller with an owner is told by that owner.
3. A host port of a pod on its host's network opens nothing that the pod does not have anyway; of
   others `compiler.doors` tells whether policies make a difference.

Source: kubernetes/api `core/v1/types.go`; documentation of Multus, Calico, Kube-OVN,
OVN-Kubernetes, GKE and the Amazon VPC CNI.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from fabric.cursor import Cursor
from fabric.diagnostics import Diagnostics, Span
from fabric.extend import Source
from fabric.metadata import DEFAULT_NAMESPACE
from fabric.unevaluated import Unevaluated
from fabric.workloads import KINDS, Pod

GROUPS = ("", "apps", "batch", "extensions")
NETWORKS = "gives the pod other networks, which policies do not see"
TRANSLATES = "translates addresses of the pod"
HOST_PORT = "a hostPort leads packets of its own node to the pod, which policies always let in"
RULED = "rules of another kind apply to the pod"
ANNOTATIONS = {
    "k8s.v1.cni.cncf.io/networks": NETWORKS,
    "v1.multus-cni.io/default-network": NETWORKS,
    "networking.gke.io/interfaces": NETWORKS,
    "networking.gke.io/default-interface": NETWORKS,
    "danm.io/interfaces": NETWORKS,
    "cni.projectcalico.org/floatingIPs": TRANSLATES,
    "ovn.kubernetes.io/eip": TRANSLATES,
    "ovn.kubernetes.io/snat": TRANSLATES,
    "ovn.kubernetes.io/security_groups": RULED,
    "vpc.amazonaws.com/pod-eni": RULED,
    "k8s.ovn.org/routing-namespaces": "routes other namespaces through the pod",
}
"""Of pods: what each does."""

NAMESPACE_LABELS = {
    "k8s.ovn.org/primary-user-defined-network": "its pods live in a network of their own",
}
NAMESPACE_ANNOTATIONS = {
    "k8s.ovn.org/routing-external-gws": "routes its pods through other gateways",
    "net.beta.kubernetes.io/network-policy": "isolates its pods, in Kubernetes before 1.7",
    "ovn.kubernetes.io/logical_switch": "its pods live in a network of their own",
    "cni.projectcalico.org/ipv4pools": "its pods have addresses of other pools",
    "cni.projectcalico.org/ipv6pools": "its pods have addresses of other pools",
}


def unread(
    objects: Iterable[Source], pods: Sequence[Pod], problems: Diagnostics
) -> Iterator[Unevaluated]:
    """The records of all fields (rule 1), in the order of the objects."""
    workload = {(pod.namespace, pod.name): pod.workload for pod in pods}
    for source in objects:
        root, kind = Cursor.of(source, problems), source.value["kind"]
        group = source.value["apiVersion"].rpartition("/")[0]
        if (kind, group) == ("Namespace", ""):
            yield from of_namespace(root)
        elif (kind, group) == ("Pod", ""):
            name = workload.get((namespace_of(root), _text(root["metadata"]["name"])))
            if name is not None:
                yield from of_pod(root, root["metadata"], root["spec"], name)
        elif kind in KINDS and group in GROUPS and not root["metadata"]["ownerReferences"]:
            yield from of_controller(root, kind)


def of_controller(root: Cursor, kind: str) -> Iterator[Unevaluated]:
    """What a workload's template says, and that it makes no pods, if so."""
    quiet = Cursor(root.source, Diagnostics(), root.path, root.value)
    template, count = KINDS[kind](quiet["spec"])
    name = _text(root["metadata"]["name"])
    yield from of_pod(root, template["metadata"], template["spec"], name)
    if count == 0:
        what = "makes no pods now, so no packet of it was looked at"
        yield record(root, root["metadata"]["name"].span, what, name)


def of_pod(root: Cursor, about: Cursor, spec: Cursor, workload: str) -> Iterator[Unevaluated]:
    """What one pod or template says."""
    for key, what in ANNOTATIONS.items():
        if (found := about["annotations"][key]) and found.value != "":
            yield record(root, found.key_span, f"annotation {key} {what}", workload)
    if claims := spec["resourceClaims"]:
        what = "field resourceClaims may bring network devices, which policies do not see"
        yield record(root, claims.key_span, what, workload)
    if spec["hostNetwork"].value is not True:
        for port in host_ports(spec):
            yield record(root, port.key_span, HOST_PORT, workload, "door")


def host_ports(spec: Cursor) -> Iterator[Cursor]:
    """Host ports of containers."""
    for listed in (spec["containers"], spec["initContainers"]):
        for container in _items(listed):
            for port in _items(container["ports"]):
                if port["hostPort"].value not in (None, 0):
                    yield port["hostPort"]


def of_namespace(root: Cursor) -> Iterator[Unevaluated]:
    """What a namespace says about all its pods."""
    about, name = root["metadata"], _text(root["metadata"]["name"])
    for fields, known in (("labels", NAMESPACE_LABELS), ("annotations", NAMESPACE_ANNOTATIONS)):
        for key, what in known.items():
            if found := about[fields][key]:
                yield Unevaluated(
                    "v1", "Namespace", name, name, found.key_span, "field",
                    f"{fields.removesuffix('s')} {key}: {what}", "namespace",
                )  # fmt: skip


def record(
    root: Cursor, span: Span, what: str, workload: str, category: str = "field"
) -> Unevaluated:
    """The record of a field of a pod or template."""
    return Unevaluated(
        root.value["apiVersion"], root.value["kind"], namespace_of(root),
        _text(root["metadata"]["name"]), span, category, what, "workload", workload=workload,
    )  # fmt: skip


def namespace_of(root: Cursor) -> str:
    """The namespace of an object."""
    return _text(root["metadata"]["namespace"]) or DEFAULT_NAMESPACE


def _items(field: Cursor) -> list[Cursor]:
    """Items of a list; what is none is somebody else's to tell."""
    return field.items() if isinstance(field.value, list) else []


def _text(field: Cursor) -> str:
    return field.value if isinstance(field.value, str) else ""
