"""Selectors of pods in cluster-wide policies, as they stand in an object, whoever evaluates it.

Source: network-policy-api, `apis/v1alpha1` and `apis/v1alpha2`: a subject and peers are pods by
labels of their namespaces, or of these and their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

GROUP = "policy.networking.k8s.io"


class WideSelector(NamedTuple):
    """Labels of namespaces and of pods, and the place where the former stand."""

    namespaces: Mapping[str, Any]
    pods: Mapping[str, Any]
    path: tuple[str | int, ...]


def is_wide(value: Mapping[str, Any]) -> bool:
    """Whether an object is a policy of the whole cluster."""
    return str(value["apiVersion"]).rpartition("/")[0] == GROUP


def subject(value: Mapping[str, Any]) -> WideSelector | None:
    """Whom a policy is about; None for one that is about nobody."""
    spec = as_mapping(value.get("spec"))
    return _selector(spec.get("subject"), ("spec", "subject"))


def peers(value: Mapping[str, Any]) -> Iterator[WideSelector]:
    """The peers of a policy that are pods."""
    spec = as_mapping(value.get("spec"))
    for direction, end in (("ingress", "from"), ("egress", "to")):
        for number, rule in enumerate(as_list(spec.get(direction))):
            for place, peer in enumerate(as_list(as_mapping(rule).get(end))):
                found = _selector(peer, ("spec", direction, number, end, place))
                if found is not None:
                    yield found


def _selector(value: object, path: tuple[str | int, ...]) -> WideSelector | None:
    item = as_mapping(value)
    if item.get("namespaces") is not None:
        return WideSelector(as_mapping(item["namespaces"]), {}, (*path, "namespaces"))
    if item.get("pods") is None:
        return None
    chosen = as_mapping(item["pods"])
    namespaces, own = (as_mapping(chosen.get(k)) for k in ("namespaceSelector", "podSelector"))
    return WideSelector(namespaces, own, (*path, "pods", "namespaceSelector"))


def as_mapping(value: object) -> Mapping[str, Any]:
    """A mapping, of whatever is there."""
    return value if isinstance(value, Mapping) else {}


def as_list(value: object) -> Sequence[Any]:
    """A list, of whatever is there."""
    return value if isinstance(value, list) else ()
