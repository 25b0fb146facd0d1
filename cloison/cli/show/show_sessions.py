"""`cloison show sessions`: BGP sessions, both ends of each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloison.cli.shell import completion
from cloison.cli.shell.options import fabric_argument, output_option, world_options

if TYPE_CHECKING:
    from cloison.loading.how import How


@click.command()
@fabric_argument
@click.option("--node", shell_complete=completion.nodes, help="Only sessions of this node.")
@click.option("--failed", is_flag=True, help="Only sessions that are not established.")
@world_options
@output_option()
def command(fabric: Path, node: str | None, failed: bool, how: How, output: str) -> None:
    """BGP sessions of FABRIC with their state, and why one is down."""
    from cloison.cli.shell.said_beside import told
    from cloison.render.formats import say
    from cloison.views.caveats.unknowns import listing
    from cloison.views.network.sessions import rows
    from cloison.views.network.topology import known_node
    from cloison.views.world import World

    network = told(World.of_fabric(fabric, how)).network
    if node is not None:
        known_node(network.fabric, node)
    wanted = [
        row
        for row in rows(network)
        if node in (None, row["node"]) and not (failed and row["state"] == "established")
    ]
    say(listing(network, wanted, schema="cloison/sessions/1", output=output, title="Sessions"))
