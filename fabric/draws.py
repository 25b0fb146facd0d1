"""Drawing allocations: pinned, else locked, else the next free value; and what becomes of new ones.

Rules that hold here:

1. A pin wins over the lock file, the lock file over a new draw.
2. No value is drawn that anybody has: by pin, by lock (also of things that are gone), by rule.
3. What is drawn is *kept* in the lock file, *forgotten*, or *refused*. To keep it, the lock file is
   held and read again; if somebody wrote it meanwhile everything is drawn again from what stands
   there now. So no writer undoes what another one wrote, and nobody who draws nothing waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from fabric import lock
from fabric.diagnostics import Diagnostic, InputError, Span
from fabric.lock import SECTIONS, Locked
from fabric.spec import Pins

Drawn = Literal["kept", "forgotten", "refused"]
SHOWN = 3
V = TypeVar("V")
T = TypeVar("T")
NOTHING = Locked()


class Ledger(Generic[V]):
    """Draws unique values of one kind: pinned, else locked, else the next free candidate.

    `name` says in errors what is drawn ("VNI"); `locked` grows and becomes the new lock section.
    """

    def __init__(
        self, name: str, pinned: Mapping[str, V], locked: Mapping[str, V], taken: Iterable[V] = ()
    ) -> None:
        self.name, self.pinned = name, pinned
        owned = set(pinned.values())
        self.locked = {k: v for k, v in locked.items() if k not in pinned and v not in owned}
        self.displaced = {k: v for k, v in locked.items() if k not in pinned and v in owned}
        self.taken = {*taken, *owned, *self.locked.values()}
        self.sources: dict[str, Iterator[V]] = {}

    def draw(self, key: str, source: str, candidates: Iterable[V]) -> V | None:
        """The value of `key`, or None when the source is exhausted. Candidates of one `source` are
        walked once, so drawing many costs no more than the pool's length."""
        known = self.pinned.get(key, self.locked.get(key))
        if known is not None:
            return known
        if key in self.displaced:
            what = f"{self.name} {self.displaced[key]}"
            message = f"{what} is pinned for something else, but the lock file gives it to {key}"
            raise InputError(Diagnostic("C481", message, hint="pin another one"))
        for value in self.sources.setdefault(source, iter(candidates)):
            if value not in self.taken:
                self.taken.add(value)
                self.locked[key] = value
                return value
        return None


class Draws:
    """All allocations of one build: pins and lock file in, the new lock file out."""

    def __init__(self, pins: Pins, locked: Locked = NOTHING) -> None:
        self.pins, self.file, self.locked = pins, locked, locked.pins
        self.drawn: dict[str, dict[str, Any]] = {
            section: dict(getattr(self.locked, section)) for section in SECTIONS
        }

    def ledger(
        self,
        section: str,
        name: str,
        pinned: Mapping[str, Any] | None = None,
        taken: Iterable[Any] = (),
    ) -> Ledger[Any]:
        """The ledger of one section; `pinned` adds to the pins of the fabric file."""
        pins = {**getattr(self.pins, section), **(pinned or {})}
        ledger: Ledger[Any] = Ledger(name, pins, self.drawn[section], taken)
        self.drawn[section] = ledger.locked
        return ledger

    def lock(self) -> Pins:
        """What the lock file must hold after this build."""
        return Pins(**self.drawn)

    def news(self) -> list[str]:
        """Entries that the lock file does not have, or has otherwise."""
        return [
            f"{section} {key}"
            for section in SECTIONS
            for key, value in sorted(self.drawn[section].items())
            if getattr(self.locked, section).get(key) != value
        ]


def drawing(path: Path | None, pins: Pins, make: Callable[[Draws], T], drawn: Drawn = "kept") -> T:
    """What `make` makes with the allocations of a world; the lock file at `path`, if any, counts
    and is dealt with as rule 3 says."""
    if path is None:
        return make(Draws(pins))
    draws = Draws(pins, lock.read(path))
    made = make(draws)
    if drawn == "forgotten" or draws.lock() == draws.locked:
        return made
    new = draws.news()
    if drawn == "refused":
        if new:
            raise InputError(lacking(path, new))
        return made
    try:
        with lock.held(path):
            now = lock.read(path)
            if now.pins != draws.locked:
                draws = Draws(pins, now)
                made = make(draws)
            if draws.lock() != draws.locked:
                lock.write(path, draws.lock())
    except InputError as error:
        if new or [d.code for d in error.diagnostics] != ["C483"]:
            raise
    return made


def lacking(path: Path, new: list[str]) -> Diagnostic:
    """What `--locked` says."""
    some = ", ".join(new[:SHOWN]) + (f" and {len(new) - SHOWN} more" if len(new) > SHOWN else "")
    hint = "run the command once without --locked, and keep the file in version control"
    return Diagnostic(
        "C482", f"the lock file lacks what is drawn now: {some}", Span(str(path), 1), hint
    )
