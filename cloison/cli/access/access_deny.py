"""`cloison access deny`: keep out who asked."""

from __future__ import annotations

from pathlib import Path

import click

from cloison.cli.access.desk_options import desk, desk_options, moment_option
from cloison.cli.shell.judged_at import judged_at
from cloison.cli.shell.options import output_option


@click.command()
@desk_options
@click.argument("number", type=int)
@click.argument("who")
@moment_option
@output_option()
def command(
    fabric: Path, history: Path | None, number: int, who: str, moment: str | None, output: str
) -> None:
    """Deny request NUMBER as WHO, who is an approver of the tenant and did not ask."""
    from cloison.render.formats import say
    from cloison.views.support_access import listed

    now = judged_at(moment)
    made = desk(fabric, history).answer(number, who, now, None, "")
    say(listed([made], now, output))
