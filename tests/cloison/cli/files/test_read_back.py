"""`compile --read-back`: what configurations in a folder mean, however they are written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cloison.cli import main

SMALL = Path(__file__).parents[4] / "topologies" / "small.yaml"


def cloison(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["compile", str(SMALL), *map(str, arguments), "-q"])


@pytest.fixture
def written(tmp_path: Path) -> Path:
    done = cloison("-o", tmp_path, "--format", "nvue")
    assert done.exit_code == 0, done.stderr
    return tmp_path


def test_means_the_same_however_it_is_written(written: Path) -> None:
    path = written / "nvue" / "dpu1.yaml"
    path.write_text(path.read_text().replace("from_host_1acc47081d_ipv6", "MINE") + "# mine\n")
    assert cloison("--check", written).exit_code == 1
    done = cloison("--read-back", written)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("nvue: means what is compiled, for all packets (4 files")
    assert "assumed: neighbours that are no DPUs bring no routes" in done.stdout


def test_means_something_else(written: Path) -> None:
    path = written / "nvue" / "dpu1.yaml"
    path.write_text(path.read_text().replace("'5432'", "'5433'", 1))
    done = cloison("--read-back", written)
    assert done.exit_code == 1
    assert "protocol 6, ports 0 to 5433: deny, and as read permit" in done.stdout
    data = json.loads(cloison("--read-back", written, "--output", "json").stdout)
    assert data["schema"] == "cloison/read-back/1"
    assert data["formats"]["nvue"]["equal"] is False
    assert {row["what"] for row in data["rows"]} == {"differs"}


def test_is_not_known(written: Path) -> None:
    path = written / "nvue" / "dpu1.yaml"
    path.write_text(path.read_text().replace("    nve:", "    frobnicate: {}\n    nve:", 1))
    done = cloison("--read-back", written)
    assert done.exit_code == 4
    assert "nvue: not known whether it means what is compiled" in done.stdout
    assert "frobnicate" in done.stdout


def test_what_cannot_be_asked(written: Path, tmp_path: Path) -> None:
    other = cloison("--read-back", written, "--format", "frr")
    assert other.exit_code == 2 and "C803" in other.stderr
    (tmp_path / "empty").mkdir()
    assert "C874" in cloison("--read-back", tmp_path / "empty").stderr
    both = cloison("--read-back", written, "--check", written)
    assert both.exit_code == 2 and "choose one" in both.stderr
    some = cloison("--read-back", written, "--node", "dpu1")
    assert some.exit_code == 2 and "about all nodes together" in some.stderr
