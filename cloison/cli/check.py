"""`cloison check`: every mistake in fabric files, with the line and a hint."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloison.cli.options import output_option

if TYPE_CHECKING:
    from fabric.diagnostics import Diagnostic


@click.command()
@click.argument("fabric", type=click.Path(path_type=Path, allow_dash=True), nargs=-1, required=True)
@output_option("table", "json")
def command(fabric: tuple[Path, ...], output: str) -> None:
    """Read fabric files and all that they name; list every mistake.

    Exit code 2 when there is an error, 0 when there are none or warnings only.
    """
    from cloison.render_diagnostics import render, summary

    sources: dict[str, str] = {}
    found = [d for path in fabric for d in diagnostics(path, sources)]
    if output == "json":
        click.echo(as_json(found))
    else:
        colour = sys.stdout.isatty() and not no_colour()
        if found:
            click.echo(render(found, sources, colour=colour))
        files = f"{len(fabric)} files" if len(fabric) > 1 else str(fabric[0])
        click.echo(f"{files}: {summary(found)}")
    if any(d.severity == "error" for d in found):
        raise click.exceptions.Exit(2)


def no_colour() -> bool:
    """Whether the user asked for no colour (no-color.org)."""
    import os

    return bool(os.environ.get("NO_COLOR"))


def diagnostics(path: Path, sources: dict[str, str]) -> Iterator[Diagnostic]:
    """Errors and warnings of one file, in the order of the file."""
    from fabric.diagnostics import InputError
    from fabric.load import load
    from fabric.reader import read_text

    try:
        text, name = read_text(path)
        sources[name] = text
        _, warnings = load(name, text)
    except InputError as error:
        yield from error.diagnostics
        return
    yield from warnings


def as_json(found: list[Diagnostic]) -> str:
    """`cloison/diagnostics/1`."""
    from cloison.render import json_text

    rows = [
        {
            "code": d.code,
            "severity": d.severity,
            "file": d.span and d.span.file,
            "line": d.span and d.span.line,
            "column": d.span and d.span.column,
            "message": d.message,
            "hint": d.hint,
        }
        for d in found
    ]
    return json_text({"schema": "cloison/diagnostics/1", "rows": rows})
