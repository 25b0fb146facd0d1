"""`cloison access timeline`: what happens when."""

from __future__ import annotations

from pathlib import Path

import click

from cloison.cli.access.desk_options import desk, desk_options
from cloison.cli.shell.options import output_option


@click.command()
@desk_options
@output_option()
def command(fabric: Path, history: Path | None, output: str) -> None:
    """Requests, answers and ends of access, in order."""
    from cloison.render.formats import say
    from cloison.views.support_access import timeline

    say(timeline(desk(fabric, history).requests(), output))
