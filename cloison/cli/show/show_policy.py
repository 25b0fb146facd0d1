"""`cloison show policy`: the rules as the frontends read them, before any name is resolved."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloison.cli.shell.options import NameChoice, fabric_argument, output_option, world_options

if TYPE_CHECKING:
    from cloison.loading.how import How


def labels() -> Iterable[str]:
    """The stages of every policy that is read."""
    from compiler.policy.stages import every

    return (stage.label for stage in every())


@click.command()
@fabric_argument
@click.option("--stage", type=NameChoice(labels), help="Only this stage.")
@world_options
@output_option()
def command(fabric: Path, stage: str | None, how: How, output: str) -> None:
    """Rules and selections of FABRIC and its manifests, in evaluation order."""
    from cloison.cli.shell.said_beside import told
    from cloison.render.formats import FORMATS, say, show
    from cloison.views.caveats.unknowns import left_out, listing
    from cloison.views.network.policy import listed, rows
    from cloison.views.world import World

    world = told(World.of_fabric(fabric, how))
    records = world.network.not_evaluated
    wanted = [row for row in rows(world.policy_read) if stage in (None, row["stage"])]
    if FORMATS[output].told == "text":
        show(*(line for row in wanted for line in listed(row)))
        say(left_out(records))
    else:
        schema = "cloison/policy/1"
        say(listing(world.network, wanted, schema=schema, output=output, title="Policy"))
