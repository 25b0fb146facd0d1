"""Lines as the runner of GitHub Actions reads them (actions/runner, `ActionCommand.cs`): a command
is `::name properties::data` where a line begins with it, or `##[name properties]data` anywhere."""

from __future__ import annotations

import re
from typing import NamedTuple

BEGIN = re.compile(r"::([A-Za-z-]+)(?: (.*?))?::(.*)", re.S)
ANYWHERE = re.compile(r"##\[([A-Za-z-]+)(?: (.*?))?\](.*)", re.S)
ENDS = re.compile(r"\r\n|\r|\n|\u2028|\u2029|\x85|\x0b|\x0c")


class Command(NamedTuple):
    name: str
    properties: dict[str, str]
    data: str


def commands(text: str) -> list[Command]:
    """Every command of an output, and nothing else."""
    found = []
    for line in ENDS.split(text):
        got = BEGIN.match(line.lstrip())
        if got is None:
            got = ANYWHERE.search(line)
        if got is None:
            continue
        name, properties, data = got.groups()
        pairs = [p.split("=", 1) for p in (properties or "").split(",") if "=" in p]
        found.append(
            Command(name, {k.strip(): unescaped(v, True) for k, v in pairs}, unescaped(data))
        )
    return found


def unescaped(text: str, of_property: bool = False) -> str:
    """The order is the runner's: `%` comes last."""
    more = [("%3A", ":"), ("%2C", ",")] if of_property else []
    for code, character in (("%0D", "\r"), ("%0A", "\n"), *more, ("%25", "%")):
        text = text.replace(code, character)
    return text
