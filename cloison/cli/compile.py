"""`cloison compile`: policies to rule dumps, one file per enforcement point and format."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloison.cli.errors import CAPACITY
from cloison.cli.options import down_option, fabric_argument

if TYPE_CHECKING:
    from compiler.tables import Program

SUFFIXES = {"canonical": "json", "text": "txt", "nftables": "nft", "frr": "conf"}
DEFAULT = ("canonical", "text", "nftables")


@click.command()
@fabric_argument
@click.option("-o", "--out", type=click.Path(path_type=Path, file_okay=False), help="Write here.")
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(list(SUFFIXES)),
    help=f"What to write (repeatable); default: {', '.join(DEFAULT)}.",
)
@click.option("--target", default=None, help="Capacity profile [default: dash-400g].")
@click.option(
    "--report",
    type=click.Choice(["table", "json", "jsonl", "yaml", "csv", "md"]),
    default="table",
    show_default=True,
    help="Format of the capacity report on stdout.",
)
@down_option
def command(
    fabric: Path,
    out: Path | None,
    formats: tuple[str, ...],
    target: str | None,
    report: str,
    down: tuple[str, ...],
) -> None:
    """Compile FABRIC's policies into the tables that every DPU enforces.

    Reports per DPU and table how full it is; exits 3 when something does not
    fit the target. With -o the dumps are written to DIR/<format>/<node>.
    """
    from fabric.build import build
    from fabric.load import load_fabric

    from cloison.cli.show_tables import usage_rows
    from cloison.render import emit
    from compiler.compile import compile_network
    from compiler.target import DEFAULT as DEFAULT_TARGET
    from compiler.target import load

    profile = load(target or DEFAULT_TARGET)
    program = compile_network(build(load_fabric(fabric), down=down))
    rows, fits = usage_rows(program, profile)
    if out is not None:
        written = write(program, out, formats or DEFAULT)
        click.echo(f"{written} files in {out}", err=True)
    emit(rows, schema="cloison/capacity/1", output=report, title=f"Fill of {profile.title}")
    if not fits:
        raise click.exceptions.Exit(CAPACITY)


def write(program: Program, out: Path, formats: tuple[str, ...]) -> int:
    """Write each format's files; every file appears whole or not at all. Returns how many."""
    from cloison.files import write_text

    count = 0
    for name in formats:
        backend = import_module(f"compiler.backends.{name}")
        for node in backend.nodes(program):
            path = out / name / f"{program.network.fabric.nodes[node].name}.{SUFFIXES[name]}"
            write_text(path, backend.render(program, node))
            count += 1
    return count
