"""Fields and annotations of known objects that may decide who reaches whom and are not modelled.

Rules that hold here:

1. They are those of pods and of pod templates in objects of any kind, of workloads without pods
   (`replicas: 0`), and of namespaces; what a status or a network plugin reports afterwards is none.
2. A record touches the pods of its workload; a controller whose owner is in the input, with a
   template, is told by that owner. What is owned and makes no pods is an old revision.
3. A Knative Service comes with a gateway, as an Ingress does; `compiler.sources.doors` tells
   whether policies make a difference.
4. A host port of a pod on its host's network opens nothing that the pod does not have anyway; of
   others `compiler.sources.doors` tells the same.
5. Kinds that are read whole (`fabric.kubernetes.pods.templates`) may be told to make policies,
   doors or labels besides: `BESIDES`.

Source: kubernetes/api `core/v1/types.go`; documentation of Multus, Network Service Mesh, the RDMA
shared device plugin, NVIDIA's network operator, EFA's device plugin, Calico, Antrea,
Cilium, Kube-OVN, OVN-Kubernetes, GKE, the Amazon VPC CNI, Istio, Linkerd, Consul, KubeVirt and
Argo Rollouts; KubeRay `raycluster_types.go`; Volcano's job plugin `svc`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from fabric.diagnostics import Diagnostics, Span
from fabric.file.extend import ReadableDocument, identity
from fabric.kubernetes.files.cursor import Cursor
from fabric.kubernetes.files.metadata import DEFAULT_NAMESPACE, NAMESPACES
from fabric.kubernetes.pods.templates import templates
from fabric.kubernetes.pods.workloads import KINDS, Pod, makes_pods
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated, has_template

GROUPS = ("", "apps", "batch", "extensions")
NETWORKS = "gives the pod other networks, which policies do not see"
TRANSLATES = "translates addresses of the pod"
HOST_PORT = "a hostPort leads packets of its own node to the pod, which policies always let in"
RULED = "rules of another kind apply to the pod"
PLUGIN = "is obeyed by the network plugin"
INBOUND = "says whom the mesh lets in"
SKUPPER, TUNNEL = "skupper.io/", "leads packets of other clusters to its pods"
POOLS = "its pods have addresses of other pools"
EGRESS = "its pods send through a gateway, which has another address"
ANNOTATIONS = {
    "k8s.v1.cni.cncf.io/networks": NETWORKS,
    "v1.multus-cni.io/default-network": NETWORKS,
    "networking.gke.io/interfaces": NETWORKS,
    "networking.gke.io/default-interface": NETWORKS,
    "danm.io/interfaces": NETWORKS,
    "networkservicemesh.io": NETWORKS,
    "cni.projectcalico.org/floatingIPs": TRANSLATES,
    "ovn.kubernetes.io/eip": TRANSLATES,
    "ovn.kubernetes.io/snat": TRANSLATES,
    "ovn.kubernetes.io/security_groups": RULED,
    "vpc.amazonaws.com/pod-eni": RULED,
    "k8s.ovn.org/routing-namespaces": "routes other namespaces through the pod",
    "config.linkerd.io/default-inbound-policy": INBOUND,
    "config.linkerd.io/proxy-require-identity-inbound-ports": INBOUND,
}
"""Of pods: what each does."""
PLUGINS = (
    "cni.projectcalico.org", "ovn.kubernetes.io", "k8s.ovn.org", "egress.projectcalico.org",
    "ipam.antrea.io", "ipam.cilium.io",
)  # fmt: skip
"""Annotations with such a prefix are orders to a network plugin, unless they are `REPORTED`."""
REPORTED = (
    "cni.projectcalico.org/containerID", "cni.projectcalico.org/podIP",
    "cni.projectcalico.org/podIPs", "k8s.ovn.org/pod-networks", "k8s.ovn.org/acl-logging",
)  # fmt: skip
ALLOCATED = "ovn.kubernetes.io/allocated"
"""Kube-OVN writes what it did beside it, in the words of its orders."""

AMBIENT = "istio.io/dataplane-mode"
LABELS = {AMBIENT: "takes TCP of the pod through port 15008, and policies see that port"}
"""Of pods, unless the value is `none`."""

SIDECARS = {
    "linkerd.io/inject": "lets what meshed pods send to it arrive at port 4143",
    "linkerd.io/proxy-version": "lets what meshed pods send to it arrive at port 4143",
    "consul.hashicorp.com/connect-inject": "lets what meshed pods send to it arrive at port 20000",
}
"""Annotations of pods, unless the value is one of `OFF`: what policies see is that port."""
OFF = ("", "0", "disabled", "f", "false")

ADAPTERS = ("rdma/", "vpc.amazonaws.com/efa", "nvidia.com/hostdev")
"""Resources, and beginnings of such, that give a container a network device of its own."""

NAMESPACE_LABELS = {
    AMBIENT: "takes TCP of its pods through port 15008, and policies see that port",
    "istio.io/use-waypoint": "sends packets to its pods through a proxy, and policies see that",
    "k8s.ovn.org/primary-user-defined-network": "its pods live in a network of their own",
}
NAMESPACE_ANNOTATIONS = {
    "k8s.ovn.org/routing-external-gws": "routes its pods through other gateways",
    "net.beta.kubernetes.io/network-policy": "isolates its pods, in Kubernetes before 1.7",
    "ovn.kubernetes.io/logical_switch": "its pods live in a network of their own",
    "cni.projectcalico.org/ipv4pools": POOLS,
    "cni.projectcalico.org/ipv6pools": POOLS,
    "egress.projectcalico.org/selector": EGRESS,
    "egress.projectcalico.org/egressGatewayPolicy": EGRESS,
    "ipam.antrea.io/ippools": POOLS,
    "ipam.cilium.io/ip-pool": POOLS,
    "linkerd.io/inject": "lets what meshed pods send to its pods arrive at port 4143",
    "networkservicemesh.io": "gives its pods other networks, which policies do not see",
    "config.linkerd.io/default-inbound-policy": INBOUND,
    "config.linkerd.io/proxy-require-identity-inbound-ports": INBOUND,
}

KNATIVE = "serving.knative.dev", "Service"
GATEWAY = "a gateway takes requests from outside to its pods"
EACH = "*"
LABELLED = "gives some of its pods labels of their own"
BESIDES: dict[tuple[str, str], tuple[tuple[tuple[str, ...], tuple[object, ...], str], ...]] = {
    ("argoproj.io", "Rollout"): (
        (("strategy", "canary", "canaryMetadata"), (), LABELLED),
        (("strategy", "canary", "stableMetadata"), (), LABELLED),
        (("strategy", "blueGreen", "activeMetadata"), (), LABELLED),
        (("strategy", "blueGreen", "previewMetadata"), (), LABELLED),
        (("strategy", "canary", "steps", EACH, "experiment"), (), "makes pods for a while"),
    ),
    ("batch.volcano.sh", "Job"): (
        (("plugins", "svc"), (), "its controller makes a NetworkPolicy for the job's pods"),
    ),
    ("ray.io", "RayCluster"): (
        (("headGroupSpec", "serviceType"), ("NodePort", "LoadBalancer"), "leads to its head"),
        (("headGroupSpec", "headService"), (), "makes a Service of its own, which may be a door"),
        (("headGroupSpec", "enableIngress"), (True,), "makes an Ingress, which leads to its head"),
    ),
}
"""Fields of the spec (of `EACH` item of a list), the values that matter (all, where none stands),
and what they do."""


def unread(
    objects: Iterable[ReadableDocument], pods: Sequence[Pod], problems: Diagnostics
) -> Iterator[Unevaluated]:
    """The records of all fields (rule 1), in the order of the objects."""
    workload = {(pod.namespace, pod.name): pod.workload for pod in pods}
    objects = tuple(objects)
    given = {identity(source.value) for source in objects if speaks(source)}
    for source in objects:
        root, kind = Cursor.of(source, problems), source.value["kind"]
        group, _, version = source.value["apiVersion"].rpartition("/")
        if (group, kind) in NAMESPACES:
            yield from of_namespace(root)
        elif (kind, group) == ("Pod", ""):
            name = workload.get((namespace_of(root), _text(root["metadata"]["name"])))
            if name is not None:
                yield from of_pod(root, root["metadata"], root["spec"], name)
        elif any(owner in given for owner in owners(root)):
            continue
        elif kind in KINDS and group in GROUPS:
            yield from of_controller(root, kind)
        elif makes_pods(group, version, kind):
            yield from of_templates(root, group, kind)


def speaks(source: ReadableDocument) -> bool:
    """Whether an object tells what its pods' template says."""
    group, _, version = source.value["apiVersion"].rpartition("/")
    kind = source.value["kind"]
    if kind in KINDS and group in GROUPS:
        return True
    return makes_pods(group, version, kind) and has_template(source)


