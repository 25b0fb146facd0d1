"""`cloison spof`: what a single failure takes away, and from whom."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloison.cli.errors import leave
from cloison.cli.options import (
    fabric_argument,
    output_option,
    quiet_option,
    sweep_options,
    world_options,
)

if TYPE_CHECKING:
    from cloison.loading.how import How
    from sim.sweep.runner import Runner


@click.command()
@fabric_argument
@world_options
@sweep_options
@output_option("table", "json")
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
    from cloison.cli.check import tell_findings
    from cloison.render.formats import json_text, progress, say, show, table, titled, visible
    from cloison.views import spof as view
    from cloison.views.report_text import otherwise
    from cloison.views.unknowns import below
    from cloison.views.world import World
    from sim.proof.spof import spof

    with progress(quiet=quiet) as tell:
        tell("build and converge")
        world = World.of_fabric(fabric, how)
        found = world.part(
            "spof", lambda: spof(world, lambda what: tell(f"try failures: {what}"), runner)
        )
    if output == "json":
        click.echo(json_text(view.document(found)))
    else:
        part = view.lost_table(found)
        if part.rows:
            show(*titled(part.title, table(part.rows, part.columns)))
        say(below(world.network.not_evaluated))
        if words := view.of_services(found):
            show(visible(words))
        for line in otherwise(world.network):
            show(line)
        click.echo(view.sentence(found))
    tell_findings(world)
    leave("fails" if world.findings else view.verdict(found))
