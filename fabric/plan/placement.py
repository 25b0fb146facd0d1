"""Which host each pod runs on.

Rules that hold here:

1. A pod runs on the host that its spec or status speaks of (`fabric.plan.hosts`); if it speaks of
   none, where a pin or the lock file says; else on a host of its tenant that is chosen here, and
   then *assumed*. A pin also decides where the node that is named is no host; else that is an
   error. One that contradicts the manifests is a warning (C458).
2. Choosing is deterministic and does not depend on other tenants: the ready host with the fewest
   pods of the tenant, first of those in order of the fabric. A tenant that may use every host
   starts counting at one that its name decides, or all would crowd the first hosts. Pods that
   report the same host address stay together. Hosts in another state get new pods only where the
   tenant has no other.
3. A DaemonSet has a pod on every host of the tenant, called `name-host`.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

from fabric.diagnostics import Diagnostic, Diagnostics, InputError, Span
from fabric.file.extend import PatchEdit
from fabric.file.render_spec import RenderStep, render_steps
from fabric.file.spec import FabricSpec, Pins
from fabric.io.phases import phase
from fabric.io.reading import Trees, trees_around
from fabric.kubernetes.manifests import Manifests, load_manifests
from fabric.kubernetes.pods.workloads import Pod
from fabric.plan.host_loads import HostLoads
from fabric.plan.hosts import (
    ASSUMED,
    NOTHING,
    Found,
    NodeNames,
    Nodes,
    Presence,
    crowded,
    hosts_by_name,
    hosts_of,
    presence,
    stranger,
    unknown,
)
from fabric.rendering.rendered_files import Rendered, rendered
from fabric.values import ip
from fabric.values.inventory import NamedPort
from fabric.wiring.topology import Fabric

IDLE = frozenset({"pod"})


@dataclass(frozen=True, slots=True)
class Placed:
    """A pod on a host: an `Endpoint` without VRF and without addresses of our own. `addresses` are
    those that its status reports."""

    name: str
    tenant: str
    namespace: str
    workload: str
    workload_kind: str
    host: str
    labels: Mapping[str, str]
    namespace_labels: Mapping[str, str]
    ports: tuple[NamedPort, ...]
    host_network: bool
    addresses: tuple[str, ...]
    assumed: frozenset[str]
    span: Span
    service_account: str = "default"


@dataclass(frozen=True, slots=True)
class Placement:
    """Pods by name, and the hosts of every tenant."""

    pods: tuple[Placed, ...]
    hosts: Mapping[str, Presence]


@phase("read manifests")
def load_workloads(spec: FabricSpec) -> dict[str, Manifests]:
    """The manifests of every tenant; tenants that name the same paths share what was read.

    Paths start at the fabric file's directory. Raises one `InputError` with every mistake.
    """
    problems = Diagnostics()
    out = readable_workloads(spec, problems)
    problems.check()
    return out


def readable_workloads(spec: FabricSpec, problems: Diagnostics) -> dict[str, Manifests]:
    """The manifests of the tenants whose manifests can be read; mistakes go to `problems`."""
    folder = spec.path.parent if spec.path else Path()
    known: dict[tuple[str, ...], Manifests] = {}
    out = {}
    for tenant, settings in spec.tenants.items():
        edits = [edit for edit in edits_of(spec) if edit.target and edit.target[0] == tenant]
        steps = render_steps(settings.render)
        key = (*settings.manifests, *map(repr, steps), *([tenant] if edits else []))
        if key not in known:
            paths = [Path(os.path.normpath(folder / path)) for path in settings.manifests]
            refused = [*outside(spec, tenant, paths)]
            if refused:
                problems.items += refused
                continue
            try:
                made = rendered_of(spec, tenant, steps)
                paths += made.paths
                known[key] = load_manifests(paths, tenant=tenant, edits=edits, told=made.told)
            except InputError as error:
                problems.items += (d for d in error.diagnostics if d not in problems.items)
                continue
        out[tenant] = known[key]
    return out


def rendered_of(spec: FabricSpec, tenant: str, steps: Sequence[RenderStep]) -> Rendered:
    """What the commands of a tenant print. Raises `InputError`."""
    if not steps:
        return Rendered()
    folder = spec.path.parent if spec.path else Path()
    trees = spec._trees or trees_around(folder / "-")
    many = isinstance(spec.tenants[tenant].render, list)
    at = ("tenants", tenant, "render")
    spans = (spec.at(*at, number) if many else spec.at(*at) for number in range(len(steps)))
    return rendered(zip(steps, spans, strict=True), folder, trees)


def outside(spec: FabricSpec, tenant: str, paths: Iterable[Path]) -> Iterator[Diagnostic]:
    """C112 for every path of a tenant that leads out of the trees that may be read."""
    trees: Trees | None = spec._trees
    for number, path in enumerate(paths):
        refused = trees and trees.refusal(path, spec.at("tenants", tenant, "manifests", number))
        if refused:
            yield refused


def edits_of(spec: FabricSpec) -> tuple[PatchEdit, ...]:
    """What the fabric file changes in manifests."""
    found: tuple[PatchEdit, ...] = spec._edits
    return found


def place(
    spec: FabricSpec,
    manifests: Mapping[str, Manifests],
    fabric: Fabric,
    locked: Pins,
    problems: Diagnostics,
) -> Placement:
    """Every pod of every tenant on a host, and the hosts of every tenant. What fits nowhere goes to
    `problems`."""
    out: list[Placed] = []
    hosts: dict[str, Presence] = {}
    known = hosts_by_name(spec, fabric)
    for tenant, found in manifests.items():
        allowed = hosts_of(spec, tenant, fabric)
        if found.pods and not allowed:
            problems.items.append(homeless(spec, tenant))
            continue
        placer = _Placer(spec, tenant, found, allowed, fabric, locked, known, problems)
        pods = [*placer.placed()]
        out += pods
        hosts[tenant] = presence(
            spec, tenant, allowed, {p.host for p in pods}, placer.nodes.hosts, placer.reported
        )
    problems.items += crowded(spec, hosts)
    return Placement(tuple(sorted(out, key=lambda p: p.name)), hosts)


def sizes(
    spec: FabricSpec, manifests: Mapping[str, Manifests], fabric: Fabric
) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    """How many pods, hosts and VRFs every tenant will have."""
    pods, hosts, vrfs = {}, {}, {}
    for tenant, found in manifests.items():
        settings = spec.tenants[tenant]
        hosts[tenant] = len(hosts_of(spec, tenant, fabric))
        pods[tenant] = sum(hosts[tenant] if pod.per_host else 1 for pod in found.pods)
        per_namespace = settings.vrf_per == "namespace"
        vrfs[tenant] = 1 + len(found.namespaces) if per_namespace else len(settings.vrfs)
    return pods, hosts, vrfs


def homeless(spec: FabricSpec, tenant: str) -> Diagnostic:
    """A tenant with pods and no host to run them."""
    message = f'tenant "{tenant}" has pods, but no host matches its `hosts`'
    hint = "cloison show topology lists the hosts"
    return Diagnostic("C615", message, spec.at("tenants", tenant, "hosts"), hint)


class _Placer:
    """Pods of one tenant."""

    def __init__(
        self,
        spec: FabricSpec,
        tenant: str,
        manifests: Manifests,
        allowed: list[str],
        fabric: Fabric,
        locked: Pins,
        known: dict[str, Found],
        problems: Diagnostics,
    ) -> None:
        self.spec, self.tenant, self.manifests = spec, tenant, manifests
        self.problems, self.allowed = problems, {*allowed}
        self.names = NodeNames(spec, tenant, fabric, locked, known)
        self.nodes = Nodes(tenant, self.names, allowed, manifests.nodes, problems)
        self.reported = self.nodes.reported
        here = [host for host in allowed if host in self.nodes.hosts]
        self.hosts = allowed if spec.tenants[tenant].hosts or not here else here
        self.pinned, self.locked = spec.pins.hosts, locked.hosts
        waiting = {name for name, host in spec.hosts.items() if host.state != "ready"}
        ready = [host for host in self.hosts if host not in waiting] or self.hosts
        start = 0 if spec.tenants[tenant].hosts else crc32(tenant.encode()) % max(len(ready), 1)
        self.loads = HostLoads(ready[start:] + ready[:start])
        self.stands_for: dict[str, str] = {}

    def placed(self) -> Iterator[Placed]:
        """Pods whose host is known count first, so that the others spread around them."""
        pods = [pod for found in self.manifests.pods for pod in self.on_every_host(found)]
        known = [self.known(pod) for pod in pods]
        self.complain(pods, known)
        for host, _ in filter(None, known):
            self.loads.add(host)
        for pod, found in zip(pods, known, strict=True):
            host, assumed = found or (self.choose(pod), ASSUMED)
            self.contradicted(self.endpoint(pod), host)
            own = pod.addresses if pod.host_network else ()
            for address in (*pod.host_addresses, *own):
                self.reported[host].setdefault(ip.canonical_address(address), pod.span)
            yield self.result(pod, host, assumed)

    def on_every_host(self, pod: Pod) -> Iterable[Pod]:
        """A pod itself; a DaemonSet's once per host (rule 3)."""
        if not pod.per_host:
            return [pod]
        return [replace(pod, name=f"{pod.name}-{host}", node=host) for host in self.hosts]

    def endpoint(self, pod: Pod) -> str:
        """The name of the pod as an endpoint."""
        return f"{self.tenant}/{pod.namespace}/{pod.name}"

    def known(self, pod: Pod) -> Found | None:
        """The host that somebody has decided on before (rule 1)."""
        if pod.per_host:
            return pod.node or "", NOTHING
        own = pod.addresses if pod.host_network else ()
        found = self.names.host(pod.node, (*pod.host_addresses, *own))
        if found is not None:
            return found
        name = self.endpoint(pod)
        if self.pinned.get(name) in self.names.hosts:
            return self.pinned[name], NOTHING
        if self.locked.get(name) in self.hosts:
            host = self.locked[name]
            self.stands_for.setdefault(self.together(pod), host)
            return host, ASSUMED
        if name in self.locked:
            what = (
                f"the lock file has {name} on {self.locked[name]}, which {self.tenant} cannot use"
            )
            self.problems.warn("C461", f"{what}: another host is chosen", pod.span)
        return None

    def complain(self, pods: Sequence[Pod], known: Sequence[Found | None]) -> None:
        """Pods of nodes that are no hosts, and on hosts that are not the tenant's; once each."""
        nowhere: dict[str, list[Pod]] = defaultdict(list)
        strange: dict[str, list[Pod]] = defaultdict(list)
        for pod, found in zip(pods, known, strict=True):
            name = self.endpoint(pod)
            if found is not None and found[0] not in self.allowed:
                strange[found[0]].append(pod)
            elif (
                pod.node
                and not pod.per_host
                and self.pinned.get(name) not in self.names.hosts
                and self.names.host(pod.node, pod.host_addresses) is None
            ):
                nowhere[pod.node].append(pod)
        for node, some in nowhere.items():
            self.problems.items.append(unknown(node, f"of {self.some(some)}", some[0].span))
        for host, some in strange.items():
            what = f"{self.some(some)} on {host}, which is not among the hosts of {self.tenant}"
            pin = self.spec.at("pins", "hosts", self.endpoint(some[0]))
            by_pin = self.endpoint(some[0]) in self.pinned and not some[0].node
            span = pin if by_pin else some[0].span
            self.problems.items.append(stranger(what, host, self.tenant, span))

    def contradicted(self, name: str, host: str) -> None:
        """C458: a pin that says otherwise than the manifests do, which count."""
        pin = self.pinned.get(name)
        if pin is not None and pin != host:
            what = f"{name} is pinned to {pin}, and its manifest puts it on {host}, which counts"
            span = self.spec.at("pins", "hosts", name)
            self.problems.warn("C458", what, span, "remove the pin, or say what the node is called")

    def some(self, pods: Sequence[Pod]) -> str:
        """A few pods in words."""
        more = f" and {len(pods) - 1} more" if len(pods) > 1 else ""
        return f"{self.endpoint(pods[0])}{more}"

    def together(self, pod: Pod) -> str:
        """What pods of one unknown host have in common."""
        return " ".join(pod.host_addresses) or self.endpoint(pod)

    def choose(self, pod: Pod) -> str:
        """Rule 2."""
        key = self.together(pod)
        if key not in self.stands_for:
            self.stands_for[key] = self.loads.least()
        self.loads.add(self.stands_for[key])
        return self.stands_for[key]

    def result(self, pod: Pod, host: str, assumed: frozenset[str]) -> Placed:
        """The pod on its host."""
        return Placed(
            self.endpoint(pod), self.tenant, pod.namespace, pod.workload, pod.workload_kind, host,
            pod.labels, self.manifests.namespaces[pod.namespace], pod.ports, pod.host_network,
            pod.addresses, assumed | (IDLE if pod.idle else frozenset()), pod.span,
            pod.service_account,
        )  # fmt: skip
