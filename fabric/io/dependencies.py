"""What an answer depends on: all that was asked of the file system while it was found.

Whoever reads inputs asks here. Inside `recording` every question is kept with its answer, in order,
so that somebody else can ask again: reading is a function of these answers and of nothing else, and
where all of them are the same, so is whatever was read.

Rules that hold here:

1. Contents are told apart by their digests, never by times.
2. Questions stand as they were put. Relative paths are about the working directory, `--root` says
   what may be read: both are for whoever keeps a record to remember.
3. A record is not `whole` when something could not be asked, said two things, came from where it
   cannot be read again (stdin), or was written. What rests on such a record is not to be kept.
4. `same` asks in order and stops at the first other answer: where a link leads is known before
   anything there is opened.

Source: constructive traces (Mokhov, Mitchell, Peyton Jones: Build Systems à la Carte, 2018).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Literal, cast

from fabric.io.mounts import called, real

Entry = tuple[str, bool, bool]
"""A name in a directory, whether a directory is there, and whether it is a link."""
Answer = str | bool | tuple[Entry, ...]
Kind = Literal["exists", "directory", "file", "there", "place", "entries", "content"]
Asked = tuple[Kind, str]


@dataclass(slots=True)
class Record:
    """Questions (kind, path) with their answers. `drew`: allocations were drawn that no lock file
    has, so it mattered what was to become of them."""

    answers: dict[Asked, Answer] = field(default_factory=dict)
    whole: bool = True
    drew: bool = False

    def note(self, kind: Kind, path: Path, answer: Answer) -> None:
        """An answer; rule 3."""
        if self.answers.setdefault((kind, str(path)), answer) != answer:
            self.whole = False


_records: ContextVar[tuple[Record, ...]] = ContextVar("records", default=())


@contextmanager
def recording() -> Iterator[Record]:
    """A record of what is asked inside the block."""
    record = Record()
    token = _records.set((*_records.get(), record))
    try:
        yield record
    finally:
        _records.reset(token)


def asked(kind: Kind, path: Path) -> Answer:
    """What the file system says now; raises what the question raises."""
    try:
        answer = QUESTIONS[kind](path)
    except BaseException:
        spoil()
        raise
    for record in _records.get():
        record.note(kind, path, answer)
    return answer


def exists(path: Path) -> bool:
    """Whether anything is where a path leads."""
    return bool(asked("exists", path))


def place(path: Path) -> Path:
    """Where a path leads, links followed."""
    return Path(str(asked("place", path)))


def entries(path: Path) -> tuple[Entry, ...]:
    """What is in a directory, by name."""
    return cast(tuple[Entry, ...], asked("entries", path))


def noted(path: Path, data: bytes) -> None:
    """A file was read, and this was in it."""
    if records := _records.get():
        digest = sha256(data).hexdigest()
        for record in records:
            record.note("content", path, digest)


def spoil() -> None:
    """Something happened that nobody can ask about again (rule 3)."""
    for record in _records.get():
        record.whole = False


def drew() -> None:
    """Something was drawn that no lock file has."""
    for record in _records.get():
        record.drew = True


def same(answers: Mapping[Asked, Answer], known: dict[Asked, Answer | None]) -> bool:
    """Whether every question still has its answer; `known` are those that were asked already."""
    for question, answer in answers.items():
        if question not in known:
            known[question] = _now(*question)
        if known[question] != answer:
            return False
    return True


def _now(kind: Kind, path: str) -> Answer | None:
    """The answer now; None where there is none."""
    try:
        return QUESTIONS[kind](Path(path))
    except (OSError, RuntimeError, ValueError):
        return None


def _there(path: Path) -> bool:
    """Whether anything is at a path, a link that leads nowhere included."""
    try:
        real(path).lstat()
    except (OSError, ValueError):  # also names that are too long, or hold a NUL
        return False
    return True


def _entries(path: Path) -> tuple[Entry, ...]:
    with os.scandir(real(path)) as found:
        return tuple(sorted((e.name, _leads_to_directory(e), e.is_symlink()) for e in found))


def _leads_to_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _content(path: Path) -> str:
    """The digest of a regular file; others are not opened, since to open some does something."""
    if not stat.S_ISREG(real(path).stat().st_mode):
        raise ValueError(path)
    handle = os.open(real(path), os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ValueError(path)
        return file_digest(file, "sha256").hexdigest()


QUESTIONS: Mapping[Kind, Callable[[Path], Answer]] = {
    "exists": lambda path: real(path).exists(),
    "directory": lambda path: real(path).is_dir(),
    "file": lambda path: real(path).is_file(),
    "there": _there,
    "place": lambda path: str(called(real(path).resolve())),
    "entries": _entries,
    "content": _content,
}
