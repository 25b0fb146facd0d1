"""`cloison review`: what is wrong with configurations of devices."""

from __future__ import annotations

from pathlib import Path

import click

from cloison.cli.shell.errors import leave
from cloison.cli.shell.options import output_option, quiet_option


@click.command()
@click.argument("folder", metavar="DIR|FILE", type=click.Path(path_type=Path, exists=True))
@output_option()
@quiet_option
def command(folder: Path, output: str, quiet: bool) -> None:
    """What is wrong with the configurations in DIR, as `cloison import` reads them.

    Entries of access lists that never decide, permits before isolation, hosts
    in quarantine that still pass, IPv6 that is open beside lists of IPv4, route
    targets that any speaker can forge, imports that nobody answers, isolation
    that rests on one layer, names that lead nowhere, sizes that do not fit.
    Each with its lines, a packet where packets make sense, and what it rests
    on. A finding is wrong as it stands; a doubt is wrong unless something that
    is not given says otherwise.

    Exit code 1 where there is a finding, 2 where a value cannot be read, else 0.
    """
    from cloison.render.formats import progress, say
    from cloison.views.devices.reviewed import answer, verdict
    from compiler.imports.config_folder import read_folder
    from compiler.imports.review.review_checks import reviewed

    with progress(quiet=quiet) as tell:
        tell(f"reading {folder}")
        imported = read_folder(folder)
        tell(f"reviewing {len(imported.devices):,} devices")
        found = reviewed(imported.devices)
    say(answer(imported, found, output))
    leave(verdict(found))
