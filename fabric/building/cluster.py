"""A world that is one Kubernetes cluster and nothing else: manifests without a fabric.

Rules that hold here:

1. There is one enforcement point, one VRF `cluster/main`, and everything that is no pod and no node
   is `zone2/external`, which owns all other addresses.
2. A pod's addresses are those of its status if no other pod claims them, else assumed: one by one
   from 10.244.0.0/14, and from fd00:10:244::/64 too if the manifests speak of IPv6 anywhere.
3. With `host_network="exempt"` host-network pods have no endpoint of their own: they are aliases of
   their node, which policies neither protect nor select. With "ordinary" they are pods like others.
4. Nodes are those that pods name, with the addresses that pods and Node objects give them. Other
   nodes are addresses like others: no pod's own node has them. A DaemonSet has a pod on each, one
   pod when there are none.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import count
from pathlib import Path
from typing import Literal

from fabric.building.network import Network
from fabric.control.evpn import imports, originate
from fabric.control.fib_filling import build_fib
from fabric.control.underlay import converge
from fabric.diagnostics import Diagnostic
from fabric.file.spec import Entity, FabricSpec, Site, Tenant
from fabric.io.phases import phase
from fabric.io.reading import trees_around
from fabric.kubernetes.files.folders import is_directory
from fabric.kubernetes.files.wide_selectors import is_wide
from fabric.kubernetes.manifests import Manifests, load_manifests
from fabric.kubernetes.pods.workloads import Pod
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated, left_to_sources, owned_by
from fabric.plan.addressing import Plan
from fabric.plan.pools import network
from fabric.rendering.render_command import rendering_asked
from fabric.rendering.rendered_files import asked_of
from fabric.values.dialects import KUBERNETES, Dialect
from fabric.values.inventory import Endpoint, Prefix, Vrf
from fabric.wiring.multigraph import Multigraph
from fabric.wiring.topology import Fabric, Node, Role

CLUSTER = "cluster"
EXTERNAL = "zone2/external"
EVERYWHERE: tuple[Prefix, ...] = (ip_network("0.0.0.0/0"), ip_network("::/0"))
FIRST_ASSUMED = {4: int(IPv4Address("10.244.0.1")), 6: int(IPv6Address("fd00:10:244::1"))}
HostNetwork = Literal["exempt", "ordinary"]
IpBlock = Literal["pods", "external"]


@phase("read manifests and build")
def cluster_network(
    paths: Sequence[Path | str],
    *,
    host_network: HostNetwork = "exempt",
    ipblock: IpBlock = "pods",
    dual: bool = False,
    dialect: Dialect = KUBERNETES,
    names: str | None = None,
    entities: Mapping[Entity, list[str]] = {},
) -> Network:
    """The network of manifest files and directories; raises one `InputError` with every mistake.

    `ipblock` says whether an ipBlock matches addresses of pods; `dual` assumes addresses of both
    families although the manifests do not speak of IPv6. `dialect`, `names` and `entities` are
    those of a tenant.
    """
    paths, told = made_from_folders(paths)
    manifests = load_manifests(paths, told=told)
    endpoints, warnings = _Endpoints(manifests, host_network, dual).table()
    manifests = replace(
        manifests,
        warnings=(*manifests.warnings, *warnings),
        not_evaluated=(*manifests.not_evaluated, *shared(manifests)),
    )
    tenant = Tenant(ipblock=ipblock, dialect=dialect, names=names, entities=dict(entities))
    return around(endpoints, manifests, tenant)


def made_from_folders(
    paths: Sequence[Path | str],
) -> tuple[Sequence[Path | str], tuple[Diagnostic, ...]]:
    """The paths, with what commands print in place of the folders in which they were asked to run,
    and what is doubtful about that."""
    if not rendering_asked():
        return paths, ()
    out: list[Path | str] = []
    told: list[Diagnostic] = []
    for path in paths:
        if is_directory(Path(path)):
            made = asked_of(Path(path), trees_around(Path(path) / "-"))
            out += made.paths
            told += made.told
        else:
            out.append(path)
    return out, tuple(told)


def is_cluster(network: Network) -> bool:
    """Whether a network is that of manifests alone, in which nodes are whatever pods name."""
    spec = network.spec
    return spec is not None and spec.path is None and CLUSTER in network.manifests


def nodes_are_placed(network: Network) -> bool:
    """Whether the addresses of all nodes of a cluster are known, of those that pods name and those
    that have objects; without any object there may be others."""
    objects = network.manifests[CLUSTER].nodes
    placed = {e.host for e in network.endpoints if e.kind == "node" and not e.assumed}
    placed |= {node.name for node in objects if node.addresses}
    named = {e.host for e in network.endpoints if e.host} | {node.name for node in objects}
    return bool(objects) and named <= placed


def around(endpoints: tuple[Endpoint, ...], manifests: Manifests, tenant: Tenant) -> Network:
    """A network of one node that holds these endpoints (rule 1)."""
    tenants = {CLUSTER: tenant}
    spec = FabricSpec(cloison=1, name=CLUSTER, sites={CLUSTER: Site()}, tenants=tenants)
    node = Node(0, CLUSTER, Role.DPU, CLUSTER)
    wiring = Multigraph()
    wiring.add_node(CLUSTER, role=node.role.value, rank=1, site=CLUSTER, pod=0, index=0)
    fabric = Fabric((node,), (), wiring)
    vrfs = (Vrf(0, f"{CLUSTER}/main", CLUSTER, 1, 1, EVERYWHERE),)
    here = (0, 0)
    plan = Plan(
        (1,), (1,), (here,), {here: "0.0.0.1:1"}, {here: "02:00:00:00:00:01"}, ("1:1",), {}, {}
    )
    underlay = converge(fabric, plan)
    external = [e for e in endpoints if e.name == EXTERNAL]
    routes = originate(spec, vrfs, external, {}, plan, ())
    fib = build_fib(routes, imports(spec, vrfs, plan, ()), underlay)
    return Network(
        spec, fabric, plan, vrfs, endpoints, {CLUSTER: manifests}, underlay, routes, fib,
        not_evaluated=owned_by(CLUSTER, manifests.not_evaluated),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Member:
    """An endpoint in the making: a pod, or a node with its host-network pods and the workloads of
    these."""

    name: str
    pod: Pod | None
    node: str | None
    claims: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()


class _Endpoints:
    """The endpoints of a cluster."""

    def __init__(self, manifests: Manifests, host_network: HostNetwork, dual: bool) -> None:
        self.manifests, self.exempt = manifests, host_network == "exempt"
        self.pods = running(manifests)
        self.families = (4, 6) if dual or speaks_of_ipv6(manifests) else (4,)

    def table(self) -> tuple[tuple[Endpoint, ...], list[Diagnostic]]:
        """All endpoints by name, and warnings about addresses that cannot be (rule 2)."""
        members = [*self.ordinary(), *self.on_nodes()]
        claims = Counter(address for member in members for address in {*member.claims})
        taken = set(map(ip_address, claims))
        free = {version: count(FIRST_ASSUMED[version]) for version in self.families}
        made = []
        for member in members:
            own = tuple(a for a in member.claims if claims[a] == 1)
            prefixes = tuple(map(ip_network, own)) or assumed(free, taken)
            made.append(self.endpoint(member, prefixes, not own))
        external = Endpoint(-1, EXTERNAL, "zone", "zone2", 0, 2, 0, None, EVERYWHERE)
        ordered = sorted((*made, external), key=lambda e: e.name)
        return tuple(replace(e, index=i) for i, e in enumerate(ordered)), list(
            clashes(members, claims)
        )

    def ordinary(self) -> Iterator[_Member]:
        """Pods with an endpoint of their own."""
        for pod in self.pods:
            if not (pod.host_network and self.exempt):
                claims = () if pod.host_network else pod.addresses
                yield _Member(name_of(pod), pod, pod.node, claims)

    def on_nodes(self) -> Iterator[_Member]:
        """Nodes that pods name, and one for each host-network pod that names none (rule 3)."""
        guests: dict[str, list[Pod]] = defaultdict(list)
        addresses: dict[str, dict[str, None]] = defaultdict(dict)
        for pod in self.pods:
            guest = pod.host_network and self.exempt
            if pod.node is None and not guest:
                continue
            key = f"{CLUSTER}/@node/{pod.node}" if pod.node else name_of(pod)
            addresses[key].update(dict.fromkeys(pod.host_addresses))
            if guest:
                guests[key].append(pod)
                addresses[key].update(dict.fromkeys(pod.addresses))
        for known in self.manifests.nodes:
            if (key := f"{CLUSTER}/@node/{known.name}") in addresses:
                addresses[key].update(dict.fromkeys(text for text, _ in known.addresses))
        for key in sorted({*guests, *(k for k, found in addresses.items() if found)}):
            aliases = tuple(sorted(map(name_of, guests[key])))
            node = key.rpartition("/@node/")[2]
            workloads = {f"{CLUSTER}/{pod.namespace}/{pod.workload}" for pod in guests[key]}
            runs = tuple(sorted(workloads - {*aliases}))
            yield _Member(key, None, node, tuple(addresses[key]), aliases, runs)

    def endpoint(self, member: _Member, prefixes: tuple[Prefix, ...], drawn: bool) -> Endpoint:
        """The endpoint of a member."""
        pod = member.pod
        derived = frozenset(
            {*(("address",) if drawn else ()), *(("pod",) if pod and pod.idle else ())}
        )
        if pod is None:
            return Endpoint(
                -1, member.name, "node", CLUSTER, 0, 1, 0, member.node, prefixes,
                aliases=member.aliases, runs=member.runs, assumed=derived,
            )  # fmt: skip
        return Endpoint(
            -1, member.name, "pod", CLUSTER, 0, 1, 0, member.node, prefixes,
            namespace=pod.namespace, workload=pod.workload, workload_kind=pod.workload_kind,
            labels=pod.labels, namespace_labels=self.manifests.namespaces[pod.namespace],
            ports=pod.ports, assumed=derived, span=pod.span, service_account=pod.service_account,
        )  # fmt: skip


def running(manifests: Manifests) -> tuple[Pod, ...]:
    """Every pod; a DaemonSet's once per node (rule 4)."""
    nodes = sorted({pod.node for pod in manifests.pods if pod.node})
    out: list[Pod] = []
    for pod in manifests.pods:
        if not pod.per_host:
            out.append(pod)
        elif not nodes:
            out.append(replace(pod, name=f"{pod.name}-0"))
        else:
            out += (replace(pod, name=f"{pod.name}-{node}", node=node) for node in nodes)
    return tuple(out)


