"""Nodes and pods of clusters behind the interfaces of DPUs.

Rules that hold here:

1. A node is the host that `hosts:` of the file says, else the host of its name, else the one behind
   whose DPU its address lies. A pod is where its `nodeName` says.
2. An address is in the VRF of the interface or static route of that DPU that leads to it: where
   packets go configurations say, who is there the cluster says. Where several VRFs of a DPU have
   it, it is in the one that has the node's own address.
3. An address that nothing on the DPU of its node leads to is a finding, with both lines, and nobody
   has it. So is one that two of a VRF have: the first one counts.
4. Where the host speaks BGP with its DPU inside a VRF, an address that nothing else leads to is in
   that VRF, and whether it is announced is not known.
5. What has no address (a workload without pods that run) is nowhere, which is told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from compiler.imports.device_facts import PeerSession
from compiler.imports.joined.device_places import DevicePlaces
from compiler.imports.sites.host_ends import HostEnd
from fabric.diagnostics import FINDING, Diagnostic, Diagnostics, Span
from fabric.file.spec import FabricSpec
from fabric.kubernetes.manifests import Manifests
from fabric.kubernetes.pods.workloads import Pod
from fabric.kubernetes.unmodelled.unevaluated import NEIGHBOUR, Unevaluated
from fabric.plan.endpoints import workloads
from fabric.plan.hosts import hosts_by_name, unknown
from fabric.plan.placement import Placed
from fabric.values.inventory import Endpoint, Prefix
from fabric.wiring.topology import Role

At = tuple[int, HostEnd]
"""The number of a VRF, and who is behind the interface there."""
NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class BehindDpu:
    """An endpoint of a cluster, where it is, and whether its host has to announce it (rule 4)."""

    endpoint: Endpoint
    device: int
    end: HostEnd
    by_host: bool = False


@dataclass(slots=True)
class ClusterEnds:
    """Who of all clusters is behind which device, and what is not known of them."""

    places: DevicePlaces
    ends: Sequence[Sequence[At]]
    sessions: Mapping[tuple[int, str], PeerSession]
    names: Sequence[str]
    found: Diagnostics
    behind: list[BehindDpu] = field(default_factory=list)
    records: list[Unevaluated] = field(default_factory=list)
    owner: dict[tuple[int, Prefix], str] = field(default_factory=dict)
    lost: dict[tuple[int, str], list[tuple[str, str, Span]]] = field(default_factory=dict)

    def add(self, spec: FabricSpec, tenant: str, manifests: Manifests) -> None:
        """The nodes and pods of a cluster."""
        hosts = self.hosts_of(spec, tenant, manifests)
        guests: dict[str, list[Pod]] = defaultdict(list)
        own: dict[str, list[str]] = defaultdict(list)
        spans: dict[str, Span] = {}
        for node in manifests.nodes:
            if (host := hosts.get(node.name)) is not None:
                own[host] += [text for text, _ in node.addresses]
                spans.setdefault(host, node.span)
        for pod in manifests.pods:
            host = hosts.get(pod.node or "")
            if host is None:
                self.nowhere(tenant, pod)
                continue
            own[host] += pod.host_addresses
            spans.setdefault(host, pod.span)
            if pod.host_network:
                guests[host].append(pod)
                own[host] += pod.addresses
        main = {
            host: self.node(tenant, host, dict.fromkeys(own[host]), guests[host], spans[host])
            for host in sorted(own)
        }
        for pod in manifests.pods:
            host = hosts.get(pod.node or "")
            if host is not None and not pod.host_network:
                self.pod(tenant, manifests, pod, host, main[host])
        self.tell_lost(tenant)

    def hosts_of(self, spec: FabricSpec, tenant: str, manifests: Manifests) -> dict[str, str]:
        """Rule 1: the hosts of a cluster's nodes by their names."""
        known = {name: host for name, (host, _) in hosts_by_name(spec, self.places.fabric).items()}
        out: dict[str, str] = {}
        for node in manifests.nodes:
            host = known.get(node.name) or self.by_address([t for t, _ in node.addresses])
            if host is None:
                self.found.items.append(unknown(node.name, f"of {tenant}", node.span, FINDING))
            else:
                out[node.name] = host
        named = {pod.node: pod for pod in manifests.pods if pod.node and pod.node not in out}
        for name, pod in named.items():
            host = known.get(name) or self.by_address(list(pod.host_addresses))
            if host is not None:
                out[name] = host
            elif all(node.name != name for node in manifests.nodes):
                self.found.items.append(unknown(name, f"of {tenant}", pod.span, FINDING))
        return out

    def by_address(self, texts: Sequence[str]) -> str | None:
        """The host behind whose DPU an address lies, if that is one."""
        fabric, found = self.places.fabric, set[str]()
        for number, ends in enumerate(self.ends):
            if any(holds(end, text) for _, end in ends for text in texts):
                name = fabric.nodes[self.places.node_of[number]].name
                near = fabric.wiring.neighbors(name)
                found |= {n for n in near if fabric.wiring.nodes[n]["role"] == Role.HOST}
        return found.pop() if len(found) == 1 else None

    def device_of(self, host: str) -> int | None:
        """The number of the device whose configuration is that of a host's DPU."""
        return self.places.device_at.get(self.places.fabric.vtep_of(host).index)

    def node(
        self, tenant: str, host: str, texts: Mapping[str, None], guests: Sequence[Pod], span: Span
    ) -> int | None:
        """A node where its addresses are; the VRF of the first."""
        device = self.device_of(host)
        by_vrf: dict[int, list[tuple[str, At]]] = defaultdict(list)
        for text in texts:
            at = None if device is None else self.at(device, text, None)
            if at is not None:
                by_vrf[at[0]].append((text, at))
        placed = [placed_of(tenant, pod, host) for pod in guests]
        for number, (vrf, some) in enumerate(by_vrf.items()):
            full = f"{tenant}/@node/{host}"
            name = full if number == 0 else f"{full}@{self.names[vrf].replace('/', '.')}"
            prefixes = self.free(vrf, name, [text for text, _ in some], span)
            if not prefixes:
                continue
            here = placed if number == 0 else []
            endpoint = Endpoint(
                -1, name, "node", tenant, vrf, 1, self.places.node_of[device or 0], host, prefixes,
                aliases=tuple(pod.name for pod in here), runs=workloads(here), span=span,
            )  # fmt: skip
            self.behind.append(BehindDpu(endpoint, device or 0, some[0][1][1]))
        if not by_vrf:
            what = "no interface of its DPU leads to its addresses, so who reaches it is unknown"
            self.records.append(
                Unevaluated("v1", "Node", "", host, span, "address", what, "node", tenant)
            )
        return next(iter(by_vrf), None)

    def pod(self, tenant: str, manifests: Manifests, pod: Pod, host: str, main: int | None) -> None:
        """A pod where its addresses are (rules 2 to 4)."""
        device = self.device_of(host)
        name = f"{tenant}/{pod.namespace}/{pod.name}"
        if device is None or not pod.addresses or pod.idle or pod.per_host:
            self.nowhere(tenant, pod)
            return
        by_vrf: dict[int, list[str]] = defaultdict(list)
        ends: dict[int, HostEnd] = {}
        by_host = False
        for text in pod.addresses:
            at = self.at(device, text, main)
            if at is None and (at := self.announced_by(device, host, main)) is not None:
                by_host = True
            if at is None:
                self.lost.setdefault((device, host), []).append((name, text, pod.span))
                continue
            by_vrf[at[0]].append(text)
            ends.setdefault(at[0], at[1])
        for number, (vrf, texts) in enumerate(by_vrf.items()):
            prefixes = self.free(vrf, name, texts, pod.span)
            if len(prefixes) < len({*texts}) or number:
                self.nowhere(tenant, pod)
            if not prefixes or number:
                continue
            endpoint = Endpoint(
                -1, name, "pod", tenant, vrf, 1, self.places.node_of[device], host, prefixes,
                namespace=pod.namespace, workload=pod.workload, workload_kind=pod.workload_kind,
                labels=pod.labels, namespace_labels=manifests.namespaces[pod.namespace],
                ports=pod.ports, service_account=pod.service_account, span=pod.span,
            )  # fmt: skip
            self.behind.append(BehindDpu(endpoint, device, ends[vrf], by_host))
        if not by_vrf:
            self.nowhere(tenant, pod)

    def at(self, device: int, text: str, main: int | None) -> At | None:
        """Rule 2."""
        found = [at for at in self.ends[device] if holds(at[1], text)]
        if len({vrf for vrf, _ in found}) > 1:
            found = [at for at in found if at[0] == main]
        return found[0] if found else None

    def announced_by(self, device: int, host: str, main: int | None) -> At | None:
        """Rule 4: behind the interface in the node's own VRF."""
        for vrf, end in self.ends[device]:
            if vrf == main and (device, end.vrf) in self.sessions:
                return vrf, end
        return None

    def free(self, vrf: int, name: str, texts: Sequence[str], span: Span) -> tuple[Prefix, ...]:
        """Those of some addresses that nobody else in a VRF has (rule 3)."""
        out = []
        for prefix in dict.fromkeys(map(ip_network, texts)):
            other = self.owner.setdefault((vrf, prefix), name)
            if other == name:
                out.append(prefix)
                continue
            where = self.names[vrf]
            what = f"{name} has {prefix.network_address}, which {other} has too, in {where}"
            hint = "the first one counts"
            self.found.items.append(Diagnostic("C428", what, span, hint, FINDING))
            self.records.append(
                Unevaluated(
                    "", "Address", "", str(prefix.network_address), span, "device",
                    f"{name} and {other} both have it, in {where}", "addresses",
                    addresses=(str(prefix.network_address),),
                )
            )  # fmt: skip
        return tuple(out)

    def nowhere(self, tenant: str, pod: Pod) -> None:
        """Rule 5, and what cannot be placed."""
        what = "where its pods are is not known: no address there, or none that its DPU leads to"
        record = Unevaluated(
            "v1", "Pod", pod.namespace, pod.name, pod.span, "address", what, "workload", tenant,
            pod.workload,
        )  # fmt: skip
        self.records.append(record)

    def tell_lost(self, tenant: str) -> None:
        """Rule 3, once per node."""
        for (device, host), some in self.lost.items():
            name, text, span = some[0]
            there = self.places.devices[device]
            more = f" ({len(some) - 1} more pods there)" if len(some) > 1 else ""
            what = f"{name} has {text}, and no interface or route of {there.name} leads there{more}"
            elsewhere = self.elsewhere(text)
            hint = f"{host} is behind {there.name}: {there.span}"
            if elsewhere:
                hint = f"{elsewhere} does; {hint}"
            self.found.items.append(Diagnostic("C849", what, span, hint, FINDING))
        self.lost.clear()

    def elsewhere(self, text: str) -> str:
        """Another device that leads to an address, with the line."""
        for number, ends in enumerate(self.ends):
            for _, end in ends:
                if holds(end, text):
                    return f"{end.interface} of {self.places.devices[number].name} ({end.span})"
        return ""


def holds(end: HostEnd, text: str) -> bool:
    """Whether an address is behind an interface."""
    address = ip_address(text)
    number = int(address)
    spans = end.v4 if address.version == 4 else end.v6
    return any(first <= number <= last for first, last in spans)


def placed_of(tenant: str, pod: Pod, host: str) -> Placed:
    """A host-network pod on its host."""
    name = f"{tenant}/{pod.namespace}/{pod.name}"
    return Placed(
        name, tenant, pod.namespace, pod.workload, pod.workload_kind, host, pod.labels, {},
        pod.ports, True, (), NOTHING, pod.span, pod.service_account,
    )  # fmt: skip


def announced_by_hosts(behind: Sequence[BehindDpu]) -> Iterator[Unevaluated]:
    """What their hosts have to announce (rule 4)."""
    for one in behind:
        if one.by_host:
            what = "its host speaks BGP with the DPU, and what it announces is not given"
            addresses = tuple(str(p.network_address) for p in one.endpoint.prefixes)
            yield Unevaluated(
                "", "Route", one.endpoint.namespace or "", one.endpoint.name.rpartition("/")[2],
                one.endpoint.span, NEIGHBOUR, what, "addresses", one.endpoint.tenant,
                addresses=addresses,
            )  # fmt: skip
