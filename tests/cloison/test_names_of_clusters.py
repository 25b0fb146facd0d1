"""Names that verbs print of manifests alone are read by those that take names of manifests."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cloison.cli import main
from fabric.values.address_sets import addresses_in

MANIFESTS = Path(__file__).parents[2] / "topologies" / "manifests"
WHOLE = not os.environ.get("CLOISON_SLICE")
"""Where slices are drawn each name is asked about half of the ways."""
DIRECTORIES = ["small", "demo/inference", "demo/training", "demo/shared"]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def document(*arguments: str) -> Any:
    done = run(*arguments, "-o", "json")
    assert done.exit_code in (0, 1), done.output
    return json.loads(done.stdout)


def peer(end: Any) -> str:
    """A peer as tables print it."""
    return ", ".join(end["ranges"]) if "ranges" in end else f"{end['namespace']}/{end['name']}"


def printed(where: str, folder: Path) -> set[str]:
    """Peers of reach in every form, and of the diff with worlds without some policies."""
    rows = document("reach", where)["rows"]
    found = {peer(row[end]) for row in rows for end in ("source", "destination")}
    table = csv.DictReader(io.StringIO(run("reach", where, "-o", "csv").stdout))
    found |= {row[end] for row in table for end in ("source", "destination") if row[end]}
    found |= shown(where)
    for one in sorted(Path(where).rglob("*.yaml")):
        other = folder / f"all-but-{one.stem}"
        for path in Path(where).rglob("*.yaml"):
            text = path.read_text()
            if path == one:
                text = "---".join(d for d in text.split("---") if "kind: NetworkPolicy" not in d)
            copy = other / path.relative_to(where)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(text)
        for row in document("diff", where, str(other))["rows"]:
            for end in ("source", "destination"):
                found.add(row[end])
                found |= {*((row.get(f"{end}_part") or {}).get("addresses") or ())}
    return found


def shown(where: str) -> set[str]:
    """Ends of rows and doors in markdown, in the picture and beside the matrix, and the pairs of
    the note about assumed addresses."""
    text = run("reach", where, "-o", "md").stdout.replace("\\", "")
    found = set()
    for block in text.split("\n\n"):
        rows = [[c.strip(" `") for c in line.split("|")[1:-1]] for line in block.splitlines()]
        head, *rest = [row for row in rows if row and set(row[0]) != {"-"}] or [[]]
        for row in (dict(zip(head, row, strict=True)) for row in rest):
            found |= {row[end] for end in ("source", "destination") if end in row}
            found |= {row["leads to"].rpartition(":")[0]} if "leads to" in row else set()
    (note,) = re.findall(r"more than what is listed: (.+)[.]$", text, re.MULTILINE) or [""]
    found |= {
        end
        for pair in re.sub(r" and [0-9]+ more$", "", note).split(", ")
        if pair
        for end in pair.split(" -> ")
    }
    picture = run("reach", where, "-o", "dot").stdout
    edges = re.findall(r'^  "([^"]+)" -> "([^"]+)" \[label', picture, re.MULTILINE)
    sides = re.findall(
        r"^ *[0-9]+ (.+?) +[.pX#?](?: |$)", run("reach", where, "-o", "matrix").stdout, re.M
    )
    assert edges and sides and len(found) > 2
    return found | {re.sub(r"\[\w+\]$", "", end) for pair in edges for end in pair} | {*sides}


@pytest.mark.slices(4)
@pytest.mark.parametrize("name", DIRECTORIES)
def test_what_is_printed_of_manifests_is_read(name: str, tmp_path: Path) -> None:
    where = str(MANIFESTS / name)
    found = printed(where, tmp_path)
    workload = next(
        text
        for text in sorted(found)
        if re.fullmatch(r"[^/]+/[^/\[]+", text) and addresses_in(text) is None
    )
    assert len(found) > 2
    wrong = []
    for number, text in enumerate(sorted(found)):
        ends = [("explain", where, text, f"{workload}:80"), ("explain", where, workload, text),
                ("reach", where, "--from", text), ("reach", where, "--to", text)]  # fmt: skip
        if re.sub(r"\[\w+\]$", "", text) != workload:
            asked = ends if WHOLE else ends[number % 2 :: 2]
            wrong += [(a, r.output) for a in asked if (r := run(*a)).exit_code]
    assert not wrong, wrong[:3]


@pytest.mark.slices(2)
@pytest.mark.parametrize("name", DIRECTORIES)
def test_rows_of_reach_are_asked_again(name: str) -> None:
    """By what their ends are called, in a document or in a table: the row is among the answers."""
    where = str(MANIFESTS / name)
    for row in document("reach", where)["rows"][:12]:
        ends = [peer(row[end]) for end in ("source", "destination")]
        again = document("reach", where, "--from", ends[0], "--to", f"[{ends[1]}]")["rows"]
        assert row in again
        port = next(p for p in row["ports"])
        if "ranges" not in row["source"] and "ranges" not in row["destination"]:
            number = {"any": 80, "tcp": port["from"]}.get(port["protocol"])
            kinds = [f"{peer(row[end])}[{row[end]['kind']}]" for end in ("source", "destination")]
            question = {"src": kinds[0], "dst": kinds[1], "protocol": "TCP", "port": number}
            if number is not None and kinds[0] != kinds[1]:
                asked = CliRunner().invoke(
                    main, ["reach", where, "--flows", "-"], input=json.dumps(question)
                )
                assert json.loads(asked.stdout)["verdict"] == "allow", (question, asked.output)


ROWS = """
{ apiVersion: v1, kind: Namespace, metadata: { name: bay } }
---
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: crane, namespace: bay }
spec:
  replicas: 3
  serviceName: crane
  selector: { matchLabels: { app: crane } }
  template: { metadata: { labels: { app: crane } }, spec: { containers: [{ name: c, image: c }] } }
