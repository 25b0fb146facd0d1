"""The endpoint table: pods, nodes and zone endpoints with their VRF, VTEP and addresses.

Rules that hold here:

1. A pod lives in the VRF that lists its namespace, else in its tenant's first VRF that lists none.
2. `tenant/@node/host` exists for every host of the tenant (`fabric.plan.hosts`), with or without
   pods, in the VRFs that have node prefixes, or in the main one if none has; and in the VRFs of its
   pods. In a VRF other than the main one it is called `tenant/@node/host@vrf`; the one in the main
   VRF answers to that form too. With one VRF per namespace all nodes live in `tenant/nodes`.
3. Host-network pods are aliases of their node and have no endpoint.
4. A zone endpoint sits behind its border nodes, by default behind the zone's first.
5. Endpoints are sorted by name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from fabric.diagnostics import Diagnostics
from fabric.file.spec import FabricSpec
from fabric.io.phases import phase
from fabric.plan.addresses import Granted, Taken, VrfAddresses
from fabric.plan.draws import Draws
from fabric.plan.hosts import ASSUMED, NOTHING, Presence
from fabric.plan.kept_addresses import Claims, Wish
from fabric.plan.per_namespace import NODES, dynamic
from fabric.plan.reported import Claim, claims, inside, outside, twice
from fabric.plan.unused_pins import unused_pins
from fabric.plan.vrf_of import VrfOf, main_vrf
from fabric.plan.vrfs import Slot
from fabric.plan.zone_endpoints import zone_endpoints
from fabric.values import ip
from fabric.values.inventory import Endpoint, Prefix, Vrf
from fabric.wiring.topology import Fabric

if TYPE_CHECKING:
    from fabric.plan.placement import Placed, Placement

Blocks = dict[tuple[str, int], tuple[Prefix, ...]]
ADDRESS = frozenset({"address"})


@dataclass(frozen=True, slots=True)
class PlanInputs:
    """What everyone below needs: the file, the wiring, the VRFs with their slots."""

    spec: FabricSpec
    fabric: Fabric
    vrfs: tuple[Vrf, ...]
    slots: tuple[tuple[Slot, ...], ...]
    draws: Draws
    problems: Diagnostics


def namespaces_in_use(spec: FabricSpec, placed: Placement) -> dict[str, set[str]]:
    """Namespaces with workloads per tenant; where each is a VRF, the nodes' VRF too (rule 2)."""
    out: dict[str, set[str]] = defaultdict(set)
    for pod in placed.pods:
        out[pod.tenant].add(pod.namespace)
    for tenant, found in placed.hosts.items():
        if found.hosts and spec.tenants[tenant].vrf_per == "namespace":
            out[tenant].add(NODES)
    return out


@phase("place endpoints")
def endpoint_table(site: PlanInputs, placed: Placement) -> tuple[tuple[Endpoint, ...], Blocks]:
    """Every endpoint, and the blocks that each (host, VRF) owns. Errors go to `site.problems`."""
    vrf_of = VrfOf(site)
    here: dict[int, list[Placed]] = defaultdict(list)
    nodes: dict[tuple[str, int], list[Placed]] = defaultdict(list)
    for tenant, present in placed.hosts.items():
        for index in vrf_of.nodes(tenant):
            nodes.update(((host, index), []) for host in present.hosts)
    for pod in placed.pods:
        number = vrf_of.pod(pod)
        if number is None:
            continue
        if not pod.host_network:
            here[number].append(pod)
        nodes[pod.host, vrf_of.node(pod.tenant, number)].append(pod)
    misplaced_nodes(site, placed, nodes)
    members = list(vrf_members(site, here, nodes, placed.hosts))
    restore(site, members)
    claims = claims_by_vrf(site, vrf_of)
    endpoints: list[Endpoint] = []
    blocks: Blocks = {}
    for member in members:
        endpoints += member.table(claims(member.vrf))
        blocks.update(member.blocks())
    in_two_namespaces(site, endpoints)
    endpoints += zone_endpoints(site)
    ordered = sorted(endpoints, key=lambda e: e.name)
    unused_pins(site.spec, ordered, site.problems)
    for index, endpoint in enumerate(ordered):
        object.__setattr__(endpoint, "index", index)  # nobody else has one yet
    return tuple(ordered), blocks


