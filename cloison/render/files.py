"""Writing results: whole or not at all (`fabric.io.atomic`), also several that belong together."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO

from fabric.diagnostics import Diagnostic, InputError
from fabric.io.atomic import beside, full, named, replacing, resemble, sync_entries


class Together:
    """Files of which none takes its place before all of them are on the disk.

        with Together() as files:
            files.write(Path("a"), b"…")

    When the block does not end well nothing is left behind, of directories made for them neither.
    """

    def __init__(self) -> None:
        self.ready: list[tuple[Path, Path]] = []
        self.made: list[Path] = []
        self.gone: list[Path] = []

    def __enter__(self) -> Together:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._place()
        finally:
            for temporary, _ in self.ready:
                with suppress(OSError):
                    temporary.unlink()
            for folder in reversed(self.made):
                with suppress(OSError):
                    folder.rmdir()

    def _place(self) -> None:
        folders = {real.parent for _, real in self.ready}
        while self.ready:
            temporary, real = self.ready[0]
            with _about(real):
                temporary.replace(real)
            self.ready.pop(0)
            self.made.clear()
        for path in self.gone:
            with _about(path):
                path.unlink(missing_ok=True)
        for folder in folders:
            sync_entries(folder)

    def write(self, path: Path, data: bytes) -> None:
        """A file of these bytes."""
        with _about(path):
            real = Path(os.path.realpath(path))
            self._folder(real.parent)
            temporary = beside(real)
            self.ready.append((temporary, real))
            with temporary.open("xb") as file:
                resemble(file.fileno(), real)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())

    def remove(self, path: Path) -> None:
        """A file that goes when the others have come."""
        self.gone.append(path)

    def _folder(self, folder: Path) -> None:
        missing = [above for above in (folder, *folder.parents) if not above.exists()]
        for above in reversed(missing):
            above.mkdir(exist_ok=True)
            self.made.append(above)


@contextmanager
def _about(path: Path) -> Iterator[None]:
    """Errors name the file that was asked for."""
    try:
        yield
    except OSError as error:
        if error.filename is None and not full(error):
            raise
        raise named(error, path) from error


def apart(path: Path, inputs: Iterable[Path]) -> None:
    """Refuse a result that would take the place of an input, by whatever name or link."""
    real = os.path.realpath(path)
    if any(os.path.realpath(one) == real for one in inputs):
        what = f"{path} is an input, and would be overwritten"
        raise InputError(Diagnostic("C791", what, None, "write to another file"))


@contextmanager
def writing(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes the target's place when the block ends well (`fabric.io.atomic`); parent
    directories are made. Pipes and devices are written to as they are."""
    if path.exists() and not path.is_file():
        with _about(path), path.open("wb") as file:
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
