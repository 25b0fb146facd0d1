"""Names that verbs print of manifests alone are read by those that take names of manifests."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cloison.cli import main
from fabric.address_sets import addresses_in

MANIFESTS = Path(__file__).parents[2] / "topologies" / "manifests"
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


@pytest.mark.parametrize("name", DIRECTORIES)
def test_what_is_printed_of_manifests_is_read(name: str, tmp_path: Path) -> None:
    where = str(MANIFESTS / name)
    found = printed(where, tmp_path)
    workload = next(text for text in sorted(found) if addresses_in(text) is None)
    assert len(found) > 2
    wrong = []
    for text in sorted(found):
        ends = [("explain", where, text, f"{workload}:80"), ("explain", where, workload, text),
                ("reach", where, "--from", text), ("reach", where, "--to", text)]  # fmt: skip
        if text != workload:
            wrong += [(a, r.output) for a in ends if (r := run(*a)).exit_code]
    assert not wrong, wrong[:3]


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
