"""`cloison show topology`: nodes, or links, as cabled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloison.cli.shell import completion
from cloison.cli.shell.options import axis_options, fabric_argument, output_option

if TYPE_CHECKING:
    pass


@click.command()
@fabric_argument
@click.option("--links", is_flag=True, help="Links and their ports instead of nodes.")
@click.option("--node", shell_complete=completion.nodes, help="Only this node, or its links.")
@axis_options(lambda axis: axis.name == "down")
@output_option()
def command(
    fabric: Path, links: bool, node: str | None, on: dict[str, tuple[str, ...]], output: str
) -> None:
    """Nodes of FABRIC by tier, or its links; needs no policies and no manifests."""
    from cloison.cli.shell.said_beside import tell_warnings
    from cloison.render.formats import emit
    from cloison.views.caveats.diagnosed import diagnostic_rows, in_order
    from cloison.views.network.topology import known_node, link_rows, node_rows
    from fabric.building.load import load
    from fabric.wiring.clos import build_fabric

    spec, warnings = load(fabric)
    built = build_fabric(spec, on.get("down", ()))
    tell_warnings(warnings)
    rows = list(link_rows(built) if links else node_rows(built))
    if node is not None:
        known_node(built, node)
        rows = [row for row in rows if node in (row.get("node"), row.get("a"), row.get("b"))]
    thing = "links" if links else "topology"
    meta = {"diagnostics": diagnostic_rows(in_order(warnings))}
    emit(rows, schema=f"cloison/{thing}/1", output=output, title=thing.capitalize(), meta=meta)
