"""Write docs/words.md from the command line; `--check` only says whether it is current."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from cloison.cli import VERBS, main
from cloison.cli.shell.words import RESERVED_OPTIONS, RESERVED_VERBS, meanings

TERMS = {
    "class": "values that nothing tells apart: addresses, ports, packets, endpoints, rows of a "
    "table; one of them stands for all",
    "atom": "a class of one axis that is a range: no rule, route or owner begins or ends inside it",
    "refinement": "the atoms of two VRFs at once, each inside one of either, where packets cross "
    "from one to the other; its ranges are atoms too",
    "cell": "an entry of a table over several axes: an address atom behind one VRF in a block, "
    "ports and protocols for the checker, two tenants in the matrix",
    "region": "a product of classes with one verdict, as certificates and differences list them",
    "place": "where something is: a node and a VRF on a packet's way, a line of a file, a stage "
    "among its stages; never a class",
    "span": "a place in a file: its name, line and column, and nothing else",
}
"""Words of code, certificates and answers for parts of the header space."""
TARGET = Path(__file__).parent / "words.md"
INTRO = """# Verbs and options

One word, one meaning, wherever it stands. Written by `make docs`; a test keeps it current. How a
verb is used: [cli.md](cli.md).
"""


def used(command: click.Command, path: str = "") -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """(verb, long name, all names) of every visible option."""
    context = click.Context(command, info_name=path)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from used(child, f"{path} {name}".strip())
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            yield path or "cloison", parameter.opts[-1], tuple(parameter.opts)


def reference() -> str:
    """The whole page."""
    where: dict[str, list[str]] = {}
    short: dict[str, str] = {}
    for verb, name, names in used(main):
        where.setdefault(name, []).append(verb)
        short |= {name: f"`{names[0]}` "} if len(names) > 1 else {}
    verbs = {name: ", ".join(where.get(name, ["every verb"])) for name in meanings()}
    rows = [
        f"| {short.get(name, '')}`{name}` | {meaning} | {verbs[name]} |"
        for name, meaning in meanings().items()
    ]
    parts = [INTRO, "## Verbs\n", table({f"`{n}`": text for n, (_, text) in VERBS.items()})]
    parts += ["## Options\n", "| option | means | at |\n|---|---|---|\n" + "\n".join(rows) + "\n"]
    parts += ["## Parts of the header space\n", table({f"*{n}*": t for n, t in TERMS.items()})]
    parts += ["## Kept for later\n", "Nobody may use these for anything else.\n"]
    parts += [table({f"`{n}`": text for n, text in {**RESERVED_VERBS, **RESERVED_OPTIONS}.items()})]
    return "\n".join(parts)


def table(rows: Mapping[str, str]) -> str:
    """Two columns of Markdown."""
    lines = [f"| {name} | {text} |" for name, text in rows.items()]
    return "\n".join(["| word | means |", "|---|---|", *lines]) + "\n"


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(not TARGET.exists() or TARGET.read_text("utf-8") != reference())
    TARGET.write_text(reference(), "utf-8")
