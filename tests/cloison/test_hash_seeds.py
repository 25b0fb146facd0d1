"""The same bytes for every hash seed: what any verb writes as JSON, and certificates."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from device_state import write_state

from cloison.cli import VERBS
from fabric.building.build import build
from fabric.building.load import load_fabric

TOPOLOGIES = Path(__file__).parents[2] / "topologies"
SMALL, DEMO = (str(TOPOLOGIES / f"{name}.yaml") for name in ("small", "demo"))
HOLE = str(TOPOLOGIES / "broken" / "zone0-hole.yaml")
QUESTIONS = str(Path(__file__).parents[1] / "compiler" / "identity" / "questions.jsonl")
NVUE = str(Path(__file__).parents[1] / "compiler" / "imports" / "nvue")
CILIUM = str(TOPOLOGIES / "cilium.yaml")
FLOWS = str(Path(__file__).parents[1] / "sim" / "diff" / "permitted" / "small-flows.jsonl")
ROLES = str(Path(__file__).parents[1] / "compiler" / "decisions" / "rbac" / "roles.yaml")
JSON = ("-o", "json")
RUNS: dict[str, list[tuple[str, ...]]] = {
    "check": [("check", HOLE, *JSON)],
    "simulate": [("simulate", SMALL, *JSON)],
    "verify": [
        ("verify", DEMO, *JSON),
        ("verify", HOLE, *JSON),
        ("verify", SMALL, "--certificate", "/dev/stdout", *JSON),
    ],
    "spof": [("spof", DEMO, *JSON)],
    "suggest": [("suggest", HOLE, *JSON), ("suggest", SMALL, "--from-flows", FLOWS, *JSON)],
    "coverage": [("coverage", SMALL, *JSON)],
    "explain": [
        ("explain", DEMO, "zone2/*", "inference/*", *JSON),
        ("explain", CILIUM, "shop/store/*", "shop/store/*:8080", "--http", "GET /a", *JSON),
    ],
    "reach": [
        ("reach", DEMO, *JSON),
        ("reach", str(TOPOLOGIES / "manifests" / "demo" / "inference"), *JSON),
    ],
    "diff": [("diff", DEMO, HOLE, *JSON)],
    "rollout": [("rollout", DEMO, HOLE, *JSON)],
    "import": [
        ("import", "nvue", NVUE, *JSON),
        ("import", "nvue", NVUE, "--ignored", *JSON),
    ],
    "review": [("review", NVUE, *JSON)],
    "identity": [("identity", "check", "--requests", QUESTIONS)],
    "compare": [("compare", SMALL, "--state", "{folder}/state/small", *JSON)],
    "compile": [("compile", DEMO, "-o", "{folder}", "--output", "json")],
    "show": [
        ("show", what, DEMO, *JSON)
        for what in ("topology", "addresses", "sessions", "routes", "policy", "tables", "timeline")
    ],
    "replay": [("replay", SMALL, "--pairs", *JSON)],
    "schema": [("schema",)],
    "can-i": [("can-i", "jane", "get", "pods", ROLES, *JSON)],
    "who-can": [("who-can", "get", "pods", ROLES, *JSON)],
    "roles": [("roles", "diff", ROLES, str(TOPOLOGIES / "manifests" / "cilium"), *JSON)],
}
NO_JSON = {
    "access",
    "approve",
    "report",
    "storage",
    "expect",
    "lab",
    "plot",
    "bench",
    "init",
    "warmup",
}
"""Verbs that write YAML, pages, timings, pictures or examples, or need the machine or a file that
is made first."""
PROGRAM = """
import json, re, sys
from pathlib import Path
from click.testing import CliRunner
from cloison.cli import main
for arguments in json.loads(sys.stdin.read()):
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code in (0, 1), result.output
    print(arguments)
    print(re.sub(r'"(seconds|[a-z_]+_second)": ([0-9.]+|[{][^}]*[}])', "", result.stdout))
for path in sorted(Path(sys.argv[1]).rglob("*.*")):
    print(path.name, path.read_text())
"""


def test_every_verb_is_here_or_named() -> None:
    assert {*RUNS, *NO_JSON} == set(VERBS)


@pytest.mark.slow
@pytest.mark.slices(3)
@pytest.mark.parametrize("part", range(3))
def test_json_does_not_depend_on_the_hash_seed(tmp_path: Path, part: int) -> None:
    every = [run for verb in RUNS.values() for run in verb]
    write_state(build(load_fabric(Path(SMALL)), lock=False), tmp_path / "state" / "small")
    runs = [[word.format(folder=tmp_path) for word in run] for run in every[part::3]]
    first, second = (
        subprocess.run(
            [sys.executable, "-c", PROGRAM, str(tmp_path)],
            input=json.dumps(runs),
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "7")
    )
    assert first == second
    assert len(first) > 30_000
