"""`cloison suggest`: what it prints can be written beside the file as it is, and checked."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from cloison.cli import main
from cloison.loading.how import How
from cloison.views.world import World
from sim.diff.suggested.file_edits import FileEdit
from sim.diff.suggested.patches import patch

TOPOLOGIES = Path(__file__).parents[4] / "topologies"


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


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small fabric in a git repository, in a folder of it, with a wrong label in a manifest."""
    folder = tmp_path / "site a"
    folder.mkdir()
    for name in ("small.yaml", "small.lock.yaml"):
        shutil.copy(TOPOLOGIES / name, folder)
    shutil.copytree(TOPOLOGIES / "manifests" / "small", folder / "manifests" / "small")
    manifest = folder / "manifests" / "small" / "acme" / "catalog.yaml"
    text = manifest.read_text()
    assert text.count("{ app: api } } }]") == 1
    manifest.write_text(text.replace("{ app: api } } }]", "{ app: apx } } }] # whom?"))
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    monkeypatch.chdir(folder)
    return folder


COMMANDS = (["git", "apply", "-"], ["patch", "-p1", "--no-backup-if-mismatch"])


@pytest.mark.parametrize("command", COMMANDS, ids=["git", "patch"])
def test_a_patch_applies_and_keeps_every_comment(repository: Path, command: list[str]) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]}")
    manifest = Path("manifests/small/acme/catalog.yaml")
    was = manifest.read_text()
    done = run("suggest", "-q", "small.yaml", "-o", "patch")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith(f"--- a/{manifest}\n+++ b/{manifest}\n")
    subprocess.run(command, input=done.stdout, text=True, check=True, capture_output=True)
    now = manifest.read_text()
    comments = [line[line.index("#") :] for line in was.splitlines() if "#" in line]
    assert now != was and len(comments) == 3 and all(each in now for each in comments)
    assert run("verify", "-q", "small.yaml").exit_code == 0
    assert run("suggest", "-q", "small.yaml", "-o", "patch").stdout == ""


def test_a_patch_is_applied_where_it_says(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    text = run("suggest", "-q", repository / "small.yaml", "-o", "patch").stdout
    folder = repository / "manifests" / "small" / "acme"
    assert text.startswith(f"Apply in {folder}:\n--- a/catalog.yaml")
    subprocess.run(["git", "apply", "-"], input=text, text=True, check=True, cwd=folder)
    assert run("verify", "-q", repository / "small.yaml").exit_code == 0


def test_a_file_that_extends_another_gets_one_more_line(broken: Path) -> None:
    text = run("suggest", "-q", broken, "-o", "patch").stdout
    assert text.startswith("--- a/broken.yaml") and text.count("\n+-") == 1
    subprocess.run(["git", "apply", "-"], input=text, text=True, check=True)
    assert run("verify", "-q", broken).exit_code == 0


def test_what_two_tenants_read_is_patched_for_neither(repository: Path) -> None:
    """The edit is of one of them; the file is of both."""
    path = repository / "small.yaml"
    edit = FileEdit(("spec", "egress"), "set", [], "", None, "acme", "NetworkPolicy/catalog/db")
    network = World.of_fabric(TOPOLOGIES / "small.yaml", How(drawn="forgotten")).network
    tenants = {
        name: t.model_copy(update={"manifests": ["manifests/small/acme"]})
        for name, t in network.spec.tenants.items()
    }
    both = replace(network, spec=network.spec.model_copy(update={"tenants": tenants}))
    assert "another tenant" in patch(path, both, [edit]).why
    assert patch(path, network, [edit]).text


def test_edits_of_a_patch_go_together(repository: Path) -> None:
    """Two expectations fail; what is said for the second is what is left after the first."""
    manifest = Path("manifests/small/acme/catalog.yaml")
    text = manifest.read_text()
    assert text.count("team: storefront }") == 1
    manifest.write_text(text.replace("team: storefront }", "team: storefrond }"))
    assert run("verify", "-q", "small.yaml").exit_code == 1
    done = run("suggest", "-q", "small.yaml", "-o", "patch")
    assert done.exit_code == 0 and done.stdout.count("\n@@ ") == 2
    subprocess.run(["git", "apply", "-"], input=done.stdout, text=True, check=True)
    assert run("verify", "-q", "small.yaml").exit_code == 0
