"""`cloison expect`: lines of `expect:` that say what is now, to read and to keep."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloison.cli.shell.errors import UNKNOWN
from cloison.cli.shell.options import fabric_argument, quiet_option, world_options

if TYPE_CHECKING:
    from cloison.loading.how import How


@click.command()
@fabric_argument
@click.option(
    "--from-current",
    "current",
    is_flag=True,
    required=True,
    help="Say what is now; there is no other source of lines yet.",
)
@world_options
@quiet_option
def command(fabric: Path, current: bool, how: How, quiet: bool) -> None:
    """Write `expect:` lines that hold of FABRIC now, grouped, for a person to read.

    First which tenants and zones meet nobody of which others, then parts of
    tenants, then which workloads meet, on exactly which ports; those between
    two tenants come first. Last what one tenant does not reach of another one:
    whatever it comes to reach there breaks a line. Comments say what breaks none:
    what may open inside of tenants, or for more addresses. Read the lines: what
    should not be so is a finding, what should goes into the fabric file, and
    `verify` holds it from then on. Every line was judged as `verify` would, and
    nothing that is not evaluated touches it; comments say what no line says, and
    why. Exit code 4 when that leaves no line.
    """
    from cloison.cli.shell.said_beside import told
    from cloison.render.formats import progress, say
    from cloison.verbs.saying_now import lines_to_keep
    from cloison.views.world import World

    with progress(quiet=quiet) as tell:
        tell("build and converge")
        world = World.of_fabric(fabric, how)
        found = lines_to_keep(world, tell)
    told(world)
    say(found.text())
    if not found:
        raise click.exceptions.Exit(UNKNOWN)
