"""A made-up output format, TOML-like records: one file (this) and one row (`ROW`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result
from format_laws import loses_nothing

from cloison.cli import main
from cloison.render.formats import FORMATS, Answer, Format, text

SMALL = Path(__file__).parents[2] / "topologies" / "small.yaml"
VERBS = (
    ("show", "topology"),
    ("show", "addresses"),
    ("show", "sessions"),
    ("show", "routes"),
    ("show", "tables"),
    ("show", "policy"),
    ("reach",),
)
UNKNOWN = (
    "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"
    "metadata: {name: x, namespace: n}\nspec: {}\n---\n"
    "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: n}\nspec: {}\n"
)


def blocks(of: Answer) -> str:
    """A block per row, a line per value."""
    return "".join(
        "[[row]]\n" + "".join(f"{key} = {text(value)}\n" for key, value in row.items())
        for row in of.rows
    )


ROW = Format(
    "blocks",
    blocks,
    cells="text",
    beside="below",
    sentence=lambda said: f"# {text(said)}",
    gap=False,
    told=False,
)


@pytest.fixture(autouse=True)
def row() -> Iterator[None]:
    with FORMATS.also(ROW):
        yield
    assert "blocks" not in FORMATS


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_every_verb_of_rows_writes_it(verb: tuple[str, ...]) -> None:
    done = run(*verb, SMALL, "-o", "blocks")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("[[row]]\n")
    shell = ShellComplete(main, {}, "cloison", "_CLOISON_COMPLETE")
    (offered,) = shell.get_completions([*verb, str(SMALL), "-o"], "blo")
    assert offered.value == "blocks"


def test_what_is_not_evaluated_stands_where_it_says(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(UNKNOWN)
    done = run("reach", tmp_path, "-o", "blocks")
    assert done.exit_code == 4, done.output
    assert "\n# Not evaluated: CiliumNetworkPolicy n/x" in done.stdout
    with FORMATS.also(replace(ROW, name="inside", cells="plain", beside="rows")):
        done = run("reach", tmp_path, "-o", "inside")
    assert "\nnot_evaluated = CiliumNetworkPolicy" in done.stdout


def test_it_is_a_whole_format() -> None:
    loses_nothing(ROW)


@pytest.mark.parametrize("beside", ["document", "rows"])
def test_half_done_it_would_hide_what_is_not_evaluated(beside: str) -> None:
    """One that says that the rest is in the document, and writes rows only."""
    half = replace(ROW, name="half", beside=beside)
    if beside == "rows":
        half = replace(half, write=lambda of: blocks(replace(of, rows=of.rows[:1])))
    with pytest.raises(AssertionError, match="hides"):
        loses_nothing(half)
