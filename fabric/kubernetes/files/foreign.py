"""Data of other tools beside manifests: passed over, and counted by what it looks like.

Rules that hold here:

1. What may be an object is never foreign. An object needs `kind` and `apiVersion`; whatever names
   a kind that may decide something, in any capitals, or an API version, is a mistake where the rest
   is missing, and not data of others. Nor is what has such a thing in a list, or below `items`, at
   any depth.
2. A text that cannot be read is foreign where no `kind` stands in it, spelt, escaped, broken over
   lines, with zero bytes between its letters, or as binary data: no reader finds an object there.
3. What others' data looks like decides nothing: it is what the count calls it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from functools import cache
from typing import Any

from fabric.diagnostics import Diagnostics, Span
from fabric.file.extend import Place
from fabric.kubernetes.files.kinds import IRRELEVANT, READ_VERSIONS, table

API_VERSION = re.compile(r"([a-z0-9.-]+/)?v[0-9][a-z0-9]*", re.IGNORECASE)
SPELT = re.compile(r"kind|\\[ux\r\n]|binary|%TAG|!\S*%", re.IGNORECASE)
RECIPE = "kustomization"
FILES = {
    "values*.y*ml": "values of Helm",
    "package*.json": "packages of Node.js",
    "tsconfig*.json": "settings of TypeScript",
    "docker-compose*.y*ml": "files of Compose",
    "compose*.y*ml": "files of Compose",
    "renovate*.json": "settings of Renovate",
    ".*.y*ml": "settings of other tools",
    ".*.json": "settings of other tools",
}


class Foreign:
    """What was passed over in the directories that are read."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.first: Span | None = None

    def add(self, span: Span, value: Any = None, *, unread: bool = False) -> None:
        """A document, or a file that cannot be read."""
        name = span.file.rpartition("/")[2]
        word = next((word for form, word in FILES.items() if fnmatch(name, form)), None)
        if unread:
            word = f"{word or 'texts'}, not readable"
        found = word or looks_like(value)
        self.counts[found] = self.counts.get(found, 0) + 1
        self.first = self.first or span

    def tell(self, problems: Diagnostics, *, nothing_else: bool) -> None:
        """C602, once; C614 where data of others is all that there is."""
        if not self.counts:
            return
        ordered = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))
        told = ", ".join(f"{count} × {word}" for word, count in ordered)
        if nothing_else:
            problems.error("C614", f"no Kubernetes manifests, and other data: {told}", self.first)
            return
        what = f"passed over, for nothing of it is a Kubernetes object: {told}"
        problems.warn("C602", what, self.first)


def looks_like(value: Any) -> str:
    """What data of others is called.

    >>> looks_like({"panels": [], "schemaVersion": 36}), looks_like([1])
    ('dashboards of Grafana', 'lists')
    """
    if isinstance(value, list):
        return "lists"
    if not isinstance(value, Mapping):
        return "texts"
    if {"panels", "schemaVersion"} <= value.keys():
        return "dashboards of Grafana"
    if {"chartName", "generated"} & value.keys() and "dependencies" in value:
        return "locks of Helm"
    return "other data"


def may_be_object(value: Any) -> bool:
    """Rule 1.

    >>> may_be_object({"Kind": "networkpolicy"}), may_be_object({"kind": "pipeline"})
    (True, False)
    >>> may_be_object({"apiversion": "v1"}), may_be_object({"apiVersion": 1, "datasources": []})
    (True, False)
    >>> may_be_object([{"items": [{"kind": "Pod"}]}]), may_be_object({"extra": [{"kind": "Pod"}]})
    (True, False)
    """
    return next(held(value), None) is not None


def held(value: Any, place: Place = ()) -> Iterator[Place]:
    """Places of what may be an object: the value itself, or in lists and `items` of it.

    >>> list(held([1, {"Items": [[{"kind": "Pod"}]]}]))
    [(1, 'Items', 0, 0)]
    """
    left = [(place, value)]
    while left:
        at, value = left.pop()
        if isinstance(value, list):
            left += reversed([((*at, number), below) for number, below in enumerate(value)])
        elif _said_to_be(value):
            yield at
        elif isinstance(value, Mapping):
            left += [((*at, key), below) for key, below in value.items() if _is_items(key)]


def _is_items(key: Any) -> bool:
    return isinstance(key, str) and key.lower() == "items"


def _said_to_be(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    said = {str(key).lower(): below for key, below in value.items()}
    version, kind = said.get("apiversion"), said.get("kind")
    if isinstance(version, str) and API_VERSION.fullmatch(version):
        return True
    if version is not None and kind is not None:
        return True
    if not isinstance(kind, str):
        return False
    return "polic" in kind.lower() or kind.lower().removesuffix("list") in deciding_kinds()


def may_hold_object(text: str) -> bool:
    """Rule 2."""
    return SPELT.search(text.replace("\0", "")) is not None


@cache
def deciding_kinds() -> frozenset[str]:
    """Kinds that are read, or may decide who reaches whom, in small letters; and of recipes, which
    bring in what may."""
    read = (kind for _, kind in READ_VERSIONS)
    rows = (kind for (_, kind), about in table().items() if about.way != IRRELEVANT)
    return frozenset(kind.lower() for kind in (*read, *rows) if kind != "*") | {"", RECIPE}
