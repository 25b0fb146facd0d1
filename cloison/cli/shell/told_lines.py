"""Answers to questions that came as lines: each as a line at once, or all of them in a format."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import click

from cloison.cli.shell.errors import UNKNOWN, USAGE


def tell(
    answers: Iterable[dict[str, Any]],
    output: str,
    written: Callable[[list[dict[str, Any]]], str],
) -> None:
    """Say all answers and end the command: 2 where one of them is an error, else 4 where one is
    unknown. `written` makes a text of all answers in another format than lines."""
    from cloison.render.formats import say

    said: set[str] = set()
    rows: list[dict[str, Any]] = []
    for found in answers:
        if output == "jsonl":
            click.echo(json.dumps(found))
        else:
            rows.append(found)
        said.add("error" if "error" in found else found["verdict"])
    if output != "jsonl":
        say(written(rows))
    if "error" in said:
        raise click.exceptions.Exit(USAGE)
    if "unknown" in said:
        raise click.exceptions.Exit(UNKNOWN)
