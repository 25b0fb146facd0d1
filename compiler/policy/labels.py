"""Label selectors, as the Kubernetes API defines them.

NotIn and DoesNotExist also hold for objects that lack the key (apimachinery
`labels.Requirement.Matches`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Requirement:
    """One term of a label selector; `operator` is In, NotIn, Exists or DoesNotExist."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()


LabelSelector = tuple[Requirement, ...]
"""All terms must hold; `()` selects everything."""


def labels_match(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """Whether every requirement of the selector holds for these labels."""
    for term in selector:
        value = labels.get(term.key)
        holds = {
            "In": value is not None and value in term.values,
            "NotIn": value is None or value not in term.values,
            "Exists": value is not None,
            "DoesNotExist": value is None,
        }[term.operator]
        if not holds:
            return False
    return True


def terms(selector: LabelSelector) -> str:
    """A label selector as kubectl writes it.

    >>> terms((Requirement("app", "In", frozenset({"a", "b"})), Requirement("x", "DoesNotExist")))
    'app in (a,b),!x'
    """
    words = {"Exists": "{key}", "DoesNotExist": "!{key}"}
    return ",".join(
        words.get(t.operator, "{key} {op} ({values})").format(
            key=t.key, op=t.operator.lower(), values=",".join(sorted(t.values))
        )
        for t in selector
    )
