"""Folders that are read under another name, such as a revision of a repository under its own.

Whoever reads inputs asks `fabric.io.dependencies` and `fabric.io.reading`, which look here where
the bytes lie. What is told of a file, or remembered of it, has the name under which it was read.
Single files can be read so too; of two names the one that came later counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import NamedTuple


class Mount(NamedTuple):
    """A name, the folder that is read, and the place that it was made from."""

    name: Path
    folder: Path
    of: Path


_mounts: ContextVar[tuple[Mount, ...]] = ContextVar("mounts", default=())


@contextmanager
def mounted(name: Path, folder: Path, of: Path) -> Iterator[None]:
    """Inside the block what lies in `folder` is read below `name`, a relative path; it is what was
    in the place `of`."""
    with mounting():
        mount(name, folder, of)
        yield


@contextmanager
def mounting() -> Iterator[None]:
    """What is mounted inside the block is so until it ends."""
    token = _mounts.set(_mounts.get())
    try:
        yield
    finally:
        _mounts.reset(token)


def mount(name: Path, folder: Path, of: Path) -> None:
    """As `mounted`, until the block ends that is around this one."""
    _mounts.set((*_mounts.get(), Mount(name, folder.resolve(), of)))


def mount_of(path: Path) -> Path | None:
    """The name of the mount that a path lies in."""
    mount = _around(path)
    return None if mount is None else mount.name


def made_from(path: Path) -> Path | None:
    """The place of which the mount that a path lies in was made."""
    mount = _around(path)
    return None if mount is None else mount.of


def real(path: Path) -> Path:
    """Where a path lies."""
    mount = _around(path)
    return path if mount is None else mount.folder / path.relative_to(mount.name)


def called(path: Path) -> Path:
    """The name under which a place is read."""
    for mount in reversed(_mounts.get()):
        if path.is_relative_to(mount.folder):
            return mount.name / path.relative_to(mount.folder)
    return path


def _around(path: Path) -> Mount | None:
    every = reversed(_mounts.get())
    return next((mount for mount in every if path.is_relative_to(mount.name)), None)