def owners(root: Cursor) -> Iterator[str]:
    """The objects that an object's metadata names as its owners."""
    for item in _items(root["metadata"]["ownerReferences"]):
        yield f"{_text(item['kind'])}/{namespace_of(root)}/{_text(item['name'])}"


def of_templates(root: Cursor, group: str, kind: str) -> Iterator[Unevaluated]:
    """What the pod templates of an object of another kind say, and what is made besides them."""
    quiet = Cursor(root.source, Diagnostics(), root.path, root.value)
    found = templates(quiet)
    for item in found:
        name = item.workload(_text(root["metadata"]["name"]))
        yield from of_pod(root, item.cursor["metadata"], item.cursor["spec"], name)
        if (group, kind) == KNATIVE:
            yield record(root, root["metadata"]["name"].span, GATEWAY, name, "door")
    for path, values, what in BESIDES.get((group, kind), ()) if found else ():
        for field in _along(quiet["spec"], path):
            if field.value in values or (field.value is not None and not values):
                told = record(root, field.key_span, f"field {path[-1]} {what}", "")
                yield replace(told, scope="namespace")


def of_controller(root: Cursor, kind: str) -> Iterator[Unevaluated]:
    """What a workload's template says, and that it makes no pods, if so."""
    quiet = Cursor(root.source, Diagnostics(), root.path, root.value)
    template, count = KINDS[kind](quiet["spec"])
    if count == 0 and root["metadata"]["ownerReferences"]:
        return
    name = _text(root["metadata"]["name"])
    yield from of_pod(root, template["metadata"], template["spec"], name)
    given = root["metadata"]["annotations"]
    for key in given.value if isinstance(given.value, dict) else ():
        if str(key).startswith(SKUPPER):
            yield record(root, given[key].key_span, f"annotation {key} {TUNNEL}", name)
    if count == 0:
        what = "makes no pods now, so no packet of it was looked at"
        yield record(root, root["metadata"]["name"].span, what, name)


