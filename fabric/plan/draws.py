"""Drawing allocations: pinned, else locked, else the next free value; and what becomes of new ones.

Rules that hold here:

1. A pin wins over the lock file, the lock file over a new draw.
2. No value is drawn that anybody has: by pin, by lock (also of things that are gone), by rule.
3. What is drawn is *kept* in the lock file, *forgotten*, or *refused*. To keep it, the lock file is
   held and read again; if somebody wrote it meanwhile everything is drawn again from what stands
   there now. So no writer undoes what another one wrote, and nobody who draws nothing waits.
   Where the file is not what it seems (`fabric.io.mounts`), nothing is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

from fabric.diagnostics import Diagnostic, Diagnostics, InputError, Span
from fabric.file.spec import Pins
from fabric.io.dependencies import drew
from fabric.io.mounts import mount_of
from fabric.plan import lock
from fabric.plan.ledger import Ledger
from fabric.plan.lock import SECTIONS, Locked
from fabric.values.ip import canonical_address, canonical_prefix

Drawn = Literal["kept", "forgotten", "refused"]
SHOWN = 3
T = TypeVar("T")
NOTHING = Locked()


class Draws:
    """All allocations of one build: pins and lock file in, the new lock file out."""

    def __init__(self, pins: Pins, locked: Locked = NOTHING) -> None:
        self.pins, self.file = canonical(pins), locked
        self.locked, self.problems = canonical(locked.pins), Diagnostics()
        self.drawn: dict[str, dict[str, Any]] = {
            section: dict(getattr(self.locked, section)) for section in SECTIONS
        }
        self.ledgers: dict[str, Ledger[Any]] = {}

    def ledger(
        self,
        section: str,
        name: str,
        pinned: Mapping[str, Any] | None = None,
        taken: Mapping[Any, str] | None = None,
    ) -> Ledger[Any]:
        """The ledger of one section; `pinned` adds to the pins of the fabric file."""
        pins = {**getattr(self.pins, section), **(pinned or {})}
        ledger: Ledger[Any] = Ledger(
            name,
            pins,
            self.drawn[section],
            taken,
            self.problems,
            lambda key: self.file.span(section, key),
        )
        self.drawn[section], self.ledgers[section] = ledger.locked, ledger
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


def canonical(pins: Pins) -> Pins:
    """The same values, each in the one form in which it is drawn."""
    forms: dict[str, Callable[[str], str]] = {
        "router_mac": str.lower,
        "prefixes": canonical_prefix,
    }
    lists: dict[str, Callable[[str], str]] = {
        "blocks": canonical_prefix,
        "addresses": canonical_address,
    }
    update: dict[str, dict[str, Any]] = {
        section: {key: form(text) for key, text in getattr(pins, section).items()}
        for section, form in forms.items()
    }
    update |= {
        section: {key: [*map(form, texts)] for key, texts in getattr(pins, section).items()}
        for section, form in lists.items()
    }
    return pins.model_copy(update=update)


def drawing(
    path: Path | None,
    pins: Pins,
    make: Callable[[Draws], T],
    drawn: Drawn = "kept",
    read: Callable[[], Locked] | None = None,
) -> T:
    """What `make` makes with the allocations of a world; the lock file at `path`, if any, counts
    and is dealt with as rule 3 says. `read` reads it with more care than its shape wants."""
    if path is None:
        return make(Draws(pins))
    read = read or partial(lock.read, path)
    draws = Draws(pins, read())
    made = make(draws)
    if draws.lock() == draws.locked:
        return made
    drew()
    if drawn == "forgotten" or (drawn == "kept" and mount_of(path) is not None):
        return made
    new = draws.news()
    if drawn == "refused":
        if new:
            raise InputError(lacking(path, new))
        return made
    try:
        with lock.held(path):
            now = read()
            if canonical(now.pins) != draws.locked:
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
