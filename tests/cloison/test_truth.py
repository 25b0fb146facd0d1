"""A result is true in an `if` only where it holds; one with more than two verdicts is neither."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import cloison
from cloison.cli import main

FABRIC = """\
cloison: 1
name: w
sites: { s: { spines: 1, leaves: 2, hosts_per_pair: 2 } }
tenants:
  t: { manifests: [m], vrfs: { main: { prefixes: [10.0.0.0/16] } } }
expect: [EXPECT]
"""
POD = (
    "{apiVersion: v1, kind: Pod, metadata: {name: NAME, namespace: n}, "
    "spec: {nodeName: HOST, containers: [{name: c}]}}"
)
PODS = "\n---\n".join(
    POD.replace("NAME", name).replace("HOST", host)
    for name, host in (("a", "host1"), ("b", "host2"))
)
UNKNOWN = """
---
{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: p, namespace: n}}
"""


def written(root: Path, expect: str, more: str = "") -> Path:
    (root / "m").mkdir(exist_ok=True)
    (root / "m" / "all.yaml").write_text(PODS + more)
    (root / "w.yaml").write_text(FABRIC.replace("EXPECT", expect))
    return root / "w.yaml"


@pytest.mark.parametrize(
    ("expect", "more", "verdict"),
    [
        ('{allow: "t/n/a -> t/n/b"}', "", "holds"),
        ('{deny: "t/n/a -> t/n/b"}', "", "fails"),
        ('{allow: "t/n/a -> t/n/b"}', UNKNOWN, "unknown"),
        ("", "", "unknown"),
    ],
)
def test_truth_is_that_it_holds(tmp_path: Path, expect: str, more: str, verdict: str) -> None:
    path = written(tmp_path, expect, more)
    proved, simulated = cloison.prove(path), cloison.simulate(path)
    assert (proved.verdict, simulated.verdict) == (verdict, verdict)
    assert bool(proved) is bool(simulated) is bool(proved.proof) is (verdict == "holds")
    for outcome in proved.proof.outcomes:
        assert bool(outcome) is outcome.holds


def test_what_is_neither_true_nor_false_says_so(tmp_path: Path) -> None:
    path = written(tmp_path, "")
    for found in (cloison.explain(path, "t/n/a", "t/n/b:80"), cloison.replay(path, random=10)):
        with pytest.raises(TypeError, match=found.verdict):
            bool(found)


def test_what_was_assumed_is_in_the_data_too(tmp_path: Path) -> None:
    path = written(tmp_path, '{allow: "t/n/a -> t/n/b"}')
    for words in (["verify", path, "-q", "-o", "json"], ["simulate", path, "-o", "json"]):
        found = json.loads(CliRunner().invoke(main, [str(w) for w in words]).stdout)
        told = {row["endpoint"]: row["what"] for row in found["assumed"]}
        names = ("t/n/a", "t/n/b", "t/@node/host1", "t/@node/host2")
        assert told == {name: ["address"] for name in names}
