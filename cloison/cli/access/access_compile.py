"""`cloison access compile`: what approvals let in, as a fabric file."""

from __future__ import annotations

from pathlib import Path

import click

from cloison.cli.access.desk_options import desk, desk_options


@click.command()
@desk_options
def command(fabric: Path, history: Path | None) -> None:
    """A fabric file, on stdout, that extends FABRIC by what approvals let in.

    Each is an entry of Zone 0 with its window, from where support staff come to
    the API server of the cluster or to the host at port 22. Kept beside FABRIC it
    is a file like any: verify proves that nothing else changes, at all times.
    """
    from cloison.render.formats import say

    say(desk(fabric, history).patch())