def in_two_namespaces(site: PlanInputs, endpoints: Iterable[Endpoint]) -> None:
    """Endpoints in VRFs that a tenant has per namespace, and that share their address space."""
    made: dict[str, list[Claim]] = defaultdict(list)
    for endpoint in endpoints:
        if dynamic(site.spec, endpoint.tenant):
            made[endpoint.tenant] += (
                (endpoint.name, prefix.network_address, endpoint.span)
                for prefix in endpoint.prefixes
            )
    for tenant, found in made.items():
        twice(f"the VRFs of {tenant}", found, site.problems)


def vrf_members(
    site: PlanInputs,
    here: Mapping[int, Sequence[Placed]],
    nodes: Mapping[tuple[str, int], list[Placed]],
    hosts: Mapping[str, Presence],
) -> Iterator[VrfEndpoints]:
    """Pods and nodes of every tenant's VRF; VRFs per namespace share an address space."""
    shared: dict[str, Taken] = {}
    by_vrf: dict[int, dict[str, list[Placed]]] = defaultdict(dict)
    for (host, number), pods in nodes.items():
        by_vrf[number][host] = pods
    for vrf in site.vrfs:
        if vrf.zone == 1:
            per_namespace = site.spec.tenants[vrf.tenant].vrf_per == "namespace"
            taken = shared.setdefault(vrf.tenant, Taken()) if per_namespace else Taken()
            mine = here.get(vrf.index, ()), by_vrf[vrf.index]
            yield VrfEndpoints(site, vrf, taken, *mine, hosts[vrf.tenant])


def restore(site: PlanInputs, members: Sequence[VrfEndpoints]) -> None:
    """Blocks that are pinned, then those that are locked, before anybody draws."""
    pinned, locked = by_vrf(site.draws.pins.blocks), by_vrf(site.draws.drawn["blocks"])
    for member in members:
        member.addresses.restore_pins(pinned.get(member.vrf.name, ()))
    for member in members:
        member.addresses.restore_locked(locked.get(member.vrf.name, ()), member.living)


def by_vrf(keys: Iterable[str]) -> dict[str, list[str]]:
    """Hosts by VRF, from keys `host tenant/vrf`, sorted."""
    out: dict[str, list[str]] = defaultdict(list)
    for key in sorted(keys):
        host, _, vrf = key.partition(" ")
        out[vrf].append(host)
    return out


def claims_by_vrf(site: PlanInputs, vrf_of: VrfOf) -> Callable[[Vrf], Claims]:
    """What pins and the lock file say about addresses, VRF by VRF."""
    pins: dict[int, dict[str, Sequence[str]]] = defaultdict(dict)
    locks: dict[int, dict[str, Sequence[str]]] = defaultdict(dict)
    for out, entries in ((pins, site.draws.pins.addresses), (locks, site.draws.drawn["addresses"])):
        for key, texts in entries.items():
            number = vrf_of.named(key)
            if number is not None:
                out[number][key] = texts

    def claims(vrf: Vrf) -> Claims:
        mine = pins[vrf.index], locks[vrf.index]
        return Claims(site.spec, vrf, site.draws, *mine, site.problems)

    return claims


