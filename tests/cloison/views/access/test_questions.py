"""Questions in lines are answered in every format, and each says what the lines say."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from cloison.cli import main
from cloison.render.formats import FORMATS

MANIFESTS = """
{ apiVersion: v1, kind: Pod, metadata: { name: one, namespace: m, labels: {app: one} }, spec: {} }
---
{ apiVersion: v1, kind: Pod, metadata: { name: two, namespace: m }, spec: {} }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: p, namespace: m }
spec: { podSelector: { matchLabels: { app: one } }, ingress: [{ ports: [{ port: 80 }] }] }
"""
ODD = """---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: odd, namespace: other }
spec: { endpointSelector: {} }
---
{ apiVersion: v1, kind: Pod, metadata: { name: far, namespace: other }, spec: {} }
"""
QUESTIONS = """
{"id": 1, "src": "ip:192.0.2.1", "dst": "m/one", "port": 80}
{"id": "x", "src": "m/two", "dst": "m/one", "port": 81}

{"id": 3, "src": "m/none", "dst": "m/one", "port": 81}
{"src": "m/one", "dst": "m/two", "protocol": "ICMP"}
[]
"""
AT_ODDS = '{"id": 9, "src": "m/one", "dst": "other/far", "port": 80}\n'
VERDICTS = ["allow", "deny", "no answer", "allow", "no answer"]


def ask(folder: Path, output: str | None, questions: str = QUESTIONS) -> Result:
    (folder / "all.yaml").write_text(MANIFESTS + ODD)
    arguments = ["reach", str(folder / "all.yaml"), "--flows", "-"]
    more = [] if output is None else ["-o", output]
    return CliRunner().invoke(main, [*arguments, *more], input=questions)


def lines(folder: Path, questions: str = QUESTIONS) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ask(folder, "jsonl", questions).stdout.splitlines()]


@pytest.mark.parametrize("output", FORMATS)
def test_every_format_answers_every_question(tmp_path: Path, output: str) -> None:
    done, wanted = ask(tmp_path, output), lines(tmp_path)
    assert done.exit_code == 2 and done.stderr == "2 of 5 lines have no answer\n"
    match FORMATS[output].cells:
        case "data" if output != "jsonl":
            document = yaml.safe_load(done.stdout)
            assert document["rows"] == wanted and document["without_answer"] == 2
            assert document["schema"] == "cloison/answers/1"
        case "plain":
            rows = [*csv.DictReader(io.StringIO(done.stdout))]
            assert [row["verdict"] for row in rows] == VERDICTS
            assert [row["id"] for row in rows] == ["1", "x", "3", "", ""]
        case "text":
            found = [line for line in done.stdout.splitlines() if "m/" in line or "JSON" in line]
            for line, verdict in zip(found, VERDICTS, strict=True):
                assert f" {verdict} " in line
            assert "80/TCP" in found[0] and "ICMP" in found[3]
            assert "p: no rule allows this ingress" in found[1]


@pytest.mark.parametrize("output", FORMATS)
def test_what_touches_an_answer_is_told_in_every_format(tmp_path: Path, output: str) -> None:
    """And is no part of an answer that it does not touch."""
    done = ask(tmp_path, output, AT_ODDS)
    assert done.exit_code == 4
    assert "unknown" in done.stdout and "allow" in done.stdout, "what is known stands beside it"
    assert "CiliumNetworkPolicy" in done.stdout
    assert "CiliumNetworkPolicy" not in ask(tmp_path, output).stdout


def test_lines_are_the_default(tmp_path: Path) -> None:
    assert ask(tmp_path, None).stdout == ask(tmp_path, "jsonl").stdout


@pytest.mark.parametrize("output", ["matrix", "dot"])
def test_answers_are_no_picture(tmp_path: Path, output: str) -> None:
    done = ask(tmp_path, output)
    assert done.exit_code == 2 and done.stdout == ""
    assert f"--flows has no -o {output}: answers are rows, and no picture" in done.stderr
