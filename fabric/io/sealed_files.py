"""Files that nobody but this user wrote, whole: what a program keeps for its next run.

Rules that hold here:

1. A file begins with its seal, the SHA-256 of its name, of the seal of what it belongs to, if
   anything, and of what follows. What was cut short, damaged, renamed or belongs to something else
   does not fit, and counts as not there.
2. Files are read from a directory of this user's alone (`fabric.io.cache_folder`), and only those
   that are regular, this user's, and that nobody else may write to.
3. A file takes its place when all of it is written. Nothing here is an error: what cannot be
   written is not kept, what cannot be read is not there.
4. Whoever writes sees to it that there are no more than so many bytes and groups of files (those
   that share a stem), the oldest of which go; to be used makes them young (`touch`).
"""

from __future__ import annotations

import os
import stat
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from fabric.io.atomic import beside
from fabric.io.cache_folder import OTHERS, distrust, made

SEAL = sha256().digest_size
ABANDONED = 3600.0
"""Seconds after which an unfinished file is nobody's."""


class Sealing:
    """Writes, and digests what it writes."""

    def __init__(self, file: IO[bytes], name: str, owner: bytes) -> None:
        self.file, self.digest = file, sha256(name.encode() + b"\0" + owner)

    def write(self, data: Any) -> None:
        self.digest.update(data)
        self.file.write(data)


def write(
    folder: Path, name: str, fill: Callable[[Sealing], None], owner: bytes = b""
) -> bytes | None:
    """Write a file by what `fill` writes; its seal, or None where it cannot be kept. `owner` is the
    seal of what it belongs to."""
    if not made(folder) or not trusted(folder):
        return None
    temporary = beside(folder / name)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        with os.fdopen(os.open(temporary, flags, 0o600), "wb") as file:
            file.write(bytes(SEAL))
            sealing = Sealing(file, name, owner)
            fill(sealing)
            file.seek(0)
            file.write(sealing.digest.digest())
        temporary.replace(folder / name)
    except OSError:
        return None
    finally:
        with suppress(OSError):
            temporary.unlink()
    return sealing.digest.digest()


def read(folder: Path, name: str, owner: bytes = b"") -> tuple[bytes, bytes] | None:
    """The seal of a file and what it holds; None where there is none that can be trusted."""
    if not trusted(folder):
        return None
    try:
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        handle = os.open(folder / name, flags)
        with os.fdopen(handle, "rb") as file:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
                return None
            if found.st_mode & OTHERS:
                return None
            seal, body = file.read(SEAL), file.read()
    except OSError:
        return None
    digest = sha256(name.encode() + b"\0" + owner)
    digest.update(body)
    return (seal, body) if digest.digest() == seal else None


def trusted(folder: Path) -> bool:
    """Whether a directory and the one that it is in are this user's alone."""
    try:
        return not any(map(distrust, (folder.parent, folder)))
    except OSError:
        return False


def names(folder: Path, start: str, end: str) -> list[str]:
    """The names of files that start and end so, the youngest first."""
    found = [
        (time, name)
        for name, time, _ in _files(folder)
        if name.startswith(start) and name.endswith(end)
    ]
    return [name for _, name in sorted(found, reverse=True)]


def touch(folder: Path, name: str) -> None:
    """A file is in use."""
    with suppress(OSError):
        os.utime(folder / name, follow_symlinks=False)


def clear(folder: Path, most_bytes: int, most_stems: int) -> None:
    """Rule 4; the stem of a name ends at its first dot. Files that were given up go as well."""
    now = time.time()
    groups: dict[str, list[tuple[str, float, int]]] = defaultdict(list)
    for found in _files(folder):
        if found[0].endswith("~"):
            if found[1] < now - ABANDONED:
                _remove(folder, found[0])
        else:
            groups[found[0].partition(".")[0]].append(found)
    young = sorted(groups.values(), key=lambda group: max(f[1] for f in group), reverse=True)
    total = 0
    for number, group in enumerate(young):
        total += sum(size for _, _, size in group)
        if number >= most_stems or total > most_bytes:
            for name, _, _ in group:
                _remove(folder, name)


def _remove(folder: Path, name: str) -> None:
    with suppress(OSError):
        (folder / name).unlink()


def _files(folder: Path) -> Iterator[tuple[str, float, int]]:
    """Name, time and size of every file."""
    with suppress(OSError), os.scandir(folder) as found:
        for entry in found:
            with suppress(OSError):
                about = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(about.st_mode):
                    yield entry.name, about.st_mtime, about.st_size
