"""What peers of Cilium's rules name: groups of CIDRs, Services, and domain names.

Rules that hold here:

1. A group is a CiliumCIDRGroup, by its name or by its labels.
2. A Service with a selector means the pods that it selects, one without the addresses that its
   Endpoints and EndpointSlices say, as CIDRs do.
3. In a pattern `*` is any letters, digits, `-` and `_` of one label, `**.` at its beginning any
   labels; `*` alone is every name. A name means the addresses that the tenant's file of names says.

Source: Cilium 1.20 `pkg/fqdn/matchpattern`, `pkg/policy/k8s/service.go`,
`pkg/k8s/apis/cilium.io/v2/cidrgroups_types.go`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from compiler.policy.labels import labels_match
from compiler.sources.cilium.cilium_peers import GroupPeer, ServicePeer, block
from compiler.sources.cilium.cilium_selectors import K8S, NAMESPACE, LabelTerm, LabelTerms
from fabric.diagnostics import Diagnostics
from fabric.file.domain_names import Names
from fabric.kubernetes.files.claimed_kinds import ClaimedKind
from fabric.kubernetes.files.cursor import Cursor
from fabric.kubernetes.files.metadata import DEFAULT_NAMESPACE, metadata
from fabric.kubernetes.files.wide_selectors import as_mapping
from fabric.kubernetes.manifests import Manifests
from fabric.kubernetes.networking.endpoint_slices import leads_to
from fabric.kubernetes.networking.services import Service
from fabric.kubernetes.pods.workloads import is_address
from fabric.values.dialects import CILIUM
from fabric.values.inventory import Prefix
from fabric.values.ip import prefix

GROUPS = (
    ClaimedKind(
        "cilium.io", "CiliumCIDRGroup", ("v2", "v2alpha1"), once=True, namespaced=False,
        dialect=CILIUM, aid=True,
    ),
)  # fmt: skip
SERVICE_NAME = "kubernetes.io/service-name"


class CidrGroup(NamedTuple):
    """A group of prefixes."""

    name: str
    labels: Mapping[str, str]
    prefixes: tuple[Prefix, ...]


def cidr_groups(manifests: Manifests, problems: Diagnostics) -> tuple[CidrGroup, ...]:
    """The groups of a cluster; mistakes go to `problems`."""
    out = []
    for source in manifests.claimed(GROUPS):
        root = Cursor.of(source, problems)
        root.closed(("apiVersion", "kind", "metadata", "spec", "status"), "C640")
        about = metadata(root)
        root["spec"].closed(("externalCIDRs",), "C640")
        found = (block(item, single=True) for item in root["spec"]["externalCIDRs"].items())
        out.append(CidrGroup(about.name, about.labels, tuple(p for p in found if p is not None)))
    return tuple(out)


def chosen_groups(peer: GroupPeer, groups: tuple[CidrGroup, ...]) -> list[CidrGroup]:
    """Rule 1."""
    if peer.terms is None:
        return [group for group in groups if group.name == peer.name]
    return [g for g in groups if labels_match(tuple(t.asked for t in peer.terms), g.labels)]


def chosen_services(peer: ServicePeer, manifests: Manifests) -> list[Service]:
    """The Services that a peer names."""
    return [
        service
        for service in manifests.services
        if peer.namespace in ("", service.namespace)
        and (
            service.name == peer.name
            if peer.terms is None
            else labels_match(tuple(t.asked for t in peer.terms), _labels(manifests, service))
        )
    ]


def _labels(manifests: Manifests, service: Service) -> Mapping[str, Any]:
    for source in manifests.objects:
        value = source.value
        if (value["apiVersion"], value["kind"]) == ("v1", "Service"):
            about = as_mapping(value.get("metadata"))
            own = about.get("namespace") or DEFAULT_NAMESPACE, about.get("name")
            if own == (service.namespace, service.name):
                return as_mapping(about.get("labels"))
    return {}


def pods_behind(service: Service) -> LabelTerms | None:
    """The pods of a Service with a selector."""
    if not service.selector:
        return None
    labels = (
        LabelTerm(K8S, key, "In", frozenset((value,)), None)
        for key, value in service.selector.items()
    )
    return (*labels, LabelTerm(K8S, NAMESPACE, "In", frozenset((service.namespace,)), None))


def addresses_behind(service: Service, manifests: Manifests) -> Iterator[Prefix]:
    """The addresses of a Service without one."""
    for source in manifests.objects:
        about = as_mapping(source.value.get("metadata"))
        if source.value["kind"] not in ("Endpoints", "EndpointSlice"):
            continue
        served = as_mapping(about.get("labels")).get(SERVICE_NAME)
        name = about.get("name") if source.value["kind"] == "Endpoints" else served
        own = about.get("namespace") or DEFAULT_NAMESPACE, name
        if own == (service.namespace, service.name):
            yield from (prefix(text) for text in leads_to(source.value) if is_address(text))


def matches(pattern: str) -> re.Pattern[str]:
    """Rule 3.

    >>> [bool(matches("*.a.io").fullmatch(name)) for name in ("x.a.io", "a.io", "y.x.a.io")]
    [True, False, False]
    >>> [bool(matches("**.a.io").fullmatch(name)) for name in ("x.a.io", "a.io", "y.x.a.io")]
    [True, False, True]
    """
    if pattern == "*":
        return re.compile(r".*")
    below = pattern.startswith("**.")
    words = (re.escape(part) for part in pattern.removeprefix("**.").split("*"))
    return re.compile((r"([-a-z0-9_]+\.)+" if below else "") + "[-a-z0-9_]*".join(words))


def resolved(name: str, pattern: str, names: Names) -> list[Prefix] | None:
    """The addresses of a name or a pattern; None where the file of names has none that fits."""
    fits = [n for n in names if (n == name if name else matches(pattern).fullmatch(n))]
    return [one for n in fits for one in names[n]] if fits else None
