"""The house rules: formatter, linter, types, import direction, and the shape of modules."""

from __future__ import annotations

import ast
import fnmatch
import re
import shutil
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from doctest import DocTestParser
from itertools import combinations
from pathlib import Path

import pytest
from house_trees import MODULES, PACKAGES, functions, imports, parameters, trees

from compiler.compile import PASSES

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
FORBIDDEN_NAMES = {"utils", "util", "helpers", "common", "base", "manager", "misc"}
SAME_IDEA = {
    "atoms cells dense keyed tuples": "tables, and the kernels that read them",
    "detours failures machines paths regions": "the proof, and the checker on its own",
    "offers": "what a file says, and what must hold of that",
    "compile explain plot spof": "what is computed, and how it is asked for and shown",
    "rollout": "a world in the middle of one, and how it is asked whether all of them are safe",
}
"""Modules that have a name in common although neither imports the other."""
ONE_USES = {
    "connectivity diagnostics diff questions reach replay schema topology world"
    " vrf_pairs": "what is computed, and how it is asked for and shown",
    "address_sets services": "what stands in files and questions, and which endpoints that means",
    "claims": "a line of `expect:` as it is written, and as the checker reads it",
    "ecmp linear rename": "how something is done, and the kernels that do it",
    "fields": "further fields of a packet, and the checker's own classes of their values",
}
"""Modules that have a name in common of which one imports the other."""
SAME_CLASSES = {
    "Axis": "an axis cut into classes: of blocks, of an engine, and the checker's own",
    "Choice": "a next hop that ECMP may take: explained, and by the checker on its own",
    "Claim": "a line of `expect:`, read: by the proof, and by the checker on its own",
    "Paths": "ways from a source to its destinations: the proof's, and the checker's own",
    "Peer": "a workload or the outside as an end: in a list, and in a comparison of two worlds",
    "Rule": "a line that matches: of a policy, and of any first-match rule set",
    "Sender": "addresses that fare alike as sources: the proof's, and the checker's own",
    "World": "network, policy and program: as a value, and as Python users see it",
}

MOST_UNTYPED = 8
"""Parameters of one function that may be `Any`."""

INPUT = {
    "cloison/starter": "`cloison init` writes all of it into a user's folder",
    "tests/fabric/errors/clusters": "manifests of the files beside it, whose README tells of them",
    "tests/fabric/errors/running": "configurations of devices and pods of those files, likewise",
    "topologies/manifests": "clusters as users have them, told of in the README here",
}
"""Folders below which there is no README."""

GATES = {
    "format": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "."],
    "types": ["mypy"],
    "imports": ["lint-imports", "--no-cache"],
}


