"""Lines that stand in the rule sets of many devices, read once.

Rule sets of one site are the same lines over and over: of 512 DPUs one line in eight is a new one.
What a line means by itself is kept by its text: its words, the rule or the elements that it holds
if it holds whole ones, and what a rule does that names no set. Lines that go on behind a backslash,
and files with definitions, are read without.

Cost: a look-up per line that is known; memory grows with different lines, up to `MOST`.

>>> known = KnownLines()
>>> known.keep(known.rules, "drop", 1), known.rules
(1, {'drop': 1})
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")
MOST = 2**19
"""Lines of which anything is kept."""


@dataclass(frozen=True, slots=True)
class CutLine:
    """The words of a line as `Tokens.peek` says them, in which column each begins, and the column
    and text of a comment."""

    texts: tuple[str, ...]
    columns: tuple[int, ...]
    comment: str | None


@dataclass(slots=True)
class KnownRule:
    """A rule that is a line: its statements, comment, and how many words these are. `understood`
    is what the statements mean where they name no set (`alone`)."""

    statements: list[Any]
    comment: str | None
    words: int
    alone: bool
    understood: Any = None


@dataclass(frozen=True, slots=True)
class KnownElements:
    """Elements that are a line, with a comma behind the last one, and how many words these are."""

    elements: list[Any]
    words: int


@dataclass(slots=True)
class KnownLines:
    """See the module. What is kept is never changed; `shared` are elements by their identity."""

    cut: dict[str, CutLine] = field(default_factory=dict)
    rules: dict[str, KnownRule] = field(default_factory=dict)
    elements: dict[tuple[bool, str], KnownElements] = field(default_factory=dict)
    shared: dict[int, Any] = field(default_factory=dict)
    made: dict[tuple[Hashable, int], Any] = field(default_factory=dict)

    def keep(self, kind: dict[Any, T], key: Hashable, value: T) -> T:
        """Keep a value while there is room, and give it back."""
        if len(kind) < MOST:
            kind[key] = value
        return value

    def share(self, value: Any) -> None:
        """Have what is made of a value kept; it is held, so that its identity stays its own."""
        if len(self.shared) < MOST:
            self.shared[id(value)] = value

    def of(self, value: Any, about: Hashable, make: Callable[[], T]) -> T:
        """What is made of a value: once, where it is shared."""
        if self.shared.get(id(value)) is not value:
            return make()
        key = (about, id(value))
        found = self.made.get(key)
        if found is None:
            found = self.made[key] = make()
        return found
