"""Reading files that somebody named: regular ones, of bounded size, inside the trees that count.

Rules that hold here:

1. Only regular files are read. A FIFO or a device would block or never end, `/proc` tells about the
   machine: they are refused, and nothing is read from them.
2. What an input names (`extends`, `manifests`, a symbolic link) lies in the trees that may be read:
   `--root DIR`, else the working tree (git) that the fabric file is in, else the fabric file's own
   directory and the working directory; for what is mounted (`fabric.io.mounts`) the mount. Links
   count as the place that they lead to. What is kept in a `.git` directory is never read.
3. Sizes are checked before and while reading.
4. What is asked of the file system while a world is read is recorded (`fabric.io.dependencies`).

A fabric file may come with a stranger's pull request; so may its links.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from fabric.diagnostics import Diagnostic, InputError, Span
from fabric.io.dependencies import asked, exists, noted, place, spoil
from fabric.io.mounts import mount_of, real

MAX_BYTES = 256 * 2**20
KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
MACHINE = tuple(map(Path, ("/proc", "/sys")))
HIDDEN = ".git"
_root: ContextVar[Path | None] = ContextVar("root", default=None)


@dataclass(frozen=True, slots=True)
class Trees:
    """Directories below which inputs may name files."""

    roots: tuple[Path, ...]

    def holds(self, path: Path) -> bool:
        """Whether the place that a path leads to lies in one of them (rule 2)."""
        try:
            real = place(path)
        except (OSError, RuntimeError, ValueError):  # a circle of links; a NUL in the name
            return True  # whoever opens it says what is wrong
        if any(real.is_relative_to(tree) for tree in MACHINE):
            return False
        return any(
            real.is_relative_to(root) and HIDDEN not in real.relative_to(root).parts
            for root in self.roots
        )

    def inside(self, path: Path) -> Path:
        """The path below the nearest of the trees; ValueError where it lies in none."""
        real = place(path)
        found = [real.relative_to(root) for root in self.roots if real.is_relative_to(root)]
        return min(found, key=lambda path: len(path.parts))

    def refusal(self, path: Path, span: Span | None = None) -> Diagnostic | None:
        """C112 for a path that leads elsewhere."""
        if self.holds(path):
            return None
        roots = " and ".join(map(str, self.roots))
        what = f"{path} leads to a place outside {roots}, where nothing is read"
        return Diagnostic("C112", what, span, "--root DIR names the directory that may be read")


@contextmanager
def rooted(root: Path | None) -> Iterator[None]:
    """Inside the block `root` is the only tree; None leaves the choice to rule 2."""
    token = _root.set(root)
    try:
        yield
    finally:
        _root.reset(token)


def root_named() -> Path | None:
    """The only tree, where one was named."""
    return _root.get()


def trees_around(path: Path) -> Trees:
    """The trees of what is named at `path` by the user."""
    if mount := mount_of(path):
        return Trees((mount,))
    root = _root.get()
    if root is not None:
        return Trees((place(root),))
    try:
        folder = place(path.parent)
    except (OSError, RuntimeError, ValueError):
        folder = Path.cwd()
    for above in (folder, *folder.parents):
        if exists(above / HIDDEN):
            return Trees((above,))
    return Trees(tuple(dict.fromkeys((folder, place(Path.cwd())))))


def there(path: Path) -> bool:
    """Whether anything is at a path, a link that leads nowhere included."""
    return bool(asked("there", path))


@contextmanager
def opened(path: Path, limit: int = MAX_BYTES, code: str = "C101") -> Iterator[IO[bytes]]:
    """A regular file, open for reading; C102, C111, C112 or `code` when there is none to read. What
    is read of it nobody records."""
    spoil()
    with _opened(path, limit, code) as file:
        yield file


@contextmanager
def _opened(path: Path, limit: int, code: str) -> Iterator[IO[bytes]]:
    try:
        check(path, real(path).stat(), limit)
        refused = trees_around(path).refusal(path)
        if refused is not None:
            raise InputError(refused)
        handle = os.open(real(path), os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            check(path, os.fstat(handle), limit)
            yield file
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(Diagnostic(code, f"cannot read {path}: {reason}")) from None


def check(path: Path, found: os.stat_result, limit: int) -> None:
    """Rules 1 and 3."""
    if not stat.S_ISREG(found.st_mode):
        kind = KINDS.get(stat.S_IFMT(found.st_mode), "no regular file")
        hint = None if kind == "a directory" else 'what a pipe holds is read from "-" (stdin)'
        raise InputError(Diagnostic("C111", f"{path} is {kind}, not a file", hint=hint))
    if found.st_size > limit:
        raise InputError(too_large(str(path), limit))


def too_large(name: str, limit: int) -> Diagnostic:
    """C102."""
    return Diagnostic("C102", f"{name} is larger than {limit // 2**20} MiB")


def read_bytes(path: Path, limit: int = MAX_BYTES, code: str = "C101") -> bytes:
    """All of a regular file."""
    try:
        with _opened(path, limit, code) as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise InputError(too_large(str(path), limit))
    except InputError:
        spoil()
        raise
    noted(path, data)
    return data
