"""Names of ports that rules of egress ask for, where pods of one identity have them otherwise.

Cilium resolves a name for an identity, not for a pod: all pods that have the same labels (of those
that tell identities apart), namespace and service account get the number that some of them give
it, and none where two of them give two. Here a name is each pod's own. Where pods of one identity
agree that is the same; where they do not, and a rule of egress means them by the name, what touches
them is unknown.

Source: Cilium 1.20 `pkg/types/portmap.go` (`GetNamedPorts`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from compiler.policy.domain import Domain
from compiler.policy.ir import L4, Direction, Policy, Rule
from compiler.sources.cilium.cilium_selectors import ANY, LabelTerm, ignored
from fabric.building.network import Network
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated
from fabric.values.inventory import Endpoint, NamedPort
from fabric.values.ports import ANY as ANYTHING

API = {"NetworkPolicy": "networking.k8s.io/v1"}
CILIUM, ADMINISTRATORS = "cilium.io/v2", "policy.networking.k8s.io/v1alpha2"


def divided(network: Network, tenant: str) -> dict[tuple[str, int], list[Endpoint]]:
    """By name and protocol the pods of all identities whose pods have a port otherwise."""
    identities: dict[object, list[Endpoint]] = defaultdict(list)
    for endpoint in network.endpoints:
        if endpoint.tenant == tenant and endpoint.kind == "pod":
            identities[identity(endpoint)].append(endpoint)
    found: dict[tuple[str, int], list[Endpoint]] = defaultdict(list)
    for alike in identities.values():
        if len({frozenset(e.ports) for e in alike}) == 1 and not _twice(alike[0].ports):
            continue
        for name, protocol in sorted(
            {(p.name, p.protocol) for e in alike for p in e.ports if p.name}
        ):
            numbers = [_numbers(e, name, protocol) for e in alike]
            if len(set(numbers)) > 1 or len(numbers[0]) > 1:
                found[name, protocol] += alike
    return found


def identity(pod: Endpoint) -> object:
    """What Cilium tells pods apart by."""
    told = {
        (key, value)
        for key, value in pod.labels.items()
        if not ignored(LabelTerm(ANY, key, "Exists", frozenset(), None))
    }
    return pod.namespace, pod.service_account, frozenset(told)


def _twice(ports: Iterable[NamedPort]) -> bool:
    listed = [(p.name, p.protocol) for p in {*ports}]
    return len(listed) > len({*listed})


def _numbers(pod: Endpoint, name: str, protocol: int) -> frozenset[int]:
    return frozenset(p.number for p in pod.ports if (p.name, p.protocol) == (name, protocol))


def unresolved(
    network: Network, tenant: str, policy: Callable[[], Policy]
) -> Iterator[Unevaluated]:
    """A record for each rule of egress of a cluster that means such pods by such a name; its policy
    is read only where there are some."""
    apart = divided(network, tenant)
    told: set[object] = set()
    for rule in policy().rules if apart else ():
        if rule.direction is not Direction.OUT:
            continue
        for l4 in rule.l4:
            pods = [pod for pod in _called(apart, l4) if _meant(rule, pod, network)]
            key = rule.origin, l4.name
            if pods and key not in told:
                told.add(key)
                yield record(tenant, rule, l4, pods)


def _called(apart: dict[tuple[str, int], list[Endpoint]], l4: L4) -> Iterator[Endpoint]:
    every = (
        pods
        for (name, protocol), pods in apart.items()
        if name == l4.name and l4.protocol in (ANYTHING, protocol)
    )
    yield from {pod.index: pod for pod in chain.from_iterable(every)}.values()


def _meant(rule: Rule, pod: Endpoint, network: Domain) -> bool:
    return any(matcher.selects(pod, network) for matcher in rule.remote)


def record(tenant: str, rule: Rule, l4: L4, pods: list[Endpoint]) -> Unevaluated:
    """What is told of a rule and a name."""
    kind = str(rule.origin.kind)
    version = API.get(kind, CILIUM if kind.startswith("Cilium") else ADMINISTRATORS)
    _, _, title = rule.origin.name.partition("/")
    namespace, _, name = title.rpartition("/")
    what = (
        f"pods of one identity differ in port {l4.name} ({pods[0].name} and others), which Cilium "
        "resolves for all of them together"
    )
    addresses = tuple(str(prefix.network_address) for pod in pods for prefix in pod.prefixes)
    return Unevaluated(
        version, kind, namespace, name, rule.origin.span, "policy", what, "addresses", tenant,
        addresses=addresses,
    )  # fmt: skip
