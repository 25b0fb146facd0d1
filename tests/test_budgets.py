"""Oracles have budgets, and suites that are long take turns."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import LONG
from oracles import ORACLES

HERE = Path(__file__).parent
SUITE = """
import pytest
@pytest.mark.slices(3)
@pytest.mark.parametrize("n", range(7))
def test_case(n): pass
def test_always(): pass
"""
LAW = """
import os, pytest
from hypothesis import given, settings, strategies as st
seen = []
@pytest.mark.slices(2)
@settings(max_examples=40)
@given(st.integers())
def test_law(n):
    seen.append(n)
    assert str(n) != os.environ["WRONG"]
def test_seen(): raise SystemError(repr(seen))
"""


def test_the_page_says_what_the_table_says() -> None:
    page = (HERE / "README.md").read_text("utf-8")
    rows = [f"| {n}: {o.program} | {o.judges} | {o.minutes:g} |" for n, o in ORACLES.items()]
    assert "\n".join(rows) in page
    assert sum(o.minutes for o in ORACLES.values()) / 2 <= 12


def run(folder: Path, suite: str, draw: str, wrong: object = "", **more: str) -> str:
    (folder / "test_suite.py").write_text(suite)
    (folder / "conftest.py").write_text((HERE / "conftest.py").read_text("utf-8"))
    markers = "[pytest]\nmarkers =\n slices(n)\n oracle(name)\n"
    (folder / "pytest.ini").write_text(f"{markers}pythonpath = {HERE}\n")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)],
        capture_output=True, text=True, cwd=folder,
        env={"CLOISON_SLICE": draw, "PATH": "", "WRONG": str(wrong)} | more,
    ).stdout  # fmt: skip


def test_long_modules_are_there() -> None:
    assert [module for module in LONG if not (HERE / f"{module}.py").is_file()] == []
    assert len({*LONG}) == len(LONG)


@pytest.mark.parametrize(("draw", "ran"), [("0", 4), ("1", 3), ("5", 3), ("", 8)])
def test_each_case_has_its_turn(tmp_path: Path, draw: str, ran: int) -> None:
    said = run(tmp_path, SUITE, draw)
    assert f"{ran} passed" in said, said


def test_each_example_of_a_law_has_its_turn(tmp_path: Path) -> None:
    every, *some = (seen(run(tmp_path, LAW, d)) for d in ("", *"01"))
    assert len(every) == 40
    assert [every[n::2] for n in range(2)] == some
    assert seen(run(tmp_path, LAW, "0", CLOISON_LAWS="whole")) == every
    wrong = next(n for n in every if n > 100 and every.count(n) == 1)
    for draw in range(2):
        said = run(tmp_path, LAW, str(draw), wrong)
        assert ("FAILED test_suite.py::test_law" in said) == (wrong in some[draw]), said
        assert "Flaky" not in said


def seen(said: str) -> list[int]:
    found = re.search(r"SystemError: \[(.*)\]", said)
    assert found, said
    return [int(n) for n in found[1].split(", ")]
