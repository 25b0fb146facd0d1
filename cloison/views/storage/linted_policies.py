"""What `cloison storage lint` says of policies."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cloison.render.formats import FORMATS, written
from cloison.views.caveats.diagnosed import diagnostic_rows, in_order
from compiler.decisions.storage.buckets_of_fabric import storage_of
from compiler.decisions.storage.read_policy import read_policy
from compiler.decisions.storage.storage_lints import lint_policy
from fabric.building.load import load_fabric
from fabric.diagnostics import Diagnostic, Diagnostics
from fabric.io.decoded_text import read_text
from fabric.io.placed_json import MOST

SCHEMA = "cloison/storage-lint/1"
COLUMNS = {key: key for key in ("severity", "code", "at", "message", "hint")}


def lint_files(files: Iterable[Path], bucket: str | None) -> list[Diagnostic]:
    """Mistakes, findings and doubts about policies in files of their own."""
    found = Diagnostics()
    for file in files:
        text, name = read_text(file, MOST)
        policy = read_policy(text, name, found)
        if policy is not None:
            lint_policy(policy, found, bucket=bucket)
    return found.items


def lint_fabric(fabric: Path) -> list[Diagnostic]:
    """The same of the buckets of a fabric file; raises `InputError` where it is none."""
    found = Diagnostics()
    storage_of(load_fabric(fabric), found)
    return found.items


def written_lints(found: list[Diagnostic], output: str) -> str:
    """They in a format."""
    rows = [
        {**row, "at": place(row)} if FORMATS[output].cells == "text" else row
        for row in diagnostic_rows(in_order(found))
    ]
    columns = COLUMNS if FORMATS[output].cells == "text" else None
    title = "Policies of buckets" + ("" if rows else ": nothing is wrong")
    return written(rows, schema=SCHEMA, output=output, title=title, columns=columns)


def place(row: dict[str, Any]) -> str:
    """Where it is, as people read it."""
    return f"{row['file']}:{row['line']}:{row['column']}" if row["file"] else ""
