"""`cloison diff`: what gains or loses access between two worlds."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloison.cli.errors import FINDING, leave
from cloison.cli.options import manifest_options, output_option, quiet_option, world_options

if TYPE_CHECKING:
    from cloison.how import How


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@manifest_options
@world_options
@output_option("table", "json", "md")
@quiet_option
def command(
    old: Path,
    new: Path,
    how: How,
    output: str,
    quiet: bool,
) -> None:
    """Who gains or loses access from OLD to NEW.

    Both are fabric files, or both directories of Kubernetes manifests.
    Workloads are compared, nodes of a tenant as one, the outside address by
    address: replicas, restarts and new addresses count only where a rule tells
    them apart. Changes come by what was edited, with a packet that fares
    differently and the lines behind it. What is not listed is equal in both. Exit code
    1 when there is a difference, or a finding in one of them; 4 when that is
    unknown, because something in one of them is not evaluated.
    """
    from cloison.cli.check import tell_findings
    from cloison.loader import is_fabric
    from cloison.pair import both
    from cloison.render.formats import json_text, progress, show
    from cloison.views import differences
    from cloison.views.world import World
    from sim.diff.diff import diff

    if old.exists() and new.exists() and is_fabric(old) != is_fabric(new):
        raise click.UsageError("one is a fabric file, the other is not: nothing to compare")
    with progress(quiet=quiet) as tell:

        def make(path: Path, how: How) -> World:
            tell(f"build {path}")
            return World.read([path], how)

        worlds = both([partial(make, path) for path in (old, new)], how)
        tell("compare")
        found = diff(*worlds)
    if output == "json":
        click.echo(json_text(differences.document(found)))
    elif output == "md":
        click.echo("\n".join(differences.markdown(found)))
    else:
        show(*differences.report(found))
    for world in worlds:
        tell_findings(world)
    if any(world.findings for world in worlds):
        raise click.exceptions.Exit(FINDING)
    leave(differences.said(found))
