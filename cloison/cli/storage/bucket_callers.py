"""`cloison storage who-can`: everybody who gets something of a bucket."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloison.cli.shell.errors import UNKNOWN
from cloison.cli.shell.options import fabric_argument, output_option
from cloison.cli.storage.storage_options import asked_bucket, request_options

if TYPE_CHECKING:
    from cloison.loading.how import How


@click.command()
@click.argument("action")
@click.argument("target", metavar="BUCKET[/KEY]")
@fabric_argument
@request_options
@output_option(help="Format of the result on stdout.")
def command(
    action: str,
    target: str,
    fabric: Path,
    source: str | None,
    given: tuple[str, ...],
    without: tuple[str, ...],
    how: How,
    output: str,
) -> None:
    """Who may do ACTION with a bucket, and with --from END gets there.

    Looked at are anonymous callers, keys of organisations that nobody names,
    every key and root of FABRIC, and whoever the policy names and FABRIC does
    not. Words and options are those of can-i. Exit code 4 where one of them is
    unknown, else 0.
    """
    from cloison.render.formats import say
    from cloison.views.storage.asked_buckets import who_can, written_list

    asked = asked_bucket(fabric, how, action, target, source, given, without)
    answers = who_can(asked)
    say(written_list(asked, answers, output))
    if any(one.ruling.verdict == "unknown" for one in answers):
        raise click.exceptions.Exit(UNKNOWN)
