"""An action, a template, hooks and an image: valid by published schemas, and their scripts run on a
repository with a change of one line."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import oracles
import pytest
import yaml
from actions_runner import commands
from codeclimate_types import problems
from fabric_files import vrf, write_fabric
from jsonschema import Draft7Validator

oracles.require("git", "bash")
ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "packaging"
SCHEMAS = Path(__file__).parent / "schemas"
ACTION = yaml.safe_load((PACKAGING / "github" / "action.yml").read_text())
TEMPLATE = yaml.safe_load((PACKAGING / "gitlab" / "cloison.yml").read_text())
HOOKS = {h["id"]: h for h in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
PROGRAM = "from cloison.cli import main; main()"
CLOISON = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c "{PROGRAM}" "$@"\n'
AUTHOR = {f"GIT_{who}_{what}": f"{who}@example.org" for who in ("AUTHOR", "COMMITTER")
          for what in ("NAME", "EMAIL")}  # fmt: skip
POLICY = """apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: shut, namespace: lab}
spec:
  podSelector: {}
  ingress:
    - ports: [{port: 80}]
"""


UNKNOWN = """---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: p, namespace: lab}
spec: {endpointSelector: {}}
"""
FILES = {"github-actions": ACTION, "gitlab-ci": TEMPLATE}


@pytest.mark.parametrize(("schema", "found"), FILES.items(), ids=FILES)
def test_files_are_what_their_readers_take(schema: str, found: object) -> None:
    validator = Draft7Validator(json.loads((SCHEMAS / f"{schema}.json").read_text("utf-8")))
    assert [e.message for e in validator.iter_errors(found)] == []


def test_no_script_has_text_of_others_in_it() -> None:
    """An expression in a script is text of whoever chooses its value."""
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"]
    for name in ("review.sh",):
        assert "eval" not in (PACKAGING / "github" / name).read_text()


def git(folder: Path, *words: str) -> str:
    quiet = {**os.environ, **AUTHOR, "GIT_CONFIG_GLOBAL": os.devnull}
    command = ["git", "-C", str(folder), *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=quiet)
    return done.stdout.strip()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A repository whose last commit opens one port more, with `cloison` beside it in `bin`."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "cloison"
    program.write_text(CLOISON)
    program.chmod(0o755)
    top = tmp_path / "repository"
    top.mkdir()
    tenants = {"red": vrf("10.1.0.0/16")}
    expect = [{"allow": "red/lab/a -> red/lab/b:80/tcp"}]
    write_fabric(top, tenants, {"red": ("lab/a@host1", "lab/b@host2")}, expect=expect)
    manifests = top / "red.yaml"
    manifests.write_text(manifests.read_text() + POLICY)
    subprocess.run([program, "verify", "fabric.yaml"], cwd=top, check=True, capture_output=True)
    git(tmp_path, "init", "-q", "-b", "main", "repository")
    for more in ("", "    - ports: [{port: 443}]\n"):
        manifests.write_text(manifests.read_text() + more)
        git(top, "add", "-A")
        git(top, "commit", "-qm", f"more: {more}")
    return top


def environment(site: Path, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "PATH": f"{site.parent / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "CLOISON_CACHE": str(site.parent / "cache"),
        **more,
    }


def review(site: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """The step of the action that reviews, as the runner runs it."""
    step = next(s for s in ACTION["runs"]["steps"] if s["name"] == "review")
    given = {
        "CLOISON": str(site.parent / "bin" / "cloison"),
        "FABRIC": "fabric.yaml",
        "BASE": "HEAD~1",
        "DIFFERENCES": ACTION["inputs"]["differences"]["default"],
        "SARIF": str(site.parent / "cloison.sarif"),
        "LINK": "https://ci.example/1",
        "REVIEW": str(PACKAGING / "github" / "review.sh"),
        "GITHUB_STEP_SUMMARY": str(site.parent / "summary.md"),
    }
    assert {*given} - {"GITHUB_STEP_SUMMARY"} == {*step["env"]}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=site, env=environment(site, **{**given, **more}), capture_output=True, text=True,
    )  # fmt: skip


def test_an_action_reviews_a_change_of_one_line(site: Path) -> None:
    done = review(site)
    assert done.returncode == 1, done.stderr
    assert done.stderr == ""
    errors = [c for c in commands(done.stdout) if c.name == "error"]
    assert errors and {c.properties["file"] for c in errors} == {"red.yaml"}
    lines = (site / "red.yaml").read_text().splitlines()
    (line,) = {int(c.properties["line"]) for c in errors}
    assert lines.index("kind: NetworkPolicy") < line <= len(lines)
    summary = (site.parent / "summary.md").read_text()
    assert "| gained |" in summary and "**cloison verify**" in summary
    log = json.loads((site.parent / "cloison.sarif").read_text())
    assert {r["ruleId"] for r in log["runs"][0]["results"]} == {"gained"}
    assert review(site, DIFFERENCES="tell").returncode == 0
    assert review(site, BASE="").returncode == 0
    assert review(site, BASE="HEAD").returncode == 0


def test_an_action_is_red_of_all_else_whatever_is_told_of_differences(site: Path) -> None:
    assert review(site, BASE="nowhere", DIFFERENCES="tell").returncode == 2
    assert review(site, FABRIC="missing.yaml", DIFFERENCES="tell").returncode == 2
    evil = "$(touch injected)`touch injected`;touch injected"
    assert review(site, FABRIC=evil, BASE=evil).returncode == 2
    assert not (site / "injected").exists()
    text = (site / "red.yaml").read_text()
    (site / "red.yaml").write_text(text + UNKNOWN)
    git(site, "commit", "-qam", "unknown")
    assert review(site, BASE="", DIFFERENCES="tell").returncode == 4
    fabric = (site / "fabric.yaml").read_text().replace("allow: red/lab/a", "deny: red/lab/a")
    (site / "fabric.yaml").write_text(fabric)
    assert review(site, BASE="", DIFFERENCES="tell").returncode == 1


def template(site: Path, base: str, **more: str) -> subprocess.CompletedProcess[str]:
    (script,) = TEMPLATE["cloison"]["script"]
    given = {"CLOISON_FABRIC": "fabric.yaml", "CI_MERGE_REQUEST_DIFF_BASE_SHA": base, **more}
    command, around = ["bash", "-eo", "pipefail", "-c", script], environment(site, **given)
    return subprocess.run(command, cwd=site, env=around, capture_output=True, text=True)


def test_a_template_reports_a_change_of_one_line(site: Path) -> None:
    posted = site.parent / "posted"
    curl = site.parent / "bin" / "curl"
    curl.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {shlex.quote(str(posted))}\n')
    curl.chmod(0o755)
    api = {
        "CI_API_V4_URL": "https://git.example/api/v4",
        "CI_PROJECT_ID": "7",
        "CI_MERGE_REQUEST_IID": "3",
    }
    done = template(site, git(site, "rev-parse", "HEAD~1"), CLOISON_TOKEN="s3cret", **api)
    assert done.returncode == 1, done.stderr
    assert "https://git.example/api/v4/projects/7/merge_requests/3/notes" in posted.read_text()
    assert "s3cret" not in done.stdout + done.stderr
    issues = json.loads((site / "cloison-codequality.json").read_text())
    assert issues and not [p for issue in issues for p in problems(issue)]
    assert {issue["location"]["path"] for issue in issues} == {"red.yaml"}
    top = ElementTree.parse(site / "cloison-junit.xml").getroot()
    assert (top.get("failures"), top.get("errors")) == ("0", "0")
    assert "| gained |" in (site / "cloison.md").read_text()
    for file in TEMPLATE["cloison"]["artifacts"]["paths"]:
        assert (site / file).is_file()
    posted.unlink()
    assert template(site, "HEAD").returncode == 0
    assert not posted.exists(), "without a token nothing is posted"
    assert template(site, "nowhere").returncode == 2


def hook(site: Path, name: str, *files: str) -> subprocess.CompletedProcess[str]:
    """A hook as pre-commit runs it: its entry, its args, the staged files that it wants."""
    wanted = HOOKS[name]
    if wanted.get("pass_filenames", True):
        files = tuple(f for f in files if re.search(wanted["files"], f))
    return subprocess.run(
        [*shlex.split(wanted["entry"]), *files],
        cwd=site, env=environment(site), capture_output=True, text=True,
    )  # fmt: skip


def test_hooks_check_what_is_committed(site: Path) -> None:
    assert hook(site, "cloison-check", "fabric.yaml", "red.yaml", "README.md").returncode == 0
    assert hook(site, "cloison-verify", "fabric.yaml").returncode == 0
    text = (site / "fabric.yaml").read_text()
    (site / "fabric.yaml").write_text(text.replace("10.1.0.0/16", "10.1.0.0/33"))
    done = hook(site, "cloison-check", "fabric.yaml", "red.yaml")
    assert done.returncode == 2 and "fabric.yaml" in done.stdout
    wants = HOOKS["cloison-check"]["files"]
    good = ["net/fabric.yaml", "a-fabric.yml", "site.fabric.yaml"]
    others = ["fabric.lock", "prefabric.yaml", "fabric.yaml.orig"]
    assert [f for f in good + others if re.search(wants, f)] == good


def test_hooks_are_what_pre_commit_takes() -> None:
    clientlib = pytest.importorskip("pre_commit.clientlib")
    assert {h["id"] for h in clientlib.load_manifest(ROOT / ".pre-commit-hooks.yaml")} == {*HOOKS}


def test_an_image_has_what_is_there_and_is_nobody() -> None:
    lines = (PACKAGING / "container" / "Containerfile").read_text().replace("\\\n", "").splitlines()
    copied = [source for line in lines if line.startswith("COPY ") for source in line.split()[1:-1]]
    assert [source for source in copied if not (ROOT / source).exists()] == []
    packages = {"cloison", "compiler", "fabric", "sim"}
    assert packages <= {*copied}
    heads = [line.split(" ")[0] for line in lines]
    before, after = heads.index("USER"), heads.index("ENTRYPOINT")
    assert before < after and lines[before] != "USER root"
    installs = [line for line in lines if "pip install" in line]
    assert all("--require-hashes" in line or "--no-deps" in line for line in installs)
