"""`--render`: manifests that a program makes, asked of every verb, and of two revisions."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from renderers import KUSTOMIZE, POLICY, in_path, repository

import cloison
from cloison.cli import main
from cloison.loading.how import How
from cloison.loading.keeping import keeping
from cloison.loading.kept_worlds import Request
from fabric.rendering.render_command import rendering

COMMAND = "kustomize build overlays/prod"
ASKED = ("--render", COMMAND)


def git(*words: str) -> None:
    """git in the working directory, as somebody."""
    who = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
    subprocess.run(["git", *who, *words], check=True, capture_output=True)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of git with one commit, where we are."""
    in_path(monkeypatch, tmp_path / "programs", kustomize=KUSTOMIZE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    site = repository(tmp_path / "site")
    monkeypatch.chdir(site)
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-qm", "one")
    return site


def told(*words: str) -> Result:
    """What a command says."""
    return CliRunner().invoke(main, [*words])


def test_a_file_is_judged_with_what_its_command_prints(place: Path) -> None:
    no = told("check", "fabric.yaml")
    assert no.exit_code == 2 and "C651" in no.stderr + no.stdout
    assert told("check", "fabric.yaml", *ASKED).exit_code == 0
    for port, verdict in ((5432, "allow"), (80, "deny")):
        flow = ("fabric.yaml", "acme/shop/web", f"acme/shop/db:{port}")
        done = told("explain", *flow, *ASKED)
        assert verdict in done.stdout.partition("\n")[0], done.output
    assert f"$({COMMAND}):" in told("explain", *flow, *ASKED).stdout


def test_mistakes_are_shown_with_the_line_that_was_printed(place: Path) -> None:
    path = place / "overlays" / "prod" / "policy.yaml"
    path.write_text(POLICY.replace("5432", "99999"))
    done = told("check", "fabric.yaml", *ASKED)
    assert done.exit_code == 2 and "99999 is not a port" in done.output
    assert "ports: [{port: 99999}]" in done.output and f"$({COMMAND}):15:" in done.output


@pytest.mark.parametrize("end", [(), ("--", "fabric.yaml"), ("--", ".")])
def test_two_revisions_are_each_rendered_as_they_are(place: Path, end: tuple[str, ...]) -> None:
    path = place / "overlays" / "prod" / "policy.yaml"
    path.write_text(POLICY.replace("5432", "5433"))
    git("commit", "-qam", "two")
    path.write_text("nothing that anybody reads\n")
    done = told("diff", "main~1..main", *ASKED, *end)
    assert done.exit_code == 1, done.output
    assert "gains shop/db on 5433/tcp" in done.stdout.replace("acme/", "")
    assert f"main~1:/$({COMMAND})" in done.stdout and f"main:/$({COMMAND})" in done.stdout
    assert told("diff", "main..main", *ASKED, *end).exit_code == 0
    no = told("diff", "main~1..main", *ASKED[:1], "helm", *end)
    assert no.exit_code == 2
    assert path.read_text() == "nothing that anybody reads\n"


def test_a_revision_with_a_submodule_is_refused(place: Path) -> None:
    git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},charts")
    git("commit", "-qm", "a module")
    done = told("diff", "main~1..main", *ASKED)
    assert done.exit_code == 2 and "C893" in done.stderr and "charts" in done.stderr


def test_nothing_kept_without_it_answers_for_it(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A directory means something else where a command makes its manifests."""
    monkeypatch.setenv("CLOISON_CACHE", "on")
    with keeping():
        request = Request("manifests", (".",), How())
        assert request.wanted()
        with rendering(COMMAND):
            assert not request.wanted()
    plain = told("reach", ".", "-o", "json")
    assert "Template" in plain.stdout
    made = told("reach", ".", "-o", "json", *ASKED)
    assert json.loads(made.stdout)["verdict"] == "computed" and "Template" not in made.stdout


def test_a_certificate_is_of_what_was_printed(place: Path, tmp_path: Path) -> None:
    file = tmp_path / "proof.json"
    done = told("verify", "fabric.yaml", *ASKED, "--certificate", str(file))
    assert done.exit_code == 0, done.output
    assert f"$({COMMAND})" in file.read_text()
    check = ("verify", "fabric.yaml", "--check-certificate", str(file))
    assert told(*check, *ASKED).exit_code == 0
    assert told(*check).exit_code == 2
    (place / "overlays" / "prod" / "policy.yaml").write_text(POLICY.replace("5432", "5433"))
    assert told(*check, *ASKED).exit_code == 1


def test_annotations_point_to_no_file_that_is_not_there(place: Path) -> None:
    (place / "overlays" / "prod" / "policy.yaml").write_text(POLICY.replace("5432", "5433"))
    done = told("diff", "main", *ASKED, "-o", "sarif")
    assert done.exit_code == 1, done.output
    uris = {
        at["physicalLocation"]["artifactLocation"]["uri"]
        for result in json.loads(done.stdout)["runs"][0]["results"]
        for at in result.get("locations", [])
        if "physicalLocation" in at
    }
    assert uris and not any("$" in uri for uri in uris)


def test_python_lets_commands_run_where_it_says_so(place: Path) -> None:
    with pytest.raises(cloison.InputError, match="C651"):
        cloison.world("fabric.yaml")
    for source in ("fabric.yaml", "."):
        found = cloison.world(source, render=COMMAND)
        assert {e.name.rpartition("/")[2] for e in found.network.endpoints} >= {"web", "db"}


def test_watching_is_refused(place: Path) -> None:
    done = told("diff", "fabric.yaml", "--watch", *ASKED)
    assert done.exit_code == 2 and "does not see" in done.stderr
