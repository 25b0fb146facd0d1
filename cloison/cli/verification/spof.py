"""`cloison spof`: what a single failure takes away, and from whom."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloison.cli.shell.errors import leave
from cloison.cli.shell.options import (
    fabric_argument,
    quiet_option,
    sweep_options,
    whole_option,
    world_options,
)

if TYPE_CHECKING:
    from cloison.loading.how import How
    from sim.sweep.runner import Runner


@click.command()
@fabric_argument
@world_options
@sweep_options
@whole_option()
@quiet_option
def command(fabric: Path, how: How, runner: Runner, output: str, quiet: bool) -> None:
    """List single points of failure of FABRIC, and who loses what without each.

    Every node that routes, every cable between such nodes and every risk group
    is taken away alone, beside what is --down already. Lost is what some port
    no longer gets through for, whatever ECMP chooses; tenants' endpoints on the
    failed node are gone with it and not listed, but Services of which no pod is
    left are named. Exit code 1 when there is a single point of failure, or a
    finding that no failure needs, 4 when there is none and something is not
    evaluated.
    """
    from cloison.cli.shell.said_beside import tell_findings
    from cloison.render.formats import progress, say
    from cloison.render.whole import WholeAnswer, whole
    from cloison.verbs.failing import single_points
    from cloison.views.world import World

    with progress(quiet=quiet) as tell:
        tell("build and converge")
        world = World.of_fabric(fabric, how)
        found = single_points(world, runner, tell)
    say(whole(WholeAnswer(found.document, found.text), output))
    tell_findings(world)
    leave("fails" if world.findings else found.verdict)
