"""Folders that are read under another name, such as a revision of a repository under its own.

Whoever reads inputs asks `fabric.io.dependencies` and `fabric.io.reading`, which look here where
the bytes lie. What is told of a file, or remembered of it, has the name under which it was read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_mounts: ContextVar[tuple[tuple[Path, Path], ...]] = ContextVar("mounts", default=())


@contextmanager
def mounted(name: Path, folder: Path) -> Iterator[None]:
    """Inside the block what lies in `folder` is read below `name`, a relative path."""
    token = _mounts.set((*_mounts.get(), (name, folder.resolve())))
    try:
        yield
    finally:
        _mounts.reset(token)


def mount_of(path: Path) -> Path | None:
    """The mount that a path lies in, by its name."""
    return next((name for name, _ in _mounts.get() if path.is_relative_to(name)), None)


def real(path: Path) -> Path:
    """Where a path lies."""
    for name, folder in _mounts.get():
        if path.is_relative_to(name):
            return folder / path.relative_to(name)
    return path


def called(path: Path) -> Path:
    """The name under which a place is read."""
    for name, folder in _mounts.get():
        if path.is_relative_to(folder):
            return name / path.relative_to(folder)
    return path
