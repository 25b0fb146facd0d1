"""`cloison coverage`: what nobody would notice, with a line that would, for people and for CI."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cloison.cli import main
from cloison.views.verification.noticed import SCHEMA, lcov
from fabric.diagnostics import Span
from sim.diff.noticed.notice import Coverage, NoticedLine
from sim.diff.noticed.subjects import WrittenLine
from sim.proof.expectations.expect import Claim

SMALL = Path(__file__).parents[4] / "topologies" / "small.yaml"

CLAIM = Claim(0, "deny", "a", "b", False, ())


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["coverage", "-q", str(SMALL), *map(str, arguments)])


def test_what_nobody_notices_is_told_with_a_line_to_write() -> None:
    done = run()
    assert done.exit_code == 0
    assert "Nobody notices" in done.output
    assert 'allow: "globex/shop/store -> globex/backoffice/ledger:8000/tcp"' in done.output
    assert "small: 6 of 11 lines are covered (55%)." in done.output


def test_as_data() -> None:
    found = json.loads(run("-o", "json").stdout)
    assert found["schema"] == SCHEMA
    assert (found["covered"], found["counted"], found["share"]) == (6, 11, 0.5455)
    first = found["lines"][0]
    assert first["what"] == "NetworkPolicy acme/catalog/db rule 0"
    assert first["noticed"]["removed"]["line"].startswith(f"{SMALL}:")
    assert [line["covered"] for line in found["lines"]].count(True) == 6
    leak = found["lines"][-1]
    assert leak["what"] == "leak catalog" and leak["refused"].keys() == {"widened"}
    quick = json.loads(run("-o", "json", "--no-offers").stdout)
    assert {line["changes_nothing"] for line in quick["lines"] if not line["covered"]} == {None}
    assert [line["covered"] for line in quick["lines"]] == [
        line["covered"] for line in found["lines"]
    ]


@pytest.mark.parametrize(("least", "code"), [("50", 0), ("54.5", 0), ("54.6", 1), ("100", 1)])
def test_ci_may_ask_for_a_share(least: str, code: int) -> None:
    assert run("--no-offers", "--fail-under", least).exit_code == code


def test_lcov_has_a_record_per_file(tmp_path: Path) -> None:
    out = tmp_path / "cov.info"
    assert run("--no-offers", "--lcov", out).exit_code == 0
    records = out.read_text().split("end_of_record\n")[:-1]
    assert len(records) == 3
    of: dict[str, dict[str, str]] = {}
    for record in records:
        lines = record.splitlines()
        assert lines[0] == "TN:" and lines[1].startswith("SF:")
        data = dict(line[3:].split(",") for line in lines if line.startswith("DA:"))
        assert f"LF:{len(data)}" in lines and f"LH:{[*data.values()].count('1')}" in lines
        of[lines[1][3:]] = data
    found = json.loads(run("-o", "json", "--no-offers").stdout)["lines"]
    for line in found:
        file, number, _ = line["line"].rsplit(":", 2)
        alike = [x["covered"] for x in found if x["line"].rsplit(":", 1)[0] == f"{file}:{number}"]
        assert of[file][number] == str(int(all(alike)))


@pytest.mark.parametrize("order", [(True, False), (False, True)])
def test_a_line_is_covered_where_all_that_begins_at_it_is(order: tuple[bool, bool]) -> None:
    span = Span("f.yaml", 7, 3)
    lines = tuple(
        NoticedLine(WrittenLine(f"rule {n}", span, {}), {"removed": CLAIM if covered else None})
        for n, covered in enumerate(order)
    )
    assert "DA:7,0\n" in lcov(Coverage(lines, (), (), ()))
    assert "DA:7,1\n" in lcov(Coverage(lines[:1] if order[0] else lines[1:], (), (), ()))


def test_names_of_files_are_one_line_of_a_tracefile() -> None:
    line = NoticedLine(WrittenLine("rule", Span("a\nDA:1,1\x1b.yaml", 7, 3), {}), {"removed": None})
    written = lcov(Coverage((line,), (), (), ())).splitlines()
    assert written == ["TN:", "SF:a\\nDA:1,1\\x1b.yaml", "DA:7,0", "LF:1", "LH:0", "end_of_record"]


def test_an_input_is_not_written_over() -> None:
    before = SMALL.read_bytes()
    assert run("--lcov", SMALL).exit_code == 2
    assert SMALL.read_bytes() == before


def test_what_flows_meet_is_told_and_counts(tmp_path: Path) -> None:
    ends = {"IP": {"source": "192.0.2.1", "destination": "192.0.2.2"}, "is_reply": False}
    store, ledger = ({"namespace": n, "workloads": [{"name": w}]} for n, w in (
        ("shop", "store"), ("backoffice", "ledger"),
    ))  # fmt: skip
    ports = {"TCP": {"source_port": 40000, "destination_port": 8000}}
    flow = {**ends, "l4": ports, "source": store, "destination": ledger, "verdict": "FORWARDED"}
    log, out = tmp_path / "flows.jsonl", tmp_path / "cov.info"
    log.write_text(json.dumps(flow) + "\n")
    done = run("--no-offers", "--flows", log, "-o", "json", "--lcov", out)
    found = json.loads(done.stdout)
    assert (found["covered"], found["counted"]) == (7, 11)
    (met,) = [line for line in found["lines"] if line["met"]]
    assert met["what"] == "NetworkPolicy globex/backoffice/ledger rule 0" and not met["covered"]
    assert found["used"]["packets"] == 1 and found["used"]["entries"]["flows"] >= 1
    assert (
        sum(line.startswith("DA:") and line.endswith(",1") for line in out.read_text().split()) == 7
    )
    shown = run("--no-offers", "--flows", log).output
    assert "small: 7 of 11 lines are covered (64%)." in shown and "Endpoints that nothing" in shown
