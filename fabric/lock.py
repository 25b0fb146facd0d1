"""The lock file: allocations that were drawn once and then stay.

`topologies/demo.yaml` has `topologies/demo.lock.yaml` beside it, to be kept in version control. It
has the shape of `pins:` in the fabric file.

Rules that hold here:

1. A pin wins over the lock file, the lock file over a new draw.
2. Entries of things that no longer exist stay: a tenant that is removed and added again gets what
   it had, and nobody else gets it meanwhile. Delete the line to release it.
3. The file is written only when it changes, whole and sorted, by rename.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml
from pydantic import ValidationError

from fabric.diagnostics import Diagnostic, InputError, MachineError, Span
from fabric.spec import Pins

HEADER = """\
# Allocations drawn by cloison. Keep this file in version control beside the fabric file: with it,
# adding a tenant changes no existing address, VNI, RD, RT or ASN.
"""
SECTIONS = tuple(Pins.model_fields)
V = TypeVar("V")


def path_of(fabric_file: Path) -> Path:
    """Where the lock file of a fabric file is.

    >>> path_of(Path("lab/demo.yaml")).name
    'demo.lock.yaml'
    """
    return fabric_file.with_name(f"{fabric_file.stem}.lock.yaml")


def read(path: Path) -> Pins:
    """What the lock file holds; nothing when there is none."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return Pins()
    except (OSError, UnicodeDecodeError) as error:
        raise corrupt(path, 1, f"cannot be read: {error}") from error
    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        return Pins.model_validate(yaml.load(text, loader) or {})
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise corrupt(path, line, f"is not YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise corrupt(path, 1, f"is not YAML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole file"
        raise corrupt(path, 1, f"has a wrong entry at {where}: {first['msg']}") from error


def corrupt(path: Path, line: int, what: str) -> InputError:
    """The error for a lock file that does not hold what we wrote."""
    hint = "restore it from version control; deleting it draws every allocation again"
    return InputError(Diagnostic("C480", f"lock file {what}", Span(str(path), line), hint))


def settle(path: Path, draws: Draws, drawn: str) -> None:
    """What becomes of new allocations: kept, forgotten, or refused."""
    if drawn == "kept":
        write(path, draws.lock())
    elif drawn == "refused" and (new := news(draws.locked, draws.lock())):
        some = ", ".join(new[:3]) + (f" and {len(new) - 3} more" if len(new) > 3 else "")
        hint = "run the command once without --locked, and keep the file in version control"
        what = f"the lock file lacks what is drawn now: {some}"
        raise InputError(Diagnostic("C482", what, Span(str(path), 1), hint))


def news(before: Pins, after: Pins) -> list[str]:
    """Entries that a lock file does not have, or has otherwise."""
    return [
        f"{section} {key}"
        for section in SECTIONS
        for key, value in sorted(getattr(after, section).items())
        if getattr(before, section).get(key) != value
    ]


def write(path: Path, lock: Pins) -> bool:
    """Write the lock file if that changes it; whether it did."""
    text = render(lock)
    try:
        if path.exists() and path.read_text() == text:
            return False
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "w") as file:
            file.write(text)
        temporary = Path(name)
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise MachineError(f"cannot write the lock file {path}: {error.strerror}") from error
    return True


def render(lock: Pins) -> str:
    """The text of a lock file: sections in order of `Pins`, entries sorted, values as JSON."""
    lines = [HEADER]
    for section in SECTIONS:
        entries: Mapping[str, object] = getattr(lock, section)
        if entries:
            lines.append(f"{section}:\n")
            lines += (
                f"  {json.dumps(key)}: {json.dumps(value)}\n"
                for key, value in sorted(entries.items())
            )
    return "".join(lines)


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

    def __init__(self, pins: Pins, locked: Pins) -> None:
        self.pins, self.locked = pins, locked
        self.drawn: dict[str, dict[str, Any]] = {
            section: dict(getattr(locked, section)) for section in SECTIONS
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

    def known(self, section: str, key: str) -> Any:
        """What pins or the lock file say about a key; None when neither does."""
        return getattr(self.pins, section).get(key, self.drawn[section].get(key))

    def lock(self) -> Pins:
        """What the lock file must hold after this build."""
        return Pins(**self.drawn)
