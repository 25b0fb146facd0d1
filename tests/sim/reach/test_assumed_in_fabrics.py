"""In a fabric, rows hang on addresses that nobody reported where a rule tells those of their pool
apart: marked in every form."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cloison.cli import main

FABRIC = """
cloison: 1
name: cut
sites: { s: { spines: 1, leaves: 2, hosts_per_pair: 3, borders: 2 } }
pins: { hosts: { mill/post/mail: host1, mill/post/stock: host1 } }
tenants:
  mill:
    hosts: [host1, host3]
    manifests: [pods.yaml]
    vrfs:
      main: { prefixes: [100.64.8.0/24, 100.64.9.0/24, { cidr: 100.64.200.0/24, use: nodes }] }
  shop:
    hosts: [host2]
    manifests: [shop.yaml]
    vrfs: { main: { prefixes: [100.65.8.0/24] } }
leaks:
  - { name: part, from: mill/main, prefixes: [LEAKED], to: [shop/main], ports: [81/tcp] }
"""
PODS = """
apiVersion: v1
kind: Pod
metadata: { name: mail, namespace: post }
STATUS
---
apiVersion: v1
kind: Pod
metadata: { name: stock, namespace: post, labels: { app: stock } }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: blocks, namespace: post }
spec:
  podSelector: { matchLabels: { app: stock } }
  ingress: [{ from: [PEER], ports: [{ port: 80 }] }]
"""
SHOP = "{ apiVersion: v1, kind: Pod, metadata: { name: till, namespace: front } }"
KNOWN = "status: { podIP: 100.64.8.77 }"
NAMES = "{ podSelector: {} }"


def block(*cidrs: str) -> str:
    return ", ".join(f'{{ ipBlock: {{ cidr: "{cidr}" }} }}' for cidr in cidrs)


def written(folder: Path, peer: str, status: str = "", leaked: str = "") -> str:
    (folder / "pods.yaml").write_text(PODS.replace("PEER", peer).replace("STATUS", status))
    (folder / "shop.yaml").write_text(SHOP)
    text = FABRIC if leaked else FABRIC.partition("leaks:")[0]
    (folder / "cut.yaml").write_text(text.replace("LEAKED", leaked))
    return str(folder / "cut.yaml")


def reach(path: str, output: str) -> str:
    done = CliRunner().invoke(main, ["reach", path, "-o", output])
    assert done.exit_code == 0, done.output
    return done.stdout


def found(path: str) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """The pairs of rows that are marked, and those that may miss something."""
    document: Any = json.loads(reach(path, "json"))
    lacks = document.get("assumed_missing", [])
    marked = [row for row in document["rows"] if row["assumed"] == ["address"]]
    rests, misses = (
        {(row["source"], row["destination"]) for row in rows} for rows in (marked, lacks)
    )
    table = csv.DictReader(io.StringIO(reach(path, "csv")))
    assert {(r["source"], r["destination"]) for r in table if r["assumed"] == "address"} == rests
    assert reach(path, "table").count("(assumed)") == len(marked)
    return rests, misses


MAIL, NODE = ("mill/post/mail", "mill/post/stock"), ("mill/@node/host3", "mill/post/stock")


@pytest.mark.parametrize(
    ("peer", "status", "rests", "misses"),
    [
        (block("100.64.8.0/25"), "", {MAIL}, set()),
        (block("100.64.8.0/24"), "", {MAIL}, set()),
        (block("100.64.8.0/24", "100.64.9.0/24"), KNOWN, set(), set()),
        (block("100.64.8.0/23"), "", set(), set()),
        (block("0.0.0.0/0"), "", set(), set()),
        (block("100.64.8.0/25"), KNOWN, set(), set()),
        (block("100.64.9.0/25"), "", set(), {MAIL}),
        (block("100.64.9.0/25"), KNOWN, set(), set()),
        (block("100.64.200.128/25"), KNOWN, set(), {NODE}),
        (NAMES, "", set(), set()),
        (f"{block('100.64.9.0/25')}, {NAMES}", "", set(), set()),
    ],
)
def test_blocks_that_cut_a_pool(
    peer: str, status: str, rests: set[Any], misses: set[Any], tmp_path: Path
) -> None:
    assert found(written(tmp_path, peer, status)) == (rests, misses)


@pytest.mark.parametrize(
    ("leaked", "status", "marked"),
    [
        ("100.64.8.0/25", "", True),
        ("100.64.8.0/25", KNOWN, False),
        ("100.64.8.0/23", "", False),
    ],
)
def test_leaks_of_part_of_a_pool(leaked: str, status: str, marked: bool, tmp_path: Path) -> None:
    path = written(tmp_path, NAMES, status, leaked)
    rests, misses = found(path)
    row = ("shop/front/till", "mill/post/mail")
    assert row in {(r["source"], r["destination"]) for r in json.loads(reach(path, "json"))["rows"]}
    assert (row in rests) is marked
    assert misses == set()
