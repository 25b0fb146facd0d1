"""Which pods, namespaces and labels there are: what selectors may mean in this input."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from compiler.policy.ir import Matcher, Rule
from compiler.policy.labels import LabelSelector, labels_match, terms
from compiler.policy.matcher import PodTerms
from compiler.policy.selectors import selects
from fabric.building.network import Network
from fabric.diagnostics import did_you_mean
from fabric.values.inventory import Endpoint

ON_HOSTS = "pods on their host's network are never selected"


class KnownPods:
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
            self.answers[matcher] = next(self._selected(matcher), None) is not None
        return self.answers[matcher]

    def selected(self, matcher: Matcher, rule: Rule) -> Iterator[Endpoint]:
        """The pods that a matcher of a rule selects; of everybody those of the rule's tenant."""
        if matcher.by_labels() is not None:
            yield from self._selected(matcher)
            return
        tenant, anybody = rule.origin.name.partition("/")[0], matcher.addresses() is not None
        for pods in self.pods.get(tenant, {}).values():
            yield from (p for p in pods if anybody or self._is(matcher, p))

    def why(self, matcher: PodTerms) -> str:
        """What of some pods nobody has, and what somebody has that is called almost so."""
        here = {place: of for place, of in self.labels.items() if place[0] == matcher.cluster}
        places = [place for place in here if self._in(matcher, place)]
        if matcher.namespace is not None and not places:
            close = did_you_mean(matcher.namespace, [name for _, name in here])
            return f"there is no namespace {matcher.namespace}" + (f"; {close}" if close else "")
        if not places:
            wanted = matcher.namespaces or ()
            return _missing("no namespace has", wanted, here.values())
        there = [p for place in places for p in self.pods.get(place[0], {}).get(place[1], ())]
        if not there:
            return f"there is no pod in {', '.join(sorted(n for _, n in places)[:3])}; {ON_HOSTS}"
        found = _missing("no pod there has", matcher.labels, (pod.labels for pod in there))
        return found if "; " in found else f"{found}; {ON_HOSTS}"

    def _selected(self, matcher: Matcher) -> Iterator[Endpoint]:
        by = matcher.by_labels()
        if by is not None:
            for namespace, pods in self.pods.get(by.cluster, {}).items():
                if self._in(by, (by.cluster, namespace)):
                    yield from (p for p in pods if labels_match(by.labels, p.labels))
        else:
            for pods in chain.from_iterable(of.values() for of in self.pods.values()):
                yield from (p for p in pods if self._is(matcher, p))

    def _in(self, matcher: PodTerms, place: tuple[str, str]) -> bool:
        """Whether a matcher means pods of a namespace."""
        tenant, namespace = place
        if tenant != matcher.cluster or matcher.namespace not in (None, namespace):
            return False
        return matcher.namespaces is None or labels_match(
            matcher.namespaces, self.labels.get(place, {})
        )

    def _is(self, matcher: Matcher, pod: Endpoint) -> bool:
        return selects(matcher, pod, self.network)


def _missing(what: str, wanted: LabelSelector, there: Iterable[Mapping[str, str]]) -> str:
    """That nobody has some labels, with what looks like the first that nobody has at all."""
    known = [dict(labels) for labels in there]
    said = f"{what} {terms(wanted, wide=True)}"
    for term in wanted:
        if not term.operator.endswith("In") or len(term.values) != 1 or term.operator == "NotIn":
            continue
        values = {labels[term.key] for labels in known if term.key in labels}
        if values & term.values:
            continue
        (value,) = term.values
        written = sorted(f"{key}={value}" for labels in known for key, value in labels.items())
        keyed = [text for text in written if text.startswith(f"{term.key}=")]
        hint = did_you_mean(f"{term.key}={value}", keyed or dict.fromkeys(written))
        return f"{said}; {hint}" if hint else said
    return said
