"""Selectors of Cilium's policies: terms about the labels of identities, and whom they mean.

Rules that hold here:

1. A key may say where its label comes from: `k8s:app`, `any:app` (the same as `app`), or
   `reserved:host`. Pods have labels of the cluster, what is no pod has reserved ones alone.
2. A pod's identity has the labels of the pod, and as labels of their own its namespace, the labels
   of that, its service account and its cluster. Labels by which Cilium does not tell identities
   apart (`IGNORED`) are those of nobody.
3. A peer of a namespaced policy means pods of that namespace unless it names a namespace, or labels
   of namespaces; one of a clusterwide policy means all pods. Neither holds where it names reserved
   labels.
4. What is no pod is meant by its reserved labels alone: never by what it does not have.

Source: Cilium 1.20, documentation (Layer 3 policies, Limiting Identity-Relevant Labels) and
`pkg/k8s/apis/cilium.io/utils`; rule 4 is measured on its engine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from compiler.policy.labels import Requirement, labels_match
from compiler.policy.matchers import ACCOUNT, Pods
from fabric.diagnostics import Span
from fabric.kubernetes.files.cursor import Cursor
from fabric.kubernetes.files.metadata import NAME_LABEL, valid_key, valid_value

ANY, K8S, RESERVED = "any", "k8s", "reserved"
SOURCES = (ANY, K8S, RESERVED)
NAMESPACE = "io.kubernetes.pod.namespace"
NAMESPACE_LABELS = "io.cilium.k8s.namespace.labels."
CLUSTER = "io.cilium.k8s.policy.cluster"
SERVICE_ACCOUNT = "io.cilium.k8s.policy.serviceaccount"
CLUSTER_NAME = "default"
"""What Cilium calls a cluster unless it is told otherwise."""
OWNED = "io.cilium.k8s."
OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
KEPT = re.compile(r"app\.kubernetes\.io")
IGNORED = re.compile(
    r"io\.kubernetes|kubernetes\.io|statefulset\.kubernetes\.io/pod-name"
    r"|apps\.kubernetes\.io/pod-index|batch\.kubernetes\.io/(job-completion-index|controller-uid)"
    r"|.*beta\.kubernetes\.io|k8s\.io|pod-template-generation|pod-template-hash"
    r"|controller-revision-hash|controller-uid|annotation|etcd_node"
)
"""How keys of labels begin by which Cilium tells no identities apart, unless it is told to."""
IDENTITIES = {
    "host": ("host",),
    "remote-node": ("remote-node",),
    "kube-apiserver": ("kube-apiserver",),
    "health": ("health",),
    "init": ("init",),
    "ingress": ("ingress",),
    "unmanaged": ("unmanaged",),
    "world-ipv4": ("world-ipv4",),
    "world-ipv6": ("world-ipv6",),
}  # fmt: skip
"""What is no pod, with its reserved labels."""


class LabelTerm(NamedTuple):
    """One term of a selector: where the label comes from, and what is asked of it; `plain` is one
    of `matchLabels`."""

    source: str
    key: str
    operator: str
    values: frozenset[str]
    span: Span | None
    plain: bool = False

    @property
    def asked(self) -> Requirement:
        """What is asked of the label."""
        return Requirement(self.key, self.operator, self.values)

    @property
    def positive(self) -> bool:
        """Whether it holds for those alone that have the label."""
        return self.operator in ("In", "Exists")


LabelTerms = tuple[LabelTerm, ...]


def selector(field: Cursor) -> LabelTerms:
    """The terms of a selector."""
    field.closed(("matchLabels", "matchExpressions"), "C640")
    out = []
    for name in field["matchLabels"].names():
        item = field["matchLabels"][name]
        text = item.check(valid_value, "C641", "a label value")
        source, key = known(item, name)
        out.append(LabelTerm(source, key, "In", frozenset((text,)), item.key_span, plain=True))
    return (*out, *map(expression, field["matchExpressions"].items()))


def expression(item: Cursor) -> LabelTerm:
    """One term of `matchExpressions`."""
    item.closed(("key", "operator", "values"), "C640")
    values = frozenset(
        v.check(valid_value, "C641", "a label value") for v in item["values"].items()
    )
    operator = item["operator"].text()
    if operator not in OPERATORS:
        item["operator"].error("C641", f'"{operator}" is not one of {", ".join(OPERATORS)}')
        operator = "Exists"
    elif operator.endswith("In") and not values:
        item.error("C641", f"{operator} needs values")
    elif not operator.endswith("In") and values:
        item["values"].error("C641", f"{operator} takes no values")
    source, key = known(item["key"], item["key"].text())
    return LabelTerm(source, key, operator, values, item.span)


def known(field: Cursor, text: str) -> tuple[str, str]:
    """Source and key of a label, as it is written; mistakes become diagnostics."""
    source, colon, key = text.rpartition(":")
    if not colon:
        source = ANY
    if source not in SOURCES:
        hint = f"known: {', '.join(SOURCES)}"
        field.error("C641", f'nothing here has labels from "{source}"', hint)
        return ANY, key
    if source == RESERVED and key not in IDENTITIES:
        what = f"known: {', '.join(IDENTITIES)}; all of the world is an entity"
        field.error("C641", f'"{key}" is no reserved label', what)
    elif not valid_key(key):
        field.error("C641", f'"{key}" is not a label key')
    return source, key


def of_cluster(
    requirements: Iterable[Requirement], span: Span | None = None
) -> Iterator[LabelTerm]:
    """The terms of a selector of the Kubernetes API about pods."""
    for key, operator, values in requirements:
        source = RESERVED if key.startswith(f"{RESERVED}:") else K8S
        yield LabelTerm(source, key.removeprefix(f"{RESERVED}:"), operator, values, span)


def of_namespaces(
    requirements: Iterable[Requirement], span: Span | None = None
) -> Iterator[LabelTerm]:
    """The same about namespaces."""
    for key, operator, values in requirements:
        yield LabelTerm(K8S, NAMESPACE_LABELS + key, operator, values, span)


def subject(terms: LabelTerms, namespace: str | None) -> LabelTerms:
    """Whom a policy is about: pods of its own namespace, if it has one, whatever `matchLabels` say
    of it."""
    if namespace is None:
        return terms
    written = [t for t in terms if not (t.plain and t.source == K8S and t.key == NAMESPACE)]
    return (*written, LabelTerm(K8S, NAMESPACE, "In", frozenset((namespace,)), None))


def peer(terms: LabelTerms, namespace: str | None) -> LabelTerms:
    """Rule 3."""
    if any(term.source == RESERVED for term in terms) or any(map(names_namespace, terms)):
        return terms
    if namespace is None:
        return (*terms, LabelTerm(K8S, NAMESPACE, "Exists", frozenset(), None))
    if any(term.key.startswith(NAMESPACE_LABELS) for term in terms):
        return terms
    return (*terms, LabelTerm(K8S, NAMESPACE, "In", frozenset((namespace,)), None))


def names_namespace(term: LabelTerm) -> bool:
    """Whether a term is about the name of a namespace."""
    return term.key == NAMESPACE and term.source != RESERVED


def ignored(term: LabelTerm) -> bool:
    """Whether no identity has a label with this key (rule 2)."""
    if term.source == RESERVED:
        return True
    if term.key.startswith(OWNED):
        return not term.key.startswith(NAMESPACE_LABELS) and term.key not in (
            CLUSTER, SERVICE_ACCOUNT,
        )  # fmt: skip
    if term.key == NAMESPACE or KEPT.match(term.key):
        return False
    return IGNORED.match(term.key) is not None


def pods(cluster: str, terms: Sequence[LabelTerm]) -> Pods | None:
    """The pods of a cluster that a selector means; None where it can mean none."""
    labels: list[Requirement] = []
    namespaces: list[Requirement] = []
    accounts: list[Requirement] = []
    for term in terms:
        if ignored(term):
            if term.positive:
                return None
        elif term.key == CLUSTER:
            if not labels_match((term.asked,), {CLUSTER: CLUSTER_NAME}):
                return None
        elif term.key == NAMESPACE:
            if (term.operator, len(term.values)) != ("Exists", 0):
                namespaces.append(term.asked._replace(key=NAME_LABEL))
        elif term.key.startswith(NAMESPACE_LABELS):
            namespaces.append(term.asked._replace(key=term.key.removeprefix(NAMESPACE_LABELS)))
        elif term.key == SERVICE_ACCOUNT:
            accounts.append(term.asked._replace(key=ACCOUNT))
        else:
            labels.append(term.asked)
    return _narrowed(cluster, tuple(labels), namespaces, tuple(accounts))


def _narrowed(
    cluster: str,
    labels: tuple[Requirement, ...],
    namespaces: list[Requirement],
    accounts: tuple[Requirement, ...],
) -> Pods:
    """A matcher of pods; of one namespace, where its name is all that is asked of it."""
    by_name = [t for t in namespaces if (t.key, t.operator) == (NAME_LABEL, "In")]
    if len(namespaces) == len(by_name) == 1 and len(by_name[0].values) == 1:
        return Pods(cluster, labels, next(iter(by_name[0].values)), None, accounts)
    return Pods(cluster, labels, None, tuple(namespaces) or None, accounts)


def entities(terms: Sequence[LabelTerm]) -> list[str]:
    """What is no pod and meant by a selector (rule 4)."""
    if not any(term.source == RESERVED and term.positive for term in terms):
        return []
    return [name for name, own in IDENTITIES.items() if all(_has(term, own) for term in terms)]


def _has(term: LabelTerm, reserved: Sequence[str]) -> bool:
    labels = dict.fromkeys(reserved, "") if term.source == RESERVED else {}
    return labels_match((term.asked,), labels)
