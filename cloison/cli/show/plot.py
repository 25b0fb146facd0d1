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
    from cloison.render.plot import Drawing
    from cloison.views.world import World

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
    from cloison.views.world import World

    world = told(World.read([fabric], how))
    known_tenant(world, tenant)
    drawing, unknown = draw_matrix(world) if matrix else draw_fabric(world, tenant, trace)
    drawing.save(out)
    click.echo(str(out), err=True)
    if unknown:
        raise click.exceptions.Exit(UNKNOWN)


def known_tenant(world: World, tenant: str | None) -> None:
    """Raise `InputError` unless a tenant or zone has this name."""
    from fabric.diagnostics import Diagnostic, InputError, did_you_mean

    known = sorted({vrf.tenant for vrf in world.network.vrfs})
    if tenant is not None and tenant not in known:
        hint = did_you_mean(tenant, known) or f"there are: {', '.join(known)}"
        raise InputError(Diagnostic("C334", f'no tenant is called "{tenant}"', hint=hint))


def draw_fabric(
    world: World, tenant: str | None, trace: tuple[str, str] | None
) -> tuple[Drawing, bool]:
    """The Clos, with what is to be highlighted, and whether a verdict in it is unknown."""
    if trace is None:
        return world.plot(tenant=tenant), False
    from cloison.views.packets.explained import Explained
    from sim.why.one_answer import explain

    explained = Explained(explain(world, *trace))
    return explained.plot(tenant=tenant), explained.verdict == "unknown"


def draw_matrix(world: World) -> tuple[Drawing, bool]:
    """The isolation matrix as a heat map, and whether it is unknown."""
    from cloison.views.isolation.isolation_matrix import heatmap
    from sim.proof.prove import prove

    proof = prove(world)
    return heatmap(proof), bool(proof.pending)
