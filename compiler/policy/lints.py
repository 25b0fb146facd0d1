"""What NetworkPolicies say that can have no effect on any pod that is in the input: warnings.

Rules that hold here:

1. A policy may select no pod (C673); of such a policy nothing else is told.
2. A peer's selectors may select no pod (C671). Blocks of addresses may mean somebody outside.
3. A port name counts at the pods that accept the connection: those that the policy selects, for
   egress those that the rule's peers select. If none of them has it, it matches nothing (C672).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain

from compiler.policy.ir import (
    Direction,
    Matcher,
    Policy,
    Rule,
    Stage,
)
from compiler.policy.labels import terms
from compiler.policy.matcher import PodTerms
from compiler.policy.origin_kinds import NETWORK_POLICY
from compiler.policy.selectors import labels_match, selects
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, Span, did_you_mean
from fabric.values.inventory import Endpoint
from fabric.values.ports import NAMES

ON_HOSTS = "pods on their host's network are never selected"


def lints(network: Network, policy: Policy) -> Iterator[Diagnostic]:
    """Every warning, by policy in the order of the files."""
    known = _Known(network)
    idle: set[str] = set()
    for selection in policy.selections:
        origin = selection.origin
        if selection.stage is not Stage.WORKLOAD or origin.name in idle:
            continue
        if not any(known.any(matcher) for matcher in selection.local):
            idle.add(origin.name)
            yield warning("C673", f"{titled(origin.name)} selects no pod", origin.span)
    rules: defaultdict[tuple[str, Direction, int], list[Rule]] = defaultdict(list)
    for rule in policy.rules:
        if rule.origin.kind == NETWORK_POLICY and rule.origin.name not in idle:
            rules[rule.origin.name, rule.direction, rule.origin.rule or 0].append(rule)
    for (name, direction, number), alike in rules.items():
        side = "ingress" if direction is Direction.IN else "egress"
        where = f"{titled(name)}, {side} rule {number}"
        yield from peers(known, where, alike)
        yield from port_names(known, where, alike)


def peers(known: _Known, where: str, alike: Iterable[Rule]) -> Iterator[Diagnostic]:
    """Rule 2."""
    for rule in alike:
        for matcher in rule.remote:
            if (peer := matcher.by_labels()) is not None and not known.any(matcher):
                what = f"{where}: this peer selects no pod"
                yield warning("C671", what, rule.origin.span, known.why(peer))


def port_names(known: _Known, where: str, alike: list[Rule]) -> Iterator[Diagnostic]:
    """Rule 3."""
    names = {(l4.name, l4.protocol) for l4 in alike[0].l4 if l4.name is not None}
    if not names:
        return
    incoming = alike[0].direction is Direction.IN
    ends = [m for rule in alike for m in (rule.local if incoming else rule.remote)]
    accepting = [pod for matcher in ends for pod in known.selected(matcher, alike[0])]
    has = {(port.name, port.protocol) for pod in accepting for port in pod.ports}
    for name, protocol in sorted(names - has) if accepting else ():
        who = "pod that the policy selects" if incoming else "pod that its peers select"
        what = f'{where}: no {who} has a port called "{name}" ({NAMES.get(protocol, protocol)})'
        hint = did_you_mean(name or "", sorted({n for n, _ in has if n}))
        yield warning("C672", what, alike[0].origin.span, hint)


class _Known:
    """Pods by tenant and namespace, those that no selector tells apart once."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.pods: defaultdict[str, dict[str, list[Endpoint]]] = defaultdict(dict)
        self.labels: dict[tuple[str, str], dict[str, str]] = {}
        seen, replicas = set(), set()
        for tenant, manifests in network.manifests.items():
            for namespace, labels in manifests.namespaces.items():
                self.labels[tenant, namespace] = dict(labels)
        for e in network.endpoints:
            if e.kind == "pod" and e.namespace is not None and not e.host_network:
                like = e.tenant, e.namespace, id(e.labels), id(e.ports)
                if like in replicas:
                    continue
                replicas.add(like)
                key = e.tenant, e.namespace, frozenset(e.labels.items()), e.ports
                if key not in seen:
                    seen.add(key)
                    self.pods[e.tenant].setdefault(e.namespace, []).append(e)
        self.answers: dict[Matcher, bool] = {}

    def any(self, matcher: Matcher) -> bool:
        """Whether a matcher selects any pod."""
        if matcher not in self.answers:
            self.answers[matcher] = next(iter(self._selected(matcher)), None) is not None
        return self.answers[matcher]

    def selected(self, matcher: Matcher, rule: Rule) -> Iterator[Endpoint]:
        """The pods that a matcher of a rule selects; of everybody those of the rule's tenant."""
        if matcher.by_labels() is not None:
            yield from self._selected(matcher)
            return
        tenant, anybody = rule.origin.name.partition("/")[0], matcher.addresses() is not None
        for pods in self.pods.get(tenant, {}).values():
            yield from (p for p in pods if anybody or self._is(matcher, p))

    def why(self, peer: PodTerms) -> str | None:
        """What of a peer nobody has, if it is one thing."""
        places = [place for place in self.labels if self._in(peer, place)]
        if not places:
            return f"no namespace has {terms(peer.namespaces or (), wide=True)}"
        if not any(self.pods.get(tenant, {}).get(name) for tenant, name in places):
            return f"there is no pod in {', '.join(sorted(n for _, n in places)[:3])}; {ON_HOSTS}"
        return f"no pod there has {terms(peer.labels, wide=True)}; {ON_HOSTS}"

    def _selected(self, matcher: Matcher) -> Iterator[Endpoint]:
        if (peer := matcher.by_labels()) is not None:
            for namespace, pods in self.pods.get(peer.cluster, {}).items():
                if self._in(peer, (peer.cluster, namespace)):
                    yield from (p for p in pods if labels_match(peer.labels, p.labels))
        else:
            for pods in chain.from_iterable(of.values() for of in self.pods.values()):
                yield from (p for p in pods if self._is(matcher, p))

    def _in(self, peer: PodTerms, place: tuple[str, str]) -> bool:
        """Whether pods of a namespace are meant."""
        tenant, namespace = place
        if tenant != peer.cluster or peer.namespace not in (None, namespace):
            return False
        return peer.namespaces is None or labels_match(peer.namespaces, self.labels.get(place, {}))

    def _is(self, matcher: Matcher, pod: Endpoint) -> bool:
        return selects(matcher, pod, self.network)


def titled(name: str) -> str:
    """A policy without its tenant: tenants may share it."""
    return f"NetworkPolicy {name.partition('/')[2]}"


def warning(code: str, message: str, span: Span | None, hint: str | None = None) -> Diagnostic:
    """A doubt."""
    return Diagnostic(code, message, span, hint, "warning")
