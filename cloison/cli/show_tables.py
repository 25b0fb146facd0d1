"""`cloison show tables`: how full every DPU is, one DPU's tables entry by entry, or as a classifier
holds them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloison.cli import completion
from cloison.cli.options import (
    fabric_argument,
    output_option,
    quiet_option,
    target_option,
    world_options,
)

if TYPE_CHECKING:
    from cloison.how import How
    from compiler.program.program import Program


@click.command()
@fabric_argument
@click.option(
    "--node", shell_complete=completion.nodes, help="Show this DPU, leaf or border entry by entry."
)
@click.option(
    "--engine",
    is_flag=True,
    help="How a classifier holds the stages of --node [the fullest].",
)
@target_option
@world_options
@output_option()
@quiet_option
def command(
    fabric: Path,
    node: str | None,
    engine: bool,
    target: str,
    how: How,
    output: str,
    quiet: bool,
) -> None:
    """Table entries per DPU, against what the target holds.

    With --engine: per policy stage its rules, the rows that they would be in a
    table without lists, the engine chosen, why, its bytes and build time.
    """
    from cloison.cli.check import told
    from cloison.render.formats import emit
    from cloison.views.compiled import usage_rows
    from cloison.views.world import World
    from compiler.targets.catalogue import profile as profile_of
    from compiler.targets.usage import usage

    profile = profile_of(target)
    program = told(World.of_fabric(fabric, how)).program
    if engine:
        show_engines(program, node, output, quiet)
        return
    if node is not None:
        show_node(program, node, output)
        return
    rows = usage_rows(usage(program, profile))
    emit(rows, schema="cloison/capacity/1", output=output, title=f"Fill of {profile.title}")


def show_node(program: Program, name: str, output: str) -> None:
    """Every entry of one enforcement point, in evaluation order."""
    from cloison.render.formats import emit
    from cloison.views.compiled import enforcing, entry_rows
    from compiler.targets import text

    node = enforcing(program, name)
    if output == "table":
        click.echo(text.render(program, node), nl=False)
        return
    emit(
        entry_rows(program, node),
        schema="cloison/entries/1",
        output=output,
        title=f"Entries of {name}",
    )


def show_engines(program: Program, name: str | None, output: str, quiet: bool) -> None:
    """How the classifier holds every stage of one enforcement point."""
    from cloison.cli.simulate import announce_kernels
    from cloison.render.formats import emit, progress, show, table, titled
    from cloison.views.compiled import enforcing
    from cloison.views.engines import SHOWN, engine_rows, fullest
    from compiler.program.dpu import enforcement_points
    from fabric.io.visible import lines

    if name is None:
        node = fullest(program, enforcement_points(program))
    else:
        node = enforcing(program, name)
    announce_kernels()
    with progress(quiet=quiet) as tell:
        rows = engine_rows(program, node, tell)
    shown = program.network.fabric.nodes[node].name
    title, meta = f"Engines of {shown}", {"node": shown}
    if output == "table":
        why = [f"{row['stage']} {row['table']}: {row['why']}" for row in rows]
        show(*titled(title, table(rows, SHOWN)), "", *titled("Why", lines(*why)))
        return
    emit(rows, schema="cloison/engines/1", output=output, title=title, meta=meta)
