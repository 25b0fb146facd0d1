"""`cloison access list`: requests, and what each is at a moment."""

from __future__ import annotations

from pathlib import Path

import click

from cloison.cli.access.desk_options import desk, desk_options, moment_option
from cloison.cli.shell.judged_at import judged_at
from cloison.cli.shell.options import output_option


@click.command()
@desk_options
@moment_option
@output_option()
def command(fabric: Path, history: Path | None, moment: str | None, output: str) -> None:
    """Requests that were asked for, and what each is: pending, approved, denied, expired, ended."""
    from cloison.render.formats import say
    from cloison.views.support_access import listed

    say(listed(desk(fabric, history).requests(), judged_at(moment), output))
