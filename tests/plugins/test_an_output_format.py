"""A made-up output format, TOML-like records: one file (this) and one row (`ROW`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result
from format_laws import loses_nothing

from cloison.cli import main
from cloison.render.ci.writers import WRITERS, CiFormat
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
FLOW = ("acme/web/front-1", "acme/catalog/api-0:8080/tcp")
WHOLE = {
    ("check", SMALL): "verdict = holds",
    ("verify", SMALL): "expectations = ",
    ("diff", SMALL, SMALL): "groups = ",
    ("explain", SMALL, *FLOW): "verdict = allow",
    ("replay", SMALL, "--random", "10"): "replay = ",
    ("simulate", SMALL): "matrix = ",
    ("spof", SMALL): "points = ",
    ("rollout", SMALL, SMALL): "transients = ",
    ("show", "timeline", SMALL): "covers = ",
}
"""Answers that are no rows, and a key that is in each."""
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
    told=None,
    document=lambda value: "".join(f"{key} = {text(v)}\n" for key, v in value.items()),
)
OF_ROWS = replace(ROW, name="of-rows", document=None)
CI = CiFormat("lines", lambda report, link: f"{report.verdict}\n", speaks=True)


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


@pytest.mark.parametrize(("verb", "key"), WHOLE.items(), ids=lambda v: str(v)[:40])
def test_every_verb_of_whole_answers_writes_it(verb: tuple[str | Path, ...], key: str) -> None:
    done = run(*verb, "-o", "blocks")
    assert done.exit_code in (0, 1), done.output
    assert done.stdout.startswith("schema = cloison/") and key in done.stdout
    assert run(*verb, "-o", "blocks", "--help").exit_code == 0


@pytest.mark.parametrize("verb", WHOLE, ids=lambda v: str(v)[:40])
def test_one_of_rows_alone_is_refused_before_anything_is_read(
    verb: tuple[str | Path, ...],
) -> None:
    nowhere = [Path("nowhere.yaml") if word is SMALL else word for word in verb]
    with FORMATS.also(OF_ROWS):
        for name in ("csv", "of-rows"):
            done = run(*nowhere, "-o", name)
            assert done.exit_code == 2 and f"error[C888]: {name} cannot say this" in done.stderr
            assert "-o table, json, jsonl, yaml" in done.stderr and "nowhere" not in done.stderr


def outputs(group: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Option]]:
    """Every option of the whole command line that says how an answer is written."""
    if isinstance(group, click.Group):
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            yield from outputs(command, (*path, name))
    for one in group.params:
        if isinstance(one, click.Option) and one.name == "output":
            yield " ".join(path), one


def test_no_verb_has_a_list_of_formats_of_its_own() -> None:
    found = dict(outputs(main))
    assert {"verify", "lab test", "identity check", "show timeline", "bench"} < {*found}
    for verb, option in found.items():
        assert isinstance(option.type, click.Choice), verb
        assert "blocks" in option.type.choices, verb


def test_a_format_for_ci_is_a_row_too() -> None:
    with WRITERS.also(CI):
        for verb, said in (("check", "holds"), ("verify", "holds")):
            assert run(verb, SMALL, "-o", "lines").stdout == f"{said}\n"
        assert run("diff", SMALL, SMALL, "-o", "lines").stdout == "holds\n"
    assert run("check", SMALL, "-o", "lines").exit_code == 2


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


def first_row(of: Answer) -> str:
    return blocks(replace(of, rows=of.rows[:1]))


@pytest.mark.parametrize(
    "half",
    [
        replace(ROW, name="half", beside="document"),
        replace(ROW, name="half", beside="rows", write=first_row),
        replace(ROW, name="half", document=lambda value: "[[row]]\n"),
    ],
)
def test_half_done_it_would_hide_something(half: Format) -> None:
    """One that says that the rest is in the document, and writes rows only; and the like."""
    with pytest.raises(AssertionError, match="hides"):
        loses_nothing(half)