---
{ apiVersion: v1, kind: Pod, metadata: { name: ship, namespace: bay, labels: { app: ship } }, spec: { containers: [] } }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: one, namespace: bay }
spec:
  podSelector: { matchLabels: { statefulset.kubernetes.io/pod-name: crane-1 } }
  ingress: [{ from: [{ podSelector: { matchLabels: { statefulset.kubernetes.io/pod-name: crane-0 } } }], ports: [{ port: 80 }] }]
"""  # noqa: E501


def rows_between(where: str, source: str, target: str) -> list[tuple[str, str, str, str]]:
    rows = csv.DictReader(
        io.StringIO(run("reach", where, "--from", source, "--to", target, "-o", "csv").stdout)
    )
    return [(r["source"], r["destination"], r["ports"], r["pods"]) for r in rows if r["ports"]]


@pytest.mark.parametrize("prefix", ["", "cluster/"])
def test_a_pod_is_asked_about_by_its_own_name(prefix: str, tmp_path: Path) -> None:
    """Its rows are its own, at either end: not what its workload's other pods may."""
    (tmp_path / "bay.yaml").write_text(ROWS)
    where, ask = str(tmp_path), partial(rows_between, str(tmp_path))
    zero, one = f"{prefix}bay/crane-0", f"{prefix}bay/crane-1"
    assert ask("bay/ship", "bay/crane") == [("bay/ship", "bay/crane", "any", "some")]
    assert ask("bay/ship", one) == []
    assert ask("bay/ship", zero) == [("bay/ship", "bay/crane-0", "any", "all")]
    assert ask(zero, one) == [("bay/crane-0", "bay/crane-1", "80/tcp", "all")]
    assert ask(zero, f"[{one}]:81") == []
    assert ask(f"{prefix}bay/crane-2", "bay/crane") == [("bay/crane-2", "bay/crane", "any", "some")]
    for name in (zero, one):
        for side in ("--from", "--to"):
            rows = document("reach", where, side, name)["rows"]
            end = "source" if side == "--from" else "destination"
            assert {row[end]["name"] for row in rows} == {name.rpartition("/")[2]} or not rows
    assert "nothing is called" in run("reach", where, "--from", "bay/crane-3").output


@pytest.mark.parametrize("name", DIRECTORIES)
def test_ends_of_explain_are_asked_of_reach(name: str) -> None:
    where = str(MANIFESTS / name)
    rows = document("reach", where)["rows"]
    ends = list(dict.fromkeys(peer(r["source"]) for r in rows if "ranges" not in r["source"]))
    for source, target in pairwise(ends):
        found = document("explain", where, source, f"{target}:80")
        for one in found.get("rows", [found]):
            for side, end in (("--from", "source"), ("--to", "target")):
                assert run("reach", where, side, one[end]).exit_code == 0, one[end]