def name_of(pod: Pod) -> str:
    """The name of a pod's endpoint."""
    return f"{CLUSTER}/{pod.namespace}/{pod.name}"


def assumed(
    free: Mapping[int, Iterator[int]], taken: set[IPv4Address | IPv6Address]
) -> tuple[Prefix, ...]:
    """The next free address of each family."""
    out: list[Prefix] = []
    for version, numbers in free.items():
        length, make = (32, IPv4Address) if version == 4 else (128, IPv6Address)
        out.append(network(version, next(n for n in numbers if make(n) not in taken), length))
    return tuple(out)


def clashes(members: Sequence[_Member], claims: Mapping[str, int]) -> Iterator[Diagnostic]:
    """Addresses that several pods report; nobody gets them."""
    for member in members:
        for address in member.claims:
            if claims[address] > 1 and member.pod is not None:
                what = f"{member.name} reports {address}, and so does another pod"
                hint = "an address is assumed for both"
                yield Diagnostic("C616", what, member.pod.span, hint, "warning")


def shared(manifests: Manifests) -> Iterator[Unevaluated]:
    """Addresses that several pods report, as what is not evaluated: whose they are decides what
    blocks of addresses mean."""
    claims = Counter(a for pod in manifests.pods if not pod.host_network for a in pod.addresses)
    for pod in manifests.pods:
        for address in () if pod.host_network else pod.addresses:
            if claims[address] > 1:
                what = f"reports {address}, as another pod does, and has an assumed address instead"
                yield Unevaluated(
                    "v1", "Pod", pod.namespace, pod.name, pod.span, "address", what, "workload",
                    workload=pod.workload,
                )  # fmt: skip


def speaks_of_ipv6(manifests: Manifests) -> bool:
    """Whether any pod has an IPv6 address or any policy an IPv6 block."""
    if any(":" in address for pod in manifests.pods for address in pod.addresses):
        return True
    policies = (o for o in manifests.objects if left_to_sources(o) or is_wide(o.value))
    return any(":" in cidr for policy in policies for cidr in cidrs(policy.value))


def cidrs(value: object) -> Iterator[str]:
    """The values of all `cidr` keys below a value, and of the lists of all `networks`."""
    if isinstance(value, Mapping):
        for key, below in value.items():
            if key == "cidr" and isinstance(below, str):
                yield below
            if key == "networks" and isinstance(below, list):
                yield from (text for text in below if isinstance(text, str))
            yield from cidrs(below)
    elif isinstance(value, list):
        for below in value:
            yield from cidrs(below)
