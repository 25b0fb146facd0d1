"""`warmup` forgets no kernel, and real use compiles nothing after it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rule_sets.catalogue import generate

from sim.classify.classbench import write_rules
from sim.pipeline import warm

ROOT = Path(__file__).parents[3]
MADE = """
import importlib, json, pkgutil, sys
import sim.kernels as package

def made():
    for found in pkgutil.walk_packages(package.__path__, "sim.kernels."):
        module = importlib.import_module(found.name)
        name = found.name.rpartition(".")[2]
        for label, thing in vars(module).items():
            options = getattr(thing, "targetoptions", {"forceinline": None})
            if "forceinline" not in options and thing.__module__ == module.__name__:
                yield f"{name}.{label}", [str(one) for one in thing.signatures]
"""
STEP = f"""{MADE}
from sim.pipeline import warm
for step in sys.argv[1:]:
    {{**warm.ENGINES, **warm.PATHS}}[step]()
print(json.dumps(dict(made())))
"""
USE = f"""{MADE}
import contextlib, io
from cloison.cli import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main(sys.argv[1:])
print(json.dumps(dict(made())))
"""
BENCH = ("--packets", "2000", "--rounds", "1")
CLOISON = ("-c", "from cloison.cli import main; main()")
USES = [
    ("simulate", "topologies/small.yaml"),
    ("replay", "topologies/small.yaml", "--pairs", "--replies"),
]
STEPS = (*warm.ENGINES, *warm.PATHS)
CALLED_BY_KERNELS = {"flow_blocks.ask", "hairpins.walk_on"}
"""And by nothing else: they come with those that call them."""
SETS = ("acl-1k", "policy-1k", "policy6-1k", "fw-10k")


def python(program: str, *arguments: str, cache: Path | None = None) -> dict[str, list[str]]:
    """Versions of each kernel that a fresh process has loaded or compiled, by its name."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        env={**os.environ, **({"XDG_CACHE_HOME": str(cache)} if cache else {})},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="module")
def warmed() -> dict[str, list[str]]:
    """Versions of each kernel that every step together makes."""
    return python(STEP, *STEPS)


def test_no_kernel_is_forgotten(warmed: dict[str, list[str]]) -> None:
    """Whatever is in the cache: what counts is which versions a process asks for."""
    assert {kernel for kernel, versions in warmed.items() if not versions} <= CALLED_BY_KERNELS


@pytest.mark.slices(3)
@pytest.mark.parametrize("use", [*USES, *SETS], ids="".join)
def test_what_uses_need_is_warmed_up(
    use: tuple[str, ...] | str, warmed: dict[str, list[str]], tmp_path: Path
) -> None:
    if isinstance(use, str):
        write_rules(generate(use), tmp_path / use)
        use = ("bench", *BENCH, "--rules", str(tmp_path / use))
    used = python(USE, *use)
    assert any(used.values())
    for kernel, versions in used.items():
        assert set(versions) <= set(warmed[kernel]), (use, kernel)


@pytest.mark.slow
@pytest.mark.slices(6 * len(STEPS))
@pytest.mark.parametrize("step", STEPS)
def test_what_a_step_compiles_is_there_for_the_next_process(step: str, tmp_path: Path) -> None:
    first = python(STEP, step, cache=tmp_path)
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nb?")}
    compiled = {name for name, versions in first.items() if versions}
    assert {path.name.partition("-")[0] for path in files if path.suffix == ".nbc"} == compiled
    python(STEP, step, cache=tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nb?")} == files


def test_the_verb_takes_every_step_and_says_what_it_found() -> None:
    said = [""]
    while not said[-1].startswith("all "):
        done = subprocess.run([sys.executable, *CLOISON, "warmup", "-q"], capture_output=True,
                              cwd=ROOT, text=True, check=True)  # fmt: skip
        said.append(done.stdout)
    assert len(said) <= 3, said
    assert re.match(r"all \d+ kernels were compiled already", said[-1])


def test_nothing_is_loaded_that_draws_or_times_packets() -> None:
    """Until a plan asks how long lists are, or the step of the bounds is taken."""
    program = "import sys, sim.pipeline.warm; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert "sim.pipeline.warm" in loaded
    assert not {
        "sim.classify.traces",
        "sim.classify.engines.walked",
        "sim.kernels.match.bounds",
    } & {*loaded}
    assert not [module for module in loaded if module.startswith("sim.classify.timing")]


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
