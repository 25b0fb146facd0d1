"""One section of allocations: every value is somebody's, and nobody else's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Generic, TypeVar

from fabric.diagnostics import Diagnostic, Diagnostics, InputError, Span

V = TypeVar("V")


class Ledger(Generic[V]):
    """Draws unique values of one kind: pinned, else locked, else the next free candidate.

    `name` says in errors what is drawn ("VNI"); `locked` grows and becomes the new lock section.
    `wanted` has the keys that were asked for. `taken` maps values that somebody else has, by rule
    or because they are written, to who that is.
    """

    def __init__(
        self,
        name: str,
        pinned: Mapping[str, V],
        locked: Mapping[str, V],
        taken: Mapping[V, str] | None = None,
        problems: Diagnostics | None = None,
        span: Callable[[str], Span | None] = lambda key: None,
    ) -> None:
        self.name, self.pinned, self.problems, self.span = name, pinned, problems, span
        self.owner = {**(taken or {}), **{value: key for key, value in pinned.items()}}
        loose = {k: v for k, v in locked.items() if k not in pinned}
        self.locked = {k: v for k, v in loose.items() if v not in self.owner}
        self.displaced = {k: v for k, v in loose.items() if v in self.owner}
        self.taken = {*self.owner, *self.locked.values()}
        self.sources: dict[str, Iterator[V]] = {}
        self.wanted: set[str] = set()

    def draw(self, key: str, source: str, candidates: Iterable[V]) -> V | None:
        """The value of `key`, or None when the source is exhausted. Candidates of one `source` are
        walked once, so drawing many costs no more than the pool's length."""
        self.wanted.add(key)
        known = self.pinned.get(key, self.locked.get(key))
        if known is not None:
            return known
        if key in self.displaced:
            self.refuse(key)
            return self.displaced[key]
        for value in self.sources.setdefault(source, iter(candidates)):
            if value not in self.taken:
                self.taken.add(value)
                self.locked[key] = value
                return value
        return None

    def refuse(self, key: str) -> None:
        """C481: two want one value, somebody by right and a key by the lock file. It goes to
        `problems`, else is raised."""
        value = self.displaced[key]
        owner = self.owner[value]
        what = f'{self.name} {value} is that of {owner}, and the lock file gives it to "{key}"'
        whose = owner.partition(",")[0]
        hint = f"choose another one for {whose}, or delete the line: then {key} draws again"
        found = Diagnostic("C481", what, self.span(key), hint)
        if self.problems is None:
            raise InputError(found)
        self.problems.items.append(found)
