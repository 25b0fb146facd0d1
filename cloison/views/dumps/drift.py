"""Dumps in a folder that are not what would be written now: what lies between a repository and the
devices, or was edited by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cloison.render.formats import FORMATS, written
from cloison.render.table import Table
from fabric.diagnostics import InputError
from fabric.io.reading import read_bytes, there
from fabric.io.visible import visible

SCHEMA = "cloison/drift/1"
SHOWN = 4
WIDTH = 60
"""Letters of a line that are shown in a table."""
COLUMNS = {key: key for key in ("file", "what", "line", "there", "wanted")}


class Dumped(Protocol):
    """The files that would be written, and those of nodes that are no more."""

    @property
    def backends(self) -> Mapping[str, object]:
        """What writes, by format."""
        ...

    def __len__(self) -> int: ...

    def rendered(self, tell: Callable[[int, int], None]) -> Iterable[tuple[str, Path, bytes]]:
        """Format, path, content."""
        ...

    def stale(self) -> Iterable[tuple[str, Path]]:
        """Format and path."""
        ...

    def others(self) -> Iterable[Path]:
        """What lies beside them and is no dump."""
        ...


@dataclass(frozen=True, slots=True)
class Drifted:
    """A file that `differs`, is `missing`, `stale` or `unreadable`; of one that differs the first
    line that does, as it is there and as it would be, and how many lines do."""

    format: str
    path: Path
    what: str
    line: int | None = None
    there: str | None = None
    wanted: str | None = None
    lines: int | None = None


@dataclass(frozen=True, slots=True)
class Drift:
    """All files that are not as they would be written, of so many `files` of these formats, and
    what lies beside them and was `passed_over`."""

    files: int
    formats: tuple[str, ...]
    rows: tuple[Drifted, ...]
    passed_over: tuple[Path, ...] = ()


def drift(dumps: Dumped, tell: Callable[[int, int], None]) -> Drift:
    """Compare everything, file by file."""
    rows = [row for one in dumps.rendered(tell) if (row := compared(*one)) is not None]
    rows += [Drifted(name, path, "stale") for name, path in dumps.stale()]
    return Drift(len(dumps), tuple(sorted(dumps.backends)), tuple(rows), tuple(dumps.others()))


def compared(name: str, path: Path, wanted: bytes) -> Drifted | None:
    """One file; None where it is as it would be written."""
    if not there(path):
        return Drifted(name, path, "missing")
    try:
        found = read_bytes(path)
    except InputError as error:
        return Drifted(name, path, "unreadable", there=error.diagnostics[0].message)
    if found == wanted:
        return None
    old, new = (text.decode("utf-8", "replace").splitlines() for text in (found, wanted))
    both = list(zip(old, new, strict=False))
    first = next((n for n, (a, b) in enumerate(both) if a != b), len(both))
    lines = sum(a != b for a, b in both) + abs(len(old) - len(new))
    here, after = (texts[first] if first < len(texts) else None for texts in (old, new))
    return Drifted(name, path, "differs", first + 1, here, after, lines)


def told(found: Drift, output: str) -> str:
    """The answer as text, or as rows for scripts."""
    if FORMATS[output].told == "text":
        return "".join(f"{line}\n" for line in text(found))
    rows = [
        {
            "format": row.format, "file": str(row.path), "what": row.what, "line": row.line,
            "there": row.there, "wanted": row.wanted, "lines": row.lines,
        }
        for row in found.rows
    ]  # fmt: skip
    beside = [str(path) for path in found.passed_over]
    meta = {"files": found.files, "formats": list(found.formats), "passed_over": beside}
    return written(rows, schema=SCHEMA, output=output, title="Drift", meta=meta)


def text(found: Drift) -> Iterator[str]:
    """A table, and how much of how much it is."""
    if found.rows:
        rows = tuple(
            {
                "file": str(row.path),
                "what": row.what + lines_of(row),
                "line": row.line,
                "there": short(row.there),
                "wanted": short(row.wanted),
            }
            for row in found.rows
        )
        yield str(Table(rows, "Drift", COLUMNS)).rstrip("\n")
        yield ""
    stale = sum(row.what == "stale" for row in found.rows)
    other = len(found.rows) - stale
    more = f", and {stale:,} of nodes that are no more" if stale else ""
    of = f"{found.files:,} dumps ({', '.join(found.formats)})"
    yield f"{other:,} of {of} are not as they would be written{more}."
    if beside := found.passed_over:
        some = ", ".join(visible(f"{path.parent.name}/{path.name}") for path in beside[:SHOWN])
        dots = ", …" * (len(beside) > SHOWN)
        yield f"Not compared is what lies beside them and is no dump: {some}{dots}"


def lines_of(row: Drifted) -> str:
    """In how many lines a file differs."""
    return f" in {row.lines:,} line{'s' * (row.lines != 1)}" if row.lines else ""


def short(line: str | None) -> str:
    """The beginning of a line."""
    if line is None:
        return ""
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"
