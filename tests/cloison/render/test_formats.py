"""Output formats, and what a stranger's string may not do to them."""

from __future__ import annotations

import csv
import io
import json

import pytest
import yaml
from format_laws import loses_nothing

from cloison.render.formats import (
    FORMATS,
    Format,
    csv_text,
    emit,
    markdown,
    printed,
    progress,
    table,
)
from fabric.io.visible import paragraph

ROWS = [
    {"name": "acme/web", "ports": ["443/tcp", "53/udp"], "entries": 12, "open": True},
    {"name": "globex/db", "ports": [], "entries": -3, "open": False},
]


def written(capsys: pytest.CaptureFixture[str], output: str, rows: list[dict[str, object]]) -> str:
    emit(rows, schema="cloison/test/1", output=output, title="Things")
    return capsys.readouterr().out


def test_json_carries_schema_and_rows(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(written(capsys, "json", ROWS)) == {"schema": "cloison/test/1", "rows": ROWS}


def test_yaml_and_jsonl_hold_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert yaml.safe_load(written(capsys, "yaml", ROWS))["rows"] == ROWS
    assert [json.loads(line) for line in written(capsys, "jsonl", ROWS).splitlines()] == ROWS


def test_csv_reads_back(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = csv.DictReader(io.StringIO(written(capsys, "csv", ROWS)))
    assert first == {"name": "acme/web", "ports": "443/tcp, 53/udp", "entries": "12", "open": "yes"}
    assert second["entries"] == "-3"


@pytest.mark.usefixtures("terminal")
def test_table_fits_80_columns_and_loses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    long = "acme/" + "x" * 120
    out = written(capsys, "table", [{"name": long, "why": "because " * 20, "n": 1}])
    assert max(map(len, out.splitlines())) <= 80
    assert out.count("x") == 120


@pytest.mark.parametrize("heads", [{"name": "name", "why": "why"}, {"name": "", "why": ""}])
def test_a_table_in_a_pipe_is_as_wide_as_its_rows(
    monkeypatch: pytest.MonkeyPatch, heads: dict[str, str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    long = " ".join(["one after the other"] * 20)
    assert long in printed(table([{"name": "x", "why": long}], heads))


@pytest.mark.parametrize("row", FORMATS.values(), ids=lambda row: row.name)
def test_a_row_of_the_table_is_whole(row: Format) -> None:
    loses_nothing(row)


def test_no_rows(capsys: pytest.CaptureFixture[str]) -> None:
    assert written(capsys, "table", []) == "Things\nnone\n"
    assert json.loads(written(capsys, "json", []))["rows"] == []


@pytest.mark.parametrize("evil", ["\x1b[2J", "\x9b31m", "a\u202eb", "\rX", "\x07"])
@pytest.mark.parametrize("output", FORMATS)
def test_control_characters_never_reach_the_terminal(
    capsys: pytest.CaptureFixture[str], output: str, evil: str
) -> None:
    out = written(capsys, output, [{"name": evil}])
    assert evil not in out
    assert paragraph(out) == out


def test_markup_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert "[red]x[/red]" in written(capsys, "table", [{"name": "[red]x[/red]"}])


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-cmd", "@SUM(A1)"])
def test_csv_cells_are_no_formulas(formula: str) -> None:
    assert csv_text([{"name": formula}]).splitlines()[1].startswith("'")


def test_markdown_cells_are_text() -> None:
    assert markdown([{"a": "x|y<b>"}]).splitlines()[2] == r"| x\|y\<b\> |"


def test_progress_is_silent_off_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as tell:
        tell("compile", 1, 2)
    assert capsys.readouterr() == ("", "")
