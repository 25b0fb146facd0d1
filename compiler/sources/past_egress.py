"""Doors of a cluster without a fabric that lead pods past their own egress rules.

A pod that may send to a node, or to the address of a load balancer, gets to the pods behind a door
there although its policies let it send nothing to these: they see the address of the door.

Rules that hold here:

1. A Service is told of with the workloads that its door leads past their rules: their policies do
   not surely let them send to a pod behind it, at the port where the door ends, and let them send
   to an address where it may open.
2. Doors open at node and host ports on all nodes, at external IPs, and at load balancers. Node
   objects say which nodes there are, and their addresses. Without any, where one has no address,
   and of a load balancer without an address, any address outside may be the one.
3. With `externalTrafficPolicy: Local`, and at a host port, the pod sees who sends, and its own
   policies decide.
4. A door leads from an address of IPv4 to one of IPv4, and so does IPv6: a rule that holds the one
   address of a pod says nothing of the other.
5. A record touches packets between the workload behind and those that it names (`senders`).

Source: Kubernetes documentation, Network Policies (it is not defined whether addresses are
rewritten before or after policies), Virtual IPs and Service Proxies.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count, product
from typing import NamedTuple

from compiler.policy.ir import Action, Direction, Everyone, Matcher, Policy, Rule
from compiler.policy.selectors import selects
from compiler.policy.stages import Owner, To
from fabric.building.cluster import CLUSTER, is_cluster, nodes_are_placed
from fabric.building.network import Network
from fabric.kubernetes.networking.services import ON_NODES, Service, ServicePort
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated
from fabric.values.address_sets import Address, address_in
from fabric.values.inventory import Endpoint
from fabric.values.ports import ALL_PORTS, ANY, PortRange

DETOUR = "detour"
NAMED = 3
"""Workloads that a sentence names."""


def past_egress(network: Network, policy: Policy) -> Iterator[Unevaluated]:
    """A record per door and workload behind it (rule 1)."""
    if not is_cluster(network):
        return
    doors = list(_doors(network))
    if not doors:
        return
    cluster = _ClusterDoors(network, policy)
    for door in doors:
        found: defaultdict[str, dict[str, None]] = defaultdict(dict)
        opened: dict[tuple[int, int], list[ServicePort]] = {}
        for (alike, outward), version in product(cluster.shut, (4, 6)):
            key = outward, version
            if key not in opened:
                lets = partial(cluster.reaches, alike[0], door.service, version)
                opened[key] = list(filter(lets, door.service.ports))
            for pod in door.behind if opened[key] else ():
                for sender in cluster.past(alike, pod, door.service, version, opened[key]):
                    found[pod.workload or ""].setdefault(workload_of(sender))
        for workload, senders in found.items():
            yield _record(door, workload, tuple(senders))


class _ServiceDoor(NamedTuple):
    """A Service, or the host ports of a workload as one, and the pods behind it."""

    kind: str
    service: Service
    behind: Sequence[Endpoint]


def _doors(network: Network) -> Iterator[_ServiceDoor]:
    """Everything that opens on nodes or at addresses outside."""
    pods = [e for e in network.endpoints if e.kind == "pod" and not e.host_network]
    for service in network.manifests[CLUSTER].services:
        if service.opened:
            behind = [e for e in pods if service.selects(e.namespace, e.labels)]
            yield _ServiceDoor("Service", service, behind)
    for pod in pods:
        ports = tuple(ServicePort("", p.protocol, 0, p.number, p.host) for p in pod.ports if p.host)
        if ports and pod.span is not None:
            named = pod.workload or "", pod.namespace or ""
            own = Service(*named, "NodePort", {}, ports, (), pod.span, local=True)
            yield _ServiceDoor("Pod", own, [pod])


def workload_of(pod: Endpoint) -> str:
    """A workload as `senders` name it."""
    return f"{pod.namespace}/{pod.workload}"


def _record(door: _ServiceDoor, workload: str, senders: tuple[str, ...]) -> Unevaluated:
    service = door.service
    more = f" and {len(senders) - NAMED} more" if len(senders) > NAMED else ""
    who = ", ".join(senders[:NAMED]) + more
    way = "leads" if door.kind == "Service" else "a hostPort leads"
    what = f"{way} {who} to {service.namespace}/{workload} past their own egress rules"
    return Unevaluated(
        "v1", door.kind, service.namespace, service.name, service.span, DETOUR, what, "workload",
        CLUSTER, workload, senders=senders,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _StageRules:
    """What one stage says about packets in one direction, by the indices of pods: whom it closes,
    and the rules about each."""

    closed: frozenset[int]
    rules: Mapping[int, Sequence[Rule]]
    final: frozenset[Action]
    """What its rules may say after which no other stage is asked."""

    @property
    def denied(self) -> Iterator[int]:
        """The pods to which rules deny something."""
        return (i for i, mine in self.rules.items() if any(r.action is Action.DENY for r in mine))

    def of(self, pod: Endpoint) -> tuple[object, ...]:
        """What it says about a pod."""
        return pod.index in self.closed, *map(id, self.rules.get(pod.index, ()))


class _ClusterDoors:
    """A cluster's pods, nodes and policies, asked about doors."""

    def __init__(self, network: Network, policy: Policy) -> None:
        self.network = network
        self.pods = [e for e in network.endpoints if e.kind == "pod" and not e.host_network]
        self._known: dict[tuple[Matcher, ...], frozenset[int]] = {}
        self._inside: defaultdict[str | None, list[Endpoint]] = defaultdict(list)
        for pod in self.pods:
            self._inside[pod.namespace].append(pod)
        self.walls = {d: list(self._walls(policy, d)) for d in Direction}
        alike = {(e.namespace, e.workload, *sorted(e.labels.items())): e for e in self.pods}
        closed = {i for wall in self.walls[Direction.OUT] for i in (*wall.closed, *wall.denied)}
        groups: defaultdict[object, list[Endpoint]] = defaultdict(list)
        for pod in (e for e in alike.values() if e.index in closed):
            groups[tuple(wall.of(pod) for wall in self.walls[Direction.OUT])].append(pod)
        kinds: defaultdict[object, int] = defaultdict(count().__next__)
        self.shut = [(same, kinds[self._outward(same[0])]) for same in groups.values()]
        """Pods that policies close, together where the same rules are about them, with a number for
        what these say about addresses."""
        self.nodes = _nodes(network)

    def _outward(self, pod: Endpoint) -> object:
        """What the stages say about packets of a pod to addresses, which others may share."""
        return tuple(
            (pod.index in wall.closed, *((r.action, r.l4, r.remote) for r in rules if _outside(r)))
            for wall in self.walls[Direction.OUT]
            for rules in [wall.rules.get(pod.index, ())]
        )

    def reaches(self, sender: Endpoint, service: Service, version: int, port: ServicePort) -> bool:
        """Whether its policies may let a pod send to where a port of a Service opens (rule 2)."""
        at = PortRange(port.protocol, port.port, port.port)
        given = [a for a in map(address_in, service.external) if a is not None]
        if given and self._lets(Direction.OUT, sender, at, _at(given, version)):
            return True
        if service.kind not in ON_NODES:
            return False
        if service.unplaced and self._lets(Direction.OUT, sender, at, _at((), version)):
            return True
        return self._lets(Direction.OUT, sender, port.on_nodes, _at(self.nodes, version))

    def past(
        self,
        alike: Sequence[Endpoint],
        pod: Endpoint,
        service: Service,
        version: int,
        ports: Iterable[ServicePort],
    ) -> list[Endpoint]:
        """Those of whom a pod gets packets at one of these ports that their policies, the same for
        all, keep from it (rules 1 and 3)."""
        ends = [
            PortRange(port.protocol, number, number)
            for port in ports
            for number in port.ends(pod.ports)
        ]
        own = [p.network_address for p in pod.prefixes if p.version == version]
        kept = [e for e in ends if not self._surely_reaches(alike[0], pod, own, e)]
        return [
            sender
            for sender in (alike if kept else ())
            if sender is not pod
            and (
                not service.local
                or any(self._lets(Direction.IN, pod, e, self._is(sender), pod) for e in kept)
            )
        ]

    def _surely_reaches(
        self, sender: Endpoint, pod: Endpoint, own: Iterable[Address], end: PortRange
    ) -> bool:
        """Whether a pod may send to a port of another one in any case, at each of these addresses
        of it."""
        return all(
            self._lets(Direction.OUT, sender, end, self._is(pod, address), pod, surely=True)
            for address in own
        )

    def _lets(
        self,
        direction: Direction,
        pod: Endpoint,
        at: PortRange,
        other: Callable[[Matcher], bool],
        target: Endpoint | None = None,
        surely: bool = False,
    ) -> bool:
        """Whether the stages let packets of a pod pass; `surely`: all of them, whatever else they
        carry. Behind one that has the last word nobody is asked."""
        for wall in self.walls[direction]:
            mine = [
                r
                for r in wall.rules.get(pod.index, ())
                if _about(r, at, target) and any(map(other, r.remote))
            ]
            letting = [r for r in mine if r.action is not Action.DENY]
            if surely:
                letting = [r for r in letting if not r.conditions and not _narrow(r)]
            denying = surely and any(r.action is Action.DENY for r in mine)
            if denying or (pod.index in wall.closed and not letting):
                return False
            last = [r for r in letting if r.action in wall.final]
            if last and (not surely or len(last) == len(mine)):
                return True
        return True

    def _is(self, pod: Endpoint, at: Address | None = None) -> Callable[[Matcher], bool]:
        """Whether a matcher means a pod, at one of its addresses or `at` this one; an assumed
        address is taken as it is, as elsewhere."""
        own = [p.network_address for p in pod.prefixes] if at is None else [at]

        def means(matcher: Matcher) -> bool:
            block = matcher.addresses()
            if block is None or block.prefixes is None:
                return selects(matcher, pod, self.network)
            return block.pods and any(map(block.holds, own))

        return means

    def _walls(self, policy: Policy, direction: Direction) -> Iterator[_StageRules]:
        for stage in policy.stages:
            if stage.owner is not Owner.CLUSTER:
                continue
            mine = [s for s in policy.selections if (s.stage, s.direction) == (stage, direction)]
            closing = [s.local for s in mine if s.default is Action.DENY]
            if stage.default is Action.DENY:
                closing.append((Everyone(),))
            rules: defaultdict[int, list[Rule]] = defaultdict(list)
            for rule in policy.rules:
                if (rule.stage, rule.direction) == (stage, direction):
                    for index in self._members(rule.local):
                        rules[index].append(rule)
            closed = frozenset(i for local in closing for i in self._members(local))
            final = frozenset(does.action for does in stage.does if does.to is To.END)
            yield _StageRules(closed, rules, final)

    def _members(self, local: tuple[Matcher, ...]) -> frozenset[int]:
        """The pods that any of these matchers selects."""
        if local not in self._known:
            names = {m.in_namespace() for m in local}
            pods = self.pods if None in names else [p for n in names for p in self._inside[n]]
            self._known[local] = frozenset(
                p.index for p in pods if any(selects(m, p, self.network) for m in local)
            )
        return self._known[local]


