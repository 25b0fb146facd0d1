"""`cloison diff`: what gains or loses access between two worlds."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from cloison.cli.errors import FINDING
from cloison.cli.options import down_option, manifest_options, output_option, quiet_option


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@manifest_options
@down_option
@output_option("table", "json", "md")
@quiet_option
def command(
    old: Path,
    new: Path,
    ipblock: Literal["pods", "external"],
    host_network: Literal["exempt", "ordinary"],
    down: tuple[str, ...],
    output: str,
    quiet: bool,
) -> None:
    """Who gains or loses access from OLD to NEW.

    Both are fabric files, or both directories of Kubernetes manifests. Every
    change comes with a packet that fares differently and the lines behind it.
    The comparison is complete: what is not listed is equal in both. Exit code
    1 when there is a difference.
    """
    from cloison import differences
    from cloison.render import json_text, progress, show
    from cloison.sources import is_fabric, network
    from compiler.compile import compile_network
    from sim.diff import diff

    if old.exists() and new.exists() and is_fabric(old) != is_fabric(new):
        raise click.UsageError("one is a fabric file, the other is not: nothing to compare")
    worlds = []
    with progress(quiet=quiet) as tell:
        for path in (old, new):
            tell(f"build {path}")
            built = network([path], down=down, ipblock=ipblock, host_network=host_network)
            worlds.append((built, compile_network(built)))
        tell("compare")
        found = diff(*worlds)
    if output == "json":
        click.echo(json_text(differences.document(found)))
    elif output == "md":
        click.echo("\n".join(differences.markdown(found)))
    else:
        show(*differences.report(found))
    if not found.same:
        raise click.exceptions.Exit(FINDING)
