"""Write docs/cloison.1, the man page, from the command line; `--check` only says whether it is
current. The wheel installs it as share/man/man1/cloison.1."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from cloison.cli import EPILOG, VERBS, main

TARGET = Path(__file__).parent / "cloison.1"
CODES = {
    "0": "what was asked holds, or was computed",
    "1": "a finding: a violation, a difference, a failed expectation",
    "2": "wrong usage or input, or the machine lacks something",
    "3": "the target cannot hold the program",
    "4": "unknown: something that may decide otherwise is not evaluated",
    "70": "a bug in cloison",
    "130": "interrupted",
}
ENVIRONMENT = {
    "NO_COLOR": "no colours, unless --color says otherwise",
    "COLUMNS": "how wide tables may get; in a pipe they are as wide as their rows",
    "XDG_CACHE_HOME": "where compiled kernels and worlds are kept; ~/.cache without it",
    "CLOISON_CACHE": "off keeps no worlds, and uses none that were kept (docs/limits.md)",
}
EXAMPLES = {
    "cloison init site && cloison simulate site/fabric.yaml": "Start with a small fabric.",
    "cloison explain site/fabric.yaml shop/web/front shop/data/db:5432": "Why is this denied?",
    "cloison diff old.yaml new.yaml -o md": "What does a pull request open?",
}


def reference() -> str:
    """The whole page."""
    return "\n".join([*head(), *verbs(main, "cloison"), *tail()]) + "\n"


def head() -> Iterator[str]:
    """Name, synopsis, description."""
    yield '.\\" Written by `make docs` from the command line.'
    yield '.TH CLOISON 1 "" "cloison" "User Commands"'
    yield from (".SH NAME", "cloison \\- who can reach whom in a multi\\-tenant GPU cloud, and why")
    yield from (".SH SYNOPSIS", ".B cloison", "[\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIARGS\\fR]...")
    yield ".SH DESCRIPTION"
    yield from paragraphs(main.help or "")
    yield from terms({name: text for name, (_, text) in VERBS.items()})
    yield from options(main)
    yield ".SH COMMANDS"


def verbs(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[str]:
    """Every command below `command`, parents first."""
    context = click.Context(command, info_name=name, parent=parent)
    if parent is not None:
        usage = " ".join(command.collect_usage_pieces(context))
        yield f".SS {roff(context.command_path)}"
        yield f".B {roff(context.command_path)}"
        yield roff(usage)
        yield ".PP"
        yield from paragraphs(command.help or "")
        yield from options(command)
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None
            yield from verbs(found, child, context)


def tail() -> Iterator[str]:
    """What is the same for all."""
    yield ".SH EXIT STATUS"
    yield from terms(CODES)
    yield ".SH ENVIRONMENT"
    yield from terms(ENVIRONMENT)
    yield ".SH EXAMPLES"
    for line, meaning in EXAMPLES.items():
        yield from (".TP", roff(meaning), ".nf", roff(line), ".fi")
    yield ".SH NOTES"
    yield from paragraphs(EPILOG.rpartition("\n\n")[2])


def paragraphs(text: str) -> Iterator[str]:
    """click's help text: paragraphs, those behind \\b as they are."""
    for part in inspect.cleandoc(text).split("\n\n"):
        plain = part.startswith("\b")
        lines = [line for line in part.split("\n") if line.strip("\b ")]
        yield ".PP"
        if plain:
            yield from (".nf", *map(roff, lines), ".fi")
        else:
            yield roff(" ".join(lines))


def options(command: click.Command) -> Iterator[str]:
    """The options of a command, each with what it means."""
    context = click.Context(command)
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and isinstance(parameter, click.Option):
            yield from (".TP", f"\\fB{roff(record[0])}\\fR", roff(record[1]))


def terms(of: dict[str, str]) -> Iterator[str]:
    """A list of words and meanings."""
    for word, meaning in of.items():
        yield from (".TP", f"\\fB{roff(word)}\\fR", roff(meaning))


def roff(text: str) -> str:
    """Text in which roff sees no command.

    >>> roff(".a -b \\\\ 'c")
    '\\\\&.a \\\\-b \\\\(rs \\\\(aqc'
    """
    out = re.sub(r"\s+", " ", text.strip()).replace("\\", "\\(rs").replace("-", "\\-")
    out = (
        out.replace("'", "\\(aq").replace("`", "\\(ga").replace("^", "\\(ha").replace("~", "\\(ti")
    )
    out = out.replace("→", "\\(->").replace("…", "...").replace("×", "\\(mu")
    return f"\\&{out}" if out.startswith(".") else out


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(not TARGET.exists() or TARGET.read_text("utf-8") != reference())
    TARGET.write_text(reference(), "utf-8")
