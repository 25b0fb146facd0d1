"""`cloison identity user`: whom an API server takes the bearer of a token for."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import click

from cloison.cli.shell.errors import FINDING, UNKNOWN
from cloison.cli.shell.judged_at import judged_at
from cloison.cli.shell.options import authentication_options, output_option
from cloison.cli.shell.told_lines import tell


@click.command()
@click.argument("files", metavar="TOKEN...", nargs=-1, type=click.Path(path_type=Path))
@authentication_options
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
    authentication: Path | None,
    trusted: tuple[str, ...],
    moment: str | None,
    requests: IO[bytes] | None,
    output: str | None,
) -> None:
    """Whom an API server takes the bearers of tokens (OpenID Connect) for.

    TOKEN is a file that holds one. --authentication is the server's own
    AuthenticationConfiguration: issuers, audiences, claims and prefixes. Keys of
    issuers are not fetched: --trust says them. Expressions (CEL) are not
    evaluated; what they decide is unknown. Exit code 0 when all are accepted, 1
    when one is refused, 4 when one is unknown.
    """
    from cloison.render.formats import say
    from cloison.views.token_bearers import TokenReader, answers, report, row

    at = judged_at(moment)
    if bool(files) == (requests is not None):
        raise click.UsageError("name files, or questions with --requests")
    reader = TokenReader.of(authentication, trusted, at)
    if requests is not None:
        out = output or "jsonl"
        tell(answers(requests, reader), out, lambda rows: report(rows, at, out))
        return
    found = [{"file": str(file), **row(reader.of_file(file))} for file in files]
    say(report(found, at, output or "table"))
    verdicts = {one["verdict"] for one in found}
    if "refused" in verdicts:
        raise click.exceptions.Exit(FINDING)
    if "unknown" in verdicts:
        raise click.exceptions.Exit(UNKNOWN)
