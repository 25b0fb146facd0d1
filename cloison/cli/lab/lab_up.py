"""`cloison lab up`: build a fabric in the kernel and leave it there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloison.cli.shell.options import (
    fabric_argument,
    quiet_option,
    spelt,
    unrecorded,
    world_options,
)

if TYPE_CHECKING:
    from cloison.loading.how import How


@click.command()
@fabric_argument
@world_options
@quiet_option
def command(fabric: Path, how: How, quiet: bool) -> None:
    """Build FABRIC in network namespaces: one per node, one per VRF of a VTEP.

    Where the kernel has VRF devices they are used instead of namespaces per
    VRF. Prints the lab's id and where to look.
    """
    if others := unrecorded(how):
        raise click.UsageError(f"a lab is built as the network stands, without {spelt(others)}")
    from cloison.render.formats import progress
    from cloison.views.lab import Lab

    with progress(quiet=quiet) as tell:
        lab = Lab.up(fabric, how, tell)
    layout = lab.layout
    click.echo(f"lab {layout.id}: {len(layout.spaces)} namespaces, VRFs as {lab.realisation}")
    first = layout.endpoints[0] if layout.endpoints else None
    if first is not None:
        space = layout.instance_space(first.vtep, first.vrf)
        click.echo(f"look at {first.name}: ip netns exec {space} nft list ruleset")
    if not lab.rules:
        click.echo("this kernel has no nftables for IP: no policy is in force", err=True)
    click.echo(f"then: cloison lab test {fabric}; cloison lab down {layout.id}")
