"""`cloison show tables`: how full every DPU is, one DPU's tables entry by entry, or what decides in
their place here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloison.cli.shell import completion
from cloison.cli.shell.options import (
    fabric_argument,
    output_option,
    target_option,
    world_options,
)

if TYPE_CHECKING:
    from cloison.loading.how import How
    from cloison.views.world import World
    from compiler.program.program import Program


@click.command()
@fabric_argument
@click.option(
    "--node", shell_complete=completion.nodes, help="Show this DPU, leaf or border entry by entry."
)
@click.option(
    "--engine",
    is_flag=True,
    help="What decides about packets in a replay [everywhere].",
)
@target_option
@world_options
@output_option()
def command(
    fabric: Path,
    node: str | None,
    engine: bool,
    target: str,
    how: How,
    output: str,
) -> None:
    """Table entries per DPU, against what the target holds.

    With --engine: the tables that replay and simulation look packets up in, how,
    and their bytes; blocks by VRF, of --node those that endpoints there have.
    """
    from cloison.cli.shell.said_beside import told
    from cloison.render.formats import say
    from cloison.views.caveats.unknowns import listing
    from cloison.views.dumps.compiled import usage_rows
    from cloison.views.world import World
    from compiler.targets.catalogue import profile as profile_of
    from compiler.targets.usage import usage

    profile = profile_of(target)
    world = told(World.of_fabric(fabric, how))
    program = world.program
    if engine:
        show_engines(world, node, output)
        return
    if node is not None:
        show_node(program, node, output)
        return
    rows, title = usage_rows(usage(program, profile)), f"Fill of {profile.title}"
    say(listing(world.network, rows, schema="cloison/capacity/1", output=output, title=title))


def show_node(program: Program, name: str, output: str) -> None:
    """Every entry of one enforcement point, in evaluation order."""
    from cloison.render.formats import FORMATS, say
    from cloison.views.caveats.unknowns import left_out, listing
    from cloison.views.dumps.compiled import enforcing, entry_rows
    from compiler.targets import text

    node = enforcing(program, name)
    if FORMATS[output].told == "text":
        click.echo(text.render(program, node), nl=False)
        say(left_out(program.network.not_evaluated))
        return
    rows, title = entry_rows(program, node), f"Entries of {name}"
    say(listing(program.network, rows, schema="cloison/entries/1", output=output, title=title))


def show_engines(world: World, name: str | None, output: str) -> None:
    """What decides, in the whole world or at one enforcement point."""
    from cloison.render.formats import FORMATS, say, show, table, titled
    from cloison.views.caveats.unknowns import left_out, listing
    from cloison.views.dumps.compiled import enforcing
    from cloison.views.dumps.engines import SHOWN, engine_rows
    from fabric.io.visible import lines

    rows = engine_rows(world, None if name is None else enforcing(world.program, name))
    records = world.network.not_evaluated
    title = "What decides" if name is None else f"What decides at {name}"
    if FORMATS[output].told == "text":
        how = dict.fromkeys(f"{row['table']}: {row['engine']}" for row in rows)
        show(*titled(title, table(rows, SHOWN)), "", *titled("How", lines(*how)))
        say(left_out(records))
        return
    schema, beside = "cloison/engines/2", {"node": name}
    say(listing(world.network, rows, schema=schema, output=output, title=title, beside=beside))
