"""Fields, annotations and labels of Services that may decide who reaches whom and are not modelled.

Rules that hold here:

1. Told are orders that bring packets to a Service from elsewhere (another cluster, a tunnel, a
   gateway) or take its packets elsewhere (another proxy, other networks), and fields that no
   version of the API has. What orders a load balancer, a name in DNS or a certificate changes
   nothing that policies see: whether a Service is a door at all says its type.
2. An order whose value says no is none.
3. A record touches the Service's namespace: its pods, and whoever sends to them.

Source: kubernetes/api `core/v1/types.go` (ServiceSpec, since 1.0); documentation of Cilium's
cluster mesh, the Tailscale operator, Skupper, Linkerd's multi-cluster extension, GKE's network
endpoint groups, Emissary, kube-vip and Istio.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fabric.diagnostics import Diagnostics, Span
from fabric.file.extend import ReadableDocument
from fabric.kubernetes.files.cursor import Cursor
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated
from fabric.kubernetes.unmodelled.unread_fields import NETWORKS, PLUGIN, PLUGINS, namespace_of

CLUSTERS = "joins it with Services of other clusters"
LEADS = "leads packets from elsewhere to its pods"
ANNOTATIONS = {
    "service.cilium.io/": CLUSTERS,
    "io.cilium/global-service": CLUSTERS,
    "io.cilium/shared-service": CLUSTERS,
    "tailscale.com/": LEADS,
    "skupper.io/": LEADS,
    "getambassador.io/config": LEADS,
    "cloud.google.com/neg": LEADS,
    "kube-vip.io/egress": "gives what its pods send another address",
    "k8s.v1.cni.cncf.io/service-network": NETWORKS,
    "networking.istio.io/exportTo": "says in which namespaces a mesh knows it",
    **{f"{plugin}/": PLUGIN for plugin in PLUGINS},
}
"""Keys, and beginnings of keys."""
LABELS = {
    "mirror.linkerd.io/": CLUSTERS,
    "istio.io/use-waypoint": "sends packets to its pods through a proxy, and policies see that",
    "service.kubernetes.io/service-proxy-name": "has another proxy take its packets",
}
NO = ("", "false", "none", "disabled")
POOLED = '{"ingress":true}'
"""GKE gives every Service this value, for Ingresses that there may be."""
SPEC = frozenset((
    "allocateLoadBalancerNodePorts", "clusterIP", "clusterIPs", "deprecatedPublicIPs",
    "externalIPs", "externalName", "externalTrafficPolicy", "healthCheckNodePort",
    "internalTrafficPolicy", "ipFamilies", "ipFamily", "ipFamilyPolicy", "loadBalancerClass",
    "loadBalancerIP", "loadBalancerSourceRanges", "portalIP", "ports", "publishNotReadyAddresses",
    "selector", "sessionAffinity", "sessionAffinityConfig", "topologyKeys", "trafficDistribution",
    "type",
))  # fmt: skip
PORT = frozenset(("appProtocol", "name", "nodePort", "port", "protocol", "targetPort"))


def of_services(objects: Iterable[ReadableDocument]) -> Iterator[Unevaluated]:
    """The records of all Services, in the order of the objects."""
    for source in objects:
        if (source.value["apiVersion"], source.value["kind"]) == ("v1", "Service"):
            root = Cursor.of(source, Diagnostics())
            for what, span in (*_orders(root["metadata"]), *_unknown(root["spec"])):
                name = root["metadata"]["name"].text()
                yield Unevaluated(
                    "v1", "Service", namespace_of(root), name, span, "field", what, "namespace"
                )


def _orders(about: Cursor) -> Iterator[tuple[str, Span]]:
    for field, known in (("annotations", ANNOTATIONS), ("labels", LABELS)):
        given = about[field].value
        for key, value in given.items() if isinstance(given, dict) else ():
            if str(value).replace(" ", "").lower() in (*NO, POOLED):
                continue
            for start, what in known.items():
                if key == start or (start.endswith("/") and str(key).startswith(start)):
                    yield f"{field.removesuffix('s')} {key} {what}", about[field][key].key_span


def _unknown(spec: Cursor) -> Iterator[tuple[str, Span]]:
    ports = spec["ports"].items() if isinstance(spec["ports"].value, list) else []
    for holder, known in ((spec, SPEC), *((port, PORT) for port in ports)):
        for key in holder.value if isinstance(holder.value, dict) else ():
            if key not in known and holder.value[key] is not None:
                yield f"field {key} is none that a Service has", holder[key].key_span
