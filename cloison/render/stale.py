"""Dumps of nodes that no longer exist: what an earlier `compile -o` wrote and this one does not.

Whoever installs a directory of dumps would install them too. Only files that begin as a dump of
their format does, for the node that they are named after, are taken for ours.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from compiler.targets.catalogue import Writer

HEAD = 400


def stale(folder: Path, writer: Writer, written: Collection[Path]) -> Iterator[Path]:
    """Files in a format's directory that were dumps, and are not among those written now."""
    for path in sorted(folder.glob(f"*.{writer.suffix}")):
        if path in written or path.is_symlink() or not path.is_file():
            continue
        with path.open("rb") as file:
            head = file.read(HEAD).decode("utf-8", "replace")
        if re.match(writer.head.replace("NODE", re.escape(path.stem)), head):
            yield path


def others(folder: Path, known: Collection[Path]) -> Iterator[Path]:
    """Whatever else lies in a format's directory, whoever installs it takes it along."""
    if folder.is_dir() and not folder.is_symlink():
        yield from sorted(path for path in folder.iterdir() if path not in known)
