"""`cloison show addresses`: what was pinned, locked or drawn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloison.cli.shell.options import fabric_argument, output_option, world_options

if TYPE_CHECKING:
    from cloison.loading.how import How


@click.command()
@fabric_argument
@click.option(
    "--what",
    type=click.Choice(["nodes", "vrfs", "instances", "blocks", "endpoints"]),
    default="vrfs",
    show_default=True,
    help="Which numbers.",
)
@world_options
@output_option()
def command(fabric: Path, what: str, how: How, output: str) -> None:
    """ASNs and loopbacks of FABRIC's nodes; VNIs, RTs and prefixes of its VRFs;
    RDs and router MACs per VTEP and VRF; blocks of hosts; addresses of endpoints."""
    from cloison.cli.shell.said_beside import told
    from cloison.render.formats import say
    from cloison.views.caveats.unknowns import listing
    from cloison.views.network.drawn_numbers import TABLES
    from cloison.views.world import World

    network = told(World.of_fabric(fabric, how)).network
    rows, title = [*TABLES[what](network)], "VRFs" if what == "vrfs" else what.capitalize()
    schema = f"cloison/addresses-{what}/1"
    say(listing(network, rows, schema=schema, output=output, title=title))
