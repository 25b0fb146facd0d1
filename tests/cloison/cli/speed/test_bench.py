"""`cloison bench`: on files of the user's, and its refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rule_sets.catalogue import generate

from cloison.cli import main
from sim.classify.classbench import read_rules, write_rules
from sim.classify.timing.trace_files import write
from sim.classify.traces import trace

FAST = ["--packets", "2000", "--rounds", "1", "-q"]


def bench(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["bench", *FAST, *arguments])


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    write_rules(generate("policy-1k"), tmp_path / "mine.rules")
    return tmp_path / "mine.rules"


def test_rules_as_json(rules: Path) -> None:
    found = bench("--rules", str(rules), "-o", "json")
    assert found.exit_code == 0, found.output
    document = json.loads(found.stdout)
    assert document["schema"] == "cloison/bench/2"
    assert {row["trace"] for row in document["speeds"]} >= {"uniform", "zipf", "random", "corner"}
    assert {row["mismatches"] for row in document["speeds"]} == {0}


@pytest.mark.parametrize("output", ["table", "md"])
def test_people_read_two_tables(output: str, rules: Path) -> None:
    found = bench("--rules", str(rules), "-o", output)
    assert found.exit_code == 0, found.output
    assert "Speed" in found.stdout
    assert "Build and memory" in found.stdout
    assert "of bound" in found.stdout
    assert max(map(len, found.stdout.splitlines())) <= 80 or output == "md"


def test_files_of_the_user(rules: Path, tmp_path: Path) -> None:
    write(trace(generate("policy-1k"), "mixed", 500), tmp_path / "morning")
    found = bench("--rules", str(rules), "--columns", str(tmp_path / "morning"), "-o", "json")
    assert found.exit_code == 0, found.output
    (row,) = json.loads(found.stdout)["speeds"]
    assert (row["set"], row["trace"], row["mismatches"]) == ("mine.rules", "morning", 0)


def test_rules_alone_get_traces(rules: Path) -> None:
    found = bench("--rules", str(rules), "-o", "json")
    assert len(json.loads(found.stdout)["speeds"]) == 5


def test_both_ip_versions_are_measured(tmp_path: Path) -> None:
    file = tmp_path / "two.rules"
    ports = "0 : 65535 0 : 65535 0x00/0x00"
    file.write_text(f"@10.0.0.0/8 0.0.0.0/0 {ports}\n@2001:db8::/32 ::/0 {ports}\n")
    found = bench("--rules", str(file), "-o", "json")
    assert found.exit_code == 0, found.output
    rows = json.loads(found.stdout)["speeds"]
    assert {row["set"] for row in rows} == {"two.rules IPv4", "two.rules IPv6"}
    assert {row["mismatches"] for row in rows} == {0}


def test_traces_of_one_name_and_of_both_versions(tmp_path: Path) -> None:
    file, (a, b) = tmp_path / "two.rules", (tmp_path / "a" / "day", tmp_path / "b" / "day")
    ports = "0 : 65535 0 : 65535 0x00/0x00"
    file.write_text(f"@10.0.0.0/8 0.0.0.0/0 {ports}\n@2001:db8::/32 ::/0 {ports}\n")
    for folder, version in ((a, 4), (b, 6)):
        folder.parent.mkdir()
        write(trace(read_rules(file), "uniform", 100, version), folder)
    found = bench("--rules", str(file), "--columns", str(a), "--columns", str(b), "-o", "json")
    assert found.exit_code == 0, found.output
    rows = {row["set"]: row["trace"] for row in json.loads(found.stdout)["speeds"]}
    assert rows == {"two.rules IPv4": str(a), "two.rules IPv6": str(b)}


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["--columns", "x"], "Missing option '--rules'"),
        (["--rules", "missing"], "C743"),
        (["--packets", "0"], "--packets"),
    ],
)
def test_refusals(arguments: list[str], told: str) -> None:
    found = bench(*arguments)
    assert found.exit_code == 2
    assert told in found.stderr


def test_a_trace_without_a_column_that_rules_look_at(rules: Path, tmp_path: Path) -> None:
    write(trace(generate("acl-1k"), "uniform", 50), tmp_path / "bare")
    found = bench("--rules", str(rules), "--columns", str(tmp_path / "bare"))
    assert found.exit_code == 2
    assert "column vni is missing" in found.stderr
