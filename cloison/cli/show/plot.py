"""`cloison plot`: the fabric by tier, a tenant, the path of a flow, or the isolation matrix."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloison.cli.shell import completion
from cloison.cli.shell.errors import UNKNOWN
from cloison.cli.shell.options import fabric_argument, world_options

if TYPE_CHECKING:
    from cloison.loading.how import How

SUFFIXES = (".svg", ".png", ".pdf")


@click.command()
@fabric_argument
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="File to write; its suffix (.svg, .png, .pdf) says the format.",
)
@click.option(
    "--tenant", shell_complete=completion.tenants, help="Colour the nodes of this tenant alone."
)
@click.option(
    "--trace",
    shell_complete=completion.endpoints,
    nargs=2,
    metavar="SRC DST:PORT",
    help="Show the path of this flow, and where and why it stops.",
)
@click.option("--matrix", is_flag=True, help="Draw the isolation matrix instead.")
@world_options
def command(
    fabric: Path,
    out: Path,
    tenant: str | None,
    trace: tuple[str, str] | None,
    matrix: bool,
    how: How,
) -> None:
    """Draw FABRIC. The file appears whole or not at all.

    Exit code 4 when a matrix or a path that is drawn is unknown, because
    something that touches it is not evaluated; the title says so.
    """
    if out.suffix.lower() not in SUFFIXES:
        raise click.BadParameter(f"should end in {', '.join(SUFFIXES)}", param_hint="--out")
    if matrix and (tenant or trace):
        raise click.UsageError("--matrix goes with neither --tenant nor --trace")
    from cloison.cli.shell.said_beside import told
    from cloison.verbs.drawing import drawing
    from cloison.views.world import World

    found = drawing(told(World.read([fabric], how)), tenant=tenant, trace=trace, matrix=matrix)
    found.save(out)
    click.echo(str(out), err=True)
    if found.verdict == "unknown":
        raise click.exceptions.Exit(UNKNOWN)