def _nodes(network: Network) -> list[Address]:
    """The addresses of all nodes, whether pods name them or not; none where some are not known."""
    if not nodes_are_placed(network):
        return []
    found = [e for e in network.endpoints if e.kind == "node" and not e.assumed]
    told = [
        a
        for n in network.manifests[CLUSTER].nodes
        for a in map(address_in, n.everywhere)
        if a is not None
    ]
    return [*told, *(p.network_address for e in found for p in e.prefixes)]


def _at(addresses: Sequence[Address], version: int) -> Callable[[Matcher], bool]:
    """Whether a matcher holds one of these addresses that is of a family; where nobody knows any,
    one that it could be."""
    family = [address for address in addresses if address.version == version]

    def holds(matcher: Matcher) -> bool:
        block = matcher.addresses()
        if block is None:
            return False
        ours = block.prefixes is None or any(p.version == version for p in block.prefixes)
        return any(map(block.holds, family)) or (not addresses and ours)

    return holds


def _about(rule: Rule, at: PortRange, target: Endpoint | None) -> bool:
    """Whether a rule says anything about ports; named ones are those of a pod."""
    for l4 in rule.l4:
        if l4.protocol not in (ANY, at.protocol):
            continue
        if l4.name is None:
            if l4.first <= at.last and at.first <= l4.last:
                return True
        elif target is not None and any(
            (p.name, p.protocol) == (l4.name, at.protocol) and at.first <= p.number <= at.last
            for p in target.ports
        ):
            return True
    return not rule.l4


def _outside(rule: Rule) -> bool:
    """Whether a rule may be about addresses (`_at`)."""
    return any(matcher.addresses() is not None for matcher in rule.remote)


def _narrow(rule: Rule) -> bool:
    """Whether a rule asks for more than protocols and ports."""
    return any(l4.fields or (l4.source_first, l4.source_last) != ALL_PORTS for l4 in rule.l4)
