"""No object of Cilium's, however damaged, makes anything but diagnostics with a place."""

from __future__ import annotations

import random
import re
from pathlib import Path

import yaml
from cilium_cases import BEHIND, DIALECT, GROUP, PODS, service
from compiled import compile_network
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fabric.building.cluster import cluster_network
from fabric.diagnostics import InputError
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated

FOLDER = Path(__file__).parents[2] / "manifest_errors"
WHOLE = yaml.safe_dump_all([*PODS, GROUP, service("near", {"app": "spy"}), BEHIND])
LINES = [
    line for path in sorted(FOLDER.glob("c64*_cilium_*.yaml")) for line in path.open()
]  # fmt: skip
SCRAPS = [
    *("", "~", "-1", "70000", "8.5", "1e999", "[]", "{}", "[{}]", "null", "on", '"80"', "80", "0"),
    *("0.0.0.0/0", "fd00::/129", "TCP", "ANY", "In", "Exists", "all", "host", "a/b/c", "x" * 300),
    *("k8s:app", "reserved:host", ":", "a:b:c", "*", "**.", "'", "[a, 1, {}]", "{a: [b]}", "é"),
]


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, 2**32))
def test_damaged_policies_are_refused_or_evaluated(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    path = chance.choice(sorted(FOLDER.glob("c64*_cilium_*.yaml")))
    documents = path.read_text().split("---\n")
    lines = chance.choice(documents).splitlines()
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(lines))
        words = re.split(r"([\s:,\[\]{}]+)", lines[at])
        match chance.randrange(4):
            case 0 | 1:
                words[chance.randrange(len(words))] = chance.choice(SCRAPS)
            case 2:
                words = [chance.choice(LINES).rstrip("\n")]
            case _:
                words = []
        lines[at] = "".join(words)
    (tmp_path / "m.yaml").write_text(f"{WHOLE}---\n" + "\n".join(lines))
    try:
        network = compile_network(cluster_network([tmp_path / "m.yaml"], dialect=DIALECT)).network
    except InputError as error:
        assert error.diagnostics
        assert all(d.message and re.fullmatch(r"C\d{3}", d.code) for d in error.diagnostics)
    else:
        assert all(isinstance(record, Unevaluated) for record in network.not_evaluated)
