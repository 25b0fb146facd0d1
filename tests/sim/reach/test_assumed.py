"""What hangs on addresses that nobody reported is marked in every form: rows and missing pairs."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cloison.cli import main

PODS = """
apiVersion: v1
kind: Pod
metadata: {{name: mail, namespace: post, labels: {{app: mail}}}}
{status}
---
apiVersion: v1
kind: Pod
metadata: {{name: stock, namespace: shop, labels: {{app: stock}}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: open, namespace: shop, labels: {{app: open}}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: blocks, namespace: shop}}
spec:
  podSelector: {{matchLabels: {{app: stock}}}}
  ingress: [{{from: [{{ipBlock: {{cidr: {block}}}}}], ports: [{{port: 80}}]}}]
{more}
"""
KNOWN = "status: {podIP: 192.0.2.77}"
CLOSED = """
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: post}
spec: {podSelector: {}, policyTypes: [Egress]}
"""


def reach(path: Path, output: str, *more: str) -> str:
    done = CliRunner().invoke(main, ["reach", str(path), "-o", output, *more])
    assert done.exit_code == 0, done.stderr
    return done.stdout


def pairs(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(p["source"], p["destination"]) for p in found.get("assumed_missing", [])]


@pytest.mark.parametrize(
    ("status", "block", "more", "lacks"),
    [
        ("", "192.168.0.0/16", "", ["post/mail", "shop/open"]),
        (KNOWN, "192.168.0.0/16", "", ["shop/open"]),
        ("", "192.168.0.0/16", CLOSED, ["shop/open"]),
        ("", "10.0.0.0/8", "", []),
        ("", "fd00:1::/64", "", ["post/mail", "shop/open"]),
    ],
)
def test_pairs_that_lack_something(
    tmp_path: Path, status: str, block: str, more: str, lacks: list[str]
) -> None:
    text = PODS.format(status=status, block=block, more=more)
    (tmp_path / "all.yaml").write_text(text)
    expected = [(source, "shop/stock") for source in lacks]
    found = json.loads(reach(tmp_path, "json"))
    assert pairs(found) == expected
    table = list(csv.DictReader(io.StringIO(reach(tmp_path, "csv"))))
    told = [row["assumed_missing"] for row in table if row.get("assumed_missing")]
    assert told == [f"{a} -> {b}" for a, b in expected]
    lines = [json.loads(line) for line in reach(tmp_path, "jsonl").splitlines()]
    assert (
        pairs({"assumed_missing": [x["assumed_missing"] for x in lines if "assumed_missing" in x]})
        == expected
    )
    for output in ("dot", "table", "md"):
        shown = reach(tmp_path, output).replace("&gt;", ">").replace("\\>", ">")
        assert all(f"{a} -> {b}" in shown for a, b in expected), output
    assert pairs(json.loads(reach(tmp_path, "json", "--from", "shop/stock"))) == []
    rests = {row["destination"]["name"] for row in found["rows"] if row["assumed"]}
    assert rests == (set() if lacks else {"stock"})
