"""One word, one meaning: the whole command line against the table of words."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from cloison.cli import VERBS, main
from cloison.cli.shell.words import RESERVED_OPTIONS, RESERVED_VERBS, meanings

ROOT = Path(__file__).parents[3]


def parameters(command: click.Command) -> Iterator[click.Option]:
    context = click.Context(command)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from parameters(child)
    yield from (p for p in command.params if isinstance(p, click.Option) and not p.hidden)


def test_every_option_has_its_meaning_and_every_meaning_an_option() -> None:
    names = {p.opts[-1] for p in parameters(main)} | {"--help"}
    assert names == set(meanings())


def test_a_short_name_stands_for_one_word() -> None:
    """-o is where the answer goes: its format on stdout, or the place of files."""
    long: dict[str, set[str]] = {}
    for parameter in parameters(main):
        for name in parameter.opts[:-1]:
            long.setdefault(name, set()).add(parameter.opts[-1])
    assert long.pop("-o") == {"--out", "--output"}
    assert {name for name, words in long.items() if len(words) > 1} == set()


def test_an_option_takes_the_same_kind_of_value_everywhere() -> None:
    takes: dict[str, set[bool]] = {}
    for parameter in parameters(main):
        takes.setdefault(parameter.opts[-1], set()).add(parameter.is_flag)
    assert {name for name, kinds in takes.items() if len(kinds) > 1} == set()


def test_options_are_no_verbs_and_reserved_words_are_free() -> None:
    verbs = {f"--{verb}" for verb in (*VERBS, *RESERVED_VERBS)}
    assert verbs & set(meanings()) == {"--check"}
    assert not verbs & set(RESERVED_OPTIONS)
    assert not set(RESERVED_OPTIONS) & set(meanings())
    assert not set(RESERVED_VERBS) & set(VERBS)


def test_the_page_is_current() -> None:
    done = subprocess.run([sys.executable, "docs/words_reference.py", "--check"], cwd=ROOT)
    assert done.returncode == 0, "docs/words.md is stale: make docs"
