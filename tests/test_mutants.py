"""The suite notices seeded faults: every fault still is one, nearly all were asked as they stand,
nearly all of a floor died, who lives is explained; and ten, which the commit draws, die now."""

from __future__ import annotations

import os
import re
import subprocess
from functools import cache

import pytest
from mutants import run
from mutants.reach import Reach
from mutants.table import Fault
from mutants.tree import KERNELS, PACKAGES, ROOT, Tree

README, SURVIVORS = (ROOT / "tests" / "mutants" / name for name in ("README.md", "SURVIVORS.md"))
TEN = 10
QUICK = 3.0
"""Who took longer is not asked in every run, nor who waits for kernels to be compiled."""
JUDGED, SHARE = 0.97, 0.95
"""Such a share of all must have been asked as they stand, and such a share of these be dead."""
STEP = 50
"""The README counts by so many, so that it need not be edited with every row."""


def test_every_table_is_asked() -> None:
    there = {path.stem for path in (ROOT / "tests" / "mutants" / "table").glob("*.py")}
    assert there - {"__init__"} == {*run.TABLES}


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
    files |= {fault.by.partition("::")[0] for fault in run.faults().values() if fault.by}
    assert [file for file in sorted(files) if not (ROOT / file).is_file()] == []


def test_only_kernels_run_as_plain_python() -> None:
    rows = [fault for fault in run.faults().values() if fault.plain]
    assert rows
    assert [fault.path for fault in rows if not (fault.path.startswith(KERNELS) and fault.by)] == []


def test_nearly_all_were_asked_as_they_stand() -> None:
    """Whoever adds rows or edits their texts asks them: `make mutants ONLY='words of the row'`."""
    rows, asked = run.faults(), run.judged(run.read())
    assert len(rows) - len(asked) <= (1 - JUDGED) * len(rows), sorted(rows.keys() - asked.keys())


def test_those_that_once_lived_are_dead() -> None:
    asked = run.judged(run.read())
    first = [key for key in run.faults() if key.startswith("first:")]
    assert first
    assert [k for k in first if k not in asked or asked[k].outcome != "killed"] == []


@pytest.mark.parametrize("floor", PACKAGES)
def test_nearly_all_of_a_floor_die(floor: str) -> None:
    rows = run.faults().items()
    asked = run.judged(run.read())
    mine = [key for key, fault in rows if fault.path.startswith(f"{floor}/")]
    found = [asked[key].outcome for key in mine if key in asked]
    assert found
    assert found.count("killed") >= SHARE * len(found)
    said = re.findall(rf"^\| `{floor}` \| ([\d,]+) \|", README.read_text("utf-8"), re.MULTILINE)
    assert [int(number.replace(",", "")) for number in said] == [len(mine) // STEP * STEP]


def test_who_lives_is_explained() -> None:
    asked = run.judged(run.read())
    alive = {key for key, found in asked.items() if found.outcome != "killed"}
    said = set(re.findall(r"^### (.+)$", SURVIVORS.read_text("utf-8"), re.MULTILINE))
    assert alive <= said <= alive | (run.faults().keys() - asked.keys())


@pytest.mark.parametrize("part", ["path", "before", "after", "by"])
def test_a_row_that_changed_since_is_not_judged(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it was judged as says nothing of what it is; where its file lies, and who is asked
    first, is no part of that."""
    key, fault = next(iter(run.faults().items()))
    results = {key: run.Result("killed", "tests/test_x.py", 1.0, run.fingerprint(fault))}
    assert run.judged(results) == results
    other, same = fault._replace(**{part: getattr(fault, part) + " "}), part in ("path", "by")
    monkeypatch.setattr(run, "faults", lambda: {key: other})
    assert run.judged(results) == (results if same else {})
    told = list(run.sums(results))
    alone = "1 killed, 0 survived, 0 late, 0" if same else "0 killed, 0 survived, 0 late, 1"
    assert told[len(run.TABLES)].startswith(f"all: 1 mutants, {alone} unjudged")
    changed = [] if same else [f"unjudged: {key} (its row has changed since)"]
    assert told[len(run.TABLES) + 1 :] == changed


def test_a_row_that_changed_since_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    (key, fault), (other, beside) = list(run.faults().items())[:2]
    results = {
        key: run.Result("killed", "tests/test_x.py", 1.0, run.fingerprint(beside)),
        other: run.Result("killed", "tests/test_y.py", 1.0, run.fingerprint(beside)),
    }
    asked: list[tuple[str, str]] = []

    def judge(tree: object, fault: Fault, reach: object, known: str) -> run.Result:
        asked.append((fault.breaks, known))
        return run.Result("killed", known, 1.0, run.fingerprint(fault))

    monkeypatch.setattr(run, "faults", lambda: {key: fault, other: beside})
    monkeypatch.setattr(run, "read", lambda: dict(results))
    monkeypatch.setattr(run, "write", results.update)
    monkeypatch.setattr(run, "judge", judge)
    run.run(None)  # type: ignore[arg-type]
    assert asked == [(fault.breaks, "tests/test_x.py")]
    assert run.judged(results).keys() == {key, other}


@cache
def ten() -> list[str]:
    """Ten that die quickly on a cold and busy machine, others with every commit."""
    number = os.environ.get("CLOISON_SLICE", "commit")
    if not number.isdecimal():
        command = ["git", "rev-parse", "--short=8", "HEAD"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        number = str(int(done.stdout, 16)) if done.returncode == 0 else "0"
    results = run.judged(run.read())
    quick = [
        key
        for key, fault in run.faults().items()
        if (found := results.get(key)) and found.seconds < QUICK and soon(fault, found.by)
    ]
    if not quick:
        pytest.skip("nobody has been asked yet")
    step = max(1, len(quick) // TEN)
    return [quick[(int(number) + i * step) % len(quick)] for i in range(TEN)]


def soon(fault: Fault, by: str) -> bool:
    """Whether a test that killed is known to need no compiled kernels."""
    file, known = by.partition("::")[0], reach()
    return bool(run.plainly(fault, [by])) or (file in known.tests and file not in known.compiling)


@cache
def reach() -> Reach:
    """The map, read once."""
    return Reach.read()


@cache
def tree() -> Tree:
    """The copy, once for all ten."""
    return Tree()


@pytest.mark.oracle("mutants")
@pytest.mark.parametrize("number", range(TEN))
def test_ten_of_them_die(number: int) -> None:
    key = ten()[number]
    found = run.judge(tree(), run.faults()[key], reach(), run.read()[key].by)
    assert found.outcome == "killed", f"nobody notices: {key}"
