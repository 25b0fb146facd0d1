"""Every mistake in manifests has its text, and no manifest makes anything but an InputError."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from goldens import MANIFEST_ERRORS, expected, inputs, manifest_diagnostics
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compiler.sources.network_policy import policy
from fabric.building.cluster import cluster_network
from fabric.diagnostics import InputError

DEMO = Path(__file__).parents[2] / "topologies" / "manifests" / "demo"
LINES = [line for path in sorted(DEMO.rglob("*.yaml")) for line in path.read_text().splitlines()]
SCRAPS = [
    *("", "~", "-1", "70000", "8.5", "1e999", "[]", "{}", "[{}]", "null", "on", "22:22", '"80"'),
    *("0.0.0.0/0", "fd00::/129", "TCP", "sctp", "In", "Exists", "Ingress", "a/b/c", "x" * 300),
    *("*a", "&a", "!!set", "|", "'", "{", "}", "{{ x }}", "---", "é", "\x85", "#"),
]


@pytest.mark.parametrize("path", inputs(MANIFEST_ERRORS), ids=lambda p: p.stem)
def test_exact_text(path: Path) -> None:
    text = manifest_diagnostics(path)
    assert text == expected(path).read_text("utf-8")
    assert f"[C{path.stem[1:4]}]" in text


def attempt(path: Path, text: str) -> None:
    """Read a text as manifests; whatever is wrong must come out as diagnostics with a message."""
    path.write_text(text, "utf-8", "replace")
    try:
        policy(cluster_network([path]))
    except InputError as error:
        assert error.diagnostics
        assert all(d.message and re.fullmatch(r"C\d{3}", d.code) for d in error.diagnostics)


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32))
def test_mutants_of_valid_manifests(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    files = sorted(DEMO.rglob("*.yaml"))
    lines = chance.choice(files).read_text().splitlines()
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(lines))
        words = re.split(r"([\s:,\[\]{}]+)", lines[at])
        match chance.randrange(5):
            case 0:
                words[chance.randrange(len(words))] = chance.choice(SCRAPS)
            case 1:
                words = [chance.choice(LINES)]
            case 2:
                words = []
            case 3:
                words = ["  ", *words]
            case _:
                del words[chance.randrange(len(words)) :]
        lines[at] = "".join(words)
    attempt(tmp_path / "mutant.yaml", "\n".join(lines))
