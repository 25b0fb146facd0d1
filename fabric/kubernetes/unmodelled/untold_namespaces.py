"""Labels of namespaces that stand nowhere in the input, where a policy selects by them.

Objects may be read without those of their namespaces (`kubectl get pods,networkpolicies -A`). Such
a namespace has `kubernetes.io/metadata.name`, which every namespace has, and whatever else its
object says.

Rules that hold here:

1. A namespace's labels are untold where its object was not read; of one that was read those are
   which controllers give it (`GIVEN`), unless the object shows them.
2. A namespace has a record where the selector of a policy depends on such a label: all that is
   known of the namespace fits, some pod there may be the peer, and some pod may be whom the policy
   is about. A policy of the whole cluster may select those whom it is about by such a label too.

Source: kubernetes/api (NamespaceSelector, well-known labels); documentation of Rancher, Capsule,
KubeSphere and the Hierarchical Namespace Controller.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from fabric.diagnostics import Span
from fabric.file.extend import ReadableDocument
from fabric.kubernetes.files.claimed_kinds import NETWORK_POLICY
from fabric.kubernetes.files.metadata import DEFAULT_NAMESPACE, NAME_LABEL
from fabric.kubernetes.files.wide_selectors import as_list, as_mapping, is_wide, peers, subject
from fabric.kubernetes.pods.workloads import Pod
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated
from fabric.kubernetes.unmodelled.untold_labels import is_untold

GIVEN = ("field.cattle.io/", "capsule.clastix.io/", "kubesphere.io/")
"""Beginnings of keys."""
DEPTH = ".tree.hnc.x-k8s.io/depth"
"""How keys end by which hierarchies of namespaces are known."""
Namespaces = Mapping[str, Mapping[str, str]]


class _LabelledPeer(NamedTuple):
    """Somebody by labels of namespaces, of a policy that is about somebody."""

    source: ReadableDocument
    namespaces: Mapping[str, Any]
    pods: Mapping[str, Any]
    span: Span


def untold_namespaces(
    objects: Iterable[ReadableDocument], pods: Iterable[Pod], declared: Namespaces
) -> Iterator[Unevaluated]:
    """The records of all namespaces, by name. `declared` are those whose objects were read."""
    inside: defaultdict[str, dict[object, Pod]] = defaultdict(dict)
    for pod in pods:
        inside[pod.namespace].setdefault((pod.workload_kind, *sorted(pod.labels.items())), pod)
    chosen = [p for source in objects for p in _chosen(source, inside, declared)]
    for name in sorted(inside) if chosen else ():
        for peer in chosen:
            key = depends(peer.namespaces, *_known(name, declared))
            if key is not None and any(may_be(peer.pods, p) for p in inside[name].values()):
                yield _record(name, key, peer, name in declared)
                break


def _chosen(
    source: ReadableDocument, inside: Mapping[str, Mapping[object, Pod]], declared: Namespaces
) -> Iterator[_LabelledPeer]:
    if is_wide(source.value):
        yield from _wide(source, inside, declared)
        return
    value = source.value
    if not NETWORK_POLICY.covers(value["apiVersion"], value["kind"]):
        return
    own = as_mapping(value.get("metadata")).get("namespace") or DEFAULT_NAMESPACE
    spec = as_mapping(value.get("spec"))
    about = as_mapping(spec.get("podSelector"))
    if not any(may_be(about, pod) for pod in inside.get(str(own), {}).values()):
        return
    for direction, end in (("ingress", "from"), ("egress", "to")):
        for number, rule in enumerate(as_list(spec.get(direction))):
            for place, peer in enumerate(as_list(as_mapping(rule).get(end))):
                chosen = as_mapping(as_mapping(peer).get("namespaceSelector"))
                if chosen:
                    path = ("spec", direction, number, end, place, "namespaceSelector")
                    which = as_mapping(as_mapping(peer).get("podSelector"))
                    yield _LabelledPeer(source, chosen, which, source.span(path))


def _wide(
    source: ReadableDocument, inside: Mapping[str, Mapping[object, Pod]], declared: Namespaces
) -> Iterator[_LabelledPeer]:
    about = subject(source.value)
    if about is None or not any(
        fits(about.namespaces, *_known(name, declared)) and may_be(about.pods, pod)
        for name, pods in inside.items()
        for pod in pods.values()
    ):
        return
    for found in (about, *peers(source.value)):
        if found.namespaces:
            yield _LabelledPeer(source, found.namespaces, found.pods, source.span(found.path))


def _known(name: str, declared: Namespaces) -> tuple[Mapping[str, str], Callable[[str], bool]]:
    """The labels of a namespace that are known, and whether another key is untold (rule 1)."""
    labels = {**declared.get(name, {}), NAME_LABEL: name}
    if name not in declared:
        return labels, lambda key: key not in labels
    return labels, lambda key: key not in labels and (key.startswith(GIVEN) or key.endswith(DEPTH))


def may_be(selector: Mapping[str, Any], pod: Pod) -> bool:
    """Whether a selector may select a pod, as far as its labels are known."""
    return all(is_untold(term[0], pod) or _holds(*term, pod.labels) for term in _terms(selector))


def depends(
    selector: Mapping[str, Any], labels: Mapping[str, str], unknown: Callable[[str], bool]
) -> str | None:
    """An untold key that decides whether a selector selects; None where none does.

    >>> chosen = {"matchLabels": {"team": "a", "kubernetes.io/metadata.name": "x"}}
    >>> for name in ("x", "y"):
    ...     print(depends(chosen, {"kubernetes.io/metadata.name": name}, lambda key: key == "team"))
    team
    None
    """
    untold = [key for key, _, _ in _terms(selector) if unknown(key)]
    return untold[0] if untold and fits(selector, labels, unknown) else None


def fits(
    selector: Mapping[str, Any], labels: Mapping[str, str], unknown: Callable[[str], bool]
) -> bool:
    """Whether a selector may select what has these labels and maybe unknown ones."""
    return all(_holds(*term, labels) for term in _terms(selector) if not unknown(term[0]))


def _terms(selector: Mapping[str, Any]) -> Iterator[tuple[str, str, tuple[Any, ...]]]:
    """Key, operator and values of every term; what makes no sense is the API server's to refuse."""
    for key, value in as_mapping(selector.get("matchLabels")).items():
        if isinstance(key, str):
            yield key, "In", ("" if value is None else value,)
    for expression in as_list(selector.get("matchExpressions")):
        term = as_mapping(expression)
        if isinstance(term.get("key"), str):
            yield term["key"], str(term.get("operator")), tuple(as_list(term.get("values")))


def _holds(key: str, operator: str, values: tuple[Any, ...], labels: Mapping[str, str]) -> bool:
    value = labels.get(key)
    if operator in ("Exists", "DoesNotExist"):
        return (value is not None) == (operator == "Exists")
    return (value is not None and value in values) == (operator == "In")


def _record(name: str, key: str, peer: _LabelledPeer, declared: bool) -> Unevaluated:
    value = peer.source.value
    about = as_mapping(value.get("metadata"))
    policy = f"{value['kind']} "
    policy += "" if is_wide(value) else f"{about.get('namespace') or DEFAULT_NAMESPACE}/"
    policy += str(about.get("name"))
    why = (
        "controllers give it, and it does not show"
        if declared
        else "its object, not read, may have"
    )
    what = f"{policy} selects it by label {key}, which {why}"
    return Unevaluated("v1", "Namespace", name, name, peer.span, "field", what, "namespace")
