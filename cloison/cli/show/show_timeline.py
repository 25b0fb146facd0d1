"""`cloison show timeline`: what of a fabric file is in force when."""

from __future__ import annotations

from pathlib import Path

import click

from cloison.cli.shell.options import fabric_argument, whole_option

NO_WINDOW = "No window: the file is the same at all times."


@click.command()
@fabric_argument
@whole_option()
def command(fabric: Path, output: str) -> None:
    """Periods of FABRIC: what begins and ends when, and what is in force.

    Rules, peerings, leaks and expectations with a `window` are in force from its
    first moment until, but not at, the one where it ends. Between two bounds
    nothing changes. Only the file is read; nothing is built.
    """
    from cloison.cli.shell.said_beside import tell_warnings
    from cloison.render.formats import lined, say
    from cloison.render.whole import WholeAnswer, whole
    from cloison.views.reports.report_text import section
    from cloison.views.times import timeline
    from fabric.building.load import load
    from fabric.file.in_force import timed_entries

    spec, warnings = load(fabric)
    timed = timed_entries(spec)
    shown = section(timeline.table(spec)) if timed else (NO_WINDOW,)
    say(whole(WholeAnswer(lambda: timeline.document(spec), lambda: lined(*shown)), output))
    tell_warnings(warnings)
