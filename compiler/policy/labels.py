"""Label selectors, as the Kubernetes API defines them.

NotIn and DoesNotExist also hold for objects that lack the key (apimachinery
`labels.Requirement.Matches`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Requirement(NamedTuple):
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


def terms(selector: LabelSelector, wide: bool = False) -> str:
    """A label selector as kubectl writes it; `wide` as people type it, with `=` and spaces.

    >>> either = Requirement("app", "In", frozenset({"a", "b"}))
    >>> one = Requirement("y", "In", frozenset({"c"}))
    >>> terms((either, Requirement("x", "DoesNotExist"), one))
    'app in (a,b),!x,y in (c)'
    >>> terms((either, Requirement("x", "Exists"), one), wide=True)
    'app in (a, b), x, y=c'
    """
    comma = ", " if wide else ","
    words = {"Exists": "{key}", "DoesNotExist": "!{key}"}
    said = []
    for t in selector:
        usual = "{key}={values}" if wide and (t.operator, len(t.values)) == ("In", 1) else ""
        form = words.get(t.operator, usual or "{key} {op} ({values})")
        op, values = t.operator.lower(), comma.join(sorted(t.values))
        said.append(form.format(key=t.key, op=op, values=values))
    return comma.join(said)
