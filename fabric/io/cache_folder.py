"""Where this user's compiled code is kept, and whether it can be trusted.

Compiled kernels are pickles and machine code, the harness of `bench/peers` is a library:
loading them runs them. So they are kept in directories that belong to the user who runs them and
that nobody else may write to, and others are not used.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

OTHERS = stat.S_IWGRP | stat.S_IWOTH


def home() -> Path | None:
    """`$XDG_CACHE_HOME/cloison` or `~/.cache/cloison`; None for a user without a home."""
    try:
        root = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    except RuntimeError:
        return None
    return root / "cloison"


def made(folder: Path) -> bool:
    """Whether the directory is there and can be written to, now if not before. New ones are for
    their owner alone."""
    try:
        folder.parent.parent.mkdir(parents=True, exist_ok=True)
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        close(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def close(folder: Path) -> None:
    """Let nobody else write to a directory of ours: who could, could have put another in place of
    what is below it, but not one that belongs to us."""
    found = folder.lstat()
    if found.st_uid == os.geteuid() and found.st_mode & OTHERS and not folder.is_symlink():
        folder.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS)


def distrust(path: Path) -> str:
    """Why nothing at this path is to be loaded; empty when it may be, or is not there."""
    with suppress(FileNotFoundError, NotADirectoryError):
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            return "it is a symbolic link"
        if found.st_uid != os.geteuid():
            return f"it belongs to user {found.st_uid}, not to {os.geteuid()}"
        if found.st_mode & OTHERS:
            return "others may write to it"
    return ""
