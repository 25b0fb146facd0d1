"""`cloison identity check`: whether documents prove identities, at a moment."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import click

from cloison.cli.shell.errors import FINDING, UNKNOWN
from cloison.cli.shell.judged_at import judged_at
from cloison.cli.shell.options import output_option
from cloison.cli.shell.told_lines import tell


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--trust",
    "trusted",
    multiple=True,
    metavar="DOMAIN=FILE",
    help="The bundle of a trust domain: PEM, or a set of keys (repeatable).",
)
@click.option("--audience", metavar="NAME", help="To whom tokens are presented.")
@click.option("--at", "moment", metavar="TIME", help="Judge at this time (RFC 3339), not now.")
@click.option(
    "--requests",
    type=click.File("rb"),
    metavar="FILE|-",
    help="Answer questions, one JSON object per line.",
)
@output_option(
    default=None,
    help="Format of the result on stdout [default: table; jsonl with --requests].",
)
def command(
    files: tuple[Path, ...],
    trusted: tuple[str, ...],
    audience: str | None,
    moment: str | None,
    requests: IO[bytes] | None,
    output: str | None,
) -> None:
    """Judge SPIFFE documents: chains of certificates (PEM) and tokens (JWT).

    A document is accepted when the bundle of its own trust domain vouches for
    it, as the standards for X.509- and JWT-SVIDs ask, at --at. Nothing is asked
    of a network: what was revoked since, nobody knows here. What depends on
    something that is not judged (an algorithm, a constraint, a token without
    --audience) is unknown. Exit code 0 when all are accepted, 1 when one is
    refused, 4 when one is unknown.
    """
    from cloison.render.formats import say
    from cloison.views.judged import answered, answers, bundles, judged, report

    at = judged_at(moment)
    if bool(files) == (requests is not None):
        raise click.UsageError("name files, or questions with --requests")
    known = bundles(trusted)
    if requests is not None:
        out = output or "jsonl"
        said = answers(requests, known, at, audience)
        tell(said, out, lambda rows: answered(rows, at, audience, out))
        return
    found = judged(files, known, at, audience)
    say(report(found, at, audience, output or "table"))
    verdicts = {one.said.verdict for one in found}
    if "refused" in verdicts:
        raise click.exceptions.Exit(FINDING)
    if "unknown" in verdicts:
        raise click.exceptions.Exit(UNKNOWN)
