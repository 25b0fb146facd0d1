"""The suite notices seeded faults: every fault still is one, all have results, nearly all died; and
ten of them, which the commit draws, die now (`mutants`)."""

from __future__ import annotations

import os
import subprocess
from functools import cache

import pytest
from mutants import run
from mutants.reach import Reach
from mutants.tree import ROOT, Tree

TEN = 10
QUICK = 8.0
"""Who took longer is not asked in every run."""


@pytest.mark.parametrize("table", run.TABLES)
def test_every_fault_can_be_put_in(table: str) -> None:
    wrong = []
    for key, fault in run.faults().items():
        if key.startswith(f"{table}:"):
            try:
                compile(run.mutated(fault), fault.path, "exec")
            except (OSError, SyntaxError, ValueError) as error:
                wrong.append(f"{key}: {error}")
    assert wrong == []


def test_tests_that_killed_are_there() -> None:
    """Whoever removes or renames one asks its mutants again."""
    files = {result.by.partition("::")[0] for result in run.read().values() if result.by}
    assert [file for file in sorted(files) if not (ROOT / file).is_file()] == []


def ten() -> list[str]:
    """Ten that die quickly, others with every commit."""
    number = os.environ.get("CLOISON_SLICE", "commit")
    if not number.isdecimal():
        command = ["git", "rev-parse", "--short=8", "HEAD"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        number = str(int(done.stdout, 16)) if done.returncode == 0 else "0"
    results = run.read()
    quick = [
        key
        for key in run.faults()
        if (found := results.get(key)) and found.by and found.seconds < QUICK
    ]
    if not quick:
        pytest.skip("nobody has been asked yet")
    step = max(1, len(quick) // TEN)
    return [quick[(int(number) + i * step) % len(quick)] for i in range(TEN)]


@cache
def tree() -> Tree:
    """The copy, once for all ten."""
    made = Tree()
    made.adopt()
    return made


@pytest.mark.oracle("mutants")
@pytest.mark.parametrize("number", range(TEN))
def test_ten_of_them_die(number: int) -> None:
    key = ten()[number]
    found = run.judge(tree(), run.faults()[key], Reach.read(), run.read()[key].by)
    assert found.outcome == "killed", f"nobody notices: {key}"
