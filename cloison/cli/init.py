"""`cloison init`: a small commented fabric with its manifests, to start from.

The files are part of the package (`cloison/starter`). All are written or none, and none in place of
a file that is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import click


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
def command(directory: Path) -> None:
    """Write a first fabric file and its manifests into DIR.

    It is small, commented, and holds: two customers in overlapping address
    space, one on Kubernetes and one on bare metal, the way out to the internet,
    and what is expected of them. Nothing that exists is overwritten.
    """
    from cloison.render.files import Together
    from fabric.diagnostics import Diagnostic, InputError
    from fabric.io.visible import visible

    wanted = {directory / path: data for path, data in starter(files("cloison") / "starter")}
    there = [path for path in wanted if path.exists() or path.is_symlink()]
    if there:
        hint = "name another directory, or move it away"
        raise InputError(
            *(Diagnostic("C790", f"{path} is there already", None, hint) for path in there)
        )
    with Together() as together:
        for path, data in wanted.items():
            together.write(path, data)
    for path in wanted:
        click.echo(visible(str(path)))
    fabric = visible(str(directory / "fabric.yaml"))
    click.echo(f"\nNext: cloison check {fabric}\n      cloison simulate {fabric}", err=True)


def starter(folder: Traversable, at: str = "") -> Iterator[tuple[str, bytes]]:
    """Every file of the starter with its place in it."""
    for child in sorted(folder.iterdir(), key=lambda child: child.name):
        if child.is_dir():
            yield from starter(child, f"{at}{child.name}/")
        elif child.name.endswith(".yaml"):
            yield f"{at}{child.name}", child.read_bytes()
