"""Command groups that know their commands' names and one-line helps without importing them.

Importing everything that cloison uses costs seconds, `--help` should cost none of it: a group holds
a table `name → (module, help)` and imports `module` when the command is about to run. Every such
module calls its click command `command`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from cloison.render.colour import WHEN, set_colour

Table = Mapping[str, tuple[str, str]]
READ_NOTHING = ("schema", "warmup", "down")
"""Verbs that read no file that a user names."""


def add_common(command: click.Command) -> None:
    """Options that every verb has that reads files; each has them once."""
    if COMMON[0] not in command.params:
        command.params += COMMON


COMMON = [
    click.Option(
        ["--root"],
        type=click.Path(file_okay=False, exists=True),
        metavar="DIR",
        callback=lambda context, parameter, value: set_root(context, value),
        is_eager=True,
        expose_value=False,
        help="Inputs may name files below DIR only [default: the git working tree of FABRIC, "
        "else its directory and this one].",
    ),
    click.Option(
        ["--render"],
        multiple=True,
        metavar="COMMAND",
        callback=lambda context, parameter, value: set_render(context, value),
        is_eager=True,
        expose_value=False,
        help="Let commands run that make manifests and begin with these words: those under "
        "render: of FABRIC, or this one in DIR (repeatable).",
    ),
    click.Option(
        ["--budget"],
        type=click.FloatRange(0, 1e6, min_open=True),
        metavar="N",
        callback=lambda context, parameter, value: set_budget(context, value),
        is_eager=True,
        expose_value=False,
        help="Allow N times the size that is built by default (docs/limits.md).",
    ),
    click.Option(
        ["-v", "--verbose"],
        is_flag=True,
        callback=lambda context, parameter, value: set_verbose(context, value),
        is_eager=True,
        expose_value=False,
        help="Say on stderr what was done and how long it took.",
    ),
    click.Option(
        ["--color"],
        type=click.Choice([*WHEN]),
        default="auto",
        callback=set_colour,
        is_eager=True,
        expose_value=False,
        help="Colours in tables and messages [default: on a terminal, unless NO_COLOR is set].",
    ),
]


def set_root(context: click.Context, value: str | None) -> None:
    """Confine reading until the command is done."""
    if value is not None:
        from pathlib import Path

        from fabric.io.reading import rooted

        context.with_resource(rooted(Path(value)))


def set_render(context: click.Context, value: tuple[str, ...]) -> None:
    """Let commands run until this one is done."""
    if value:
        from cloison.loading.keeping import kept
        from fabric.rendering.render_command import rendering

        # The front reports mistakes when this command is over, with the lines that were printed.
        context.find_root().with_resource(rendering(*value, keep=kept()))


def set_budget(context: click.Context, value: float | None) -> None:
    """Raise every limit until the command is done."""
    if value is not None:
        from fabric.wiring.budget import multiplied

        context.with_resource(multiplied(value))


def set_verbose(context: click.Context, value: bool) -> None:
    """Tell of every phase until the command is done."""
    if value:
        from fabric.io.phases import listening

        context.with_resource(listening(lambda line: click.echo(line, err=True)))


class LazyGroup(click.Group):
    """A click group over a table of modules (see the module's docstring)."""

    def __init__(self, *args: Any, table: Table, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table, which is the order in which people need them."""
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in self.table:
            return None
        from cloison.cli.shell.options import with_axes

        command = import_module(self.table[cmd_name][0]).command
        assert isinstance(command, click.Command)
        if not isinstance(command, click.Group) and cmd_name not in READ_NOTHING:
            add_common(command)
        return with_axes(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, but an unknown name is answered with the closest known one."""
        if args[0] not in self.table and not args[0].startswith("-"):
            from fabric.diagnostics import did_you_mean

            hint = did_you_mean(args[0], self.table) or f"there are: {', '.join(self.table)}"
            ctx.fail(f'no such command "{args[0]}"; {hint}')
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in `--help`, straight from the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self.table.items()])
