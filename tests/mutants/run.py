"""Mutants against the tests that execute them; what came of each goes to `results.json`.

The test that its row names is asked first, or what of that killed it last; then the one that killed
it last, and then the test files that execute the function, those of its own module first and then
the fastest (`reach.py`), a few at a time, until one fails.
A minute of the processor is all that a mutant gets; what is not dead then has survived.

A judgement is of a row as it stood: the text before and the text after (`fingerprint`). A row that
is another one since has not been judged; a file that moves takes its judgements along.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib import import_module
from pathlib import Path

from mutants.reach import Reach, function_at
from mutants.table import Fault
from mutants.tree import ROOT, Tree

TABLES = (
    "first", "admin", "cilium", "requests", "lints", "identity", "state", "plan", "control",
    "points", "policy", "program", "blocks", "answers", "proof", "expectations", "checker",
    "deserved", "engines", "wiring", "kernels", "imports", "nvue_out", "rule_sets", "frr_read",
    "joined", "cloison", "ci", "approvals", "time", "expected_before", "noticed", "suggested",
    "exposure", "rollouts", "rendered", "tenant_rows", "manifests",
    "doors", "differences", "nft_text", "pages", "python_doors", "roles", "storage", "support",
    "drawn",
)  # fmt: skip
RESULTS = Path(__file__).parent / "results.json"
MINUTE = 60.0
STEPS = (4.0, 15.0, MINUTE)
"""Test files are asked in chunks of about so many seconds: starting Python takes one."""
START = 1.2
PLAIN = {"NUMBA_DISABLE_JIT": "1"}


@dataclass(frozen=True, slots=True)
class Result:
    """`outcome` is killed, survived or late; `by` the test that failed; `seconds` of processor;
    `row` the fingerprint of what was judged."""

    outcome: str
    by: str
    seconds: float
    row: str = ""


@cache
def faults() -> dict[str, Fault]:
    """Every fault by its key, which is where it stands and what it breaks."""
    found = {}
    for table in TABLES:
        rows: tuple[Fault, ...] = import_module(f"mutants.table.{table}").FAULTS
        for row in rows:
            key = f"{table}: {row.breaks}"
            key = key if table != "drawn" else f"{table}: {row.path} {row.breaks}"
            assert key not in found, f"twice: {key}"
            found[key] = row
    return found


def fingerprint(fault: Fault) -> str:
    """What a judgement is of: another text before or after is another fault. Where its file lies
    changes nothing, nor who is asked first."""
    text = json.dumps([fault.before, fault.after])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def judged(results: Mapping[str, Result]) -> dict[str, Result]:
    """The results of faults that are as they were when they were judged."""
    return {
        key: results[key]
        for key, fault in faults().items()
        if key in results and results[key].row == fingerprint(fault)
    }


def mutated(fault: Fault) -> str:
    """The text of the file with its fault; ValueError where it does not stand there once."""
    text = (ROOT / fault.path).read_text("utf-8")
    if text.count(fault.before) != 1:
        times = text.count(fault.before)
        raise ValueError(f"{fault.path} has {times} times, and not once: {fault.before!r}")
    return text.replace(fault.before, fault.after)


def tests_of(fault: Fault, reach: Reach) -> list[str]:
    """Test files that execute the fault, the best first."""
    text = (ROOT / fault.path).read_text("utf-8")
    at = text.index(fault.before)
    first = text.count("\n", 0, at) + 1
    last = first + fault.before.count("\n")
    functions = dict.fromkeys(function_at(text, line) for line in range(first, last + 1))
    found = dict.fromkeys(test for f in functions for test in reach.of(fault.path, f))
    return sorted(found, key=lambda test: reach.order(fault.path, test))


def chunks(tests: Iterable[str], reach: Reach) -> Iterator[list[str]]:
    """Test files a few at a time, by the seconds that they took."""
    steps, part, spent = iter(STEPS), list[str](), 0.0
    most = next(steps)
    for test in tests:
        if part and spent + reach.tests[test] - START > most:
            yield part
            part, spent, most = [], 0.0, next(steps, MINUTE)
        part.append(test)
        spent += max(0.1, reach.tests[test] - START)
    if part:
        yield part


def asked(fault: Fault, reach: Reach, known: str) -> Iterator[list[str]]:
    """The tests of a mutant in the order in which they run, a few at a time."""
    first = (known, fault.by) if known.startswith(fault.by) else (fault.by, known)
    yield from ([test] for test in dict.fromkeys(first) if test)
    yield from chunks(tests_of(fault, reach), reach)


def judge(tree: Tree, fault: Fault, reach: Reach, known: str = "") -> Result:
    """What becomes of one mutant; `known` killed it last."""
    return replace(_judge(tree, fault, reach, known), row=fingerprint(fault))


def _judge(tree: Tree, fault: Fault, reach: Reach, known: str) -> Result:
    left = MINUTE
    with tree.mutated(fault.path, mutated(fault)):
        for tests in asked(fault, reach, known):
            if left <= 1:
                continue
            found = tree.run(tests, left, **plainly(fault, tests))
            left -= found.seconds
            if found.failed:
                return Result("killed", found.failed, round(MINUTE - left, 1))
            if found.out_of_time:
                return Result("late", "", round(MINUTE - left, 1))
    return Result("survived" if left > 1 else "late", "", round(MINUTE - left, 1))


def plainly(fault: Fault, tests: list[str]) -> dict[str, str]:
    """What makes kernels plain Python for the test that a row names for that."""
    plain = fault.plain and all(test.startswith(fault.by) for test in tests)
    return PLAIN if plain else {}


def read() -> dict[str, Result]:
    """What is known."""
    rows = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    return {key: Result(*row) for key, row in rows.items()}


def write(results: dict[str, Result]) -> None:
    """One line per mutant, in the order of the tables; what is no fault any more is dropped."""
    rows = [(key, [*asdict(results[key]).values()]) for key in faults() if key in results]
    text = ",\n".join(f"{json.dumps(key)}: {json.dumps(row)}" for key, row in rows)
    RESULTS.write_text(f"{{\n{text}\n}}\n", "utf-8")


def run(
    tree: Tree, only: str = "", again: bool = False, new: bool = False, part: str = "1/1"
) -> None:
    """Judge every fault whose key or path has `only` in it; those that are known to die only
    `again`, those that lived not if only `new` ones are asked. `part` is one of several shares,
    each for a tree of its own."""
    share, shares = map(int, part.split("/"))
    reach, results = Reach.read(), read()
    chosen = sorted(faults().items(), key=lambda row: turn(row[0]))[share - 1 :: shares]
    for key, fault in chosen:
        before = results.get(key)
        if only not in f"{key} {fault.path}":
            continue
        stands = before is not None and before.row == fingerprint(fault)
        if before and stands and (new or before.outcome == "killed") and not (again or only):
            continue
        results[key] = found = judge(tree, fault, reach, before.by if before else "")
        results = {**read(), key: found}
        write(results)
        sys.stdout.write(f"{found.outcome} {found.seconds:5.1f} s  {key}  {found.by}\n")
        sys.stdout.flush()


def turn(key: str) -> tuple[bool, str]:
    """Those that once lived come first, then all floors mixed, so that the first hour says most."""
    return not key.startswith("first:"), hashlib.sha256(key.encode()).hexdigest()


def sums(results: Mapping[str, Result]) -> Iterator[str]:
    """How many of each floor have died, and who is not judged as it stands now."""
    valid = judged(results)
    for table in (*TABLES, ""):
        keys = [key for key in faults() if key.startswith(f"{table}:" if table else "")]
        rows = [valid[key] for key in keys if key in valid]
        dead = sum(r.outcome == "killed" for r in rows)
        late = sum(r.outcome == "late" for r in rows)
        seconds = sum(r.seconds for r in rows) / max(1, len(rows))
        name = table or "all"
        yield f"{name}: {len(keys)} mutants, {dead} killed, {len(rows) - dead - late} survived, "\
              f"{late} late, {len(keys) - len(rows)} unjudged; {seconds:.1f} s each"  # fmt: skip
    for key in faults():
        if key not in valid:
            why = "its row has changed since" if key in results else "nobody was asked"
            yield f"unjudged: {key} ({why})"


def innocent(tree: Tree, results: dict[str, Result]) -> list[str]:
    """Tests that killed a mutant, and are gone or fail without one as well."""
    files: dict[tuple[str, bool], dict[str, None]] = {}
    for key, fault in sorted(faults().items()):
        if key in results and (test := results[key].by):
            alike = test.partition("::")[0], bool(plainly(fault, [test]))
            files.setdefault(alike, {})[test] = None
    guilty = []
    for (_, plain), tests in files.items():
        more = PLAIN if plain else {}
        if not tree.run([*tests], 10 * MINUTE, **more).passed:
            guilty += [test for test in tests if not tree.run([test], 10 * MINUTE, **more).passed]
    return guilty
