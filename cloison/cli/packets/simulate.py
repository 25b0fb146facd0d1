"""`cloison simulate`: the main job, from the fabric file to the report."""

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
    whole_option,
    world_options,
)

if TYPE_CHECKING:
    from cloison.loading.how import How
    from cloison.views.reports.simulated import Simulated
    from sim.sweep.runner import Runner


@click.command()
@fabric_argument
@world_options
@sweep_options
@target_option
@whole_option()
@quiet_option
def command(fabric: Path, how: How, runner: Runner, target: str, output: str, quiet: bool) -> None:
    """Build FABRIC, converge, compile, replay traffic, prove isolation, report.

    FABRIC may also be a directory of Kubernetes manifests: then there is no
    fabric, and the report says which workloads reach each other.

    Exit code 0 when isolation and every `expect:` line hold, 1 when not, 4
    when that is unknown: something that touches it is not evaluated, or nothing
    is expected. Of manifests alone nothing is expected.
    """
    from cloison.cli.shell.said_beside import announce_kernels, tell_warnings

    announce_kernels()
    from cloison.render.formats import progress
    from cloison.verbs.simulation import run
    from cloison.views.world import World

    with progress(quiet=quiet) as tell:
        found = run(lambda: World.read([fabric], how), target=target, tell=tell, runner=runner)
    show(found, output)
    tell_warnings(found.world.network.warnings)
    leave(found.verdict)


def show(found: Simulated, output: str) -> None:
    """The report on stdout."""
    from cloison.render.formats import say
    from cloison.render.whole import WholeAnswer, whole

    say(whole(WholeAnswer(found.document, found.text), output))
