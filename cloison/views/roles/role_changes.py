"""What `cloison roles diff` says: who gains and who loses what, with the line that does it.

Rules that hold here:

1. Requests that one rule lets somebody gain or lose, or of which that is so in the same doubt, are
   told together where they are all combinations of some words; else in several rows.
2. Words that no rule has are one, "others". Where nothing else is named they are "any".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cloison.render.formats import FORMATS, written
from cloison.views.roles.api_cluster import ApiCluster
from compiler.decisions.rbac.api_requests import ApiRequest
from compiler.decisions.rbac.asked_access import spans, told_grant
from compiler.decisions.rbac.grant_changes import OTHER, AccessChange, changes
from compiler.decisions.rbac.grant_table import VERDICTS
from fabric.io.visible import lines

SCHEMA = "cloison/role-changes/1"
COLUMNS = ("subject", "change", "verbs", "what", "namespaces", "because", "at")
SHOWN = 5
NAMELESS = "(none)"
"""Where objects have names: a request that has none."""
Cell = tuple[frozenset[str], ...]
"""Verbs, resources or paths, names, namespaces."""
AXES = ("verbs", "what", "names", "namespaces")


@dataclass(frozen=True, slots=True)
class RoleChanges:
    """Everything that differs between two versions of a cluster."""

    old: ApiCluster
    new: ApiCluster
    found: tuple[AccessChange, ...]

    @staticmethod
    def of(old: ApiCluster, new: ApiCluster) -> RoleChanges:
        """The comparison; raises `UndecidedError` where it is too much."""
        return RoleChanges(old, new, tuple(changes(old.roles.table, new.roles.table)))

    @property
    def verdict(self) -> str:
        """fails where somebody surely gains or loses, unknown where that is in doubt."""
        if any("unknown" not in (one.before, one.after) for one in self.found):
            return "fails"
        return "unknown" if self.found else "holds"

    @property
    def assumed(self) -> tuple[str, ...]:
        """What nobody looked at, in either."""
        return tuple(dict.fromkeys((*self.old.roles.assumed, *self.new.roles.assumed)))

    def rows(self) -> list[dict[str, Any]]:
        """Rule 1."""
        groups: dict[tuple[Any, ...], list[AccessChange]] = {}
        for one in self.found:
            rule = (id(one.grant.binding), one.grant.rule)
            key = (one.subject.key, one.before, one.after, *rule, one.request.path is None)
            groups.setdefault(key, []).append(one)
        return [row for group in groups.values() for row in _rows(group)]

    def written(self, output: str) -> str:
        """In a format."""
        rows = self.rows()
        if FORMATS[output].cells == "text":
            for row in rows:
                for axis in AXES:
                    row[axis] = shown(row[axis])
                row["what"] += f" named {row['names']}" if row["names"] != "any" else ""
                row["at"] = lines(*row["at"])
        who = len({row["subject"] for row in rows})
        title = f"Roles: {who} gain or lose something" if rows else "Roles: nobody gains or loses"
        meta = {"verdict": self.verdict, "assumed": list(self.assumed)}
        return written(rows, schema=SCHEMA, output=output, title=title, columns=COLUMNS, meta=meta)


def _rows(group: Sequence[AccessChange]) -> Iterator[dict[str, Any]]:
    first = group[0]
    for cell in merged(_cell(one.request) for one in group):
        yield {
            "subject": first.subject.what,
            "change": said(first),
            **dict(zip(AXES, map(_named, cell), strict=True)),
            "before": first.before,
            "after": first.after,
            "because": told_grant(first.grant) + _doubt(first),
            "at": [str(place) for place in spans(first.grant)],
        }


def said(one: AccessChange) -> str:
    """What happens to somebody, in a word."""
    gains = VERDICTS.index(one.after) > VERDICTS.index(one.before)
    word = "gain" if gains else "lose"
    return f"may {word}" if "unknown" in (one.before, one.after) else f"{word}s"


def _doubt(one: AccessChange) -> str:
    return f": {one.grant.rule.doubt}" if one.grant.rule.doubt else ""


def _cell(request: ApiRequest) -> Cell:
    what = request.path
    if what is None:
        group = f".{request.group}" if request.group else ""
        part = f"/{request.subresource}" if request.subresource else ""
        what = f"{request.resource}{group}{part}"
    words = (request.verb, what, request.name or NAMELESS, request.namespace or OTHER)
    return tuple(frozenset({word}) for word in words)


def merged(cells: Iterable[Cell]) -> list[Cell]:
    """Cells that differ in one axis alone become one, axis by axis."""
    out = list(dict.fromkeys(cells))
    for axis in range(len(AXES)):
        alike: dict[Cell, frozenset[str]] = {}
        for cell in out:
            rest = cell[:axis] + cell[axis + 1 :]
            alike[rest] = alike.get(rest, frozenset()) | cell[axis]
        out = [(*rest[:axis], words, *rest[axis:]) for rest, words in alike.items()]
    return out


def _named(words: frozenset[str]) -> list[str]:
    """Rule 2."""
    if words == {OTHER}:
        return ["any"]
    put: Callable[[str], str] = lambda word: word.replace(OTHER, "others")  # noqa: E731
    return sorted(map(put, words), key=lambda word: ("others" in word, word))


def shown(words: Sequence[str]) -> str:
    """Some words, and how many more there are."""
    more = f" and {len(words) - SHOWN} more" if len(words) > SHOWN else ""
    return ", ".join(words[:SHOWN]) + more
