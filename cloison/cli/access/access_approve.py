"""`cloison access approve`: let in who asked, for a time."""

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
@click.option("--hours", type=click.FloatRange(0, 8, min_open=True), default=8.0, show_default=True)
@click.option("--evidence", default="", metavar="slack|email", help="It was approved in writing.")
@moment_option
@output_option()
def command(
    fabric: Path,
    history: Path | None,
    number: int,
    who: str,
    hours: float,
    evidence: str,
    moment: str | None,
    output: str,
) -> None:
    """Approve request NUMBER as WHO, who is an approver of the tenant and did not ask.

    Access begins now and ends after eight hours, or fewer.
    """
    from datetime import timedelta

    from cloison.render.formats import say
    from cloison.views.support_access import listed

    now = judged_at(moment)
    made = desk(fabric, history).answer(number, who, now, timedelta(hours=hours), evidence)
    say(listed([made], now, output))
