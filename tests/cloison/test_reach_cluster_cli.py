"""`cloison reach DIR` as a spreadsheet: one meaning per column."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cloison.cli import main

PODS = """apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec:
  replicas: 2
  template: { metadata: { labels: { app: web } }, spec: { containers: [] } }
---
apiVersion: v1
kind: Pod
metadata: { name: db, namespace: shop }
spec: { containers: [] }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: one-address, namespace: shop }
spec:
  podSelector: { matchLabels: { app: web } }
  policyTypes: [Egress]
  egress: [{ to: [{ ipBlock: { cidr: 10.244.0.2/32 } }], ports: [{ port: 80 }] }]
"""

LONE = "{ apiVersion: v1, kind: Pod, metadata: { name: one, namespace: m }, spec: {} }"
GOOD = '{"id": 1, "src": "ip:192.0.2.1", "dst": "m/one", "port": 80}'
BAD = '{"id": 2, "src": "m/two", "dst": "m/one", "port": 80}'


def test_partial_access_has_its_own_column_in_csv(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(PODS)
    done = CliRunner().invoke(main, ["reach", str(tmp_path), "-o", "csv"])
    assert done.exit_code == 0
    rows = {(r["source"], r["destination"]): r for r in csv.DictReader(io.StringIO(done.stdout))}
    partial = rows["shop/web", "shop/web"]
    assert (partial["ports"], partial["pods"]) == ("80/tcp", "some")
    assert rows["shop/db", "shop/web"]["pods"] == "all"
    shown = CliRunner().invoke(main, ["reach", str(tmp_path)]).stdout
    assert "80/tcp (not all pods)" in " ".join(shown.split())


@pytest.mark.parametrize(
    ("lines", "code", "said"),
    [
        ([GOOD], 0, ""),
        ([GOOD, "", BAD], 2, "1 of 2 lines have no answer\n"),
        ([BAD, "{", "[]", '{"src": 7}'], 2, "4 of 4 lines have no answer\n"),
    ],
)
def test_a_question_without_an_answer_is_wrong_input(
    tmp_path: Path, lines: list[str], code: int, said: str
) -> None:
    """Who looks at the exit code alone must not take errors for answers."""
    (tmp_path / "pods.yaml").write_text(LONE)
    done = CliRunner().invoke(
        main, ["reach", str(tmp_path), "--flows", "-"], input="\n".join(lines)
    )
    assert (done.exit_code, done.stderr) == (code, said)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len([line for line in lines if line])
    assert ["verdict" in a for a in answers] == [line == GOOD for line in lines if line]
