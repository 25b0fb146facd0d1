"""Where a line of an input is, as those who review a change see it: from the top of the repository.

1. A file of a mounted revision (`fabric.io.mounts`) is the file of its repository; where the
   revision is the old side of a comparison its lines are those of another text, and it is `OLD`.
2. A file of the checkout is told from the top of the repository around the working directory, else
   of the one around the file, else from the working directory. Links are followed: who reviews sees
   the file. Nothing of git is run.
3. What lies nowhere there (a pipe, a file beside, what a command printed) is `ELSEWHERE`: no format
   points to it as if it were part of the change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fabric.diagnostics import Span
from fabric.io.mounts import mount_of
from fabric.io.visible import visible

Base = Literal["repository", "old", "elsewhere"]
REPOSITORY: Base = "repository"
OLD: Base = "old"
ELSEWHERE: Base = "elsewhere"
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    """A stranger's text in one line that any format can hold.

    >>> clean("a\\x1b[1m\\nb\\uffff")
    'a\\\\x1b[1m\\\\nb�'
    """
    return NOT_XML.sub("\ufffd", visible(text).replace("\n", " "))


@dataclass(frozen=True, slots=True, order=True)
class FileLine:
    """A line of a file; lines and columns from 1. `shown` is what it was read as, in one line;
    `path` is raw, so that it is the file's, and `name` is what of it people may read."""

    path: str
    line: int
    column: int
    base: Base
    shown: str

    @property
    def name(self) -> str:
        """The path in one line."""
        return clean(self.path)


def place(span: Span | None, old: Path | None = None) -> FileLine | None:
    """Where a span is; `old` is the mount of the old side, if there is one of its own."""
    if span is None:
        return None
    path, base = _inside(Path(span.file), old)
    return FileLine(path, max(span.line, 1), max(span.column, 1), base, clean(str(span)))


def old_mount(old: Path, new: Path) -> Path | None:
    """The mount that only the old side of a comparison is read from."""
    mount = mount_of(old)
    return None if mount == mount_of(new) else mount


def _inside(path: Path, old: Path | None) -> tuple[str, Base]:
    if (mount := mount_of(path)) is not None:
        if mount == path:
            return path.as_posix(), ELSEWHERE
        inside = path.relative_to(mount).as_posix()
        return inside, OLD if mount == old else REPOSITORY
    try:
        real, here = path.resolve(), Path.cwd().resolve()
        if not real.exists():
            return path.as_posix(), ELSEWHERE
    except (OSError, RuntimeError, ValueError):
        return path.as_posix(), ELSEWHERE
    for top in (_top(here), _top(real.parent), here):
        if top is not None and real.is_relative_to(top):
            return real.relative_to(top).as_posix(), REPOSITORY
    return path.as_posix(), ELSEWHERE


def _top(folder: Path) -> Path | None:
    return next((f for f in (folder, *folder.parents) if (f / ".git").exists()), None)
