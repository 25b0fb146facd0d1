"""`cloison import`: configurations that already run, as facts about devices."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from cloison.cli.shell.options import NameChoice, output_option, quiet_option


def formats() -> Iterable[str]:
    """The formats that are read."""
    from compiler.imports.config_formats import CONFIG_FORMATS

    return CONFIG_FORMATS


@click.command()
@click.argument("format_", metavar="FORMAT", type=NameChoice(formats))
@click.argument("folder", metavar="DIR|FILE", type=click.Path(path_type=Path, exists=True))
@click.option("--ignored", is_flag=True, help="List the lines that change no fact, and why.")
@output_option()
@quiet_option
def command(format_: str, folder: Path, ignored: bool, output: str, quiet: bool) -> None:
    """Read the configurations of devices, and say what they say.

    FORMAT is nvue (what `nv config show` prints), frr (frr.conf, what `show
    running-config` prints) or nftables (what `nft list ruleset` prints, also with
    -j). In DIR every file is a device, and every folder too, with the files in it.
    Prints the devices, how many
    lines of their files change a fact about them, why the others do not, and
    what is not known. With -o json every fact comes with its line.

    Exit code 2 where a value cannot be read, else 0.
    """
    from cloison.render.formats import progress, say
    from cloison.views.devices.imported import answer
    from compiler.imports.config_folder import read_folder

    with progress(quiet=quiet) as tell:
        tell(f"reading {folder}")
        found = read_folder(folder, (format_,))
    say(answer(found, output, ignored))
