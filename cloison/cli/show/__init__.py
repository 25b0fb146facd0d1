"""`cloison show …`: one module per thing shown, `show_<thing>.py`."""

from __future__ import annotations

import click

from cloison.cli.shell.lazy import LazyGroup

THINGS = {
    "topology": ("cloison.cli.show.show_topology", "Nodes and links."),
    "addresses": (
        "cloison.cli.show.show_addresses",
        "ASNs, VTEPs, VNIs, RDs, RTs, blocks, endpoints.",
    ),
    "sessions": ("cloison.cli.show.show_sessions", "BGP sessions and their state."),
    "routes": ("cloison.cli.show.show_routes", "Routes per VTEP and VRF, and why they are there."),
    "tables": ("cloison.cli.show.show_tables", "Table entries per DPU."),
    "policy": ("cloison.cli.show.show_policy", "Rules as read, before they are compiled."),
    "timeline": ("cloison.cli.show.show_timeline", "What of the file is in force when."),
}


@click.group(cls=LazyGroup, table=THINGS)
def command() -> None:
    """Show what cloison computed from a fabric file, step by step."""
