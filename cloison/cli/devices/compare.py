"""`cloison compare`: what devices have, against what the model says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloison.cli.shell.errors import FINDING, UNKNOWN
from cloison.cli.shell.options import fabric_argument, output_option, quiet_option, world_options

if TYPE_CHECKING:
    from cloison.loading.how import How


@click.command()
@fabric_argument
@click.option(
    "--state",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="DIR",
    required=True,
    help="What devices say: NODE/WHAT.json or NODE.WHAT.json.",
)
@world_options
@output_option()
@quiet_option
def command(fabric: Path, folder: Path, how: How, output: str, quiet: bool) -> None:
    """Compare what devices say that they have with what FABRIC wants.

    DIR has JSON of FRR (`show bgp l2vpn evpn route type prefix json`, `show ip
    route vrf all json`, `show ipv6 route vrf all json`, or those of one VRF) and
    of the kernel (`ip -j route show vrf VRF`, with the VRF in the file's name; `nft
    -j list ruleset`), of one node or of all. Missing, extra and different routes and
    rules come with the line that wants them, and the answer with the time at which
    the files were written. Of what has no file nothing is known: how much was there to compare
    is in the answer. Exit code 1 when something differs, 4 when a file of a node is
    empty or cannot be read, else 0.
    """
    from cloison.cli.shell.said_beside import tell_findings
    from cloison.render.formats import progress, say
    from cloison.views.devices.found_state import state, told, unread
    from cloison.views.world import World

    with progress(quiet=quiet) as tell:
        tell("build and converge")
        world = World.of_fabric(fabric, how)
        result, found = state(world.network, folder, tell, lambda: world.program)
    tell_findings(world)
    say(told(world.network, result, found, output))
    if result.rows:
        raise click.exceptions.Exit(FINDING)
    if unread(found):
        raise click.exceptions.Exit(UNKNOWN)
