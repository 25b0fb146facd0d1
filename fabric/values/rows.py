"""`Rows`: a table of capabilities by name, in the order in which they are listed everywhere.

What a user may name (a target, a format, a field) is a row; the command line, completion, documents
and tests read the table. Nothing changes a table while a program runs: `also` is for a block, as in
a test of a row that is not bundled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar


class NamedRow(Protocol):
    """What a row is at least."""

    @property
    def name(self) -> str: ...


R = TypeVar("R", bound=NamedRow)


class Rows(Mapping[str, R], Generic[R]):
    """Rows by name.

    >>> from types import SimpleNamespace as Row
    >>> rows = Rows(Row(name="a"), Row(name="b"))
    >>> with rows.also(Row(name="c")):
    ...     list(rows)
    ['a', 'b', 'c']
    >>> list(rows)
    ['a', 'b']
    """

    def __init__(self, *rows: R) -> None:
        self._rows: dict[str, R] = {}
        self._add(rows)

    def _add(self, rows: tuple[R, ...]) -> None:
        for row in rows:
            if row.name in self._rows:
                raise ValueError(f'"{row.name}" stands in the table twice')
            self._rows[row.name] = row

    def __getitem__(self, name: str) -> R:
        return self._rows[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    @contextmanager
    def also(self, *rows: R) -> Iterator[None]:
        """With these behind the others, for a block."""
        before = dict(self._rows)
        try:
            self._add(rows)
            yield
        finally:
            self._rows = before
