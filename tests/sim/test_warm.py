"""`warmup` forgets no kernel, and real use compiles nothing after it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KERNELS = """
import importlib, json, pkgutil
import sim.kernels as package
from sim.warm import warm

def kernels():
    for name in (found.name for found in pkgutil.iter_modules(package.__path__)):
        module = importlib.import_module(f"sim.kernels.{name}")
        for label, thing in vars(module).items():
            options = getattr(thing, "targetoptions", {"inline": None})
            if "inline" not in options and thing.__module__ == module.__name__:
                yield f"{name}.{label}"

done = warm()
print(json.dumps({"compiled": done.compiled, "cached": done.cached, "kernels": [*kernels()]}))
"""
CLOISON = ("-c", "from cloison.cli import main; main()")
USES = [
    ("simulate", "topologies/small.yaml"),
    ("show", "tables", "topologies/small.yaml", "--engine"),
    ("replay", "topologies/small.yaml", "--pairs", "--replies"),
    ("bench", "--packets", "2000", "--rounds", "1", "--set", "acl-1k", "--set", "policy-1k",
     "--set", "policy6-1k", "--set", "fw-10k"),
]  # fmt: skip


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
def test_after_a_warmup_nothing_is_compiled(tmp_path: Path) -> None:
    first = json.loads(python(tmp_path, "-c", KERNELS))
    files = {path.name for path in tmp_path.rglob("*.nbc")}
    assert set(first["kernels"]) == {name.partition("-")[0] for name in files}
    assert first["compiled"] == first["cached"] == len(files)
    for use in USES:
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
