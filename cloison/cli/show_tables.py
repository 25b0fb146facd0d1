"""`cloison show tables`: how full every DPU is, or one DPU's tables entry by entry."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cloison.cli.options import down_option, fabric_argument, output_option

if TYPE_CHECKING:
    from compiler.tables import Program
    from compiler.target import Usage


@click.command()
@fabric_argument
@click.option("--node", help="Show this DPU, leaf or border entry by entry.")
@click.option("--target", default=None, help="Capacity profile [default: dash-400g].")
@down_option
@output_option()
def command(
    fabric: Path, node: str | None, target: str | None, down: tuple[str, ...], output: str
) -> None:
    """Table entries per DPU, against what the target holds."""
    from cloison.render import emit
    from compiler.compile import compile_network
    from compiler.target import DEFAULT, load, usage
    from fabric.build import build
    from fabric.load import load_fabric

    profile = load(target or DEFAULT)
    program = compile_network(build(load_fabric(fabric), down=down))
    if node is not None:
        show_node(program, node, output)
        return
    rows = usage_rows(usage(program, profile))
    emit(rows, schema="cloison/capacity/1", output=output, title=f"Fill of {profile.title}")


def usage_rows(found: Iterable[Usage]) -> list[dict[str, Any]]:
    """One row per DPU and table."""
    return [
        {
            "node": row.node,
            "table": row.table,
            "used": row.used,
            "capacity": "unknown" if row.capacity is None else row.capacity,
            "fill": "" if row.fill is None else f"{row.fill:.1%}",
            "source": row.source,
        }
        for row in found
    ]


def show_node(program: Program, name: str, output: str) -> None:
    """Every entry of one enforcement point, in evaluation order."""
    from cloison.render import emit
    from compiler.backends import text
    from compiler.document import document
    from compiler.dpu import enforcement_points, tables_of
    from fabric.diagnostics import Diagnostic, InputError, did_you_mean

    names = {program.network.fabric.nodes[i].name: i for i in enforcement_points(program)}
    if name not in names:
        message = f'"{name}" enforces nothing'
        hint = did_you_mean(name, names) or f"known: {', '.join(names)}"
        raise InputError(Diagnostic("C305", message, hint=hint))
    if output == "table":
        click.echo(text.render(program, names[name]), nl=False)
        return
    dump = document(program, tables_of(program, names[name]))
    rows = [
        {"group": g["id"], "stage": g["stage"], "direction": g["direction"], **entry}
        for g in dump["groups"]
        for entry in (*g["entries"], g["default"])
    ]
    emit(rows, schema="cloison/entries/1", output=output, title=f"Entries of {name}")
