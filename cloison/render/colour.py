"""Whether output has colours: `--color`, else NO_COLOR (no-color.org), else on a terminal only."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

WHEN = {"always": True, "never": False, "auto": None}


def asked_for() -> bool | None:
    """What `--color` says; None when it leaves that to NO_COLOR and the terminal."""
    context = click.get_current_context(silent=True)
    return context.color if context is not None else None


def colour_wanted(stream: Any = None) -> bool:
    """Whether what goes to a stream (stdout) has colours."""
    said = asked_for()
    if said is not None:
        return said
    return bool((stream or sys.stdout).isatty()) and not os.environ.get("NO_COLOR")


def set_colour(context: click.Context, parameter: click.Parameter, value: str) -> None:
    """For this command and for the message with which it may fail."""
    for one in (context, context.find_root()):
        one.color = WHEN[value]
