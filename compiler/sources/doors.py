"""Services that lead packets from outside to pods past their policies.

A NodePort, a load balancer or an external IP takes packets at a node's address and hands them on
with that node's address as their source. A pod's own node may always open connections to it, so a
policy that lets nobody in does not keep such packets out.

Rules that hold here:

1. A door is told when policies isolate a pod behind it, and let nothing of the outside (everybody,
   or a block of all addresses) in on a port where the door ends: then it contradicts them. Where
   they let the outside in, the door is no news.
2. With `externalTrafficPolicy: Local` a node hands packets to its own pods and leaves the client's
   address on them: the policies decide, as they do about the outside at the target port.
3. It touches the workloads of these pods, as a field that is not modelled does.
4. A hostPort leaves the client's address on packets, except on those that start on its own node:
   what is told of it (`fabric.kubernetes.unread_fields`) is dropped where policies would let the
   outside in, and where nothing but policies stands before a pod: in a cluster without a fabric.
5. In a fabric a DPU decides before the host translates, and so at the node's address: there
   `externalTrafficPolicy: Local` makes no difference.

Source: Kubernetes documentation, Virtual IPs and Service Proxies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from compiler.policy.ir import L4, Action, Direction, Matcher, Policy, Rule, Stage
from compiler.policy.selectors import selects
from fabric.cluster import CLUSTER
from fabric.inventory import Endpoint, NamedPort
from fabric.kubernetes.services import Service, ServicePort
from fabric.kubernetes.unevaluated import Unevaluated
from fabric.kubernetes.unread_fields import HOST_PORT
from fabric.network import Network
from fabric.ports import ANY

WHAT = "leads packets from outside past the policies of its pods"
OPEN = ("NodePort", "LoadBalancer")


def doors(network: Network, policy: Policy) -> Iterator[Unevaluated]:
    """A record per Service and workload (rules 1 to 3)."""
    for tenant, manifests in network.manifests.items():
        found = [s for s in manifests.services if is_door(s, tenant != CLUSTER)]
        if not found:
            continue
        pods = [e for e in network.endpoints if e.kind == "pod" and e.tenant == tenant]
        walls = _Walls(network, policy)
        for service in found:
            behind = [e for e in pods if _leads_to(service, e)]
            past = (e for e in behind if walls.shut(e, service.ports))
            for workload in dict.fromkeys(e.workload or "" for e in past):
                yield Unevaluated(
                    "v1", "Service", service.namespace, service.name, service.span, "door", WHAT,
                    "workload", tenant, workload,
                )  # fmt: skip


def open_anyway(network: Network, policy: Policy) -> Iterator[Unevaluated]:
    """The records of host ports that add nothing to what policies permit (rule 4)."""
    told = [r for r in network.not_evaluated if r.what == HOST_PORT and r.tenant == CLUSTER]
    walls = _Walls(network, policy) if told else None
    for record in told:
        wanted = record.tenant, record.namespace, record.workload
        pods = [e for e in network.endpoints if (e.tenant, e.namespace, e.workload) == wanted]
        opened = [(e, [p for p in e.ports if p.host]) for e in pods]
        known = bool(opened) and all(ports for _, ports in opened)
        if walls and known and not any(walls.shut(e, map(to_itself, p)) for e, p in opened):
            yield record


def to_itself(port: NamedPort) -> ServicePort:
    """A container port as a Service leads to it."""
    return ServicePort("", port.protocol, port.host, port.number)


def is_door(service: Service, in_fabric: bool = False) -> bool:
    """Whether a Service hands packets from outside to pods with a node's address, or after policies
    have let them in to the node."""
    opened = service.kind in OPEN or bool(service.external)
    return bool(service.selector) and opened and (in_fabric or not service.local)


def _leads_to(service: Service, pod: Endpoint) -> bool:
    """Whether a pod is behind a Service."""
    wanted = (service.selector or {}).items()
    return pod.namespace == service.namespace and all(pod.labels.get(k) == v for k, v in wanted)


class _Walls:
    """What workload policies say about who may come in."""

    def __init__(self, network: Network, policy: Policy) -> None:
        self.network = network
        self.isolating = [
            s.local
            for s in policy.selections
            if s.stage is Stage.WORKLOAD and s.direction is Direction.IN
        ]
        self.public = [
            r
            for r in policy.rules
            if r.stage is Stage.WORKLOAD
            and r.direction is Direction.IN
            and r.action is not Action.DENY
            and any(m.outside() for m in r.remote)
        ]

    def shut(self, pod: Endpoint, ports: Iterable[ServicePort]) -> bool:
        """Whether one of these ports ends where policies let nothing of the outside in."""
        if not any(self._chosen(local, pod) for local in self.isolating):
            return False
        mine = [rule for rule in self.public if self._chosen(rule.local, pod)]
        return not all(any(_admits(rule, port, pod) for rule in mine) for port in ports)

    def _chosen(self, local: tuple[Matcher, ...], pod: Endpoint) -> bool:
        return any(selects(matcher, pod, self.network) for matcher in local)


def _admits(rule: Rule, port: ServicePort, pod: Endpoint) -> bool:
    """Whether a rule covers the port of a pod where a Service's port ends."""
    numbers = (
        [port.target]
        if isinstance(port.target, int)
        else [p.number for p in pod.ports if (p.name, p.protocol) == (port.target, port.protocol)]
    )
    return not rule.l4 or all(
        any(_covers(l4, port.protocol, number, pod) for l4 in rule.l4) for number in numbers
    )


def _covers(l4: L4, protocol: int, number: int, pod: Endpoint) -> bool:
    if l4.protocol not in (ANY, protocol):
        return False
    if l4.name is None:
        return l4.first <= number <= l4.last
    return any((p.name, p.protocol, p.number) == (l4.name, protocol, number) for p in pod.ports)