@pytest.mark.parametrize("gate", GATES)
def test_gate(gate: str) -> None:
    tool, *arguments = GATES[gate]
    done = subprocess.run([BIN / tool, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


PLUG_INS = {"compiler.sources", "compiler.targets"}
"""Rooms whose modules are a table's rows: no contract names them, none imports another."""


def rooms_with_modules() -> set[str]:
    """Packages, and rooms in which at least two things stand, by dotted names."""
    below: dict[Path, set[str]] = defaultdict(set)
    for path in MODULES:
        inside = path if path.stem != "__init__" else path.parent
        below[inside.parent].add(inside.stem)
    return {
        ".".join(room.relative_to(ROOT).parts)
        for room, things in below.items()
        if len(things) > 1 and room != ROOT
    }


def test_every_module_stands_on_a_floor() -> None:
    """import-linter refuses a module that no floor of its room names, and every room has floors."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    floors = {
        container
        for contract in contracts["contracts"]
        if contract.get("exhaustive")
        for container in contract["containers"]
    }
    assert floors >= rooms_with_modules() - PLUG_INS
    assert len(floors) > 60


NO_CACHES = shutil.ignore_patterns("__pycache__")


@pytest.mark.parametrize(
    ("room", "line", "kept"),
    [
        ("sources", "import compiler.policy.ir", True),
        ("sources", "import compiler.sources.zones", False),
        ("targets", "import compiler.targets.profiles", True),
        ("targets", "import compiler.targets.hosts.frr", False),
    ],
)
def test_a_plug_in_stands_nowhere_but_in_its_file(
    tmp_path: Path, room: str, line: str, kept: bool
) -> None:
    """No contract names the sources and targets that there are, and none imports another."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=NO_CACHES)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "compiler" / room / "of_ours.py").write_text(f"{line}\n")
    command = [BIN / "lint-imports", "--no-cache"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode == 0) is kept, done.stdout
    assert (f"{room} do not import each other BROKEN" in done.stdout) is not kept


def rooms() -> set[Path]:
    """Folders with files that git knows, or would take."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("git knows nothing of this tree")
    files = (Path(name) for name in done.stdout.split("\0") if name)
    return {file.parent for file in files if (ROOT / file).is_file()}


def test_every_folder_has_a_readme() -> None:
    without = {room for room in rooms() if not (ROOT / room / "README.md").is_file()}
    input_of_users = {r for top in INPUT for r in without if {r, *r.parents} & {Path(top)}}
    assert without - input_of_users == set()
    assert all((ROOT / top).is_dir() for top in INPUT)


def test_test_files_that_readmes_name_exist() -> None:
    """Whoever renames a test file renames it where people look for it."""
    tests = ROOT / "tests"
    there = sorted(path.stem for path in tests.rglob("test_*.py"))
    named = {
        (str(page.relative_to(tests)), name)
        for page in tests.rglob("README.md")
        for name in re.findall(r"`(?:[\w./]+/)?(test_\w+\*?)(?:\.py)?`", page.read_text())
    }
    assert len(named) > 50
    assert {(page, name) for page, name in named if not fnmatch.filter(there, name)} == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_module_is_one_concept_and_says_so(path: Path) -> None:
    text = path.read_text()
    assert path.stem not in FORBIDDEN_NAMES
    assert text.count("\n") <= 400
    assert not text or ast.get_docstring(ast.parse(text)), "no docstring"


def test_modules_of_tests_and_benchmarks_are_no_longer() -> None:
    """But for tables of faults, which are rows."""
    written = [path for room in ("tests", "bench") for path in (ROOT / room).rglob("*.py")]
    rows = ROOT / "tests" / "mutants" / "table"
    assert len(written) > 500
    assert [p for p in written if p.parent != rows and p.read_text().count("\n") > 400] == []


def test_every_pass_opens_with_a_before_and_after_that_runs() -> None:
    for said in PASSES:
        opening = sys.modules[said.__module__].__doc__ or ""
        assert ">>> " in opening, said.__module__
        assert DocTestParser().get_examples(opening)[-1].want, said.__module__


def doubled_modules() -> Iterator[tuple[str, bool]]:
    """Names of modules that stand twice, and whether neither imports the other."""
    by_name = defaultdict(list)
    for module in trees():
        by_name[module.rpartition(".")[2]].append(module)
    for name, modules in by_name.items():
        if len(modules) > 1:
            yield (
                name,
                any(
                    a not in imports(b) and b not in imports(a) for a, b in combinations(modules, 2)
                ),
            )


@pytest.mark.parametrize(("listed", "apart"), [(SAME_IDEA, True), (ONE_USES, False)])
def test_one_name_one_idea(listed: dict[str, str], apart: bool) -> None:
    """Two modules of one name are one idea at two floors, and which idea is said."""
    found = sorted(name for name, neither in doubled_modules() if neither is apart)
    assert found == sorted(" ".join(listed).split())


def test_one_class_name_one_idea() -> None:
    """An underscore in front of a name makes no other one of it."""
    found = defaultdict(set)
    for module, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                found[node.name.lstrip("_")].add(module)
    assert {name for name, where in found.items() if len(where) > 1} == set(SAME_CLASSES)


def untyped(function: ast.FunctionDef) -> list[str]:
    """Parameters that may be anything."""
    return [
        p.arg for p in parameters(function) if p.annotation and ast.unparse(p.annotation) == "Any"
    ]


def test_no_function_takes_many_parameters_of_any_type() -> None:
    many = [
        f"{module}.{function.name}"
        for module in trees()
        for function in functions(module)
        if len(untyped(function)) > MOST_UNTYPED
    ]
    assert many == []
