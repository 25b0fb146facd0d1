"""The lock file: allocations that were drawn once and then stay.

`topologies/demo.yaml` has `topologies/demo.lock.yaml` beside it, to be kept in version control. It
has the shape of `pins:` in the fabric file, and is read with the same care
(`fabric.file.yaml.reader`).

Rules that hold here:

1. Entries of things that no longer exist stay: a tenant that is removed and added again gets what
   it had, and nobody else gets it meanwhile. Delete the line to release it.
2. The file is written only when it changes, whole and sorted (`fabric.io.atomic`), by one writer at
   a time: between the last reading and the writing it is held, and others wait.
3. Reading needs no permission to write, and leaves nothing behind.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fabric.diagnostics import Diagnostic, InputError, Span
from fabric.file.spec import Pins
from fabric.file.yaml.reader import Document, read_yaml
from fabric.io.atomic import replacing, unfinished
from fabric.io.decoded_text import read_text
from fabric.io.dependencies import exists, spoil
from fabric.io.reading import trees_around

HEADER = """\
# Allocations drawn by cloison. Keep this file in version control beside the fabric file: with it,
# adding a tenant changes no existing address, VNI, RD, RT or ASN.
"""
SECTIONS = tuple(Pins.model_fields)
RESTORE = "restore it from version control; deleting it draws every allocation again"
NOT_CONTENT = ("C101", "C102", "C111", "C112")
TOO_LONG = re.compile(r'^  "[^"]{1000}|[0-9]{400}')
"""Where a key or a number is perhaps longer than one in YAML can be."""
PATIENCE = 60.0
NOTHING = Pins()


@dataclass(frozen=True)
class Locked:
    """What a lock file holds, and where; `name` is what its lines are told by."""

    pins: Pins = NOTHING
    path: Path | None = None
    text: str = ""
    name: str = ""

    @cached_property
    def document(self) -> Document | None:
        """The file with the place of every value in it."""
        found = read_yaml(self.text, self.name) if self.text else []
        return found[0] if found else None

    def span(self, *place: str | int) -> Span | None:
        """Where the value at a place stands."""
        if self.document is None:
            return Span(str(self.path), 1) if self.path else None
        return self.document.span(place)


def path_of(fabric_file: Path) -> Path:
    """Where the lock file of a fabric file is.

    >>> path_of(Path("lab/demo.yaml")).name
    'demo.lock.yaml'
    """
    return fabric_file.with_name(f"{fabric_file.stem}.lock.yaml")


def read(path: Path, known: Locked | None = None) -> Locked:
    """What the lock file holds, nothing when there is none; `known` if that is the same."""
    if refused := trees_around(path).refusal(path):
        raise InputError(refused)
    if not exists(path):
        return Locked(path=path)
    try:
        text, name = read_text(path)
        if known is not None and known.text == text:
            return known
        if pins := as_written(text):
            return Locked(pins, path, text, name)
        found = read_yaml(text, name)
    except InputError as error:
        raise InputError(*map(about_content, error.diagnostics)) from None
    if not found:
        return Locked(path=path, text=text, name=name)
    if len(found) > 1:
        raise InputError(corrupt("has several documents", found[1].span()))
    try:
        pins = Pins.model_validate(found[0].value, strict=True)
    except ValidationError as error:
        raise InputError(*(misshapen(found[0], detail) for detail in error.errors())) from None
    return Locked(pins, path, text, name)


def as_written(text: str) -> Pins | None:
    """What stands in a file that is to the byte as `render` writes it, without an escape or
    anything very long: nothing of YAML is needed for that, which takes ten times as long. None for
    all others.

    >>> pins = Pins(vni={"acme/main": 10001}, blocks={"host1 acme/main": ["10.0.0.0/26"]})
    >>> as_written(render(pins)) == pins, as_written(render(pins) + "# mine")
    (True, None)
    """
    if "\\" in text or not text.startswith(HEADER):
        return None
    sections: dict[str, list[str]] = {"": []}
    entries = sections[""]
    for line in text.removeprefix(HEADER).splitlines():
        if len(line) >= 400 and TOO_LONG.search(line):
            return None
        if line.startswith("  "):
            entries.append(line)
        else:
            entries = sections.setdefault(line.removesuffix(":"), [])
    try:
        value = {
            name: json.loads(f"{{{','.join(some)}}}") for name, some in sections.items() if name
        }
        pins = Pins.model_validate(value, strict=True)
    except (ValueError, RecursionError):  # nested too deep for JSON
        return None
    return pins if render(pins) == text else None


def about_content(found: Diagnostic) -> Diagnostic:
    """A reader's complaint about what a lock file holds, as C480; about the file, as it is."""
    if found.code in NOT_CONTENT:
        return found
    return corrupt(f"does not hold what cloison wrote: {found.message}", found.span)


def misshapen(document: Document, detail: Any) -> Diagnostic:
    """An entry that has not the shape of a pin."""
    place = tuple(detail["loc"])
    where = ".".join(map(str, place)) or "the whole file"
    return corrupt(f"has a wrong entry at {where}: {detail['msg']}", document.span(place))


def corrupt(what: str, span: Span | None) -> Diagnostic:
    """The error for a lock file that does not hold what we wrote."""
    return Diagnostic("C480", f"lock file {what}", span, RESTORE)


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


def write(path: Path, lock: Pins) -> None:
    """Write the lock file; the caller holds it."""
    with replacing(path) as file:
        file.write(render(lock).encode())


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Nobody else writes the lock file inside the block. A file that this makes, to have something
    to hold, is gone afterwards unless something was written. C483 where it cannot be written, C484
    when somebody else holds it for too long."""
    spoil()
    real = Path(os.path.realpath(path))
    try:
        handle, made = grasp(real, path)
        try:
            for left in unfinished(real):
                left.unlink(missing_ok=True)
            yield
        finally:
            if made and same_file(handle, real) and os.fstat(handle).st_size == 0:
                with suppress(OSError):
                    real.unlink()
            os.close(handle)
    except OSError as error:
        reason = error.strerror or str(error)
        what = f"cannot write the lock file {path}: {reason}"
        hint = "new allocations were drawn: run this once where the file can be written"
        raise InputError(Diagnostic("C483", what, Span(str(path), 1), hint)) from None


def grasp(real: Path, path: Path) -> tuple[int, bool]:
    """A handle of the lock file that is held, and whether there was no file before."""
    give_up = time.monotonic() + PATIENCE
    while True:
        made, handle = open_for_writing(real)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if same_file(handle, real):  # else its writer has put another one in its place
                return handle, made
            os.close(handle)
        except OSError as error:
            os.close(handle)
            if error.errno not in (errno.EWOULDBLOCK, errno.EINTR):
                raise
            if time.monotonic() > give_up:
                what = f"the lock file {path} is held by another process"
                hint = "wait until it has ended, or end it"
                raise InputError(Diagnostic("C484", what, Span(str(path), 1), hint)) from None
            time.sleep(0.02)


def open_for_writing(real: Path) -> tuple[bool, int]:
    """Whether the file is new, and a handle of it."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    try:
        return True, os.open(real, flags | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        with suppress(PermissionError):
            return False, os.open(real, flags)
        return False, os.open(real, flags & ~os.O_RDWR | os.O_RDONLY)


def same_file(handle: int, path: Path) -> bool:
    """Whether a handle is that of the file which is at a path now."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
