"""`cloison report`: everything about a fabric on one page, to hand on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloison.cli.shell.errors import leave
from cloison.cli.shell.options import (
    fabric_argument,
    quiet_option,
    sweep_options,
    target_option,
    world_options,
)
from fabric.io.visible import visible

if TYPE_CHECKING:
    from cloison.loading.how import How
    from sim.sweep.runner import Runner


@click.command()
@fabric_argument
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="File to write, .html.",
)
@click.option(
    "--base",
    type=click.Path(path_type=Path),
    metavar="REV|FILE",
    help="Say what differs from there, too.",
)
@target_option
@world_options
@sweep_options
@quiet_option
def command(
    fabric: Path,
    out: Path,
    base: Path | None,
    target: str,
    how: How,
    runner: Runner,
    quiet: bool,
) -> None:
    """Everything about FABRIC on one page: the verdict and what is unknown,
    a picture, who reaches whom with packets and lines, expectations, findings,
    how full tables are, and what all of it rests on.

    The page is one file that fetches nothing. It appears whole or not at all;
    the exit code is that of verify: 1 where something is wrong, 4 where that is
    unknown.
    """
    if out.suffix.lower() not in (".html", ".htm"):
        raise click.BadParameter("should end in .html", param_hint="--out")
    from contextlib import ExitStack
    from functools import partial

    from cloison.cli.shell.said_beside import told
    from cloison.loading.revisions import laid_out
    from cloison.render.formats import progress
    from cloison.verbs.over_time import refuse_one_moment
    from cloison.verbs.pair import both
    from cloison.verbs.reporting import reporting
    from cloison.views.world import World

    with ExitStack() as stack:
        tell = stack.enter_context(progress(quiet=quiet))
        before = None
        if base is None:
            world = World.of_fabric(fabric, how)
        else:
            paths = stack.enter_context(laid_out(base, fabric, tell))
            before, world = both([partial(World.of_fabric, path) for path in paths], how)
        refuse_one_moment([world, *([before] if before else [])], how)
        names = {"source": str(fabric), "called": str(base)}
        made = reporting(world, before, **names, target=target, runner=runner, tell=tell)
        tell("write")
        made.save(out)
    told(world)
    click.echo(visible(str(out)), err=True)
    leave(made.verdict)
