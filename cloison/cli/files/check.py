"""`cloison check`: every mistake in fabric files, with the line and a hint."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from cloison.cli.shell.annotate import Audience, audience_options, for_ci
from cloison.cli.shell.errors import FINDING, UNKNOWN, USAGE
from cloison.cli.shell.options import (
    accept_option,
    axis_options,
    locked_option,
    quiet_option,
    whole_option,
)
from cloison.render.colour import colour_wanted

if TYPE_CHECKING:
    from cloison.loading.how import How
    from cloison.render.ci.annotation import Report
    from cloison.render.formats import Tell
    from fabric.diagnostics import Diagnostic


CODES = {"error": USAGE, "finding": FINDING, "unknown": UNKNOWN}
"""Exit codes by severity, the worst first."""


@click.command()
@click.argument("fabric", type=click.Path(path_type=Path, allow_dash=True), nargs=-1, required=True)
@locked_option
@accept_option
@axis_options(lambda axis: axis.file is not None)
@audience_options
@whole_option(markdown=True, more=for_ci)
@quiet_option
def command(
    fabric: tuple[Path, ...],
    locked: bool,
    accept: tuple[str, ...],
    on: dict[str, tuple[str, ...]],
    audience: Audience,
    quiet: bool,
) -> None:
    """Read fabric files and all that they name; list every mistake.

    Builds the network as every other verb does, but sends no packet and writes
    nothing: what the lock file does not have yet is drawn and forgotten. A file
    with windows is checked at all times, or at the moment that --at says.
    Exit code 2 when there is an error, 1 when there is a finding (such as a
    route that is imported without a declared intent), 4 when manifests hold
    what may decide who reaches whom and is not evaluated, else 0.
    """
    from cloison.loading.how import How
    from cloison.render.diagnostics import render, summary
    from cloison.render.formats import progress

    sources: dict[str, str] = {}
    drawn: Literal["refused", "forgotten"] = "refused" if locked else "forgotten"
    how = How(on, drawn, accept=accept)
    with progress(quiet=quiet) as tell:
        found = [d for path in fabric for d in diagnostics(path, sources, how, tell)]
    files = f"{len(fabric)} files" if len(fabric) > 1 else str(fabric[0])

    def report() -> Report:
        from cloison.views.annotated import of_diagnostics

        return of_diagnostics("check", str(fabric[0]), found, _verdict(found) or "error")

    def text() -> str:
        quoted = f"{render(found, sources, colour=colour_wanted())}\n" if found else ""
        return f"{quoted}{files}: {summary(found)}\n"

    audience.answer(lambda: document(found), text, report)
    audience.tell(report)
    severities = {d.severity for d in found}
    for severity, code in CODES.items():
        if severity in severities:
            raise click.exceptions.Exit(code)


def diagnostics(path: Path, sources: dict[str, str], how: How, tell: Tell) -> list[Diagnostic]:
    """Everything about one file, whose text goes into `sources`."""
    from cloison.verbs.checking import check_file
    from fabric.diagnostics import InputError
    from fabric.io.decoded_text import read_text

    try:
        text, name = read_text(path)
    except InputError as error:
        from fabric.building.load import directed

        return list(directed(path, error))
    sources[name] = text
    tell(f"checking {path}")
    return check_file(name, text, how)


def document(found: list[Diagnostic]) -> dict[str, Any]:
    """`cloison/diagnostics/1`."""
    from cloison.views.caveats.diagnosed import diagnostic_rows

    rows = diagnostic_rows(found)
    return {"schema": "cloison/diagnostics/1", "verdict": _verdict(found), "rows": rows}


def _verdict(found: list[Diagnostic]) -> str | None:
    worst = next((severity for severity in CODES if any(d.severity == severity for d in found)), "")
    return {"error": None, "finding": "fails", "unknown": "unknown"}.get(worst, "holds")
