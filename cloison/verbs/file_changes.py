"""Files that are watched: all that a world was read from, asked for their times and sizes.

Rules that hold here:

1. The files behind a fabric are its own, those that it extends, its lock and its manifests; a
   directory counts as what would be read in it, so a new file is a change, and so is one that goes.
2. What stands when a file cannot be read (half written, not valid) is the list of the last world
   that could.
3. Nothing is missed: the state is taken before files are read, and a file that was found only by
   reading counts as changed when it is not older than that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fabric.building.cluster import is_cluster
from fabric.building.inputs import chain, named_manifests, tables
from fabric.building.network import Network
from fabric.diagnostics import CloisonError, Diagnostics
from fabric.kubernetes.files.folders import files
from fabric.plan import lock

PAUSE = 0.5
"""Seconds between two looks."""
COARSE = 2_000_000_000
"""Nanoseconds that the clock of a file system may be behind."""
Stamp = tuple[int, int, int]
State = dict[Path, Stamp | None]
YOUNG: Stamp = (-1, 0, 0)
"""Stands for files that may have changed while they were read for the first time."""


@dataclass(frozen=True, slots=True)
class Watched:
    """`single` files, `named` manifests (files or directories), and the `lock` that reading itself
    may write."""

    single: tuple[Path, ...]
    named: tuple[Path, ...] = ()
    lock: Path | None = None

    @staticmethod
    def behind(path: Path, network: Network) -> Watched:
        """What a world was read from that was read from `path`."""
        if is_cluster(network):
            return Watched((), (path,))
        spec = network.spec
        assert spec.path is not None and spec.base is not None
        named = tuple(path for some in named_manifests(spec) for path in some)
        locked = lock.path_of(spec.base)
        return Watched((*chain(spec.path), *tables(spec), locked), named, locked)

    def state(self) -> State:
        """How every file stands now."""
        found = [*self.single]
        with suppress(OSError):
            found += [path for path, _ in files(self.named, Diagnostics())]
        return {path: stamp(path) for path in found}


def stamp(path: Path) -> Stamp | None:
    """Time, size and identity of a file, None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def changes(
    path: Path,
    first: Network,
    began: int,
    read: Callable[[], Network],
    refused: Callable[[Exception], None],
    wait: Callable[[float], None] = time.sleep,
) -> Iterator[bool]:
    """Read again after every change, as long as somebody asks, and yield after each reading that
    came to an end whether it was for more than the lock and rule 3; what cannot be read is told to
    `refused`. `first` is what was read at the start, since `began` (nanoseconds)."""
    watched = Watched.behind(path, first)
    seen = _since({}, watched.state(), began, watched.lock)
    while True:
        now = watched.state()
        if now == seen:
            wait(PAUSE)
            continue
        news = {p for p in now.keys() | seen.keys() if now.get(p) != seen.get(p)}
        sure = any(path != watched.lock and seen.get(path) != YOUNG for path in news)
        began, seen = time.time_ns(), now
        try:
            network = read()
            watched = Watched.behind(path, network)
        except (CloisonError, OSError) as error:
            refused(error)
            continue
        seen = _since(now, watched.state(), began, watched.lock)
        yield sure


def _since(before: State, after: State, began: int, locked: Path | None) -> State:
    """What was seen by a reading: files of before as they stood before it (rule 3)."""
    out: State = {}
    for path, found in after.items():
        young = found is not None and found[0] >= began - COARSE and path != locked
        out[path] = before.get(path, YOUNG if young else found)
    return out
