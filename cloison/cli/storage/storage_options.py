"""Options of verbs about buckets, and what a question with them is about."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cloison.cli.shell import completion
from cloison.cli.shell.options import world_options

if TYPE_CHECKING:
    from cloison.loading.how import How
    from cloison.views.world import World

F = TypeVar("F", bound=Callable[..., Any])
CODES = {"allowed": "holds", "denied": "fails", "unknown": "unknown"}
"""Verdicts as `cloison.cli.shell.errors` knows them."""


def request_options(function: F) -> F:
    """From where, and what the request has besides."""
    options = (
        click.option(
            "--from",
            "source",
            metavar="END",
            shell_complete=completion.endpoints,
            help="Ask for the way from there to the gateway, too.",
        ),
        click.option(
            "--with",
            "given",
            multiple=True,
            metavar="KEY=VALUE",
            help="A condition key of the request (repeat), e.g. s3:prefix=a/.",
        ),
        click.option(
            "--without",
            multiple=True,
            metavar="KEY",
            help="A condition key that the request does not have (repeat).",
        ),
        world_options,
    )
    for option in reversed(options):
        function = option(function)
    return function


def asked_world(
    fabric: Path, how: How, given: tuple[str, ...], without: tuple[str, ...]
) -> tuple[World, dict[str, tuple[str, ...]]]:
    """The world that is meant and what the request has; what is doubtful about the file goes to
    stderr."""
    from cloison.cli.shell.said_beside import told
    from cloison.views.world import World

    context: dict[str, tuple[str, ...]] = dict.fromkeys(without, ())
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or key in without:
            raise click.UsageError(f'--with "{text}": write KEY=VALUE, and not --without it')
        context[key] = (*context.get(key, ()), value)
    return told(World.of_fabric(fabric, how)), context
