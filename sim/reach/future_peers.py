"""Pods that are not there: one for each way in which policies tell pods apart by labels.

Rules that hold here:

1. A policy asks of a pod whether selectors of it select the pod, by its own labels and those of its
   namespace. Two pods in one namespace of which all selectors say the same fare alike; of these one
   is listed, with the fewest labels.
2. Every combination of answers that some labels give is found, whatever the number of keys: a pod
   that two policies mean, one that neither means, and one in a namespace that a third means. Of
   each key all values count that a selector names, one that none names (`any`), and none at all.
3. Pods are in namespaces that are there, with the labels that these have, and in new ones with all
   labels; where a policy names a namespace that is not there or is written in it, also in that one.

Source: what NP-Guard's analyzers call exposure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from compiler.policy.ir import Policy
from compiler.policy.labels import LabelSelector, labels_match
from compiler.policy.matcher import PodTerms
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, UndecidedError
from fabric.kubernetes.files.metadata import NAME_LABEL

ANY_VALUE = "any"
MOST = 2_000
SAME = frozenset(("kind", "host_network", "tenant", "vrf", "prefixes"))
"""Of endpoints what all pods that are not there have in common, or have assumed."""
Labels = tuple[tuple[str, str], ...]
Answers = frozenset[int]
"""Which of some selectors select."""


@dataclass(frozen=True, slots=True, order=True)
class FuturePod:
    """A pod with exactly these labels: in `namespace`, or where that is empty, in a new one; one
    that is not there has the labels `around`."""

    namespace: str
    around: Labels
    labels: Labels

    @property
    def new(self) -> bool:
        """Whether its namespace has no name."""
        return not self.namespace

    def __str__(self) -> str:
        where = f"namespace {self.namespace}" if self.namespace else "a new namespace"
        around = f" with {_words(self.around)}" if self.around else ""
        own = f"with {_words(self.labels)}" if self.labels else "without labels"
        return f"new pod {own} in {where}{around}"

    def row(self) -> dict[str, Any]:
        """As data; `namespace` is null where it is a new one."""
        return {
            "namespace": self.namespace or None,
            "namespace_labels": dict(self.around),
            "labels": dict(self.labels),
        }


def _words(labels: Labels) -> str:
    return ", ".join(f"{key}={value}" for key, value in labels)


Namespaces = Mapping[str, Mapping[str, str]]


def future_pods(policy: Policy, namespaces: Namespaces) -> tuple[FuturePod, ...]:
    """Every such pod, of a cluster with these namespaces. `UndecidedError` of too many."""
    terms = tuple(dict.fromkeys(_terms(policy)))
    found: dict[tuple[str, Answers], FuturePod] = {}
    for name, around, meant in _places(terms, namespaces):
        chosen = sorted(meant)
        for answers, labels in told_apart([terms[n].labels for n in chosen]).items():
            key = name, frozenset(chosen[n] for n in answers)
            pod = FuturePod(name, around, labels)
            found[key] = min(found.get(key, pod), pod, key=_size)
        _refuse(len(found))
    return tuple(sorted(found.values()))


def _size(pod: FuturePod) -> int:
    return len(pod.around) + len(pod.labels)


def _refuse(count: int) -> None:
    if count > MOST:
        what = f"policies tell more than {MOST:,} pods apart that are not there"
        hint = "ask about a part of the manifests"
        raise UndecidedError(Diagnostic("C719", what, None, hint, "unknown"))


def _terms(policy: Policy) -> Iterator[PodTerms]:
    """What policies say of pods by labels, of either side. `UndecidedError` of matchers that tell
    pods apart by anything else: which pods there would be nobody knows."""
    sides = [side for rule in policy.rules for side in (rule.local, rule.remote)]
    sides += [selection.local for selection in policy.selections]
    for matcher in (m for side in sides for m in side):
        if (terms := matcher.by_labels()) is not None:
            yield terms
        elif by := matcher.looks() - SAME:
            what = f"{matcher.text()} are told from other pods by {', '.join(sorted(by))}"
            hint = "exposure is asked of pods that labels tell apart"
            raise UndecidedError(Diagnostic("C719", what, None, hint, "unknown"))


def _places(
    terms: Sequence[PodTerms], namespaces: Namespaces
) -> Iterator[tuple[str, Labels, Answers]]:
    """Rule 3: the name of a namespace (none: any new one), its labels if it is not there, and the
    terms that may be about pods in it."""
    asked = [of.namespaces or () for of in terms]
    for name, has in namespaces.items():
        fitting = {n for n, selector in enumerate(asked) if labels_match(selector, has)}
        yield name, (), _within(name, terms, fitting)
    for name in ("", *sorted(named(terms) - {*namespaces})):
        for answers, labels in told_apart(asked, {NAME_LABEL: name}).items():
            yield name, labels, _within(name, terms, answers)


def _within(name: str, terms: Sequence[PodTerms], some: Iterable[int]) -> Answers:
    return frozenset(n for n in some if terms[n].namespace in (None, name))


def named(terms: Iterable[PodTerms]) -> set[str]:
    """The namespaces that are called by their names."""
    found = set()
    for of in terms:
        found |= {of.namespace} if of.namespace is not None else set()
        found |= {v for t in of.namespaces or () if t.key == NAME_LABEL for v in t.values}
    return found


def told_apart(
    selectors: Sequence[LabelSelector], given: Mapping[str, str] = {}
) -> dict[Answers, Labels]:
    """Every set of these selectors that some labels are selected by, and by no other of them; with
    the fewest labels that are, beside those that are `given`. `UndecidedError` of too many.

    >>> from compiler.policy.labels import Requirement as R
    >>> some = ((R("a", "In", frozenset({"x", "y"})),), (R("a", "NotIn", frozenset({"x"})),),
    ...         (R("b", "Exists"),))
    >>> for answers, labels in told_apart(some).items():
    ...     print(sorted(answers), labels)
    [1] ()
    [0] (('a', 'x'),)
    [0, 1] (('a', 'y'),)
    [1, 2] (('b', 'any'),)
    [0, 2] (('a', 'x'), ('b', 'any'))
    [0, 1, 2] (('a', 'y'), ('b', 'any'))
    """
    about: dict[str, dict[int, LabelSelector]] = {}
    for number, selector in enumerate(selectors):
        for key in {term.key for term in selector}:
            mine = tuple(term for term in selector if term.key == key)
            about.setdefault(key, {})[number] = mine
    found: dict[Answers, Labels] = {frozenset(range(len(selectors))): ()}
    for key in sorted(about, key=lambda key: (-len(about[key]), key)):
        refusals: dict[Answers, Labels] = {}
        for value in (given[key],) if key in given else _values(about[key].values()):
            has = {} if value is None else {key: value}
            not_by = frozenset(n for n, mine in about[key].items() if not labels_match(mine, has))
            refusals.setdefault(not_by, () if key in given else tuple(has.items()))
        before, found = found, {}
        for refused, more in refusals.items():
            for answers, labels in before.items():
                left = answers - refused
                together = (*labels, *more)
                if left not in found or len(together) < len(found[left]):
                    found[left] = together
        _refuse(len(found))
    return {answers: tuple(sorted(labels)) for answers, labels in found.items()}


def _values(selectors: Iterable[LabelSelector]) -> Iterator[str | None]:
    """No value, one that none of these name, and all that they do."""
    told = {value for selector in selectors for term in selector for value in term.values}
    yield None
    yield unnamed(ANY_VALUE, told)
    yield from sorted(told)


def unnamed(wanted: str, taken: Iterable[str]) -> str:
    """This name, or one like it that is not taken.

    >>> unnamed("any", ["any", "any1"])
    'any2'
    """
    known = {*taken}
    names = (f"{wanted}{n or ''}" for n in range(len(known) + 1))
    return next(name for name in names if name not in known)


@dataclass(frozen=True)
class FuturePlaces:
    """Where pods that are not there are put: one that has no namespace yet in one of its own, of
    which nobody speaks. `there` are the namespaces of the cluster."""

    pods: tuple[FuturePod, ...]
    there: Namespaces
    spoken_of: frozenset[str]

    @staticmethod
    def of(policy: Policy, namespaces: Namespaces) -> FuturePlaces:
        """Those of a cluster. `UndecidedError` of too many."""
        spoken_of = frozenset(named(_terms(policy)) | {*namespaces})
        return FuturePlaces(future_pods(policy, namespaces), namespaces, spoken_of)

    def __iter__(self) -> Iterator[tuple[str, str, FuturePod]]:
        """Namespace and name of each pod."""
        for number, pod in enumerate(self.pods):
            name = f"future-{number}"
            own = pod.namespace in self.there
            yield (pod.namespace if own else unnamed(f"{name}-ns", self.spoken_of)), name, pod

    def objects(self) -> Iterator[dict[str, Any]]:
        """Manifests of the pods, and of the namespaces that are not there."""
        for namespace, name, pod in self:
            if namespace not in self.there:
                labels = {"name": namespace, "labels": dict(pod.around)}
                yield {"apiVersion": "v1", "kind": "Namespace", "metadata": labels}
            about = {"name": name, "namespace": namespace, "labels": dict(pod.labels)}
            spec = {"containers": [{"name": "c", "image": "c"}]}
            yield {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": spec}

    def moved(self, network: Network) -> Network:
        """A network of those objects where pods are in the namespaces that policies call by name:
        one may be there with several sets of labels, each for another pod."""
        known = {(at, name): pod for at, name, pod in self if at != pod.namespace and not pod.new}
        ends = []
        for end in network.endpoints:
            pod = known.get((end.namespace or "", end.workload or ""))
            if pod is not None:
                labels = {**dict(pod.around), NAME_LABEL: pod.namespace}
                end = replace(end, namespace=pod.namespace, namespace_labels=labels)
            ends.append(end)
        return replace(network, endpoints=tuple(ends))
