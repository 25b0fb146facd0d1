"""Write docs/cli.md from the command line's own help; `--check` only says whether it is current."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from cloison.cli import main

TARGET = Path(__file__).parent / "cli.md"
INTRO = """# Command line

Written by `make docs` from `--help`; a test keeps it current.

## At the prompt

The shell completes verbs, options and files, and names of the fabric file that is on the line
already: nodes and links (`--node`, `--down`), tenants, VRFs, endpoints (up to 64 hosts), targets.
Put the line of your shell into its start-up file:

```sh
eval "$(_CLOISON_COMPLETE=bash_source cloison)"       # ~/.bashrc; bash 4.4 or newer
eval "$(_CLOISON_COMPLETE=zsh_source cloison)"        # ~/.zshrc
_CLOISON_COMPLETE=fish_source cloison | source        # ~/.config/fish/config.fish
```

`man cloison` is this page as a man page. Installing puts it below `share/man` of the environment,
where `man` looks if the environment's `bin` is on the path; in a clone: `man -l docs/cloison.1`.

"""


def commands(
    command: click.Command, name: str, parent: click.Context | None = None
) -> Iterator[tuple[str, str]]:
    """Every command below `command` with its help, parents first."""
    context = click.Context(
        command, info_name=name, parent=parent, terminal_width=80, max_content_width=80
    )
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None
            yield from commands(found, child, context)


def reference() -> str:
    """The whole page."""
    parts = [f"## {path}\n\n```text\n{text}\n```\n" for path, text in commands(main, "cloison")]
    return INTRO + "\n".join(parts)


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(TARGET.read_text() != reference())
    TARGET.write_text(reference())
