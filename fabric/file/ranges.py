"""Many tenants from one: `t{001..100}` as a key under `tenants` stands for a hundred.

Zeros in front are kept: `{001..100}` gives 001, 002, …. Inside the tenant, `{n}` in any text is its
number as written. Every tenant that comes out keeps the place of the one that was written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fabric.diagnostics import Diagnostics, Span
from fabric.file.extend import ReadableDocument

Place = tuple[str | int, ...]
RANGE = re.compile(r"([^{}]*)\{([0-9]{1,6})\.\.([0-9]{1,6})\}([^{}]*)")
MAX_TENANTS = 10_000


@dataclass(frozen=True, slots=True)
class Expanded:
    """A document in which ranges are written out; `templates` maps a tenant to its written key."""

    base: ReadableDocument
    value: Any
    templates: Mapping[str, str]

    @property
    def file(self) -> str:
        """The file that was read."""
        return self.base.file

    def span(self, path: Place = ()) -> Span:
        """The place of the value at `path`, or of its nearest ancestor that exists."""
        return self.base.span(self._written(path))

    def key_span(self, path: Place) -> Span:
        """The place of the key that ends `path`."""
        return self.base.key_span(self._written(path))

    def _written(self, path: Place) -> Place:
        if len(path) > 1 and path[0] == "tenants" and isinstance(path[1], str):
            return ("tenants", self.templates.get(path[1], path[1]), *path[2:])
        return path


def expand(document: ReadableDocument, found: Diagnostics) -> ReadableDocument:
    """The document with tenant ranges written out, in file order."""
    tenants = document.value.get("tenants") if isinstance(document.value, Mapping) else None
    if not isinstance(tenants, Mapping) or not any("{" in str(key) for key in tenants):
        return document
    out: dict[str, Any] = {}
    templates: dict[str, str] = {}
    beyond: list[tuple[str, Span]] = []
    for key, tenant in tenants.items():
        span = document.key_span(("tenants", key))
        for name, number in names(key, span, found):
            if name in out:
                what = f'tenant "{name}" is written twice: by {templates.get(name, name)} and {key}'
                found.error("C211", what, span, "ranges must not overlap")
            elif len(out) < MAX_TENANTS:
                out[name] = tenant if number is None else substitute(tenant, number)
                templates[name] = key
            else:
                beyond.append((key, span))
    if beyond:
        total = f"{len(out) + len(beyond):,} tenants, and a file with ranges has at most"
        what = f'these are {total} {MAX_TENANTS:,}: "{beyond[0][0]}" is the first that is too much'
        found.error("C446", what, beyond[0][1], "split the site into several fabric files")
        found.check()
    return Expanded(document, {**document.value, "tenants": out}, templates)


def names(key: str, span: Span, found: Diagnostics) -> list[tuple[str, str | None]]:
    """The names that a key stands for, each with its number; a plain key stands for itself.

    >>> names("t{08..10}x", Span("f", 1), Diagnostics())
    [('t08x', '08'), ('t09x', '09'), ('t10x', '10')]
    """
    if "{" not in key and "}" not in key:
        return [(key, None)]
    match = RANGE.fullmatch(key)
    if not match:
        what = f'"{key}" is not a range of tenants'
        found.error("C210", what, span, "write one range of numbers: t{001..100}")
        return []
    head, first, last, tail = match.groups()
    count = int(last) - int(first) + 1
    if not 0 < count <= MAX_TENANTS:
        what = f'"{key}" stands for {max(count, 0)} tenants'
        found.error("C210", what, span, f"lower end first, at most {MAX_TENANTS}")
        return []
    width = len(first) if first.startswith("0") else 0
    numbers = (f"{number:0{width}}" for number in range(int(first), int(last) + 1))
    return [(f"{head}{number}{tail}", number) for number in numbers]


def substitute(value: Any, number: str) -> Any:
    """A copy with `{n}` replaced in every text.

    >>> substitute({"hosts": ["host{n}", 3]}, "07")
    {'hosts': ['host07', 3]}
    """
    match value:
        case str():
            return value.replace("{n}", number)
        case list():
            return [substitute(item, number) for item in value]
        case Mapping():
            return {key: substitute(item, number) for key, item in value.items()}
        case _:
            return value
