"""`warmup` forgets no kernel, and real use compiles nothing after it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rule_sets.catalogue import generate

from sim.classify.classbench import write_rules

ROOT = Path(__file__).parents[2]
KERNELS = """
import importlib, json, pkgutil
import sim.kernels as package
from sim.warm import warm

def kernels():
    for found in pkgutil.walk_packages(package.__path__, "sim.kernels."):
        module = importlib.import_module(found.name)
        name = found.name.rpartition(".")[2]
        for label, thing in vars(module).items():
            options = getattr(thing, "targetoptions", {"inline": None})
            if "inline" not in options and thing.__module__ == module.__name__:
                yield f"{name}.{label}"

done = warm()
print(json.dumps({"compiled": done.compiled, "cached": done.cached, "kernels": [*kernels()]}))
"""
BENCH = ("--packets", "2000", "--rounds", "1")
CLOISON = ("-c", "from cloison.cli import main; main()")
USES = [
    ("simulate", "topologies/small.yaml"),
    ("replay", "topologies/small.yaml", "--pairs", "--replies"),
]
SETS = ("acl-1k", "policy-1k", "policy6-1k", "fw-10k")


def python(cache: Path, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.mark.slow
@pytest.mark.slices(4)
def test_after_a_warmup_nothing_is_compiled(tmp_path: Path) -> None:
    first = json.loads(python(tmp_path, "-c", KERNELS))
    files = {path.name for path in tmp_path.rglob("*.nbc")}
    assert set(first["kernels"]) == {name.partition("-")[0] for name in files}
    assert first["compiled"] == first["cached"] == len(files)
    for name in SETS:
        write_rules(generate(name), tmp_path / name)
    benches = [("bench", *BENCH, "--rules", str(tmp_path / name)) for name in SETS]
    for use in (*USES, *benches):
        python(tmp_path, *CLOISON, *use)
        assert {path.name for path in tmp_path.rglob("*.nbc")} == files, use
    again = python(tmp_path, *CLOISON, "warmup", "-q")
    assert again.startswith(f"all {len(files)} kernels were compiled already")


def test_nowhere_to_keep_kernels_is_said() -> None:
    done = subprocess.run(
        [sys.executable, *CLOISON, "warmup", "-q"],
        cwd=ROOT,
        env={**os.environ, "XDG_CACHE_HOME": "/proc/none"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "set XDG_CACHE_HOME" in done.stderr
