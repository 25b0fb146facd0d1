"""Oracles have budgets, and suites that are long take turns."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from oracles import ORACLES

HERE = Path(__file__).parent
SUITE = """
import pytest
@pytest.mark.slices(3)
@pytest.mark.parametrize("n", range(7))
def test_case(n): pass
def test_always(): pass
"""


def test_the_page_says_what_the_table_says() -> None:
    page = (HERE / "README.md").read_text("utf-8")
    rows = [f"| {n}: {o.program} | {o.judges} | {o.minutes:g} |" for n, o in ORACLES.items()]
    assert "\n".join(rows) in page
    assert sum(o.minutes for o in ORACLES.values()) / 2 <= 12


@pytest.mark.parametrize(("draw", "ran"), [("0", 4), ("1", 3), ("5", 3), ("", 8)])
def test_each_case_has_its_turn(tmp_path: Path, draw: str, ran: int) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE)
    (tmp_path / "conftest.py").write_text((HERE / "conftest.py").read_text("utf-8"))
    markers = "[pytest]\nmarkers =\n slices(n)\n oracle(name)\n"
    (tmp_path / "pytest.ini").write_text(f"{markers}pythonpath = {HERE}\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True, text=True, cwd=tmp_path, env={"CLOISON_SLICE": draw, "PATH": ""},
    )  # fmt: skip
    assert f"{ran} passed" in done.stdout, done.stdout
