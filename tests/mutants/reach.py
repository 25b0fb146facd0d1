"""Which test files execute which functions: `map.json`, drawn by `make mutants-map`.

Each test file runs alone in the tree with every call noted (`trace/sitecustomize.py`), in all of
its processes. A file that fails or takes more than `LIMIT` is not used. Sets of test files are
written as hexadecimal bit sets over `tests`, each distinct one once.

Compiled kernels are not seen by the tracer. Who executes a kernel is taken to be whoever executes
any function of a module that imports its module, directly or through other kernels.

Left out: tests that need root, and those that judge texts of the checkout or run what is installed.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import shutil
import sys
from collections import defaultdict
from functools import cached_property
from pathlib import Path
from typing import Any

from mutants.tree import KERNELS, PACKAGES, ROOT, Tree, imported, module, users

MAP = Path(__file__).parent / "map.json"
LIMIT = 150.0
OWN = 30.0
"""Seconds above which a module's own tests have no precedence."""
LEFT_OUT = {
    "tests/test_benchmark_page.py",
    "tests/test_budgets.py",
    "tests/test_docs.py",
    "tests/test_fuzz.py",
    "tests/test_house.py",
    "tests/test_house_of_kernels.py",
    "tests/test_locks.py",
    "tests/test_mutants.py",
    "tests/test_notebooks.py",
    "tests/sim/kernels/test_cache_folder.py",
    "tests/sim/lab/test_uml.py",
    "tests/sim/lab/test_vrf.py",
    "tests/sim/pipeline/test_warm.py",
}


class Reach:
    """The map, read."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.tests: dict[str, float] = dict(document["tests"])
        self.names = list(self.tests)
        self.sets: list[str] = document["sets"]
        self.functions: dict[str, dict[str, int]] = document["functions"]

    @classmethod
    def read(cls) -> Reach:
        """The committed one."""
        return cls(json.loads(MAP.read_text("utf-8")))

    def records(self) -> dict[str, dict[str, Any]]:
        """What is known of each test file, as `draw` notes it, of modules that are still there."""
        there = {path: known for path, known in self.functions.items() if (ROOT / path).exists()}
        found: dict[str, dict[str, Any]] = {
            test: {"usable": True, "seconds": seconds, "calls": defaultdict(list)}
            for test, seconds in self.tests.items()
        }
        for path, functions in there.items():
            for name, index in functions.items():
                for test in self._files(index):
                    found[test]["calls"][path].append(name)
        return found

    def of(self, path: str, function: str) -> list[str]:
        """Test files that execute a function, or the module when nobody is known to call it."""
        known = self.functions.get(path, {})
        found = self._files(known[function]) if function in known else set()
        found |= {test for test in self.tests if own(path, test)}
        if not found:
            found = set().union(*(self._files(i) for i in known.values()))
        if path.startswith(KERNELS):
            for user in self.importers.get(path, ()):
                for index in self.functions.get(user, {}).values():
                    found |= self._files(index)
        return sorted(found, key=lambda test: self.order(path, test))

    def order(self, path: str, test: str) -> tuple[bool, float]:
        """Tests of the module itself first, then the fastest."""
        return not (own(path, test) and self.tests[test] < OWN), self.tests[test]

    def _files(self, index: int) -> set[str]:
        bits = int(self.sets[index], 16)
        return {name for i, name in enumerate(self.names) if bits >> i & 1}

    @cached_property
    def compiling(self) -> set[str]:
        """Test files that execute what imports kernels: where none are compiled they take longer
        than they took."""
        users = set[str]().union(*self.importers.values())
        return set[str]().union(
            *(self._files(i) for user in users for i in self.functions.get(user, {}).values())
        )

    @cached_property
    def importers(self) -> dict[str, set[str]]:
        """Modules outside that import a kernel module or one that uses it."""
        outside = [
            (str(file.relative_to(ROOT)), imported(file))
            for package in PACKAGES
            for file in sorted((ROOT / package).rglob("*.py"))
        ]
        kernels = [path for path, _ in outside if path.startswith(KERNELS)]
        found: dict[str, set[str]] = {}
        for kernel in kernels:
            names = {module(user) for user in users(ROOT, kernel)}
            found[kernel] = {
                path for path, used in outside if used & names and not path.startswith(KERNELS)
            }
        return found


def own(path: str, test: str) -> bool:
    """Whether a test file is a module's own, by its name."""
    stem = Path(path).stem
    return test == path or Path(test).stem in (f"test_{stem}", f"test_{stem}s")


