"""`cloison storage who-can`: everybody who gets something of a bucket."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloison.cli.shell.errors import UNKNOWN
from cloison.cli.shell.options import fabric_argument, output_option
from cloison.cli.storage.storage_options import asked_world, request_options

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
    not. Words and options are those of can-i. A BUCKET with a star, such as
    'lga1/*', is each that fits, and listed is who is let in or may be. Exit
    code 4 where one of them is unknown, else 0.
    """
    from cloison.render.formats import say

    world, context = asked_world(fabric, how, given, without)
    if any("*" in part for part in target.split("/", 2)[:2]):
        from cloison.views.storage.many_buckets import many_buckets

        found = many_buckets(world, action, target, source, context)
        say(found.written(output))
        unknown = found.unknown
    else:
        from cloison.views.storage.asked_buckets import AskedBucket, who_can, written_list

        asked = AskedBucket.of(world, action, target, source, context)
        answers = who_can(asked)
        say(written_list(asked, answers, output))
        unknown = any(one.ruling.verdict == "unknown" for one in answers)
    if unknown:
        raise click.exceptions.Exit(UNKNOWN)
