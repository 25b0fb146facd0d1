"""A place in a document and what stands there, for reading objects of other people's schemas.

Rules that hold here:

1. `null` is the same as nothing, as for the Kubernetes API.
2. A value of the wrong type becomes a diagnostic and reads as nothing, so that one pass over a
   document finds every mistake in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from fabric.diagnostics import Diagnostics, Span, did_you_mean
from fabric.file.extend import Place, ReadableDocument

TYPE_NAMES = {bool: "a boolean", int: "a number", float: "a fraction", str: "text",
              dict: "a mapping", list: "a list"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cursor:
    """`value` at `path` of `source`; None where the path leads nowhere."""

    source: ReadableDocument
    problems: Diagnostics
    path: Place = ()
    value: Any = None

    @staticmethod
    def of(source: ReadableDocument, problems: Diagnostics) -> Cursor:
        """The root of a document."""
        return Cursor(source, problems, (), source.value)

    def __getitem__(self, key: str) -> Cursor:
        value = self.value.get(key) if isinstance(self.value, dict) else None
        return Cursor(self.source, self.problems, (*self.path, key), value)

    def __bool__(self) -> bool:
        """Whether there is anything here."""
        return self.value is not None

    @property
    def span(self) -> Span:
        """Where the value stands, or its nearest ancestor."""
        return self.source.span(self.path)

    @property
    def key_span(self) -> Span:
        """Where the key stands."""
        return self.source.key_span(self.path)

    @property
    def name(self) -> str:
        """The path as people write it.

        >>> Cursor(None, None, ("spec", "ingress", 0, "from")).name
        'spec.ingress[0].from'
        """
        parts = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        return "".join(parts).lstrip(".")

    def error(self, code: str, message: str, hint: str | None = None) -> None:
        """Note a mistake at this place."""
        where = f"{self.name}: " if self.path else ""
        self.problems.error(code, f"{where}{message}", self.span, hint)

    def names(self) -> tuple[str, ...]:
        """The keys of a mapping; an error when it is none."""
        return tuple(self._typed(dict, {}))

    def fields(self) -> dict[str, Cursor]:
        """The entries of a mapping that hold something."""
        return {key: self[key] for key in self.names() if self.value[key] is not None}

    def items(self) -> list[Cursor]:
        """The items of a list."""
        return [
            Cursor(self.source, self.problems, (*self.path, i), item)
            for i, item in enumerate(self._typed(list, []))
        ]

    def text(self, default: str = "", code: str = "C605") -> str:
        """Text; the hint is to quote what YAML reads as something else."""
        if self.value is None or isinstance(self.value, str):
            return default if self.value is None else self.value
        kind = TYPE_NAMES.get(type(self.value), "something else")
        quote = "quote it" if not isinstance(self.value, dict | list) else None
        self.error(code, f"must be text, not {kind}", quote)
        return default

    def integer(self, default: int | None = None) -> int | None:
        """A whole number."""
        if self.value is None:
            return default
        if type(self.value) is not int:
            self._wrong("a whole number")
            return default
        return self.value

    def flag(self) -> bool:
        """A boolean; false when absent."""
        found: bool = self._typed(bool, False)
        return found

    def closed(self, known: Iterable[str], code: str) -> None:
        """An error for every key that is not one of these."""
        allowed = tuple(known)
        for key in self.names():
            if key not in allowed:
                span = self.source.key_span((*self.path, key))
                hint = did_you_mean(key, allowed) or f"known: {', '.join(allowed)}"
                where = f"{self.name}." if self.path else ""
                self.problems.error(code, f'{where}{key}: unknown field "{key}"', span, hint)

    def check(self, valid: Callable[[str], bool], code: str, what: str) -> str:
        """Text that `valid` accepts; an error saying `what` it should be otherwise."""
        found = self.text()
        if found and not valid(found):
            self.error(code, f'"{found}" is not {what}')
        return found

    def _typed(self, kind: type[Any], default: Any) -> Any:
        if self.value is None or type(self.value) is kind:
            return default if self.value is None else self.value
        self._wrong(TYPE_NAMES[kind])
        return default

    def _wrong(self, expected: str) -> None:
        found = TYPE_NAMES.get(type(self.value), "something else")
        self.error("C605", f"must be {expected}, not {found}")
