"""Writing results: whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from fabric.atomic import replacing


@contextmanager
def writing(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes the target's place when the block ends well (`fabric.atomic`); parent
    directories are made. Pipes and devices are written to as they are."""
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        yield file


def write_bytes(path: Path, data: bytes) -> None:
    """`writing` of bytes."""
    with writing(path) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    """`write_bytes` of UTF-8 text."""
    write_bytes(path, text.encode())