def test_files() -> list[str]:
    """Test files, and modules with doctests."""
    tests = [str(p.relative_to(ROOT)) for p in (ROOT / "tests").rglob("test_*.py")]
    modules = [p for package in PACKAGES for p in (ROOT / package).rglob("*.py")]
    doctests = [str(p.relative_to(ROOT)) for p in modules if ">>> " in p.read_text("utf-8")]
    return sorted({*tests, *doctests} - LEFT_OUT)


def draw(tree: Tree, only: str = "", again: bool = False) -> None:
    """Run every test file that the map does not know, or that has changed since it was run in this
    tree, and add it to the map; with `again` all of them."""
    known_before = {} if again or not MAP.exists() else Reach.read().records()
    raw = tree.home / "calls"
    raw.mkdir(exist_ok=True)
    for test in test_files():
        note = raw / f"{test.replace('/', '+')}.json"
        content = hashlib.sha256((ROOT / test).read_bytes()).hexdigest()
        known = json.loads(note.read_text("utf-8")) if note.exists() else {}
        same = known.get("content") == content or (not known and test in known_before)
        if same and not (only and only in test):
            continue
        folder = tree.home / "processes"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        paths = [str(Path(__file__).parent / "trace"), tree.environment()["PYTHONPATH"]]
        done = tree.run(
            [test], LIMIT,
            PYTHONPATH=os.pathsep.join(paths),
            CLOISON_CALLS=str(folder),
            CLOISON_CALLS_ROOT=str(tree.root),
        )  # fmt: skip
        calls: dict[str, set[str]] = defaultdict(set)
        for part in folder.glob("*.calls"):
            for line in part.read_text("utf-8").splitlines():
                path, _, name = line.partition("\t")
                if path.partition("/")[0] in PACKAGES:
                    calls[path].add(name.partition(".<locals>")[0])
        if done.failed:
            sys.stdout.write(done.output[-1500:])
        record = {
            "content": content,
            "usable": done.passed,
            "seconds": round(done.seconds, 1),
            "calls": {path: sorted(names) for path, names in sorted(calls.items())},
        }
        note.write_text(json.dumps(record), "utf-8")
        sys.stdout.write(f"{test}: {done.seconds:.1f} s{'' if done.passed else ', not used'}\n")
        sys.stdout.flush()
    MAP.write_text(compact(raw, known_before), "utf-8")


def compact(raw: Path, known: dict[str, dict[str, Any]]) -> str:
    """The map of what has been noted, and of what was known of other test files before."""
    notes = {test: raw / f"{test.replace('/', '+')}.json" for test in test_files()}
    records = {
        test: json.loads(note.read_text("utf-8")) if note.exists() else known[test]
        for test, note in notes.items()
        if note.exists() or test in known
    }
    records = {test: record for test, record in records.items() if record["usable"]}
    bits: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for place, record in enumerate(records.values()):
        for path, names in record["calls"].items():
            for name in names:
                if not name.startswith("<"):
                    bits[path][name] |= 1 << place
    sets = sorted({value for names in bits.values() for value in names.values()})
    index = {value: i for i, value in enumerate(sets)}
    rows = [
        '"tests": ' + lines({test: record["seconds"] for test, record in records.items()}),
        '"sets": [\n' + ",\n".join(f'"{value:x}"' for value in sets) + "\n]",
        '"functions": '
        + lines({p: {n: index[v] for n, v in sorted(bits[p].items())} for p in sorted(bits)}),
    ]
    return "{\n" + ",\n".join(rows) + "\n}\n"


def lines(table: dict[str, Any]) -> str:
    """A JSON object, one line per key."""
    return "{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in table.items()) + "\n}"


def function_at(text: str, line: int) -> str:
    """The qualified name of the outermost function around a line; "" at the module's level."""
    found = ""

    def visit(node: ast.AST, prefix: str) -> None:
        nonlocal found
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                first = min([child.lineno, *(d.lineno for d in child.decorator_list)])
                if first <= line <= (child.end_lineno or first):
                    if isinstance(child, ast.ClassDef):
                        visit(child, f"{prefix}{child.name}.")
                    else:
                        found = f"{prefix}{child.name}"

    visit(ast.parse(text), "")
    return found