def misplaced_nodes(site: PlanInputs, placed: Placement, nodes: Iterable[tuple[str, int]]) -> None:
    """Addresses that a cluster reports of hosts, and that no VRF there has."""
    if not any(present.reported for present in placed.hosts.values()):
        return
    where: dict[tuple[str, str], list[Vrf]] = defaultdict(list)
    for host, index in nodes:
        where[site.vrfs[index].tenant, host].append(site.vrfs[index])
    for tenant, present in placed.hosts.items():
        for host, found in present.reported.items():
            here = where[tenant, host]
            prefixes = [prefix for vrf in here for prefix in vrf.prefixes]
            made = [(f"{tenant}/@node/{host}", ip.address(a), s) for a, s in found.items()]
            outside(" or ".join(vrf.name for vrf in here), prefixes, made, site.problems)


class VrfEndpoints:
    """Pods and nodes of one VRF."""

    def __init__(
        self,
        site: PlanInputs,
        vrf: Vrf,
        taken: Taken,
        pods: Sequence[Placed],
        nodes: Mapping[str, Sequence[Placed]],
        presence: Presence,
    ) -> None:
        self.site, self.vrf, self.pods, self.nodes = site, vrf, pods, nodes
        self.presence = presence
        self.slots = site.slots[vrf.index]
        self.addresses = VrfAddresses(site.spec, vrf, self.slots, site.draws, site.problems, taken)
        self.preferred: dict[str | None, tuple[Slot, ...]] = {}

    @property
    def living(self) -> frozenset[str]:
        """Hosts that need addresses here."""
        return frozenset((*self.nodes, *(pod.host for pod in self.pods)))

    def table(self, claims: Claims) -> Iterator[Endpoint]:
        """Endpoints of the VRF; nodes draw before pods, hosts in order of the fabric. Hosts without
        pods draw last where that costs a block of the pods' prefixes."""
        own = any(slot.use == "nodes" for slot in self.slots)
        busy = {*(pod.host for pod in self.pods), *(h for h, pods in self.nodes.items() if pods)}
        hosts = sorted(self.nodes, key=self.site.fabric.host_places.__getitem__)
        first, last = (hosts, []) if own else split(hosts, busy.__contains__)
        pods = sorted(self.pods, key=lambda p: (self.rank(p.host), p.name))
        wishes = [
            *(self.node_wish(host) for host in first),
            *(self.pod_wish(pod) for pod in pods),
            *(self.node_wish(host, spare=not self.presence.named) for host in last),
        ]
        self.vet(pods)
        granted = self.addresses.grant(wishes, claims)
        self.addresses.lock_blocks()
        for host, grant in zip(first, granted, strict=False):
            yield self.node(host, self.nodes[host], grant)
        for pod, grant in zip(pods, granted[len(first) :], strict=False):
            yield self.pod(pod, grant)
        for host, grant in zip(last, granted[len(first) + len(pods) :], strict=True):
            if grant.prefixes or self.presence.named:
                yield self.node(host, self.nodes[host], grant)

    def rank(self, host: str) -> int:
        """The place of a host in the fabric."""
        return self.site.fabric.host_places[host]

    def vet(self, pods: Sequence[Placed]) -> None:
        """What is reported fits."""
        theirs = [c for pod in pods for c in claims(pod.name, pod.addresses, pod.span)]
        outside(self.vrf.name, self.vrf.prefixes, theirs, self.site.problems)
        own = [
            (self.node_name(host), ip.address(text), span)
            for host in self.nodes
            for text, span in self.presence.reported.get(host, {}).items()
        ]
        made = (c for c in (*own, *theirs) if inside(c[1], self.vrf.prefixes))
        twice(f"VRF {self.vrf.name}", made, self.site.problems)

    def blocks(self) -> Blocks:
        """What each host owns, IPv4 first."""
        key = self.vrf.index
        return {
            (host, key): tuple(sorted(owned, key=lambda b: (b.version, b)) if owned[1:] else owned)
            for host, owned in self.addresses.blocks.items()
            if owned
        }

    def slots_for(self, namespace: str | None) -> tuple[Slot, ...]:
        """Where a pod of this namespace, or a node (None), draws from, in order of preference."""
        if namespace not in self.preferred:
            self.preferred[namespace] = self._slots_for(namespace)
        return self.preferred[namespace]

    def _slots_for(self, namespace: str | None) -> tuple[Slot, ...]:
        own = [s for s in self.slots if s.use == "pods" and namespace in s.namespaces]
        rest = [s for s in self.slots if s.use == "pods" and not s.namespaces]
        if namespace is not None:
            return tuple(own + rest)
        nodes = [s for s in self.slots if s.use == "nodes"]
        other = [s for s in self.slots if s.use == "pods" and s.namespaces]
        return tuple(nodes + rest + other)

    def pod_wish(self, pod: Placed) -> Wish:
        return Wish(pod.name, pod.host, pod.addresses, self.slots_for(pod.namespace))

    def node_wish(self, host: str, *, spare: bool = False) -> Wish:
        status = tuple(self.presence.reported.get(host, ()))
        slots = self.slots_for(None)
        return Wish(self.node_name(host), host, status, slots, self.also(host), spare)

    def node_name(self, host: str) -> str:
        """Rule 2."""
        return f"{self.named[0]}{host}{self.named[1]}"

    def also(self, host: str) -> tuple[str, ...]:
        """The main VRF's node under the name that a node of any other VRF has."""
        first, last, full = self.named
        return () if last == full else (f"{first}{host}{full}",)

    @cached_property
    def named(self) -> tuple[str, str, str]:
        """What stands before and behind the host in a node's name, and behind it in full."""
        tenant, _, name = self.vrf.name.partition("/")
        settings = self.site.spec.tenants[tenant]
        plain = settings.vrf_per == "namespace" or name == main_vrf(settings)
        return f"{tenant}/@node/", "" if plain else f"@{name}", f"@{name}"

    def node(self, host: str, pods: Sequence[Placed], grant: Granted) -> Endpoint:
        """The host's own endpoint, which also answers for its host-network pods (rule 3)."""
        guests = [pod for pod in pods if pod.host_network]
        assumed = ADDRESS if grant.assumed else NOTHING
        return Endpoint(
            -1, self.node_name(host), "node", self.vrf.tenant, self.vrf.index, 1,
            self.site.fabric.vtep_of(host).index, host, grant.prefixes,
            state=self.state(host), span=self.vrf.span,
            aliases=tuple(pod.name for pod in guests), runs=workloads(guests) if guests else (),
            also=self.also(host),
            assumed=assumed.union(*(p.assumed & ASSUMED for p in guests)) if guests else assumed,
        )  # fmt: skip

    def pod(self, pod: Placed, grant: Granted) -> Endpoint:
        """One replica."""
        return Endpoint(
            -1, pod.name, "pod", pod.tenant, self.vrf.index, 1,
            self.site.fabric.vtep_of(pod.host).index, pod.host, grant.prefixes,
            namespace=pod.namespace, workload=pod.workload, workload_kind=pod.workload_kind,
            labels=pod.labels, namespace_labels=pod.namespace_labels, ports=pod.ports,
            service_account=pod.service_account,
            state=self.state(pod.host),
            assumed=pod.assumed | ({"address"} if grant.assumed else set()), span=pod.span,
        )  # fmt: skip

    def state(self, host: str) -> str:
        """The state that the fabric file gives the host."""
        settings = self.site.spec.hosts.get(host)
        return settings.state if settings else "ready"


def workloads(guests: Iterable[Placed]) -> tuple[str, ...]:
    """Full names of the workloads of pods, but for pods that have the name of theirs."""
    here = [(f"{pod.tenant}/{pod.namespace}/{pod.workload}", pod.name) for pod in guests]
    return tuple(sorted({full for full, _ in here} - {name for _, name in here}))


def split(hosts: Iterable[str], first: Callable[[str], bool]) -> tuple[list[str], list[str]]:
    """Those that come first and the others, each in order."""
    out: tuple[list[str], list[str]] = ([], [])
    for host in hosts:
        out[not first(host)].append(host)
    return out
