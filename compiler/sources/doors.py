"""Services that lead packets from outside to pods past their policies.

A NodePort, a load balancer or an external IP takes packets at a node's address and hands them on
with that node's address as their source. A pod's own node may always open connections to it, so a
policy that lets nobody in does not keep such packets out.

Rules that hold here:

1. In a cluster without a fabric a door is told when policies isolate a pod behind it, unless they
   let in everybody, from all addresses of each IP version that the pod has, on every port where the
   door ends: then it is no news. Of clients that a block leaves out, they would see the node; of
   pods, where blocks mean the outside only.
   In a fabric it is told when they let nothing of the outside in (everybody, or a block of all
   addresses but some); who gets further by it otherwise depends on routes and zones as well
   (`sim.proof.ways_around.detours`).
2. With `externalTrafficPolicy: Local` a node hands packets to its own pods and leaves the client's
   address on them: the policies decide, as they do about the outside at the target port.
3. It touches the workloads of these pods, as a field that is not modelled does.
4. A hostPort leaves the client's address on packets, except on those that start on its own node:
   what is told of it (`fabric.kubernetes.unmodelled.unread_fields`) is dropped where policies would
   let the outside in, and where nothing but policies stands before a pod: in a cluster without a
   fabric.
5. In a fabric a DPU decides before the host translates, and so at the node's address: there
   `externalTrafficPolicy: Local` makes no difference.

Source: Kubernetes documentation, Virtual IPs and Service Proxies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from compiler.policy.ir import L4, Action, Direction, Everyone, Matcher, Policy, Rule, Stage
from compiler.policy.matcher import AddressBlocks
from compiler.policy.selectors import selects
from compiler.policy.stages import Owner
from fabric.building.cluster import CLUSTER
from fabric.building.network import Network
from fabric.kubernetes.networking.services import Service, ServicePort
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated
from fabric.kubernetes.unmodelled.unread_fields import GATEWAY, HOST_PORT
from fabric.values.inventory import Endpoint, Prefix
from fabric.values.ports import ALL_PORTS, ANY

TCP = 6
WHAT = "leads packets from outside past the policies of its pods"


def doors(network: Network, policy: Policy) -> Iterator[Unevaluated]:
    """A record per Service and workload (rules 1 to 3)."""
    for tenant, manifests in network.manifests.items():
        found = [s for s in manifests.services if is_door(s, tenant != CLUSTER)]
        if not found:
            continue
        pods = [e for e in network.endpoints if e.kind == "pod" and e.tenant == tenant]
        walls = _Walls(network, policy)
        for service in found:
            behind = [e for e in pods if service.selects(e.namespace, e.labels)]
            past = (e for e in behind if walls.shut(e, service.ports, whole=tenant == CLUSTER))
            for workload in dict.fromkeys(e.workload or "" for e in past):
                yield Unevaluated(
                    "v1", "Service", service.namespace, service.name, service.span, "door", WHAT,
                    "workload", tenant, workload,
                )  # fmt: skip


def open_anyway(network: Network, policy: Policy) -> Iterator[Unevaluated]:
    """The records of host ports and gateways that add nothing to what policies permit (rule 4)."""
    told = [r for r in network.not_evaluated if r.tenant == CLUSTER and r.what in ENDS]
    walls = _Walls(network, policy) if told else None
    for record in told:
        wanted = record.tenant, record.namespace, record.workload
        pods = [e for e in network.endpoints if (e.tenant, e.namespace, e.workload) == wanted]
        opened = [(e, ENDS[record.what](e)) for e in pods]
        known = bool(opened) and all(ports for _, ports in opened)
        if walls and known and not any(walls.shut(e, p, whole=True) for e, p in opened):
            yield record


def host_ports(pod: Endpoint) -> list[ServicePort]:
    """Container ports that are host ports, as a Service leads to them."""
    return [ServicePort("", p.protocol, p.host, p.number) for p in pod.ports if p.host]


def queue_proxy(pod: Endpoint) -> list[ServicePort]:
    """Where a gateway of Knative sends requests to a pod, beside the container's own ports."""
    own = [(p.protocol, p.number) for p in pod.ports]
    return [ServicePort("", p, n, n) for p, n in ((TCP, 8012), (TCP, 8013), *own)]


ENDS: dict[str, Callable[[Endpoint], list[ServicePort]]] = {
    HOST_PORT: host_ports,
    GATEWAY: queue_proxy,
}


def is_door(service: Service, in_fabric: bool = False) -> bool:
    """Whether a Service hands packets from outside to pods with a node's address, or after policies
    have let them in to the node."""
    return service.opened and (in_fabric or not service.local)


@dataclass(frozen=True, slots=True)
class _Wall:
    """What one stage of a cluster's policies says about packets that come in: whom it closes, and
    the rules about the outside that let packets in, and about anybody that stop them: who they are
    about may come through the door too."""

    isolating: tuple[tuple[Matcher, ...], ...]
    letting: tuple[Rule, ...]
    denying: tuple[Rule, ...]


