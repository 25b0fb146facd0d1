"""The public names: pinned, importable, and few."""

from __future__ import annotations

import re
from pathlib import Path

import cloison
from cloison.cli import VERBS

ROOT = Path(__file__).parents[3]
SMALL = ROOT / "topologies" / "small.yaml"


def test_exported_names_are_what_is_there() -> None:
    assert sorted(cloison.__all__) == sorted(cloison.HOME) == dir(cloison)
    assert len(cloison.__all__) <= 28
    for name in cloison.__all__:
        assert getattr(cloison, name) is not None


def test_the_page_says_of_every_command_how_python_asks() -> None:
    page = (ROOT / "docs" / "python.md").read_text()
    table = page[page.index("| command | in Python |") :].split("\n\n")[0].splitlines()[2:]
    rows = [row.strip("| ").split(" | ", 1) for row in table]
    verbs = [verb for commands, _ in rows for verb in re.findall(r"`([a-z-]+)`", commands)]
    assert sorted(verbs) == sorted(VERBS)
    said = {name for _, python in rows for name in re.findall(r"`cloison\.(\w+)\(", python)}
    functions = {name for name in cloison.__all__ if name.islower()}
    assert said == functions - {"build", "keeping", "load", "world"}


def test_check_says_what_the_verb_says(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("cloison: 1\nname: x\nsites: { a: { leaves: two } }\n")
    assert [d.code for d in cloison.check(wrong)] == ["C203"]
    assert [d.code for d in cloison.check(tmp_path / "missing.yaml")] == ["C101"]
    assert [d for d in cloison.check(SMALL) if d.severity == "error"] == []
