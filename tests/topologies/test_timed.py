"""The fabric in which access ends holds at all times; the one in which it does not is found out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from cloison.cli import main
from fabric.building.load import load_fabric
from fabric.file.in_force import alike, at_moment
from fabric.values.instants import instant

FOLDER = Path(__file__).parents[2] / "topologies"
APRIL = "2027-04-01T00:00:00Z"


def verified(name: str, *more: str) -> tuple[Any, int]:
    done = CliRunner().invoke(main, ["verify", str(FOLDER / f"{name}.yaml"), "-o", "json", *more])
    return json.loads(done.stdout), done.exit_code


def test_everything_holds_in_its_time() -> None:
    found, code = verified("timed")
    assert (found["verdict"], code) == ("holds", 0)
    assert [len(part["times"]) for part in found["periods"]] == [1, 1, 1, 1]
    asked = [row for part in found["periods"] for row in part["expectations"]]
    assert all(row["pairs"] for row in asked) and len({row["expect"] for row in asked}) == 8


def test_a_window_that_does_not_close_is_found_and_its_line_is_told() -> None:
    found, code = verified("timed-left-open")
    assert (found["verdict"], code) == ("fails", 1)
    (wrong,) = found["findings"]
    assert wrong["when"] == [{"from": APRIL, "until": None}] and wrong["packet"]
    (window,) = (text for text in wrong["also"] if "is in force" in text)
    patch = FOLDER / "timed-left-open.yaml"
    assert window == (f'leak "catalog" ({patch}:7:36): is in force from 2026-10-01T00:00:00Z')
    assert "leaks, 0, window" in patch.read_text().splitlines()[6]
    here, code = verified("timed-left-open", "--at", "2027-01-15T00:00:00Z")
    assert (here["verdict"], code) == ("holds", 0)


def test_the_twin_is_the_file_with_one_window_changed() -> None:
    one, other = (load_fabric(FOLDER / f"{name}.yaml") for name in ("timed", "timed-left-open"))
    assert one.expect == other.expect and one.zones == other.zones
    assert len(alike([one])) == len(alike([other])) == 4
    later = [at_moment(spec, instant(APRIL)).leaks for spec in (one, other)]
    assert [len(leaks) for leaks in later] == [0, 1]
