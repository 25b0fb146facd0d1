"""`cloison access show`: one request, and what it lets in."""

from __future__ import annotations

from pathlib import Path

import click

from cloison.cli.access.desk_options import desk, desk_options, moment_option
from cloison.cli.shell.judged_at import judged_at
from cloison.cli.shell.options import output_option


@click.command()
@desk_options
@click.argument("number", type=int)
@moment_option
@output_option()
def command(
    fabric: Path, history: Path | None, number: int, moment: str | None, output: str
) -> None:
    """Request NUMBER as it is, and the entry of Zone 0 that its approval makes."""
    from cloison.render.formats import say
    from cloison.views.support_access import shown

    now = judged_at(moment)
    at_desk = desk(fabric, history)
    say(shown(at_desk, at_desk.one(number), now, output))
