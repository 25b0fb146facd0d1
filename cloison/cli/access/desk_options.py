"""What verbs about support access share: the file with its history, and the moment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cloison.cli.shell.options import fabric_argument

if TYPE_CHECKING:
    from cloison.views.support_access import SupportDesk

F = TypeVar("F", bound=Callable[..., Any])


def desk_options(function: F) -> F:
    """FABRIC, `--events`."""
    history = click.option(
        "--events",
        "history",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="What was asked and answered [default: FABRIC's name, .access.sqlite].",
    )
    return fabric_argument(history(function))


def moment_option(function: F) -> F:
    """`--at`."""
    return click.option("--at", "moment", metavar="TIME", help="At this time, not now.")(function)


def desk(fabric: Path, history: Path | None) -> SupportDesk:
    """The file, with its history."""
    from cloison.views.support_access import SupportDesk
    from fabric.building.load import load_fabric

    return SupportDesk.of(load_fabric(fabric), history)
