"""A tree of files as a program that renders gets it: a copy, and a digest of what is in it.

Rules that hold here:

1. Regular files and links count, and of files their contents and names alone: nothing in the copy
   may be executed. What lies in a `.git` is left out.
2. A link that leads out of the tree, and what is neither file, folder nor link (a pipe, a socket, a
   device), is not in the copy, and is told: what reads it elsewhere would render something else.
3. A tree has no more than `MOST` entries and `MOST_BYTES`.
4. Every entry is asked for by its name (`fabric.io.dependencies`): who knows that something of a
   tree is missing hears of it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from fabric.diagnostics import Diagnostic, InputError
from fabric.io.dependencies import asked
from fabric.io.mounts import real
from fabric.io.reading import HIDDEN
from fabric.io.visible import visible

MOST, MOST_BYTES = 50_000, 512 * 2**20
PART = 1 << 20


@dataclass(frozen=True, slots=True)
class InputTree:
    """What a folder holds: `digest` of all that counts, and what is left out, by name."""

    digest: str
    left_out: tuple[str, ...]


def input_tree(root: Path, into: Path | None = None) -> InputTree:
    """The tree below a folder, copied into an empty one if there is one. Raises `InputError`
    (C653) where it is too large or cannot be read."""
    return _TreeReader(root, into).read()


class _TreeReader:
    """Reads one tree once."""

    def __init__(self, root: Path, into: Path | None) -> None:
        self.root, self.into = root, into
        self.place = real(root).resolve()
        self.digest = sha256()
        self.left_out: list[str] = []
        self.entries = self.bytes = 0

    def read(self) -> InputTree:
        """All of it."""
        try:
            for name, entry in self.below(""):
                self.entries += 1
                self.afford()
                asked("there", self.root / name)
                self.take(name, entry)
        except OSError as error:
            what = f"{self.root} cannot be read: {visible(str(error))}"
            raise InputError(Diagnostic("C653", what)) from None
        return InputTree(self.digest.hexdigest(), tuple(self.left_out))

    def below(self, inside: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
        """Every entry with its name from the top, in order."""
        with os.scandir(self.place / inside) as found:
            entries = sorted((e for e in found if e.name != HIDDEN), key=lambda e: e.name)
        for entry in entries:
            name = f"{inside}/{entry.name}".lstrip("/")
            yield name, entry
            if entry.is_dir(follow_symlinks=False):
                yield from self.below(name)

    def take(self, name: str, entry: os.DirEntry[str]) -> None:
        """One entry; rules 1 and 2."""
        to = None if self.into is None else self.into / name
        if entry.is_symlink():
            leads = str(Path(entry.path).readlink())
            if self.leads_out(name, leads):
                self.left_out.append(name)
                return
            self.note("link", name, os.fsencode(leads))
            if to is not None:
                to.symlink_to(leads)
        elif entry.is_dir(follow_symlinks=False):
            self.note("folder", name, b"")
            if to is not None:
                to.mkdir()
        elif entry.is_file(follow_symlinks=False):
            self.note("file", name, self.copied(entry.path, to))
        else:
            self.left_out.append(name)

    def leads_out(self, name: str, leads: str) -> bool:
        """Whether a link leads elsewhere, or on a way that a copy does not have."""
        if leads.startswith("/") or os.path.normpath(Path(name).parent / leads).startswith(".."):
            return True
        try:
            return not (self.place / name).resolve().is_relative_to(self.place)
        except (OSError, RuntimeError):
            return True

    def note(self, kind: str, name: str, what: bytes) -> None:
        """Something that counts."""
        for part in (kind.encode(), os.fsencode(name), what):
            self.digest.update(len(part).to_bytes(8, "big") + part)

    def copied(self, path: str, to: Path | None) -> bytes:
        """The digest of a file, which is copied."""
        digest = sha256()
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise OSError(f"{path} changed while it was read")
            with open(os.devnull if to is None else to, "wb") as copy:  # noqa: PTH123
                while data := file.read(PART):
                    self.bytes += len(data)
                    self.afford()
                    digest.update(data)
                    if to is not None:
                        copy.write(data)
        return digest.digest()

    def afford(self) -> None:
        """Rule 3."""
        if self.entries > MOST or self.bytes > MOST_BYTES:
            most = f"{MOST:,} files or {MOST_BYTES >> 20} MiB"
            what = f"{self.root} is larger than {most}: too much to hand to a program that renders"
            hint = "--root DIR names the folder that may be read"
            raise InputError(Diagnostic("C653", what, None, hint))
