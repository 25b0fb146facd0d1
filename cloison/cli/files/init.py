"""`cloison init`: a small commented fabric with its manifests, to start from.

The files are part of the package (`cloison/starter`), or one file from five answers
(`cloison.verbs.first_fabric`). All are written or none, and none in place of a file that is there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from cloison.verbs.first_fabric import FirstFabric

T = TypeVar("T")


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--ask/--no-ask",
    default=None,
    help="Ask for sizes, tenants, addresses and manifests [default: where stdin is a terminal].",
)
def command(directory: Path, ask: bool | None) -> None:
    """Write a first fabric file and its manifests into DIR.

    It is small, commented, and holds: two customers in overlapping address
    space, one on Kubernetes and one on bare metal, the way out to the internet,
    and what is expected of them. With --ask it is a file of your own, from five
    answers: tenants with hosts of their own, kept apart from each other. Nothing
    that exists is overwritten.
    """
    ask = bool(sys.stdin and sys.stdin.isatty()) if ask is None else ask
    if ask:
        write_answered(directory / "fabric.yaml")
    else:
        write({directory / at: data for at, data in starter(files("cloison") / "starter")})
    fabric = visible_path(directory / "fabric.yaml")
    verbs = ("check", "verify", "simulate") if ask else ("check", "simulate")
    listed = "\n      ".join(f"cloison {verb} {fabric}" for verb in verbs)
    click.echo(f"\nNext: {listed}", err=True)


def write_answered(path: Path) -> None:
    """One file from five answers; nothing when they end before the questions do."""
    from cloison.cli.shell.errors import INTERRUPTED
    from cloison.verbs.first_fabric import fabric_text

    refuse_existing([path])
    try:
        answers = asked(path)
    except click.Abort:
        click.echo("\ninterrupted: nothing is written", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None
    write({path: fabric_text(answers).encode()})
    if answers.nodes:
        what = "which node is which host was taken from the order of their names"
        click.echo(f"\nAssumed: {what}; say it under hosts: where it is another", err=True)


def refuse_existing(paths: Iterable[Path]) -> None:
    """C790 for every file that is there already."""
    from fabric.diagnostics import Diagnostic, InputError

    there = [path for path in paths if path.exists() or path.is_symlink()]
    if there:
        hint = "name another directory, or move it away"
        raise InputError(
            *(Diagnostic("C790", f"{path} is there already", None, hint) for path in there)
        )


def write(wanted: Mapping[Path, bytes]) -> None:
    """All of these files or none of them, and their names on stdout."""
    from cloison.render.files import Together

    refuse_existing(wanted)
    with Together() as together:
        for path, data in wanted.items():
            together.write(path, data)
    for path in wanted:
        click.echo(visible_path(path))


def visible_path(path: Path) -> str:
    """A path as it is shown."""
    from fabric.io.visible import visible

    return visible(str(path))


def asked(path: Path) -> FirstFabric:
    """The answers to five questions, each asked until it can be used."""
    from cloison.verbs import first_fabric as first

    def checked(answers: FirstFabric) -> FirstFabric:
        if problem := first.refused(path, answers):
            raise ValueError(problem)
        return answers

    answers = first.FirstFabric()
    for number, (text, default, take) in enumerate(
        (
            ("How many spines and leaves", f"{answers.spines} {answers.leaves}", first.with_clos),
            ("How many hosts per pair of leaves", "4", first.with_hosts),
            ("Names of tenants, with commas", ", ".join(answers.tenants), first.with_tenants),
            (
                "Address blocks of pods and nodes, with commas",
                ", ".join(answers.blocks),
                lambda known, said: checked(first.with_blocks(known, said)),
            ),
        ),
        1,
    ):
        answers = question(f"{number}/5 {text}", default, take, answers)
    folder = path.parent
    for tenant in answers.tenants:

        def take_manifests(known: FirstFabric, said: str, tenant: str = tenant) -> FirstFabric:
            found = first.with_manifests(known, tenant, folder, said)
            return found if found is known else checked(found)

        text = f"5/5 Manifests of {tenant}, below {visible_path(folder)} (Enter: none)"
        answers = question(text, "", take_manifests, answers)
    return answers


def question(text: str, default: str, take: Callable[[T, str], T], known: T) -> T:
    """What one answer makes of what is known; asked again while `take` raises `ValueError`."""

    def read(said: str) -> T:
        try:
            return take(known, said)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    found: T = click.prompt(
        text, default=default, show_default=bool(default), value_proc=read, err=True
    )
    return found


def starter(folder: Traversable, at: str = "") -> Iterator[tuple[str, bytes]]:
    """Every file of the starter with its place in it."""
    for child in sorted(folder.iterdir(), key=lambda child: child.name):
        if child.is_dir():
            yield from starter(child, f"{at}{child.name}/")
        elif child.name.endswith(".yaml"):
            yield f"{at}{child.name}", child.read_bytes()