def of_pod(root: Cursor, about: Cursor, spec: Cursor, workload: str) -> Iterator[Unevaluated]:
    """What one pod or template says."""
    known = dict.fromkeys(orders(about["annotations"]), PLUGIN) | ANNOTATIONS
    for key, what in known.items():
        if (found := about["annotations"][key]) and found.value != "":
            yield record(root, found.key_span, f"annotation {key} {what}", workload)
    for key, what in LABELS.items():
        if (found := about["labels"][key]) and found.value != "none":
            yield record(root, found.key_span, f"label {key} {what}", workload)
    if spec["hostNetwork"].value is not True:
        for key, what in SIDECARS.items():
            if (found := about["annotations"][key]) and not off(found):
                yield record(root, found.key_span, f"annotation {key} {what}", workload)
    if claims := spec["resourceClaims"]:
        what = "field resourceClaims may bring network devices, which policies do not see"
        yield record(root, claims.key_span, what, workload)
    for adapter in adapters(spec):
        what = f"resource {adapter.path[-1]} is a network device, whose packets policies do not see"
        yield record(root, adapter.key_span, what, workload)
    for network in _items(spec["networks"]):
        if network["multus"]:
            what = "field networks gives the machine other networks, which policies do not see"
            yield record(root, network["multus"].key_span, what, workload)
    for interface in _items(spec["domain"]["devices"]["interfaces"]):
        if interface["ports"]:
            what = "field ports forwards no other ports to the machine"
            yield record(root, interface["ports"].key_span, what, workload)
    if spec["hostNetwork"].value is not True:
        for port in host_ports(spec):
            yield record(root, port.key_span, HOST_PORT, workload, "door")


def off(field: Cursor) -> bool:
    """Whether the value of a switch says no."""
    return str(field.value).lower() in OFF


def orders(annotations: Cursor) -> Iterator[str]:
    """Annotations that tell a network plugin what to do with a pod."""
    given = annotations.value if isinstance(annotations.value, dict) else {}
    for key in given:
        plugin = key.partition("/")[0] if isinstance(key, str) and key not in REPORTED else ""
        if plugin in PLUGINS and not (ALLOCATED in given and ALLOCATED.startswith(f"{plugin}/")):
            yield key


def adapters(spec: Cursor) -> Iterator[Cursor]:
    """Network devices that containers ask for, each once."""
    told = set()
    for listed in (spec["containers"], spec["initContainers"]):
        for container in _items(listed):
            for asked in (container["resources"]["limits"], container["resources"]["requests"]):
                for key in asked.value if isinstance(asked.value, dict) else ():
                    known = isinstance(key, str) and key.startswith(ADAPTERS) and key not in told
                    if known and str(asked[key].value) != "0":
                        told.add(key)
                        yield asked[key]


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
            found = about[fields][key]
            if found and found.value != "none" and not (key in SIDECARS and off(found)):
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


def _along(field: Cursor, path: Sequence[str]) -> Iterator[Cursor]:
    """The fields at the end of a path."""
    if not path:
        yield field
        return
    for below in _items(field) if path[0] == EACH else [field[path[0]]]:
        yield from _along(below, path[1:])


def _items(field: Cursor) -> list[Cursor]:
    """Items of a list; what is none is somebody else's to tell."""
    return field.items() if isinstance(field.value, list) else []


def _text(field: Cursor) -> str:
    return field.value if isinstance(field.value, str) else ""
