"""`import` as people and scripts see it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cloison.cli import main

NVUE = Path(__file__).parents[3] / "compiler" / "imports" / "nvue"


def cloison(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


def test_devices_and_what_became_of_every_line() -> None:
    done = cloison("import", "nvue", NVUE)
    assert done.exit_code == 0, done.stderr
    assert "dpu1     nvue     4200000001   192.0.2.1   default, vpc_100, vpc_200" in done.stdout
    lines = sum(len(p.read_text().splitlines()) for p in NVUE.glob("*.yaml"))
    assert f"{lines} lines of 2 files: " in done.stdout
    assert "what neighbours of VRF default announce: p0_if, p1_if, 192.0.2.250." in done.stdout
    assert "Passed over, being no configuration that is read here: " in done.stdout


def test_facts_with_their_lines() -> None:
    said = json.loads(cloison("import", "nvue", NVUE, "-o", "json").stdout)
    assert said["schema"] == "cloison/import/1"
    (dpu1, dpu2) = said["facts"]
    assert (dpu1["name"], dpu2["vtep"]) == ("dpu1", "192.0.2.2")
    vpc = next(v for v in dpu1["vrfs"] if v["name"] == "vpc_100")
    for target in (*vpc["imports"], *vpc["exports"]):
        path, line, _ = target["line"].rsplit(":", 2)
        assert (
            Path(path).read_text().splitlines()[int(line) - 1].strip() == f"{target['text']}: {{}}"
        )
    counted = said["lines"]
    assert counted["all"] == counted["change_a_fact"] + counted["ignored"]
    assert sum(counted["by_reason"].values()) == counted["ignored"]


def test_ignored_lines_are_listed_and_secrets_are_not() -> None:
    done = cloison("import", "nvue", NVUE, "--ignored", "-o", "json")
    said = json.loads(done.stdout)
    assert len(said["rows"]) == said["lines"]["ignored"]
    assert "not-a-password" not in done.stdout
    hidden = [row for row in said["rows"] if "secret" in row["text"]]
    assert len(hidden) == 1 and "posing as the neighbour" in hidden[0]["reason"]


def test_a_value_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "dpu1.yaml"
    path.write_text("- set:\n    router:\n      bgp:\n        autonomous-system: many\n")
    done = cloison("import", "nvue", path)
    assert done.exit_code == 2
    assert f"{path}:4:28: error[C831]" in done.stderr and "hint:" in done.stderr


def test_formats_are_listed() -> None:
    done = cloison("import", "frob", NVUE)
    assert done.exit_code == 2 and "'nvue'" in done.stderr


@pytest.mark.parametrize("output", ["csv", "md", "yaml", "jsonl"])
def test_other_outputs(output: str) -> None:
    done = cloison("import", "nvue", NVUE, "-o", output)
    assert done.exit_code == 0 and "dpu2" in done.stdout
