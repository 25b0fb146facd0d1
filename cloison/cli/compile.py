"""`cloison compile`: policies to rule dumps, one file per enforcement point and format."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cloison.cli.errors import FINDING
from cloison.cli.options import fabric_argument, quiet_option, world_options

if TYPE_CHECKING:
    from cloison.how import How
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
    "--despite-findings",
    is_flag=True,
    help="Write although there are findings; the exit code stays 1.",
)
@click.option(
    "--report",
    type=click.Choice(["table", "json", "jsonl", "yaml", "csv", "md"]),
    default="table",
    show_default=True,
    help="Format of the capacity report on stdout.",
)
@world_options
@quiet_option
def command(
    fabric: Path,
    out: Path | None,
    formats: tuple[str, ...],
    target: str | None,
    despite_findings: bool,
    report: str,
    how: How,
    quiet: bool,
) -> None:
    """Compile FABRIC's policies into the tables that every DPU enforces.

    Reports per DPU and table how full it is. With -o the dumps are written to
    DIR/<format>/<node>. When something does not fit the target, nothing is
    written and the exit code is 3; when there is a finding, such as a route
    that is imported without a declared intent, nothing is written and it is 1.
    """
    from cloison.cli.check import tell_findings
    from cloison.cli.show_tables import usage_rows
    from cloison.render import emit, progress
    from cloison.world import World
    from compiler.target import DEFAULT as DEFAULT_TARGET
    from compiler.target import load, usage
    from fabric.diagnostics import CapacityError

    profile = load(target or DEFAULT_TARGET)
    with progress(quiet=quiet) as tell:
        tell("build and converge")
        world = World.of_fabric(fabric, how)
        tell("compile")
        program = world.program
        found = usage(program, profile)
        too_much = [row for row in found if not row.fits]
        written = 0
        if out is not None and not too_much and (despite_findings or not world.findings):
            written = write(program, out, formats or DEFAULT, tell)
    tell_findings(world)
    if written:
        click.echo(f"{written} files in {out}", err=True)
    rows = usage_rows(found)
    emit(rows, schema="cloison/capacity/1", output=report, title=f"Fill of {profile.title}")
    if too_much:
        worst = max(too_much, key=lambda row: row.used / max(row.capacity or 1, 1))
        raise CapacityError(
            f"{profile.name} cannot hold the program: {worst.table} of {worst.node} are "
            f"{worst.used:,}, and {worst.capacity:,} fit; {len(too_much)} tables are too small"
        )
    if world.findings:
        raise click.exceptions.Exit(FINDING)


def write(program: Program, out: Path, formats: tuple[str, ...], tell: Any) -> int:
    """Write each format's files; every file appears whole or not at all. Returns how many."""
    from cloison.files import write_text

    count = 0
    for name in formats:
        backend = import_module(f"compiler.backends.{name}")
        nodes = backend.nodes(program)
        for done, node in enumerate(nodes):
            tell(f"write {name}", done, len(nodes))
            path = out / name / f"{program.network.fabric.nodes[node].name}.{SUFFIXES[name]}"
            write_text(path, backend.render(program, node))
            count += 1
    return count