def _wall(policy: Policy, stage: Stage) -> _Wall:
    """What a stage says; with the rules of the stage that it closes, which let in what it would
    stop."""
    mine = [s for s in policy.selections if s.stage is stage and s.direction is Direction.IN]
    closing = [s.local for s in mine if s.default is Action.DENY]
    if stage.default is Action.DENY:
        closing.append((Everyone(),))
    asked = stage.name, stage.closes
    inward = [r for r in policy.rules if r.stage.name in asked and r.direction is Direction.IN]
    outside = [r for r in inward if any(m.addresses() is not None for m in r.remote)]
    return _Wall(
        tuple(closing),
        tuple(r for r in outside if r.action is not Action.DENY),
        tuple(r for r in inward if r.action is Action.DENY),
    )


class _Walls:
    """What workload policies say about who may come in."""

    def __init__(self, network: Network, policy: Policy) -> None:
        self.network = network
        self.walls = [_wall(policy, s) for s in policy.stages if s.owner is Owner.CLUSTER]

    def shut(self, pod: Endpoint, ports: Iterable[ServicePort], whole: bool) -> bool:
        """Whether one of these ports ends where policies let nothing of the outside in; `whole`:
        where they do not let all of it in."""
        return any(self._stands(wall, pod, tuple(ports), whole) for wall in self.walls)

    def _stands(
        self, wall: _Wall, pod: Endpoint, ports: Sequence[ServicePort], whole: bool
    ) -> bool:
        if any(
            self._chosen(rule.local, pod) and _admits(rule, port.protocol, number, pod, False)
            for rule in wall.denying
            for port in ports
            for number in port.ends(pod.ports)
        ):
            return True
        if not any(self._chosen(local, pod) for local in wall.isolating):
            return False
        mine = [rule for rule in wall.letting if self._chosen(rule.local, pod)]
        return not all(
            self._all_let_in(rules, pod) if whole else any(m.outside() for m in _remotes(rules))
            for port in ports
            for number in port.ends(pod.ports)
            for rules in [[r for r in mine if _admits(r, port.protocol, number, pod, whole)]]
        )

    def _all_let_in(self, rules: Sequence[Rule], pod: Endpoint) -> bool:
        """Whether rules let all addresses in, of each IP version that a pod has: those of pods as
        well, which blocks may not mean."""
        blocks = [m.addresses() for m in _remotes(rules)]
        if any(block is not None and block.prefixes is None for block in blocks):
            return True
        tenant = self.network.spec.tenants.get(pod.tenant)
        versions = {prefix.version for prefix in pod.prefixes}
        return (
            tenant is not None
            and tenant.ipblock == "pods"
            and bool(versions)
            and all(_covers_all(blocks, v) for v in versions)
        )

    def _chosen(self, local: tuple[Matcher, ...], pod: Endpoint) -> bool:
        return any(selects(matcher, pod, self.network) for matcher in local)


def _remotes(rules: Iterable[Rule]) -> Iterator[Matcher]:
    return (matcher for rule in rules for matcher in rule.remote)


def _covers_all(blocks: Iterable[AddressBlocks | None], version: int) -> bool:
    """Whether blocks hold all addresses of an IP version, between them."""
    held = sorted(
        found
        for block in blocks
        if block is not None and block.pods
        for prefix in block.prefixes or ()
        if prefix.version == version
        for found in _held(prefix, block.excepts)
    )
    reached = 0
    for first, last in held:
        if first > reached:
            return False
        reached = max(reached, last + 1)
    return reached == (2**32 if version == 4 else 2**128)


def _held(prefix: Prefix, excepts: Iterable[Prefix]) -> Iterator[tuple[int, int]]:
    """First and last addresses of a prefix without what is left out of it."""
    start, end = int(prefix.network_address), int(prefix.broadcast_address)
    for hole in sorted(excepts, key=lambda p: int(p.network_address)):
        if hole.version == prefix.version:
            if start < int(hole.network_address):
                yield start, min(end, int(hole.network_address) - 1)
            start = max(start, int(hole.broadcast_address) + 1)
    if start <= end:
        yield start, end


def _admits(rule: Rule, protocol: int, number: int, pod: Endpoint, whole: bool) -> bool:
    """Whether a rule covers a port of a pod; `whole`: from every port, whatever else packets carry
    and whatever holds besides."""
    if whole and rule.conditions:
        return False
    wanted = [l4 for l4 in rule.l4 if not (whole and _limited(l4))]
    return not rule.l4 or any(_covers(l4, protocol, number, pod) for l4 in wanted)


def _limited(l4: L4) -> bool:
    """Whether it asks for more than a protocol and a destination port."""
    return bool(l4.fields) or (l4.source_first, l4.source_last) != ALL_PORTS


def _covers(l4: L4, protocol: int, number: int, pod: Endpoint) -> bool:
    if l4.protocol not in (ANY, protocol):
        return False
    if l4.name is None:
        return l4.first <= number <= l4.last
    return any((p.name, p.protocol, p.number) == (l4.name, protocol, number) for p in pod.ports)
