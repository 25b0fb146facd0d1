"""Pods that are not there: one for everything that policies of a cluster tell apart by labels.

    a pod without labels in every namespace that is there, and in one that is not
    for each selector of a policy, of peers and of the pods that it is about: a pod with the fewest
    labels that it selects, in each namespace that it means; in one that is not there where such a
    one could be meant

A selector is met by its own words: the first of the values of `In`, any value for `Exists`, and no
label at all for the rest. A pod that several selectors mean is none of these.

Source: what NP-Guard's analyzers call exposure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from compiler.policy.ir import Policy
from compiler.policy.labels import LabelSelector, labels_match
from compiler.policy.matcher import PodTerms
from fabric.diagnostics import Diagnostic, UndecidedError

NAME = "kubernetes.io/metadata.name"
"""The label of a namespace that the API server sets to its name."""
ANY_VALUE = "any"
MOST = 2_000
Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, order=True)
class FuturePod:
    """A pod with exactly these labels: in `namespace`, or where that is empty, in a new one with
    the labels `around`."""

    namespace: str
    around: Labels
    labels: Labels

    @property
    def new(self) -> bool:
        """Whether its namespace is not there."""
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


def future_pods(
    policy: Policy, namespaces: Mapping[str, Mapping[str, str]]
) -> tuple[FuturePod, ...]:
    """Every such pod, of a cluster with these namespaces. `UndecidedError` of too many."""
    found = {FuturePod("", (), ()): None} | {FuturePod(name, (), ()): None for name in namespaces}
    for terms in dict.fromkeys(_terms(policy)):
        for pod in _meant(terms, namespaces):
            found[pod] = None
            if len(found) > MOST:
                what = f"policies tell more than {MOST:,} pods apart that are not there"
                hint = "ask about a part of the manifests"
                raise UndecidedError(Diagnostic("C719", what, None, hint, "unknown"))
    return tuple(sorted(found))


def _terms(policy: Policy) -> Iterator[PodTerms]:
    """What policies say of pods by labels, of either side."""
    sides = [side for rule in policy.rules for side in (rule.local, rule.remote)]
    sides += [selection.local for selection in policy.selections]
    yield from (terms for side in sides for m in side if (terms := m.by_labels()) is not None)


def _meant(terms: PodTerms, namespaces: Mapping[str, Mapping[str, str]]) -> Iterator[FuturePod]:
    own = met(terms.labels)
    if own is None:
        return
    if terms.namespace is not None:
        yield _in(terms.namespace, own, namespaces)
        return
    selector = terms.namespaces or ()
    yield from (
        FuturePod(n, (), own) for n, has in namespaces.items() if labels_match(selector, has)
    )
    around = met(selector)
    if around is not None:
        named = dict(around).get(NAME)
        new = FuturePod("", around, own) if named is None else _in(named, own, namespaces, around)
        has = namespaces.get(new.namespace)
        if has is None or labels_match(selector, has):
            yield new


def _in(
    name: str, own: Labels, namespaces: Mapping[str, Mapping[str, str]], around: Labels = ()
) -> FuturePod:
    """A pod in a namespace of that name, be it there or not."""
    rest = tuple(pair for pair in around if pair[0] != NAME)
    return FuturePod(name, () if name in namespaces else rest, own)


def met(selector: LabelSelector) -> Labels | None:
    """The fewest labels that a selector selects; None where nothing would do.

    >>> from compiler.policy.labels import Requirement as R
    >>> met((R("a", "In", frozenset({"x", "y"})), R("a", "NotIn", frozenset({"x"})),
    ...      R("b", "Exists"), R("c", "DoesNotExist")))
    (('a', 'y'), ('b', 'any'))
    >>> met((R("a", "Exists"), R("a", "DoesNotExist")))
    """
    out: dict[str, str] = {}
    for key in sorted({term.key for term in selector}):
        mine = [term for term in selector if term.key == key]
        if labels_match(tuple(mine), {}):
            continue
        value = next((v for v in _values(mine) if labels_match(tuple(mine), {key: v})), None)
        if value is None:
            return None
        out[key] = value
    return tuple(out.items())


def _values(terms: Sequence[Any]) -> Iterable[str]:
    """Values one of which will do, if any does."""
    given = sorted({v for term in terms if term.operator == "In" for v in term.values})
    refused = {v for term in terms for v in term.values}
    free = (f"{ANY_VALUE}{n or ''}" for n in range(len(refused) + 1))
    return [*given, *(v for v in free if v not in refused)]


def objects(pods: Sequence[FuturePod], taken: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Manifests of these pods, the n-th called `future-n`, and of namespaces that are not there;
    those that have no name get one that nobody has."""
    known = {*taken}
    for number, pod in enumerate(pods):
        name = namespace_of(number, pod, known)
        if name not in known:
            yield {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": name, "labels": dict(pod.around)},
            }
        about = {"name": f"future-{number}", "namespace": name, "labels": dict(pod.labels)}
        spec = {"containers": [{"name": "c", "image": "c"}]}
        yield {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": spec}


def namespace_of(number: int, pod: FuturePod, taken: Iterable[str]) -> str:
    """The namespace in which the n-th pod is put."""
    name, known = pod.namespace or f"future-{number}", {*taken}
    while pod.new and name in known:
        name += "-x"
    return name
