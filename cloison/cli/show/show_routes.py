"""`cloison show routes`: the FIB per VTEP and VRF, or the Type-5 routes behind it."""

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
@click.option(
    "--node",
    shell_complete=completion.nodes,
    help="Only this VTEP's routes; with --evpn, as this node receives them.",
)
@click.option("--vrf", shell_complete=completion.vrfs, help="Only this VRF (tenant/vrf).")
@click.option("--prefix", help="Only routes that hold this address or lie in this prefix.")
@click.option("--evpn", is_flag=True, help="Type-5 routes as announced instead of the FIB.")
@click.option("--underlay", is_flag=True, help="Routes to loopbacks, of every node, instead.")
@click.option(
    "--paths", is_flag=True, help="With --underlay: what every session brings, and why not used."
)
@world_options
@output_option()
def command(
    fabric: Path,
    node: str | None,
    vrf: str | None,
    prefix: str | None,
    evpn: bool,
    underlay: bool,
    paths: bool,
    how: How,
    output: str,
) -> None:
    """Routes of FABRIC: where each prefix leads and why the VRF has it.

    With --underlay: what eBGP leaves on every node for the loopbacks of the
    others, with all next hops and the AS path, and how many paths that are as
    short are missed, for what reason. With --paths a row for every session
    and loopback: the AS path that comes over it, whether it is used, and why
    not.
    """
    from cloison.cli.shell.said_beside import told
    from cloison.render.formats import say
    from cloison.views.caveats.unknowns import listing
    from cloison.views.network.routes import (
        SHOWN,
        fib_rows,
        holds,
        is_vtep,
        known_vrf,
        parse_prefix,
        path_rows,
        type5_rows,
        underlay_rows,
    )
    from cloison.views.network.topology import known_node
    from cloison.views.world import World

    if underlay and (evpn or vrf is not None):
        raise click.UsageError("--underlay goes with neither --evpn nor --vrf: it has no VRFs")
    if paths and not underlay:
        raise click.UsageError("--paths goes with --underlay: it is about paths to loopbacks")
    network = told(World.of_fabric(fabric, how)).network
    if node is not None:
        known_node(network.fabric, node)
    known_vrf(network, vrf)
    try:
        wanted = parse_prefix(prefix)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--prefix") from error
    if paths:
        found, what = path_rows(network, node), "underlay-paths"
    elif underlay:
        found, what = underlay_rows(network, node), "underlay-routes"
    elif evpn:
        found, what = type5_rows(network, node, vrf), "evpn-routes"
    else:
        found, what = fib_rows(network, node, vrf), "routes"
    rows = [row for row in found if holds(row["prefix"], wanted)]
    title, columns = SHOWN[what]
    if what == "underlay-routes" and network.underlay.speeds is not None:
        columns = (*columns, "weights")
    schema = f"cloison/{what}/1"
    say(listing(network, rows, schema=schema, output=output, title=title, columns=columns))
    if what == "routes" and not rows and node is not None and not is_vtep(network, node):
        click.echo(
            f"{node} is no VTEP here and has no VRFs; --evpn shows what it receives, --underlay "
            "its routes to loopbacks",
            err=True,
        )
