"""`cloison suggest`: what it prints can be written beside the file as it is, and checked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from cloison.cli import main

TOPOLOGIES = Path(__file__).parents[3] / "topologies"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments)])


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small fabric with a peer that is anybody."""
    for name in ("small.yaml", "small.lock.yaml"):
        shutil.copy(TOPOLOGIES / name, tmp_path)
    shutil.copytree(TOPOLOGIES / "manifests" / "small", tmp_path / "manifests" / "small")
    monkeypatch.chdir(tmp_path)
    edit = {
        "tenant": "acme",
        "object": "NetworkPolicy/catalog/db",
        "at": ["spec", "ingress", 0, "from", 0],
        "set": {"namespaceSelector": {}},
    }
    path = tmp_path / "broken.yaml"
    path.write_text(yaml.safe_dump({"extends": "small.yaml", "patch": [edit]}))
    return path


def test_what_is_suggested_applies_as_it_is_printed(broken: Path) -> None:
    assert run("verify", "-q", broken).exit_code == 1
    done = run("suggest", "-q", broken, "-o", "json")
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert found["schema"] == "cloison/suggestions/1"
    (one,) = found["expectations"]
    assert one["expect"] == "deny: acme/web/front -> acme/catalog/db"
    best = one["suggestions"][0]
    assert best["changes_nothing_else"] and best["also"] == []
    broken.with_name("mended.yaml").write_text(best["patch"])
    assert run("verify", "-q", broken.with_name("mended.yaml")).exit_code == 0


def test_people_read_it(broken: Path) -> None:
    shown = run("suggest", "-q", "--most", "1", broken).output
    assert "  1. zone rule zone1 no-1: denies acme/web/front -> acme/catalog/db" in shown
    assert "     changes nothing else" in shown
    assert "     | extends: broken.yaml" in shown
    assert not list(broken.parent.glob("*suggested*"))


def test_what_holds_needs_nothing() -> None:
    done = run("suggest", "-q", TOPOLOGIES / "small.yaml")
    assert (done.exit_code, done.output) == (0, "small: no expectation fails.\n")


def test_stdin_cannot_be_extended() -> None:
    done = CliRunner().invoke(main, ["suggest", "-q", "-"], input="cloison: 1\n")
    assert done.exit_code == 2 and "error[C729]" in done.output


@pytest.mark.slices(4)
def test_where_everything_changes_more_the_exit_code_says_so() -> None:
    assert run("suggest", "-q", TOPOLOGIES / "broken" / "wrong-rt-import.yaml").exit_code == 1
